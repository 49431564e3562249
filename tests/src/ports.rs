//! Ports of loopback for services that come and go.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, UdpSocket};
use std::process;
use std::sync::{Mutex, PoisonError};

/// None of those that the operating system gives to whoever wants any: on Linux from 32768, elsewhere from 49152.
const PORTS: Range<u16> = 20_000..30_000;

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

fn is_free(port: u16) -> bool {
    let taken = TcpListener::bind((Ipv6Addr::LOCALHOST, port))
        .is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
    !taken && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_port_is_given_once_and_is_free() {
        let ports: Vec<_> = (0..20).map(|_| free_port()).collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
        for port in ports {
            assert!(PORTS.contains(&port));
            for _ in 0..2 {
                drop(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
            }
        }
    }
}
