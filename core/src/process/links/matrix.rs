//! Every event in every state of a link between P, a process of this node, and Q of another one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::*;
use crate::diagram::{Matrix, compare_with_docs};
use crate::link::Frame;
use crate::process::{Limits, Mfa, ProcessEvent, Request};
use crate::term::Atom;
use crate::wire::control::parse;
use crate::{Creation, Flags, NodeName, PingId};

const BYE: &[u8] = b"w\x03bye";

/// A node with P, which traps exits, so that it lives on.
#[derive(Clone, Debug)]
struct Bench {
    processes: Processes,
    p: MailboxId,
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn origin() -> Origin {
    Origin {
        node: name("q@h"),
        creation: Creation(7),
        flags: Flags::SERVED.without(Flags::DIST_HEADER),
    }
}

fn q(id: u32) -> Pid {
    Pid { node: Atom::literal("q@h"), id, serial: 0, creation: Creation(7) }
}

/// What is sent to Q's node, and what P gets.
struct Said {
    reaches: bool,
    said: Vec<String>,
}

impl Said {
    fn new() -> Self {
        Self { reaches: true, said: Vec::new() }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other signal is of links")]
    fn sent(&mut self, signal: &Control) {
        self.said.push(match signal {
            Control::Link { .. } => "LINK".into(),
            Control::UnlinkId { .. } => "UNLINK_ID".into(),
            Control::UnlinkIdAck { .. } => "UNLINK_ID_ACK".into(),
            Control::Exit { reason, .. } => format!("EXIT {}", reason_of(reason)),
            other => panic!("{other:?} is none of links"),
        });
    }
}

/// An atom as text, with a version byte before it or without.
fn reason_of(term: &Bytes) -> String {
    let at = term.iter().position(|byte| *byte == b'w').unwrap();
    String::from_utf8(term[at + 2..].to_vec()).unwrap()
}

impl Deliver for Said {
    fn message(&mut self, _: MailboxId, message: Bytes) {
        panic!("{message:?} is none of links")
    }

    fn start(&mut self, _: MailboxId, mfa: Mfa) {
        panic!("{mfa:?} is none of links")
    }

    fn event(&mut self, _: MailboxId, event: ProcessEvent) {
        let ProcessEvent::Exit { reason, .. } = event else { panic!("{event:?} is none of links") };
        self.said.push(format!("`{{'EXIT',Q,{}}}`", reason_of(&reason)));
    }

    fn signal(&mut self, _: &Atom, signal: Control) -> Reach {
        if !self.reaches {
            return Reach::NoConnection;
        }
        self.sent(&signal);
        Reach::Sent
    }

    fn is_reached(&mut self, _: &NodeName) -> bool {
        self.reaches
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        let signal = parse(&Bytes::from(frame.to_bytes()).slice(4..), &name("p@h"))?;
        self.sent(&signal);
        Ok(())
    }

    fn pong(&mut self, ping: PingId, _: bool) {
        panic!("{ping:?} is none of links")
    }

    fn request(&mut self, request: Request) {
        panic!("{request:?} is none of links")
    }
}

impl Bench {
    fn new() -> Self {
        let mut processes =
            Processes::with_limits(Limits { links_per_peer: 1, ..Limits::default() });
        processes.alive(name("p@h"), Creation(6));
        let p = processes.spawn_mailbox();
        assert_eq!(processes.trap_exit(p, true), Ok(false));
        Self { processes, p }
    }

    fn own(&self) -> Pid {
        self.processes.identity().pid(self.p)
    }

    fn state(&self) -> &'static str {
        let Some(process) = self.processes.table.get(&self.p) else { return "P has ended" };
        match process.links.get(&q(1)) {
            None => "no link",
            Some(Link { unlink: None, .. }) => "linked",
            Some(Link { unlink: Some(_), .. }) => "unlinking",
        }
    }

    /// Of the UNLINK_ID that is not acknowledged.
    fn id(&self) -> u64 {
        let link = self.processes.table.get(&self.p).and_then(|process| process.links.get(&q(1)));
        link.and_then(|link| link.unlink).map_or(1, NonZeroU64::get)
    }

    /// The signal comes from Q's node.
    fn comes(&mut self, signal: Control, said: &mut Said) {
        self.comes_from(&origin(), signal, said);
    }

