//! The command line of `netkernel node`: options of its own, or the flags of `erl`.

use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::path::PathBuf;

use clap::ValueEnum;
use netkernel_smol::core::net_kernel::{NameDomain, NetTicktime};
use netkernel_smol::core::start_flags::StartFlags;
use netkernel_smol::core::{Family, NodeName};
use netkernel_smol::{DistAutoConnect, EpmdMode, NodeConfig, StartOptions};

use crate::args::{CookieArgs, EpmdArgs, port, tickintensity, ticktime};
use crate::reach::ReachArgs;
use crate::{Failed, console};

const HELP: &str = "\
Options of monitor are those of net_kernel:monitor_nodes/2, as KEY or KEY=VALUE: node_type=all (or
visible, hidden), nodedown_reason, connection_id; with `list` they have the list form. Each
subscription prints its own copy of an event. At the start there is one, with
node_type=all nodedown_reason connection_id.

The node ends cleanly on `stop`, SIGINT and SIGTERM. The end of the input ends it only at a terminal.

Behind -- come flags of erl, such as -sname, -setcookie or -kernel, in place of the options that say the
same. As with erl, net_kernel:stop() is not allowed then.

Examples:
  netkernel node rust@127.0.0.1 --connect b@127.0.0.1
  netkernel node rust@127.0.0.1 --allow b@127.0.0.1 --ticktime 8
  netkernel node rust@db1.example.com --bind 10.0.0.5 --listen-min 9100 --listen-max 9105
  netkernel node rust@::1 --inet6
  netkernel node --connect b@myhost -- -sname rust -hidden -kernel net_ticktime 20

Security: a node without TLS is open to whoever reaches its port and learns the cookie. Without --bind
it listens on loopback if the host of NAME is loopback, and else on all addresses.";

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Commands on standard input:\n{}\n\n{HELP}", console::HELP))]
pub(crate) struct NodeArgs {
    /// The full name to take: name@host. Behind --, -name or -sname may give it
    #[arg(required_unless_present = "flags")]
    name: Option<NodeName>,
    /// A node to connect to at the start; may be given several times
    #[arg(long, value_name = "NODE")]
    pub(crate) connect: Vec<NodeName>,
    /// A node that may connect, and be connected to: a full name, a host, or name@ for any host; may be given several
    /// times. Without it all may. It holds from the moment that the node is alive
    #[arg(long, value_name = "NODE")]
    allow: Vec<String>,
    /// Write what the node does, a line for each fact: docs/command.md tells the format
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    own: OwnArgs,
    /// Flags of erl
    #[arg(last = true, value_name = "ERL FLAGS", conflicts_with_all = ["hidden", "ticktime", "tickintensity", "setup_time", "auto_connect", "inet6", "bind", "listen_min", "epmd", "secret", "epmd_port"])]
    flags: Vec<String>,
}

/// What the flags of `erl` say as well.
#[derive(Debug, clap::Args)]
#[group(id = "own", multiple = true)]
struct OwnArgs {
    #[command(flatten)]
    cookie: CookieArgs,
    /// Have only hidden links
    #[arg(long)]
    hidden: bool,
    /// net_ticktime in seconds: how long a silent node counts as alive [default: 60]
    #[arg(long, value_name = "S", value_parser = ticktime())]
    ticktime: Option<u32>,
    /// net_tickintensity: ticks in a ticktime [default: 4]
    #[arg(long, value_name = "N", value_parser = tickintensity())]
    tickintensity: Option<u16>,
    /// net_setuptime in seconds, at most 120: how long setting a link up may take [default: 7]
    #[arg(long, value_name = "S", value_parser = setup_time)]
    setup_time: Option<Duration>,
    /// dist_auto_connect: whether messages and pings connect [default: true]
    #[arg(long, value_name = "WHEN", value_enum)]
    auto_connect: Option<AutoConnect>,
    /// Use IPv6, as -proto_dist inet6_tcp of erl
    #[arg(long)]
    inet6: bool,
    /// The address to listen on
    #[arg(long, value_name = "A")]
    bind: Option<IpAddr>,
    /// The first port to try for listening
    #[arg(long, value_name = "P", value_parser = port())]
    listen_min: Option<u16>,
    /// The last port to try for listening; without it only the first is tried
    #[arg(long, value_name = "P", requires = "listen_min", value_parser = port())]
    listen_max: Option<u16>,
    /// Which EPMD to register with [default: auto]
    #[arg(long, value_name = "E", value_enum)]
    epmd: Option<Epmd>,
    #[command(flatten)]
    epmd_port: EpmdArgs,
}

