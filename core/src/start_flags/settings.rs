//! What comes of all flags.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;

use super::names::name;
use super::parameters::{Parameters, port};
use super::{CookieSetting, FlagError, StartFlags, ThisHost, cookies};
use crate::cookie::Cookie;
use crate::family::Family;
use crate::name::NodeName;
use crate::net_kernel::{
    Config, DistAutoConnect, NameDomain, NetTicktime, OwnName, SocketOption, StartOptions, Started,
};
use crate::wire::epmd::EPMD_PORT;

/// How a node is to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeSettings {
    /// Its name, and of which kind that is; `None`: it is not started.
    pub name: Option<(OwnName, NameDomain)>,
    /// `-hidden`.
    pub hidden: bool,
    /// `-dist_listen`.
    pub listen: bool,
    /// `connect_all`, which is told and not obeyed: a node of ours makes no mesh by itself. Unless it is hidden, those of OTP connect
    /// to it when they hear of it.
    pub connect_all: bool,
    /// Its cookie.
    pub cookie: CookieSetting,
    /// Cookies for other nodes.
    pub peer_cookies: Vec<(NodeName, Cookie)>,
    /// `net_ticktime` and `net_tickintensity`.
    pub net_ticktime: NetTicktime,
    /// `net_setuptime`.
    pub setup_time: Duration,
    /// `dist_auto_connect`.
    pub auto_connect: DistAutoConnect,
    /// `-proto_dist`.
    pub family: Family,
    /// `inet_dist_use_interface`.
    pub interface: Option<IpAddr>,
    /// `inet_dist_listen_min` and `inet_dist_listen_max`; 0 lets the operating system choose.
    pub listen_ports: RangeInclusive<u16>,
    /// `inet_dist_listen_options`.
    pub listen_options: Vec<SocketOption>,
    /// `backlog` of `inet_dist_listen_options`: how many wait to be accepted.
    pub backlog: Option<u32>,
    /// `inet_dist_connect_options`.
    pub connect_options: Vec<SocketOption>,
    /// `erl_epmd_node_listen_port`, as [`Config::node_listen_port`].
    pub node_listen_port: Option<u16>,
    /// `ERL_EPMD_PORT` or `-epmd_port`.
    pub epmd_port: u16,
    /// `ERL_EPMD_ADDRESS`, for an EPMD that the node serves: none are all that the host has.
    pub epmd_addresses: Option<Vec<IpAddr>>,
    /// `-start_epmd`: whether an EPMD may be begun where there is none. None is ever begun as a program of its own: the node serves it.
    pub start_epmd: bool,
}

impl StartFlags {
    /// What they mean.
    ///
    /// # Errors
    /// [`FlagError`]: OTP's node would not start.
    pub fn settings(&self, host: &ThisHost<'_>) -> Result<NodeSettings, FlagError> {
        //= docs/spec/flags.md#flags-emulator
        if let Some(flag) = self.emulator() {
            return Err(FlagError::Emulator(flag.into()));
        }
        let parameters = Parameters::of(self)?;
        let name = name(self, host)?;
        let own = match &name {
            Some((OwnName::Static(name), _)) => Some(name),
            Some((OwnName::Dynamic { .. }, _)) | None => None,
        };
        let (cookie, peer_cookies) = cookies::cookies(self, own)?;
        let family = self.family()?;
        let listener = parameters.dist_options("inet_dist_listen_options")?;
        let dialled = parameters.dist_options("inet_dist_connect_options")?;
        if dialled.backlog.is_some() {
            return Err(parameters.invalid("inet_dist_connect_options"));
        }
        //= docs/spec/flags.md#flags-hidden
        let hidden =
            self.first("hidden").is_some_and(|values| is(values, "true") || values.is_empty());
        Ok(NodeSettings {
            hidden,
            listen: !self.first("dist_listen").is_some_and(|values| is(values, "false")),
            connect_all: match parameters.connect_all()? {
                Some(all) => all,
                None => !self.first("connect_all").is_some_and(|values| is(values, "false")),
            },
            cookie,
            peer_cookies,
            net_ticktime: parameters.net_ticktime()?,
            setup_time: parameters.setup_time(),
            auto_connect: parameters.auto_connect(),
            family,
            interface: parameters.interface(family)?,
            listen_ports: parameters.listen_ports()?,
            listen_options: listener.options,
            backlog: listener.backlog,
            connect_options: dialled.options,
            node_listen_port: self.node_listen_port(&parameters)?,
            epmd_port: self.epmd_port()?,
            epmd_addresses: self.env("ERL_EPMD_ADDRESS").map(epmd_addresses).transpose()?,
            start_epmd: self.start_epmd()?,
            name,
        })
    }

