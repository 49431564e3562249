//! What a guest has of its machine: sockets, a clock, random numbers, and whom it tells what it thinks of other nodes.

use netkernel_core::net_kernel::OpenError;
use netkernel_core::{Creation, Entropy, Instant, NodeName};

use super::seat::State;
use super::{Deed, Read, Socket};
use crate::sim::clock::Clock;
use crate::sim::letter::Letter;
use crate::sim::net::{Owner, Piece};
use crate::sim::observe::Fact;
use crate::sim::shared::{Event, Shared};
use crate::sim::{ActorId, HostId};

/// The operating system, as one process sees it. No call blocks.
#[derive(Debug)]
pub struct System<'a, 'c> {
    pub(super) who: (ActorId, u32),
    pub(super) host: HostId,
    pub(super) clock: Clock,
    pub(super) state: &'a mut State,
    pub(super) shared: &'a mut Shared<'c>,
}

impl System<'_, '_> {
    /// What the machine's clock shows. It never goes back; its rate may be wrong.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.local(self.shared.now)
    }

    /// Random numbers.
    pub fn entropy(&mut self) -> Entropy {
        self.shared.entropy()
    }

    /// Lets [`Woken`](super::Happening::Woken) come at this moment of the clock, in place of the one before; `None`: not at all.
    pub fn wake_at(&mut self, moment: Option<Instant>) {
        let at = moment.map(|moment| self.clock.world(moment).max(self.shared.now));
        if self.state.wake != at {
            self.state.wake = at;
            if let Some(at) = at {
                self.shared.at(at, Event::Wake(self.who.0));
            }
        }
    }

    /// Listens at any port, which it gives; at the same one if it does already.
    pub fn listen(&mut self) -> u16 {
        if let Some(port) = self.state.port {
            return port;
        }
        let host = &mut self.shared.hosts[self.host.0];
        let port = core::iter::repeat_with(|| host.free_port());
        let mut free = port.filter(|port| *port != 0).take(usize::from(u16::MAX));
        let port = free.next().unwrap_or_default();
        self.shared.hosts[self.host.0].listeners.insert(port, self.who.0);
        self.state.port = Some(port);
        port
    }

    /// Listens no more.
    pub fn unlisten(&mut self) {
        if let Some(port) = self.state.port.take() {
            self.shared.hosts[self.host.0].listeners.remove(&port);
        }
    }

    /// Dials. The host is the part of a node's name behind the `@`, or `127.0.0.1`. Whether the dial succeeds comes later.
    ///
    /// # Errors
    /// [`OpenError::Resolve`]: there is no such host, or nobody knows it now.
    pub fn dial(&mut self, host: &str, port: u16) -> Result<Socket, OpenError> {
        let to = self.shared.resolve(self.host, host).ok_or(OpenError::Resolve)?;
        let end = self.shared.dial(Owner::Guest(self.who.0), self.host, to, port);
        let limit = self.shared.now + self.shared.plan.dial_limit_ns;
        self.shared.at(limit, Event::DialTimeout(end));
        self.state.dialling.insert(Socket(end));
        self.state.sockets.insert(Socket(end));
        let conn = self.shared.net.serial(end);
        self.note(Deed::Dialled { conn });
        Ok(Socket(end))
    }

    /// Whether both ends of the connection are on this host.
    #[must_use]
    pub fn is_local(&self, socket: Socket) -> bool {
        self.shared.net.host(socket.0) == self.shared.net.host(socket.0.other())
    }

    /// Takes at most `max` bytes of what has arrived; often it is less than there is.
    pub fn read(&mut self, socket: Socket, max: usize) -> Read {
        if !self.has(socket) || max == 0 {
            return Read::Nothing;
        }
        let portion = self.shared.portion(max);
        let (read, made_room) = self.shared.net.read(socket.0, portion);
        if made_room {
            self.shared.soon(Event::Write(socket.0.other()));
        }
        if let Read::Data(bytes) = &read {
            let (conn, bytes) = (self.shared.net.serial(socket.0), bytes.len());
            self.note(Deed::Read { conn, bytes });
        }
        read
    }

    /// Writes as many of these bytes as there is room for, often fewer. After fewer than all,
    /// [`Writable`](super::Happening::Writable) follows. What is written to a broken connection is lost, as its reader learns.
    pub fn write(&mut self, socket: Socket, bytes: &[u8]) -> usize {
        if !self.has(socket) || bytes.is_empty() {
            return 0;
        }
        if self.shared.net.is_reset(socket.0) {
            return bytes.len();
        }
        let room = self.shared.net.room(socket.0).min(bytes.len());
        let written = if room == 0 { 0 } else { self.shared.portion(room) };
        if written > 0 {
            self.shared.counts.bytes += written as u64;
            let piece = Piece::Data(bytes[..written].to_vec().into());
            self.shared.send(socket.0, piece);
            if written < bytes.len() {
                self.shared.soon(Event::Write(socket.0));
            }
        }
        let conn = self.shared.net.serial(socket.0);
        self.note(Deed::Wrote { conn, bytes: written, blocked: written < bytes.len() });
        written
    }

    /// Ends a connection or a dial, and the socket. `abort`: with a reset; else what was written still arrives.
    pub fn close(&mut self, socket: Socket, abort: bool) {
        if self.state.sockets.remove(&socket) {
            let dialling = self.state.dialling.remove(&socket);
            let abort = abort || self.shared.net.unread(socket.0);
            let conn = self.shared.net.serial(socket.0);
            if !dialling {
                self.shared.send(socket.0, if abort { Piece::Rst } else { Piece::Fin });
                self.shared.net.vanish(socket.0);
            }
            self.shared.net.release(socket.0);
            self.note(Deed::Closed { conn });
        }
    }

    /// Says which name it has, once EPMD has given it a creation.
    pub fn named(&mut self, name: NodeName, creation: Creation) {
        self.note(Deed::Named { name, creation });
    }

    /// Says that it tells its applications: this node is up (`nodeup`), and its link is this connection.
    pub fn up(&mut self, node: NodeName, socket: Socket) {
        self.shared.counts.ups += 1;
        let conn = self.shared.net.serial(socket.0);
        self.state.up.insert(node.clone(), socket);
        self.note(Deed::Up { node, conn });
    }

    /// Says that it tells them: this node is down (`nodedown`), for this reason, in Erlang's words.
    pub fn down(&mut self, node: NodeName, reason: impl ToString) {
        self.shared.counts.downs += 1;
        self.state.up.remove(&node);
        self.note(Deed::Down { node, reason: reason.to_string() });
    }

    /// Says that this message, an external term with its version byte, has come to the process that is registered as
    /// [`Duty::mailbox`](super::Duty), by the link of this connection.
    pub fn received(&mut self, socket: Socket, message: &[u8]) {
        self.shared.counts.delivered += 1;
        let conn = self.shared.net.serial(socket.0);
        self.note(Deed::Received { conn, letter: Letter::of_term(message) });
    }

    fn has(&self, socket: Socket) -> bool {
        self.state.sockets.contains(&socket) && !self.state.dialling.contains(&socket)
    }

    fn note(&mut self, deed: Deed) {
        self.shared.note(self.who, deed.kind(), || Fact::Guest(deed));
    }
}
