//! The writing half of a stream: the thread that empties its queue.

use core::time::Duration;
use std::net::Shutdown;

use socket2::Socket;

use crate::shared::{Outgoing, Written};

/// The longest that one write blocks while a stream is being set up, so that a flush ends in time.
pub(crate) const SETUP_WRITE_LIMIT: Duration = Duration::from_millis(200);

/// The writer thread: until the end that [`Outgoing`] tells, or until the socket takes no more.
pub(crate) fn write_loop(outgoing: &Outgoing, socket: &Socket) {
    let _end = End { outgoing, socket };
    loop {
        outgoing.wait_for_work_blocking();
        match outgoing.write(socket) {
            // Blocked is a write that took too long: see SETUP_WRITE_LIMIT.
            Written::Some | Written::Blocked => {}
            Written::End => break,
        }
    }
}

/// With the writer, also if it panics, its queue ends, and the reader after what has arrived already.
struct End<'a> {
    outgoing: &'a Outgoing,
    socket: &'a Socket,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.outgoing.abort();
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{BACKLOG, abort, listen};
    use bytes::Bytes;
    use core::net::{IpAddr, Ipv4Addr};
    use core::sync::atomic::{AtomicBool, Ordering};
    use netkernel_core::link::Limits;
    use std::io::{self, Read as _};
    use std::net::{TcpListener, TcpStream};
    use std::panic::resume_unwind;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};
    use std::time::Instant as Moment;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn pair() -> (Socket, TcpStream) {
        let listener: TcpListener =
            listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().0;
        theirs.set_read_timeout(Some(GIVE_UP)).unwrap();
        (ours.into(), theirs)
    }

    fn run(outgoing: &Arc<Outgoing>, socket: Socket) -> JoinHandle<()> {
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

    #[cfg(unix)]
    #[test]
    fn a_peer_that_is_gone_raises_no_signal() {
        let signalled = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::clone(&signalled)).unwrap();
        let (ours, theirs) = pair();
        // The system answers the first write with a reset; one of those behind it would raise the signal.
        drop(theirs);
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        let thread = run(&outgoing, ours);
        while !outgoing.has_ended() {
            outgoing.with(|writer| writer.push_raw(Bytes::from_static(b"tick")));
            thread::yield_now();
        }
        thread.join().unwrap();
        assert!(!signalled.load(Ordering::Relaxed));
    }

    #[test]
    fn with_a_writer_that_panics_both_halves_end() {
        let (ours, mut theirs) = pair();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        let (shared, mut reader) = (Arc::clone(&outgoing), ours.try_clone().unwrap());
        let writer = thread::spawn(move || {
            let _end = End { outgoing: &shared, socket: &ours };
            resume_unwind(Box::new(()))
        });
        writer.join().unwrap_err();
        assert!(outgoing.has_ended());
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
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
        outgoing.with(|writer| writer.push(Bytes::from(vec![0; 64 << 20]).into())).unwrap();
        assert!(!outgoing.with(|writer| writer.has_room()));
        let waiting = Arc::clone(&outgoing);
        let sender =
            thread::spawn(move || waiting.wait_for_room_blocking(&Bytes::new().into(), None));
        let handle = ours.try_clone().unwrap();
        let thread = run(&outgoing, ours);
        outgoing.abort();
        abort(&handle);
        thread.join().unwrap();
        sender.join().unwrap();
    }

    #[test]
    fn room_comes_back_when_the_peer_reads() {
        let (ours, mut theirs) = pair();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        outgoing.with(|writer| writer.push(Bytes::from(vec![0; 32 << 20]).into())).unwrap();
        let thread = run(&outgoing, ours);
        let reader = thread::spawn(move || io::copy(&mut theirs, &mut io::sink()));
        outgoing.wait_for_room_blocking(&Bytes::new().into(), None);
        assert!(outgoing.with(|writer| writer.has_room()));
        outgoing.flush();
        thread.join().unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 32 << 20);
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn who_parts_waits_until_all_is_written_or_no_longer_than_he_wants() {
        let (ours, mut theirs) = pair();
        let outgoing = Arc::new(Outgoing::new(Limits::default()));
        outgoing.with(|writer| writer.push(Bytes::from(vec![0; 32 << 20]).into())).unwrap();
        let thread = run(&outgoing, ours);
        let bytes = outgoing.part();
        let soon = Moment::now() + Duration::from_millis(50);
        assert!(!outgoing.wait_until_written_blocking(bytes, soon) && !outgoing.has_parted());
        let reader = thread::spawn(move || io::copy(&mut theirs, &mut io::sink()));
        assert!(outgoing.wait_until_written_blocking(bytes, Moment::now() + GIVE_UP));
        assert!(outgoing.has_parted());
        outgoing.flush();
        thread.join().unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 32 << 20);
    }
}
