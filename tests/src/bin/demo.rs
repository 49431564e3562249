//! `cargo demo`: a cluster in one process, explained as it goes. Nothing has to be installed.
#![allow(clippy::print_stderr, reason = "a command says why it failed")]

use core::time::Duration;
use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use netkernel_tests::demo::{GIVE_UP, run};

const USAGE: &str = "usage: cargo demo [--give-up SECONDS]
       --give-up: how long to wait for each event before the demo fails";

fn main() -> ExitCode {
    let Some(give_up) = give_up(env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let out = io::stdout();
    let colour = out.is_terminal() && env::var_os("NO_COLOR").is_none();
    match run(Box::new(out), colour, give_up) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("demo: FAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// How long to wait for each event; `None` if the arguments make no sense.
fn give_up(mut arguments: impl Iterator<Item = String>) -> Option<Duration> {
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Some(GIVE_UP),
        (Some("--give-up"), Some(seconds), None) => {
            Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
        }
        _ => None,
    }
}
