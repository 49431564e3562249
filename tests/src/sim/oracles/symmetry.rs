//! In the end both sides know the same of each other, and nothing else is known.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::process::{Processes, Usage};
use netkernel_core::term::{Atom, Pid};
use netkernel_core::{MailboxId, NodeName};

use crate::sim::observe::{Kinds, Oracle, Seen};
use crate::sim::world::World;

/// In the end each link of two processes and each monitor is known on both sides, or on neither; and a node remembers nothing else: no
/// relation of a process that has ended, no link with one of a node that is gone, no unlink that was never acknowledged. (That it remembers no other node is for `relations` to find.)
///
/// *Antecedent*: faults have stopped, nobody has acted since, dead links have been found out, and signals have gone on as long as any
/// arrived.
#[derive(Clone, Copy, Debug)]
pub struct Symmetry;

impl Oracle for Symmetry {
    fn name(&self) -> &'static str {
        "symmetry"
    }

    fn wants(&self) -> Kinds {
        Kinds::NONE
    }

    fn observe(&mut self, _seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        let mut nodes = BTreeMap::new();
        for actor in world.nodes() {
            let Some(name) = world.name_of(actor.id.0) else { continue };
            let Some(process) = &actor.process else { continue };
            let office = &process.body.office;
            nodes.insert(name, Known::of(&office.processes, &office.crew));
        }
        for (name, known) in &nodes {
            known.has_no_leak().map_err(|what| format!("{name}: {what}"))?;
            for (other, theirs) in nodes.iter().filter(|(other, _)| *other != name) {
                agree(name, known, other, theirs)?;
            }
            let gone = known.nodes.iter().find(|node| !nodes.contains_key(*node));
            if let Some(gone) = gone {
                return Err(format!("{name} remembers {gone}, which is not there"));
            }
        }
        Ok(())
    }
}

/// What one node knows.
#[derive(Debug, Default)]
struct Known {
    usage: Usage,
    /// One of this node, and one of another.
    links: BTreeSet<(Pid, Pid)>,
    /// Who monitors, by the node of the other one; and how often.
    monitors: BTreeMap<(Atom, Pid), usize>,
    /// Who of another node monitors, and how often.
    watchers: BTreeMap<Pid, usize>,
    local_monitors: usize,
    nodes: BTreeSet<Atom>,
}

impl Known {
    fn of(processes: &Processes, crew: &[MailboxId]) -> Self {
        let mut known = Self { usage: processes.usage(), ..Self::default() };
        for &of in crew {
            let Some(own) = processes.pid(of) else { continue };
            for pid in processes.links(of).into_iter().filter(|pid| pid.node != own.node) {
                known.nodes.insert(pid.node.clone());
                known.links.insert((own.clone(), pid));
            }
            for (_, target) in processes.monitors(of) {
                if target.node() == &own.node {
                    known.local_monitors += 1;
                } else {
                    // It may be its own node, under the name that it had.
                    *known.monitors.entry((target.node().clone(), own.clone())).or_default() += 1;
                }
            }
            for pid in processes.monitored_by(of).into_iter().filter(|pid| pid.node != own.node) {
                known.nodes.insert(pid.node.clone());
                *known.watchers.entry(pid).or_default() += 1;
            }
        }
        known
    }

    /// Tables have no more rows than processes have relations.
    fn has_no_leak(&self) -> Result<(), String> {
        let monitors = self.local_monitors + self.monitors.values().sum::<usize>();
        let watches = self.watchers.values().sum::<usize>();
        let counted = (self.links.len(), monitors, watches);
        let Usage { links, monitors, watches, spawns, .. } = self.usage;
        // All requests to spawn are answered by now.
        if (links, monitors, watches) != counted || spawns != 0 {
            return Err(format!("{:?} in tables, {counted:?} of processes", self.usage));
        }
        Ok(())
    }
}

fn agree(one: &NodeName, ours: &Known, other: &NodeName, theirs: &Known) -> Result<(), String> {
    for (pid, with) in ours.links.iter().filter(|(_, with)| with.node == *other.as_atom()) {
        if !theirs.links.contains(&(with.clone(), pid.clone())) {
            return Err(format!("{pid} is linked with {with}, which is not with it"));
        }
    }
    // Those of nodes that are gone are for `relations` to find.
    let watch = |(node, pid): (&Atom, &Pid), count: usize| {
        let known = if node == other.as_atom() { theirs.watchers.get(pid) } else { Some(&count) };
        (known != Some(&count))
            .then(|| format!("{pid} has {count} monitors at {node}, not {known:?}"))
    };
    let mut monitors = ours.monitors.iter().map(|((node, pid), count)| ((node, pid), *count));
    if let Some(wrong) = monitors.find_map(|(of, count)| watch(of, count)) {
        return Err(wrong);
    }
    for (pid, count) in theirs.watchers.iter().filter(|(pid, _)| pid.node == *one.as_atom()) {
        if ours.monitors.get(&(other.as_atom().clone(), pid.clone())) != Some(count) {
            return Err(format!("{pid} monitors {count} times at {other}, and does not know it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::act::Act;
    use crate::sim::choice::{Replay, Tapes};
    use crate::sim::oracles::tests::pass;
    use crate::sim::plan::{Plan, Topology};

    #[test]
    fn what_only_one_side_knows_is_found() {
        let mut choice = Replay::new(Tapes::default());
        let mut world = World::new(Plan::calm(2, Topology::Mesh), &mut choice);
        pass(&mut world, 20);
        world.wish_for_links();
        pass(&mut world, 1);
        let World { actors, shared, .. } = &mut world;
        let [one, two] = [0, 1].map(|node| {
            let body = &mut actors[node].process.as_mut().unwrap().body;
            let by = body.begin(None, true, shared);
            (by, body.office.processes.pid(by).unwrap())
        });
        for act in [Act::Link(two.1.clone()), Act::Monitor(two.1.into(), None)] {
            let body = &mut world.actors[0].process.as_mut().unwrap().body;
            body.perform(one.0, act, &mut world.shared);
            assert!(Symmetry.at_end(&world).is_err(), "the other side does not know yet");
            pass(&mut world, 1);
            assert_eq!(Symmetry.at_end(&world), Ok(()));
        }
    }
}
