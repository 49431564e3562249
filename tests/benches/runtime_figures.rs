//! What a link costs in each runtime, printed and not asserted:
//! `ulimit -n 8192; cargo bench -p netkernel-tests --bench runtime_figures`. Linux only: it reads `/proc`.
//!
//! Nodes of one process are linked, each with each. Both ends of a link are in the process, so what is measured is halved.
//! Each measurement has a process of its own, since memory that was used once is not given back.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use core::time::Duration;
use std::process::Command;
use std::time::Instant;
use std::{env, fs, thread};

use netkernel_blocking::NodeKinds;
use netkernel_blocking::core::net_kernel::NetTicktime;
use netkernel_tests::runtime::{Mailbox, Node, Runtime};
use support::{Epmd, eventually, name, next_message, term};

/// Nodes that have about 100 and about 1000 links with each other.
const CLUSTERS: [usize; 2] = [15, 46];
const IDLE: Duration = Duration::from_secs(8);
const ROUNDS: u32 = 5_000;
const MESSAGES: u32 = 300_000;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, child, runtime, nodes] = arguments.as_slice()
        && child == "measure"
    {
        let runtime = if runtime == "smol" { Runtime::Smol } else { Runtime::Blocking };
        return runtime.test(|| measure(nodes.parse().unwrap()));
    }
    for nodes in [2, CLUSTERS[0], CLUSTERS[1]] {
        for runtime in ["blocking", "smol"] {
            let nodes = nodes.to_string();
            let mut child = Command::new(env::current_exe().unwrap());
            let status = child.args(["measure", runtime, &nodes]).status().unwrap();
            assert!(status.success(), "{runtime}, {nodes} nodes: {status}");
        }
    }
}

fn measure(nodes: usize) {
    let epmd = Epmd::start();
    let cluster: Vec<_> = (0..nodes).map(|number| start(&epmd, number)).collect();
    let runtime = Runtime::current();
    if let [(a, a_box), (_, b_box)] = cluster.as_slice() {
        a.connect_node(name(&name_of(1))).unwrap();
        println!("{runtime:?}, one link: {}, {}", round_trips(a_box, b_box), flood(a_box, b_box));
        return;
    }
    thread::sleep(Duration::from_millis(500));
    let before = Usage::now();
    for (at, (node, _)) in cluster.iter().enumerate() {
        for other in at + 1..nodes {
            node.connect_node(name(&name_of(other))).unwrap();
        }
    }
    let linked = |(node, _): &(Node, Mailbox)| node.nodes(NodeKinds::CONNECTED).len() == nodes - 1;
    eventually("all are linked", || cluster.iter().all(linked));
    thread::sleep(Duration::from_millis(500));
    let linked = Usage::now();
    thread::sleep(IDLE);
    let idle = Usage::now();
    let ends = nodes * (nodes - 1);
    let cpu = (idle.cpu - linked.cpu).as_secs_f64() / IDLE.as_secs_f64();
    println!(
        "{runtime:?}, {} links: {} bytes resident, {} KiB of addresses and {:.1} threads a link and end; \
         {:.1} % of a processor for a tick a second on each of 1000 ends",
        ends / 2,
        (linked.resident - before.resident) / ends,
        (linked.addresses - before.addresses) / ends / 1024,
        (linked.threads - before.threads) as f64 / ends as f64,
        cpu * 100.0 * 1000.0 / ends as f64,
    );
}

fn name_of(number: usize) -> String {
    format!("n{number}@127.0.0.1")
}

/// A node that ticks each second.
fn start(epmd: &Epmd, number: usize) -> (Node, Mailbox) {
    let mut config = epmd.config();
    config.kernel.net_ticktime = NetTicktime::new(4, 4).unwrap();
    let node = Node::new(config).unwrap();
    node.start(support::visible(&name_of(number))).unwrap();
    let mailbox = node.mailbox();
    (node, mailbox)
}

/// The median time for a message and its answer.
fn round_trips(a: &Mailbox, b: &Mailbox) -> String {
    let (to_a, to_b) = (a.pid().unwrap(), b.pid().unwrap());
    let times = thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                b.send(&to_a, next_message(b)).unwrap();
            }
        });
        let round = || {
            let begin = Instant::now();
            a.send(&to_b, term(b"hello")).unwrap();
            next_message(a);
            begin.elapsed()
        };
        let mut times: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
        times.sort();
        times
    });
    format!("round trip {:?}", times[times.len() / 2])
}

/// How many small messages a second go one way.
fn flood(a: &Mailbox, b: &Mailbox) -> String {
    let to = b.pid().unwrap();
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| (0..MESSAGES).for_each(|_| a.send(&to, term(b"hello")).unwrap()));
        (0..MESSAGES).for_each(|_| drop(next_message(b)));
    });
    let rate = f64::from(MESSAGES) / begin.elapsed().as_secs_f64();
    format!("{:.0} messages a second", rate)
}

/// What this process uses.
struct Usage {
    resident: usize,
    addresses: usize,
    threads: usize,
    cpu: Duration,
}

impl Usage {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| -> usize {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
        };
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        // In hundredths of a second, behind the name in brackets: user time is the 12th, system time the 13th.
        let times = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2);
        let ticks: u64 = times.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Self {
            resident: field("VmRSS") * 1024,
            addresses: field("VmSize") * 1024,
            threads: field("Threads"),
            cpu: Duration::from_millis(ticks * 10),
        }
    }
}
