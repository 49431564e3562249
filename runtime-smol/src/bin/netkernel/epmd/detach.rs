//! `-daemon`: the program starts itself once more, without what binds it to whoever called it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

/// Starts the daemon with these arguments, and returns when its port is open, so that it can be asked at once.
pub(super) fn start(args: &[OsString]) -> io::Result<ExitCode> {
    let detached = args.iter().map(|arg| match arg.to_str() {
        Some("-daemon") => OsStr::new("-detached"),
        Some(_) | None => arg,
    });
    let mut child = Command::new(env::current_exe()?)
        .arg0("epmd")
        .args(detached)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut told = Vec::new();
    if let Some(output) = &mut child.stdout {
        output.take(1).read_to_end(&mut told)?;
    }
    if !told.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    // It has ended, and has said why: there may be a daemon already.
    Ok(if child.wait()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the started one does when its port is open: it leaves session and directory, tells who waits for it, and lets
/// go of their output.
pub(super) fn settle() -> io::Result<()> {
    rustix::process::setsid()?;
    env::set_current_dir("/")?;
    let nothing = OpenOptions::new().write(true).open("/dev/null")?;
    io::stdout().write_all(b"!")?;
    io::stdout().flush()?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}
