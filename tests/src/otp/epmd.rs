//! A private EPMD daemon.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use super::{GIVE_UP, Release, free_port};
use core::time::Duration;

/// Erlang's own EPMD on a loopback port of its own, killed on drop.
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
        (0..10)
            .find_map(|_| Self::launch(release, free_port(), options))
            .expect("one of ten ports that were free a moment ago")
    }

    /// Starts one on `port`: the successor of one that was dropped. Somebody's outgoing connection may have the port for a
    /// moment.
    ///
    /// # Panics
    /// If the port stays taken.
    #[must_use]
    pub fn start_at(release: Release, port: u16) -> Self {
        let begin = Instant::now();
        loop {
            if let Some(epmd) = Self::launch(release, port, &[]) {
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

    /// The text that it answers to NAMES: a line `name a at port 40001` for each node.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn names(&self) -> String {
        names(self.port).expect("EPMD answers NAMES")
    }

    /// `None` if the port is taken: the daemon then ends, and says that all is well.
    fn launch(release: Release, port: u16, options: &[&str]) -> Option<Self> {
        let child = Command::new(release.program("epmd"))
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

fn names(port: u16) -> io::Result<String> {
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
