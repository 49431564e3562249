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
    /// Monitors of own processes, by who monitors: those that say this node's name, and all. Others say a name that it had,
    /// which another node may have now.
    local_monitors: BTreeMap<Pid, usize>,
    local_watchers: BTreeMap<Pid, usize>,
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
                    *known.local_monitors.entry(own.clone()).or_default() += 1;
                } else {
                    *known.monitors.entry((target.node().clone(), own.clone())).or_default() += 1;
                }
            }
            for pid in processes.monitored_by(of) {
                if pid.node == own.node {
                    *known.local_watchers.entry(pid).or_default() += 1;
                } else {
                    known.nodes.insert(pid.node.clone());
                    *known.watchers.entry(pid).or_default() += 1;
                }
            }
        }
        known
    }

    /// Monitors that a process has of processes of its own node, under names that it had.
    fn renamed(&self, by: &Pid) -> usize {
        let count = |of: &BTreeMap<Pid, usize>| of.get(by).copied().unwrap_or(0);
        count(&self.local_watchers).saturating_sub(count(&self.local_monitors))
    }

    /// Tables have no more rows than processes have relations.
    fn has_no_leak(&self) -> Result<(), String> {
        let sum = |monitors: &BTreeMap<_, usize>| monitors.values().sum::<usize>();
        let monitors = sum(&self.local_monitors) + self.monitors.values().sum::<usize>();
        let watches = sum(&self.watchers);
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
    let monitors = ours.monitors.iter().filter(|((node, _), _)| node == other.as_atom());
    let monitors: BTreeMap<&Pid, usize> = monitors.map(|((_, pid), count)| (pid, *count)).collect();
    let watchers = theirs.watchers.iter().filter(|(pid, _)| pid.node == *one.as_atom());
    let watchers: BTreeMap<&Pid, usize> = watchers.map(|(pid, count)| (pid, *count)).collect();
    for pid in monitors.keys().chain(watchers.keys()) {
        let [monitors, watchers] =
            [&monitors, &watchers].map(|of| of.get(pid).copied().unwrap_or(0));
        if !(watchers..=watchers + ours.renamed(pid)).contains(&monitors) {
            return Err(format!(
                "{pid} has {monitors} monitors at {other}, where {watchers} are known"
            ));
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
    use netkernel_core::Creation;

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

    #[test]
    fn a_name_that_a_node_had_may_be_that_of_another_one() {
        let [one, other]: [NodeName; 2] = ["n0@h", "n1@h"].map(|name| name.parse().unwrap());
        let (node, creation) = (one.as_atom().clone(), Creation(4));
        let pid = Pid { node, id: 3, serial: 0, creation };
        let counts = |count| BTreeMap::from([(pid.clone(), count)]);
        let judged = |monitors, watchers, local| {
            let monitors = BTreeMap::from([((other.as_atom().clone(), pid.clone()), monitors)]);
            let ours = Known { monitors, local_watchers: counts(local), ..Known::default() };
            let theirs = Known { watchers: counts(watchers), ..Known::default() };
            agree(&one, &ours, &other, &theirs).is_ok()
        };
        assert!(judged(2, 2, 0) && judged(2, 1, 1) && judged(2, 2, 1));
        assert!(!judged(2, 1, 0) && !judged(1, 2, 1) && !judged(3, 1, 1));
    }
}
