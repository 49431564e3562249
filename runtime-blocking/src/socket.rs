//! How peers are dialled.

use core::time::Duration;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::thread;
use std::time::Instant as Moment;

use netkernel_core::Family;
use netkernel_core::net_kernel::{Address, OpenError, Target};
use socket2::Socket;

use crate::shared::{FULL_PAUSE, dial_locally, open_error};

/// Resolves `target` and dials its addresses of the wanted family in order, each for at most `limit`, until one answers or `cancelled`
/// says that nobody waits any more.
pub(crate) fn dial(
    target: &Target,
    limit: Duration,
    cancelled: impl Fn() -> bool,
) -> Result<Socket, OpenError> {
    let (host, port) = match &target.address {
        Address::Port { host, port } => (host.as_str(), *port),
        Address::Local(path) => return dial_path(path.as_ref(), limit, cancelled),
    };
    let addresses = (host, port).to_socket_addrs().map_err(|_| OpenError::Resolve)?;
    let mut result = Err(OpenError::Resolve);
    for address in addresses.filter(|address| Family::of(address.ip()) == target.family) {
        if cancelled() {
            break;
        }
        match TcpStream::connect_timeout(&address, limit) {
            Ok(socket) => return Ok(socket.into()),
            Err(error) => result = Err(open_error(&error)),
        }
    }
    result
}

/// Dials what listens at this path. While there is no room among those who wait to be accepted, it tries again.
fn dial_path(
    path: &Path,
    limit: Duration,
    cancelled: impl Fn() -> bool,
) -> Result<Socket, OpenError> {
    let begin = Moment::now();
    loop {
        if let Some(socket) = dial_locally(path)? {
            return Ok(socket);
        }
        thread::sleep(FULL_PAUSE);
        if cancelled() || begin.elapsed() >= limit {
            return Err(OpenError::TimedOut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_core::net_kernel::Purpose;
    use std::net::TcpListener;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn target(host: &str, port: u16) -> Target {
        let address = Address::Port { host: host.into(), port };
        Target { address, family: Family::Inet, purpose: Purpose::Epmd }
    }

    fn listener(family: Family) -> (TcpListener, u16) {
        let listener =
            crate::shared::listen(family.loopback(), 0..=0, crate::shared::BACKLOG).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[test]
    fn a_host_name_is_dialled_in_the_family_that_is_asked_for() {
        let (_listener, port) = listener(Family::Inet);
        let socket = dial(&target("localhost", port), GIVE_UP, || false).unwrap();
        assert!(socket.peer_addr().unwrap().as_socket().unwrap().is_ipv4());
        let (_listener, port) = listener(Family::Inet6);
        let target = Target { family: Family::Inet6, ..target("::1", port) };
        let socket = dial(&target, GIVE_UP, || false).unwrap();
        assert!(socket.peer_addr().unwrap().as_socket().unwrap().is_ipv6());
    }

    #[test]
    fn failures_have_names() {
        let (_, port) = listener(Family::Inet);
        let refused = dial(&target("127.0.0.1", port), GIVE_UP, || false);
        assert_eq!(refused.unwrap_err(), OpenError::Refused);
        let unknown = dial(&target("no such host", port), GIVE_UP, || false);
        assert_eq!(unknown.unwrap_err(), OpenError::Resolve);
        let ipv6 = dial(&target("::1", port), GIVE_UP, || false);
        assert_eq!(ipv6.unwrap_err(), OpenError::Resolve, "no IPv4 address");
    }
}
