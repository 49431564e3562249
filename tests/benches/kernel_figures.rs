//! Figures of the kernel, printed and, but for the bytes of a link, not asserted: `cargo bench --bench kernel_figures`.
//!
//! Table operations, a round of ticks, the fan-out of an event, and bytes of memory a link, each at three sizes. What takes
//! the same time for each link at every size has the ratio 1.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

mod shared;

use core::hint::black_box;
use std::time::Instant as Clock;

use bytes::Bytes;
use netkernel_core::driver::{Host, Machine as _, turn};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::subscriptions::NodeTypes;
use netkernel_core::net_kernel::{
    Answer, CloseCause, Diagnostic, Endpoint, Input, MonitorOptions, NodeEvent, NodeKinds,
    OptionName, OptsError, Promotion, SocketOption, Target,
};
use netkernel_core::process::Processes;
use netkernel_core::{Creation, LinkId, MailboxId, NodeName, RequestId, StreamId};
use shared::{Kernel, in_use};

const DIFFERENT: [MonitorOptions; 4] = [
    MonitorOptions::LIST,
    MonitorOptions::MAP,
    MonitorOptions::LIST.node_types(NodeTypes::All).connection_id(),
    MonitorOptions::ALL,
];

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() {
    let links = SIZES.map(of_links);
    // As `docs/figures.md` says.
    assert!(links.iter().all(|figures| figures.bytes < 600.0), "a link got heavier");
    report(
        "link",
        &[
            ("bytes in core", "B", links.map(|figures| figures.bytes)),
            ("a link comes up (handshake included)", "ns", links.map(|figures| figures.up)),
            ("connect_node of a known link", "ns", links.map(|figures| figures.connect)),
            ("nodes(), all of them", "ns", links.map(|figures| figures.nodes)),
            ("deadline()", "ns", links.map(|figures| figures.deadline)),
            ("round of ticks", "ns", links.map(|figures| figures.ticks)),
            ("disconnect_node until it is down", "ns", links.map(|figures| figures.disconnect)),
        ],
    );
    let one = SIZES.map(|size| best(|| fan_out(size, &[MonitorOptions::LIST])));
    let four = SIZES.map(|size| best(|| fan_out(size / 4, &DIFFERENT)));
    report(
        "event",
        &[
            ("nodeup, one subscription each", "ns", one),
            ("nodeup, four different ones each", "ns", four),
        ],
    );
}

fn report(unit: &str, figures: &[(&str, &str, [f64; 3])]) {
    println!(
        "{:38}{:>12}{:>12}{:>12}   ratios",
        format!("for one {unit}, of so many:"),
        SIZES[0],
        SIZES[1],
        SIZES[2]
    );
    for (what, measure, [small, medium, large]) in figures {
        println!(
            "{what:38}{small:>9.0} {measure:2}{medium:>9.0} {measure:2}{large:>9.0} {measure:2}   {:.1}, {:.1}",
            medium / small,
            large / medium,
        );
    }
}

/// Each for one link.
#[derive(Clone, Copy)]
struct Figures {
    bytes: f64,
    up: f64,
    connect: f64,
    nodes: f64,
    deadline: f64,
    ticks: f64,
    disconnect: f64,
}

