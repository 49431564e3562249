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