/// Which EPMD a node registers with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Epmd {
    /// The one that is there; without any, this node serves one
    Auto,
    /// This node serves one; if the port is taken, the one that is there
    Embedded,
    /// The one that is there; without any, this node does not start
    External,
}

/// Whether links come up by themselves.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AutoConnect {
    /// By `connect` only
    Never,
    /// Until the first link with that node has ended
    Once,
    True,
}

fn setup_time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=120.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "0.001 to 120 is wanted".into())
}

impl NodeArgs {
    /// How the node is to be, and what to start it with.
    pub(crate) fn config(&self) -> Result<(NodeConfig, StartOptions), Failed> {
        let (mut config, mut options) = if self.flags.is_empty() {
            let Some(name) = &self.name else {
                return Err(Failed::Usage("a name is wanted".into()));
            };
            (self.own.config()?, self.own.options(name))
        } else {
            let made = NodeConfig::from_flags(self.start_flags());
            let (config, options) = made.map_err(|error| Failed::Because(error.to_string()))?;
            let wanted = || Failed::Usage("a name is wanted: NAME, -name or -sname".into());
            let options = options.ok_or_else(wanted)?;
            (config, options)
        };
        options.allow.clone_from(&self.allow);
        self.reach.apply(&mut config);
        Ok((config, options))
    }

    /// A name that stands before the flags is as one of theirs.
    fn start_flags(&self) -> StartFlags {
        let name = self.name.as_ref().map(|name| {
            let short = NameDomain::of(name.host()) == NameDomain::Shortnames;
            [if short { "-sname" } else { "-name" }, name.as_str()]
        });
        StartFlags::parse(
            name.iter().flatten().copied().chain(self.flags.iter().map(String::as_str)),
        )
    }
}

impl OwnArgs {
    fn config(&self) -> Result<NodeConfig, Failed> {
        let mut config = NodeConfig::new(self.cookie.find()?);
        let kernel = &mut config.kernel;
        let (seconds, intensity) = (kernel.net_ticktime.seconds(), kernel.net_ticktime.intensity());
        kernel.net_ticktime = NetTicktime::new(
            self.ticktime.unwrap_or(seconds),
            self.tickintensity.unwrap_or(intensity),
        )
        .map_err(|error| Failed::Because(error.to_string()))?;
        kernel.setup_time = self.setup_time.unwrap_or(kernel.setup_time);
        kernel.auto_connect = match self.auto_connect {
            Some(AutoConnect::Never) => DistAutoConnect::Never,
            Some(AutoConnect::Once) => DistAutoConnect::Once,
            Some(AutoConnect::True) | None => DistAutoConnect::Always,
        };
        kernel.family = if self.inet6 { Family::Inet6 } else { Family::Inet };
        config.bind = self.bind;
        config.listen_ports = self.listen_ports()?;
        config.epmd = match self.epmd {
            Some(Epmd::Auto) | None => EpmdMode::Auto,
            Some(Epmd::Embedded) => EpmdMode::Embedded,
            Some(Epmd::External) => EpmdMode::External,
        };
        self.epmd_port.apply(&mut config)?;
        Ok(config)
    }

    fn options(&self, name: &NodeName) -> StartOptions {
        StartOptions { hidden: self.hidden, ..StartOptions::new(name.clone()) }
    }

