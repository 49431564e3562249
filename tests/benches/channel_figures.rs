//! Figures of headers and atom caches, printed and not asserted:
//! `cargo bench -p netkernel-tests --features fuzzing --bench channel_figures`.
//!
//! * messages a second through `pump`, without header, with an empty one, and with all atoms in the cache;
//! * what a sending cache would save in bytes and cost in time, while every atom is in it.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant as Clock;

use bytes::Bytes;
use netkernel_core::driver::pump;
use netkernel_core::fuzzing::SendingCache;
use netkernel_core::link::{Frame, Limits, LinkReader, Origin, Violation};
use netkernel_core::process::{Deliver, Mfa, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::{Atom, Pid, Term};
use netkernel_core::wire::control::Control;
use netkernel_core::wire::dist_header::CACHE_SLOTS;
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Creation, Flags, MailboxId, NodeName, PingId};

/// The forms take turns so often, each for as long; the fastest turn counts.
const TURNS: usize = 60;
const TURN: Duration = Duration::from_millis(5);
/// As many bytes come with one read.
const READ: usize = 64 * 1024;

/// Counts messages and drops them.
#[derive(Default)]
struct Sink(u64);

impl Deliver for Sink {
    fn message(&mut self, _: MailboxId, message: Bytes) {
        self.0 += 1;
        black_box(message);
    }

    fn start(&mut self, _: MailboxId, _: Mfa) {}

    fn event(&mut self, _: MailboxId, _: ProcessEvent) {}

    fn signal(&mut self, _: &Atom, _: Control) -> Reach {
        Reach::NoConnection
    }

    fn is_reached(&mut self, _: &NodeName) -> bool {
        false
    }

    fn answer(&mut self, _: Frame) -> Result<(), Violation> {
        Ok(())
    }

    fn pong(&mut self, _: PingId, _: bool) {}

    fn request(&mut self, _: Request) {}
}

fn main() {
    println!("messages to a registered name, read in pieces of {READ} bytes");
    for (what, message) in [
        ("binary of 16 B", binary(16)),
        ("binary of 1 KiB", binary(1024)),
        ("binary of 64 KiB, uncut", binary(READ - 256)),
        ("binary of 1 MiB, in fragments where they were agreed on", binary(1024 * 1024)),
        ("{seq,1}", term("{seq,1}")),
        ("a cast with 5 atoms", cast()),
        ("a list of 100 atoms", atoms(100)),
    ] {
        println!("{what}");
        received(&message);
        sent(&message);
    }
}

fn received(message: &Bytes) {
    let plain = Flags::MANDATORY_26;
    let whole = |flags| Frame::new(&signal(message), flags).unwrap().to_bytes();
    let mut cache = SendingCache::new(CACHE_SLOTS);
    let first = with_cache(&mut cache, &signal(message));
    let forms = [
        ("no header", plain, Vec::new(), whole(plain)),
        ("empty header", Flags::SERVED, Vec::new(), whole(Flags::SERVED)),
        ("cached atoms", Flags::SERVED, first, with_cache(&mut cache, &signal(message))),
    ];
    let mut readers: Vec<_> =
        forms.iter().map(|(.., first, one)| Reading::new(first, one)).collect();
    let nanos = fastest(|form| {
        let (_, flags, ..) = &forms[form];
        readers[form].turn(*flags)
    });
    for ((what, _, _, one), time) in forms.iter().zip(nanos) {
        println!(
            "  read:  {what:13} {:8} B {:10.0} messages/s {time:9.0} ns, {:.2} of no header",
            one.len(),
            1e9 / time,
            time / nanos[0],
        );
    }
}

/// What has to be read, and by whom.
struct Reading {
    first: Vec<u8>,
    batch: Vec<u8>,
    messages: u64,
    processes: Processes,
}

impl Reading {
    fn new(first: &[u8], one: &[u8]) -> Self {
        let mut processes = Processes::new();
        processes.alive(NodeName::new("a@127.0.0.1").unwrap(), Creation(9));
        let mailbox = processes.spawn_mailbox();
        processes.register(Atom::new("sink").unwrap(), mailbox).unwrap();
        let messages = (READ / one.len()).max(1);
        Self {
            first: first.to_vec(),
            batch: one.repeat(messages),
            messages: messages as u64,
            processes,
        }
    }

