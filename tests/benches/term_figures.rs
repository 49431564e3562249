//! Decoding and encoding of terms, beside other libraries, `ei` and the virtual machine itself, in one run:
//! `cargo bench -p netkernel-tests --features otp --bench term_figures`. Printed and not asserted.
//!
//! Times are processor times, medians of five rounds, each of which asks everybody. What `ei` does is a walk: it takes every value out of the bytes and
//! keeps none. Ours in the same way is `heads`; `borrowed` checks limits and keys of maps first, and then does the same.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "shared/libei.rs"]
mod libei;

use core::hint::black_box;
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netkernel_core::Creation;
use netkernel_core::term::{Atom, Head, Limits, List, Pid, Reader, Reference, Term, TermRef};
use netkernel_tests::otp::{Release, TempDir};

const ROUNDS: usize = 5;
const PAYLOADS: [&str; 4] = ["{seq,N}", "$gen_call", "1 KiB binary", "list of 1000"];
const OURS: [&str; 4] = ["heads", "borrowed", "owned", "encode"];

/// Nanoseconds by what was measured, who did it, and of which payload.
type Times = BTreeMap<(&'static str, String, usize), Vec<f64>>;

fn main() {
    let folder = TempDir::new();
    let terms = payloads();
    let files: Vec<PathBuf> =
        (0..terms.len()).map(|at| folder.path().join(at.to_string())).collect();
    for (term, file) in terms.iter().zip(&files) {
        fs::write(file, encoded(term)).unwrap();
    }
    let (ei, beam) = (
        libei::program(folder.path(), include_str!("term_figures/ei.c")),
        build_beam(folder.path()),
    );
    let mut times = Times::new();
    for _ in 0..ROUNDS {
        for (at, term) in terms.iter().enumerate() {
            in_process(&mut times, at, term);
        }
        run(&mut times, "ei", Command::new(&ei).args(&files));
        let mut erl = Release::Newest.erl();
        erl.args(["-noinput", "+S", "1:1", "-pa"]).arg(&beam).args([
            "-run",
            "term_figures",
            "main",
        ]);
        run(&mut times, "BEAM", erl.args(&files).args(["-s", "init", "stop"]));
    }
    print(times);
}

fn print(mut times: Times) {
    let mut median = |what, who: &str, at| {
        let all = times.get_mut(&(what, who.to_owned(), at))?;
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    for (what, ours, others) in [
        ("decode", &OURS[..3], &["ei", "erltf", "erltf borrowed", "eetf", "BEAM"][..]),
        ("encode", &OURS[3..], &["ei", "erltf", "eetf", "BEAM"]),
    ] {
        for (at, payload) in PAYLOADS.iter().enumerate() {
            for our in ours {
                let own = median(what, our, at).unwrap();
                print!("{what} {payload}: {our} {own:.0} ns");
                for other in others {
                    let theirs = median(what, other, at).unwrap();
                    print!(", {:.2} x {other} ({theirs:.0} ns)", own / theirs);
                }
                println!();
            }
        }
    }
}

fn in_process(times: &mut Times, at: usize, term: &Term) {
    let bytes = encoded(term);
    let bytes = &bytes[..];
    let limits = Limits::default();
    let mut note = |what, who: &str, time| {
        times.entry((what, who.to_owned(), at)).or_default().push(time);
    };
    note(
        "decode",
        "heads",
        time(|| {
            let mut reader = Reader::new(black_box(bytes));
            reader.version().unwrap();
            visit(reader)
        }),
    );
    note(
        "decode",
        "borrowed",
        time(|| visit(TermRef::decode(black_box(bytes), &limits).unwrap().reader())),
    );
    note("decode", "owned", time(|| Term::decode(black_box(bytes), &limits).unwrap()));
    note("decode", "erltf", time(|| erltf::decode(black_box(bytes)).unwrap()));
    note("decode", "erltf borrowed", time(|| erltf::decode_borrowed(black_box(bytes)).unwrap()));
    note("decode", "eetf", time(|| eetf::Term::decode(black_box(bytes)).unwrap()));

    note("encode", "encode", time(|| encoded(black_box(term))));
    let theirs = erltf::decode(bytes).unwrap();
    note("encode", "erltf", time(|| erltf::encode(black_box(&theirs)).unwrap()));
    let theirs = eetf::Term::decode(bytes).unwrap();
    note(
        "encode",
        "eetf",
        time(|| {
            let mut out = Vec::new();
            black_box(&theirs).encode(&mut out).unwrap();
            out
        }),
    );
}

/// Looks at every value of one term.
fn visit(mut reader: Reader<'_>) -> u64 {
    let (mut left, mut sum) = (1_u64, 0_u64);
    while left > 0 {
        let head = reader.head().unwrap();
        left = left - 1 + head.inside();
        sum = sum.wrapping_add(match head {
            Head::Integer(value) => value as u64,
            Head::Float(float) => float.get().to_bits(),
            Head::Atom(atom) => atom.as_bytes().unwrap().len() as u64,
            Head::Pid(pid) => u64::from(pid.id ^ pid.serial ^ pid.creation.0),
            Head::Reference(reference) => u64::from(reference.words().fold(0, |a, b| a ^ b)),
            Head::String(bytes) | Head::Binary(bytes) => bytes.len() as u64,
            Head::Big(_)
            | Head::Fun(_)
            | Head::Export(_)
            | Head::Port(_)
            | Head::Tuple(_)
            | Head::Record(_)
            | Head::Map(_)
            | Head::Nil
            | Head::List(_)
            | Head::BitString(_) => 1,
        });
    }
    sum
}

/// Nanoseconds for one call, its result dropped.
fn time<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut calls = 1_u32;
    loop {
        let begin = processor_time();
        for _ in 0..calls {
            black_box(call());
        }
        let passed = processor_time() - begin;
        if passed > Duration::from_millis(30) {
            return passed.as_nanos() as f64 / f64::from(calls);
        }
        calls *= 2;
    }
}

/// Of this thread: others that run on the machine take nothing of it.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

/// What a program prints: `decode` or `encode`, the number of a payload, and nanoseconds, a line.
fn run(times: &mut Times, who: &str, command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{who}: {text} {}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2 * PAYLOADS.len(), "{who}: {text}");
    for line in lines {
        let [what, at, time] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let what = if what == "decode" { "decode" } else { "encode" };
        let key = (what, who.to_owned(), at.parse().unwrap());
        times.entry(key).or_default().push(time.parse().unwrap());
    }
}

