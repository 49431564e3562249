//! A private EPMD daemon: Erlang's or ours.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use super::{GIVE_UP, Release, free_port};
use crate::command;
use core::time::Duration;

/// An EPMD on a loopback port of its own, killed on drop.
#[derive(Debug)]
pub struct Epmd {
    child: Child,
    port: u16,
}

impl Epmd {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If none starts.
    #[must_use]
    pub fn start(release: Release) -> Self {
        Self::start_with(release, &[])
    }

    /// The same with more options on the command line.
    ///
    /// # Panics
    /// If none starts.
    #[must_use]
    pub fn start_with(release: Release, options: &[&str]) -> Self {
        Self::of(&theirs(release), options)
    }

    /// Starts `netkernel epmd` on a free port.
    ///
    /// # Panics
    /// If it cannot be built, or does not start.
    #[must_use]
    pub fn ours(options: &[&str]) -> Self {
        Self::of(&ours, options)
    }

    /// Starts this program on a free port.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn of(program: &dyn Fn() -> Command, options: &[&str]) -> Self {
        (0..10)
            .find_map(|_| Self::launch(program(), free_port(), options))
            .expect("one of ten free ports")
    }

    /// Starts one on `port`: the successor of one that was dropped. Somebody's outgoing connection may have the port for a
    /// moment.
    ///
    /// # Panics
    /// If the port stays taken.
    #[must_use]
    pub fn start_at(release: Release, port: u16) -> Self {
        Self::start_program_at(&theirs(release), port)
    }

    /// The same for `netkernel epmd`.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn ours_at(port: u16) -> Self {
        Self::start_program_at(&ours, port)
    }

    fn start_program_at(program: &dyn Fn() -> Command, port: u16) -> Self {
        let begin = Instant::now();
        loop {
            if let Some(epmd) = Self::launch(program(), port, &[]) {
                return epmd;
            }
            assert!(begin.elapsed() < GIVE_UP, "port {port} is taken");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process, for [`super::signal`].
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended by itself; its exit code.
    ///
    /// # Panics
    /// If it runs on.
    pub fn wait_end(&mut self) -> Option<i32> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status.code();
            }
            assert!(begin.elapsed() < GIVE_UP, "epmd on port {} runs on", self.port);
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The text that it answers to NAMES: a line `name a at port 40001` for each node.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn names(&self) -> String {
        names(self.port).expect("EPMD answers NAMES")
    }

    /// `None` if the port is taken: the daemon then ends, and says that all is well.
    fn launch(mut program: Command, port: u16, options: &[&str]) -> Option<Self> {
        let child = program
            .args(["-address", "127.0.0.1", "-port", &port.to_string()])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("epmd runs");
        let mut epmd = Self { child, port };
        let begin = Instant::now();
        loop {
            let answers = names(port).is_ok();
            if epmd.child.try_wait().expect("its state").is_some() {
                return None;
            }
            if answers {
                return Some(epmd);
            }
            assert!(begin.elapsed() < GIVE_UP, "epmd on port {port} does not answer");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Epmd {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn theirs(release: Release) -> impl Fn() -> Command {
    move || Command::new(release.program("epmd"))
}

fn ours() -> Command {
    let mut command = Command::new(command::program());
    command.arg("epmd");
    command
}

/// What the EPMD at this port answers to NAMES.
///
/// # Errors
/// There is none, or it gives no answer.
pub fn names(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(GIVE_UP))?;
    stream.write_all(&[0, 1, b'n'])?;
    let mut port_number = [0; 4];
    stream.read_exact(&mut port_number)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    _ = stream.shutdown(Shutdown::Both);
    Ok(text)
}
