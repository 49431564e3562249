//! Makes a run that fails simpler, as long as the same oracle objects: fewer nodes, fewer knobs, fewer and lower decisions.
//!
//! The order of what is tried depends on nothing but the run, so the same run always shrinks to the same scenario.

use super::choice::{Choice, Prng, Replay, Topic};
use super::guest::Maker;
use super::knobs;
use super::observe::{Oracle, Violation};
use super::plan::{Plan, SECOND};
use super::run::{Audience, Budget, Report};
use super::scenario::Scenario;
use super::trace::Tracing;

/// When to be content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Runs that are tried.
    pub runs: u64,
    /// Events of all of them.
    pub events: u64,
}

impl Limits {
    /// A minute or so.
    pub const USUAL: Self = Self { runs: 5_000, events: 100_000_000 };
}

/// What a run became.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The simplest that fails.
    pub scenario: Scenario,
    /// How it does.
    pub violation: Violation,
    /// Decisions at first; zeros at the ends of tapes do not count.
    pub before: usize,
    /// Runs that were tried.
    pub runs: u64,
    /// Nothing simpler was left to try within the limits.
    pub finished: bool,
}

/// Shrinks a run, if it fails before these judges. `progress` is told now and then, a line each.
pub fn shrink(
    scenario: Scenario,
    judges: &dyn Fn() -> Vec<Box<dyn Oracle>>,
    limits: Limits,
    progress: &mut dyn FnMut(&str),
) -> Option<Shrunk> {
    shrink_with(&Vec::new, scenario, judges, limits, progress)
}

/// The same with guests as the last nodes: each run has new ones, always as many, and at least one node of ours beside them.
pub fn shrink_with(
    guests: &dyn Fn() -> Vec<Maker>,
    scenario: Scenario,
    judges: &dyn Fn() -> Vec<Box<dyn Oracle>>,
    limits: Limits,
    progress: &mut dyn FnMut(&str),
) -> Option<Shrunk> {
    let before = scenario.tapes.clone().trimmed().decisions();
    let mut shrinker = Shrinker::new(Cast { guests, judges }, scenario, limits)?;
    loop {
        let runs = shrinker.runs;
        let weight = weight(&shrinker.best);
        for (name, pass) in PASSES {
            pass(&mut shrinker);
            let (decisions, tried) = (shrinker.best.tapes.decisions(), shrinker.runs);
            progress(&format!("{name}: {decisions} decisions after {tried} runs"));
        }
        if shrinker.spent() || weight == self::weight(&shrinker.best) {
            let finished = !shrinker.spent();
            let Shrinker { best: scenario, violation, runs, .. } = shrinker;
            return Some(Shrunk { scenario, violation, before, runs, finished });
        }
        debug_assert!(shrinker.runs > runs, "what got simpler was run");
    }
}

/// So many runs of a simpler plan with decisions of their own.
const FRESH: u64 = 5;

/// Who takes part in each run.
struct Cast<'a> {
    guests: &'a dyn Fn() -> Vec<Maker>,
    judges: &'a dyn Fn() -> Vec<Box<dyn Oracle>>,
}

type Pass = fn(&mut Shrinker<'_>);

/// The cheapest first.
const PASSES: [(&str, Pass); 6] = [
    ("plan", |shrinker| shrinker.plan()),
    ("whole topics", |shrinker| shrinker.topics()),
    ("ends", |shrinker| shrinker.ends()),
    ("deletions", |shrinker| shrinker.delete()),
    ("zeros", |shrinker| shrinker.zero()),
    ("lower values", |shrinker| shrinker.lower()),
];

struct Shrinker<'a> {
    cast: Cast<'a>,
    limits: Limits,
    runs: u64,
    events: u64,
    best: Scenario,
    /// Of the best.
    violation: Violation,
    /// Events of the shortest that was the best once.
    shortest: u64,
}

/// What gets less with every success: first of all the plan.
fn weight(scenario: &Scenario) -> (impl Ord + use<>, usize, u128) {
    let tapes = &scenario.tapes;
    let sum = tapes.0.iter().flatten().map(|number| u128::from(*number)).sum();
    (knobs::weight(&scenario.plan), tapes.decisions(), sum)
}

impl<'a> Shrinker<'a> {
    fn new(cast: Cast<'a>, scenario: Scenario, limits: Limits) -> Option<Self> {
        let replay = &mut Replay::new(scenario.tapes);
        let (best, report) = cast.again(scenario.plan, replay, Budget::ALL)?;
        let violation = report.violation?;
        let events = report.counts.events;
        Some(Self { cast, limits, runs: 1, events, best, violation, shortest: events })
    }

    const fn spent(&self) -> bool {
        self.runs >= self.limits.runs || self.events >= self.limits.events
    }

