//! One byte stream: a connection with a peer or a conversation with an EPMD. The owner, the senders and what serves the
//! stream share this value.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant as Moment;

use netkernel_core::link::{Limits, Violation};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{CloseCause, Promotion, Target};
use netkernel_core::process;
use netkernel_core::{NodeName, StreamId};
use socket2::Socket;

use super::{Bell, Inbox, Outgoing, Queue, Table, abort, lock};

/// What the owner, the senders and the two halves of a stream share.
#[derive(Debug)]
pub struct Stream {
    id: StreamId,
    socket: Mutex<Slot>,
    wish: Mutex<Option<Wish>>,
    wished: Bell,
    ended: AtomicBool,
    received: AtomicU64,
    /// What ends the link, if somebody other than its reader saw it.
    violation: OnceLock<Violation>,
    /// The node on the other side, once the link is up.
    peer: OnceLock<NodeName>,
    /// The reader waits until the peer has taken more.
    waits: AtomicBool,
    /// The reader waits for a mailbox.
    held: AtomicBool,
    /// What waits to be written.
    pub outgoing: Outgoing,
}

/// Where the socket is.
#[derive(Debug)]
enum Slot {
    Opening,
    Open(Arc<Socket>),
    Gone,
}

/// What the reader is to do next, while the stream is being set up.
#[derive(Debug)]
pub enum Wish {
    /// Read once.
    Read,
    /// Read freely from now on: the link is up.
    Promote(Box<Promotion>),
    /// End.
    End,
}

/// How a stream comes into being.
#[derive(Debug)]
pub enum Origin {
    /// Dial, each address for at most this long.
    Dial(Target, Duration),
    /// A peer has dialled us.
    Accepted(Arc<Socket>),
}

/// What those who serve streams report to and work on.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The owner's.
    pub inbox: Arc<Inbox>,
    /// The node's.
    pub table: Arc<Table>,
    /// Of each link.
    pub limits: Limits,
    /// For how long a link may wait for a mailbox.
    pub pause_limit: Option<Duration>,
}

impl Surroundings {
    /// Of a new node.
    #[must_use]
    pub fn new(limits: Limits, processes: process::Limits, pause_limit: Option<Duration>) -> Self {
        let table = Arc::new(Table::new(processes));
        Self { inbox: Arc::default(), table, limits, pause_limit }
    }
}

impl Stream {
    /// A stream that somebody is about to serve.
    pub fn new(id: StreamId, origin: &Origin, limits: Limits) -> Self {
        let slot = match origin {
            Origin::Dial(..) => Slot::Opening,
            Origin::Accepted(socket) => Slot::Open(Arc::clone(socket)),
        };
        Self {
            id,
            socket: Mutex::new(slot),
            wish: Mutex::new(None),
            wished: Bell::default(),
            ended: AtomicBool::new(false),
            received: AtomicU64::new(0),
            violation: OnceLock::new(),
            peer: OnceLock::new(),
            waits: AtomicBool::new(false),
            held: AtomicBool::new(false),
            outgoing: Outgoing::new(limits),
        }
    }

    /// Tells the reader what to do next.
    pub fn wish(&self, wish: Wish) {
        let mut slot = lock(&self.wish);
        if !matches!(*slot, Some(Wish::End)) {
            *slot = Some(wish);
        }
        drop(slot);
        self.wished.ring();
    }

    /// The counters, since the opening.
    pub(crate) fn traffic(&self) -> Traffic {
        let (sent, queued, taken) = self.outgoing.counters();
        let received = self.received.load(Ordering::Relaxed);
        let paused = self.held.load(Ordering::Relaxed);
        let awaited = self.waits.load(Ordering::Relaxed).then_some(taken);
        Traffic { received, sent, queued, paused, awaited }
    }

    /// Blocks the reader while the peer is not to be heard.
    pub fn wait_to_read_blocking(&self) {
        if !self.outgoing.may_read() {
            self.waits.store(true, Ordering::Relaxed);
            self.outgoing.wait_to_read_blocking();
            self.waits.store(false, Ordering::Relaxed);
        }
    }

    /// Has the reader wait while the peer is not to be heard.
    pub async fn wait_to_read(&self) {
        if !self.outgoing.may_read() {
            self.waits.store(true, Ordering::Relaxed);
            self.outgoing.wait_to_read().await;
            self.waits.store(false, Ordering::Relaxed);
        }
    }

