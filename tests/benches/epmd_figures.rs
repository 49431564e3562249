//! Figures of the EPMD daemon, printed and not asserted: `cargo bench --bench epmd_figures`.
//!
//! What one request costs at 100 and at 20,000 registered names, and the ratio. What is found in trees has a ratio of about 2,
//! by their depth, and more where caches end; a walk through all names would have 200.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

mod shared;

use core::hint::black_box;
use std::time::Instant as Clock;

use bytes::Bytes;
use netkernel_core::driver::Machine as _;
use netkernel_core::epmd_server::{Config, Server};
use netkernel_core::net_kernel::{CloseCause, Input, Output};
use netkernel_core::wire::epmd::{Entry, Extra, Name, PortInfo, Request};
use netkernel_core::{Entropy, Instant, StreamId};
use shared::in_use;

const SIZES: [usize; 2] = [100, 20_000];

fn main() {
    // The sizes in turn, so that what else the machine does falls on both.
    let mut least = SIZES.map(|_| Figures([f64::INFINITY; 5]));
    for _ in 0..5 {
        for (least, size) in least.iter_mut().zip(SIZES) {
            let figures = measure(size);
            least.0 = core::array::from_fn(|at| least.0[at].min(figures.0[at]));
        }
    }
    let [small, large] = least;
    println!("{:30}{:>12}{:>12}   ratio", "of so many names:", SIZES[0], SIZES[1]);
    let what = [
        ("registration", "ns"),
        ("look-up", "ns"),
        ("end and new registration", "ns"),
        ("names, for each name", "ns"),
        ("memory of a name", "B"),
    ];
    for (at, (what, unit)) in what.into_iter().enumerate() {
        let (small, large) = (small.0[at], large.0[at]);
        println!("{what:30}{small:>9.0} {unit:2}{large:>9.0} {unit:2}   {:.1}", large / small);
    }
}

/// In the order in which they are printed.
struct Figures([f64; 5]);

fn measure(size: usize) -> Figures {
    let mut daemon = Daemon::new(size + 1);
    let requests: Vec<Bytes> = (0..size).map(alive2).collect();
    let before = in_use();
    let mut streams = Vec::new();
    let registration = each(size, || {
        streams.extend(requests.iter().map(|request| daemon.ask(request)));
    });
    assert!(streams.iter().all(|stream| stream.is_some()), "every name is registered");
    let memory = (in_use() - before) as f64 / size as f64;

    let repeats = (20_000 / size).max(1);
    let questions: Vec<Bytes> = (0..size).map(port_please).collect();
    let look_up = each(size * repeats, || {
        for question in questions.iter().cycle().take(size * repeats) {
            assert!(daemon.ask(question).is_none());
        }
    });
    let again = each(size * repeats, || {
        for at in (0..size).cycle().take(size * repeats) {
            daemon.leave(streams[at].unwrap());
            streams[at] = daemon.ask(&requests[at]);
        }
    });
    let names = Request::Names.to_bytes();
    let listing = each(size * repeats, || {
        for _ in 0..repeats {
            black_box(daemon.ask(&names));
        }
    });
    Figures([registration, look_up, again, listing, memory])
}

struct Daemon(Server);

impl Daemon {
    fn new(connections: usize) -> Self {
        let mut server = Server::new(Config { connections, ..Config::default() });
        server.handle(Instant::ORIGIN, Input::Listening { port: 4369 });
        while server.poll().is_some() {}
        Self(server)
    }

    /// A client that asks this and is answered: its stream, if it stays open.
    fn ask(&mut self, request: &Bytes) -> Option<StreamId> {
        let stream = self.0.mint_stream();
        let entropy = Entropy::new([0; 16]);
        self.0.handle(Instant::ORIGIN, Input::Accepted { stream, entropy, local: true });
        self.0.handle(Instant::ORIGIN, Input::Received { stream, bytes: request.clone() });
        let (mut answered, mut open) = (false, true);
        while let Some(output) = self.0.poll() {
            answered |= matches!(output, Output::Transmit { .. });
            open &= !matches!(output, Output::Close { .. });
        }
        assert!(answered);
        if open {
            return Some(stream);
        }
        self.0.handle(Instant::ORIGIN, Input::Closed { stream, cause: CloseCause::Local });
        None
    }

    fn leave(&mut self, stream: StreamId) {
        self.0.handle(Instant::ORIGIN, Input::Closed { stream, cause: CloseCause::Eof });
        while self.0.poll().is_some() {}
    }
}

fn alive2(number: usize) -> Bytes {
    let info = PortInfo { port: 4001, node_type: 77, protocol: 0, highest: 6, lowest: 5 };
    let name = format!("node{number}");
    let name = Name::new(name.as_bytes()).unwrap();
    Request::Alive2(Entry { info, name, extra: Extra::default() }).to_bytes()
}

fn port_please(number: usize) -> Bytes {
    let name = format!("node{number}");
    Request::PortPlease2 { name: Name::new(name.as_bytes()).unwrap() }.to_bytes()
}

/// Nanoseconds for each of `count`.
fn each(count: usize, work: impl FnOnce()) -> f64 {
    let began = Clock::now();
    work();
    began.elapsed().as_nanos() as f64 / count as f64
}
