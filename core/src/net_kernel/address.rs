//! Where a node can be reached without asking an EPMD.

use alloc::string::String;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::family::Family;

/// Where a node listens.
///
/// Written as `HOST:PORT`, `[IPv6]:PORT`, or the path of a Unix socket, which has a `/` in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Address {
    /// A TCP port of a host.
    Port {
        /// The name of the host, or its address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket, by its path (`{local,Path}`).
    Local(String),
}

/// That is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no host, or it has a colon and no brackets.
    Host,
    /// There is no port, or none from 1 to 65535.
    Port,
}

impl Address {
    /// The family of a host that is given by its address: it may be another one than the node's.
    pub(super) fn family(&self) -> Option<Family> {
        match self {
            Self::Port { host, .. } => host.parse().ok().map(Family::of),
            Self::Local(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains('/') {
            return Ok(Self::Local(text.into()));
        }
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::Port)?;
        let port = port.parse().ok().filter(|&port| port != 0).ok_or(AddressError::Port)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_good = match bare {
            Some(bare) => matches!(bare.parse(), Ok(IpAddr::V6(_))),
            None => !host.is_empty() && !host.contains([':', '[', ']']),
        };
        if is_good {
            Ok(Self::Port { host: bare.unwrap_or(host).into(), port })
        } else {
            Err(AddressError::Host)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Port { host, port } => write!(f, "{host}:{port}"),
            Self::Local(path) => f.write_str(path),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "an address is HOST:PORT, [IPv6]:PORT, or a path with a / in it",
            Self::Port => "an address ends in a port from 1 to 65535, or is a path with a / in it",
        })
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    fn port(host: &str, port: u16) -> Address {
        Address::Port { host: host.into(), port }
    }

    #[test]
    fn addresses_are_printed_as_they_are_read() {
        for (text, address) in [
            ("localhost:4370", port("localhost", 4370)),
            ("127.0.0.1:1", port("127.0.0.1", 1)),
            ("[::1]:65535", port("::1", 65535)),
            ("/run/node", Address::Local("/run/node".into())),
            ("./node:4370", Address::Local("./node:4370".into())),
        ] {
            assert_eq!(text.parse(), Ok(address.clone()), "{text}");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_said_to_be_none() {
        for text in ["", "node", "node:", "node:0", "node:65536", "node:-1", "node:x", "[::1]"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Port), "{text}");
        }
        for text in [":4370", "::1:4370", "[node]:4370", "[127.0.0.1]:1", "[]:1", "]:1", "[::1:1"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Host), "{text}");
        }
    }
}
