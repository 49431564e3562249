//! What waits to be written on one stream.

use alloc::collections::VecDeque;
use bytes::{Buf, Bytes};
use core::fmt;

use super::{Limits, Violation};

/// A tick: a frame without a body.
static TICK: [u8; 4] = [0; 4];

/// The queue of one stream, from its opening to its close. First it holds set-up packets, then frames.
///
/// A plain struct: the runtime wraps the lock, writes what [`chunks`](Self::chunks) gives without holding it, and tells
/// [`advance`](Self::advance) how much of it the stream took.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkWriter {
    limits: Limits,
    queue: VecDeque<Queued>,
    /// Bytes put into the queue since the opening.
    submitted: u64,
    /// Those of them that the stream took.
    written: u64,
    /// The value of `submitted` behind the last tick: it is unwritten while `written` is less.
    tick_end: u64,
    /// Bytes of unwritten answers.
    answers: usize,
    sent: u64,
    /// The high mark was reached, and the low mark not yet.
    busy: bool,
    discarded: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Queued {
    bytes: Bytes,
    answer: bool,
}

/// Without the bytes: they may be a digest, or a letter.
impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queued({} bytes)", self.bytes.len())
    }
}

/// The stream has as much to write as it may have. The frame comes back, to be pushed once
/// [`has_room`](LinkWriter::has_room).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the frame was not queued"]
pub struct Busy(pub Bytes);

impl LinkWriter {
    /// An empty queue.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            submitted: 0,
            written: 0,
            tick_end: 0,
            answers: 0,
            sent: 0,
            busy: false,
            discarded: false,
        }
    }

    /// Queues one packet without asking the mark: of the set-up, or one that waited in a
    /// [`Peer`](super::Peer) for the link to come up.
    pub fn push_raw(&mut self, packet: Bytes) {
        self.enqueue(packet, false);
    }

    /// Queues one whole frame, with its length field, of a sender that can wait.
    ///
    /// A frame longer than the mark passes if nothing else makes the queue busy.
    ///
    /// # Errors
    /// [`Busy`] gives the frame back from the high mark on, until the queue has fallen below the low mark.
    //= docs/spec/channel.md#ch-writer-marks
    pub fn push(&mut self, frame: Bytes) -> Result<(), Busy> {
        if self.busy {
            return Err(Busy(frame));
        }
        self.enqueue(frame, false);
        Ok(())
    }

    /// Queues one whole frame that this side generated in answer to the peer. It passes the mark.
    ///
    /// # Errors
    /// [`Violation::AnswersUnread`] if more answers than [`Limits::max_answer_bytes`] are unwritten: the peer asks and
    /// does not read. Other frames do not count, so that a large message to a slow peer is no offence of that peer.
    //= docs/spec/channel.md#ch-writer-answers
    pub fn push_forced(&mut self, frame: Bytes) -> Result<(), Violation> {
        if self.answers.saturating_add(frame.len()) > self.limits.max_answer_bytes() {
            return Err(Violation::AnswersUnread);
        }
        self.enqueue(frame, true);
        Ok(())
    }

    /// Queues a tick behind what is queued, whatever the mark. One that is not yet written is not doubled, but counts
    /// in [`sent`](Self::sent) all the same.
    //= docs/spec/channel.md#ch-writer-tick
    pub fn tick(&mut self) {
        if self.written < self.tick_end {
            self.sent += 1;
        } else if !self.discarded {
            self.enqueue(Bytes::from_static(&TICK), false);
            self.tick_end = self.submitted;
        }
    }

    /// What to write next, at most `max` pieces, for one vectored write. Cloning a piece does not copy its bytes.
    pub fn chunks(&self, max: usize) -> impl Iterator<Item = &Bytes> {
        self.queue.iter().take(max).map(|queued| &queued.bytes)
    }

    /// The stream took `n` bytes of what [`chunks`](Self::chunks) gave; they may end inside a frame.
    pub fn advance(&mut self, mut n: usize) {
        while n > 0 {
            let Some(front) = self.queue.front_mut() else { break };
            let taken = n.min(front.bytes.len());
            front.bytes.advance(taken);
            n -= taken;
            self.written += taken as u64;
            self.answers -= if front.answer { taken } else { 0 };
            if front.bytes.is_empty() {
                self.queue.pop_front();
            }
        }
        if self.queued() < self.limits.low_mark_bytes() as u64 || self.queue.is_empty() {
            self.busy = false;
        }
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether [`push`](Self::push) would take a frame. Once `false`, it stays so until the queue has fallen below the low
    /// mark; then senders that wait are to be woken.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        !self.busy
    }

    /// Bytes that wait to be written: `queued` of [`Traffic`](crate::liveness::Traffic).
    #[must_use]
    pub const fn queued(&self) -> u64 {
        self.submitted - self.written
    }

    /// Packets, frames and ticks submitted since the opening: `sent` of [`Traffic`](crate::liveness::Traffic).
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Drops what is queued, and from now on all that is pushed: the stream is closed abortively. Whoever waits for room
    /// is to be woken.
    pub fn discard(&mut self) {
        self.discarded = true;
        self.queue.clear();
        self.written = self.submitted;
        self.answers = 0;
        self.busy = false;
    }

    fn enqueue(&mut self, bytes: Bytes, answer: bool) {
        if self.discarded || bytes.is_empty() {
            return;
        }
        self.sent += 1;
        self.submitted += bytes.len() as u64;
        self.answers += if answer { bytes.len() } else { 0 };
        self.queue.push_back(Queued { bytes, answer });
        self.busy = self.busy || self.queued() >= self.limits.high_mark_bytes as u64;
    }
}
