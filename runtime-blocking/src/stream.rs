//! One byte stream: a connection with a peer or a conversation with an EPMD. Two threads serve it; the owner, the
//! threads and the senders share this value.
//!
//! The reader thread is the stream's life: it dials, starts the writer, reads, waits for the writer's end, and reports
//! [`Input::Closed`] as its last act. So that report is the only one, and comes after both halves have ended.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use netkernel_core::link::Limits;
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{CloseCause, Input, OpenError, Promotion, Target};
use netkernel_core::{Entropy, StreamId};
use socket2::SockRef;

use crate::clock::entropy;
use crate::owner::Message;
use crate::reader::read_loop;
use crate::table::Table;
use crate::writer::{Outgoing, SETUP_WRITE_LIMIT, write_loop};
use crate::{lock, socket};

/// The stack of a reader thread, in bytes. It also resolves host names, which the C library does on its stack.
pub const READER_STACK: usize = 256 * 1024;
/// The stack of a writer thread, in bytes.
pub const WRITER_STACK: usize = 64 * 1024;

/// What the owner, the two threads and the senders share.
#[derive(Debug)]
pub(crate) struct Stream {
    id: StreamId,
    socket: Mutex<Slot>,
    wish: Mutex<Option<Wish>>,
    wished: Condvar,
    ended: AtomicBool,
    received: AtomicU64,
    pub(crate) outgoing: Outgoing,
}

/// Where the socket is.
#[derive(Debug)]
enum Slot {
    Opening,
    Open(Arc<TcpStream>),
    Gone,
}

/// What the reader is to do next, while the stream is being set up.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Read once.
    Read,
    /// Read freely from now on: the link is up.
    Promote(Box<Promotion>),
    /// End.
    End,
}

/// How a stream comes into being.
#[derive(Debug)]
pub(crate) enum Origin {
    /// Dial, each address for at most this long.
    Dial(Target, Duration),
    /// A peer has dialled us.
    Accepted(Arc<TcpStream>),
}

/// What the threads of a stream report to and work on.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) inbox: SyncSender<Message>,
    pub(crate) table: Arc<Table>,
    pub(crate) limits: Limits,
}

impl Stream {
    /// Starts the thread of a new stream.
    pub(crate) fn run(
        id: StreamId,
        origin: Origin,
        limits: Limits,
        surroundings: Surroundings,
    ) -> io::Result<Arc<Self>> {
        let slot = match &origin {
            Origin::Dial(..) => Slot::Opening,
            Origin::Accepted(socket) => Slot::Open(Arc::clone(socket)),
        };
        let stream = Arc::new(Self {
            id,
            socket: Mutex::new(slot),
            wish: Mutex::new(None),
            wished: Condvar::new(),
            ended: AtomicBool::new(false),
            received: AtomicU64::new(0),
            outgoing: Outgoing::new(limits),
        });
        let life = Arc::clone(&stream);
        thread::Builder::new()
            .name(format!("netkernel read {}", id.get()))
            .stack_size(READER_STACK)
            .spawn(move || life.live(origin, &surroundings))?;
        Ok(stream)
    }

    /// Tells the reader what to do next.
    pub(crate) fn wish(&self, wish: Wish) {
        let mut slot = lock(&self.wish);
        if !matches!(*slot, Some(Wish::End)) {
            *slot = Some(wish);
        }
        drop(slot);
        self.wished.notify_one();
    }

    /// The counters, since the opening.
    pub(crate) fn traffic(&self) -> Traffic {
        let (sent, queued) = self.outgoing.counters();
        Traffic { received: self.received.load(Ordering::Relaxed), sent, queued, paused: false }
    }

    /// Ends the stream: at once, or after what is queued was written. Never blocks.
    pub(crate) fn close(&self, abort: bool) {
        self.ended.store(true, Ordering::Release);
        self.wish(Wish::End);
        if abort {
            self.outgoing.abort();
        } else {
            self.outgoing.flush();
        }
        let mut slot = lock(&self.socket);
        match &*slot {
            Slot::Opening => *slot = Slot::Gone,
            Slot::Open(socket) if abort => socket::abort(socket),
            // Wakes a reader that waits for the peer.
            Slot::Open(socket) => drop(socket.shutdown(Shutdown::Read)),
            Slot::Gone => {}
        }
    }

