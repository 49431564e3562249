//! Silence is found out in time, and not before.

use std::collections::{BTreeMap, BTreeSet};

use netkernel_core::net_kernel::{
    ConnectionId, NetKernel, NodeDownReason, NodeEvent, TicktimeState,
};
use netkernel_core::{LinkId, StreamId};

use crate::sim::ActorId;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::plan::{MILLI, Plan, SECOND};
use crate::sim::world::World;

/// A link ends with `net_tick_timeout` only if nothing was read from it for T before the look that decided so; and no link, however it
/// ends, has been silent for longer than `T + T / I`. Both by the clock of its own node. This is the window of
/// `docs/spec/tick.md#tick-timeout`, as `ticktime-detection` has it for a node whose ticktime is steady.
///
/// *Antecedent*: of both, that the ticktime was steady during the silence; of the second, that neither the process nor its reader was
/// paused in it. Where threads take their time a look may be late: by `LATE_STEPS` steps.
#[derive(Debug, Default)]
pub struct Detection {
    links: BTreeMap<(ActorId, StreamId), Watched>,
    nodes: BTreeMap<ActorId, Node>,
    /// Silence, as it was when the machine gave the link up.
    given_up: BTreeMap<(ActorId, LinkId), Silence>,
    /// Nodes that something was seen of in this step.
    touched: BTreeSet<ActorId>,
    step_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    link: LinkId,
    since: u64,
    /// It has been judged.
    done: bool,
}

#[derive(Debug, Default)]
struct Node {
    /// No silence that began before this is judged from below, nor from above.
    unsteady_until: u64,
    paused_until: u64,
    /// The ticktime before this step: a call may change it behind what is judged. One to which it was being changed holds when the
    /// node is steady again.
    ticktime: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Silence {
    ns: u64,
    least: u64,
}

/// Steps of a thread by which a look may be late, and decisions after it.
pub(super) const LATE_STEPS: u64 = 6;

impl Oracle for Detection {
    fn name(&self) -> &'static str {
        "detection"
    }

