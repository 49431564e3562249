//! `cargo sim`: runs simulated clusters. See `docs/simulation.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]

use std::process::ExitCode;
use std::time::Instant;

use netkernel_tests::sim::choice::Prng;
use netkernel_tests::sim::plan::Plan;
use netkernel_tests::sim::run::{Report, run_seed};
use netkernel_tests::sim::trace::Tracing;

const USAGE: &str = "usage: cargo sim --seed N [--trace full] [--until SECONDS]
       cargo sim --seeds COUNT [--start N] [--keep-going]";

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Some(Options { seed: Some(seed), tracing, .. }) => one(seed, tracing),
        Some(Options { seed: None, seeds, start, keep_going, .. }) => {
            hunt(start, seeds, keep_going)
        }
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    seed: Option<u64>,
    seeds: u64,
    start: u64,
    keep_going: bool,
    tracing: Tracing,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options =
            Self { seed: None, seeds: 0, start: 0, keep_going: false, tracing: Tracing::OFF };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seed" => options.seed = Some(words.next()?.parse().ok()?),
                "--seeds" => options.seeds = words.next()?.parse().ok()?,
                "--start" => options.start = words.next()?.parse().ok()?,
                "--keep-going" => options.keep_going = true,
                "--trace" => {
                    options.tracing.kinds = match words.next()?.as_str() {
                        "full" => Tracing::FULL.kinds,
                        "short" => Tracing::SHORT.kinds,
                        _ => return None,
                    };
                }
                "--until" => {
                    let seconds: f64 = words.next()?.parse().ok()?;
                    options.tracing.until = (seconds * 1e9) as u64;
                    if options.tracing.kinds == Tracing::OFF.kinds {
                        options.tracing.kinds = Tracing::SHORT.kinds;
                    }
                }
                _ => return None,
            }
        }
        (options.seed.is_some() || options.seeds > 0).then_some(options)
    }
}

/// Prints the plan, the trace, what came of it, and how to have it again.
fn one(seed: u64, tracing: Tracing) -> ExitCode {
    println!("{}", Plan::draw(&mut Prng::new(seed)));
    let began = Instant::now();
    let report = run_seed(seed, tracing, &mut |line| println!("{line}"));
    println!("{report}");
    println!("{}", replay(seed));
    speed(report.passed, began);
    if report.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn replay(seed: u64) -> String {
    format!("replay: cargo sim --seed {seed} --trace full")
}

/// Goes through seeds, one line for each that fails.
fn hunt(start: u64, seeds: u64, keep_going: bool) -> ExitCode {
    let began = Instant::now();
    let (mut passed, mut failures) = (0, 0);
    for seed in start..start.saturating_add(seeds) {
        let report: Report = run_seed(seed, Tracing::OFF, &mut |_| {});
        passed += report.passed;
        let Some(violation) = report.violation else { continue };
        failures += 1;
        println!("seed {seed}: {violation}");
        if !keep_going {
            tail(seed);
            break;
        }
    }
    println!("{failures} of {seeds} seeds from {start} failed");
    speed(passed, began);
    if failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The last lines of the trace of a seed, and how to have it again.
fn tail(seed: u64) {
    const LINES: usize = 40;
    let mut lines = std::collections::VecDeque::new();
    let report = run_seed(seed, Tracing::FULL, &mut |line| {
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    });
    println!("{}", report.plan);
    for line in lines {
        println!("{line}");
    }
    println!("{}", replay(seed));
}

fn speed(passed: u64, began: Instant) {
    let hours = passed as f64 / 3.6e12;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{hours:.2} simulated hours in {seconds:.2} s: {:.0} a second", hours / seconds);
}
