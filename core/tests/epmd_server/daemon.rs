//! A server and its host, in memory: clients that connect, speak and leave.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use netkernel_core::driver::{Host, Machine as _, turn};
use netkernel_core::epmd::ServerDiagnostic;
use netkernel_core::epmd_server::{Config, Server};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{
    Answer, CloseCause, Diagnostic, Endpoint, Input, NodeEvent, OptsError, Promotion, Target,
};
use netkernel_core::wire::epmd::{Entry, Extra, Name, PortInfo, Request};
use netkernel_core::{
    Creation, Entropy, Instant, LinkId, MailboxId, NodeName, RequestId, StreamId,
};

pub(crate) const PORT: u16 = 24369;

pub(crate) struct Daemon {
    pub(crate) server: Server,
    pub(crate) now: Instant,
    pub(crate) host: Log,
}

/// What the host was asked for.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) listens: bool,
    pub(crate) told: Vec<ServerDiagnostic>,
    /// Written, of each stream.
    written: BTreeMap<StreamId, Vec<u8>>,
    reading: BTreeSet<StreamId>,
    closing: Vec<StreamId>,
    closed: BTreeSet<StreamId>,
}

/// What a client has got: all bytes, and whether the connection has ended.
pub(crate) type Got = (Vec<u8>, bool);

impl Daemon {
    /// With its listener open.
    pub(crate) fn serving(config: Config) -> Self {
        let mut daemon = Self::new(config);
        daemon.tell(Input::Listening { port: PORT });
        daemon
    }

    pub(crate) fn new(config: Config) -> Self {
        Self { server: Server::new(config), now: Instant::ORIGIN, host: Log::default() }
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.server.handle(self.now, input);
        self.settle();
    }

    /// Carries out all that is wanted now; each closed stream is reported as such.
    pub(crate) fn settle(&mut self) {
        while turn(&mut self.server, self.now, &mut self.host).is_some_and(|due| due <= self.now) {}
        for stream in core::mem::take(&mut self.host.closing) {
            assert!(self.host.closed.insert(stream), "closed twice");
            self.tell(Input::Closed { stream, cause: CloseCause::Local });
        }
    }

    /// Lets time pass, and serves all deadlines when they are due.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.server.deadline().filter(|due| *due <= end) {
            self.now = due;
            self.settle();
            assert!(self.server.deadline() != Some(due), "a deadline that was served stays");
        }
        self.now = end;
        self.settle();
    }

    pub(crate) fn accept(&mut self, local: bool) -> StreamId {
        let stream = self.server.mint_stream();
        self.tell(Input::Accepted { stream, entropy: Entropy::new([0; 16]), local });
        stream
    }

    /// The client writes, and the host reads it at once, if it was told to.
    pub(crate) fn write(&mut self, stream: StreamId, bytes: &[u8]) -> Got {
        if self.host.reading.remove(&stream) {
            self.tell(Input::Received { stream, bytes: Bytes::copy_from_slice(bytes) });
        }
        self.got(stream)
    }

    /// The client closes its side.
    pub(crate) fn leave(&mut self, stream: StreamId) {
        if self.host.closed.insert(stream) {
            self.tell(Input::Closed { stream, cause: CloseCause::Eof });
        }
    }

    pub(crate) fn got(&self, stream: StreamId) -> Got {
        let bytes = self.host.written.get(&stream).cloned().unwrap_or_default();
        (bytes, self.host.closed.contains(&stream))
    }

    /// A client on this host that writes this, and what it gets.
    pub(crate) fn ask(&mut self, bytes: &[u8]) -> Got {
        let stream = self.accept(true);
        self.write(stream, bytes)
    }

    /// The same from elsewhere.
    pub(crate) fn ask_from_afar(&mut self, bytes: &[u8]) -> Got {
        let stream = self.accept(false);
        self.write(stream, bytes)
    }

    /// Registers a node, and gives its stream and its creation.
    pub(crate) fn register(&mut self, name: &str) -> (StreamId, u32) {
        let stream = self.accept(true);
        match self.write(stream, &alive2(name, 6)) {
            (answer, false) if answer.starts_with(b"v\0") && answer.len() == 6 => {
                (stream, u32::from_be_bytes(answer[2..].try_into().unwrap()))
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    /// The text that is answered to a request for names.
    pub(crate) fn names(&mut self) -> String {
        let (answer, closed) = self.ask(b"\0\x01n");
        assert_eq!((&answer[..4], closed), (&u32::from(PORT).to_be_bytes()[..], true));
        String::from_utf8(answer[4..].to_vec()).unwrap()
    }

    pub(crate) fn dump(&mut self) -> String {
        let (answer, closed) = self.ask(b"\0\x01d");
        assert_eq!((&answer[..4], closed), (&u32::from(PORT).to_be_bytes()[..], true));
        String::from_utf8(answer[4..].to_vec()).unwrap()
    }
}

/// The request of a node at port 4001, which has the name for an extra field, too.
pub(crate) fn alive2(name: &str, highest: u16) -> Bytes {
    let info = PortInfo { port: 4001, node_type: 77, protocol: 0, highest, lowest: 5 };
    let entry = Entry {
        info,
        name: Name::new(name.as_bytes()).unwrap(),
        extra: Extra::new(name.as_bytes()).unwrap(),
    };
    Request::Alive2(entry).to_bytes()
}

/// A request with this body.
pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

impl Host for Log {
    fn listen(&mut self) {
        assert!(!self.listens);
        self.listens = true;
    }

    fn unlisten(&mut self) {
        assert!(self.listens);
        self.listens = false;
    }

    fn read(&mut self, stream: StreamId) {
        assert!(self.reading.insert(stream), "reads are in lock-step");
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        assert!(!self.closing.contains(&stream), "nothing is written behind the end");
        self.written.entry(stream).or_default().extend(bytes);
    }

    fn close(&mut self, stream: StreamId, abort: bool) {
        assert!(!abort, "what was written is to arrive");
        self.closing.push(stream);
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        let Diagnostic::EpmdServer(told) = diagnostic else { panic!("{diagnostic}") };
        self.told.push(told);
    }

    fn open(&mut self, _: StreamId, _: Target) {
        panic!("a server opens no streams");
    }

    fn attempting(&mut self, _: NodeName, _: LinkId) {}
    fn alive(&mut self, _: NodeName, _: Creation) {}
    fn not_alive(&mut self) {}
    fn event(&mut self, _: MailboxId, _: NodeEvent) {}
    fn promote(&mut self, _: StreamId, _: Promotion) {}
    fn tick(&mut self, _: StreamId) {}
    fn sample(&mut self, _: StreamId) -> Option<Traffic> {
        None
    }
    fn disconnected(&mut self, _: NodeName, _: LinkId, _: bool) {}
    fn answer(&mut self, _: RequestId, _: Answer) {}
}

/// `Log` leaves them out.
#[test]
fn a_host_without_socket_options_sets_none() {
    assert_eq!(Log::default().setopts(Endpoint::Listener, &[]), Err(OptsError::NotSupported));
}
