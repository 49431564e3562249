//! How peers are dialled.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::{TcpStream, ToSocketAddrs as _};

use netkernel_core::net_kernel::{OpenError, Target};

use crate::shared::open_error;

/// Resolves `target` and dials its IPv4 addresses in order, each for at most `limit`, until one answers or `cancelled`
/// says that nobody waits any more.
pub(crate) fn dial(
    target: &Target,
    limit: Duration,
    cancelled: impl Fn() -> bool,
) -> Result<TcpStream, OpenError> {
    let addresses =
        (target.host.as_str(), target.port).to_socket_addrs().map_err(|_| OpenError::Resolve)?;
    let mut result = Err(OpenError::Resolve);
    for address in addresses.filter(SocketAddr::is_ipv4) {
        if cancelled() {
            break;
        }
        match TcpStream::connect_timeout(&address, limit) {
            Ok(socket) => return Ok(socket),
            Err(error) => result = Err(open_error(&error)),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;
    use netkernel_core::net_kernel::Purpose;
    use std::net::TcpListener;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn target(host: &str, port: u16) -> Target {
        Target { host: host.into(), port, purpose: Purpose::Epmd }
    }

    fn listener() -> (TcpListener, u16) {
        let listener = crate::shared::listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[test]
    fn a_host_name_is_dialled_on_ipv4() {
        let (_listener, port) = listener();
        let socket = dial(&target("localhost", port), GIVE_UP, || false).unwrap();
        assert!(socket.peer_addr().unwrap().is_ipv4());
    }

    #[test]
    fn failures_have_names() {
        let (_, port) = listener();
        let refused = dial(&target("127.0.0.1", port), GIVE_UP, || false);
        assert_eq!(refused.unwrap_err(), OpenError::Refused);
        let unknown = dial(&target("no such host", port), GIVE_UP, || false);
        assert_eq!(unknown.unwrap_err(), OpenError::Resolve);
        let ipv6 = dial(&target("::1", port), GIVE_UP, || false);
        assert_eq!(ipv6.unwrap_err(), OpenError::Resolve, "IPv4 only");
    }
}
