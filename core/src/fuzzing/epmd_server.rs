//! The target for the EPMD daemon: clients that say anything, in any pieces, and go at any time.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::source::Source;
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::epmd::ServerDiagnostic;
use crate::epmd_server::{Config, Server, State, StopCause};
use crate::ids::StreamId;
use crate::net_kernel::{CloseCause, Diagnostic, Input, Machine as _, Output};
use crate::time::Instant;
use crate::wire::epmd::{Alive2Resp, Listing};

const CONNECTIONS: usize = 6;
const PORT: u16 = 4369;

/// Each stream is read in lock-step, written before its end and closed once; refused clients get nothing; what is
/// registered is listed, and its creation never goes back; no deadline stays behind; a service that ended stays so.
pub fn epmd_server(input: &[u8]) {
    let mut source = Source::new(input);
    let mut world = World::new(&mut source);
    while !source.is_empty() {
        world.step(&mut source);
    }
    world.clear_up();
}

/// What the host knows of a stream.
#[derive(Default)]
struct Client {
    local: bool,
    reading: bool,
    closing: bool,
    written: Vec<u8>,
}

struct World {
    server: Server,
    now: Instant,
    clients: BTreeMap<StreamId, Client>,
    registered: BTreeSet<Vec<u8>>,
    creations: BTreeMap<Vec<u8>, Creation>,
    /// Answers are written later than they were made.
    late: bool,
}

impl World {
    fn new(source: &mut Source<'_>) -> Self {
        let delay = |on: bool| if on { Duration::from_secs(1) } else { Duration::ZERO };
        let (accept_late, late) = (source.flag(), source.flag());
        let config = Config {
            unix_time: 1_700_000_000,
            connections: CONNECTIONS,
            delay_accept: delay(accept_late),
            delay_write: delay(late),
            relaxed_command_check: source.flag(),
            remembered: source.below(3),
            ..Config::default()
        };
        let mut world = Self {
            server: Server::new(config),
            now: Instant::ORIGIN,
            clients: BTreeMap::new(),
            registered: BTreeSet::new(),
            creations: BTreeMap::new(),
            late,
        };
        assert_eq!(world.server.poll(), Some(Output::Listen));
        world.tell(Input::Listening { port: PORT });
        world
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(8) {
            0..=1 => self.accept(source.flag()),
            2..=4 => {
                let (which, bytes) = (source.byte(), source.data());
                self.speak(which, bytes);
            }
            5 => {
                if let Some(stream) = self.nth(source.byte()) {
                    self.closed(stream, CloseCause::Eof);
                }
            }
            6 => {
                self.now = self.now + Duration::from_millis(u64::from(source.byte()) * 250);
                self.tell(Input::Timeout);
                assert!(self.server.deadline().is_none_or(|due| due > self.now));
            }
            _ => self.rare(source.byte()),
        }
    }

    fn accept(&mut self, local: bool) {
        let stream = self.server.mint_stream();
        self.clients.insert(stream, Client { local, ..Client::default() });
        self.tell(Input::Accepted { stream, entropy: Entropy::new([0; 16]), local });
        let open = self.clients.values().filter(|client| !client.closing).count();
        assert!(open <= CONNECTIONS);
    }

    fn speak(&mut self, which: u8, bytes: &[u8]) {
        let Some(stream) = self.nth(which) else { return };
        let client = self.clients.get_mut(&stream).unwrap();
        if client.reading && !bytes.is_empty() {
            client.reading = false;
            self.tell(Input::Received { stream, bytes: Bytes::copy_from_slice(bytes) });
        }
    }

    fn rare(&mut self, what: u8) {
        match what {
            0 => self.server.stop(),
            1 => self.tell(Input::ListenerLost),
            2 => self.tell(Input::Listening { port: 1 }),
            // Late, or of a stream that never was.
            _ => {
                let stream = self.server.mint_stream();
                self.tell(Input::Received { stream, bytes: Bytes::from_static(b"\0\x01n") });
                self.tell(Input::Closed { stream, cause: CloseCause::Reset });
            }
        }
        self.drain();
    }

