//! The two kinds of addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of addresses that a node listens on and dials: Erlang's `-proto_dist inet_tcp` or `inet6_tcp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Family {
    /// IPv4.
    #[default]
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    /// That of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Inet,
            IpAddr::V6(_) => Self::Inet6,
        }
    }

    /// The address of this host for itself: `127.0.0.1` or `::1`.
    #[must_use]
    pub const fn loopback(self) -> IpAddr {
        match self {
            Self::Inet => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::Inet6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        }
    }

    /// The address that stands for all of this host: `0.0.0.0` or `::`.
    #[must_use]
    pub const fn unspecified(self) -> IpAddr {
        match self {
            Self::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Self::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_own_addresses() {
        for family in [Family::Inet, Family::Inet6] {
            assert_eq!(Family::of(family.loopback()), family);
            assert_eq!(Family::of(family.unspecified()), family);
            assert!(family.loopback().is_loopback() && family.unspecified().is_unspecified());
        }
    }
}
