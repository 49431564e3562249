//! What a node is made with.

use core::fmt;
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::path::PathBuf;

use netkernel_core::link::Limits;
use netkernel_core::net_kernel::{Config, NetTicktime, StartOptions};
use netkernel_core::process;
use netkernel_core::start_flags::{
    CookieSetting, FlagError, StartFlags, ThisHost, epmd_addresses, epmd_port,
};
use netkernel_core::{Cookie, NodeName, term};

use crate::cookie_file::{self, CookieFileError};
use crate::host_dirs::HostDirs;
use crate::shared::{BACKLOG, net_adm};

/// Configuration of a [`Node`](crate::Node).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeConfig {
    /// What the kernel needs: cookie, ticks, EPMD's port, whether sends connect (`dist_auto_connect`).
    pub kernel: Config,
    /// Whether the node serves EPMD itself.
    pub epmd: EpmdMode,
    /// The address that the listener is bound to (`inet_dist_use_interface`), of the kernel's [family](Config::family).
    /// `None`: loopback if the host of the node's name is loopback, else all addresses, with a warning.
    pub bind: Option<IpAddr>,
    /// The addresses, besides those of loopback, of an EPMD that the node serves (`ERL_EPMD_ADDRESS`); of an empty list, all
    /// that the host has. `None`: that of the listener.
    pub epmd_addresses: Option<Vec<IpAddr>>,
    /// Ports to try for the listener, in ascending order (`inet_dist_listen_min` and `_max`); 0 lets the operating system
    /// choose.
    pub listen_ports: RangeInclusive<u16>,
    /// Connections that the operating system completes before the node accepts them (`backlog` of `inet_dist_listen_options`); it
    /// may know a limit of its own.
    pub backlog: u32,
    /// The path of a Unix socket to listen on, instead of a port. EPMD then does not know the node ([`Config::registers`]): peers
    /// are told by [`Config::peers`] or [`Node::set_address`](crate::Node::set_address). Whoever may write to the file may connect;
    /// one that a node which is gone has left there is replaced.
    pub listen_path: Option<PathBuf>,
    /// What one link may use.
    pub limits: Limits,
    /// Whether processes of other nodes may ask this node to connect and disconnect, to change its ticktime, its allow list and its
    /// sockets (`gen_server:call({net_kernel, Node}, Request)`). Erlang nodes let everybody who knows the cookie do that. Off
    /// unless set: then the callers are told `noproc`.
    pub remote_requests: bool,
    /// What peers may make this node remember and run: links, monitors, processes.
    pub process_limits: process::Limits,
    /// How large the terms may be that the node decodes for its user: replies, results and reasons that callers get, requests that servers get, and
    /// arguments of processes and functions that others start here.
    pub term_limits: term::Limits,
    /// Where host files are looked for by calls in Erlang's own form ([`Mailbox::apply`](crate::Mailbox::apply)): as `erl` does, unless it
    /// is told otherwise.
    pub host_dirs: HostDirs,
    /// For how long a link may be not read because of a mailbox that is full ([`Overflow::Pause`](crate::Overflow::Pause)), before it
    /// ends with the reason `killed`; 5 minutes unless set. `None`: for any time.
    pub pause_limit: Option<Duration>,
}

