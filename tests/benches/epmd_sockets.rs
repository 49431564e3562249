//! Figures of the EPMD services over real sockets, printed and not asserted: `cargo bench --bench epmd_sockets`.
//!
//! Each service runs in a process of its own, which is this program once more. 20,000 names are registered, or as many
//! as the limit of open files allows.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

use core::net::Ipv4Addr;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant as Clock;

use futures_lite::future::block_on;
use netkernel_blocking::EpmdConfig;
use netkernel_core::wire::epmd::{Entry, Extra, Name, PortInfo, Request};
use rustix::process::{Resource, getrlimit, setrlimit};

const NAMES: usize = 20_000;
/// The figures at the beginning and at the end are of so many each.
const PART: usize = 1_000;
/// Tells the child which runtime it is.
const RUNTIME: &str = "NETKERNEL_BENCH_RUNTIME";

fn main() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    if let Some(runtime) = env::var_os(RUNTIME) {
        return serve(runtime.to_str().unwrap());
    }
    let allowed = limit.maximum.map_or(NAMES, |files| files as usize - 100);
    let names = NAMES.min(allowed);
    if names < NAMES {
        println!("{names} names: the limit of open files allows no {NAMES} (ulimit -Hn)");
    }
    for runtime in ["blocking", "smol"] {
        measure(runtime, names);
    }
}

/// The child: serves until it is killed.
fn serve(runtime: &str) {
    let mut config = EpmdConfig::new();
    config.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    config.port = 0;
    if runtime == "smol" {
        let server = netkernel_smol::EpmdServer::bind(&config).unwrap();
        println!("{}", server.port());
        block_on(server.run()).unwrap();
    } else {
        let server = netkernel_blocking::EpmdServer::bind(&config).unwrap();
        println!("{}", server.port());
        server.run().unwrap();
    }
}

struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn start(runtime: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .env(RUNTIME, runtime)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    /// Asks, reads what is wanted of the answer, and says how many microseconds that took. Dialling does not count: with so
    /// many connections to one port the operating system searches long for the next free one.
    fn ask<R>(&self, request: &[u8], read: impl FnOnce(&mut TcpStream) -> R) -> (TcpStream, f64) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let began = Clock::now();
        socket.write_all(request).unwrap();
        read(&mut socket);
        (socket, began.elapsed().as_nanos() as f64 / 1000.0)
    }

    fn register(&self, number: usize) -> (TcpStream, f64) {
        let info = PortInfo { port: 4001, node_type: 77, protocol: 0, highest: 6, lowest: 5 };
        let name = format!("node{number}");
        let name = Name::new(name.as_bytes()).unwrap();
        let request = Request::Alive2(Entry { info, name, extra: Extra::default() });
        let mut answer = [0; 6];
        let asked = self.ask(&request.to_bytes(), |socket| socket.read_exact(&mut answer).unwrap());
        assert_eq!(answer[..2], *b"v\0", "{number} is registered");
        asked
    }

    fn look_up(&self, number: usize) -> f64 {
        let name = format!("node{number}");
        let request = Request::PortPlease2 { name: Name::new(name.as_bytes()).unwrap() };
        let mut answer = Vec::new();
        let (_, time) =
            self.ask(&request.to_bytes(), |socket| socket.read_to_end(&mut answer).unwrap());
        assert_eq!(answer[..2], *b"w\0", "{number} is found");
        time
    }

    /// Resident memory in bytes; `None` where the operating system does not tell it so.
    fn memory(&self) -> Option<usize> {
        let pages = fs::read_to_string(format!("/proc/{}/statm", self.child.id())).ok()?;
        Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure(runtime: &str, names: usize) {
    let daemon = Daemon::start(runtime);
    let before = daemon.memory();
    let mut held = Vec::new();
    let (mut registered, mut found) = (Vec::new(), Vec::new());
    for first in (0..names).step_by(PART) {
        let part = first..names.min(first + PART);
        let (sockets, times): (Vec<_>, Vec<_>) =
            part.clone().map(|number| daemon.register(number)).unzip();
        held.extend(sockets);
        registered.push(median(times));
        if first == 0 || part.end == names {
            found.push(median(part.map(|number| daemon.look_up(number)).collect()));
        }
    }
    let mut text = Vec::new();
    let (_, listing) = daemon.ask(b"\0\x01n", |socket| socket.read_to_end(&mut text).unwrap());
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), names);
    println!("{runtime}, {names} names:");
    println!(
        "  a registration {:>7.0} us at first, {:.0} us at last",
        registered[0],
        registered[registered.len() - 1]
    );
    println!(
        "  a look-up      {:>7.0} us at first, {:.0} us at last",
        found[0],
        found[found.len() - 1]
    );
    println!("  all names      {listing:>7.0} us");
    if let (Some(before), Some(after)) = (before, daemon.memory()) {
        println!("  memory         {:>7} B of each name", after.saturating_sub(before) / names);
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
