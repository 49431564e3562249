//! A run as a text that can be read: why it is kept, its plan, and what was decided in it.
//!
//! ```text
//! # A comment. The first lines say what the scenario shows.
//! plan nodes 3
//! plan topology Ring
//! plan call_every 5s
//! tape operator 17 0*3 2
//! ```
//!
//! Knobs that are not named are those of a calm plan of as many nodes. `0*3` is three zeros. A tape may go on in a further line.

use core::fmt;
use core::str::FromStr;

use super::choice::{Choice, Recorder, Replay, Tapes, Topic};
use super::guest::Maker;
use super::knobs::{self, Wrong};
use super::plan::{Plan, Topology};
use super::run::{Audience, Budget, Report, run_with};

/// A run that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The lines of comment at its top, without their marks.
    pub comment: Vec<String>,
    /// Its plan.
    pub plan: Plan,
    /// What was decided once the plan was there.
    pub tapes: Tapes,
}

/// Why a text is no scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Scenario {
    /// Runs what `choice` decides, and keeps it.
    pub fn record(
        budget: Budget,
        plan: Plan,
        choice: &mut dyn Choice,
        audience: Audience<'_>,
    ) -> (Self, Report) {
        Self::record_with(Vec::new(), budget, plan, choice, audience)
    }

    /// The same with these guests as the last nodes. They are not kept: a scenario is run with guests of its own.
    pub fn record_with(
        guests: Vec<Maker>,
        budget: Budget,
        plan: Plan,
        choice: &mut dyn Choice,
        audience: Audience<'_>,
    ) -> (Self, Report) {
        let mut recorder = Recorder::new(choice);
        let report = run_with(guests, budget, plan.clone(), &mut recorder, audience);
        let tapes = recorder.into_tapes().trimmed();
        (Self { comment: Vec::new(), plan, tapes }, report)
    }

    /// Runs it.
    pub fn run(&self, budget: Budget, audience: Audience<'_>) -> Report {
        self.run_with(Vec::new(), budget, audience)
    }

    /// Runs it with these guests, as many as it was recorded with.
    pub fn run_with(&self, guests: Vec<Maker>, budget: Budget, audience: Audience<'_>) -> Report {
        let mut replay = Replay::new(self.tapes.clone());
        run_with(guests, budget, self.plan.clone(), &mut replay, audience)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.comment {
            writeln!(f, "{}", format!("# {line}").trim_end())?;
        }
        for (knob, value) in knobs::settings(&self.plan) {
            writeln!(f, "{}", format!("plan {knob} {value}").trim_end())?;
        }
        for (topic, tape) in Topic::ALL.iter().zip(&self.tapes.0) {
            tape_lines(f, topic.name(), tape)?;
        }
        Ok(())
    }
}

/// Lines of at most a hundred characters or so.
fn tape_lines(f: &mut fmt::Formatter<'_>, name: &str, tape: &[u64]) -> fmt::Result {
    const WIDTH: usize = 100;
    let mut line = String::new();
    for run in tape.chunk_by(|one, two| one == two) {
        if line.len() > WIDTH {
            writeln!(f, "{line}")?;
            line.clear();
        }
        if line.is_empty() {
            line = format!("tape {name}");
        }
        line += &match run {
            [one] => format!(" {one}"),
            [one, ..] => format!(" {one}*{}", run.len()),
            [] => String::new(),
        };
    }
    if line.is_empty() { Ok(()) } else { writeln!(f, "{line}") }
}

impl FromStr for Scenario {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut comment = Vec::new();
        let mut settings = Vec::new();
        let mut tapes = Tapes::default();
        let mut begun = false;
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what| ParseError { line: number, what };
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            match first {
                "#" if !begun => comment.push(rest.to_owned()),
                "plan" => {
                    let (knob, value) = rest.split_once(' ').unwrap_or((rest, ""));
                    settings.push((number, knob, value));
                }
                "tape" => read_tape(rest, &mut tapes).map_err(wrong)?,
                _ if line.is_empty() || line.starts_with('#') => {}
                _ => return Err(wrong("neither a comment nor `plan` nor `tape`")),
            }
            begun |= !line.starts_with('#');
        }
        Ok(Self { comment, plan: read_plan(&settings)?, tapes })
    }
}

