//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgGroup, CommandFactory as _, Parser, Subcommand};
use netkernel_smol::core::net_kernel::NetTicktime;
use netkernel_smol::core::{Cookie, NodeName};
use netkernel_smol::{NodeConfig, cookie_file};

use crate::failure::Timeout;
use crate::node_args::NodeArgs;
use crate::ticktime::Change;
use crate::{Failed, because, tell};

const EXAMPLES: &str = "\
Examples:
  netkernel node rust@127.0.0.1 --connect b@127.0.0.1
  netkernel node watcher@127.0.0.1 --hidden --json --ticktime 8
  netkernel node -- -sname rust -kernel net_ticktime 20
  netkernel node a@127.0.0.1 --listen /run/a --peer b@127.0.0.1=/run/b
  netkernel ping b@127.0.0.1
  netkernel call b@127.0.0.1 lists reverse '[[1,2,3]]'
  netkernel send b@127.0.0.1 shop '{order,3}'
  netkernel names
  netkernel world --verbose
  netkernel ticktime 60 20 --svg change.svg

Exit codes: 0 done, 1 failed, 2 usage; call and send have more. RUST_LOG=debug logs more to standard error.

Security: a node without TLS is open to whoever reaches its port and learns the cookie. Use it on
loopback or in networks that you trust.";

const TICKTIME_HELP: &str = "\
Times are counted from the start of the change; what is silent is counted from its last byte.

Examples:
  netkernel ticktime 60 20
  netkernel ticktime 60 20 --transition 12 --svg change.svg
  netkernel ticktime 8 60 --intensity 7 --json";

const CALL_HELP: &str = "\
The result goes to standard output in Erlang's syntax, and with --json as an object; what the function
prints goes there, too. Why there is none goes to standard error.

Terms are those of file:consult/1. Nothing is evaluated: there are no variables, no funs with a body, and
no code in strings. Who wants that calls erl_eval.

Exit codes: 0 a result, 1 failed here, 2 usage, 3 no link with the node, 4 noconnection: the link has
ended, 5 timeout, 6 other errors of erpc, such as notsup, 7 throw, 8 error, 9 exit, 10 noproc.

Examples:
  netkernel call b@127.0.0.1 lists reverse '[[1,2,3]]'
  netkernel call b@127.0.0.1 lists:seq '[1,3]' --json
  netkernel call b@127.0.0.1 'erlang:system_info(otp_release)'
  netkernel call b@127.0.0.1 Elixir.String upcase '[<<\"a\">>]'
  netkernel call b@127.0.0.1 --server shop '{price,apple}' --timeout 2";

const SEND_HELP: &str = "\
It waits until NODE has read the message. Whether there is a process with that name is asked just before;
whether it reads the message cannot be known: in Erlang, sending never fails.

Exit codes: 0 the node has it, 1 failed here, 2 usage, 3 no link with the node, 4 the link has ended, 5 not
confirmed in time, 10 noproc. After 4 and 5 the message may have arrived.

Examples:
  netkernel send b@127.0.0.1 shop '{order,3}'
  netkernel send b@127.0.0.1 \"<'b@127.0.0.1'.95.0>\" stop";

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
    /// Call a function of a node, or a server on it, and print the result
    Call(CallArgs),
    /// Send a message to a process of a node
    Send(SendArgs),
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

impl Command {
    /// As it is written.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Node(_) => "node",
            Self::Ping(_) => "ping",
            Self::Call(_) => "call",
            Self::Send(_) => "send",
            Self::Names(_) => "names",
            Self::World(_) => "world",
            Self::Hosts => "hosts",
            Self::Ticktime(_) => "ticktime",
            Self::Epmd { .. } => "epmd",
        }
    }
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
#[command(after_help = CALL_HELP, override_usage = "netkernel call [OPTIONS] NODE MODULE FUNCTION [ARGS]\n       \
    netkernel call [OPTIONS] NODE MODULE:FUNCTION [ARGS]\n       \
    netkernel call [OPTIONS] NODE 'MODULE:FUNCTION(ARG,...)'\n       \
    netkernel call [OPTIONS] NODE --server NAME REQUEST")]
