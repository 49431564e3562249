//! `cargo sim`: runs simulated clusters. See `docs/simulation.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]

mod hunt;
mod options;
mod source;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use netkernel_tests::live::draw;
use netkernel_tests::sim::plan::HOUR;
use netkernel_tests::sim::shrink::{Limits, shrink};
use netkernel_tests::sim::trace::Tracing;

use options::{Mode, Options};
use source::Source;

fn main() -> ExitCode {
    let Some(options) = Options::parse(env::args().skip(1)) else {
        eprintln!("{}", options::USAGE);
        return ExitCode::from(2);
    };
    match &options.mode {
        Mode::Hunt { template, start, seeds } => hunt::hunt(&options, *template, *start, *seeds),
        Mode::Seed { template, seed } => {
            one(&options, &Source::Seed { template: *template, seed: *seed })
        }
        Mode::Live(traces) => live(traces, &options),
        Mode::Scenario(path) => match Source::read(path) {
            Ok(source) => one(&options, &source),
            Err(error) => {
                eprintln!("{path}: {error}");
                ExitCode::from(2)
            }
        },
    }
}

/// Draws what live nodes have done.
fn live(traces: &[String], options: &Options) -> ExitCode {
    let picture = options.svg.as_deref().unwrap_or_default();
    let read = |path: &String| match fs::read_to_string(path) {
        Ok(text) => Ok((path.clone(), text)),
        Err(error) => Err(format!("{path}: {error}")),
    };
    let texts: Result<Vec<_>, _> = traces.iter().map(read).collect();
    let drawn = texts.and_then(|texts| draw(&texts)).and_then(|mut chart| {
        options.from.into_iter().for_each(|from| chart.begin_at(from));
        fs::write(picture, chart.to_svg()).map_err(|error| format!("{picture}: {error}"))
    });
    match drawn {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

/// Prints the plan, the trace, what came of it, and how to have it again.
fn one(options: &Options, source: &Source) -> ExitCode {
    if options.shrink {
        return make_simpler(options, source);
    }
    println!("{}", source.plan());
    let began = Instant::now();
    let mut print = |line: &str| println!("{line}");
    let (report, errors) = match source.show(options, &mut print) {
        Ok(shown) => shown,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    if report.violation.is_some() && options.tracing == Tracing::OFF {
        tail(options, source);
    }
    println!("{report}");
    if report.violation.is_some() {
        println!("shrink: {}", source.shrink_command(options));
    }
    println!("replay: {}", source.replay_command(options));
    speed(report.passed, began);
    for text in &errors {
        eprintln!("{text}");
    }
    match report.violation {
        Some(_) => ExitCode::FAILURE,
        None if errors.is_empty() => ExitCode::SUCCESS,
        None => ExitCode::from(2),
    }
}

/// The last lines of a trace: all of it, if nothing else was asked for.
fn tail(options: &Options, source: &Source) {
    const LINES: usize = 40;
    let tracing = if options.tracing == Tracing::OFF { Tracing::FULL } else { options.tracing };
    let mut lines = VecDeque::new();
    source.run(options, tracing, &mut |line| {
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    });
    for line in lines {
        println!("{line}");
    }
}

/// Makes a scenario of a run that fails.
fn make_simpler(options: &Options, source: &Source) -> ExitCode {
    let scenario = source.record(options);
    let judges = || options.judges();
    let mut progress = |line: &str| eprintln!("{line}");
    let Some(mut shrunk) = shrink(scenario, &judges, Limits::USUAL, &mut progress) else {
        eprintln!("nothing is wrong with this run: there is nothing to shrink");
        return ExitCode::FAILURE;
    };
    let after = shrunk.scenario.tapes.decisions();
    let rest = if shrunk.finished { "" } else { ", where it gave up" };
    shrunk.scenario.comment.extend([
        format!("Fails: {}", shrunk.violation),
        format!("Found: {}", source.replay_command(options)),
        format!("Decisions: {}, and {after} after {} runs{rest}", shrunk.before, shrunk.runs),
    ]);
    let text = shrunk.scenario.to_string();
    let Some(path) = &options.out else {
        print!("{text}");
        return ExitCode::SUCCESS;
    };
    if let Err(error) = fs::write(path, text) {
        eprintln!("{path}: {error}");
        return ExitCode::from(2);
    }
    println!("replay: cargo sim --scenario {path}{} --trace full", options.flags());
    ExitCode::SUCCESS
}

fn speed(passed: u64, began: Instant) {
    let hours = passed as f64 / HOUR as f64;
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{hours:.2} simulated hours in {seconds:.2} s: {:.0} a second", hours / seconds);
}
