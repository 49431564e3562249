//! What a stop of the node waits for before it ends the links.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant as Moment;

use super::Stream;

/// Links that a stop is about to end, each with how many bytes were sent before.
///
/// As long as this is there, a link that has written so much is closed without taking back what is on its way. It goes with the call to
/// the owner, who drops it when the links are closed, or when there is no stop. So a stop that is given up leaves nothing behind.
#[derive(Debug)]
pub struct Parting(Vec<(Arc<Stream>, u64)>);

impl Parting {
    /// For how long a stop waits for a node that does not read.
    pub const LIMIT: Duration = super::outgoing::FLUSH_LIMIT;

    /// From these links.
    pub(super) fn new<'a>(links: impl Iterator<Item = &'a Arc<Stream>>) -> Self {
        Self(links.map(|stream| (Arc::clone(stream), stream.outgoing.part())).collect())
    }

    /// Blocks until what was sent before is written, or the links have ended, or that long.
    pub fn wait_blocking(&self) {
        let end = Moment::now() + Self::LIMIT;
        for (stream, bytes) in &self.0 {
            stream.outgoing.wait_until_written_blocking(*bytes, end);
        }
    }

    /// Waits until what was sent before is written, or the links have ended.
    pub async fn wait(&self) {
        for (stream, bytes) in &self.0 {
            stream.outgoing.wait_until_written(*bytes).await;
        }
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        for (stream, bytes) in &self.0 {
            stream.outgoing.stay(*bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{BACKLOG, Origin, Socket, Written, listen};
    use bytes::Bytes;
    use core::net::{IpAddr, Ipv4Addr};
    use netkernel_core::Cookie;
    use netkernel_core::driver::Machine as _;
    use netkernel_core::link::Limits;
    use netkernel_core::net_kernel::{Config, NetKernel, NetTicktime};
    use std::io::Read as _;
    use std::net::TcpStream;

    const GIVE_UP: Duration = Duration::from_secs(20);

    /// A stream, and its peer.
    fn pair() -> (Arc<Stream>, Arc<Socket>, TcpStream) {
        let listener = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().0;
        theirs.set_read_timeout(Some(GIVE_UP)).unwrap();
        ours.set_nonblocking(true).unwrap();
        let socket = Arc::new(Socket::from(ours));
        let cookie = Cookie::new("secret").unwrap();
        let config = Config::new(cookie, NetTicktime::new(60, 4).unwrap());
        let id = NetKernel::new(config).mint_stream();
        let origin = Origin::Accepted(Arc::clone(&socket));
        (Arc::new(Stream::new(id, &origin, Limits::default())), socket, theirs)
    }

    fn push(stream: &Stream, bytes: usize) {
        let frame = Bytes::from(vec![0; bytes]);
        stream.outgoing.with(|writer| writer.push(frame.into())).unwrap();
    }

    fn parting(stream: &Arc<Stream>) -> Parting {
        Parting::new([stream].into_iter())
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn stops_that_are_given_up_leave_nothing_behind() {
        let (stream, socket, _theirs) = pair();
        assert!(!stream.outgoing.has_parted(), "nobody stops");
        let first = parting(&stream);
        push(&stream, 100);
        let [second, third] = [(); 2].map(|()| parting(&stream));
        assert!(stream.outgoing.has_parted(), "nothing was sent before the first");
        drop(first);
        assert!(!stream.outgoing.has_parted());
        while stream.outgoing.counters().1 > 0 {
            assert!(matches!(stream.outgoing.write(&socket), Written::Some));
        }
        second.wait_blocking();
        assert!(stream.outgoing.has_parted());
        drop(second);
        assert!(stream.outgoing.has_parted(), "the other has not given up");
        drop(third);
        assert!(!stream.outgoing.has_parted());
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn what_is_on_its_way_is_not_taken_back() {
        let (stream, socket, mut theirs) = pair();
        // Until the operating system takes no more: some of it has not got to the peer.
        let parting = loop {
            let parting = parting(&stream);
            push(&stream, 64 << 10);
            let mut blocked = false;
            while stream.outgoing.counters().1 > 0 && !blocked {
                blocked = matches!(stream.outgoing.write(&socket), Written::Blocked);
            }
            if blocked {
                break parting;
            }
        };
        let [(_, sent)] = parting.0[..] else { panic!("{parting:?}") };
        stream.close(true);
        drop((parting, stream, socket));
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).unwrap();
        assert!(read.len() as u64 >= sent, "{} of {sent}", read.len());
    }
}
