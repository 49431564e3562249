//! Where a guest sits in the world: what is under way to it, and what it holds.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netkernel_core::NodeName;
use netkernel_core::net_kernel::OpenError;

use super::{Deed, Duty, Guest, Happening, Maker, Socket, System};
use crate::sim::clock::Clock;
use crate::sim::letter::Letter;
use crate::sim::net::{End, Owner, Piece};
use crate::sim::observe::{Fact, Kinds};
use crate::sim::shared::{Event, Shared};
use crate::sim::{ActorId, HostId};

/// The process of a guest, or the place where there will be one again.
pub(in crate::sim) struct Seat {
    maker: Maker,
    duty: Duty,
    /// `None` while it is down.
    guest: Option<Box<dyn Guest>>,
    state: State,
}

/// What belongs to one process.
#[derive(Debug, Default)]
pub(in crate::sim) struct State {
    pub(super) sockets: BTreeSet<Socket>,
    /// Those that were not answered yet.
    pub(super) dialling: BTreeSet<Socket>,
    pub(super) port: Option<u16>,
    /// When it wants to be woken, in the time of the world.
    pub(super) wake: Option<u64>,
    /// Nodes that it holds for up, and by which connections.
    pub(super) up: BTreeMap<NodeName, Socket>,
    /// Letters that it was told to send.
    letters: u64,
    inbox: VecDeque<Happening>,
    /// A `Serve` is on its way.
    served: bool,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("guest", &self.guest).finish_non_exhaustive()
    }
}

impl Seat {
    pub(in crate::sim) fn new(maker: Maker, duty: Duty) -> Self {
        Self { maker, duty, guest: None, state: State::default() }
    }

    pub(in crate::sim) const fn runs(&self) -> bool {
        self.guest.is_some()
    }

    /// Whether the guest holds this node for up.
    pub(in crate::sim) fn is_up(&self, node: &NodeName) -> bool {
        self.state.up.contains_key(node)
    }

    pub(in crate::sim) const fn port(&self) -> Option<u16> {
        self.state.port
    }

    /// A new process begins.
    pub(in crate::sim) fn boot(&mut self, id: ActorId, shared: &mut Shared<'_>) {
        self.guest = Some((self.maker)(self.duty.clone()));
        self.tell(id, Happening::Started, shared);
    }

    /// The process ends, and with it all it had. If its host goes with it, nobody is told.
    pub(in crate::sim) fn die(&mut self, host: HostId, host_dies: bool, shared: &mut Shared<'_>) {
        self.guest = None;
        let State { sockets, port, .. } = core::mem::take(&mut self.state);
        if let Some(port) = port {
            shared.hosts[host.0].listeners.remove(&port);
        }
        for socket in sockets {
            let end = socket.0;
            if shared.net.owner(end) == Owner::Nobody {
                continue;
            }
            if !host_dies {
                let piece = if shared.net.unread(end) { Piece::Rst } else { Piece::Fin };
                shared.send(end, piece);
            }
            shared.net.vanish(end);
            shared.net.release(end);
        }
    }

    /// Puts something into its inbox, and has it looked at.
    pub(in crate::sim) fn tell(&mut self, id: ActorId, what: Happening, shared: &mut Shared<'_>) {
        if self.runs() {
            self.state.inbox.push_back(what);
            if !self.state.served {
                self.state.served = true;
                shared.soon(Event::Serve(id));
            }
        }
    }

    /// It is to send a letter, of so many bytes more than it needs.
    pub(in crate::sim) fn send_letter(
        &mut self,
        (from, life): (ActorId, u32),
        to: (ActorId, &NodeName),
        padding: usize,
        shared: &mut Shared<'_>,
    ) {
        if !self.runs() {
            return;
        }
        self.state.letters += 1;
        shared.counts.letters += 1;
        let letter = Letter { from, life, number: self.state.letters };
        let (to, node) = (to.0, to.1.clone());
        shared.note((from, life), Kinds::LETTERS, || Fact::Sent { to, letter });
        let what = Happening::Send { to: node, message: letter.to_term(padding) };
        self.tell(from, what, shared);
    }

