//! A run: a phase in which anything goes wrong, a phase in which nothing does, and a report.

use core::fmt;

use super::choice::{Choice, Prng};
use super::guest::Maker;
use super::observe::{Kinds, Oracle, Seen, Violation};
use super::oracles;
use super::plan::{Plan, SECOND};
use super::shared::Counts;
use super::trace::{self, Tracing};
use super::world::World;

/// How often, in the second phase, somebody looks whether all wanted links are there.
const LOOK_EVERY: u64 = SECOND;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its plan.
    pub plan: Plan,
    /// What happened how often.
    pub counts: Counts,
    /// Nanoseconds of virtual time.
    pub passed: u64,
    /// How long the cluster took to come together, once faults had stopped.
    pub converged: Option<u64>,
    /// The first thing that must not happen.
    pub violation: Option<Violation>,
    /// The run went to the end of its [`Budget`], and nobody knows what would have come of it.
    pub cut: bool,
}

/// How much of a run is run. What is cut off is not judged: no oracle looks at the end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nanoseconds of the world.
    pub until: u64,
    /// Events.
    pub events: u64,
}

impl Budget {
    /// All of it.
    pub const ALL: Self = Self { until: u64::MAX, events: u64::MAX };
}

/// Who looks at a run.
pub struct Audience<'a> {
    /// Judges.
    pub oracles: Vec<Box<dyn Oracle>>,
    /// What is traced.
    pub tracing: Tracing,
    /// Where the lines go.
    pub sink: &'a mut dyn FnMut(&str),
}

impl fmt::Debug for Audience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.oracles.iter().map(|oracle| oracle.name()).collect();
        f.debug_struct("Audience").field("oracles", &names).finish_non_exhaustive()
    }
}

/// Runs the swarm's plan of this seed before all oracles.
#[must_use]
pub fn run_seed(seed: u64, tracing: Tracing, sink: &mut dyn FnMut(&str)) -> Report {
    let mut choice = Prng::new(seed);
    let plan = Plan::draw(&mut choice);
    run(plan, &mut choice, Audience { oracles: oracles::all(), tracing, sink })
}

/// Runs this plan.
pub fn run(plan: Plan, choice: &mut dyn Choice, audience: Audience<'_>) -> Report {
    run_within(Budget::ALL, plan, choice, audience)
}

/// Runs as much of this plan.
pub fn run_within(
    budget: Budget,
    plan: Plan,
    choice: &mut dyn Choice,
    audience: Audience<'_>,
) -> Report {
    run_with(Vec::new(), budget, plan, choice, audience)
}

/// Runs as much of this plan, with these guests as its last nodes.
pub fn run_with(
    guests: Vec<Maker>,
    budget: Budget,
    plan: Plan,
    choice: &mut dyn Choice,
    audience: Audience<'_>,
) -> Report {
    let mut world = World::with_guests(guests, plan, choice);
    let plan = world.shared.plan.clone();
    for oracle in &audience.oracles {
        world.shared.notes.want(oracle.wants());
    }
    world.shared.notes.want(audience.tracing.kinds);
    let mut watch = Watch { audience, budget };
    let (converged, violation, cut) = match phases(&mut world, &mut watch) {
        Ok(converged) => (Some(converged), None, false),
        Err(Stop::Wrong(violation)) => (None, Some(violation), false),
        Err(Stop::Cut) => (None, None, true),
    };
    let (counts, passed) = (world.shared.counts, world.shared.now);
    Report { plan, counts, passed, converged, violation, cut }
}

/// Who looks, and for how long.
struct Watch<'a> {
    audience: Audience<'a>,
    budget: Budget,
}

/// Why a run ends early.
enum Stop {
    Wrong(Violation),
    Cut,
}

/// After how long the cluster is together.
fn phases(world: &mut World<'_>, watch: &mut Watch<'_>) -> Result<u64, Stop> {
    // Without a wish of somebody's nothing would ever be connected.
    let first_wishes = 2 * SECOND + u64::from(world.shared.plan.ticktime) * SECOND / 4;
    pass(world, watch, first_wishes)?;
    world.wish_for_links();
    let safety = world.shared.plan.safety_ns;
    pass(world, watch, safety)?;

    world.heal();
    let began = world.shared.now;
    let limit = began + bound(&world.shared.plan);
    // Nodes that were down have to be there before they are told anything.
    pass(world, watch, began + SECOND)?;
    world.make_up();
    let converged = loop {
        let next = world.shared.now.max(began) + LOOK_EVERY;
        pass(world, watch, next)?;
        if world.wish_for_links() {
            break world.shared.now - began;
        }
        if world.shared.now >= limit {
            return Err(Stop::Wrong(apart(world)));
        }
    };
    drain(world, watch)?;
    for oracle in &mut watch.audience.oracles {
        oracle.at_end(world).map_err(|what| {
            Stop::Wrong(Violation { oracle: oracle.name(), at: world.shared.now, what })
        })?;
    }
    Ok(converged)
}

/// Lets what was begun come to its end: calls, for as long as `answers` gives them, and letters for as long as they arrive. Some may
/// wait for a link that was not wanted, and whose other end is gone: that is found out first.
fn drain(world: &mut World<'_>, watch: &mut Watch<'_>) -> Result<(), Stop> {
    let settle = 6 * world.shared.plan.setup_ns + 25 * SECOND + silence(&world.shared.plan);
    loop {
        let delivered = world.shared.counts.delivered;
        let next = world.shared.now + settle;
        pass(world, watch, next)?;
        if world.shared.counts.delivered == delivered {
            return Ok(());
        }
    }
}