fn build_beam(folder: &Path) -> PathBuf {
    let source = folder.join("term_figures.erl");
    fs::write(&source, include_str!("term_figures/beam.erl")).unwrap();
    let erlc = Release::Newest.program("erlc");
    let status = Command::new(erlc).arg("-o").arg(folder).arg(&source).status();
    assert!(status.unwrap().success());
    folder.to_owned()
}

fn encoded(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    out
}

/// A small message, a call of a `gen_server`, a binary of 1 KiB, and a list of a thousand elements of all common kinds.
fn payloads() -> [Term; 4] {
    let atom = |text| Term::from(Atom::new(text).unwrap());
    let node = Atom::new("client@localhost").unwrap();
    let creation = Creation(0x6553_2CD1);
    let pid = Pid { node: node.clone(), id: 91, serial: 0, creation };
    let reference = Reference::new(node, creation, &[0x1_2345, 0x8472_0003, 0x6F12_9A3B]).unwrap();
    let tag = List::with_tail(vec![atom("alias")], reference.into());
    let element = |n: i64| match n % 10 {
        0 => n.into(),
        1 => (n * 1_000_003).into(),
        2 => (n << 40).into(),
        3 => (-n).into(),
        4 => atom("ok"),
        5 => atom("undefined"),
        6 => format!("{n}.25").parse().unwrap(),
        7 => Term::Binary(format!("id{n:06}").into_bytes().into()),
        8 => Term::tuple([atom("ok"), n.into()]),
        _ => Term::map([(atom("id"), n.into()), (atom("name"), Term::Binary("some name".into()))]),
    };
    [
        Term::tuple([atom("seq"), 123_456_i64.into()]),
        Term::tuple([
            atom("$gen_call"),
            Term::tuple([pid.into(), tag]),
            Term::tuple([atom("is_auth"), atom("otp@localhost")]),
        ]),
        Term::Binary(vec![0xA5; 1024].into()),
        Term::list((0..1000).map(element)),
    ]
}
