//! Who is on this host.

use core::net::IpAddr;

/// Whether the peer of an accepted connection is on this host, for [`Input::Accepted`](crate::net_kernel::Input::Accepted):
/// its address is a loopback one, or the one that it connected to, which is that of the socket at this end. A host that
/// cannot tell the addresses says no (`conn_local_peer_check`).
//= docs/spec/epmd.md#epmd-server-local
#[must_use]
pub fn is_local(peer: IpAddr, own: IpAddr) -> bool {
    peer.to_canonical().is_loopback() || peer == own
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/epmd.md#epmd-server-local
    //= type=test
    #[test]
    fn loopback_addresses_and_our_own_are_local() {
        let is_local =
            |peer: &str, own: &str| is_local(peer.parse().unwrap(), own.parse().unwrap());
        for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "192.0.2.1"] {
            assert!(is_local(local, "192.0.2.1"), "{local}");
        }
        for far in ["192.0.2.2", "128.0.0.1", "::2", "::", "0.0.0.0"] {
            assert!(!is_local(far, "192.0.2.1"), "{far}");
        }
        assert!(is_local("2001:db8::1", "2001:db8::1"));
        assert!(!is_local("2001:db8::1", "::1"));
    }
}