fn of_links(links: usize) -> Figures {
    let mut own = Kernel::alive();
    let mut host = Idle::default();
    let before = in_use();
    let up = each(links, || {
        for number in 0..links {
            own.connect(number);
        }
    });
    let bytes = (in_use() - before) as f64 / links as f64;
    let names: Vec<NodeName> =
        own.kernel.nodes(NodeKinds::CONNECTED).map(|info| info.node).collect();
    assert_eq!(names.len(), links);

    let connect = each(links, || {
        for node in &names {
            own.kernel.connect_node(own.now, node.clone());
            turn(&mut own.kernel, own.now, &mut host);
        }
    });
    assert_eq!(host.answers, links);
    let nodes = each(links, || {
        assert_eq!(black_box(own.kernel.nodes(NodeKinds::CONNECTED)).map(black_box).count(), links);
    });
    let deadline = each(links, || {
        for _ in 0..links {
            black_box(black_box(&own.kernel).deadline());
        }
    });
    let rounds = (200_000 / links).clamp(3, 20);
    let ticks = each(links * rounds, || {
        for _ in 0..rounds {
            own.now = own.kernel.deadline().unwrap();
            run(&mut own, &mut host);
        }
    });
    assert_eq!(host.samples, links * rounds);
    let disconnect = each(links, || {
        for node in &names {
            own.kernel.disconnect_node(own.now, node);
            run(&mut own, &mut host);
            let stream = host.closed.take().unwrap();
            own.kernel.handle(own.now, Input::Closed { stream, cause: CloseCause::Local });
            run(&mut own, &mut host);
        }
    });
    assert_eq!((host.answers, own.kernel.nodes(NodeKinds::CONNECTED).count()), (2 * links, 0));
    Figures { bytes, up, connect, nodes, deadline, ticks, disconnect }
}

/// Nanoseconds for each event when a node comes up before so many subscribers.
fn fan_out(subscribers: usize, subscriptions: &[MonitorOptions]) -> f64 {
    let mut own = Kernel::new();
    let mut processes = Processes::new();
    for _ in 0..subscribers {
        let mailbox = processes.spawn_mailbox();
        for &options in subscriptions {
            own.kernel.monitor_nodes(mailbox, true, options);
        }
    }
    let mut host = Idle::default();
    let events = subscribers * subscriptions.len();
    let told = each(events, || {
        own.start();
        run(&mut own, &mut host);
    });
    assert_eq!(host.events, events);
    told
}

/// The least of a few measurements.
fn best(measure: impl Fn() -> f64) -> f64 {
    (0..5).map(|_| measure()).fold(f64::INFINITY, f64::min)
}

/// Turns until nothing is left to be done at this moment.
fn run(own: &mut Kernel, host: &mut Idle) {
    while turn(&mut own.kernel, own.now, host).is_some_and(|wake| wake <= own.now) {}
}

/// Nanoseconds for each of `count`.
fn each(count: usize, work: impl FnOnce()) -> f64 {
    let began = Clock::now();
    work();
    began.elapsed().as_nanos() as f64 / count as f64
}

/// A host that counts, and whose peers are never silent.
#[derive(Default)]
struct Idle {
    answers: usize,
    events: usize,
    samples: usize,
    closed: Option<StreamId>,
}

impl Host for Idle {
    fn listen(&mut self) {}
    fn unlisten(&mut self) {}
    fn open(&mut self, _: StreamId, _: Target) {}
    fn read(&mut self, _: StreamId) {}
    fn transmit(&mut self, _: StreamId, _: Bytes) {}
    fn attempting(&mut self, _: NodeName, _: LinkId) {}
    fn alive(&mut self, _: NodeName, _: Creation) {}
    fn not_alive(&mut self) {}
    fn promote(&mut self, _: StreamId, _: Promotion) {}
    fn tick(&mut self, _: StreamId) {}
    fn disconnected(&mut self, _: NodeName, _: LinkId, _: bool) {}
    fn diagnostic(&mut self, _: Diagnostic) {}

    fn event(&mut self, _: MailboxId, event: NodeEvent) {
        self.events += 1;
        black_box(event);
    }

    fn sample(&mut self, _: StreamId) -> Option<Traffic> {
        self.samples += 1;
        Some(Traffic { received: self.samples as u64, ..Traffic::default() })
    }

    fn setopts(&mut self, _: Endpoint, _: &[SocketOption]) -> Result<(), OptsError> {
        Ok(())
    }

    fn getopts(&mut self, _: StreamId, _: &[OptionName]) -> Result<Vec<SocketOption>, OptsError> {
        Ok(Vec::new())
    }

    fn close(&mut self, stream: StreamId, _: bool) {
        self.closed = Some(stream);
    }

    fn answer(&mut self, _: RequestId, _: Answer) {
        self.answers += 1;
    }
}
