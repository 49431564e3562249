//! Nobody is taken for dead without cause, even while the ticktime changes.

use std::collections::BTreeMap;

use netkernel_core::net_kernel::{NetKernel, NodeDownReason, NodeEvent, TicktimeState};

use crate::sim::ActorId;
use crate::sim::call::Call;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::{CallClass, Plan, SECOND};
use crate::sim::world::World;

/// No link ends with `net_tick_timeout` in a cluster where nothing goes wrong, whatever changes of the ticktime its nodes make
/// together: `docs/spec/ticktime.md#ticktime-too-late`.
///
/// *Antecedent*: no faults, clocks of equal rates, and delays that are short for the shortest ticktime (`is_calm`). Every change was
/// begun by all nodes within the transition period of the first. From the moment when a node changed alone, or was still busy with another
/// change and so refused one, or began anew after a change, nothing is said.
#[derive(Debug, Default)]
pub struct Ticktime {
    /// At the beginning of the run, whose end is calmer: what was late before comes all at once then.
    calm: Option<bool>,
    /// The change that some nodes have begun, who, and until when the others have to.
    change: Option<(Call, u64, BTreeMap<ActorId, u64>)>,
    changed: bool,
    spoilt: bool,
}

impl Oracle for Ticktime {
    fn name(&self) -> &'static str {
        "ticktime"
    }

    fn wants(&self) -> Kinds {
        Kinds::LINKS.and(Kinds::CALLS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor.filter(|_| !self.spoilt) else { return Ok(()) };
        let calm = *self.calm.get_or_insert_with(|| is_calm(&world.shared.plan));
        match &seen.fact {
            Fact::Called {
                call: call @ Call::SetNetTicktime { seconds, transition_seconds },
                ..
            } => {
                self.changed = true;
                self.spoilt = !changes_to(*seconds, actor, world);
                let period = u64::from(*transition_seconds) * SECOND;
                self.begun(actor, call, seen.at, period, world.nodes().len());
            }
            Fact::Called { call, .. } if call.changes_ticktime_for().is_some() => {
                (self.changed, self.spoilt) = (true, true);
            }
            // A node that begins anew has the ticktime that it is configured with.
            Fact::Crashed { .. } | Fact::NotAlive | Fact::Alive { .. } if self.changed => {
                self.spoilt = true;
            }
            Fact::Told { event: event @ NodeEvent::NodeDown { .. }, .. }
                if event.nodedown_reason() == Some(&NodeDownReason::NetTickTimeout) =>
            {
                let late = self.change.as_ref().is_some_and(|(_, until, _)| *until < seen.at);
                if calm && !late {
                    return Err(format!("{event} without cause"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Ticktime {
    fn begun(&mut self, actor: ActorId, call: &Call, at: u64, period: u64, nodes: usize) {
        let fresh = (call.clone(), at + period, BTreeMap::new());
        let (of, until, begun) = self.change.get_or_insert(fresh);
        // The next change before all have begun this one, or too late for it.
        self.spoilt |= of != call || at > *until || begun.insert(actor, at).is_some();
        if begun.len() == nodes {
            self.change = None;
        }
    }
}

/// Whether the node is alive, and is changing or has changed to this.
fn changes_to(seconds: u32, actor: ActorId, world: &World<'_>) -> bool {
    let kernel = world.actors[actor.0].kernel().filter(|kernel| kernel.is_alive());
    kernel.and_then(NetKernel::get_net_ticktime).is_some_and(|state| match state {
        TicktimeState::Steady(to) | TicktimeState::OngoingChangeTo(to) => to == seconds,
    })
}

/// Nothing goes wrong, and what takes time takes less than an eighth of the shortest ticktime there may be: a link is ticked after two
/// intervals at the latest, so half of the ticktime is left for delays on both sides.
fn is_calm(plan: &Plan) -> bool {
    // Operators may choose a second.
    let changing = [CallClass::Ticktime, CallClass::TicktimeAlone, CallClass::Request];
    let changes = changing.iter().any(|class| plan.has_call(*class));
    let shortest = if changes { SECOND } else { u64::from(plan.ticktime) * SECOND };
    let delays = plan.latency_ns + plan.jitter_ns + 8 * plan.step_max_ns;
    plan.skew_ppm == 0 && !plan.has_faults() && delays < shortest / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::{Choice, Prng, Topic, pick};
    use crate::sim::plan::Topology;

    /// Lets things happen until that time. The reasons of all nodedowns.
    fn pass(world: &mut World<'_>, until: u64) -> Vec<NodeDownReason> {
        let mut reasons = Vec::new();
        while world.step(until) {
            let told = world.shared.notes.take();
            reasons.extend(told.into_iter().filter_map(|seen| match seen.fact {
                Fact::Told { event, .. } => event.nodedown_reason().cloned(),
                _ => None,
            }));
        }
        world.shared.now = until;
        reasons
    }

    /// Ticktimes before and after, the period, and when each node begins the change; and why links end by that.
    fn downs(seconds: (u32, u32), transition_seconds: u32, begins: &[u64]) -> Vec<NodeDownReason> {
        let plan = Plan { ticktime: seconds.0, ..Plan::calm(begins.len(), Topology::Mesh) };
        let mut choice = Prng::new(u64::from(seconds.0));
        let mut world = World::new(plan, &mut choice);
        world.shared.notes.want(Kinds::LINKS);
        let began = (60 + u64::from(seconds.0)) * SECOND;
        pass(&mut world, began / 2);
        world.wish_for_links();
        let mut order: Vec<usize> = (0..begins.len()).collect();
        order.sort_by_key(|node| begins[*node]);
        let mut reasons = Vec::new();
        for node in order {
            reasons.extend(pass(&mut world, began + begins[node]));
            world.call(node, Call::SetNetTicktime { seconds: seconds.1, transition_seconds });
        }
        let last = begins.iter().max().copied().unwrap_or_default();
        reasons.extend(pass(&mut world, began + last + 600 * SECOND));
        assert_eq!(
            world.shared.counts.ups as usize,
            begins.len() * begins.len(),
            "all were linked"
        );
        reasons
    }

    //= docs/spec/ticktime.md#ticktime-too-late
    //= type=test
    #[test]
    fn a_change_that_all_begin_within_the_transition_of_the_first_downs_nobody() {
        let mut choice = Prng::new(1);
        for _ in 0..40 {
            let seconds = [1, 4, 8, 20, 60];
            let (before, after) = (
                pick(&mut choice, Topic::Plan, &seconds),
                pick(&mut choice, Topic::Plan, &seconds),
            );
            let period = pick(&mut choice, Topic::Plan, &[60, 10, 30]);
            let mut begins = [0; 4];
            for begin in &mut begins[1..] {
                *begin = choice.range(Topic::Plan, 0, u64::from(period) * SECOND);
            }
            assert_eq!(downs((before, after), period, &begins), [], "{before} {after} {begins:?}");
        }
    }

    #[test]
    fn a_change_that_a_node_is_too_busy_for_is_not_judged() {
        let plan = Plan { ticktime: 15, ..Plan::calm(2, Topology::Mesh) };
        let mut choice = Prng::new(1);
        let mut world = World::new(plan, &mut choice);
        let mut oracle = Ticktime::default();
        world.shared.notes.want(oracle.wants());
        let mut timeouts = 0;
        let mut judge = |world: &mut World<'_>, seconds: u64| {
            let until = world.shared.now + seconds * SECOND;
            while world.step(until) {
                for seen in world.shared.notes.take() {
                    assert_eq!(oracle.observe(&seen, world), Ok(()));
                    timeouts += usize::from(matches!(&seen.fact, Fact::Told { event, .. }
                        if event.nodedown_reason() == Some(&NodeDownReason::NetTickTimeout)));
                }
            }
            world.shared.now = until;
        };
        let to = |seconds, transition_seconds| Call::SetNetTicktime { seconds, transition_seconds };
        judge(&mut world, 20);
        world.wish_for_links();
        judge(&mut world, 20);
        world.call(0, to(8, 60));
        judge(&mut world, 40);
        world.call(1, to(8, 60));
        judge(&mut world, 30);
        // The second is still busy: only the first changes.
        world.call(0, to(1, 0));
        world.call(1, to(1, 0));
        judge(&mut world, 20);
        assert_eq!(timeouts, 1);
    }

    #[test]
    fn a_node_that_begins_too_late_is_taken_for_dead() {
        let late = [0, 0, 45 * SECOND];
        let reasons = downs((60, 8), 10, &late);
        let timeouts = reasons.iter().filter(|of| **of == NodeDownReason::NetTickTimeout).count();
        assert_eq!(
            (reasons.len(), timeouts),
            (4, 2),
            "both of its links, by the other side's ticks"
        );
        assert_eq!(downs((60, 8), 60, &late), [], "it is in time for a longer transition");
    }
}