    //= docs/spec/flags.md#flags-proto-dist
    fn family(&self) -> Result<Family, FlagError> {
        let Some(protocols) = self.first("proto_dist") else { return Ok(Family::Inet) };
        match protocols.first().map(String::as_str) {
            Some("inet_tcp") => Ok(Family::Inet),
            Some("inet6_tcp") => Ok(Family::Inet6),
            other => Err(FlagError::Protocol(other.unwrap_or_default().into())),
        }
    }

    fn node_listen_port(&self, parameters: &Parameters) -> Result<Option<u16>, FlagError> {
        let parameter = parameters.node_listen_port()?;
        let Some(values) = self.first("erl_epmd_port") else { return Ok(parameter) };
        if parameter.is_some() {
            return Err(FlagError::BothListenPorts);
        }
        let number = match values {
            [number] if self.all("erl_epmd_port").count() == 1 => number.parse().unwrap_or(0),
            _ => 0,
        };
        port(number).map(Some)
    }

    //= docs/spec/flags.md#flags-epmd-port
    fn epmd_port(&self) -> Result<u16, FlagError> {
        if let Some(text) = self.env("ERL_EPMD_PORT") {
            return epmd_port(text);
        }
        let Some(values) = self.first("epmd_port") else { return Ok(EPMD_PORT) };
        epmd_port(values.first().map_or("", String::as_str))
    }

    //= docs/spec/flags.md#flags-start-epmd
    fn start_epmd(&self) -> Result<bool, FlagError> {
        let mut starts = true;
        for (flag, values) in self.iter() {
            starts = match (flag, values.first().map(String::as_str)) {
                ("start_epmd", Some("true")) => true,
                ("start_epmd", Some("false")) | ("no_epmd", _) => false,
                ("start_epmd", _) => return Err(FlagError::StartEpmd),
                _ => starts,
            };
        }
        // Erlang's node then has nobody who registers it, but only if the flag is there just once, and alone.
        let unregistered = self.all("no_epmd").eq([&[] as &[String]]);
        if unregistered || self.has("no_epmd") && !self.has("proto_dist") {
            return Err(FlagError::NoEpmd);
        }
        Ok(starts)
    }
}

fn is(values: &[String], word: &str) -> bool {
    values.first().is_some_and(|value| value == word)
}

/// The port that `ERL_EPMD_PORT` gives.
///
/// # Errors
/// [`FlagError::EpmdPort`].
pub fn epmd_port(text: &str) -> Result<u16, FlagError> {
    let port = text.parse().ok().filter(|&port| port != 0);
    port.ok_or_else(|| FlagError::EpmdPort(text.into()))
}

//= docs/spec/flags.md#flags-epmd-address
/// The addresses that `ERL_EPMD_ADDRESS` gives, between commas or blanks. None are all.
///
/// # Errors
/// [`FlagError::EpmdAddress`].
pub fn epmd_addresses(list: &str) -> Result<Vec<IpAddr>, FlagError> {
    let addresses = list.split([',', ' ']).filter(|address| !address.is_empty());
    let parse = |address: &str| address.parse().map_err(|_| FlagError::EpmdAddress(address.into()));
    addresses.map(parse).collect()
}

impl NodeSettings {
    /// Sets what the kernel is told once; not the cookie of the node if that is in a file.
    pub fn configure(&self, config: &mut Config) {
        if let CookieSetting::Given(cookie) = &self.cookie {
            config.cookie = cookie.clone();
        }
        config.peer_cookies.clone_from(&self.peer_cookies);
        config.net_ticktime = self.net_ticktime;
        config.setup_time = self.setup_time;
        config.auto_connect = self.auto_connect;
        config.family = self.family;
        config.listen_options.clone_from(&self.listen_options);
        config.connect_options.clone_from(&self.connect_options);
        config.node_listen_port = self.node_listen_port;
        config.epmd_port = self.epmd_port;
    }

    /// What to start the node with, which then ends only with its program; `None` if it has no name.
    #[must_use]
    pub fn start_options(&self) -> Option<StartOptions> {
        let (name, domain) = self.name.clone()?;
        let mut options = match name {
            OwnName::Static(name) => StartOptions::new(name),
            OwnName::Dynamic { host } => StartOptions::nameless(host),
        };
        options.hidden |= self.hidden;
        options.listen &= self.listen;
        options.started = Started::Static;
        options.name_domain = Some(domain);
        Some(options)
    }
}
