//! Frames sent to a node by a scripted peer, and what becomes of the link.
#![expect(clippy::unwrap_used, reason = "this is test code")]

pub(crate) mod headed;

use core::cell::Cell;
use core::fmt;
use std::time::Instant;

use netkernel_blocking::core::Flags;
use netkernel_blocking::core::link::{Frame, Limits as LinkLimits, LinkReader};
use netkernel_blocking::core::net_kernel::{NodeDownReason, NodeEvent};
use netkernel_blocking::core::process::Origin;
use netkernel_blocking::core::term::{Limits, Pid, Term};
use netkernel_blocking::core::wire::control::{Control, parse};
use netkernel_tests::forged::Names;
pub(crate) use netkernel_tests::forged::raw;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::script::Script;

/// What the peer offers unless a test says otherwise: forms, and no framing but the simplest.
pub(crate) const FORMS: Flags = Flags::from_bits(
    Flags::MANDATORY_26.bits()
        | Flags::MANDATORY_25_DIGEST.bits()
        | Flags::DIST_MONITOR.bits()
        | Flags::DIST_MONITOR_NAME.bits()
        | Flags::SMALL_ATOM_TAGS.bits()
        | Flags::UNICODE_IO.bits()
        | Flags::SEND_SENDER.bits()
        | Flags::BIG_SEQTRACE_LABELS.bits()
        | Flags::EXIT_PAYLOAD.bits(),
);

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The node still answers on it.
    Kept,
    /// The node has ended it, and tells its subscribers this reason.
    Ended(String),
    /// The whole node has ended.
    Died,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Ended(reason) => f.write_str(reason),
            Self::Died => f.write_str("the node died"),
        }
    }
}

/// A node under test.
pub(crate) enum Node {
    Theirs(Erl),
    Ours(Ours),
}

/// A node, and who is there: what frames are made of.
pub(crate) struct Target {
    pub(crate) node: Node,
    port: u16,
    name: String,
    /// A process that is there, with the name `sink`.
    pub(crate) sink: Pid,
    peers: Cell<u32>,
    /// The process `sink` of a node of ours.
    _mailbox: Option<Mailbox>,
}

impl Target {
    /// A node of Erlang. Its process `sink` takes every message, and survives exit signals.
    pub(crate) fn theirs(release: Release, epmd: &Epmd, name: &str) -> Self {
        let erl = Erl::start(&ErlOptions::new(release, epmd, name).without_auto_connect());
        let sink = erl.eval(
            "Loop = fun Loop() -> receive {sync, P, R} -> P ! R, Loop(); _ -> Loop() end end,
             Sink = spawn(fun() -> process_flag(trap_exit, true), Loop() end),
             true = register(sink, Sink),
             binary_to_list(binary:encode_hex(term_to_binary(Sink)))",
        );
        let Term::Pid(sink) = decode_hex(sink.trim_matches('"')) else { panic!("{sink}") };
        let port = erl.eval(&format!(
            "{{port, Port, _}} = erl_epmd:port_please(\"{name}\", {{127,0,0,1}}), Port"
        ));
        let name = erl.name().to_owned();
        let port = port.parse().unwrap();
        Self { node: Node::Theirs(erl), port, name, sink, peers: Cell::new(0), _mailbox: None }
    }

    /// One of ours, with such a process.
    pub(crate) fn ours(epmd: &Epmd, name: &str) -> Self {
        let ours = Ours::start(name, Ours::config(epmd.port()));
        let mailbox = ours.mailbox("sink");
        mailbox.trap_exit(true).unwrap();
        let (port, name, sink) = (ours.port(), ours.name().to_owned(), mailbox.pid().unwrap());
        let (node, _mailbox) = (Node::Ours(ours), Some(mailbox));
        Self { node, port, name, sink, peers: Cell::new(0), _mailbox }
    }

    /// A new peer that is linked with the node.
    pub(crate) fn join(&self, flags: Flags) -> (Script, Names) {
        self.peers.set(self.peers.get() + 1);
        let peer = format!("c{}@127.0.0.1", self.peers.get());
        let script = Script::join_with(self.port, &peer, flags);
        let names = Names::new(peer, self.name.clone(), self.sink.clone());
        (script, names)
    }