    /// Blocks the reader until these mailboxes have room, or the stream has ended; `false` if they have none for so long.
    pub fn wait_for_mailboxes_blocking(
        &self,
        full: &[Arc<Queue>],
        limit: Option<Duration>,
    ) -> bool {
        if full.is_empty() {
            return true;
        }
        self.held.store(true, Ordering::Relaxed);
        let end = limit.and_then(|limit| Moment::now().checked_add(limit));
        let room = self.outgoing.room.block_until(end, || self.has_room_in(full));
        self.held.store(false, Ordering::Relaxed);
        room.is_some()
    }

    /// Has the reader wait until these mailboxes have room, or the stream has ended.
    pub async fn wait_for_mailboxes(&self, full: &[Arc<Queue>]) {
        if !full.is_empty() {
            self.held.store(true, Ordering::Relaxed);
            self.outgoing.room.wait(|| self.has_room_in(full)).await;
            self.held.store(false, Ordering::Relaxed);
        }
    }

    /// The first one without room rings, which is enough: then all are asked again.
    //= docs/spec/process.md#process-mailbox-pause
    fn has_room_in(&self, full: &[Arc<Queue>]) -> Option<()> {
        let has_room = full.iter().all(|queue| queue.has_room_or_rings(&self.outgoing.room));
        (has_room || self.outgoing.has_ended()).then_some(())
    }

    /// Ends the stream: at once, or after what is queued was written. Never blocks.
    pub fn close(&self, at_once: bool) {
        self.ended.store(true, Ordering::Release);
        self.wish(Wish::End);
        let has_parted = self.outgoing.has_parted();
        if at_once {
            self.outgoing.abort();
        } else {
            self.outgoing.flush();
        }
        let mut slot = lock(&self.socket);
        match &*slot {
            Slot::Opening => *slot = Slot::Gone,
            // What is written must not be taken back.
            Slot::Open(socket) if at_once && has_parted => drop(socket.shutdown(Shutdown::Both)),
            Slot::Open(socket) if at_once => abort(socket),
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
    pub fn with_socket<R>(&self, work: impl FnOnce(&Socket) -> R) -> Option<R> {
        match &*lock(&self.socket) {
            Slot::Open(socket) => Some(work(socket)),
            Slot::Opening | Slot::Gone => None,
        }
    }

    /// The link is up, with this node.
    pub(crate) fn set_peer(&self, node: NodeName) {
        let _ = self.peer.set(node);
    }

    /// The node that the link is with.
    pub(crate) fn peer(&self) -> &str {
        self.peer.get().map_or("", NodeName::as_str)
    }

    /// Which one it is.
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// Takes the socket that was dialled; `false` if nobody waits for it any more.
    pub fn opened(&self, socket: &Arc<Socket>) -> bool {
        let mut slot = lock(&self.socket);
        let wanted = !matches!(*slot, Slot::Gone);
        if wanted {
            *slot = Slot::Open(Arc::clone(socket));
        }
        wanted
    }

    /// Has the reader find the end, and say that this is its cause.
    pub(crate) fn violated(&self, violation: Violation) {
        let _ = self.violation.set(violation);
        self.with_socket(abort);
    }

    /// Why the stream has ended, of which its reader thinks that `read` is the cause.
    pub fn cause(&self, read: CloseCause) -> CloseCause {
        match self.violation.get() {
            Some(violation) if read != CloseCause::Local => CloseCause::Violation(*violation),
            _ => read,
        }
    }

    /// Lets go of the socket.
    pub fn release(&self) {
        *lock(&self.socket) = Slot::Gone;
    }

    /// Whether our side has closed the stream.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Adds to the counter of bytes that were read.
    pub fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Blocks until the owner wishes something.
    pub fn next_wish_blocking(&self) -> Wish {
        self.wished.block_on(|| self.take_wish())
    }

    /// Waits for the owner's next wish.
    pub async fn next_wish(&self) -> Wish {
        self.wished.wait(|| self.take_wish()).await
    }

    /// Waits until our side closes the stream.
    pub async fn wait_for_end(&self) {
        self.wished.wait(|| self.has_ended().then_some(())).await;
    }

    fn take_wish(&self) -> Option<Wish> {
        let mut wish = lock(&self.wish);
        let next = wish.take();
        // It stays: nothing comes after the end.
        if matches!(next, Some(Wish::End)) {
            *wish = Some(Wish::End);
        }
        next
    }
}
