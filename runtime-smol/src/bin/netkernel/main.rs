//! The `netkernel` command: a node to join Erlang clusters with, pings, calls and messages, the names that an EPMD knows, the nodes
//! of all hosts, and what a change of `net_ticktime` does; and an EPMD, which it also is if it is called `epmd`.
//!
//! Results go to standard output, a line each, warnings and logs to standard error.

mod apply;
mod args;
mod call;
mod calls;
mod console;
mod epmd;
mod events;
mod failure;
mod ids;
mod inbox;
mod names;
mod node;
mod node_args;
mod obey;
mod picture;
mod ping;
mod pings;
mod reach;
mod read;
mod reason;
mod remote;
mod remote_words;
mod report;
mod send;
mod svg;
mod temporary;
mod term_json;
mod ticktime;
mod trace;
mod world;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use futures_lite::future::block_on;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Args, Command};
use report::Report;
use trace::{Facts, Writing};

fn main() -> ExitCode {
    if let Some(args) = epmd::called_so(std::env::args_os()) {
        return epmd::run(&args);
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let is_json = error.use_stderr() && std::env::args_os().any(|arg| arg == "--json");
            return refuse(&error, &Report::new(is_json));
        }
    };
    // It has its own words, exit codes and log.
    if let Command::Epmd { args } = &args.command {
        return epmd::run(args);
    }
    let (report, name) = (Report::new(args.json), args.command.name());
    let path = if let Command::Node(args) = &args.command { args.trace.as_deref() } else { None };
    let (facts, trace) = match path.map(trace::begin).transpose() {
        Ok(begun) => begun.unzip(),
        Err(text) => {
            report.error(&format!("netkernel: {text}"), &text);
            return ExitCode::FAILURE;
        }
    };
    log_to_stderr(facts);
    let result = match args.command {
        Command::Node(args) => node::run(&args, &report),
        Command::Ping(args) => block_on(ping::run(&args, &report)),
        Command::Call(args) => block_on(call::run(&args, &report)),
        Command::Send(args) => block_on(send::run(&args, &report)),
        Command::Names(args) => block_on(names::run(&args, &report)),
        Command::World(args) => block_on(world::run(&args, &report)),
        Command::Hosts => block_on(world::hosts(&report)),
        Command::Ticktime(args) => ticktime::run(&args, &report),
        Command::Epmd { .. } => Ok(()),
    };
    if let Some(Err(text)) = trace.map(Writing::finish) {
        tell(&text);
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Told) => ExitCode::FAILURE,
        Err(Failed::With(code)) => code.into(),
        Err(Failed::Because(text)) => {
            report.error(&format!("netkernel: {text}"), &text);
            ExitCode::FAILURE
        }
        Err(Failed::Usage(text)) => refuse(&args::usage(name, &text), &report),
        // Whoever read our output has enough of it.
        Err(Failed::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failed::Output(error)) => {
            let text = format!("standard output: {error}");
            report.error(&format!("netkernel: {text}"), &text);
            ExitCode::FAILURE
        }
    }
}

/// Says how the command is used, or whatever clap was asked for.
fn refuse(error: &clap::Error, report: &Report) -> ExitCode {
    if report.is_json() {
        let text = error.to_string();
        report.error("", text.strip_prefix("error: ").unwrap_or(&text).trim_end());
    } else {
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Says something to the user that is no result.
fn tell(text: &str) {
    print_error(&format!("netkernel: {text}"));
}

/// Prints a line to standard error, if that is there.
fn print_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Why a command failed.
#[derive(Debug)]
enum Failed {
    /// The output has said it.
    Told,
    /// So has standard error, and this is the exit code.
    With(u8),
    /// To be said.
    Because(String),
    /// What is wrong with the command line.
    Usage(String),
    /// There is no output any more.
    Output(std::io::Error),
}

/// What `map_err` is given.
fn because(error: impl core::fmt::Display) -> Failed {
    Failed::Because(error.to_string())
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// Warnings, or what `RUST_LOG` says. Diagnostics of the node are left out: the output has them. What the node does goes where it is wanted.
fn log_to_stderr(facts: Option<Facts>) {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    let filter = wanted.unwrap_or_else(|| {
        Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target("netkernel::diagnostic", LevelFilter::OFF)
    });
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_filter(filter);
    let wanted = Targets::new().with_target(trace::TARGET, LevelFilter::TRACE);
    let facts = facts.map(|facts| facts.with_filter(wanted));
    tracing_subscriber::registry().with(layer).with(facts).init();
}
