//! The open port of an EPMD, on each of its addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io;
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use netkernel_core::epmd_server::Config;
use socket2::{Domain, Protocol, Socket, Type};

use crate::epmd_config::EpmdConfig;

/// Listeners at a time, as OTP's daemon.
const LISTENERS_MAX: usize = 16;
/// Connections that the operating system completes before we accept them: as many as it lets us have.
const BACKLOG: i32 = i32::MAX;

/// The listeners of one service, and what its machine needs.
#[derive(Debug)]
pub struct EpmdListeners {
    /// Sockets that do not block, at least one.
    pub sockets: Vec<TcpListener>,
    /// The port that answers tell.
    pub port: u16,
    /// With the time of now, at least.
    pub config: Config,
}

impl EpmdListeners {
    /// Opens the port on all addresses of `config`, or on none.
    ///
    /// # Errors
    /// What the operating system says: [`io::ErrorKind::AddrInUse`] if there is likely an EPMD already.
    pub fn bind(config: &EpmdConfig) -> io::Result<Self> {
        let mut sockets = Vec::new();
        let mut port = config.port;
        for (address, wanted) in addresses(&config.addresses) {
            match listen(SocketAddr::new(address, port)) {
                Ok(socket) => {
                    port = socket.local_addr()?.port();
                    sockets.push(socket);
                }
                Err(error) if wanted || error.kind() == io::ErrorKind::AddrInUse => {
                    return Err(error);
                }
                // A host without IPv6.
                Err(_) => {}
            }
        }
        Self::on(sockets, config.server.clone())
    }

    /// Takes listeners that somebody else has opened.
    ///
    /// # Errors
    /// There are none or too many, or they are no listeners any more.
    pub fn on(sockets: Vec<TcpListener>, mut config: Config) -> io::Result<Self> {
        if sockets.len() > LISTENERS_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let first = sockets.first().ok_or(io::ErrorKind::InvalidInput)?;
        let port = first.local_addr()?.port();
        for socket in &sockets {
            socket.set_nonblocking(true)?;
        }
        config.unix_time = config.unix_time.max(unix_time());
        Ok(Self { sockets, port, config })
    }
}

/// The host's clock in seconds since 1970. Wraps in 2106, and the creations with it.
pub(super) fn unix_time() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}

/// The addresses to listen on, each once, and whether the service is nothing without it.
fn addresses(configured: &[IpAddr]) -> Vec<(IpAddr, bool)> {
    let always = if configured.is_empty() {
        [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]
    } else {
        [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
    };
    let mut addresses: Vec<_> = always.into_iter().map(|ip: IpAddr| (ip, ip.is_ipv4())).collect();
    for &address in configured {
        if !always.contains(&address) && !addresses.contains(&(address, true)) {
            addresses.push((address, true));
        }
    }
    addresses
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // As `listen_on` for peers.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn config(addresses: &[&str]) -> EpmdConfig {
        let mut config = EpmdConfig::new();
        config.addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        config.port = 0;
        config
    }

    fn bound(addresses: &[&str]) -> Vec<IpAddr> {
        let listeners = EpmdListeners::bind(&config(addresses)).unwrap();
        let sockets = listeners.sockets.iter().map(|socket| socket.local_addr().unwrap());
        let ports: Vec<_> = sockets.clone().map(|address| address.port()).collect();
        assert!(ports.iter().all(|port| *port == listeners.port), "one port: {ports:?}");
        sockets.map(|address| address.ip()).filter(IpAddr::is_ipv4).collect()
    }

    #[test]
    fn loopback_is_always_among_the_addresses() {
        assert_eq!(bound(&[]), [IpAddr::from(Ipv4Addr::UNSPECIFIED)]);
        assert_eq!(bound(&["127.0.0.1"]), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!(bound(&["127.0.0.2", "127.0.0.2"]).len(), 2);
    }

    #[test]
    fn one_address_that_cannot_be_had_is_an_error() {
        let foreign = EpmdListeners::bind(&config(&["192.0.2.1"])).unwrap_err();
        assert_eq!(foreign.kind(), io::ErrorKind::AddrNotAvailable);
        let first = EpmdListeners::bind(&config(&[])).unwrap();
        let again = EpmdConfig { port: first.port, ..config(&["127.0.0.1"]) };
        let taken = EpmdListeners::bind(&again).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        TcpStream::connect(("127.0.0.1", first.port)).unwrap();
    }

    #[test]
    fn listeners_of_others_are_taken_if_there_are_some() {
        assert!(EpmdListeners::on(Vec::new(), Config::default()).is_err());
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let config = Config { unix_time: u32::MAX, ..Config::default() };
        let listeners = EpmdListeners::on(vec![socket], config).unwrap();
        assert_eq!((listeners.port, listeners.config.unix_time), (port, u32::MAX));
    }
}
