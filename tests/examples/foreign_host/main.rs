//! A node of one's own under the simulator: an event loop that embeds the core, among nodes of netkernel's, while everything goes wrong.
//!
//!     cargo run -p netkernel-tests --example foreign_host -- SEEDS [MISTAKE]
//!     cargo run -p netkernel-tests --example foreign_host -- SEED trace
//!     cargo run -p netkernel-tests --example foreign_host -- SEED shrink MISTAKE > FILE
//!     cargo run -p netkernel-tests --example foreign_host -- FILE MISTAKE
//!
//! `host` is the host. A `mute` one forgets its ticks, a `leaky` one does not close the connections of links that have ended, a `trusting`
//! one lets in whoever comes. Of what applications send, a `lossy` one forgets what a link has no room for, a `hasty` one sends the latest
//! first, and a `deaf` one does not hear; the oracles say so, and the exit code is 1. `docs/simulation.md` walks through it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is an example")]
#![expect(clippy::expect_used, reason = "what it expects it has made itself")]

mod host;
mod mistakes;

use std::process::ExitCode;
use std::{env, fs};

use netkernel_tests::sim::guest::{self, Maker};
use netkernel_tests::sim::oracles::with_guests;
use netkernel_tests::sim::run::{Audience, Budget, Report};
use netkernel_tests::sim::scenario::Scenario;
use netkernel_tests::sim::shrink::{self, Shrunk, shrink_with};
use netkernel_tests::sim::trace::Tracing;

use host::Loop;
pub(crate) use mistakes::Mistake;

const USAGE: &str =
    "usage: foreign_host SEEDS [MISTAKE] | SEED trace | SEED shrink MISTAKE | FILE [MISTAKE]
MISTAKE: mute, leaky, trusting, lossy, hasty, deaf";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    run(&args).unwrap_or_else(|wrong| {
        eprintln!("{wrong}");
        ExitCode::from(2)
    })
}

fn run(args: &[String]) -> Result<ExitCode, String> {
    let arg = |at: usize| args.get(at).map_or("", String::as_str);
    let mistake = |at| Mistake::called(arg(at)).ok_or(USAGE);
    let mut print = |line: &str| println!("{line}");
    let report = match (arg(0).parse(), arg(1)) {
        (Ok(seed), "trace") => traced(seed, &mut print),
        (Ok(seed), "shrink") => {
            match shrunk(seed, mistake(2)?, shrink::Limits::USUAL) {
                Some(shrunk) => print!("# {}\n{}", shrunk.violation, shrunk.scenario),
                None => println!("# nothing is wrong"),
            }
            return Ok(ExitCode::SUCCESS);
        }
        (Ok(seeds), _) => return Ok(try_seeds(seeds, mistake(1)?)),
        (Err(_), _) if args.is_empty() => return Err(USAGE.into()),
        (Err(_), _) => {
            let text =
                fs::read_to_string(arg(0)).map_err(|error| format!("{}: {error}", arg(0)))?;
            let scenario = text.parse().map_err(|error| format!("{}: {error}", arg(0)))?;
            replayed(&scenario, mistake(1)?, &mut print)
        }
    };
    println!("{report}");
    Ok(ExitCode::from(u8::from(report.violation.is_some())))
}

/// Until one fails.
fn try_seeds(seeds: u64, mistake: Mistake) -> ExitCode {
    for seed in 0..seeds {
        let report = try_seed(seed, mistake);
        println!("seed {seed}\n{report}");
        if report.violation.is_some() {
            println!("{}", report.plan);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Two of these nodes among some of netkernel's.
pub(crate) fn try_seed(seed: u64, mistake: Mistake) -> Report {
    guest::run_seed(seed, guests(mistake), Tracing::OFF, &mut |_| {})
}

/// The same without a mistake, and line by line.
pub(crate) fn traced(seed: u64, sink: &mut dyn FnMut(&str)) -> Report {
    guest::run_seed(seed, guests(Mistake::None), Tracing::FULL, sink)
}

/// The simplest run that fails as this seed's does.
pub(crate) fn shrunk(seed: u64, mistake: Mistake, limits: shrink::Limits) -> Option<Shrunk> {
    let (scenario, _) = guest::record_seed(seed, guests(mistake), Budget::ALL);
    shrink_with(&|| guests(mistake), scenario, &with_guests, limits, &mut |_| {})
}

/// A recorded run once more, line by line.
pub(crate) fn replayed(
    scenario: &Scenario,
    mistake: Mistake,
    sink: &mut dyn FnMut(&str),
) -> Report {
    let audience = Audience { oracles: with_guests(), tracing: Tracing::SHORT, sink };
    scenario.run_with(guests(mistake), Budget::ALL, audience)
}

/// Two, which are made anew after each crash.
pub(crate) fn guests(mistake: Mistake) -> Vec<Maker> {
    let maker = || -> Maker { Box::new(move |duty| Box::new(Loop::new(duty, mistake))) };
    vec![maker(), maker()]
}
