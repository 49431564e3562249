//! One end of a link in memory, and frames as hexadecimal digits.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]
#![allow(dead_code, unreachable_pub, reason = "shared by tests that need some of it each")]

use bytes::Bytes;
use netkernel_core::driver::pump;
use netkernel_core::link::{Frame, Limits, LinkReader, Violation};
use netkernel_core::process::{Deliver, Mfa, Origin, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, Flags, MailboxId, NodeName, PingId};

/// Without what puts headers in front of messages.
pub const PASS_THROUGH: Flags = Flags::SERVED.without(Flags::DIST_HEADER);

pub const REF: &str = "5a 0003 770d 'otp@localhost' 6b016381 00002ff5 ab0d0001 03f4d9f5";
pub const OTP: &str = "58 770d 'otp@localhost' 00000059 00000000 6b016381";
pub const PY: &str = "58 770f 'pysrv@localhost' 00000001 00000000 11223344";
/// A reference of ours.
pub const OWN_REF: &str = "5a 0003 770f 'pysrv@localhost' 11223344 00000001 00000002 00000003";
/// The process that is registered as `net_kernel` here.
pub const OWN_NET_KERNEL: &str = "58 770f 'pysrv@localhost' 00000001 00000000 11223344";
pub const YES: &str = "77 03 'yes'";
pub const NOPROC: &str = "77 06 'noproc'";
pub const NET_KERNEL: &str = "770a 'net_kernel'";

/// Hexadecimal digits, and text in single quotes.
pub fn bytes(parts: &[&str]) -> Vec<u8> {
    let joined = parts.join(" ");
    let mut out = Vec::new();
    for (i, part) in joined.split('\'').enumerate() {
        if i % 2 == 1 {
            out.extend(part.bytes());
            continue;
        }
        let digits: Vec<_> = part.bytes().filter(|b| *b != b' ').collect();
        for pair in digits.chunks(2) {
            let pair = core::str::from_utf8(pair).unwrap();
            out.push(u8::from_str_radix(pair, 16).unwrap());
        }
    }
    out
}

/// A frame of these parts: length, 'p', version byte, and then what is given.
pub fn frame(parts: &[&str]) -> Vec<u8> {
    let body = bytes(parts);
    let length = body.len() as u32 + 2;
    [&length.to_be_bytes(), &[0x70, 0x83][..], &body].concat()
}

pub fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

pub fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

/// What was delivered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub messages: Vec<(MailboxId, Bytes)>,
    pub answers: Vec<u8>,
    pub pongs: Vec<(PingId, bool)>,
    pub requests: Vec<Request>,
    pub events: Vec<(MailboxId, ProcessEvent)>,
    pub started: Vec<(MailboxId, Mfa)>,
    pub signals: Vec<Control>,
}

impl Deliver for Delivered {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.messages.push((to, message));
    }

    fn start(&mut self, process: MailboxId, mfa: Mfa) {
        self.started.push((process, mfa));
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        self.events.push((to, event));
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        assert_eq!(node.as_str(), "otp@localhost", "the only node that anybody here knows");
        self.signals.push(signal);
        Reach::Sent
    }

    fn is_reached(&mut self, _: &NodeName) -> bool {
        false
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.answers.extend(frame.to_bytes());
        Ok(())
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        self.pongs.push((ping, alive));
    }

    fn request(&mut self, request: Request) {
        self.requests.push(request);
    }
}

/// One end of a link: the node `pysrv@localhost`, which `otp@localhost` talks to.
pub struct End {
    pub reader: LinkReader,
    pub processes: Processes,
    pub delivered: Delivered,
}

impl End {
    pub fn new(flags: Flags) -> Self {
        let mut processes = Processes::new();
        processes.alive(node("pysrv@localhost"), Creation(0x1122_3344));
        let origin = Origin { node: node("otp@localhost"), creation: Creation(7), flags };
        let reader = LinkReader::from_origin(origin, Limits::default());
        Self { reader, processes, delivered: Delivered::default() }
    }

    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        pump(&mut self.reader, bytes, &mut self.processes, &mut self.delivered)
    }
}

pub fn end() -> End {
    End::new(PASS_THROUGH)
}

/// What comes back for some frames.
pub fn answers_to(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut end = end();
    end.receive(&frames.concat()).unwrap();
    end.delivered.answers
}

pub fn is_auth(tag: &str) -> Vec<u8> {
    let call = "83 68 03 7709 '$gen_call' 68 02";
    let question = "68 02 7707 'is_auth' 770d 'otp@localhost'";
    frame(&["68 04 61 06", OTP, "7700", NET_KERNEL, call, OTP, tag, question])
}
