//! The end of a link between nodes comes in order.

use std::collections::BTreeSet;

use netkernel_core::NodeName;
use netkernel_core::net_kernel::{ConnectionId, NodeEvent};
use netkernel_core::process::{ProcessEvent, SpawnFailure};
use netkernel_core::term::Atom;

use crate::sim::ActorId;
use crate::sim::delivery::Got;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// All that the processes of a lost node had comes to its end before `monitor_nodes` says `nodedown`: exit signals of links first, then the
/// ends of monitors and of requests to spawn, then `nodedown` of `monitor_node`.
///
/// *Antecedent*: what comes to different mailboxes of a node shares one order. That it is all of it is for `relations` to find.
#[derive(Debug, Default)]
pub struct Loss {
    /// By machine and node: what that had has come to its end, since there was an attempt or a link.
    lost: BTreeSet<(ActorId, NodeName)>,
    /// Whose end is coming, and how far.
    coming: Option<(ActorId, NodeName, Part)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Links,
    Monitors,
    Nodes,
}

impl Oracle for Loss {
    fn name(&self) -> &'static str {
        "loss"
    }

    fn wants(&self) -> Kinds {
        Kinds::PROCESSES.and(Kinds::LINKS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => self.lost.retain(|(of, _)| *of != actor),
            Fact::Attempting { node, .. } => drop(self.lost.remove(&(actor, node.clone()))),
            Fact::Lost { node } => {
                self.lost.insert((actor, node.clone()));
                self.coming = Some((actor, node.clone(), Part::Links));
            }
            Fact::Got { got: Got::Event(event), .. } => return self.got(actor, event),
            Fact::Told { to, event: event @ NodeEvent::NodeDown { .. }, .. } => {
                let process = world.actors[actor.0].process.as_ref();
                let of_link = matches!(event.connection_id(), Some(ConnectionId::Link(_)));
                if of_link
                    && process.is_some_and(|process| process.body.office.witness == *to)
                    && !self.lost.contains(&(actor, event.node().clone()))
                {
                    return Err(format!("{event} before the end of what that node had"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, _world: &World<'_>) -> Result<(), String> {
        self.coming = None;
        Ok(())
    }
}

impl Loss {
    fn got(&mut self, actor: ActorId, event: &ProcessEvent) -> Result<(), String> {
        let Some((of, node, part)) = &mut self.coming else { return Ok(()) };
        let is_it = |other: &Atom| *of == actor && node.as_atom() == other;
        let now = match event {
            ProcessEvent::Exit { from, .. } if is_it(&from.node) => Part::Links,
            ProcessEvent::Down { object, .. } if is_it(object.node()) => Part::Monitors,
            // Nobody asks for one in such a step, so it is of that node.
            ProcessEvent::SpawnReply { result: Err(SpawnFailure::NoConnection), .. }
                if *of == actor =>
            {
                Part::Monitors
            }
            ProcessEvent::NodeDown(node) if is_it(node.as_atom()) => Part::Nodes,
            _ => return Ok(()),
        };
        if now < *part {
            return Err(format!("{event:?} behind what comes later"));
        }
        *part = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use netkernel_core::Creation;
    use netkernel_core::process::Target;
    use netkernel_core::term::{Pid, Reference};

    use super::*;
    use crate::sim::choice::{Replay, Tapes};
    use crate::sim::oracles::tests::mailbox;
    use crate::sim::plan::{Plan, Topology};

    #[test]
    fn links_that_end_behind_monitors_are_found() {
        let node: NodeName = "n1@h".parse().unwrap();
        let (creation, reason) = (Creation(4), bytes::Bytes::new());
        let from = Pid { node: node.as_atom().clone(), id: 3, serial: 0, creation };
        let reference = Reference::new(node.as_atom().clone(), creation, &[1, 2, 3]).unwrap();
        let answer = ProcessEvent::SpawnReply {
            tag: reason.clone(),
            request: reference.clone(),
            result: Err(SpawnFailure::NoConnection),
        };
        let down = ProcessEvent::Down {
            reference,
            object: Target::Pid(from.clone()),
            reason: reason.clone(),
            tag: None,
        };
        let exit = ProcessEvent::Exit { from, reason };
        let nodedown = ProcessEvent::NodeDown(node.clone());
        let mut choice = Replay::new(Tapes::default());
        let world = World::new(Plan::calm(2, Topology::Mesh), &mut choice);
        let in_order = |events: [&ProcessEvent; 3]| {
            let mut oracle = Loss::default();
            let got =
                |event: &ProcessEvent| Fact::Got { to: mailbox(), got: Got::Event(event.clone()) };
            let mut facts = vec![Fact::Lost { node: node.clone() }];
            facts.extend(events.map(got));
            facts.into_iter().try_for_each(|fact| {
                let seen = Seen { at: 0, actor: Some(ActorId(0)), life: 1, fact };
                oracle.observe(&seen, &world)
            })
        };
        assert_eq!(in_order([&exit, &down, &nodedown]), Ok(()));
        assert!(in_order([&down, &exit, &nodedown]).is_err());
        assert!(in_order([&exit, &nodedown, &down]).is_err());
        assert_eq!(in_order([&exit, &answer, &down]), Ok(()));
        assert!(in_order([&answer, &exit, &nodedown]).is_err());
        assert!(in_order([&down, &nodedown, &answer]).is_err());
    }
}
