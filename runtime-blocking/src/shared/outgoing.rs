//! What waits to be written on a stream.

use core::time::Duration;
use std::io::{ErrorKind as Kind, IoSlice};
use std::sync::{Arc, Mutex};
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::link::{Frame, Limits, LinkWriter};
use socket2::Socket;

use super::{Bell, lock};

/// Chunks that one write takes at most.
const CHUNKS_MAX: usize = 64;
/// How long a stream that is closed in good order may take to write what is queued.
pub(super) const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// A peer that is gone is an error of a write and no SIGPIPE, which ends a program whose language does not ignore it.
#[cfg(all(unix, not(target_vendor = "apple")))]
const WRITE_FLAGS: i32 = libc::MSG_NOSIGNAL;
/// On Apple's systems whoever made the socket has told it so; on Windows there are no signals.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
const WRITE_FLAGS: i32 = 0;

/// The queue of a stream. Its lock is the innermost: nothing else is locked under it, and nobody writes under it.
#[derive(Debug)]
pub struct Outgoing {
    queue: Mutex<Queue>,
    /// Something was queued, or the end has come.
    queued: Bell,
    /// There is room again, or the end has come.
    pub(super) room: Arc<Bell>,
}

#[derive(Debug)]
struct Queue {
    writer: LinkWriter,
    end: End,
    /// Of each stop that is about to close the stream: how many bytes it waits for.
    partings: Vec<u64>,
}

impl Queue {
    fn has_parted(&self) -> bool {
        self.partings.iter().any(|bytes| self.writer.written() >= *bytes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// The stream goes on.
    Open,
    /// Write what is queued until then, and end.
    Flush(Moment),
    /// Drop what is queued and end.
    Now,
}

/// What came of an attempt to write.
#[derive(Debug)]
pub enum Written {
    /// The stream has taken something, or would have.
    Some,
    /// The stream takes nothing for now.
    Blocked,
    /// There was nothing to write, and nothing more comes; or the stream takes nothing any more.
    End,
}

impl Outgoing {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            queue: Mutex::new(Queue {
                writer: LinkWriter::new(limits),
                end: End::Open,
                partings: Vec::new(),
            }),
            queued: Bell::default(),
            room: Arc::default(),
        }
    }

    /// Changes the queue, and wakes the writer.
    pub fn with<R>(&self, change: impl FnOnce(&mut LinkWriter) -> R) -> R {
        let result = change(&mut lock(&self.queue).writer);
        self.queued.ring();
        result
    }

    /// Frames submitted, bytes not yet written, and those that are: see [`LinkWriter`].
    pub(crate) fn counters(&self) -> (u64, u64, u64) {
        let queue = lock(&self.queue);
        (queue.writer.sent(), queue.writer.queued(), queue.writer.written())
    }

    /// Blocks until the peer may be heard again, or the stream has ended.
    pub(crate) fn wait_to_read_blocking(&self) {
        self.room.block_on(|| self.may_read().then_some(()));
    }

    /// Waits until the peer may be heard again, or the stream has ended.
    pub(crate) async fn wait_to_read(&self) {
        self.room.wait(|| self.may_read().then_some(())).await;
    }

    /// Whether the peer may be heard, or the stream has ended.
    pub(crate) fn may_read(&self) -> bool {
        let queue = lock(&self.queue);
        queue.end != End::Open || queue.writer.may_read()
    }

