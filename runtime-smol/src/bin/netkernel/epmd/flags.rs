//! The command line of Erlang's daemon: long flags with one dash. The argument parser of the other commands knows no such.

use core::net::IpAddr;
use core::time::Duration;
use std::env;
use std::ffi::{OsStr, OsString};

use netkernel_smol::EpmdConfig;
use netkernel_smol::core::wire::epmd::EPMD_PORT;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Run the daemon.
    Serve(Flags),
    /// Ask the one that runs.
    Ask { port: u16, question: Question },
}

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question {
    Names,
    /// Only the exit code matters.
    Started,
    Dump,
    Kill,
    /// Unregister this node.
    Stop(OsString),
}

/// How the daemon runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    port: u16,
    address: String,
    pub(super) debug: u32,
    /// To be started in the background.
    pub(super) daemon: bool,
    /// In the background by now: how `-daemon` starts itself again.
    pub(super) detached: bool,
    pub(super) systemd: bool,
    relaxed_command_check: bool,
    packet_timeout: Option<Duration>,
    delay_accept: Duration,
    delay_write: Duration,
}

/// The variables that count.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub(super) port: Option<OsString>,
    pub(super) address: Option<OsString>,
    pub(super) relaxed_command_check: bool,
}

/// The command line makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong;

impl Environment {
    pub(super) fn of_process() -> Self {
        Self {
            port: env::var_os("ERL_EPMD_PORT"),
            address: env::var_os("ERL_EPMD_ADDRESS"),
            relaxed_command_check: env::var_os("ERL_EPMD_RELAXED_COMMAND_CHECK").is_some(),
        }
    }
}

/// Reads the arguments behind the program's name. A question must be the last one.
pub(super) fn parse(args: &[OsString], environment: &Environment) -> Result<Action, Wrong> {
    let mut flags = Flags {
        port: environment.port.as_deref().map_or(Ok(EPMD_PORT), number)?,
        address: environment.address.as_deref().map_or(Ok(String::new()), text)?,
        relaxed_command_check: environment.relaxed_command_check,
        ..Flags::default()
    };
    let mut args = args.iter().map(OsString::as_os_str);
    while let Some(flag) = args.next() {
        let question = match text(flag)?.as_str() {
            "-names" => Question::Names,
            "-started" => Question::Started,
            "-dump" => Question::Dump,
            "-kill" => Question::Kill,
            "-stop" => Question::Stop(args.next().ok_or(Wrong)?.into()),
            other => {
                flags.take(other, &mut args)?;
                continue;
            }
        };
        let last = args.next().is_none();
        return last.then_some(Action::Ask { port: flags.port, question }).ok_or(Wrong);
    }
    Ok(Action::Serve(flags))
}

impl Flags {
    /// Takes a flag, and its value from those that follow.
    fn take<'a>(
        &mut self,
        flag: &str,
        rest: &mut impl Iterator<Item = &'a OsStr>,
    ) -> Result<(), Wrong> {
        let mut value = || rest.next().ok_or(Wrong);
        match flag {
            "-d" | "-debug" => self.debug += 1,
            "-daemon" => self.daemon = true,
            "-detached" => self.detached = true,
            "-systemd" => self.systemd = true,
            "-relaxed_command_check" => self.relaxed_command_check = true,
            "-port" => self.port = number(value()?)?,
            "-address" => self.address = text(value()?)?,
            "-packet_timeout" => self.packet_timeout = Some(seconds(value()?)?),
            "-delay_accept" => self.delay_accept = seconds(value()?)?,
            "-delay_write" => self.delay_write = seconds(value()?)?,
            _ => return Err(Wrong),
        }
        Ok(())
    }

    /// Sets what they say. The error is a text for the user.
    pub(super) fn apply(&self, config: &mut EpmdConfig) -> Result<(), String> {
        config.port = self.port;
        config.addresses = addresses(&self.address)?;
        let server = &mut config.server;
        server.relaxed_command_check = self.relaxed_command_check;
        server.delay_accept = self.delay_accept;
        server.delay_write = self.delay_write;
        server.packet_timeout = self.packet_timeout.unwrap_or(server.packet_timeout);
        if self.debug > 0 {
            server.remembered = 5;
        }
        Ok(())
    }
}

/// The addresses of a list. None is all.
fn addresses(list: &str) -> Result<Vec<IpAddr>, String> {
    list.split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().map_err(|_| format!("cannot parse IP address \"{part}\"")))
        .collect()
}

