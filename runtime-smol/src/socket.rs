//! How peers are dialled.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};

use async_io::{Async, Timer};
use futures_lite::future;
use netkernel_blocking::shared::open_error;
use netkernel_core::net_kernel::{OpenError, Target};

/// Resolves `target` and dials its IPv4 addresses in order, each for at most `limit`, until one answers.
///
/// Names are resolved by the operating system, on a thread of a pool. Whoever drops this future leaves that thread behind,
/// and nobody waits for it.
pub(crate) async fn dial(target: &Target, limit: Duration) -> Result<TcpStream, OpenError> {
    let (host, port) = (target.host.clone(), target.port);
    let resolve = move || (host.as_str(), port).to_socket_addrs();
    let addresses = blocking::unblock(resolve).await.map_err(|_| OpenError::Resolve)?;
    let mut result = Err(OpenError::Resolve);
    for address in addresses.filter(SocketAddr::is_ipv4) {
        match connect(address, limit).await {
            Ok(socket) => return Ok(socket),
            Err(error) => result = Err(open_error(&error)),
        }
    }
    result
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
    use core::net::Ipv4Addr;
    use netkernel_blocking::shared::listen;
    use netkernel_core::net_kernel::Purpose;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn dialled(host: &str, port: u16) -> Result<TcpStream, OpenError> {
        block_on(dial(&Target { host: host.into(), port, purpose: Purpose::Epmd }, GIVE_UP))
    }

    fn port_of_nobody() -> u16 {
        listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn a_host_name_is_dialled_on_ipv4() {
        let listener = listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap();
        let socket = dialled("localhost", listener.local_addr().unwrap().port()).unwrap();
        assert!(socket.peer_addr().unwrap().is_ipv4());
    }

    #[test]
    fn failures_have_names() {
        let port = port_of_nobody();
        assert_eq!(dialled("127.0.0.1", port).unwrap_err(), OpenError::Refused);
        assert_eq!(dialled("no such host", port).unwrap_err(), OpenError::Resolve);
        assert_eq!(dialled("::1", port).unwrap_err(), OpenError::Resolve, "IPv4 only");
    }
}