    /// Whether the end has come.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.queue).end != End::Open
    }

    /// Blocks until this frame can be queued, or the stream has ended; `false` if that moment came first.
    pub fn wait_for_room_blocking(&self, frame: &Frame, end: Option<Moment>) -> bool {
        self.room.block_until(end, || self.has_room_for(frame)).is_some()
    }

    /// Waits until this frame can be queued, or the stream has ended.
    pub async fn wait_for_room(&self, frame: &Frame) {
        self.room.wait(|| self.has_room_for(frame)).await;
    }

    fn has_room_for(&self, frame: &Frame) -> Option<()> {
        let queue = lock(&self.queue);
        (queue.end != End::Open || queue.writer.has_room_for(frame)).then_some(())
    }

    /// Blocks until frames in general can be queued, or the stream has ended.
    pub fn wait_for_any_room_blocking(&self) {
        self.room.block_on(|| self.has_room().then_some(()));
    }

    /// Waits until frames in general can be queued, or the stream has ended.
    pub async fn wait_for_any_room(&self) {
        self.room.wait(|| self.has_room().then_some(())).await;
    }

    /// Whether frames in general can be queued, or the stream has ended.
    pub(crate) fn has_room(&self) -> bool {
        let queue = lock(&self.queue);
        queue.end != End::Open || queue.writer.has_room()
    }

    /// The stream is about to be closed, but for what is queued now: so many bytes are written then.
    pub(crate) fn part(&self) -> u64 {
        let mut queue = lock(&self.queue);
        let bytes = queue.writer.written() + queue.writer.queued();
        queue.partings.push(bytes);
        bytes
    }

    /// One that was about to close the stream when so many bytes are written has done that, or has given it up.
    pub(super) fn stay(&self, bytes: u64) {
        let mut queue = lock(&self.queue);
        if let Some(at) = queue.partings.iter().position(|parting| *parting == bytes) {
            queue.partings.swap_remove(at);
        }
    }

    /// Whether the stream is about to be closed, and what was queued before is written.
    pub(crate) fn has_parted(&self) -> bool {
        lock(&self.queue).has_parted()
    }

    /// Blocks until so many bytes are written, or the stream has ended; `false` if that moment came first. To be called by who
    /// [parts](Self::part), since nobody else is woken.
    pub(crate) fn wait_until_written_blocking(&self, bytes: u64, end: Moment) -> bool {
        self.room.block_until(Some(end), || self.has_written(bytes)).is_some()
    }

    /// As [`Self::wait_until_written_blocking`], without an end.
    pub(super) async fn wait_until_written(&self, bytes: u64) {
        self.room.wait(|| self.has_written(bytes)).await;
    }

    fn has_written(&self, bytes: u64) -> Option<()> {
        let queue = lock(&self.queue);
        (queue.end != End::Open || queue.writer.written() >= bytes).then_some(())
    }

    /// Lets the writer end once everything is written, or after a second.
    pub fn flush(&self) {
        let mut queue = lock(&self.queue);
        if queue.end == End::Open {
            queue.end = End::Flush(Moment::now() + FLUSH_LIMIT);
        }
        drop(queue);
        self.queued.ring();
        self.room.ring();
    }

    /// Drops what is queued and lets the writer end. The socket has to be shut down as well, since the writer may be
    /// blocked in it.
    pub fn abort(&self) {
        let mut queue = lock(&self.queue);
        queue.end = End::Now;
        queue.writer.discard();
        drop(queue);
        self.queued.ring();
        self.room.ring();
    }

    /// Blocks until there is something to write, or the end has come.
    pub fn wait_for_work_blocking(&self) {
        self.queued.block_on(|| self.has_work());
    }

    /// Waits until there is something to write, or the end has come.
    pub async fn wait_for_work(&self) {
        self.queued.wait(|| self.has_work()).await;
    }

    fn has_work(&self) -> Option<()> {
        let queue = lock(&self.queue);
        (queue.end != End::Open || !queue.writer.is_empty()).then_some(())
    }

    /// Waits until the stream is being closed; the moment by which its writer has to end.
    pub async fn wait_for_end(&self) -> Moment {
        let end = || match lock(&self.queue).end {
            End::Open => None,
            End::Flush(end) => Some(end),
            End::Now => Some(Moment::now()),
        };
        self.queued.wait(end).await
    }

    /// Writes once, in one piece as much as there is.
    pub fn write(&self, socket: &Socket) -> Written {
        let Some(chunks) = self.chunks() else { return Written::End };
        let mut slices = [IoSlice::new(&[]); CHUNKS_MAX];
        for (slice, chunk) in slices.iter_mut().zip(&chunks) {
            *slice = IoSlice::new(chunk);
        }
        let filled = slices.get(..chunks.len()).unwrap_or_default();
        match socket.send_vectored_with_flags(filled, WRITE_FLAGS) {
            Ok(0) => Written::End,
            Ok(n) => {
                self.wrote(n);
                Written::Some
            }
            Err(error) if error.kind() == Kind::Interrupted => Written::Some,
            Err(error) if [Kind::WouldBlock, Kind::TimedOut].contains(&error.kind()) => {
                Written::Blocked
            }
            Err(_) => Written::End,
        }
    }

    /// What is to be written. `None` is the end.
    fn chunks(&self) -> Option<Vec<Bytes>> {
        let queue = lock(&self.queue);
        let goes_on = match queue.end {
            End::Open => true,
            End::Flush(end) => !queue.writer.is_empty() && Moment::now() < end,
            End::Now => false,
        };
        goes_on.then(|| queue.writer.chunks(CHUNKS_MAX).cloned().collect())
    }

    fn wrote(&self, n: usize) {
        let mut queue = lock(&self.queue);
        let has_room = queue.writer.advance(n);
        if has_room || queue.has_parted() {
            drop(queue);
            self.room.ring();
        }
    }
}
