//! Notes what a kernel wants, and everything that can be seen of it from outside.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use netkernel_core::driver::{Host, pump};
use netkernel_core::link::{Frame, Limits, LinkReader, Violation};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{
    Answer, ConnectionId, Diagnostic, Endpoint, NodeEvent, OptionName, OptsError, Promotion,
    Purpose, SocketOption, Target,
};
use netkernel_core::process::{Deliver, Mfa, ProcessEvent, Processes, Reach, Request};
use netkernel_core::term::Atom;
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, Instant, LinkId, MailboxId, NodeName, PingId, RequestId, StreamId};

use super::side::Side;

/// One item of a mailbox.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Mail {
    Event(NodeEvent),
    Message(Bytes),
}

/// Notes what the kernel wants; the world carries it out.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct TestHost {
    pub(super) todo: VecDeque<Todo>,
    pub sides: BTreeMap<StreamId, Side>,
    pub(super) processes: Processes,
    pub port: Option<u16>,
    /// Everything that can be seen from outside, in order.
    pub log: Vec<String>,
    pub answers: BTreeMap<RequestId, Answer>,
    pub pongs: Vec<(PingId, bool)>,
    /// Subscribed to everything from the beginning. Of its events `log` and `events` have those of links.
    pub(super) witness: Option<MailboxId>,
    pub events: Vec<NodeEvent>,
    /// What came into mailboxes, in order.
    pub mail: Vec<(MailboxId, Mail)>,
    /// The links of the streams that were promoted.
    pub links: BTreeMap<StreamId, LinkId>,
    pub diagnostics: Vec<Diagnostic>,
    /// The socket options that were set, in order.
    pub options: Vec<(Endpoint, SocketOption)>,
    /// What setting options comes to, if not success.
    pub options_fail: Option<OptsError>,
    /// Where in the log each answer is.
    pub answered: BTreeMap<RequestId, usize>,
    /// Whom the kernel has dialled, in order.
    pub dialled: Vec<NodeName>,
    /// Streams that the kernel has closed.
    closed: BTreeSet<StreamId>,
    /// When ticks were sent.
    pub ticks: Vec<Instant>,
    pub(super) now: Instant,
}

#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) enum Todo {
    Listen,
    Open(StreamId, Target),
    Send(StreamId, Bytes),
    Close { stream: StreamId, abort: bool },
}

impl TestHost {
    /// Handles what a link has brought.
    pub(super) fn pump(&mut self, stream: StreamId, bytes: &[u8]) -> Result<(), Violation> {
        let reader = self.sides.get_mut(&stream).and_then(|side| side.reader.take());
        let Some(mut reader) = reader else { return Ok(()) };
        let mut processes = core::mem::take(&mut self.processes);
        let result = pump(&mut reader, bytes, &mut processes, &mut Answers { stream, host: self });
        self.processes = processes;
        if let Some(side) = self.sides.get_mut(&stream) {
            side.reader = Some(reader);
        }
        result
    }

    fn send(&mut self, stream: StreamId, bytes: Bytes) {
        if let Some(side) = self.sides.get_mut(&stream) {
            side.sent += 1;
            self.todo.push_back(Todo::Send(stream, bytes));
        }
    }
}

impl Host for TestHost {
    fn listen(&mut self) {
        self.todo.push_back(Todo::Listen);
    }

    fn unlisten(&mut self) {
        self.todo.retain(|todo| !matches!(todo, Todo::Listen));
        self.port = None;
    }

    fn open(&mut self, stream: StreamId, target: Target) {
        if let Purpose::Peer(node) = &target.purpose {
            self.dialled.push(node.clone());
        }
        self.todo.push_back(Todo::Open(stream, target));
    }

    fn read(&mut self, stream: StreamId) {
        if let Some(side) = self.sides.get_mut(&stream) {
            assert!(!core::mem::replace(&mut side.reading, true), "one read at a time");
        }
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        assert!(
            self.sides.get(&stream).is_none_or(|side| side.reader.is_none()),
            "never after Promote"
        );
        self.send(stream, bytes);
    }

