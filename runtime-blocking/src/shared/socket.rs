//! Sockets: how they are opened for peers, set up and torn down.

use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;
use core::time::Duration;
use std::io;
use std::net::{Shutdown, TcpListener};

use netkernel_core::epmd_server;
use netkernel_core::net_kernel::OpenError;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the operating system completes before we accept them, unless it is told otherwise.
pub const BACKLOG: u32 = 128;

/// Opens a listener on the first free port of `ports`; a port of 0 lets the operating system choose.
pub fn listen(
    bind: IpAddr,
    ports: RangeInclusive<u16>,
    backlog: u32,
) -> Result<TcpListener, OpenError> {
    let mut result = Err(OpenError::AddressInUse);
    for port in ports {
        match listen_on(SocketAddr::new(bind, port), backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => result = Err(open_error(&error)),
        }
        if result.as_ref().is_err_and(|error| *error != OpenError::AddressInUse) {
            break;
        }
    }
    result
}

/// Whether the peer of an accepted connection is on this host.
pub fn is_local(socket: &Socket) -> bool {
    let addresses = socket.peer_addr().and_then(|peer| Ok((peer, socket.local_addr()?)));
    addresses.is_ok_and(|(peer, own)| match (peer.as_socket(), own.as_socket()) {
        (Some(peer), Some(own)) => epmd_server::is_local(peer.ip(), own.ip()),
        _ => peer.is_unix(),
    })
}

fn listen_on(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted node must get its port back while old connections linger. On Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Options of every stream. Ticks and calls are small: they must not wait for more. On a Unix socket nothing does.
pub fn prepare(socket: &Socket) -> io::Result<()> {
    if socket.local_addr()?.is_unix() { Ok(()) } else { socket.set_tcp_nodelay(true) }
}

/// Makes the coming close a reset: what is queued or unread is dropped. Wakes whoever reads or writes.
pub fn abort(socket: &Socket) {
    // Either fails only on a socket that is gone already.
    let _ = socket.set_linger(Some(Duration::ZERO));
    let _ = socket.shutdown(Shutdown::Both);
}

/// The core's name for an error of the operating system.
pub fn open_error(error: &io::Error) -> OpenError {
    use io::ErrorKind as Kind;
    const NAMED: &[(Kind, OpenError)] = &[
        (Kind::AddrInUse, OpenError::AddressInUse),
        (Kind::AddrNotAvailable, OpenError::AddressNotAvailable),
        (Kind::PermissionDenied, OpenError::Denied),
        (Kind::ConnectionRefused, OpenError::Refused),
        (Kind::TimedOut, OpenError::TimedOut),
        (Kind::WouldBlock, OpenError::TimedOut),
        (Kind::HostUnreachable, OpenError::Unreachable),
        (Kind::NetworkUnreachable, OpenError::Unreachable),
    ];
    NAMED
        .iter()
        .find(|(kind, _)| *kind == error.kind())
        .map_or_else(|| OpenError::Other(error.raw_os_error().unwrap_or(0)), |(_, named)| *named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::TcpStream;

    const GIVE_UP: Duration = Duration::from_secs(20);
    const LOOPBACK: IpAddr = IpAddr::V4(core::net::Ipv4Addr::LOCALHOST);

    fn port_of(listener: &TcpListener) -> u16 {
        listener.local_addr().unwrap().port()
    }

    /// Two neighbouring ports of which the first is taken by the returned listener, and the second free a moment ago.
    fn taken_then_free() -> (TcpListener, u16) {
        loop {
            let taken = listen(LOOPBACK, 0..=0, BACKLOG).unwrap();
            let port = port_of(&taken);
            if port < u16::MAX && listen(LOOPBACK, port + 1..=port + 1, BACKLOG).is_ok() {
                return (taken, port);
            }
        }
    }

    #[test]
    fn a_port_range_is_scanned_upwards() {
        let (_taken, port) = taken_then_free();
        assert_eq!(
            listen(LOOPBACK, port..=port, BACKLOG).unwrap_err(),
            OpenError::AddressInUse,
            "a range of one port that is taken"
        );
        let next = listen(LOOPBACK, port..=port + 1, BACKLOG).unwrap();
        assert_eq!(port_of(&next), port + 1);
    }

    /// The operating system takes one more than it is told, and answers no other until one is accepted.
    #[cfg(target_os = "linux")]
    #[test]
    fn only_so_many_wait_to_be_accepted() {
        let listener = listen(LOOPBACK, 0..=0, 1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting =
            Vec::from([(); 2].map(|()| TcpStream::connect_timeout(&address, GIVE_UP).unwrap()));
        // A busy system may count one a little later.
        while let Ok(more) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(more);
            assert!(waiting.len() < BACKLOG as usize, "as many as if nobody had told it");
        }
    }

    #[test]
    fn an_empty_range_and_a_foreign_address_fail() {
        #[expect(clippy::reversed_empty_ranges, reason = "that is the case")]
        let reversed = listen(LOOPBACK, 2..=1, BACKLOG);
        assert!(reversed.is_err());
        for foreign in ["192.0.2.1", "2001:db8::1"] {
            let refused = listen(foreign.parse().unwrap(), 0..=0, BACKLOG).unwrap_err();
            assert_eq!(refused, OpenError::AddressNotAvailable, "{foreign}");
        }
    }

    #[test]
    fn an_aborted_stream_ends_for_the_peer() {
        let listener = listen(LOOPBACK, 0..=0, BACKLOG).unwrap();
        let ours = Socket::from(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let mut theirs = listener.accept().unwrap().0;

        theirs.set_read_timeout(Some(GIVE_UP)).unwrap();
        abort(&ours);
        drop(ours);
        let end = theirs.read(&mut [0]).map_err(|error| error.kind());
        assert!(matches!(end, Ok(0) | Err(io::ErrorKind::ConnectionReset)), "{end:?}");
    }
}