    /// As `inet_dist_listen_min` and `_max`: one port if only the first is given, any if none is.
    fn listen_ports(&self) -> Result<RangeInclusive<u16>, Failed> {
        let first = self.listen_min.unwrap_or(0);
        let last = self.listen_max.unwrap_or(first);
        if first > last {
            return Err(Failed::Usage("--listen-max is less than --listen-min".into()));
        }
        Ok(first..=last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser as _;
    use netkernel_smol::core::net_kernel::{OwnName, Started};

    fn node(line: &str) -> NodeArgs {
        let line = format!("netkernel node {line}");
        let Command::Node(args) = Args::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("{line}")
        };
        args
    }

    fn made(line: &str) -> (NodeConfig, StartOptions) {
        node(line).config().unwrap()
    }

    fn name(options: &StartOptions) -> &str {
        match &options.name {
            OwnName::Static(name) => name.as_str(),
            OwnName::Dynamic { .. } => "undefined",
        }
    }

    #[test]
    fn every_option_of_a_node_is_taken() {
        let line = "a@h --cookie C --hidden --connect b@h --connect c@h --allow b@h --allow c@ --ticktime 8 \
             --tickintensity 5 --bind 127.0.0.1 --listen-min 9100 --listen-max 9105 --epmd embedded --epmd-port 4370 \
             --json --peer b@h=127.0.0.1:4370 --peer c@h=/run/c --serve-requests --setup-time 2.5 --auto-connect once";
        assert_eq!(node(line).connect.len(), 2);
        let (config, options) = made(line);
        assert_eq!((name(&options), options.hidden), ("a@h", true));
        assert_eq!(options.allow, ["b@h", "c@"]);
        assert_eq!((config.listen_ports, config.kernel.epmd_port), (9100..=9105, 4370));
        assert_eq!(config.kernel.net_ticktime, NetTicktime::new(8, 5).unwrap());
        assert_eq!(config.kernel.setup_time, Duration::from_millis(2500));
        assert_eq!(config.kernel.auto_connect, DistAutoConnect::Once);
        assert_eq!(config.bind, Some(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST)));
        assert_eq!((config.epmd, config.kernel.family), (EpmdMode::Embedded, Family::Inet));
        let peers: Vec<_> = config.kernel.peers.values().map(ToString::to_string).collect();
        assert_eq!(peers, ["127.0.0.1:4370", "/run/c"]);
        assert!(config.remote_requests && config.listen_path.is_none());
    }

    #[test]
    fn what_is_not_given_is_as_with_erl() {
        let (config, options) = made("a@h --cookie C --listen /run/a");
        assert_eq!(config.listen_path, Some("/run/a".into()));
        assert!(!config.remote_requests, "off unless it is asked for");
        let plain = NodeConfig::new(config.kernel.cookie.clone()).kernel;
        assert_eq!(config.kernel.net_ticktime, plain.net_ticktime);
        assert_eq!(config.kernel.setup_time, plain.setup_time);
        assert_eq!(config.kernel.auto_connect, DistAutoConnect::Always);
        assert_eq!((options.name_domain, options.started), (None, Started::Dynamic));
        assert_eq!(config.listen_ports, 0..=0);
        assert_eq!(made("a@h --cookie C --listen-min 9100").0.listen_ports, 9100..=9100);
    }

    #[test]
    fn addresses_may_be_ipv6() {
        let (config, _) = made("a@::1 --cookie C --inet6 --auto-connect never");
        assert_eq!(config.kernel.family, Family::Inet6);
        assert_eq!(config.kernel.auto_connect, DistAutoConnect::Never);
    }

    #[test]
    fn flags_of_erl_come_behind_two_dashes() {
        let (config, options) = made(
            "--connect b@h --allow b@h --serve-requests -- -sname a@h -hidden -setcookie C -start_epmd false \
             -proto_dist inet6_tcp -kernel net_ticktime 8 dist_auto_connect never inet_dist_listen_options [{backlog,7}]",
        );
        assert_eq!(
            (name(&options), options.hidden, options.started),
            ("a@h", true, Started::Static)
        );
        assert_eq!(options.name_domain, Some(NameDomain::Shortnames));
        assert_eq!(options.allow, ["b@h"]);
        assert_eq!((config.epmd, config.kernel.family), (EpmdMode::External, Family::Inet6));
        assert_eq!((config.kernel.net_ticktime.seconds(), config.backlog), (8, 7));
        assert_eq!(config.kernel.auto_connect, DistAutoConnect::Never);
        assert!(config.remote_requests);
    }

    #[test]
    fn a_name_may_stand_before_the_flags() {
        for (line, long) in [("a@h", false), ("a@127.0.0.1", true), ("a@::1", true)] {
            let (_, options) = made(&format!("{line} -- -setcookie C"));
            assert_eq!((name(&options), options.started), (line, Started::Static));
            assert_eq!(options.name_domain == Some(NameDomain::Longnames), long, "{line}");
        }
        assert_eq!(name(&made("-- -name undefined@h.i -setcookie C").1), "undefined");
    }

    #[test]
    fn flags_that_make_no_node_are_told() {
        let told = |line: &str| match node(line).config() {
            Err(Failed::Because(text)) => text,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(told("-- -sname a@h.i"), "Can't set short node name!");
        assert_eq!(told("a@h -- -proto_dist foo_tcp"), "Protocol 'foo_tcp': not supported");
    }
}
