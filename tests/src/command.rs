//! The `netkernel` command, or an example, as a process.

use core::time::Duration;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::GIVE_UP;
use crate::log::Log;
use crate::otp::{Signal, signal};

/// A running command or example. Killed on drop.
#[derive(Debug)]
pub struct Netkernel {
    child: Child,
    input: Option<ChildStdin>,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
}

impl Netkernel {
    /// Starts `netkernel ARGUMENTS...` with pipes, and `home` for its home directory.
    ///
    /// # Panics
    /// If it cannot be built or run.
    #[must_use]
    pub fn start(home: &Path, arguments: &[&str]) -> Self {
        Self::start_in(home, &[], arguments)
    }

    /// The same with these variables in its environment.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn start_in(home: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = command(home, arguments);
        command.envs(variables.iter().copied());
        Self::spawn(command)
    }

    /// Starts this example, with the EPMD at this port. It is built as the whole suite is, so that there all is built already.
    ///
    /// # Panics
    /// If it cannot be built or run.
    #[must_use]
    pub fn example(name: &str, epmd_port: u16, arguments: &[&str]) -> Self {
        let mut command =
            Command::new(build(&["--workspace", "--all-features", "--example", name]));
        command.env("ERL_EPMD_PORT", epmd_port.to_string()).args(arguments);
        Self::spawn(command)
    }

    /// The same, with `home` for its home directory.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn example_at_home(home: &Path, name: &str, epmd_port: u16) -> Self {
        let mut command =
            Command::new(build(&["--workspace", "--all-features", "--example", name]));
        command.env("ERL_EPMD_PORT", epmd_port.to_string()).env("HOME", home);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command runs");
        let log = Arc::new(Log::default());
        let readers = vec![
            follow(child.stdout.take().expect("it is piped"), &log, true),
            follow(child.stderr.take().expect("it is piped"), &log, false),
        ];
        Self { input: child.stdin.take(), child, log, readers }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    /// If it does not read any more.
    pub fn say(&mut self, line: impl AsRef<[u8]>) {
        let (line, input) = (line.as_ref(), self.input.as_mut().expect("the input is open"));
        let said = input.write_all(line).and_then(|()| input.write_all(b"\n"));
        said.unwrap_or_else(|error| {
            panic!("{}: {error}\n{}", line.escape_ascii(), self.log.lock())
        });
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for a line of its standard output after those that were waited for before. Lines on the way are passed over.
    ///
    /// # Panics
    /// If it does not come.
    pub fn wait_line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let found = self.log.wait(what, GIVE_UP, |said| {
            let at =
                said.passed + said.events[said.passed..].iter().position(|line| wanted(line))?;
            said.passed = at + 1;
            Some(said.events[at].clone())
        });
        found.unwrap_or_else(|why| panic!("{why}"))
    }

    /// The lines of its standard output so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().events.clone()
    }

    /// Waits for its end: how it ended, and all that it printed.
    ///
    /// # Panics
    /// If it runs on.
    #[must_use]
    pub fn wait_end(&mut self) -> (ExitStatus, Vec<String>) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                break status;
            }
            assert!(begin.elapsed() < GIVE_UP, "the command runs on\n{}", self.log.lock());
            thread::sleep(Duration::from_millis(10));
        };
        self.readers.drain(..).for_each(|reader| reader.join().expect("no panic in a reader"));
        (status, self.log.lock().events.clone())
    }
}

impl Drop for Netkernel {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Runs `netkernel ARGUMENTS...` to its end, without input.
///
/// # Panics
/// If it cannot be built or run.
#[must_use]
pub fn run(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).stdin(Stdio::null()).output().expect("the command runs")
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().env("HOME", home).args(arguments);
    command
}

/// Builds the command, once in a process.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn program() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        build(&["--package", "netkernel-smol", "--bin", "netkernel", "--features", "cli"])
    })
}

/// Builds a program. Cargo says where it is.
fn build(which: &[&str]) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Command::new(cargo)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .args(["build", "--quiet", "--locked", "--message-format", "json"])
        .args(which)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    let told = String::from_utf8(build.stdout).expect("JSON");
    let path = told.rsplit_once("\"executable\":\"").and_then(|(_, rest)| rest.split('"').next());
    PathBuf::from(path.unwrap_or_else(|| panic!("cargo has built no program: {told}")))
}

/// Logs the lines of one output.
fn follow(output: impl Read + Send + 'static, log: &Arc<Log>, is_standard: bool) -> JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            log.add(|said| {
                if is_standard { &mut said.events } else { &mut said.output }.push(line)
            });
        }
        if is_standard {
            log.add(|said| said.ended = true);
        }
    })
}