    /// Sends bytes on a new link, and tells what becomes of it.
    pub(crate) fn send(
        &self,
        flags: Flags,
        expected: &Outcome,
        bytes: impl FnOnce(&Names) -> Vec<u8>,
    ) -> Outcome {
        let (mut script, names) = self.join(flags);
        // The node may close it while it still gets bytes.
        _ = script.try_send(&bytes(&names));
        let origin =
            Origin { node: node_name(&self.name), creation: netkernel_core::Creation(7), flags };
        let mut reader = LinkReader::from_origin(origin, LinkLimits::default());
        let (begin, mut number) = (Instant::now(), 1);
        while self.answers(&mut script, &mut reader, flags, &names, number) {
            // What is wrong with a message Erlang finds out when a process takes it, and with the arguments of one that is spawned when that begins.
            let is_awaited = *expected != Outcome::Kept && begin.elapsed() < GIVE_UP;
            if number > 1 && !is_awaited {
                return Outcome::Kept;
            }
            self.settle();
            number += 1;
        }
        Outcome::Ended(self.reason(names.peer()))
    }

    /// The first frame that the node sends back, in hexadecimal digits.
    pub(crate) fn answer(&self, flags: Flags, control: &str) -> String {
        let (mut script, names) = self.join(flags);
        script.send(&names.frame(control, &[]));
        let frame = script.next_frame().unwrap();
        frame.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As [`Self::send`], for what may end a node of Erlang. The process `sink` is asked, too.
    pub(crate) fn send_dangerous(mut self, bytes: impl FnOnce(&Names) -> Vec<u8>) -> Outcome {
        let (mut script, names) = self.join(FORMS);
        _ = script.try_send(&bytes(&names));
        let mut message = Vec::new();
        names.term("{sync,from,ref}").encode(&mut message).unwrap();
        _ = script.try_send(&names.frame("{2,'',sink}", &message));
        while let Some(frame) = script.next_frame() {
            let answer = parse(&frame.into(), &node_name(&self.name));
            if matches!(answer, Ok(Control::Send { to, .. }) if to == names.from()) {
                return Outcome::Kept;
            }
        }
        let Node::Theirs(erl) = &mut self.node else { panic!("a node of Erlang") };
        let begin = format!("{{nodedown,'{}',", names.peer());
        let mut died = false;
        eventually("the node ends, or the link", || {
            died = erl.has_ended();
            died || erl.events().iter().any(|event| event.starts_with(&begin))
        });
        if died { Outcome::Died } else { Outcome::Ended(self.reason(names.peer())) }
    }

    /// Whether the node still answers. It is asked for a link with a process that is not there.
    fn answers(
        &self,
        script: &mut Script,
        reader: &mut LinkReader,
        flags: Flags,
        names: &Names,
        number: u32,
    ) -> bool {
        let from = Pid { id: 1000 + number, ..names.from() };
        let probe = Control::Link { from: from.clone(), to: names.nobody() };
        _ = script.try_send(&Frame::new(&probe, flags).unwrap().to_bytes());
        while let Some(frame) = script.next_frame() {
            let batch = reader.decode(&raw(&frame));
            if batch.violation.is_some() {
                // A node of Erlang may answer what is no process. What comes next is read anew.
                let origin = Origin {
                    node: node_name(&self.name),
                    creation: netkernel_core::Creation(7),
                    flags,
                };
                *reader = LinkReader::from_origin(origin, LinkLimits::default());
            }
            let is_answer =
                |signal: &Control| matches!(signal, Control::Exit { to, .. } if *to == from);
            if batch.signals.iter().any(is_answer) {
                return true;
            }
        }
        false
    }

    fn settle(&self) {
        if let Node::Theirs(erl) = &self.node {
            erl.eval("R = make_ref(), sink ! {sync, self(), R}, receive R -> ok end");
        }
    }

    /// Why the link with this peer went down.
    fn reason(&self, peer: &str) -> String {
        match &self.node {
            Node::Theirs(erl) => {
                let begin = format!("{{nodedown,'{peer}',");
                let event = erl.wait_event(GIVE_UP, |event| event.starts_with(&begin));
                let (_, reason) = event.split_once("nodedown_reason => ").unwrap();
                reason.trim_end_matches('}').to_owned()
            }
            Node::Ours(ours) => loop {
                if let NodeEvent::NodeDown { node, info: Some(info) } = ours.next_event()
                    && node.as_str() == peer
                {
                    let reason = info.nodedown_reason.as_ref().map(NodeDownReason::to_term);
                    break reason.unwrap().to_string();
                }
            },
        }
    }
}

pub(crate) fn decode_hex(digits: &str) -> Term {
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = digits.as_bytes().chunks(2).map(byte).collect();
    Term::decode(&bytes, &Limits::default()).unwrap()
}