fn text(value: &OsStr) -> Result<String, Wrong> {
    value.to_str().map(str::to_owned).ok_or(Wrong)
}

/// A number above 0.
fn number(value: &OsStr) -> Result<u16, Wrong> {
    value.to_str().and_then(|text| text.trim().parse().ok()).filter(|&port| port > 0).ok_or(Wrong)
}

/// Seconds, more than 0.
fn seconds(value: &OsStr) -> Result<Duration, Wrong> {
    let seconds = value.to_str().and_then(|text| text.trim().parse::<u32>().ok());
    seconds.filter(|&seconds| seconds > 0).map(|s| Duration::from_secs(s.into())).ok_or(Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str, environment: &Environment) -> Result<Action, Wrong> {
        let args: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        parse(&args, environment)
    }

    fn config(line: &str, environment: &Environment) -> EpmdConfig {
        let Ok(Action::Serve(flags)) = parse_line(line, environment) else {
            panic!("{line} runs the daemon")
        };
        let mut config = EpmdConfig::new();
        flags.apply(&mut config).unwrap();
        config
    }

    #[test]
    fn without_arguments_it_is_the_daemon_on_4369() {
        let (config, plain) = (config("", &Environment::default()), EpmdConfig::new());
        assert_eq!((config.port, config.addresses.len()), (4369, 0));
        assert_eq!(config.server, plain.server);
    }

    #[test]
    fn every_flag_is_taken() {
        let line = "-d -port 4370 -address 192.0.2.1,::1 -packet_timeout 5 -delay_accept 1 \
                    -delay_write 2 -relaxed_command_check";
        let config = config(line, &Environment::default());
        assert_eq!((config.port, config.addresses.len()), (4370, 2));
        let server = config.server;
        assert!(server.relaxed_command_check);
        assert_eq!(server.packet_timeout, Duration::from_secs(5));
        assert_eq!(server.delay_accept, Duration::from_secs(1));
        assert_eq!(server.delay_write, Duration::from_secs(2));
        assert_eq!(server.remembered, 5);
        let Ok(Action::Serve(flags)) =
            parse_line("-daemon -debug -d -systemd", &Environment::default())
        else {
            panic!("the daemon")
        };
        assert!(flags.daemon && flags.systemd && !flags.detached);
        assert_eq!(flags.debug, 2);
    }

    #[test]
    fn flags_pass_the_environment() {
        let environment = Environment {
            port: Some("4371".into()),
            address: Some(" 127.0.0.2, ::1".into()),
            relaxed_command_check: true,
        };
        let told = config("", &environment);
        assert_eq!((told.port, told.addresses.len()), (4371, 2));
        assert!(told.server.relaxed_command_check);
        let flagged = config("-port 4370 -address ,", &environment);
        assert_eq!((flagged.port, flagged.addresses.len()), (4370, 0));
    }

    #[test]
    fn a_question_is_the_last_argument() {
        let ask = |line| match parse_line(line, &Environment::default()) {
            Ok(Action::Ask { port, question }) => Some((port, question)),
            Ok(Action::Serve(_)) | Err(Wrong) => None,
        };
        assert_eq!(ask("-names"), Some((4369, Question::Names)));
        assert_eq!(ask("-d -port 4370 -started"), Some((4370, Question::Started)));
        assert_eq!(ask("-dump"), Some((4369, Question::Dump)));
        assert_eq!(ask("-kill"), Some((4369, Question::Kill)));
        assert_eq!(ask("-stop -names"), Some((4369, Question::Stop("-names".into()))));
        assert_eq!(ask("-address x -names"), Some((4369, Question::Names)), "not looked at");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "names",
            "--names",
            "-names -port 4370",
            "-kill -d",
            "-stop",
            "-stop a b",
            "-port",
            "-port 0",
            "-port x",
            "-port 65536",
            "-address",
            "-packet_timeout 0",
            "-delay_accept x",
            "-delay_write",
            "-started -names",
        ] {
            assert_eq!(parse_line(line, &Environment::default()), Err(Wrong), "{line}");
        }
        let environment = Environment { port: Some("x".into()), ..Environment::default() };
        assert_eq!(parse_line("", &environment), Err(Wrong));
        assert_eq!(addresses("1.2.3").unwrap_err(), "cannot parse IP address \"1.2.3\"");
    }
}