/// After faults have stopped, every wanted link is up within this. A node that was down begins anew: a second until operators have made
/// up, and twelve for its EPMD. A link whose other end is gone is found out by ticks: after T and an interval at the longest. Then an
/// attempt begins within a second; it may find one of a peer that is gone, which has to end first. Each has ten seconds for its look-up,
/// and three steps in which it may wait for a whole set-up time.
fn bound(plan: &Plan) -> u64 {
    14 * SECOND + silence(plan) + 2 * (10 * SECOND + 3 * plan.setup_ns)
}

/// After which ticks find a link whose other end is gone.
fn silence(plan: &Plan) -> u64 {
    let ticktime = u64::from(plan.ticktime) * SECOND;
    ticktime + ticktime / u64::from(plan.intensity) + SECOND
}

fn apart(world: &World<'_>) -> Violation {
    let apart = world.wanted().into_iter().filter(|&(one, two)| !world.are_linked(one, two));
    let apart: Vec<String> = apart.map(|(one, two)| format!("n{one}-n{two}")).collect();
    Violation {
        oracle: "liveness",
        at: world.shared.now,
        what: format!("not linked in time: {}", apart.join(" ")),
    }
}

/// Lets things happen until that time, and shows them to the audience.
fn pass(world: &mut World<'_>, watch: &mut Watch<'_>, until: u64) -> Result<(), Stop> {
    let Budget { until: last, events } = watch.budget;
    while world.step(until.min(last)) {
        if !world.shared.notes.is_empty() {
            show(world, &mut watch.audience).map_err(Stop::Wrong)?;
        }
        if world.shared.counts.events >= events {
            return Err(Stop::Cut);
        }
    }
    world.shared.now = world.shared.now.max(until.min(last));
    if until > last { Err(Stop::Cut) } else { Ok(()) }
}

fn show(world: &mut World<'_>, audience: &mut Audience<'_>) -> Result<(), Violation> {
    let facts = world.shared.notes.take();
    let mut kinds = Kinds::NONE;
    for seen in &facts {
        let kind = seen.fact.kind();
        kinds = kinds.and(kind);
        if audience.tracing.kinds.has(kind) {
            (audience.sink)(&trace::line(seen, world));
        }
    }
    for oracle in &mut audience.oracles {
        let wants = oracle.wants();
        if wants.has(kinds) {
            judge(oracle.as_mut(), wants, &facts, world)?;
        }
    }
    world.shared.notes.put_back(facts);
    Ok(())
}

/// Shows an oracle the facts of a step that it wants, and the world after it.
fn judge(
    oracle: &mut dyn Oracle,
    wants: Kinds,
    facts: &[Seen],
    world: &World<'_>,
) -> Result<(), Violation> {
    let name = oracle.name();
    let violation = |at, what| Violation { oracle: name, at, what };
    for seen in facts.iter().filter(|seen| wants.has(seen.fact.kind())) {
        oracle.observe(seen, world).map_err(|what| violation(seen.at, what))?;
    }
    oracle.after_step(world).map_err(|what| violation(world.shared.now, what))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { events, turns, dials, ups, downs, ticks, .. } = self.counts;
        let Counts { letters, delivered, bytes, calls, crashes, faults, hostiles, acts, .. } =
            self.counts;
        writeln!(
            f,
            "passed={} events={events} turns={turns} bytes={bytes}",
            trace::time(self.passed)
        )?;
        writeln!(
            f,
            "dials={dials} ups={ups} downs={downs} ticks={ticks} letters={delivered}/{letters}"
        )?;
        writeln!(
            f,
            "calls={calls} crashes={crashes} faults={faults} hostiles={hostiles} acts={acts}"
        )?;
        match (&self.violation, self.converged) {
            (Some(violation), _) => write!(f, "FAILED {violation}"),
            (None, Some(converged)) => write!(f, "ok, together after {}", trace::time(converged)),
            (None, None) => write!(f, "cut off, and nothing wrong before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::call::Call;
    use crate::sim::choice::{Replay, Tapes};
    use crate::sim::plan::Topology;
    use crate::sim::shared::Event;
    use crate::sim::{ActorId, HostId};

    #[test]
    fn who_waits_for_a_node_that_is_gone_is_waited_for() {
        let mut choice = Replay::new(Tapes::default());
        let plan = Plan { window: 64, high_mark: 200, ..Plan::calm(3, Topology::Star) };
        let mut world = World::new(plan, &mut choice);
        let audience = Audience { oracles: Vec::new(), tracing: Tracing::OFF, sink: &mut |_| {} };
        let mut watch = Watch { audience, budget: Budget::ALL };
        let mut go_on = |world: &mut World<'_>, seconds| {
            let until = world.shared.now + seconds * SECOND;
            assert!(pass(world, &mut watch, until).is_ok());
        };
        go_on(&mut world, 20);
        let name = world.name_of(2).unwrap();
        world.call(1, Call::Connect(name.clone()));
        go_on(&mut world, 1);
        world.actors[2].crash(true, &mut world.shared);
        world.shared.hosts[2].up = false;
        world.shared.at(world.shared.now + SECOND, Event::HostUp(HostId(2)));
        for _ in 0..9 {
            let body = &mut world.actors[1].process.as_mut().unwrap().body;
            body.write_letter(ActorId(2), &name, 100, &mut world.shared);
        }
        let blocked = |world: &World<'_>| {
            world.actors[1].process.as_ref().map_or(0, |process| process.body.office.blocked())
        };
        go_on(&mut world, 45);
        assert!(blocked(&world) > 0, "ticks have not found it yet");
        assert!(drain(&mut world, &mut watch).is_ok());
        assert_eq!(blocked(&world), 0);
    }
}
