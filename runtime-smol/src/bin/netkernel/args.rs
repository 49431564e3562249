//! The command line.

use core::net::IpAddr;
use core::ops::RangeInclusive;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgGroup, CommandFactory as _, Parser, Subcommand, ValueEnum};
use netkernel_smol::core::net_kernel::NetTicktime;
use netkernel_smol::core::{Cookie, NodeName};
use netkernel_smol::{EpmdMode, NodeConfig, cookie_file};

use crate::reach::ReachArgs;
use crate::ticktime::Change;
use crate::{Failed, console, tell};

const EXAMPLES: &str = "\
Examples:
  netkernel node rust@127.0.0.1 --connect b@127.0.0.1
  netkernel node watcher@127.0.0.1 --hidden --json --ticktime 8
  netkernel node a@127.0.0.1 --listen /run/a --peer b@127.0.0.1=/run/b
  netkernel ping b@127.0.0.1
  netkernel names
  netkernel world --verbose
  netkernel ticktime 60 20 --svg change.svg

Exit codes: 0 done, 1 failed, 2 usage. RUST_LOG=debug logs more to standard error.

Security: a node without TLS is open to whoever reaches its port and learns the cookie. Use it on
loopback or in networks that you trust.";

const TICKTIME_HELP: &str = "\
Times are counted from the start of the change; what is silent is counted from its last byte.

Examples:
  netkernel ticktime 60 20
  netkernel ticktime 60 20 --transition 12 --svg change.svg
  netkernel ticktime 8 60 --intensity 7 --json";

const NODE_HELP: &str = "\
Options of monitor are those of net_kernel:monitor_nodes/2, as KEY or KEY=VALUE: node_type=all (or
visible, hidden), nodedown_reason, connection_id; with `list` they have the list form. Each
subscription prints its own copy of an event. At the start there is one, with
node_type=all nodedown_reason connection_id.

The node ends cleanly on `stop`, SIGINT and SIGTERM. The end of the input ends it only at a terminal.

Examples:
  netkernel node rust@127.0.0.1 --connect b@127.0.0.1
  netkernel node rust@127.0.0.1 --allow b@127.0.0.1 --ticktime 8
  netkernel node rust@db1.example.com --bind 10.0.0.5 --listen-min 9100 --listen-max 9105

Security: a node without TLS is open to whoever reaches its port and learns the cookie. Without --bind
it listens on loopback if the host of NAME is loopback, and else on all addresses.";

/// An Erlang distribution node.
#[derive(Debug, Parser)]
#[command(name = "netkernel", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node, and print what happens to it and why
    Node(NodeArgs),
    /// Ask a node whether it is there: prints pong or pang
    Ping(PingArgs),
    /// Print the nodes that the EPMD of a host knows
    Names(NamesArgs),
    /// Print all nodes that answer a ping, on all hosts of .hosts.erlang, as net_adm:world/1
    World(WorldArgs),
    /// Print the hosts of .hosts.erlang, as net_adm:host_file/0
    Hosts,
    /// Print what happens when net_ticktime is changed; needs no node
    Ticktime(TicktimeArgs),
    /// Run an EPMD, or ask one: takes the flags of Erlang's epmd
    #[command(disable_help_flag = true)]
    Epmd {
        /// As of Erlang's epmd; an unknown one prints what there is
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
        args: Vec<OsString>,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("Commands on standard input:\n{}\n\n{NODE_HELP}", console::HELP))]
pub(crate) struct NodeArgs {
    /// The full name to take: name@host
    pub(crate) name: NodeName,
    #[command(flatten)]
    cookie: CookieArgs,
    /// Have only hidden links
    #[arg(long)]
    pub(crate) hidden: bool,
    /// A node to connect to at the start; may be given several times
    #[arg(long, value_name = "NODE")]
    pub(crate) connect: Vec<NodeName>,
    /// A node that may connect, and be connected to: a full name, a host, or name@ for any host; may be given several
    /// times. Without it all may. It holds from the moment that the node is alive
    #[arg(long, value_name = "NODE")]
    pub(crate) allow: Vec<String>,
    /// net_ticktime in seconds: how long a silent node counts as alive
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = ticktime())]
    ticktime: u32,
    /// net_tickintensity: ticks in a ticktime
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = tickintensity())]
    tickintensity: u16,
    /// The address to listen on
    #[arg(long, value_name = "A")]
    bind: Option<IpAddr>,
    /// The first port to try for listening
    #[arg(long, value_name = "P", value_parser = port())]
    listen_min: Option<u16>,
    /// The last port to try for listening; without it only the first is tried
    #[arg(long, value_name = "P", requires = "listen_min", value_parser = port())]
    listen_max: Option<u16>,
    /// Which EPMD to register with
    #[arg(long, value_name = "E", value_enum, default_value_t = Epmd::Auto)]
    epmd: Epmd,
    #[command(flatten)]
    epmd_port: EpmdArgs,
    #[command(flatten)]
    reach: ReachArgs,
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

