//! Messages between processes of Erlang and ours, beside `ei` and two nodes of Erlang, in one run:
//! `cargo bench -p netkernel-tests --features otp --bench process_figures`. Printed and not asserted.
//!
//! Everybody talks to the same processes of one node of OTP 29: `sink` counts messages, `source` sends them, `echo` gives them back. "blocking to
//! blocking" and "smol to smol" talk to the same processes in Rust instead. Times are those of the wall clock, medians of three rounds, each of
//! which asks everybody.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "shared/libei.rs"]
mod libei;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use netkernel_blocking::Item;
use netkernel_core::NodeName;
use netkernel_core::term::{Atom, Head, Limits, Pid, Reader, Term};
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, TempDir};
use netkernel_tests::ours::{COOKIE, Ours, next_message, node_name};
use netkernel_tests::runtime::{Mailbox, Runtime};

const ROUNDS: usize = 3;
const SIZES: [u32; 2] = [16, 1024];
const MESSAGES: u32 = 50_000;
const ROUND_TRIPS: u32 = 2_000;
const WHAT: [&str; 3] = ["to", "from", "round trip with"];

/// Microseconds for one message or round trip, by what was measured, its size, and who did it.
type Times = BTreeMap<(&'static str, u32, &'static str), Vec<f64>>;

fn main() {
    let folder = TempDir::new();
    let ei = libei::program(folder.path(), include_str!("process_figures/ei.c"));
    let epmd = Epmd::start(Release::Newest);
    let [erl, beam] = ["erl", "beam"].map(|name| {
        let erl = Erl::start(&ErlOptions::new(Release::Newest, &epmd, name));
        erl.load("figures", include_str!("process_figures/figures.erl"));
        erl.eval("figures:start()");
        erl
    });
    let start = |name: &str, runtime: Runtime| {
        runtime.with(|| Ours::start(name, Ours::config(epmd.port())))
    };
    let ours = Runtime::ALL.map(|runtime| (runtime.name(), start(runtime.name(), runtime)));
    let others = Runtime::ALL.map(|runtime| start(&format!("other-{}", runtime.name()), runtime));
    others.iter().for_each(serve);
    let mut times = Times::new();
    for _ in 0..ROUNDS {
        for size in SIZES {
            for ((name, node), other) in ours.iter().zip(&others) {
                note(&mut times, size, name, client(node, &node_name(erl.name()), size));
                let to_ours =
                    ["blocking to blocking", "smol to smol"][usize::from(*name == "smol")];
                note(&mut times, size, to_ours, client(node, &node_name(other.name()), size));
            }
            note(&mut times, size, "ei", run_ei(&ei, epmd.port(), erl.name(), size));
            note(&mut times, size, "BEAM", run_beam(&beam, erl.name(), size));
        }
    }
    print(times);
}

fn note(times: &mut Times, size: u32, who: &'static str, measured: [f64; 3]) {
    for (what, (time, count)) in
        WHAT.into_iter().zip(measured.into_iter().zip([MESSAGES, MESSAGES, ROUND_TRIPS]))
    {
        times.entry((what, size, who)).or_default().push(time / f64::from(count));
    }
}