pub(crate) struct CallArgs {
    /// The node to call
    pub(crate) node: NodeName,
    /// Module, function and ARGS: a list of terms, such as '[1,[a,"b"]]'; without it there are no arguments. With --server the request
    #[arg(required = true, num_args = 1..=3, allow_negative_numbers = true)]
    pub(crate) call: Vec<String>,
    /// Call a gen_server, or what answers as one does: its name, or its pid as it is printed here
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,
    /// How long all of it may take, in seconds, the link included [default: infinity, as erpc:call/4; with --server 5, as gen_server:call/2]
    #[arg(long, value_name = "S", value_parser = Timeout::parse)]
    pub(crate) timeout: Option<Timeout>,
    #[command(flatten)]
    cookie: CookieArgs,
    #[command(flatten)]
    epmd: EpmdArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = SEND_HELP)]
pub(crate) struct SendArgs {
    /// The node to send to
    pub(crate) node: NodeName,
    /// The registered name of the process, or its pid or an alias as they are printed here
    pub(crate) name: String,
    /// The message, a term in Erlang's syntax
    #[arg(allow_negative_numbers = true)]
    pub(crate) term: String,
    /// How long all of it may take, in seconds, the link included [default: 30]
    #[arg(long, value_name = "S", value_parser = Timeout::parse)]
    pub(crate) timeout: Option<Timeout>,
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
pub(crate) struct CookieArgs {
    /// The cookie. Others on this machine can read it; prefer a file
    #[arg(long, value_name = "C", group = "secret", value_parser = Cookie::new)]
    cookie: Option<Cookie>,
    /// The file that holds the cookie [default: ~/.erlang.cookie, as erl]
    #[arg(long, value_name = "F", group = "secret")]
    cookie_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EpmdArgs {
    /// The port of EPMD, here and on other hosts [default: $ERL_EPMD_PORT, else 4369]
    #[arg(long, value_name = "P", value_parser = port())]
    epmd_port: Option<u16>,
}

pub(crate) fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

pub(crate) fn ticktime() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

pub(crate) fn tickintensity() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(4..=1000)
}

impl CookieArgs {
    pub(crate) fn find(&self) -> Result<Cookie, Failed> {
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
    pub(crate) fn apply(&self, config: &mut NodeConfig) -> Result<(), Failed> {
        config.apply_env().map_err(because)?;
        config.kernel.epmd_port = self.epmd_port.unwrap_or(config.kernel.epmd_port);
        Ok(())
    }
}

impl PingArgs {
    pub(crate) fn config(&self) -> Result<NodeConfig, Failed> {
        asking(&self.cookie, &self.epmd)
    }
}

impl CallArgs {
    pub(crate) fn config(&self) -> Result<NodeConfig, Failed> {
        asking(&self.cookie, &self.epmd)
    }
}

impl SendArgs {
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

/// What clap says of an error that it cannot see.
pub(crate) fn usage(subcommand: &str, text: &str) -> clap::Error {
    let mut all = Args::command();
    all.build();
    let mut command = all.find_subcommand(subcommand).cloned().unwrap_or(all);
    command.error(ErrorKind::ValueValidation, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
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
            "netkernel node a@h --setup-time 0",
            "netkernel node a@h --setup-time 121",
            "netkernel node a@h --setup-time x",
            "netkernel node a@h --auto-connect false",
            "netkernel node a@h --cookie C -- -hidden",
            "netkernel node a@h --ticktime 8 -- -hidden",
            "netkernel node a@h --inet6 -- -hidden",
            "netkernel ping",
            "netkernel call",
            "netkernel call a@h",
            "netkernel call nohost m f",
            "netkernel call a@h m f [] x",
            "netkernel call a@h m f --timeout x",
            "netkernel call a@h m f --timeout -1",
            "netkernel send a@h x",
            "netkernel send a@h x y z",
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

    /// Without blanks in quotes.
    #[test]
    fn examples_are_command_lines() {
        let mut count = 0;
        let helps = ["", "node ", "call ", "send ", "ticktime "]
            .map(|command| parse(&format!("netkernel {command}--help")).unwrap_err().to_string());
        for line in helps.iter().flat_map(|help| help.lines()) {
            let Some(example) = line.strip_prefix("  netkernel ") else { continue };
            let words = example.split(' ').map(|word| word.trim_matches(['\'', '"']));
            let read = Args::try_parse_from(core::iter::once("netkernel").chain(words));
            let Ok(Args { command, .. }) = read else { panic!("{example}: {read:?}") };
            assert!(example.starts_with(command.name()), "{example}: {command:?}");
            count += 1;
        }
        assert!(count > 20, "{count}");
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
