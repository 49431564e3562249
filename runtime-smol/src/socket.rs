//! How peers are dialled.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};

use async_io::{Async, Timer};
use futures_lite::future;
use netkernel_blocking::shared::{FULL_PAUSE, Socket, dial_locally, open_error};
use netkernel_core::Family;
use netkernel_core::net_kernel::{Address, OpenError, Target};

/// Resolves `target` and dials its addresses of the wanted family in order, each for at most `limit`, until one answers.
///
/// Names are resolved by the operating system, on a thread of a pool, and Unix sockets dialled there. Whoever drops this future leaves
/// that thread behind, and nobody waits for it.
pub(crate) async fn dial(target: &Target, limit: Duration) -> Result<Socket, OpenError> {
    let (host, port) = match target.address.clone() {
        Address::Port { host, port } => (host, port),
        Address::Local(path) => {
            return dial_path(path, limit).await;
        }
    };
    let resolve = move || (host.as_str(), port).to_socket_addrs();
    let addresses = blocking::unblock(resolve).await.map_err(|_| OpenError::Resolve)?;
    let mut result = Err(OpenError::Resolve);
    for address in addresses.filter(|address| Family::of(address.ip()) == target.family) {
        match connect(address, limit).await {
            Ok(socket) => return Ok(socket.into()),
            Err(error) => result = Err(open_error(&error)),
        }
    }
    result
}

/// Dials what listens at this path. While there is no room among those who wait to be accepted, it tries again.
async fn dial_path(path: String, limit: Duration) -> Result<Socket, OpenError> {
    let dial = async {
        loop {
            let path = path.clone();
            match blocking::unblock(move || dial_locally(path.as_ref())).await? {
                Some(socket) => return Ok(socket),
                None => Timer::after(FULL_PAUSE).await,
            };
        }
    };
    let late = async {
        Timer::after(limit).await;
        Err(OpenError::TimedOut)
    };
    future::or(dial, late).await
}

async fn connect(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let timer = async {
        Timer::after(limit).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    future::or(Async::<TcpStream>::connect(address), timer).await?.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_io::block_on;
    use netkernel_blocking::shared::{BACKLOG, listen};
    use netkernel_core::net_kernel::Purpose;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn dialled(host: &str, family: Family, port: u16) -> Result<Socket, OpenError> {
        let address = Address::Port { host: host.into(), port };
        let target = Target { address, family, purpose: Purpose::Epmd };
        block_on(dial(&target, GIVE_UP))
    }

    fn port_of_nobody() -> u16 {
        listen(Family::Inet.loopback(), 0..=0, BACKLOG).unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn a_host_name_is_dialled_in_the_family_that_is_asked_for() {
        for (host, family) in [("localhost", Family::Inet), ("::1", Family::Inet6)] {
            let listener = listen(family.loopback(), 0..=0, BACKLOG).unwrap();
            let port = listener.local_addr().unwrap().port();
            let socket = dialled(host, family, port).unwrap();
            assert_eq!(Family::of(socket.peer_addr().unwrap().as_socket().unwrap().ip()), family);
        }
    }

    #[test]
    fn failures_have_names() {
        let port = port_of_nobody();
        let dialled = |host| dialled(host, Family::Inet, port).unwrap_err();
        assert_eq!(dialled("127.0.0.1"), OpenError::Refused);
        assert_eq!(dialled("no such host"), OpenError::Resolve);
        assert_eq!(dialled("::1"), OpenError::Resolve, "no IPv4 address");
    }
}