    /// Nanoseconds a message.
    fn turn(&mut self, flags: Flags) -> f64 {
        let origin =
            Origin { node: NodeName::new("b@127.0.0.1").unwrap(), creation: Creation(7), flags };
        let mut reader = LinkReader::from_origin(origin, Limits::default());
        pump(&mut reader, &self.first, &mut self.processes, &mut Sink::default()).unwrap();
        let (mut sink, mut expected) = (Sink::default(), 0);
        let time = for_a_turn(|| {
            for piece in black_box(&self.batch).chunks(READ) {
                pump(&mut reader, piece, &mut self.processes, &mut sink).unwrap();
            }
            expected += self.messages;
        });
        assert_eq!(sink.0, expected);
        time / self.messages as f64
    }
}

fn sent(message: &Bytes) {
    let signal = signal(message);
    let mut cache = SendingCache::new(CACHE_SLOTS);
    with_cache(&mut cache, &signal);
    let nanos = fastest(|form| {
        for_a_turn(|| {
            if form == 1 {
                black_box(with_cache(&mut cache, black_box(&signal)));
            } else {
                black_box(Frame::new(black_box(&signal), Flags::SERVED));
            }
        })
    });
    let [empty, cached] = [nanos[0].min(nanos[2]), nanos[1]];
    println!(
        "  write: empty header {empty:6.0} ns, with a cache {cached:9.0} ns, {:.1} as long",
        cached / empty
    );
}

/// The fastest turn of each of three forms.
fn fastest(mut turn: impl FnMut(usize) -> f64) -> [f64; 3] {
    let mut best = [f64::INFINITY; 3];
    for _ in 0..TURNS {
        for (form, best) in best.iter_mut().enumerate() {
            *best = best.min(turn(form));
        }
    }
    best
}

/// Nanoseconds that it takes.
fn for_a_turn(mut step: impl FnMut()) -> f64 {
    let (mut steps, began) = (0_u64, Clock::now());
    while began.elapsed() < TURN {
        for _ in 0..8 {
            step();
        }
        steps += 8;
    }
    began.elapsed().as_nanos() as f64 / steps as f64
}

/// The frame of a sender that has a cache.
fn with_cache(cache: &mut SendingCache, signal: &Control) -> Vec<u8> {
    let mut control = Vec::with_capacity(128);
    signal.emit_term(Flags::SERVED, &mut control);
    let payload = signal.payload(Flags::SERVED).unwrap();
    let (list, terms) = cache.encode(&[&control, &payload]);
    let mut out = Vec::with_capacity(payload.len() + 128);
    Framing::Long
        .put(&mut out, |out| {
            out.extend_from_slice(&[131, 68]);
            out.extend_from_slice(&list);
            terms.iter().for_each(|term| out.extend_from_slice(term));
        })
        .unwrap();
    out
}

fn signal(message: &Bytes) -> Control {
    let node = Atom::new("b@127.0.0.1").unwrap();
    let from = Pid { node, id: 90, serial: 0, creation: Creation(7) };
    Control::RegSend { from, to: Atom::new("sink").unwrap(), message: message.clone(), token: None }
}

fn binary(length: usize) -> Bytes {
    let head = [&[131, 109][..], &(length as u32).to_be_bytes()].concat();
    [head, vec![7; length]].concat().into()
}

fn cast() -> Bytes {
    term("{'$gen_cast',{update,customer_record,[{first_name,17},{account_balance,4711}]}}")
}

fn atoms(count: usize) -> Bytes {
    let atoms: Vec<_> = (0..count).map(|number| format!("atom_number_{number}")).collect();
    term(&format!("[{}]", atoms.join(",")))
}

fn term(text: &str) -> Bytes {
    let mut out = Vec::new();
    text.parse::<Term>().unwrap().encode(&mut out).unwrap();
    out.into()
}
