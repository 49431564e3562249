//! An open port.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind as Kind};
use std::net::Shutdown;
use std::path::Path;
use std::sync::Arc;

use netkernel_core::Family;
use netkernel_core::net_kernel::{Input, OpenError};
use socket2::{SockAddr, Socket, Type};

use super::local_socket::{SocketFile, listen_locally};
use super::{Message, open_error};

/// How long to wait when the process or the system is out of descriptors or memory: trying again at once would only
/// burn time.
pub const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// An open listener. Dropping it closes the port.
#[derive(Debug)]
pub struct Listener {
    /// Goes before the socket.
    _file: Option<SocketFile>,
    shared: Arc<Port>,
    /// Where this host reaches it.
    reach: SockAddr,
}

/// What the listener and whoever accepts on it share.
#[derive(Debug)]
pub struct Port {
    socket: Arc<Socket>,
    closing: AtomicBool,
    /// The last attempt to accept has found no descriptors or memory.
    exhausted: AtomicBool,
}

/// What came of an attempt to accept.
#[derive(Debug)]
pub enum Accepted {
    /// The owner is to be told.
    Tell(Message),
    /// There is nobody for now.
    Blocked,
    /// The stranger has left: try again.
    Left,
    /// Out of descriptors or memory, which may be strangers' doing: that must not end the links that are up. Try again
    /// after [`EXHAUSTED_PAUSE`].
    Exhausted,
    /// The owner is to be told that nobody can connect any more. That is the end.
    Lost(Message),
    /// The port was closed. That is the end.
    Closed,
}

impl Listener {
    /// A listener on this socket.
    ///
    /// # Errors
    /// The socket does not tell where it is.
    pub fn new(socket: impl Into<Socket>) -> io::Result<Self> {
        Self::with(socket.into(), None)
    }

    /// A listener at this path.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn at(path: &Path, backlog: u32) -> Result<Self, OpenError> {
        let (socket, file) = listen_locally(path, backlog)?;
        Self::with(socket, Some(file)).map_err(|error| open_error(&error))
    }

    fn with(socket: Socket, file: Option<SocketFile>) -> io::Result<Self> {
        let mut reach = socket.local_addr()?;
        if let Some(all) = reach.as_socket().filter(|reach| reach.ip().is_unspecified()) {
            reach = SocketAddr::new(Family::of(all.ip()).loopback(), all.port()).into();
        }
        let shared = Port {
            socket: Arc::new(socket),
            closing: AtomicBool::new(false),
            exhausted: AtomicBool::new(false),
        };
        Ok(Self { _file: file, shared: Arc::new(shared), reach })
    }

    /// Its socket, for options.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.shared.socket
    }

    /// Its port; `None` for a Unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.reach.as_socket().map(|reach| reach.port())
    }

    /// For whoever accepts.
    #[must_use]
    pub fn share(&self) -> Arc<Port> {
        Arc::clone(&self.shared)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // This wakes who accepts where the operating system knows shutdown of listeners, and else a connection does.
        if self.shared.close().is_err() {
            let _ = Socket::new(self.reach.domain(), Type::STREAM, None)
                .and_then(|socket| socket.connect_timeout(&self.reach, Duration::from_millis(10)));
        }
    }
}

impl Port {
    /// Has nobody accept any more.
    ///
    /// # Errors
    /// The operating system does not know that of listeners: the port is free when the socket is dropped.
    pub fn close(&self) -> io::Result<()> {
        self.closing.store(true, Ordering::Release);
        self.socket.shutdown(Shutdown::Both)
    }

    /// The socket, to wait for strangers on.
    pub const fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Accepts once.
    pub fn accept(&self) -> Accepted {
        let accepted = self.socket.accept();
        if self.closing.load(Ordering::Acquire) {
            return Accepted::Closed;
        }
        let error = match accepted {
            Ok((stream, _)) => {
                self.exhausted.store(false, Ordering::Relaxed);
                return Accepted::Tell(Message::Accepted(stream));
            }
            Err(error) => error,
        };
        match AcceptError::of(&error) {
            AcceptError::Blocked => Accepted::Blocked,
            AcceptError::Left => Accepted::Left,
            AcceptError::Lost => {
                tracing::error!(%error, "the listener is lost");
                Accepted::Lost(Message::Input(Input::ListenerLost))
            }
            AcceptError::Exhausted => {
                if !self.exhausted.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "no connections can be accepted for now");
                }
                Accepted::Exhausted
            }
        }
    }
}

/// Why nobody was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptError {
    /// There is nobody for now.
    Blocked,
    /// The stranger has left: try again.
    Left,
    /// Out of descriptors or memory.
    Exhausted,
    /// The socket does not listen any more.
    Lost,
}

impl AcceptError {
    /// What an error of the operating system means.
    pub fn of(error: &io::Error) -> Self {
        const NAMED: &[(Kind, AcceptError)] = &[
            (Kind::WouldBlock, AcceptError::Blocked),
            (Kind::ConnectionAborted, AcceptError::Left),
            (Kind::ConnectionReset, AcceptError::Left),
            (Kind::Interrupted, AcceptError::Left),
            (Kind::InvalidInput, AcceptError::Lost),
        ];
        let named = NAMED.iter().find(|(kind, _)| *kind == error.kind());
        named.map_or(Self::Exhausted, |(_, named)| *named)
    }
}