fn print(mut times: Times) {
    let mut median = |what, size, who| {
        let all = times.get_mut(&(what, size, who)).unwrap();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    for what in WHAT {
        for size in SIZES {
            let (ei, beam) = (median(what, size, "ei"), median(what, size, "BEAM"));
            for who in ["blocking", "smol", "ei", "BEAM", "blocking to blocking", "smol to smol"] {
                let own = median(what, size, who);
                println!(
                    "{what} a node, {size} B: {who} {own:.2} us, {:.2} x BEAM, {:.2} x ei",
                    own / beam,
                    own / ei
                );
            }
        }
    }
}

/// Microseconds for messages there, messages back, and round trips.
fn client(node: &Ours, to: &NodeName, size: u32) -> [f64; 3] {
    let mailbox = node.node.mailbox();
    let own = Term::from(mailbox.pid().unwrap());
    let bytes = binary(size);
    let [sink, source, echo] = ["sink", "source", "echo"].map(|name| Atom::new(name).unwrap());
    let count = i64::from(MESSAGES).into();
    let begin = message(&Term::tuple([atom("begin"), own.clone(), count]));
    mailbox.send_to_name(&echo, to, message(&Term::tuple([own.clone(), bytes.clone()]))).unwrap();
    let _ = next_message(&mailbox); // there is a link now

    let start = Instant::now();
    mailbox.send_to_name(&sink, to, begin).unwrap();
    let each = Bytes::from(message(&bytes));
    for _ in 0..MESSAGES {
        mailbox.send_to_name(&sink, to, each.clone()).unwrap();
    }
    let _ = next_message(&mailbox);
    let there = start.elapsed();

    let flood = [atom("flood"), own.clone(), i64::from(MESSAGES).into(), i64::from(size).into()];
    let start = Instant::now();
    mailbox.send_to_name(&source, to, message(&Term::tuple(flood))).unwrap();
    take(&mailbox, MESSAGES);
    let back = start.elapsed();

    let ask = Bytes::from(message(&Term::tuple([own, bytes])));
    let start = Instant::now();
    for _ in 0..ROUND_TRIPS {
        mailbox.send_to_name(&echo, to, ask.clone()).unwrap();
        take(&mailbox, 1);
    }
    [there, back, start.elapsed()].map(|time| time.as_secs_f64() * 1e6)
}

/// The same three processes as on the node of Erlang. They end with this program.
fn serve(node: &Ours) {
    let [sink, source, echo] = ["sink", "source", "echo"].map(|name| node.mailbox(name));
    thread::spawn(move || {
        loop {
            let [_, from, count] = &tuple(&next(&sink))[..] else { panic!("no begin") };
            take(&sink, u32::try_from(count.as_i64().unwrap()).unwrap());
            sink.send(pid(from), message(&atom("done"))).unwrap();
        }
    });
    thread::spawn(move || {
        loop {
            let [_, to, count, size] = &tuple(&next(&source))[..] else { panic!("no flood") };
            let each =
                Bytes::from(message(&binary(u32::try_from(size.as_i64().unwrap()).unwrap())));
            for _ in 0..count.as_i64().unwrap() {
                source.send(pid(to), each.clone()).unwrap();
            }
        }
    });
    thread::spawn(move || {
        loop {
            let [from, bytes] = &tuple(&next(&echo))[..] else { panic!("no message") };
            echo.send(pid(from), message(bytes)).unwrap();
        }
    });
}

/// Takes so many binaries.
fn take(mailbox: &Mailbox, count: u32) {
    for _ in 0..count {
        let message = next(mailbox);
        let mut reader = Reader::new(&message);
        reader.version().unwrap();
        assert!(matches!(reader.head().unwrap(), Head::Binary(_)));
    }
}

fn next(mailbox: &Mailbox) -> Bytes {
    let Item::Message(message) = mailbox.recv() else { panic!("no message") };
    message
}

fn run_ei(program: &Path, epmd: u16, node: &str, size: u32) -> [f64; 3] {
    let numbers = [MESSAGES, ROUND_TRIPS, size].map(|number| number.to_string());
    let mut command = Command::new(program);
    command.args([COOKIE, node]).args(numbers).env("ERL_EPMD_PORT", epmd.to_string());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let times: Vec<f64> = text.lines().map(|line| line.parse().unwrap()).collect();
    times.try_into().unwrap()
}

fn run_beam(beam: &Erl, node: &str, size: u32) -> [f64; 3] {
    [("to", MESSAGES), ("from", MESSAGES), ("round_trips", ROUND_TRIPS)].map(|(what, count)| {
        beam.eval(&format!("figures:{what}('{node}', {count}, {size})")).parse().unwrap()
    })
}

fn tuple(message: &[u8]) -> Vec<Term> {
    Term::decode(message, &Limits::default()).unwrap().as_tuple().unwrap().to_vec()
}

fn pid(term: &Term) -> &Pid {
    let Term::Pid(pid) = term else { panic!("{term}") };
    pid
}

fn binary(size: u32) -> Term {
    Term::Binary(vec![0xA5; size as usize].into())
}

fn atom(text: &str) -> Term {
    Atom::new(text).unwrap().into()
}

fn message(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out
}
