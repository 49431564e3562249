//! What a node is made with.

use core::fmt;
use core::net::Ipv4Addr;
use core::ops::RangeInclusive;

use netkernel_core::link::Limits;
use netkernel_core::net_kernel::{Config, NetTicktime};
use netkernel_core::{Cookie, NodeName};

use crate::cookie_file::{self, CookieFileError};

/// Configuration of a [`Node`](crate::Node).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeConfig {
    /// What the kernel needs: cookie, ticks, EPMD's port, whether sends connect (`dist_auto_connect`).
    pub kernel: Config,
    /// Whether the node serves EPMD itself.
    pub epmd: EpmdMode,
    /// The address that the listener is bound to. `None`: loopback if the host of the node's name is loopback, else all
    /// addresses, with a warning.
    pub bind: Option<Ipv4Addr>,
    /// Ports to try for the listener, in ascending order (`inet_dist_listen_min` and `_max`); 0 lets the operating system
    /// choose.
    pub listen_ports: RangeInclusive<u16>,
    /// What one link may use.
    pub limits: Limits,
    /// Whether processes of other nodes may ask this node to connect and disconnect, to change its ticktime, its allow list and its
    /// sockets (`gen_server:call({net_kernel, Node}, Request)`). Erlang nodes let everybody who knows the cookie do that. Off
    /// unless set: then the callers are told `noproc`.
    pub remote_requests: bool,
}

impl NodeConfig {
    /// The defaults, with this cookie.
    #[must_use]
    pub fn new(cookie: Cookie) -> Self {
        Self {
            kernel: Config::new(cookie, NetTicktime::default()),
            epmd: EpmdMode::External,
            bind: None,
            listen_ports: 0..=0,
            limits: Limits::default(),
            remote_requests: false,
        }
    }

    /// As `erl` would: the cookie of [`cookie_file::find`], and the environment as in [`Self::apply_env`].
    ///
    /// # Errors
    /// [`ConfigError`] says what cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut config = Self::new(cookie_file::find().map_err(ConfigError::Cookie)?);
        config.apply_env()?;
        Ok(config)
    }

    /// Takes EPMD's port from `ERL_EPMD_PORT`, if that is set.
    ///
    /// # Errors
    /// [`ConfigError::EpmdPort`] if it is not a port.
    pub fn apply_env(&mut self) -> Result<(), ConfigError> {
        if let Some(port) = std::env::var_os("ERL_EPMD_PORT") {
            self.kernel.epmd_port = parse_port(&port.to_string_lossy())?;
        }
        Ok(())
    }

    /// The address to bind to, for a node of this name.
    pub(crate) fn bind_for(&self, name: &NodeName) -> Ipv4Addr {
        if let Some(bind) = self.bind {
            return bind;
        }
        if is_loopback(name.host()) {
            return Ipv4Addr::LOCALHOST;
        }
        tracing::warn!(
            node = %name,
            "listening on all addresses: without TLS, whoever reaches the port and knows the cookie can run code here"
        );
        Ipv4Addr::UNSPECIFIED
    }
}

/// Which EPMD a node registers with. It is at [`Config::epmd_port`] of this host in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EpmdMode {
    /// The one that is there. Without any, the node does not start, as one of Erlang's that is started by
    /// `net_kernel:start/2`.
    #[default]
    External,
    /// The one that is there. Without any, the node serves one, for whoever asks, for as long as it is alive; `erl` starts a
    /// daemon then.
    Auto,
    /// One that the node serves, for as long as it is alive; if somebody else has the port, the one that is there. This
    /// differs from `Auto` where a daemon may have the port of one address, and we that of all.
    Embedded,
}

fn parse_port(text: &str) -> Result<u16, ConfigError> {
    text.trim().parse().ok().filter(|&port| port != 0).ok_or(ConfigError::EpmdPort)
}

/// Whether a host is this machine by its mere name.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

/// Why the environment gives no configuration.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// No cookie.
    Cookie(CookieFileError),
    /// `ERL_EPMD_PORT` is not a number from 1 to 65535.
    EpmdPort,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(error) => error.fmt(f),
            Self::EpmdPort => f.write_str("ERL_EPMD_PORT is not a port from 1 to 65535"),
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_is_on_loopback_when_the_name_is() {
        let mut config = NodeConfig::new(Cookie::new("C").unwrap());
        for (name, bind) in [
            ("a@localhost", Ipv4Addr::LOCALHOST),
            ("a@127.0.0.1", Ipv4Addr::LOCALHOST),
            ("a@127.9.9.9", Ipv4Addr::LOCALHOST),
            ("a@192.0.2.1", Ipv4Addr::UNSPECIFIED),
            ("a@localhost.example", Ipv4Addr::UNSPECIFIED),
        ] {
            assert_eq!(config.bind_for(&name.parse().unwrap()), bind, "{name}");
        }
        config.bind = Some(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(config.bind_for(&"a@localhost".parse().unwrap()), Ipv4Addr::new(192, 0, 2, 1));
    }

    #[test]
    fn ports_are_checked() {
        assert_eq!(parse_port(" 4370 ").unwrap(), 4370);
        for bad in ["", "0", "65536", "-1", "epmd"] {
            assert!(matches!(parse_port(bad), Err(ConfigError::EpmdPort)), "{bad}");
        }
    }
}
