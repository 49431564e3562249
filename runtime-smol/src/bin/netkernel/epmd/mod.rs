//! `netkernel epmd`: the daemon, with the command line of Erlang's (`epmd.c`), so that it can take its place.
//!
//! What must not live here: the protocol. Questions of a client aside, it is [`EpmdServer`]'s.

mod client;
#[cfg(unix)]
mod detach;
mod flags;
#[cfg(unix)]
mod systemd;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

use netkernel_smol::{EpmdConfig, EpmdServer};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::print_error;
use flags::{Action, Environment, Flags};

const USAGE: &str = "\
usage: epmd [-d|-debug] [-address LIST] [-port NUMBER] [-daemon|-systemd] [-relaxed_command_check]
            [-packet_timeout SECONDS] [-delay_accept SECONDS] [-delay_write SECONDS]
       epmd [-d|-debug] [-port NUMBER] -names|-started|-dump|-kill|-stop NAME

  -address LIST           listen only on these addresses, and on loopback; between commas
                          [default: $ERL_EPMD_ADDRESS, else all addresses]
  -port NUMBER            listen on this port, or ask there [default: $ERL_EPMD_PORT, else 4369]
  -daemon                 run in the background; returns when the port is open
  -systemd                take the listening sockets from systemd
  -relaxed_command_check  allow -kill while there are nodes, and -stop
  -d, -debug              say on standard error what happens, twice: say more; remember 5 names only
  -packet_timeout SECONDS close who is silent for so long in a request [default: 60]
  -delay_accept SECONDS   play a busy daemon: wait after each accept
  -delay_write SECONDS    play a busy daemon: wait before each write

  -names                  print the registered nodes
  -started                say by the exit code whether there is a daemon: 0, or 1
  -dump                   print all that the daemon knows
  -kill                   end the daemon, if no node is registered
  -stop NAME              unregister a node";

/// The arguments, if the program is called `epmd`.
pub(crate) fn called_so(mut all: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    let program = all.next()?;
    let is_epmd = Path::new(&program).file_stem() == Some(OsStr::new("epmd"));
    is_epmd.then(|| all.collect())
}

/// The command.
pub(crate) fn run(args: &[OsString]) -> ExitCode {
    match flags::parse(args, &Environment::of_process()) {
        Ok(Action::Serve(flags)) => serve(args, &flags).unwrap_or_else(|text| {
            say(&text);
            ExitCode::FAILURE
        }),
        Ok(Action::Ask { port, question }) => client::ask(port, &question),
        Err(flags::Wrong) => {
            print_error(USAGE);
            ExitCode::FAILURE
        }
    }
}

/// Runs the daemon to its end. The error is a text for the user.
fn serve(args: &[OsString], flags: &Flags) -> Result<ExitCode, String> {
    if flags.daemon {
        return detach(args);
    }
    log(flags.debug);
    // If there is one already, that is all that was wanted.
    let Some(server) = open(flags)? else { return Ok(ExitCode::SUCCESS) };
    opened(flags)?;
    async_io::block_on(server.run())
        .map(|_| ExitCode::SUCCESS)
        .map_err(|error| format!("sockets cannot be watched: {error}"))
}

/// The service, its port open. `None`: that is taken.
fn open(flags: &Flags) -> Result<Option<EpmdServer>, String> {
    raise_limit();
    let mut config = EpmdConfig::new();
    flags.apply(&mut config)?;
    if flags.systemd {
        return adopt(config).map(Some);
    }
    match EpmdServer::bind(&config) {
        Ok(server) => Ok(Some(server)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            tracing::debug!(target: "netkernel::epmd", port = config.port, "there is an EPMD already");
            Ok(None)
        }
        Err(error) => Err(format!("failed to listen on port {}: {error}", config.port)),
    }
}

/// Says something to the user, as the daemon.
fn say(text: &str) {
    print_error(&format!("epmd: {text}"));
}

/// Nothing without `-d`; with one what OTP's daemon tells, with more what happens to each connection.
fn log(debug: u32) {
    let level = match debug {
        0 => LevelFilter::WARN,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = Targets::new().with_target("netkernel::epmd", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_filter(filter);
    tracing_subscriber::registry().with(layer).init();
}

/// Each name holds a connection: as many as the operating system allows.
#[cfg(unix)]
fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Some systems have a lower limit than the one that they tell. Then it stays as it was.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(unix)]
fn detach(args: &[OsString]) -> Result<ExitCode, String> {
    detach::start(args).map_err(|error| format!("cannot run in the background: {error}"))
}

#[cfg(unix)]
fn adopt(config: EpmdConfig) -> Result<EpmdServer, String> {
    let sockets = systemd::listeners().map_err(|error| format!("sockets of systemd: {error}"))?;
    if sockets.is_empty() {
        return Err("systemd provides no sockets".into());
    }
    EpmdServer::on(sockets, config.server).map_err(|error| format!("sockets of systemd: {error}"))
}

/// Tells those who wait for it that the port is open.
#[cfg(unix)]
fn opened(flags: &Flags) -> Result<(), String> {
    if flags.systemd {
        systemd::ready().map_err(|error| format!("cannot tell systemd: {error}"))?;
    }
    if flags.detached {
        detach::settle().map_err(|error| format!("cannot run in the background: {error}"))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn raise_limit() {}

#[cfg(not(unix))]
fn detach(_: &[OsString]) -> Result<ExitCode, String> {
    Err("-daemon is not known on this operating system".into())
}

#[cfg(not(unix))]
fn adopt(_: EpmdConfig) -> Result<EpmdServer, String> {
    Err("-systemd is not known on this operating system".into())
}

#[cfg(not(unix))]
fn opened(_: &Flags) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(line: &str) -> Option<usize> {
        called_so(line.split(' ').map(OsString::from)).map(|args| args.len())
    }

    #[test]
    fn the_name_of_the_program_decides() {
        assert_eq!(called("epmd"), Some(0));
        assert_eq!(called("/usr/bin/epmd -daemon"), Some(1));
        assert_eq!(called("netkernel epmd -daemon"), None);
        assert_eq!(called("myepmd"), None);
        assert_eq!(called_so(core::iter::empty()), None);
    }
}
