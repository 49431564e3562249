//! What a kernel and a node are told when they begin.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Address, NameDomain, NetTicktime, SocketOption, TicktimeError};
use crate::cookie::Cookie;
use crate::family::Family;
use crate::name::{NameError, NodeName, PeerName};
use crate::wire::epmd::EPMD_PORT;

/// Kernel's `net_setuptime`, unless told otherwise.
pub const SETUP_TIME_DEFAULT: Duration = Duration::from_secs(7);
/// The longest set-up time; a longer one is cut (`net_kernel:connecttime/0`).
pub const SETUP_TIME_MAX: Duration = Duration::from_secs(120);

/// What a [`NetKernel`](super::NetKernel) is told once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub struct Config {
    /// The cookie of this node.
    pub cookie: Cookie,
    /// Cookies to use with particular nodes (`-setcookie Node Cookie`).
    #[cfg_attr(any(test, feature = "proptest"), proptest(strategy = "crate::any::few()"))]
    pub peer_cookies: Vec<(NodeName, Cookie)>,
    /// `net_ticktime` and `net_tickintensity` that the node starts with, each time.
    pub net_ticktime: NetTicktime,
    /// `net_setuptime`: how long a peer may take over a step of the set-up. At most [`SETUP_TIME_MAX`];
    /// zero is taken as [`SETUP_TIME_DEFAULT`].
    pub setup_time: Duration,
    /// The port of every EPMD: ours, and those of other hosts.
    pub epmd_port: u16,
    /// Whether the node lives on IPv4 or on IPv6 (`-proto_dist`).
    pub family: Family,
    /// `erl_epmd_node_listen_port`: every node listens on this port, so no EPMD is asked for one; and a node that EPMD does not
    /// register starts all the same, with a random creation. 0 is only the latter.
    pub node_listen_port: Option<u16>,
    /// Where nodes are that EPMD is not to be asked for: see [`set_address`](super::NetKernel::set_address).
    pub peers: BTreeMap<NodeName, Address>,
    /// Whether a node that listens registers with EPMD. One that does not takes a random creation, and is found by those who
    /// know its address.
    pub registers: bool,
    /// Incoming connections that have not proved the cookie yet, 1 at least. One more, and the oldest is closed, or the newest while the node is
    /// still being started. Keep it well below the number of descriptors that the process may have.
    pub strangers_max: usize,
    /// `dist_auto_connect`.
    pub auto_connect: DistAutoConnect,
    /// Socket options of the listener, and of links that other nodes begin (`inet_dist_listen_options`). Of an option that
    /// comes twice the last counts. `nodelay` is for the listener alone: that of links is changed by
    /// [`setopts_new`](super::NetKernel::setopts_new).
    pub listen_options: Vec<SocketOption>,
    /// Socket options of links that this node begins (`inet_dist_connect_options`), likewise.
    pub connect_options: Vec<SocketOption>,
}

/// Whether a send, link or monitor to a node without a link begins an attempt (kernel's `dist_auto_connect`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum DistAutoConnect {
    /// Yes.
    #[default]
    Always,
    /// No: only explicit calls, and the other node, connect.
    Never,
    /// Until a link with that node has ended. From then on an explicit call, or the other node, has to connect first.
    Once,
}

impl Config {
    /// The port of every node, if there is one (`erl_epmd:listen_port_please/2`).
    //= docs/spec/flags.md#flags-node-listen-port
    #[must_use]
    pub fn fixed_port(&self) -> Option<u16> {
        self.node_listen_port.filter(|&port| port != 0)
    }

    /// [`Self::strangers_max`], with room for one in any case.
    pub(super) fn effective_strangers_max(&self) -> usize {
        self.strangers_max.max(1)
    }

    /// Where a node is, if EPMD need not be asked. A host that is given by its address may be of the other family.
    pub(super) fn address_of(&self, node: &NodeName) -> Option<(Address, Family)> {
        if let Some(address) = self.peers.get(node) {
            return Some((address.clone(), address.family().unwrap_or(self.family)));
        }
        let address = Address::Port { host: node.host().into(), port: self.fixed_port()? };
        Some((address, self.family))
    }

    /// Erlang's defaults, and this cookie.
    #[must_use]
    pub const fn new(cookie: Cookie, net_ticktime: NetTicktime) -> Self {
        Self {
            cookie,
            peer_cookies: Vec::new(),
            net_ticktime,
            setup_time: SETUP_TIME_DEFAULT,
            epmd_port: EPMD_PORT,
            family: Family::Inet,
            node_listen_port: None,
            peers: BTreeMap::new(),
            registers: true,
            strangers_max: 256,
            auto_connect: DistAutoConnect::Always,
            listen_options: Vec::new(),
            connect_options: Vec::new(),
        }
    }

    /// [`Config::setup_time`] as it counts.
    //= docs/spec/flags.md#flags-net-setuptime
    #[must_use]
    pub fn effective_setup_time(&self) -> Duration {
        let given = Some(self.setup_time).filter(|time| !time.is_zero());
        given.unwrap_or(SETUP_TIME_DEFAULT).min(SETUP_TIME_MAX)
    }
}

