//! Simulated clusters: a fixed list of seeds, and more if the environment says so; and that a seed is the whole run.
//!
//! `SIM_SEED=N` runs that seed alone, and `SIM_SEEDS=COUNT` so many more from a number that `SIM_START` gives.

use std::env;

use netkernel_tests::sim::choice::{Prng, Recorder, Replay};
use netkernel_tests::sim::oracles;
use netkernel_tests::sim::plan::{FaultClass, MILLI, Plan, SECOND, Topology};
use netkernel_tests::sim::run::{Audience, Report, run, run_seed};
use netkernel_tests::sim::trace::Tracing;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

//= docs/spec/process.md#process-loss
//= type=test
//= docs/spec/process.md#process-loss-order
//= type=test
//= docs/spec/process.md#process-unlink-ack
//= type=test
//= docs/spec/process.md#process-monitor-node-count
//= type=test
#[test]
fn no_oracle_objects_to_any_seed() {
    let seeds: Vec<u64> = match (number("SIM_SEED"), number("SIM_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(count)) => {
            let start = number("SIM_START").unwrap_or(1_000_000);
            (0..40).chain(start..start + count).collect()
        }
        (None, None) => (0..40).collect(),
    };
    for seed in seeds {
        let report = run_seed(seed, Tracing::OFF, &mut |_| {});
        if let Some(violation) = report.violation {
            panic!("{violation}\n{}\nreplay: cargo sim --seed {seed} --trace full", report.plan);
        }
    }
}

fn traced(seed: u64) -> (String, String) {
    let mut lines = String::new();
    let report = run_seed(seed, Tracing::FULL, &mut |line| {
        lines.push_str(line);
        lines.push('\n');
    });
    (lines, report.to_string())
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [2, 5] {
        let (first, second) = (traced(seed), traced(seed));
        assert!(first.0.lines().count() > 1000, "something happens");
        assert!(first == second, "seed {seed} differs");
    }
}

#[test]
fn a_recording_is_the_same_run() {
    let mut lines = [String::new(), String::new()];
    let mut seed = Prng::new(4);
    let mut recorder = Recorder::new(&mut seed);
    let plan = Plan::draw(&mut recorder);
    let mut play = |choice: &mut dyn netkernel_tests::sim::choice::Choice, at: usize| -> Report {
        let mut sink = |line: &str| lines[at].push_str(line);
        let (oracles, tracing) = (oracles::all(), Tracing::SHORT);
        run(plan.clone(), choice, Audience { oracles, tracing, sink: &mut sink })
    };
    play(&mut recorder, 0);
    let mut replay = Replay::new(recorder.into_tapes());
    Plan::draw(&mut replay);
    play(&mut replay, 1);
    assert!(!lines[0].is_empty() && lines[0] == lines[1]);
}

fn watch(plan: Plan, seed: u64) -> Report {
    let (oracles, tracing) = (oracles::all(), Tracing::OFF);
    run(plan, &mut Prng::new(seed), Audience { oracles, tracing, sink: &mut |_| {} })
}

#[test]
fn in_a_calm_cluster_nothing_happens_but_ticks() {
    let report = watch(Plan::calm(5, Topology::Mesh), 1);
    assert_eq!(report.violation, None);
    // Each node itself, and ten links from both sides.
    assert_eq!((report.counts.ups, report.counts.downs), (5 + 20, 0));
    assert!((4_000..5_500).contains(&report.counts.ticks), "{report}");
    assert_eq!(report.counts.dials, 5 + 2 * 10);
}

#[test]
fn a_violent_cluster_comes_together_in_the_end() {
    let plan = Plan { safety_ns: 120 * SECOND, letter_every_ns: 100 * MILLI, ..Plan::violent(4) };
    let report = watch(plan, 1);
    assert_eq!(report.violation, None);
    assert!(report.converged.is_some() && report.counts.faults > 5 && report.counts.delivered > 50);
}

//= docs/spec/process.md#process-spawn
//= type=test
//= docs/spec/process.md#process-spawn-reply
//= type=test
//= docs/spec/process.md#process-spawn-abandon
//= type=test
#[test]
fn processes_have_to_do_with_each_other_in_every_way() {
    let plan = Plan {
        act_every_ns: 100 * MILLI,
        safety_ns: 300 * SECOND,
        faults: vec![FaultClass::Reset],
        fault_every_ns: 10 * SECOND,
        ..Plan::calm(3, Topology::Mesh)
    };
    let mut lines = String::new();
    let mut sink = |line: &str| lines.push_str(&format!("{line}\n"));
    let (oracles, tracing) = (oracles::all(), Tracing::FULL);
    let audience = Audience { oracles, tracing, sink: &mut sink };
    let report = run(plan, &mut Prng::new(3), audience);
    assert_eq!(report.violation, None);
    let has_line = |what: &str, words: &str| {
        lines.lines().any(|line| line.contains(what) && line.contains(words))
    };
    assert!(has_line(" started ", "is one too many") && has_line(" act ", "abandon"));
    for signal in [
        "Link",
        "UnlinkId",
        "UnlinkIdAck",
        "Exit",
        "Exit2",
        "MonitorP",
        "DemonitorP",
        "MonitorPExit",
        "Send",
        "RegSend",
        "AliasSend",
        "SpawnRequest(SpawnRequest",
        "SpawnReply",
    ] {
        let arrived =
            |line: &str| line.contains(" arrived ") && line.contains(&format!(" {signal} {{"));
        assert!(lines.lines().any(arrived), "{signal}");
    }
    for got in [
        "Letter(Some",
        "Event(Exit",
        "Event(Down",
        "Event(NodeDown",
        "Event(Ended",
        "Event(SpawnReply",
        "Ok(Pid",
        "BadOption",
        "noconnection",
        "noproc",
        "undef",
        "abandoned",
    ] {
        assert!(lines.lines().any(|line| line.contains(" got ") && line.contains(got)), "{got}");
    }
}
