//! The sockets of an EPMD: none blocks, and one thread has them all.
//!
//! The operating system tells once that a socket is ready. So each is tried when something is wanted of it, and again
//! when it was told to be ready.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, ErrorKind as Kind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant as Moment;

use bytes::{Buf as _, Bytes};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use netkernel_core::StreamId;
use netkernel_core::epmd_server::is_local;
use netkernel_core::net_kernel::{CloseCause, Input};

use crate::shared::{AcceptError, Clients, EXHAUSTED_PAUSE};

/// Somebody has dialled.
pub(crate) const ACCEPT_TOKEN: Token = Token(usize::MAX);
/// Another thread wants something.
pub(crate) const WAKE_TOKEN: Token = Token(usize::MAX - 1);

/// Strangers that are accepted before others are served.
const ACCEPTS_MAX: usize = 64;
/// Bytes that one read takes at most: a request.
const READ_MAX: usize = 4 * 1024;
/// How long a client may take to take what it was answered.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// All sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    registry: Registry,
    listeners: Vec<Arc<TcpListener>>,
    /// When to accept next, if not at the next event.
    accept_at: Option<Moment>,
    clients: BTreeMap<Token, Client>,
    /// Those who still have to take an answer, by when they are closed nevertheless.
    closing: BTreeSet<(Moment, Token)>,
    inputs: VecDeque<Input>,
}

#[derive(Debug)]
struct Client {
    stream: StreamId,
    socket: TcpStream,
    /// It shall be read once.
    reading: bool,
    /// What it did not yet take.
    unwritten: VecDeque<Bytes>,
    /// It is to be closed: by then at last.
    closing: Option<Moment>,
}

impl Sockets {
    /// The listeners are registered as [`ACCEPT_TOKEN`].
    pub(crate) const fn new(registry: Registry, listeners: Vec<Arc<TcpListener>>) -> Self {
        Self {
            registry,
            listeners,
            accept_at: None,
            clients: BTreeMap::new(),
            closing: BTreeSet::new(),
            inputs: VecDeque::new(),
        }
    }

    /// When there is something to do without an event.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let close_at = self.closing.first().map(|(at, _)| *at);
        self.accept_at.into_iter().chain(close_at).min()
    }

    /// Somebody has dialled.
    pub(crate) fn accept_soon(&mut self) {
        self.accept_at = Some(Moment::now());
    }

    /// Those who have dialled, and whether they are on this host. Not all at once, if there are many.
    pub(crate) fn accept(&mut self) -> Vec<(TcpStream, bool)> {
        let mut accepted = Vec::new();
        if self.accept_at.is_none_or(|at| Moment::now() < at) {
            return accepted;
        }
        self.accept_at = None;
        for listener in &self.listeners {
            while accepted.len() < ACCEPTS_MAX {
                match listener.accept() {
                    Ok((socket, peer)) => {
                        let own = socket.local_addr();
                        let local = own.is_ok_and(|own| is_local(peer.ip(), own.ip()));
                        accepted.push((socket, local));
                    }
                    Err(error) => match AcceptError::of(&error) {
                        AcceptError::Left => {}
                        AcceptError::Blocked => break,
                        AcceptError::Exhausted => {
                            tracing::debug!(%error, "no connections can be accepted for now");
                            self.accept_at = Some(Moment::now() + EXHAUSTED_PAUSE);
                            break;
                        }
                        AcceptError::Lost => {
                            self.inputs.push_back(Input::ListenerLost);
                            break;
                        }
                    },
                }
            }
        }
        if accepted.len() == ACCEPTS_MAX {
            self.accept_soon();
        }
        accepted
    }

    /// Keeps the socket of a client; `false` if the operating system cannot watch it.
    pub(crate) fn insert(&mut self, stream: StreamId, mut socket: TcpStream) -> bool {
        let token = token(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        let registered = self.registry.register(&mut socket, token, both).is_ok();
        if registered {
            let unwritten = VecDeque::new();
            let client = Client { stream, socket, reading: false, unwritten, closing: None };
            self.clients.insert(token, client);
        }
        registered
    }

    /// A socket is ready for something.
    pub(crate) fn ready(&mut self, token: Token) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        if client.write().is_err() {
            return self.closed(token, CloseCause::Reset);
        }
        if client.closing.is_some() {
            if client.unwritten.is_empty() {
                self.closed(token, CloseCause::Local);
            }
        } else if client.reading {
            match client.read() {
                Ok(Some(bytes)) => {
                    client.reading = false;
                    let stream = client.stream;
                    self.inputs.push_back(Input::Received { stream, bytes });
                }
                Ok(None) => self.closed(token, CloseCause::Eof),
                Err(error) if error.kind() == Kind::WouldBlock => {}
                Err(_) => self.closed(token, CloseCause::Reset),
            }
        }
    }

    /// Closes those who did not take their answer in time.
    pub(crate) fn close_overdue(&mut self) {
        while let Some(&(at, token)) = self.closing.first() {
            if Moment::now() < at {
                break;
            }
            self.closed(token, CloseCause::Local);
        }
    }

    fn closed(&mut self, token: Token, cause: CloseCause) {
        let Some(mut client) = self.clients.remove(&token) else { return };
        if let Some(at) = client.closing {
            self.closing.remove(&(at, token));
        }
        // The close of the socket would do, too.
        let _ = self.registry.deregister(&mut client.socket);
        self.inputs.push_back(Input::Closed { stream: client.stream, cause });
    }
}

impl Client {
    /// Writes what can be written.
    fn write(&mut self) -> io::Result<()> {
        while let Some(bytes) = self.unwritten.front_mut() {
            match self.socket.write(bytes) {
                Ok(0) => return Err(Kind::WriteZero.into()),
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == Kind::Interrupted => {}
                Err(error) if error.kind() == Kind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if bytes.is_empty() {
                self.unwritten.pop_front();
            }
        }
        Ok(())
    }

    /// Reads once. `None` is the end.
    fn read(&mut self) -> io::Result<Option<Bytes>> {
        let mut buffer = [0; READ_MAX];
        loop {
            match self.socket.read(&mut buffer) {
                Err(error) if error.kind() == Kind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(0) => return Ok(None),
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    return Ok(Some(Bytes::copy_from_slice(bytes)));
                }
            }
        }
    }
}

impl Clients for Sockets {
    fn read(&mut self, stream: StreamId) {
        let token = token(stream);
        if let Some(client) = self.clients.get_mut(&token) {
            client.reading = true;
            self.ready(token);
        }
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        let token = token(stream);
        if let Some(client) = self.clients.get_mut(&token) {
            client.unwritten.push_back(bytes);
            self.ready(token);
        }
    }

    fn close(&mut self, stream: StreamId) {
        let token = token(stream);
        if let Some(client) = self.clients.get_mut(&token) {
            let end = *client.closing.get_or_insert_with(|| Moment::now() + FLUSH_LIMIT);
            self.closing.insert((end, token));
            self.ready(token);
        }
    }

    fn unlisten(&mut self) {
        self.accept_at = None;
        self.listeners.clear();
    }

    fn next_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    fn is_idle(&self) -> bool {
        self.clients.is_empty()
    }
}

/// A number for the operating system. Not before 4 billion clients have come does it stand for another one, on machines
/// where it is that small.
const fn token(stream: StreamId) -> Token {
    Token(stream.get() as usize)
}