/// What the other knobs are depends on the number of nodes.
fn read_plan(settings: &[(usize, &str, &str)]) -> Result<Plan, ParseError> {
    let mut plan = Plan::calm(2, Topology::Mesh);
    for pass in 0..2 {
        for &(line, knob, value) in settings {
            knobs::set(&mut plan, knob, value).map_err(|wrong| ParseError {
                line,
                what: match wrong {
                    Wrong::Knob => "no such knob",
                    Wrong::Value => "no value of this knob",
                },
            })?;
            if knob == "nodes" && !(1..=MOST_NODES).contains(&plan.nodes) {
                return Err(ParseError { line, what: "too few or too many nodes" });
            }
            if knob == "hosts" && !(1..=MOST_NODES).contains(&plan.hosts) {
                return Err(ParseError { line, what: "too few or too many hosts" });
            }
        }
        if pass == 0 {
            plan = knobs::calm(&plan);
        }
    }
    Ok(plan)
}

/// As many as the command takes.
const MOST_NODES: usize = 20_000;
/// A tape of a violent hour is shorter.
const LONGEST_TAPE: usize = 1 << 26;

fn read_tape(rest: &str, tapes: &mut Tapes) -> Result<(), &'static str> {
    let mut words = rest.split_whitespace();
    let name = words.next().unwrap_or_default();
    let at = Topic::ALL.iter().position(|topic| topic.name() == name).ok_or("no such topic")?;
    for word in words {
        let (number, times) = word.split_once('*').unwrap_or((word, "1"));
        let number: u64 = number.parse().map_err(|_| "not a number")?;
        let times: usize = times.parse().map_err(|_| "not a count")?;
        if times == 0 || times > LONGEST_TAPE - tapes.0[at].len() {
            return Err("no count, or too long a tape");
        }
        tapes.0[at].extend(core::iter::repeat_n(number, times));
    }
    Ok(())
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl core::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::Prng;
    use crate::sim::trace::Tracing;

    /// Any plan, and tapes with runs, long ones and none.
    fn any(seed: u64) -> Scenario {
        let mut choice = Prng::new(seed);
        let plan = Plan::draw(&mut choice);
        let tapes = Topic::ALL.map(|topic| {
            let bound = [2, 1000, u64::MAX][choice.draw(topic, 3) as usize];
            (0..choice.draw(topic, 200)).map(|_| choice.draw(topic, bound)).collect()
        });
        let comment = (0..seed % 3).map(|line| format!("line {line} of plan nodes 3")).collect();
        Scenario { comment, plan, tapes: Tapes(tapes) }
    }

    #[test]
    fn every_scenario_is_read_as_it_was_written() {
        for seed in 0..300 {
            let scenario = any(seed);
            let text = scenario.to_string();
            assert_eq!(text.parse().as_ref(), Ok(&scenario), "{text}");
            assert!(text.lines().all(|line| line.len() < 160), "{text}");
        }
    }

    fn audience(sink: &mut dyn FnMut(&str)) -> Audience<'_> {
        Audience { oracles: crate::sim::oracles::all(), tracing: Tracing::FULL, sink }
    }

    #[test]
    fn what_was_recorded_is_the_same_run_once_it_was_read() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let budget = Budget { events: 5000, ..Budget::ALL };
        let mut choice = Prng::new(3);
        let plan = Plan::draw(&mut choice);
        let mut sink = |line: &str| first.push(line.to_owned());
        let (scenario, _) = Scenario::record(budget, plan, &mut choice, audience(&mut sink));
        let read: Scenario = scenario.to_string().parse().unwrap();
        let mut sink = |line: &str| second.push(line.to_owned());
        read.run(budget, audience(&mut sink));
        assert!(first.len() > 1000 && first == second);
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, line) in [
            ("plan nodes 3\nplan colour red\n", 2),
            ("# x\n\nplan safety 3 minutes\n", 3),
            ("plan nodes 0\n", 1),
            ("plan hosts 0\n", 1),
            ("plan nodes 3\ntape network 1 2 x\n", 2),
            ("tape netwerk 1\n", 1),
            ("tape network 1*0\n", 1),
            ("tape network 1*99999999999\n", 1),
            ("tape\n", 1),
            ("# x\nnodes 3\n", 2),
        ] {
            assert_eq!(text.parse::<Scenario>().map_err(|error| error.line), Err(line), "{text}");
        }
    }
}
