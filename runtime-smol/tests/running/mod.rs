//! The `netkernel` command as a child.
#![allow(dead_code, unreachable_pub, reason = "each test binary has its own copy, and uses a part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

pub fn command(args: &str, epmd_port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netkernel"));
    command
        .args(args.split(' '))
        .env("ERL_EPMD_PORT", epmd_port.to_string())
        .env_remove("RUST_LOG");
    command
}

pub fn run(args: &str, epmd_port: u16) -> Output {
    command(args, epmd_port).stdin(Stdio::null()).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running `netkernel node`, killed at the end if it still runs.
pub struct Running {
    pub child: Child,
    /// Its standard output, until nobody reads that any more.
    pub lines: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(args: &str, epmd_port: u16) -> Self {
        let mut child = command(args, epmd_port)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// The next object that is no diagnostic.
    pub fn object(&mut self) -> Value {
        loop {
            let object: Value = serde_json::from_str(&self.line()).unwrap();
            if object["event"] != "diagnostic" {
                return object;
            }
        }
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Its exit code and what it wrote to standard error.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
