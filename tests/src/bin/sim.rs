//! `cargo sim`: runs simulated clusters. See `docs/simulation.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::{BTreeMap, VecDeque};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use netkernel_tests::sim::choice::Prng;
use netkernel_tests::sim::oracles;
use netkernel_tests::sim::plan::{HOUR, Plan, Topology};
use netkernel_tests::sim::run::{Audience, Report, run};
use netkernel_tests::sim::trace::Tracing;

const USAGE: &str = "usage: cargo sim --seed N [--trace short|full] [--until SECONDS] [PLAN]
       cargo sim --seeds COUNT [--start N] [--keep-going] [--threads N] [PLAN]
       PLAN: --plan swarm|calm|violent [--nodes N] [--hours N]; swarm draws its own";

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Some(options) if options.seeds == 0 => one(&options),
        Some(options) => hunt(&options),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    seed: u64,
    /// 0: only the one.
    seeds: u64,
    keep_going: bool,
    threads: usize,
    tracing: Tracing,
    template: Template,
}

/// Where plans come from.
#[derive(Clone, Copy)]
enum Template {
    Swarm,
    Calm { nodes: usize, hours: u64 },
    Violent { nodes: usize, hours: u64 },
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            seed: 0,
            seeds: 0,
            keep_going: false,
            threads: thread::available_parallelism().map_or(1, usize::from),
            tracing: Tracing::OFF,
            template: Template::Swarm,
        };
        let (mut chosen, mut plan, mut nodes, mut hours) = (false, String::new(), 5, 1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seed" | "--start" => options.seed = number(words.next())?,
                "--seeds" => options.seeds = number(words.next())?,
                "--keep-going" => options.keep_going = true,
                "--threads" => options.threads = number(words.next())?.max(1) as usize,
                "--plan" => plan = words.next()?,
                "--nodes" => nodes = number(words.next())?.clamp(1, 20_000) as usize,
                "--hours" => hours = number(words.next())?,
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
            chosen |= word == "--seed" || options.seeds > 0;
        }
        options.template = match plan.as_str() {
            "" | "swarm" => Template::Swarm,
            "calm" => Template::Calm { nodes, hours },
            "violent" => Template::Violent { nodes, hours },
            _ => return None,
        };
        chosen.then_some(options)
    }
}

fn number(word: Option<String>) -> Option<u64> {
    word?.parse().ok()
}

impl Template {
    fn plan(self, choice: &mut Prng) -> Plan {
        match self {
            Self::Swarm => Plan::draw(choice),
            Self::Calm { nodes, hours } => {
                Plan { safety_ns: hours * HOUR, ..Plan::calm(nodes, Topology::Mesh) }
            }
            Self::Violent { nodes, hours } => {
                Plan { safety_ns: hours * HOUR, ..Plan::violent(nodes) }
            }
        }
    }

    fn run(self, seed: u64, tracing: Tracing, sink: &mut dyn FnMut(&str)) -> Report {
        let mut choice = Prng::new(seed);
        let plan = self.plan(&mut choice);
        run(plan, &mut choice, Audience { oracles: oracles::all(), tracing, sink })
    }
}

/// The options that choose it.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swarm => Ok(()),
            Self::Calm { nodes, hours } => {
                write!(f, " --plan calm --nodes {nodes} --hours {hours}")
            }
            Self::Violent { nodes, hours } => {
                write!(f, " --plan violent --nodes {nodes} --hours {hours}")
            }
        }
    }
}

/// Prints the plan, the trace, what came of it, and how to have it again.
fn one(options: &Options) -> ExitCode {
    let Options { seed, template, tracing, .. } = options;
    println!("{}", template.plan(&mut Prng::new(*seed)));
    let began = Instant::now();
    let report = template.run(*seed, *tracing, &mut |line| println!("{line}"));
    println!("{report}");
    println!("{}", replay(*template, *seed));
    speed(report.passed, began);
    if report.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn replay(template: Template, seed: u64) -> String {
    format!("replay: cargo sim --seed {seed}{template} --trace full")
}

/// Goes through seeds, one line for each that fails, in their order whatever the threads do.
fn hunt(options: &Options) -> ExitCode {
    let (template, began) = (options.template, Instant::now());
    let end = options.seed.saturating_add(options.seeds);
    let next = AtomicU64::new(options.seed);
    let (mut passed, mut seeds, mut failures) = (0, 0_u64, 0_u64);
    thread::scope(|scope| {
        let (reports, inbox) = mpsc::sync_channel(1024);
        for _ in 0..options.threads {
            let (next, reports) = (&next, reports.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let report = template.run(seed, Tracing::OFF, &mut |_| {});
                    if reports.send((seed, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(reports);
        let (mut early, mut due) = (BTreeMap::new(), options.seed);
        'all: for (seed, report) in inbox {
            early.insert(seed, report);
            while let Some(report) = early.remove(&due) {
                (seeds, passed) = (seeds + 1, passed + report.passed);
                if let Some(violation) = report.violation {
                    failures += 1;
                    println!("seed {due}: {violation}");
                    if !options.keep_going {
                        tail(template, due);
                        next.store(end, Ordering::Relaxed);
                        break 'all;
                    }
                }
                due += 1;
            }
        }
    });
    println!("{failures} of {seeds} seeds from {} failed", options.seed);
    speed(passed, began);
    if failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The plan of a seed, the last lines of its trace, and how to have it again.
fn tail(template: Template, seed: u64) {
    const LINES: usize = 40;
    let mut lines = VecDeque::new();
    let report = template.run(seed, Tracing::FULL, &mut |line| {
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    });
    println!("{}", report.plan);
    for line in lines {
        println!("{line}");
    }
    println!("{}", replay(template, seed));
}

fn speed(passed: u64, began: Instant) {
    let hours = passed as f64 / HOUR as f64;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{hours:.2} simulated hours in {seconds:.2} s: {:.0} a second", hours / seconds);
}