impl NodeConfig {
    /// The defaults, with this cookie.
    #[must_use]
    pub fn new(cookie: Cookie) -> Self {
        Self {
            kernel: Config::new(cookie, NetTicktime::default()),
            epmd: EpmdMode::External,
            bind: None,
            epmd_addresses: None,
            listen_ports: 0..=0,
            backlog: BACKLOG,
            listen_path: None,
            limits: Limits::default(),
            remote_requests: false,
            process_limits: process::Limits::default(),
            term_limits: term::Limits::default(),
            host_dirs: HostDirs::of_process(),
            pause_limit: Some(Duration::from_secs(300)),
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

    /// Takes EPMD's port from `ERL_EPMD_PORT`, and the addresses of an EPMD that the node serves from `ERL_EPMD_ADDRESS`, if they are
    /// set.
    ///
    /// # Errors
    /// [`ConfigError::Flag`] if there is no port or no address in them.
    pub fn apply_env(&mut self) -> Result<(), ConfigError> {
        if let Some(port) = variable("ERL_EPMD_PORT") {
            self.kernel.epmd_port = epmd_port(&port).map_err(ConfigError::Flag)?;
        }
        if let Some(list) = variable("ERL_EPMD_ADDRESS") {
            self.epmd_addresses = Some(epmd_addresses(&list).map_err(ConfigError::Flag)?);
        }
        Ok(())
    }

    //= docs/spec/flags.md#flags-settings
    /// As `erl` would with these flags: the configuration, and what to start the node with, if the flags name it. The environment and the
    /// cookie file are looked at, and this host is asked for its name if that of the node has no host.
    ///
    /// # Errors
    /// [`ConfigError`] says what cannot be used.
    pub fn from_flags(flags: StartFlags) -> Result<(Self, Option<StartOptions>), ConfigError> {
        let variables = ["ERL_EPMD_PORT", "ERL_EPMD_ADDRESS"];
        let set = variables.into_iter().filter_map(|name| Some((name, variable(name)?)));
        let flags = set.fold(flags, |flags, (name, value)| flags.with_env(name, &value));
        // It may take its time to be found out.
        let (hostname, domain) =
            if flags.needs_host() { net_adm::this_host() } else { (String::new(), None) };
        let host = ThisHost { hostname: &hostname, domain: domain.as_deref() };
        let settings = flags.settings(&host).map_err(ConfigError::Flag)?;
        let cookie = match &settings.cookie {
            CookieSetting::Given(cookie) => cookie.clone(),
            CookieSetting::File => cookie_file::find().map_err(ConfigError::Cookie)?,
        };
        let mut config = Self::new(cookie);
        settings.configure(&mut config.kernel);
        config.bind = settings.interface;
        config.listen_ports = settings.listen_ports.clone();
        config.backlog = settings.backlog.unwrap_or(config.backlog);
        config.epmd_addresses.clone_from(&settings.epmd_addresses);
        config.epmd = if settings.start_epmd { EpmdMode::Auto } else { EpmdMode::External };
        Ok((config, settings.start_options()))
    }

    /// Draws what follows from a listener that has no port.
    pub(crate) fn settle(&mut self) {
        self.kernel.registers &= self.listen_path.is_none();
    }

    /// The address to bind to, for a node of this name.
    pub(crate) fn bind_for(&self, name: &NodeName) -> IpAddr {
        if let Some(bind) = self.bind {
            return bind;
        }
        if is_loopback(name.host()) {
            return self.kernel.family.loopback();
        }
        tracing::warn!(
            node = %name,
            "listening on all addresses: without TLS, whoever reaches the port and knows the cookie is served what this node serves"
        );
        self.kernel.family.unspecified()
    }

    /// The addresses of an EPMD of our own, beside a listener on this one.
    pub(crate) fn epmd_addresses(&self, bind: IpAddr) -> Vec<IpAddr> {
        let beside = || if bind.is_unspecified() { Vec::new() } else { vec![bind] };
        self.epmd_addresses.clone().unwrap_or_else(beside)
    }

    /// The ports to try for the listener.
    pub(crate) fn ports(&self) -> RangeInclusive<u16> {
        self.kernel.fixed_port().map_or_else(|| self.listen_ports.clone(), |port| port..=port)
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

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Whether a host is this machine by its mere name.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Why flags or the environment give no configuration.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// No cookie.
    Cookie(CookieFileError),
    /// A flag, a parameter or a variable that no node can be started with.
    Flag(FlagError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(error) => error.fmt(f),
            Self::Flag(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_core::Family;

    #[test]
    fn the_listener_is_on_loopback_when_the_name_is() {
        let mut config = NodeConfig::new(Cookie::new("C").unwrap());
        for family in [Family::Inet, Family::Inet6] {
            config.kernel.family = family;
            for (name, bind) in [
                ("a@localhost", family.loopback()),
                ("a@127.0.0.1", family.loopback()),
                ("a@127.9.9.9", family.loopback()),
                ("a@::1", family.loopback()),
                ("a@192.0.2.1", family.unspecified()),
                ("a@2001:db8::1", family.unspecified()),
                ("a@localhost.example", family.unspecified()),
            ] {
                assert_eq!(config.bind_for(&name.parse().unwrap()), bind, "{name}");
            }
        }
        let bind = "192.0.2.1".parse().unwrap();
        config.bind = Some(bind);
        assert_eq!(config.bind_for(&"a@localhost".parse().unwrap()), bind);
    }

    #[test]
    fn a_served_epmd_is_where_the_listener_is_unless_it_is_told_otherwise() {
        let mut config = NodeConfig::new(Cookie::new("C").unwrap());
        let (loopback, all) = (Family::Inet6.loopback(), Family::Inet6.unspecified());
        assert_eq!(config.epmd_addresses(loopback), [loopback]);
        assert!(config.epmd_addresses(all).is_empty());
        config.epmd_addresses = Some(vec![loopback]);
        assert_eq!(config.epmd_addresses(all), [loopback]);
    }

    //= docs/spec/flags.md#flags-node-listen-port
    //= type=test
    #[test]
    fn a_port_of_all_nodes_is_the_only_one_that_is_tried() {
        let mut config = NodeConfig::new(Cookie::new("C").unwrap());
        config.listen_ports = 9100..=9105;
        for (port, tried) in [(None, 9100..=9105), (Some(0), 9100..=9105), (Some(7), 7..=7)] {
            config.kernel.node_listen_port = port;
            assert_eq!(config.ports(), tried);
        }
    }

    //= docs/spec/flags.md#flags-settings
    //= type=test
    #[test]
    fn flags_make_a_configuration() {
        let made = |line: &str| NodeConfig::from_flags(StartFlags::parse(line.split(' ')));
        let (config, options) = made(
            "-sname a -setcookie C -start_epmd false -kernel inet_dist_use_interface loopback inet_dist_listen_min 9100 \
             inet_dist_listen_options [{backlog,7}]",
        )
        .unwrap();
        assert_eq!(config.backlog, 7);
        assert_eq!(config.epmd, EpmdMode::External);
        assert_eq!(
            (config.bind, config.listen_ports),
            (Some(Family::Inet.loopback()), 9100..=9100)
        );
        let host = options.unwrap().name.host().to_owned();
        assert!(!host.is_empty() && !host.contains('.'), "{host}");
        let (config, options) = made("-nocookie").unwrap();
        assert_eq!(config.backlog, BACKLOG);
        assert!(options.is_none() && config.epmd == EpmdMode::Auto);
        assert!(matches!(made("-sname a@h.i -nocookie"), Err(ConfigError::Flag(_))));
    }
}