    fn comes_from(&mut self, origin: &Origin, signal: Control, said: &mut Said) {
        if let Err(violation) = self.processes.handle(origin, signal, said) {
            said.said.push(format!("the nodes' link ends: {violation:?}"));
        }
    }

    fn link(&mut self, said: &mut Said) {
        if let Err(error) = self.processes.link(self.p, &q(1), said) {
            said.said.push(format!("{error:?}"));
        }
    }

    fn unlink(&mut self, said: &mut Said) {
        if let Err(error) = self.processes.unlink(self.p, &q(1), said) {
            said.said.push(format!("{error:?}"));
        }
    }

    fn terminate(&mut self, said: &mut Said) {
        self.processes.terminate(self.p, &Bytes::from_static(BYE), said);
    }
}

fn states() -> [(&'static str, Bench); 4] {
    let mut said = Said::new();
    let none = Bench::new();
    let mut linked = none.clone();
    linked.link(&mut said);
    let mut unlinking = linked.clone();
    unlinking.unlink(&mut said);
    let mut ended = none.clone();
    ended.terminate(&mut said);
    [("no link", none), ("linked", linked), ("unlinking", unlinking), ("P has ended", ended)]
}

type Event = fn(&mut Bench, &mut Said);

const EVENTS: [(&str, Event); 13] = [
    ("P links", Bench::link),
    ("P links, Q's node is not reached", |bench, said| {
        said.reaches = false;
        bench.link(said);
    }),
    ("P unlinks", Bench::unlink),
    ("P unlinks, Q's node is not reached", |bench, said| {
        said.reaches = false;
        bench.unlink(said);
    }),
    ("P ends", Bench::terminate),
    ("LINK", |bench, said| bench.comes(Control::Link { from: q(1), to: bench.own() }, said)),
    ("LINK, one more than may be", |bench, said| {
        bench.comes(Control::Link { from: q(2), to: bench.own() }, &mut Said::new());
        bench.comes(Control::Link { from: q(1), to: bench.own() }, said);
    }),
    ("UNLINK_ID", |bench, said| {
        let id = NonZeroU64::new(99).unwrap();
        bench.comes(Control::UnlinkId { id, from: q(1), to: bench.own() }, said);
    }),
    ("UNLINK_ID_ACK", |bench, said| {
        let id = bench.id();
        bench.comes(Control::UnlinkIdAck { id, from: q(1), to: bench.own() }, said);
    }),
    ("UNLINK_ID_ACK of another id", |bench, said| {
        let id = bench.id() + 1;
        bench.comes(Control::UnlinkIdAck { id, from: q(1), to: bench.own() }, said);
    }),
    ("EXIT", |bench, said| {
        let (from, to, reason) = (q(1), bench.own(), Bytes::from_static(BYE));
        bench.comes(Control::Exit { from, to, reason, token: None }, said);
    }),
    ("EXIT, Q is of an earlier incarnation of its node", |bench, said| {
        let (from, to, reason) = (q(1), bench.own(), Bytes::from_static(BYE));
        let origin = Origin { creation: Creation(8), ..origin() };
        bench.comes_from(&origin, Control::Exit { from, to, reason, token: None }, said);
    }),
    ("the nodes' link ends", |bench, said| {
        said.reaches = false;
        bench.processes.connection_down(&name("q@h"), said);
    }),
];

//= docs/spec/process.md#process-unlink
//= type=test
//= docs/spec/process.md#process-unlink-received
//= type=test
//= docs/spec/process.md#process-unlink-ack
//= type=test
//= docs/spec/process.md#process-link-received
//= type=test
//= docs/spec/process.md#process-exit-received
//= type=test
#[test]
fn every_event_in_every_state() {
    let mut matrix = Matrix::new(states().iter().map(|(state, _)| *state));
    for (state, bench) in states() {
        assert_eq!(state, bench.state(), "the way to the state leads there");
        for (event, happens) in EVENTS {
            let (mut after, mut said) = (bench.clone(), Said::new());
            happens(&mut after, &mut said);
            matrix.add(state, event, after.state(), &said.said.join(", "));
        }
    }
    compare_with_docs("link", &matrix.written());
}
