//! Figures of the simulator, printed and not asserted: `cargo bench --bench sim_figures`.
//!
//! Simulated hours a second for small clusters, idle and violent, before all oracles; a full mesh at four sizes; a star of 10,000.
//! Times are those of the processor, so that other programs disturb them less. All is of one seed.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails by panicking"
)]

mod shared;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use netkernel_tests::sim::choice::Prng;
use netkernel_tests::sim::observe::{Kinds, Oracle, Seen};
use netkernel_tests::sim::oracles;
use netkernel_tests::sim::plan::{HOUR, Plan, SECOND, Topology};
use netkernel_tests::sim::run::{Audience, Report, run};
use netkernel_tests::sim::trace::Tracing;
use netkernel_tests::sim::world::World;
use rustix::time::{ClockId, clock_gettime};
use shared::in_use;

const SEED: u64 = 1;
/// All links are up long before.
const UP: u64 = 60 * SECOND;
/// Ticks of a measurement, about.
const TICKS: u64 = 5_000_000;

fn main() {
    println!("clusters of five, before all oracles");
    clusters("idle", Plan { safety_ns: 500 * HOUR, ..Plan::calm(5, Topology::Mesh) });
    clusters("violent", Plan { safety_ns: 10 * HOUR, ..Plan::violent(5) });

    println!("full mesh, idle; ratios to the size before");
    let mut before: Option<Growth> = None;
    for nodes in [50, 100, 200, 400] {
        let links = nodes * (nodes - 1) / 2;
        let rounds = TICKS.div_ceil(2 * links as u64);
        let growth = grow(&Plan::calm(nodes, Topology::Mesh), links, rounds * 15 * SECOND);
        let one = before.as_ref().unwrap_or(&growth);
        println!(
            "{nodes:5} nodes {links:6} links: up in {:6.2} s, a tick of a link {:5.0} ns ({:.2}), a link {:6.0} B ({:.2}), \
             a day {:6.1} s",
            growth.up,
            growth.tick * 1e9,
            growth.tick / one.tick,
            growth.bytes,
            growth.bytes / one.bytes,
            growth.tick * (2 * links * 24 * 3600 / 15) as f64,
        );
        before = Some(growth);
    }

    let star = grow(&Plan::calm(10_001, Topology::Star), 10_000, HOUR);
    println!(
        "star, 10,000 links of one hub: up in {:.2} s, a tick of a link {:.0} ns, a link {:.0} B (with the node and the EPMD behind \
         it), an hour {:.1} s",
        star.up,
        star.tick * 1e9,
        star.bytes,
        star.tick * (2 * 10_000 * 240) as f64,
    );
}

fn clusters(what: &str, plan: Plan) {
    let hours = plan.safety_ns / HOUR;
    let (seconds, report) = timed(plan, oracles::all());
    println!(
        "{what:>8}: {:.0} simulated hours a second, {:.0} ns an event",
        hours as f64 / seconds,
        seconds / report.counts.events as f64 * 1e9,
    );
}

/// Each for one link, in seconds or bytes.
struct Growth {
    /// All links.
    up: f64,
    tick: f64,
    bytes: f64,
}

/// How long a cluster takes to come up, and then for each tick in `idle` nanoseconds: the difference of two runs.
fn grow(plan: &Plan, links: usize, idle: u64) -> Growth {
    let probe = Probe::default();
    let least = in_use();
    let short = Plan { safety_ns: UP, ..plan.clone() };
    let (up, begun) = timed(short, vec![Box::new(probe.clone())]);
    let bytes = probe.0.load(Ordering::Relaxed) - least;
    let long = Plan { safety_ns: UP + idle, ..plan.clone() };
    let (all, ended) = timed(long, vec![Box::new(probe)]);
    let ticks = ended.counts.ticks - begun.counts.ticks;
    Growth { up, tick: (all - up) / ticks as f64, bytes: bytes as f64 / links as f64 }
}

/// Seconds of this thread's processor.
fn timed(plan: Plan, oracles: Vec<Box<dyn Oracle>>) -> (f64, Report) {
    let began = clock();
    let audience = Audience { oracles, tracing: Tracing::OFF, sink: &mut |_| {} };
    let report = run(plan, &mut Prng::new(SEED), audience);
    let seconds = clock() - began;
    assert_eq!(report.violation, None);
    (seconds, report)
}

fn clock() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Looks at nothing but how much memory is in use at the end.
#[derive(Clone, Default)]
struct Probe(Arc<AtomicUsize>);

impl Oracle for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn wants(&self) -> Kinds {
        Kinds::NONE
    }

    fn observe(&mut self, _: &Seen, _: &World<'_>) -> Result<(), String> {
        Ok(())
    }

    fn at_end(&mut self, _: &World<'_>) -> Result<(), String> {
        self.0.store(in_use(), Ordering::Relaxed);
        Ok(())
    }
}