#[derive(Debug, clap::Args)]
pub(crate) struct PingArgs {
    /// The node to ask
    pub(crate) node: NodeName,
    #[command(flatten)]
    cookie: CookieArgs,
    #[command(flatten)]
    epmd: EpmdArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NamesArgs {
    /// The host to ask
    #[arg(default_value = "127.0.0.1")]
    pub(crate) host: String,
    #[command(flatten)]
    epmd: EpmdArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WorldArgs {
    /// Tell of each ping
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Ask nodes with short names, also if hosts have domains
    #[arg(long)]
    pub(crate) shortnames: bool,
    #[command(flatten)]
    cookie: CookieArgs,
    #[command(flatten)]
    epmd: EpmdArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = TICKTIME_HELP)]
pub(crate) struct TicktimeArgs {
    /// The net_ticktime before, in seconds
    #[arg(value_name = "OLD", value_parser = ticktime())]
    old: u32,
    /// The net_ticktime afterwards, in seconds
    #[arg(value_name = "NEW", value_parser = ticktime())]
    new: u32,
    /// The transition period that is asked for, in seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    transition: u32,
    /// net_tickintensity: ticks in a ticktime
    #[arg(long, value_name = "I", default_value_t = 4, value_parser = tickintensity())]
    intensity: u16,
    /// Also write it as a picture
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("secret").multiple(false))]
struct CookieArgs {
    /// The cookie. Others on this machine can read it; prefer a file
    #[arg(long, value_name = "C", group = "secret", value_parser = Cookie::new)]
    cookie: Option<Cookie>,
    /// The file that holds the cookie [default: ~/.erlang.cookie, as erl]
    #[arg(long, value_name = "F", group = "secret")]
    cookie_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct EpmdArgs {
    /// The port of EPMD, here and on other hosts [default: $ERL_EPMD_PORT, else 4369]
    #[arg(long, value_name = "P", value_parser = port())]
    epmd_port: Option<u16>,
}

fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

fn ticktime() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

fn tickintensity() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(4..=1000)
}

impl CookieArgs {
    fn find(&self) -> Result<Cookie, Failed> {
        if let Some(cookie) = &self.cookie {
            tell("warning: other users of this machine can read --cookie; use --cookie-file");
            return Ok(cookie.clone());
        }
        let found = match &self.cookie_file {
            Some(path) => cookie_file::read(path),
            None => cookie_file::find(),
        };
        found.map_err(|error| Failed::Because(error.to_string()))
    }
}

impl EpmdArgs {
    fn apply(&self, config: &mut NodeConfig) -> Result<(), Failed> {
        match self.epmd_port {
            Some(port) => config.kernel.epmd_port = port,
            None => config.apply_env().map_err(|error| Failed::Because(error.to_string()))?,
        }
        Ok(())
    }
}

impl NodeArgs {
    pub(crate) fn config(&self) -> Result<NodeConfig, Failed> {
        let mut config = NodeConfig::new(self.cookie.find()?);
        config.kernel.net_ticktime = NetTicktime::new(self.ticktime, self.tickintensity)
            .map_err(|error| Failed::Because(error.to_string()))?;
        config.bind = self.bind;
        config.listen_ports = self.listen_ports();
        config.epmd = match self.epmd {
            Epmd::Auto => EpmdMode::Auto,
            Epmd::Embedded => EpmdMode::Embedded,
            Epmd::External => EpmdMode::External,
        };
        self.epmd_port.apply(&mut config)?;
        self.reach.apply(&mut config);
        Ok(config)
    }

    /// As `inet_dist_listen_min` and `_max`: one port if only the first is given, any if none is.
    fn listen_ports(&self) -> RangeInclusive<u16> {
        let first = self.listen_min.unwrap_or(0);
        let last = self.listen_max.unwrap_or(first);
        if first > last {
            usage("--listen-max is less than --listen-min");
        }
        first..=last
    }
}

impl PingArgs {
    pub(crate) fn config(&self) -> Result<NodeConfig, Failed> {
        asking(&self.cookie, &self.epmd)
    }
}

impl WorldArgs {
    pub(crate) fn config(&self) -> Result<NodeConfig, Failed> {
        asking(&self.cookie, &self.epmd)
    }
}

/// The configuration of a node that only asks others.
fn asking(cookie: &CookieArgs, epmd: &EpmdArgs) -> Result<NodeConfig, Failed> {
    let mut config = NodeConfig::new(cookie.find()?);
    epmd.apply(&mut config)?;
    Ok(config)
}