    /// The guest deals with all that has happened.
    pub(in crate::sim) fn serve(
        &mut self,
        who: (ActorId, u32),
        host: HostId,
        clock: Clock,
        shared: &mut Shared<'_>,
    ) {
        self.state.served = false;
        let Some(guest) = &mut self.guest else { return };
        while let Some(what) = self.state.inbox.pop_front() {
            // What comes of a socket that it has closed meanwhile is nobody's.
            let has = |socket| self.state.sockets.contains(socket);
            let stale = match &what {
                Happening::Connected(socket)
                | Happening::Accepted(socket)
                | Happening::Readable(socket)
                | Happening::Writable(socket) => !has(socket),
                Happening::Failed(socket, _) => !self.state.sockets.remove(socket),
                Happening::Started
                | Happening::Woken
                | Happening::Send { .. }
                | Happening::Connect(_)
                | Happening::Disconnect(_) => false,
            };
            if let Happening::Send { to, message } = &what
                && let Some(letter) = Letter::of_term(message)
            {
                let conn = self.state.up.get(to).map(|socket| shared.net.serial(socket.0));
                let asked = || Deed::Asked { node: to.clone(), letter, conn };
                shared.note(who, Kinds::LETTERS, || Fact::Guest(asked()));
            }
            if !stale {
                let state = &mut self.state;
                guest.happen(what, &mut System { who, host, clock, state, shared });
            }
        }
    }

    /// The moment has come, unless it was moved.
    pub(in crate::sim) fn wake(&mut self, id: ActorId, now: u64, shared: &mut Shared<'_>) {
        if self.state.wake.is_some_and(|wake| wake <= now) {
            self.state.wake = None;
            self.tell(id, Happening::Woken, shared);
        }
    }

    /// Somebody connects.
    pub(in crate::sim) fn accept(
        &mut self,
        who: (ActorId, u32),
        end: End,
        shared: &mut Shared<'_>,
    ) {
        shared.net.set_owner(end, Owner::Guest(who.0));
        shared.send(end, Piece::SynAck);
        self.state.sockets.insert(Socket(end));
        let conn = shared.net.serial(end);
        shared.note(who, Kinds::STREAMS, || Fact::Guest(Deed::Accepted { conn }));
        self.tell(who.0, Happening::Accepted(Socket(end)), shared);
    }

    /// Something has come to one of its sockets.
    pub(in crate::sim) fn arrived(
        &mut self,
        who: (ActorId, u32),
        end: End,
        piece: &Piece,
        shared: &mut Shared<'_>,
    ) {
        let socket = Socket(end);
        let dialling = self.state.dialling.contains(&socket);
        match piece {
            Piece::SynAck if dialling => {
                self.state.dialling.remove(&socket);
                self.tell(who.0, Happening::Connected(socket), shared);
            }
            Piece::Rst | Piece::Fin if dialling => {
                self.dial_failed(who, end, OpenError::Refused, shared);
            }
            Piece::Data(_) | Piece::Fin | Piece::Rst => {
                self.tell(who.0, Happening::Readable(socket), shared);
            }
            Piece::Syn | Piece::SynAck => {}
        }
    }

    pub(in crate::sim) fn dial_failed(
        &mut self,
        who: (ActorId, u32),
        end: End,
        error: OpenError,
        shared: &mut Shared<'_>,
    ) {
        if self.state.dialling.remove(&Socket(end)) {
            let conn = shared.net.serial(end);
            shared.net.release(end);
            shared.note(who, Kinds::STREAMS, || Fact::Guest(Deed::Closed { conn }));
            self.tell(who.0, Happening::Failed(Socket(end), error), shared);
        }
    }
}

/// For the trace: what it is about.
impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { name, creation } => write!(f, "{name} creation {}", creation.0),
            Self::Dialled { conn } | Self::Accepted { conn } | Self::Closed { conn } => {
                write!(f, "conn#{conn}")
            }
            Self::Read { conn, bytes } => write!(f, "conn#{conn} {bytes}"),
            Self::Wrote { conn, bytes, blocked } => {
                write!(f, "conn#{conn} {bytes}{}", if *blocked { ", blocked" } else { "" })
            }
            Self::Asked { node, letter, conn } => {
                let conn = conn.map_or_else(|| "no link".to_owned(), |conn| format!("conn#{conn}"));
                write!(f, "to {node} {conn} letter {}", letter.number)
            }
            Self::Received { conn, letter: Some(letter) } => {
                write!(f, "conn#{conn} letter {} of n{}", letter.number, letter.from.0)
            }
            Self::Received { conn, letter: None } => write!(f, "conn#{conn} letter in pieces"),
            Self::Up { node, conn } => write!(f, "{node} conn#{conn}"),
            Self::Down { node, reason } => write!(f, "{node} {reason}"),
        }
    }
}

impl Deed {
    /// The set that it belongs to.
    #[must_use]
    pub const fn kind(&self) -> Kinds {
        match self {
            Self::Named { .. } => Kinds::CALLS,
            Self::Dialled { .. } | Self::Accepted { .. } | Self::Closed { .. } => Kinds::STREAMS,
            Self::Read { .. } | Self::Wrote { .. } => Kinds::BYTES,
            Self::Asked { .. } | Self::Received { .. } => Kinds::LETTERS,
            Self::Up { .. } | Self::Down { .. } => Kinds::LINKS,
        }
    }
}
