//! Figures, printed and not asserted: `cargo bench --bench figures`.
//!
//! * frames a second through `pump`, beside the memory bandwidth of the same bytes in the same run;
//! * bytes of memory a link in core, counted by the allocator.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

mod shared;

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant as Clock;

use bytes::Bytes;
use netkernel_core::driver::pump;
use netkernel_core::link::{Frame, Limits, LinkReader, LinkWriter, Violation};
use netkernel_core::net_kernel::Promotion;
use netkernel_core::process::{Deliver, Mfa, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::{Atom, Pid};
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, Flags, LinkId, MailboxId, NodeName, NodeType, PingId};
use shared::{Kernel, in_use, name};

/// Takes messages and drops them.
#[derive(Default)]
struct Sink {
    messages: u64,
    answers: u64,
}

impl Deliver for Sink {
    fn message(&mut self, _: MailboxId, message: Bytes) {
        self.messages += 1;
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

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.answers += 1;
        black_box(frame);
        Ok(())
    }

    fn pong(&mut self, _: PingId, _: bool) {}

    fn request(&mut self, _: Request) {}
}

fn main() {
    frames_through_pump();
    memory_a_link();
}

fn promotion(link: LinkId) -> Promotion {
    Promotion {
        link,
        node: name("b@127.0.0.1"),
        creation: Creation(7),
        flags: Flags::SERVED,
        node_type: NodeType::Hidden,
        residue: Bytes::new(),
    }
}

fn frames_through_pump() {
    let mut kernel = Kernel::alive();
    let link = kernel.connect(0).link;
    let mut processes = Processes::new();
    processes.alive(name("a@127.0.0.1"), Creation(9));
    let mailbox = processes.spawn_mailbox();
    processes.register(Atom::new("sink").unwrap(), mailbox).unwrap();
    let to = processes.pid(mailbox).unwrap();
    let from =
        Pid { node: Atom::new("b@127.0.0.1").unwrap(), id: 90, serial: 0, creation: Creation(7) };
    let small = Bytes::from_static(b"\x83\x68\x02\x77\x03seq\x62\x00\x01\x00\x00");
    let kilobyte = Bytes::from([&b"\x83\x6d\0\0\x04\0"[..], &[7; 1024]].concat());
    let send = |message: &Bytes| {
        let (from, message) = (Some(from.clone()), message.clone());
        Control::Send { from, to: to.clone(), message, token: None }
    };
    for (what, signal) in [
        ("SEND {seq,N}", send(&small)),
        (
            "REG_SEND {seq,N}",
            Control::RegSend {
                from: from.clone(),
                to: Atom::new("sink").unwrap(),
                message: small.clone(),
                token: None,
            },
        ),
        ("SEND 1 KiB", send(&kilobyte)),
        ("LINK, answered noproc", Control::Link { from, to }),
    ] {
        let frame = Frame::new(&signal, Flags::SERVED).unwrap().to_bytes();
        let per_read = (64 * 1024 / frame.len()).max(1);
        let batch = frame.repeat(per_read);
        let mut reader = LinkReader::new(&promotion(link), Limits::default());
        let mut sink = Sink::default();
        let (mut frames, began) = (0_u64, Clock::now());
        while began.elapsed() < Duration::from_millis(700) {
            for _ in 0..16 {
                pump(&mut reader, black_box(&batch), &mut processes, &mut sink).unwrap();
                frames += per_read as u64;
            }
        }
        let pumped = frames as f64 / began.elapsed().as_secs_f64();
        assert_eq!(sink.messages + sink.answers, frames);
        let (mut copies, began) = (0_u64, Clock::now());
        while began.elapsed() < Duration::from_millis(200) {
            black_box(black_box(&batch).clone());
            copies += per_read as u64;
        }
        let copied = copies as f64 / began.elapsed().as_secs_f64();
        println!(
            "pump: {what:24} {:5} B a frame {pumped:12.0} frames/s {:7.0} ns a frame, 1 : {:.1} of copying the bytes",
            frame.len(),
            1e9 / pumped,
            copied / pumped,
        );
    }
}

fn memory_a_link() {
    const LINKS: usize = 10_000;
    let mut kernel = Kernel::alive();
    kernel.connect(0);
    let before = in_use();
    for number in 1..=LINKS {
        kernel.connect(number);
    }
    let table = (in_use() - before) as f64 / LINKS as f64;
    let link = kernel.connect(LINKS + 1).link;
    let before = in_use();
    let plane: Vec<_> = (0..LINKS)
        .map(|_| {
            (
                LinkReader::new(&promotion(link), Limits::default()),
                LinkWriter::new(Limits::default()),
            )
        })
        .collect();
    let idle = (in_use() - before) as f64 / LINKS as f64;
    drop(plane);
    println!(
        "memory: {table:.0} B a link in the kernel, {idle:.0} B in the reader and writer of an idle one ({LINKS} links)"
    );
}