/// How a node is started (`net_kernel:start/2`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct StartOptions {
    /// The name.
    pub name: OwnName,
    /// Whether its links shall be hidden.
    pub hidden: bool,
    /// Whether it listens. A node that does not is not registered with EPMD, takes a random creation, and is hidden
    /// (`-dist_listen false`). One with a dynamic name never does.
    pub listen: bool,
    /// `name_domain`: whether names are long or short here. `None` is what the host of the name looks like. A node with long
    /// names dials only nodes whose host has a dot or is an address, one with short names only nodes whose host has no dot.
    pub name_domain: Option<NameDomain>,
    /// `net_ticktime` in seconds, in place of that of [`Config::net_ticktime`].
    pub net_ticktime: Option<u32>,
    /// `net_tickintensity`, in place of that of [`Config::net_ticktime`].
    pub net_tickintensity: Option<u16>,
    /// Whether [`stop`](super::NetKernel::stop) may end it.
    pub started: Started,
    /// The allow list that it begins with, in force before anybody can connect. Erlang has no such option: its nodes
    /// call [`allow`](super::NetKernel::allow) when they already listen.
    pub allow: Vec<String>,
}

impl StartOptions {
    /// A visible node that listens, and that may be stopped.
    #[must_use]
    pub const fn new(name: NodeName) -> Self {
        Self {
            name: OwnName::Static(name),
            hidden: false,
            listen: true,
            name_domain: None,
            net_ticktime: None,
            net_tickintensity: None,
            started: Started::Dynamic,
            allow: Vec::new(),
        }
    }

    /// A node of either kind, with the defaults.
    #[must_use]
    pub fn of(name: OwnName) -> Self {
        match name {
            OwnName::Static(name) => Self::new(name),
            OwnName::Dynamic { host } => Self::nameless(host),
        }
    }

    /// A node that is given its name by the first node that it connects to (`-name undefined`). It knows only its host.
    #[must_use]
    pub const fn nameless(host: String) -> Self {
        Self {
            name: OwnName::Dynamic { host },
            hidden: true,
            listen: false,
            name_domain: None,
            net_ticktime: None,
            net_tickintensity: None,
            started: Started::Dynamic,
            allow: Vec::new(),
        }
    }

    //= docs/spec/kernel.md#kernel-start-domain
    /// # Errors
    /// [`NameError::OtherDomain`]: a host with a dot is no short name's.
    pub(super) fn domain(&self) -> Result<NameDomain, NameError> {
        let host = self.name.host();
        let domain = self.name_domain.unwrap_or_else(|| NameDomain::of(host));
        if domain == NameDomain::Shortnames && host.contains('.') {
            return Err(NameError::OtherDomain);
        }
        Ok(domain)
    }

    /// The ticktime that it begins with.
    ///
    /// # Errors
    /// [`TicktimeError`].
    pub(super) fn ticktime(&self, configured: NetTicktime) -> Result<NetTicktime, TicktimeError> {
        let seconds = self.net_ticktime.unwrap_or_else(|| configured.seconds());
        let intensity = self.net_tickintensity.unwrap_or_else(|| configured.intensity());
        NetTicktime::new(seconds, intensity)
    }

    pub(super) const fn listens(&self) -> bool {
        self.listen && matches!(self.name, OwnName::Static(_))
    }
}

/// The name that a node starts with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum OwnName {
    /// This one.
    Static(NodeName),
    /// None yet: the first peer gives it one on this host.
    Dynamic {
        /// The host.
        host: String,
    },
}

impl OwnName {
    /// The form of the wire: the full name, or only the host.
    ///
    /// # Errors
    /// [`NameError`] if no node may be called so.
    pub(super) fn check(&self) -> Result<PeerName, NameError> {
        let (name, prefix) = match self {
            Self::Static(name) => (name.clone(), 0),
            // Any name on that host stands for the one that will be given.
            Self::Dynamic { host } => (NodeName::new(&["x@", host].concat())?, 2),
        };
        name.check_own()?;
        let wire_name = name.to_peer_name().ok_or(NameError::IllegalHost)?;
        Ok(PeerName::new(wire_name.as_bytes()[prefix..].to_vec()))
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Static(name) => name.host(),
            Self::Dynamic { host } => host,
        }
    }
}

impl From<NodeName> for OwnName {
    fn from(name: NodeName) -> Self {
        Self::Static(name)
    }
}

/// How a node came to be alive (`started` of `net_kernel:get_state/0`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Started {
    /// With its whole system, as by `-name`. It ends only with it: [`stop`](super::NetKernel::stop) is not allowed.
    Static,
    /// By a call.
    Dynamic,
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/flags.md#flags-net-setuptime
    //= type=test
    #[test]
    fn a_setup_time_is_neither_zero_nor_too_long() {
        let seconds = Duration::from_secs;
        let mut config = Config::new(Cookie::new("C").unwrap(), NetTicktime::new(60, 4).unwrap());
        for (given, effective) in [(0, 7), (1, 1), (120, 120), (121, 120)] {
            config.setup_time = seconds(given);
            assert_eq!(config.effective_setup_time(), seconds(effective));
        }
    }
}