impl NamesArgs {
    pub(crate) fn config(&self) -> Result<NodeConfig, Failed> {
        // EPMD asks for no cookie, so none is looked for. Erlang's word for a node without one.
        let cookie = Cookie::new("nocookie").map_err(|error| Failed::Because(error.to_string()))?;
        let mut config = NodeConfig::new(cookie);
        self.epmd.apply(&mut config)?;
        Ok(config)
    }
}

impl TicktimeArgs {
    pub(crate) fn change(&self) -> Result<Change, Failed> {
        let old = NetTicktime::new(self.old, self.intensity)
            .map_err(|error| Failed::Because(error.to_string()))?;
        Ok(Change { old, new: self.new, period: self.transition })
    }
}

/// Ends the process, as for any other error of usage.
fn usage(text: &str) -> ! {
    Args::command().error(ErrorKind::ValueValidation, text).exit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split(' '))
    }

    fn node(line: &str) -> NodeArgs {
        let Command::Node(args) = parse(line).unwrap().command else { panic!("{line}") };
        args
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_option_of_a_node_is_taken() {
        let args = node(
            "netkernel node a@h --cookie C --hidden --connect b@h --connect c@h --allow b@h --allow c@ --ticktime 8 \
             --tickintensity 5 --bind 127.0.0.1 --listen-min 9100 --listen-max 9105 --epmd embedded --epmd-port 4370 \
             --json --peer b@h=127.0.0.1:4370 --peer c@h=/run/c --serve-requests",
        );
        assert_eq!((args.name.as_str(), args.connect.len(), args.hidden), ("a@h", 2, true));
        assert_eq!(args.allow, ["b@h", "c@"]);
        let config = args.config().unwrap();
        assert_eq!((config.listen_ports, config.kernel.epmd_port), (9100..=9105, 4370));
        assert_eq!(config.kernel.net_ticktime, NetTicktime::new(8, 5).unwrap());
        assert_eq!(config.bind, Some(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST)));
        assert_eq!(config.epmd, EpmdMode::Embedded);
        let peers: Vec<_> = config.kernel.peers.values().map(ToString::to_string).collect();
        assert_eq!(peers, ["127.0.0.1:4370", "/run/c"]);
        assert!(config.remote_requests && config.listen_path.is_none());
        let config = node("netkernel node a@h --cookie C --listen /run/a").config().unwrap();
        assert_eq!(config.listen_path, Some("/run/a".into()));
        assert!(!config.remote_requests, "off unless it is asked for");
    }

    #[test]
    fn one_listen_port_may_be_given() {
        assert_eq!(node("netkernel node a@h --listen-min 9100").listen_ports(), 9100..=9100);
        assert_eq!(node("netkernel node a@h").listen_ports(), 0..=0);
    }

    #[test]
    fn errors_of_usage_have_exit_code_2() {
        for line in [
            "netkernel",
            "netkernel node",
            "netkernel node nohost",
            "netkernel node a@h --cookie C --cookie-file F",
            "netkernel node a@h --tickintensity 3",
            "netkernel node a@h --ticktime 0",
            "netkernel node a@h --listen-max 9100",
            "netkernel node a@h --bind nowhere",
            "netkernel node a@h --epmd-port 0",
            "netkernel node a@h --epmd internal",
            "netkernel node a@h --peer b@h",
            "netkernel node a@h --peer b@h=",
            "netkernel node a@h --peer b=h:1",
            "netkernel node a@h --peer b@h=h:0",
            "netkernel node a@h --listen /run/a --bind 127.0.0.1",
            "netkernel node a@h --listen /run/a --listen-min 9100",
            "netkernel node a@h --cookie ",
            "netkernel ping",
            "netkernel hosts a",
            "netkernel world a",
            "netkernel ticktime 60",
            "netkernel ticktime 60 0",
            "netkernel ticktime 0 60",
            "netkernel ticktime 60 20 --intensity 3",
            "netkernel ticktime 60 20 --transition -1",
            "netkernel ticktime 60 20 10",
            "netkernel frobnicate",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn epmd_gets_its_flags_as_they_are() {
        for flags in
            ["-names", "-d -d -port 4370", "-daemon", "--help", "-h", "-stop --json", "x -h"]
        {
            let Command::Epmd { args } = parse(&format!("netkernel epmd {flags}")).unwrap().command
            else {
                panic!("{flags}")
            };
            assert_eq!(args.join(std::ffi::OsStr::new(" ")), flags);
        }
    }

    #[test]
    fn help_has_examples_and_the_warning() {
        for line in ["netkernel --help", "netkernel node --help"] {
            let help = parse(line).unwrap_err();
            assert_eq!(help.exit_code(), 0);
            let help = help.to_string();
            assert!(help.contains("Examples:") && help.contains("without TLS is open"), "{help}");
        }
    }
}
