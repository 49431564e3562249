//! The writing half of a stream.

use std::net::Shutdown;

use async_io::Timer;
use futures_lite::future;
use netkernel_blocking::shared::{Outgoing, Written};

use crate::stream::Socket;

/// Writes what is queued, until the end that [`Outgoing`] tells, or until the socket takes no more.
pub(crate) async fn write_loop(outgoing: &Outgoing, socket: &Socket) {
    loop {
        outgoing.wait_for_work().await;
        match outgoing.write(socket.get_ref()) {
            Written::Some => future::yield_now().await,
            Written::Blocked => future::or(writable(socket), overdue(outgoing)).await,
            Written::End => break,
        }
    }
    outgoing.abort();
    // The reader ends after what has arrived already.
    let _ = socket.get_ref().shutdown(Shutdown::Both);
}

async fn writable(socket: &Socket) {
    // An error shows at the next write.
    let _ = socket.writable().await;
}

/// Until the stream was to be closed by now.
async fn overdue(outgoing: &Outgoing) {
    let end = outgoing.wait_for_end().await;
    Timer::at(end).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Socket;
    use async_io::block_on;
    use bytes::Bytes;
    use core::net::{IpAddr, Ipv4Addr};
    use core::time::Duration;
    use netkernel_blocking::shared::{BACKLOG, abort, listen};
    use netkernel_core::link::Limits;
    use std::io::{self, Read as _};
    use std::net::TcpStream;
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn pair() -> (Socket, TcpStream) {
        let listener = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().0;
        theirs.set_read_timeout(Some(GIVE_UP)).unwrap();
        (Socket::new(Arc::new(ours.into())).unwrap(), theirs)
    }

    /// A queue of so many bytes in one frame.
    fn queued(bytes: usize) -> Outgoing {
        let outgoing = Outgoing::new(Limits::default());
        outgoing.with(|writer| writer.push(Bytes::from(vec![0; bytes]).into())).unwrap();
        outgoing
    }

    #[test]
    fn a_flush_writes_everything_in_order_and_ends() {
        let (ours, mut theirs) = pair();
        let outgoing = Outgoing::new(Limits::default());
        let expected: Vec<u8> = (0..1000_u32).flat_map(u32::to_be_bytes).collect();
        for packet in expected.chunks(4) {
            outgoing.with(|writer| writer.push_raw(Bytes::copy_from_slice(packet)));
        }
        outgoing.flush();
        block_on(write_loop(&outgoing, &ours));
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).unwrap();
        assert_eq!(read, expected);
    }

    #[test]
    fn a_flush_to_a_peer_that_does_not_read_ends_nevertheless_but_not_at_once() {
        let (ours, _theirs) = pair();
        let outgoing = queued(64 << 20);
        let begin = Instant::now();
        outgoing.flush();
        block_on(write_loop(&outgoing, &ours));
        assert!(begin.elapsed() >= Duration::from_millis(900));
    }

    #[test]
    fn an_abort_wakes_a_blocked_writer_and_a_waiting_sender() {
        let (ours, _theirs) = pair();
        let outgoing = queued(64 << 20);
        thread::scope(|scope| {
            scope.spawn(|| block_on(outgoing.wait_for_room(&Bytes::new().into())));
            scope.spawn(|| block_on(write_loop(&outgoing, &ours)));
            thread::sleep(Duration::from_millis(20));
            outgoing.abort();
            abort(ours.get_ref());
        });
    }

    #[test]
    fn room_comes_back_when_the_peer_reads() {
        let (ours, mut theirs) = pair();
        let outgoing = queued(32 << 20);
        thread::scope(|scope| {
            scope.spawn(|| block_on(write_loop(&outgoing, &ours)));
            let reader = scope.spawn(move || io::copy(&mut theirs, &mut io::sink()));
            block_on(outgoing.wait_for_room(&Bytes::new().into()));
            assert!(outgoing.with(|writer| writer.has_room()));
            outgoing.flush();
            assert_eq!(reader.join().unwrap().unwrap(), 32 << 20);
        });
    }
}
