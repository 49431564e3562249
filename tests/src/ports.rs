//! Ports of loopback for services that come and go.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::Range;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{process, thread};

use crate::GIVE_UP;

/// None of those that the operating system gives to whoever wants any: on Linux from 32768, elsewhere from 49152.
const PORTS: Range<u16> = 20_000..30_000;

/// How long a connect over loopback may take. Who does not answer in this time is somebody.
const PATIENCE: Duration = Duration::from_secs(1);

/// A port on which nobody listens. No other test of this project gets it before this process has ended: not while the
/// service on it begins anew, either.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    try_free_port().expect("a free port")
}

/// The same where that is no reason to panic.
///
/// # Errors
/// There is none.
pub fn try_free_port() -> io::Result<u16> {
    // Who has the UDP port of this number may use the TCP port. The operating system takes it back at the end.
    static TOKENS: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let first =
        PORTS.start + (process::id().wrapping_mul(17) % u32::from(PORTS.end - PORTS.start)) as u16;
    for port in (first..PORTS.end).chain(PORTS.start..first) {
        let Ok(token) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else { continue };
        if is_free(port) {
            TOKENS.lock().unwrap_or_else(PoisonError::into_inner).push(token);
            return Ok(port);
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

/// Whether nobody listens on this port of loopback. Asked by connecting: a listener of ours that asks, too, would live on for a moment
/// in a process that another thread of this one is starting just now, and its port would be taken.
#[must_use]
pub fn is_free(port: u16) -> bool {
    [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].into_iter().all(|address| {
        let connected = TcpStream::connect_timeout(&(address, port).into(), PATIENCE);
        // There may be no IPv6 here.
        connected.is_err_and(|error| error.kind() != ErrorKind::TimedOut)
    })
}

/// Waits until nobody listens on this port of loopback, after a service on it has ended.
///
/// # Panics
/// If somebody goes on to.
pub fn wait_free(port: u16) {
    let begin = Instant::now();
    while !is_free(port) {
        assert!(begin.elapsed() < GIVE_UP, "somebody listens on port {port}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    #[test]
    fn each_port_is_given_once_and_is_free() {
        let ports: Vec<_> = (0..20).map(|_| free_port()).collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
        for port in ports {
            assert!(PORTS.contains(&port));
            let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv4Addr::UNSPECIFIED.into()];
            for address in addresses {
                let listener = TcpListener::bind((address, port)).unwrap();
                assert!(!is_free(port));
                drop(listener);
                wait_free(port);
            }
        }
    }
}
