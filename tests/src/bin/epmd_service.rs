//! `epmd_service RUNTIME PACKET_TIMEOUT_SECONDS`: an EPMD service in a process of its own, for tests that measure it. It prints
//! its port, and ends with its standard input.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "that is how it talks to the test")]

use core::time::Duration;
use std::env;
use std::io::{self, Read as _};
use std::process::ExitCode;

use netkernel_blocking::EpmdConfig;
use netkernel_blocking::core::epmd_server::Config;
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::runtime::Runtime;

fn main() -> ExitCode {
    let Some((runtime, packet_timeout)) = arguments(env::args().skip(1)) else {
        eprintln!("usage: epmd_service blocking|smol PACKET_TIMEOUT_SECONDS");
        return ExitCode::from(2);
    };
    let epmd = OurEpmd::start(runtime, Config { packet_timeout, ..EpmdConfig::new().server });
    println!("{}", epmd.port());
    match io::stdin().read_to_end(&mut Vec::new()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("epmd_service: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Option<(Runtime, Duration)> {
    let runtime = words.next()?;
    let runtime = Runtime::ALL.into_iter().find(|known| known.name() == runtime)?;
    Some((runtime, Duration::from_secs(words.next()?.parse().ok()?)))
}
