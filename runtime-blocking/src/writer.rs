//! The writing half of a stream: its queue, and the thread that empties it.

use core::time::Duration;
use std::io::{self, IoSlice, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::link::{Limits, LinkWriter};

use crate::lock;

/// Chunks that one write takes at most.
const CHUNKS_MAX: usize = 64;
/// How long a stream that is closed in good order may take to write what is queued.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// The longest that one write blocks while a stream is being set up, so that a flush ends in time.
pub(crate) const SETUP_WRITE_LIMIT: Duration = Duration::from_millis(200);

/// What waits to be written. Its lock is the innermost: nothing else is locked under it, and nobody writes under it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: Mutex<Queue>,
    /// Something was queued, or the end has come.
    wake: Condvar,
    /// There is room again, or the end has come.
    room: Condvar,
}

#[derive(Debug)]
struct Queue {
    writer: LinkWriter,
    end: End,
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

impl Outgoing {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            queue: Mutex::new(Queue { writer: LinkWriter::new(limits), end: End::Open }),
            wake: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Changes the queue, and wakes the writer.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut LinkWriter) -> R) -> R {
        let result = change(&mut lock(&self.queue).writer);
        self.wake.notify_one();
        result
    }

    /// Frames submitted, and bytes not yet written: see [`LinkWriter`].
    pub(crate) fn counters(&self) -> (u64, u64) {
        let queue = lock(&self.queue);
        (queue.writer.sent(), queue.writer.queued())
    }

    /// Waits until a frame can be queued, or the stream has ended.
    pub(crate) fn wait_for_room(&self) {
        let mut queue = lock(&self.queue);
        while queue.end == End::Open && !queue.writer.has_room() {
            queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the writer end once everything is written, or after [`FLUSH_LIMIT`].
    pub(crate) fn flush(&self) {
        let mut queue = lock(&self.queue);
        if queue.end == End::Open {
            queue.end = End::Flush(Moment::now() + FLUSH_LIMIT);
        }
        drop(queue);
        self.wake.notify_one();
        self.room.notify_all();
    }

    /// Drops what is queued and lets the writer end. The socket has to be shut down as well, since the writer may be
    /// blocked in it.
    pub(crate) fn abort(&self) {
        let mut queue = lock(&self.queue);
        queue.end = End::Now;
        queue.writer.discard();
        drop(queue);
        self.wake.notify_one();
        self.room.notify_all();
    }

    /// Waits for something to write. `false` is the end.
    fn next(&self, chunks: &mut Vec<Bytes>) -> bool {
        let mut queue = lock(&self.queue);
        loop {
            let done = match queue.end {
                End::Open => false,
                End::Flush(until) => queue.writer.is_empty() || Moment::now() >= until,
                End::Now => true,
            };
            if done {
                return false;
            }
            if !queue.writer.is_empty() {
                chunks.extend(queue.writer.chunks(CHUNKS_MAX).cloned());
                return true;
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wrote(&self, n: usize) {
        let mut queue = lock(&self.queue);
        let was_full = !queue.writer.has_room();
        queue.writer.advance(n);
        if was_full && queue.writer.has_room() {
            drop(queue);
            self.room.notify_all();
        }
    }
}

/// The writer thread: until the end that [`Outgoing`] tells, or until the socket takes no more.
pub(crate) fn write_loop(outgoing: &Outgoing, mut socket: &TcpStream) {
    let mut chunks = Vec::with_capacity(CHUNKS_MAX);
    while outgoing.next(&mut chunks) {
        let mut slices = [IoSlice::new(&[]); CHUNKS_MAX];
        for (slice, chunk) in slices.iter_mut().zip(&chunks) {
            *slice = IoSlice::new(chunk);
        }
        let filled = slices.get(..chunks.len()).unwrap_or_default();
        match socket.write_vectored(filled) {
            Ok(0) => break,
            Ok(n) => outgoing.wrote(n),
            Err(error) if is_passing(&error) => {}
            Err(_) => break,
        }
        chunks.clear();
    }
    outgoing.abort();
    // The reader ends after what has arrived already.
    let _ = socket.shutdown(Shutdown::Both);
}

/// Whether a write only took too long (see [`SETUP_WRITE_LIMIT`]) and is to be tried again.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    [Kind::WouldBlock, Kind::TimedOut, Kind::Interrupted].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket;
    use core::net::Ipv4Addr;
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn pair() -> (TcpStream, TcpStream) {
        let listener: TcpListener = socket::listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().0;
        theirs.set_read_timeout(Some(GIVE_UP)).unwrap();
        (ours, theirs)
    }

    fn run(outgoing: &Arc<Outgoing>, socket: TcpStream) -> JoinHandle<()> {
        let outgoing = Arc::clone(outgoing);
        thread::spawn(move || write_loop(&outgoing, &socket))
    }

    #[test]
    fn a_flush_writes_everything_in_order_and_ends() {
        let (ours, mut theirs) = pair();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        let expected: Vec<u8> = (0..1000u32).flat_map(u32::to_be_bytes).collect();
        for packet in expected.chunks(4) {
            outgoing.with(|writer| writer.push_raw(Bytes::copy_from_slice(packet)));
        }
        let thread = run(&outgoing, ours);
        outgoing.flush();
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).unwrap();
        assert_eq!(read, expected);
        thread.join().unwrap();
    }

    #[test]
    fn a_flush_to_a_peer_that_does_not_read_ends_nevertheless() {
        let (ours, _theirs) = pair();
        ours.set_write_timeout(Some(SETUP_WRITE_LIMIT)).unwrap();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        outgoing.with(|writer| writer.push_raw(Bytes::from(vec![0; 64 << 20])));
        let thread = run(&outgoing, ours);
        outgoing.flush();
        thread.join().unwrap();
    }

    #[test]
    fn an_abort_wakes_a_blocked_writer_and_a_waiting_sender() {
        let (ours, _theirs) = pair();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        outgoing.with(|writer| writer.push(Bytes::from(vec![0; 64 << 20]))).unwrap();
        assert!(!outgoing.with(|writer| writer.has_room()));
        let waiting = Arc::clone(&outgoing);
        let sender = thread::spawn(move || waiting.wait_for_room());
        let handle = ours.try_clone().unwrap();
        let thread = run(&outgoing, ours);
        outgoing.abort();
        socket::abort(&handle);
        thread.join().unwrap();
        sender.join().unwrap();
    }

    #[test]
    fn room_comes_back_when_the_peer_reads() {
        let (ours, mut theirs) = pair();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        outgoing.with(|writer| writer.push(Bytes::from(vec![0; 32 << 20]))).unwrap();
        let thread = run(&outgoing, ours);
        let reader = thread::spawn(move || io::copy(&mut theirs, &mut io::sink()));
        outgoing.wait_for_room();
        assert!(outgoing.with(|writer| writer.has_room()));
        outgoing.flush();
        thread.join().unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 32 << 20);
    }
}
