//! Questions to a daemon that runs, with the words and exit codes of Erlang's (`epmd_cli.c`).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ffi::OsStr;
use std::io::{self, Read as _, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use super::flags::Question;
use super::say;

/// The longest name that is sent.
const NAME_MAX: usize = 1000;

/// Asks the daemon of this host, and prints what it says.
pub(super) fn ask(port: u16, question: &Question) -> ExitCode {
    let mut out = io::stdout().lock();
    let done = match question {
        Question::Names => list(port, b'n', &mut out),
        Question::Dump => list(port, b'd', &mut out),
        Question::Started => list(port, b'n', &mut io::sink()),
        Question::Kill => kill(port, &mut out),
        Question::Stop(name) => stop(port, name, &mut out),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        // Who reads our output may have enough of it.
        Ok(false) | Err(Failed::Output) => ExitCode::FAILURE,
        Err(Failed::NoDaemon) => {
            if *question != Question::Started {
                say("Cannot connect to local epmd");
            }
            ExitCode::FAILURE
        }
    }
}

enum Failed {
    NoDaemon,
    Output,
}

impl From<io::Error> for Failed {
    fn from(_: io::Error) -> Self {
        Self::Output
    }
}

/// Prints what is listed, as it comes.
fn list(port: u16, opcode: u8, out: &mut impl Write) -> Result<bool, Failed> {
    let mut daemon = send(port, opcode, &[])?;
    let mut told = [0; 4];
    if daemon.read_exact(&mut told).is_err() {
        writeln!(out, "epmd: no response from local epmd")?;
        return Ok(false);
    }
    let told = u32::from_be_bytes(told);
    writeln!(out, "epmd: up and running on port {told} with data:")?;
    io::copy(&mut daemon, out)?;
    Ok(true)
}

fn kill(port: u16, out: &mut impl Write) -> Result<bool, Failed> {
    let mut answer = [0; 2];
    if !answered(send(port, b'k', &[])?, &mut answer, out)? {
        return Ok(false);
    }
    let killed = answer == *b"OK";
    let words = if killed { "Killed" } else { "Killing not allowed - living nodes in database." };
    writeln!(out, "{words}")?;
    Ok(killed)
}

fn stop(port: u16, name: &OsStr, out: &mut impl Write) -> Result<bool, Failed> {
    let name = name.as_encoded_bytes();
    if name.len() > NAME_MAX {
        write!(out, "epmd: Name too long!")?;
        return Ok(false);
    }
    let mut answer = [0; 7];
    let answered = answered(send(port, b's', name)?, &mut answer, out)?;
    if answered {
        out.write_all(&answer)?;
        writeln!(out)?;
    }
    Ok(answered)
}

/// Waits for the whole answer. Where there is none, it says so.
fn answered(
    mut daemon: TcpStream,
    answer: &mut [u8],
    out: &mut impl Write,
) -> Result<bool, Failed> {
    match daemon.read_exact(answer) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            writeln!(out, "epmd: local epmd responded with <>")?;
        }
        Err(_) => writeln!(out, "epmd: failed to read answer from local epmd")?,
    }
    Ok(false)
}

/// Dials the daemon and sends it a request.
fn send(port: u16, opcode: u8, body: &[u8]) -> Result<TcpStream, Failed> {
    let loopback = [IpAddr::from(Ipv6Addr::LOCALHOST), Ipv4Addr::LOCALHOST.into()];
    let dialled = loopback.into_iter().find_map(|ip| TcpStream::connect((ip, port)).ok());
    let mut daemon = dialled.ok_or(Failed::NoDaemon)?;
    let length = u16::try_from(1 + body.len()).unwrap_or(u16::MAX);
    let request = [&length.to_be_bytes()[..], &[opcode], body].concat();
    // If it is gone, the answer fails, too.
    let _ = daemon.write_all(&request);
    Ok(daemon)
}
