//! Processes are told what concerns them, once.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::term::Pid;
use netkernel_core::{LinkId, MailboxId, NodeName};

use crate::sim::ActorId;
use crate::sim::delivery::Got;
use crate::sim::kin::Kin;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// What comes into the mailboxes of a node's processes in a step is what its [`Kin`] says, no more and no less: messages, exit
/// signals, ends of monitors and of nodes, answers to requests to spawn; `noconnection` once for each link, monitor and request that a
/// lost node had. Requests of others are answered in the step in which they come. In the end, links, monitors, aliases and requests
/// are those of the model, and no node is remembered that none of them is with.
///
/// *Antecedent*: a process acts, a signal is handled and a node is lost within one step, with all that it leads to inside the node.
#[derive(Debug, Default)]
pub struct Relations {
    kin: BTreeMap<ActorId, Kin>,
    nodes: BTreeMap<(ActorId, LinkId), NodeName>,
    touched: BTreeSet<ActorId>,
    /// In this step. What leads to it may be seen behind it.
    got: Vec<(ActorId, MailboxId, Got)>,
}

impl Oracle for Relations {
    fn name(&self) -> &'static str {
        "relations"
    }

    fn wants(&self) -> Kinds {
        Kinds::PROCESSES.and(Kinds::LINKS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        let kin = self.kin.entry(actor).or_default();
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.kin.remove(&actor);
                self.nodes.retain(|(of, _), _| *of != actor);
            }
            Fact::Promoted { promotion, .. } => {
                self.nodes.insert((actor, promotion.link), promotion.node.clone());
                self.touched.insert(actor);
                kin.up(&promotion.node, promotion.flags);
            }
            Fact::Disconnected { link, .. } => drop(self.nodes.remove(&(actor, *link))),
            Fact::Acted { by, did } => {
                self.touched.insert(actor);
                kin.acted(*by, did);
            }
            Fact::Arrived { link, to, signal, .. } => {
                self.touched.insert(actor);
                let Some(node) = self.nodes.get(&(actor, *link)) else {
                    return Err(format!("{signal:?} on {link:?}, which is not up"));
                };
                kin.arrived(node, *to, signal);
            }
            Fact::Signalled { signal, .. } => {
                self.touched.insert(actor);
                return kin.signalled(signal);
            }
            Fact::Started { process, runs } => kin.started(*process, *runs),
            Fact::Lost { node } => {
                self.touched.insert(actor);
                kin.lost(node);
            }
            Fact::Got { to, got } => self.got.push((actor, *to, got.clone())),
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, world: &World<'_>) -> Result<(), String> {
        for (actor, to, got) in core::mem::take(&mut self.got) {
            let kin = self.kin.entry(actor).or_default();
            kin.got(to, &got).map_err(|what| format!("{}: {what}", world.label(actor)))?;
        }
        for actor in core::mem::take(&mut self.touched) {
            if let Some(kin) = self.kin.get(&actor) {
                kin.settled().map_err(|what| format!("{}: {what}", world.label(actor)))?;
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        for actor in world.nodes() {
            let (Some(process), Some(kin)) = (&actor.process, self.kin.get(&actor.id)) else {
                continue;
            };
            let processes = &process.body.office.processes;
            let crew: Vec<_> = kin.processes().collect();
            if crew != process.body.office.crew {
                return Err(format!("{crew:?} is {:?}", process.body.office.crew));
            }
            let mut nodes = kin.nodes();
            for by in crew {
                let links: BTreeSet<Pid> = processes.links(by).into_iter().collect();
                let monitors = processes.monitors(by);
                let own = processes.pid(by).map(|pid| pid.node);
                let watchers = processes.monitored_by(by).into_iter().map(|pid| pid.node);
                nodes.extend(watchers.filter(|node| Some(node) != own.as_ref()));
                let holds = links.len() == kin.links(by).count() + kin.local_links(by)
                    && kin.links(by).all(|pid| links.contains(pid))
                    && monitors.len() == kin.monitors(by).count()
                    && kin.monitors(by).all(|of| monitors.iter().any(|(it, _)| it == of));
                if !holds {
                    return Err(format!("{by:?} has {links:?}, {monitors:?}, and not {kin:?}"));
                }
            }
            let (usage, aliases) = (processes.usage(), kin.aliases());
            let expected = (aliases, kin.node_monitors(), kin.requests(), nodes.len());
            if (usage.aliases, usage.node_monitors, usage.spawns, usage.nodes) != expected {
                return Err(format!("{usage:?}: {expected:?}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::act::{Act, Reason, Receiver};
    use crate::sim::letter::Letter;
    use crate::sim::observe::Did;
    use crate::sim::oracles::tests::{judge, mailbox};
    use netkernel_core::Creation;
    use netkernel_core::process::ProcessEvent;
    use netkernel_core::term::Atom;

    fn acted(act: Act) -> (usize, Fact) {
        let did = Did {
            act,
            to: Some(mailbox()),
            elsewhere: false,
            reached: None,
            reference: None,
            unlink: None,
        };
        (0, Fact::Acted { by: mailbox(), did })
    }

    #[test]
    fn what_comes_without_a_cause_or_does_not_come_is_found() {
        let node = "n1@h".parse().unwrap();
        let down = Fact::Got { to: mailbox(), got: Got::Event(ProcessEvent::NodeDown(node)) };
        assert!(judge(&mut Relations::default(), vec![acted(Act::Begin), (0, down)]).is_err());
        let pid = Pid { node: Atom::new("n0@h").unwrap(), id: 3, serial: 0, creation: Creation(4) };
        let letter = Letter { from: ActorId(0), life: 1, number: 1 };
        for act in [
            Act::Send(Receiver::Pid(pid.clone()), letter, 0),
            Act::Exit(pid, Reason::Letter(letter)),
        ] {
            let facts = vec![acted(Act::Begin), acted(act)];
            assert!(judge(&mut Relations::default(), facts).is_err());
        }
        assert_eq!(judge(&mut Relations::default(), vec![acted(Act::Begin)]), Ok(()));
    }
}