    fn nth(&self, which: u8) -> Option<StreamId> {
        let at = usize::from(which).checked_rem(self.clients.len())?;
        self.clients.keys().nth(at).copied()
    }

    fn closed(&mut self, stream: StreamId, cause: CloseCause) {
        self.clients.remove(&stream);
        self.tell(Input::Closed { stream, cause });
    }

    fn tell(&mut self, input: Input) {
        let before = self.server.state();
        self.server.handle(self.now, input);
        self.drain();
        let stays = matches!(before, State::Stopped(_));
        assert!(!stays || self.server.state() == before, "what has ended stays so");
    }

    fn drain(&mut self) {
        while let Some(output) = self.server.poll() {
            match output {
                Output::Read { stream } => {
                    let client = self.clients.get_mut(&stream).unwrap();
                    assert!(!client.reading && !client.closing);
                    client.reading = true;
                }
                Output::Transmit { stream, bytes } => self.written(stream, &bytes),
                Output::Close { stream, abort } => {
                    let client = self.clients.get_mut(&stream).unwrap();
                    assert!(!client.closing && !abort);
                    client.closing = true;
                }
                Output::Unlisten => self.registered.clear(),
                Output::Diagnostic(Diagnostic::EpmdServer(told)) => self.told(told),
                Output::Listen
                | Output::Open { .. }
                | Output::Attempting { .. }
                | Output::Alive { .. }
                | Output::NotAlive
                | Output::Event { .. }
                | Output::Promote { .. }
                | Output::Tick { .. }
                | Output::Sample { .. }
                | Output::SetOpts { .. }
                | Output::GetOpts { .. }
                | Output::Disconnected { .. }
                | Output::Answer { .. }
                | Output::Diagnostic(_) => panic!("no output of a server: {output:?}"),
            }
        }
    }

    fn written(&mut self, stream: StreamId, bytes: &[u8]) {
        let client = self.clients.get_mut(&stream).unwrap();
        assert!(!client.closing && client.written.is_empty(), "one answer");
        client.written.extend_from_slice(bytes);
        assert!(client.local || matches!(bytes.first(), Some(b'w' | 0)), "look-ups and names");
        if let Ok(Some(answer)) = Alive2Resp::parse(bytes) {
            assert!(answer.creation().is_none_or(|creation| creation.0 > 0));
        }
        let listing = Listing::parse(bytes).filter(|listing| listing.epmd_port == PORT.into());
        if let Some(listing) = listing.filter(|listing| listing.text.starts_with(b"name ")) {
            // Names with a blank or a line end cannot be read back.
            let known = |name: &str| self.registered.contains(name.as_bytes());
            let plain =
                self.registered.iter().all(|name| name.iter().all(u8::is_ascii_alphanumeric));
            assert!(!plain || self.late || listing.names().all(|line| known(line.name)));
        }
    }

    fn told(&mut self, told: ServerDiagnostic) {
        if let ServerDiagnostic::Registered { name, creation, .. } = told {
            assert!(self.registered.insert(name.clone().into()), "registered twice");
            let before = self.creations.insert(name.into(), creation);
            assert!(before.is_none_or(|before| before < creation), "{creation:?} goes back");
        } else if let ServerDiagnostic::Unregistered { name } = told {
            assert!(self.registered.remove(name.as_bytes()));
        }
        assert!(self.registered.len() <= CONNECTIONS);
    }

    /// Everybody leaves: nothing is left that the machine waits for.
    fn clear_up(&mut self) {
        while let Some(stream) = self.nth(0) {
            self.closed(stream, CloseCause::Eof);
        }
        assert!(self.registered.is_empty());
        assert_eq!(self.server.deadline(), None);
        let state = self.server.state();
        self.server.stop();
        self.drain();
        let ended = matches!(state, State::Stopped(_));
        assert!(ended || self.server.state() == State::Stopped(StopCause::Asked));
    }
}