    /// Prepares the socket for the data plane: a write may take as long as the peer lets it.
    pub(crate) fn lift_write_limit(&self) {
        if let Slot::Open(socket) = &*lock(&self.socket) {
            let _ = socket.set_write_timeout(None);
        }
    }

    /// Does something with the socket; `None` if there is none, or not any more.
    pub(crate) fn with_socket<R>(&self, work: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        match &*lock(&self.socket) {
            Slot::Open(socket) => Some(work(&SockRef::from(&**socket))),
            Slot::Opening | Slot::Gone => None,
        }
    }

    /// Whether our side has closed the stream.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) const fn id(&self) -> StreamId {
        self.id
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Waits for the owner's next wish.
    pub(crate) fn next_wish(&self) -> Wish {
        let mut wish = lock(&self.wish);
        loop {
            match wish.take() {
                // It stays: nothing comes after the end.
                Some(Wish::End) => {
                    *wish = Some(Wish::End);
                    return Wish::End;
                }
                Some(next) => return next,
                None => wish = self.wished.wait(wish).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// The reader thread.
    fn live(self: Arc<Self>, origin: Origin, surroundings: &Surroundings) {
        let report = |input| drop(surroundings.inbox.send(Message::Input(input)));
        let stream = self.id;
        let dialled = matches!(origin, Origin::Dial(..));
        let Opened { socket, writer, entropy } = match self.open(origin) {
            Ok(Some(opened)) => opened,
            // Cancelled: nobody waits for this stream any more.
            Ok(None) => return,
            Err(error) if dialled => return report(Input::OpenFailed { stream, error }),
            Err(_) => return report(Input::Closed { stream, cause: CloseCause::Reset }),
        };
        if let Some(entropy) = entropy {
            report(Input::Opened { stream, entropy });
        }
        let cause = read_loop(&self, &socket, surroundings);
        if !self.has_ended() {
            self.outgoing.abort();
            let _ = socket.shutdown(Shutdown::Both);
        }
        let _ = writer.join();
        // The last handles: this closes the socket.
        *lock(&self.socket) = Slot::Gone;
        drop(socket);
        report(Input::Closed { stream, cause });
    }

    /// Gets the socket and starts the writer. `None` if the dialling was cancelled.
    fn open(self: &Arc<Self>, origin: Origin) -> Result<Option<Opened>, OpenError> {
        let (socket, entropy) = match origin {
            Origin::Dial(target, limit) => {
                let socket = Arc::new(socket::dial(&target, limit, || self.has_ended())?);
                let mut slot = lock(&self.socket);
                if matches!(*slot, Slot::Gone) {
                    return Ok(None);
                }
                *slot = Slot::Open(Arc::clone(&socket));
                (socket, Some(entropy().map_err(open_error)?))
            }
            Origin::Accepted(socket) => (socket, None),
        };
        socket::prepare(&socket).map_err(open_error)?;
        socket.set_write_timeout(Some(SETUP_WRITE_LIMIT)).map_err(open_error)?;
        let (stream, writers) = (Arc::clone(self), Arc::clone(&socket));
        let writer = thread::Builder::new()
            .name(format!("netkernel write {}", self.id.get()))
            .stack_size(WRITER_STACK)
            .spawn(move || write_loop(&stream.outgoing, &writers))
            .map_err(open_error)?;
        Ok(Some(Opened { socket, writer, entropy }))
    }
}

/// A stream that has been opened.
struct Opened {
    socket: Arc<TcpStream>,
    writer: JoinHandle<()>,
    /// For the challenge, if we dialled; an accepted stream got it from the owner.
    entropy: Option<Entropy>,
}

fn open_error(error: io::Error) -> OpenError {
    socket::open_error(&error)
}