    fn wants(&self) -> Kinds {
        Kinds::STREAMS.and(Kinds::LINKS).and(Kinds::LIFE).and(Kinds::CALLS)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        self.step_ns = self.step_ns.max(world.shared.plan.step_max_ns);
        let Some(actor) = seen.actor else { return Ok(()) };
        self.touched.insert(actor);
        match &seen.fact {
            Fact::Crashed { .. } => {
                self.links.retain(|(of, _), _| *of != actor);
                self.given_up.retain(|(of, _), _| *of != actor);
                self.nodes.remove(&actor);
            }
            Fact::Resumed => self.nodes.entry(actor).or_default().paused_until = seen.at,
            Fact::Called { call, .. } => {
                let Some(transition_seconds) = call.changes_ticktime_for() else { return Ok(()) };
                // A transition is longer by less than one of its intervals, and after it one more wait was begun in it.
                let length = (u64::from(transition_seconds) + 2 * 60) * SECOND;
                let node = self.nodes.entry(actor).or_default();
                node.unsteady_until = node.unsteady_until.max(seen.at + length + length / 50);
            }
            Fact::Promoted { stream, promotion, .. } => {
                let watched = Watched { link: promotion.link, since: seen.at, done: false };
                self.links.insert((actor, *stream), watched);
            }
            Fact::Closing { stream, .. } => {
                self.gives_up(actor, *stream, world);
                return self.ends(actor, *stream, world);
            }
            Fact::Released { stream } => return self.ends(actor, *stream, world),
            Fact::Closed { stream, .. } => drop(self.links.remove(&(actor, *stream))),
            Fact::Told { event: event @ NodeEvent::NodeDown { .. }, .. } => {
                if let Some(ConnectionId::Link(link)) = event.connection_id()
                    && let Some(silence) = self.given_up.remove(&(actor, link))
                    && event.nodedown_reason() == Some(&NodeDownReason::NetTickTimeout)
                    && silence.ns < silence.least
                {
                    return Err(format!("{event} after {silence:?}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn after_step(&mut self, world: &World<'_>) -> Result<(), String> {
        while let Some(actor) = self.touched.pop_first() {
            let told = world.actors[actor.0].kernel().and_then(NetKernel::get_net_ticktime);
            self.nodes.entry(actor).or_default().ticktime = told.map(|told| match told {
                TicktimeState::Steady(seconds) | TicktimeState::OngoingChangeTo(seconds) => seconds,
            });
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<'_>) -> Result<(), String> {
        let links: Vec<_> = self.links.keys().copied().collect();
        links.into_iter().try_for_each(|(actor, stream)| self.ends(actor, stream, world))
    }
}

impl Detection {
    /// The machine closes a link, as far as that was looked at: the looks at a stream that has ended by itself are not known.
    fn gives_up(&mut self, actor: ActorId, stream: StreamId, world: &World<'_>) {
        let Some(watched) = self.links.get(&(actor, stream)).filter(|it| !it.done) else { return };
        let (of, plan) = (&world.actors[actor.0], &world.shared.plan);
        let Some(process) = &of.process else { return };
        let node = self.nodes.entry(actor).or_default();
        let look = process.body.live_stream(stream).and_then(|live| live.look);
        let (Some(seconds), Some((look, heard))) = (node.ticktime, look) else { return };
        if heard < node.unsteady_until {
            return;
        }
        let local = |world: u64| of.clock.local(world).as_nanos();
        let (ticktime, _) = ticktime_ns(seconds, plan);
        let least = ticktime.saturating_sub(LATE_STEPS * self.step_ns);
        self.given_up
            .insert((actor, watched.link), Silence { ns: local(look) - local(heard), least });
    }

    fn ends(&mut self, actor: ActorId, stream: StreamId, world: &World<'_>) -> Result<(), String> {
        let Some(watched) = self.links.get_mut(&(actor, stream)).filter(|it| !it.done) else {
            return Ok(());
        };
        watched.done = true;
        let (of, plan) = (&world.actors[actor.0], &world.shared.plan);
        let Some(process) = &of.process else { return Ok(()) };
        let Some(live) = process.body.live_stream(stream) else { return Ok(()) };
        let node = self.nodes.entry(actor).or_default();
        let Some(seconds) = node.ticktime else { return Ok(()) };
        let (ticktime, interval) = ticktime_ns(seconds, plan);
        let local = |world: u64| of.clock.local(world).as_nanos();
        let late = LATE_STEPS * self.step_ns;
        let heard = live.heard.max(watched.since);
        let steady = heard >= node.unsteady_until && heard > node.paused_until;
        let silence = local(world.shared.now) - local(heard);
        let most = ticktime + interval + (u64::from(plan.intensity) + 1) * (late + MILLI);
        if steady && of.paused_until.is_none() && !live.was_paused && silence > most {
            return Err(format!("{stream:?} was silent for {silence} ns, longer than {most}"));
        }
        Ok(())
    }
}

/// T rounded up to whole intervals of whole milliseconds, and the interval.
pub(super) fn ticktime_ns(seconds: u32, plan: &Plan) -> (u64, u64) {
    let intensity = u64::from(plan.intensity);
    let interval = (u64::from(seconds) * 1000).div_ceil(intensity) * MILLI;
    (interval * intensity, interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::Prng;
    use crate::sim::plan::Topology;

    /// A node with a ticktime of `before` has not heard of the other for `silence` when their link ends, and then, in the same step,
    /// takes that of `after`.
    fn judge(before: u32, after: u32, silence: u64) -> Result<(), String> {
        let plan = Plan { ticktime: before, ..Plan::calm(2, Topology::Mesh) };
        let mut choice = Prng::new(1);
        let mut world = World::new(plan, &mut choice);
        let mut oracle = Detection::default();
        world.shared.notes.want(oracle.wants());
        let mut wished = false;
        let mut link = None;
        while link.is_none() && world.step(200 * SECOND) {
            wished |= world.shared.now > 60 * SECOND && !wished && {
                world.wish_for_links();
                true
            };
            for seen in world.shared.notes.take() {
                oracle.observe(&seen, &world)?;
                if let Fact::Promoted { stream, .. } = seen.fact
                    && world.are_linked(0, 1)
                {
                    link = seen.actor.map(|actor| (actor, stream));
                }
            }
            oracle.after_step(&world)?;
        }
        let (actor, stream) = link.ok_or("they are never linked")?;
        world.shared.now += silence;
        let now = world.actors[actor.0].clock.local(world.shared.now);
        let process = world.actors[actor.0].process.as_mut().ok_or("it runs")?;
        let kernel = process.brain.kernel_mut().ok_or("it is a node")?;
        let _ = kernel.set_net_ticktime(now, after, 0);
        let fact = Fact::Released { stream };
        let life = world.actors[actor.0].life;
        let seen = Seen { at: world.shared.now, actor: Some(actor), life, fact };
        oracle.observe(&seen, &world)
    }

    #[test]
    fn a_silence_is_judged_by_the_ticktime_that_held_and_not_by_one_that_came_in_the_same_step() {
        assert_eq!(judge(60, 60, 30 * SECOND), Ok(()));
        assert_eq!(judge(60, 4, 30 * SECOND), Ok(()), "nobody could know of it");
        assert!(judge(4, 4, 30 * SECOND).is_err(), "it should have been found out");
        assert!(judge(4, 60, 30 * SECOND).is_err());
    }
}