    /// Runs what may be simpler, and keeps it if it is and fails in the same way.
    fn attempt(&mut self, plan: Plan, choice: &mut dyn Choice) -> bool {
        if self.spent() {
            return false;
        }
        // A run that goes on for much longer than the shortest is no simpler.
        let budget = Budget { events: 2 * self.shortest + 1000, ..Budget::ALL };
        let Some((scenario, report)) = self.cast.again(plan, choice, budget) else { return false };
        self.runs += 1;
        self.events += report.counts.events;
        let Some(violation) = report.violation else { return false };
        if violation.oracle != self.violation.oracle || weight(&scenario) >= weight(&self.best) {
            return false;
        }
        (self.best, self.violation) = (scenario, violation);
        self.shortest = self.shortest.min(report.counts.events);
        true
    }

    /// The best, but for one tape.
    fn attempt_tape(&mut self, topic: usize, change: impl FnOnce(&mut Vec<u64>)) -> bool {
        let mut tapes = self.best.tapes.clone();
        change(&mut tapes.0[topic]);
        tapes != self.best.tapes && self.attempt(self.best.plan.clone(), &mut Replay::new(tapes))
    }

    /// With the same decisions; or with any others, for what they mean may have changed with the plan.
    fn attempt_plan(&mut self, plan: &Plan) -> bool {
        let mut replay = Replay::new(self.best.tapes.clone());
        self.attempt(plan.clone(), &mut replay)
            || (0..FRESH).any(|seed| self.attempt(plan.clone(), &mut Prng::new(seed)))
    }

    fn length(&self, topic: usize) -> usize {
        self.best.tapes.0[topic].len()
    }

    /// Nothing of a topic.
    fn topics(&mut self) {
        for topic in by_weight() {
            self.attempt_tape(topic, Vec::clear);
        }
    }

    /// Simpler plans, until there is none.
    fn plan(&mut self) {
        let mut at = 0;
        // Where a knob could be turned it may go further.
        while let Some(plan) = knobs::simpler(&self.best.plan).get(at) {
            at += usize::from(!self.attempt_plan(plan));
            // Of the first phase, what comes after the failure is not needed.
            let enough = (self.violation.at / SECOND + 1) * SECOND;
            if enough < self.best.plan.safety_ns {
                self.attempt_plan(&Plan { safety_ns: enough, ..self.best.plan.clone() });
            }
        }
    }

    /// Half of a tape, then three quarters, and so on.
    fn ends(&mut self) {
        for topic in by_weight() {
            let mut cut = self.length(topic) / 2;
            while cut > 0 {
                let keep = self.length(topic).saturating_sub(cut);
                if !self.attempt_tape(topic, |tape| tape.truncate(keep)) {
                    cut /= 2;
                }
            }
        }
    }

    /// Pieces of tapes go; what comes later means something else then.
    fn delete(&mut self) {
        self.pieces(|tape, from, to| drop(tape.drain(from..to)));
    }

    /// Pieces of tapes are the most harmless.
    fn zero(&mut self) {
        self.pieces(|tape, from, to| tape[from..to].fill(0));
    }

    /// From large pieces to single decisions, from the end of each tape to its front.
    fn pieces(&mut self, change: fn(&mut Vec<u64>, usize, usize)) {
        for topic in by_weight() {
            let mut size = self.length(topic).div_ceil(2);
            while size > 0 && !self.spent() {
                let mut to = self.length(topic);
                while to > 0 {
                    let from = to.saturating_sub(size);
                    self.attempt_tape(topic, |tape| change(tape, from, to));
                    to = from.min(self.length(topic));
                }
                size /= 2;
            }
        }
    }

    /// Each value as low as it can be.
    fn lower(&mut self) {
        for topic in by_weight() {
            let mut at = 0;
            while let Some(&value) = self.best.tapes.0[topic].get(at) {
                let (mut low, mut high) = (0, value);
                while low < high && !self.spent() {
                    let middle = low + (high - low) / 2;
                    let lower = |tape: &mut Vec<u64>| tape[at] = middle;
                    (low, high) = if self.attempt_tape(topic, lower) {
                        // A run that is simpler in another way than was asked for has another tape.
                        (low, self.best.tapes.0[topic].get(at).map_or(0, |now| middle.min(*now)))
                    } else {
                        (middle + 1, high)
                    };
                }
                at += 1;
            }
        }
    }
}

impl Cast<'_> {
    /// Runs a plan, and says which decisions were really asked for; `None` if it has no place for a node beside the guests.
    fn again(
        &self,
        plan: Plan,
        choice: &mut dyn Choice,
        budget: Budget,
    ) -> Option<(Scenario, Report)> {
        let guests = (self.guests)();
        if !guests.is_empty() && plan.nodes <= guests.len() {
            return None;
        }
        let oracles = (self.judges)();
        let audience = Audience { oracles, tracing: Tracing::OFF, sink: &mut |_| {} };
        Some(Scenario::record_with(guests, budget, plan, choice, audience))
    }
}

/// Topics by their place, those first of which there is much and that matter little.
fn by_weight() -> [usize; Topic::ALL.len()] {
    [
        Topic::Entropy,
        Topic::Network,
        Topic::Schedule,
        Topic::Hostile,
        Topic::Traffic,
        Topic::Process,
        Topic::Clock,
        Topic::Fault,
        Topic::Operator,
        Topic::Plan,
    ]
    .map(|topic| topic as usize)
}