    fn attempting(&mut self, node: NodeName, _link: LinkId) {
        self.log.push(format!("attempting {node}"));
    }

    fn alive(&mut self, name: NodeName, creation: Creation) {
        self.processes.alive(name.clone(), creation);
        self.log.push(format!("alive {name} {}", creation.0));
    }

    fn not_alive(&mut self) {
        self.processes.not_alive();
        self.log.push("not alive".into());
    }

    fn event(&mut self, to: MailboxId, event: NodeEvent) {
        self.mail.push((to, Mail::Event(event.clone())));
        if self.witness != Some(to) {
            self.log.push(format!("{to:?} got {event}"));
        } else if event.connection_id() != Some(ConnectionId::Undefined) {
            self.log.push(match (event.node(), event.nodedown_reason()) {
                (node, None) => format!("nodeup {node} {}", event.node_type().unwrap()),
                (node, Some(reason)) => format!("nodedown {node} {reason}"),
            });
            self.events.push(event);
        }
    }

    fn promote(&mut self, stream: StreamId, promotion: Promotion) {
        self.log.push(format!("promote {}", promotion.node));
        self.links.insert(stream, promotion.link);
        let Some(side) = self.sides.get_mut(&stream) else { return };
        let residue = promotion.residue.clone();
        let promotion = Promotion { residue: Bytes::new(), ..promotion };
        side.reader = Some(LinkReader::new(&promotion, Limits::default()));
        // At once, as a thread may do it that is told before the next output comes.
        self.pump(stream, &residue).unwrap();
    }

    fn tick(&mut self, stream: StreamId) {
        self.ticks.push(self.now);
        self.send(stream, Bytes::from_static(&[0; 4]));
    }

    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        let side = self.sides.get(&stream).filter(|side| !side.counters_fail)?;
        Some(Traffic {
            received: side.received,
            sent: side.sent,
            queued: side.queued + side.outbox.len() as u64,
            paused: side.paused,
            awaited: None,
        })
    }

    fn setopts(&mut self, endpoint: Endpoint, options: &[SocketOption]) -> Result<(), OptsError> {
        self.options.extend(options.iter().map(|option| (endpoint, *option)));
        self.options_fail.clone().map_or(Ok(()), Err)
    }

    fn getopts(
        &mut self,
        stream: StreamId,
        names: &[OptionName],
    ) -> Result<Vec<SocketOption>, OptsError> {
        let set =
            self.options.iter().rev().filter(|(socket, _)| *socket == Endpoint::Stream(stream));
        let set = |name: &OptionName| set.clone().find(|(_, option)| option.name() == *name);
        Ok(names.iter().filter_map(set).map(|(_, option)| *option).collect())
    }

    fn close(&mut self, stream: StreamId, abort: bool) {
        assert!(self.closed.insert(stream), "{stream:?} is closed twice");
        self.todo.push_back(Todo::Close { stream, abort });
    }

    fn disconnected(&mut self, node: NodeName, _link: LinkId, was_up: bool) {
        self.log.push(format!("disconnected {node} {}", if was_up { "link" } else { "attempt" }));
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        self.answered.insert(request, self.log.len());
        self.log.push(format!("answer {answer:?}"));
        let before = self.answers.insert(request, answer);
        assert_eq!(before, None, "{request:?} is answered twice");
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

pub(super) struct Answers<'a> {
    pub(super) stream: StreamId,
    pub(super) host: &'a mut TestHost,
}

impl Deliver for Answers<'_> {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        self.host.log.push(format!("{to:?} got {} bytes", message.len()));
        self.host.mail.push((to, Mail::Message(message)));
    }

    fn start(&mut self, _process: MailboxId, _mfa: Mfa) {}

    fn event(&mut self, _to: MailboxId, _event: ProcessEvent) {}

    /// These tests are about nodes: no process has to do with one elsewhere.
    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        panic!("{node} is sent {signal:?}")
    }

    fn is_reached(&mut self, _node: &NodeName) -> bool {
        false
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.host.send(self.stream, frame.to_bytes().into());
        Ok(())
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        self.host.pongs.push((ping, alive));
    }

    fn request(&mut self, _: Request) {}
}
