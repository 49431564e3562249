//! `localhost RUNTIME long|short|asleep`: prints what `net_adm:localhost/0` answers in a node of this kind, in a process of its own, for a
//! test that gives it a host name of its own.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "that is how it talks to the test")]

use std::env;
use std::process::ExitCode;

use netkernel_blocking::core::net_kernel::mfa::Call;
use netkernel_blocking::core::{Cookie, NodeName};
use netkernel_blocking::{NodeConfig, StartOptions};
use netkernel_tests::runtime::{Node, Runtime};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words[..] {
        [runtime, name] => localhost(runtime, name),
        _ => None,
    };
    let Some(told) = told else {
        eprintln!("usage: localhost blocking|smol long|short|asleep");
        return ExitCode::from(2);
    };
    println!("{told}");
    ExitCode::SUCCESS
}

fn localhost(runtime: &str, name: &str) -> Option<String> {
    let runtime = Runtime::ALL.into_iter().find(|known| known.name() == runtime)?;
    let node = runtime.with(|| Node::new(NodeConfig::new(Cookie::new("C").ok()?)).ok())?;
    let name = match name {
        "long" => Some("a@127.0.0.1"),
        "short" => Some("a@localhost"),
        "asleep" => None,
        _ => return None,
    };
    if let Some(name) = name {
        let options = StartOptions::new(NodeName::new(name).ok()?);
        // Who does not listen needs no EPMD.
        node.start(StartOptions { listen: false, hidden: true, ..options }).ok()?;
    }
    let call = Call::parse("net_adm:localhost()", "").ok()?.ok()?;
    node.mailbox().apply(call).ok().map(|term| term.to_string())
}
