//! The example of a host of somebody else's, under the simulator: right, and with two mistakes.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../examples/foreign_host.rs"]
#[allow(dead_code, reason = "it has a main function, too")]
mod foreign_host;

use foreign_host::{Mistake, traced, try_seed};
use netkernel_tests::sim::observe::Violation;

#[test]
fn a_node_of_somebody_elses_is_like_one_of_ours_under_every_seed() {
    let (mut faults, mut ups, mut downs) = (0, 0, 0);
    for seed in 0..25 {
        let report = try_seed(seed, Mistake::None);
        assert_eq!(report.violation, None, "seed {seed}\n{}", report.plan);
        assert!(report.converged.is_some());
        (faults, ups) = (faults + report.counts.faults, ups + report.counts.ups);
        downs += report.counts.downs;
    }
    assert!(faults > 500 && ups > 1000 && downs > 500, "{faults} faults, {ups} ups, {downs} downs");
}

/// The first seed that shows it, and what is said.
fn caught(mistake: Mistake) -> (u64, Violation) {
    let runs = (0..40).map(|seed| (seed, try_seed(seed, mistake).violation));
    runs.filter_map(|(seed, violation)| Some((seed, violation?))).next().unwrap()
}

#[test]
fn one_that_forgets_its_ticks_is_caught() {
    let (seed, violation) = caught(Mistake::Mute);
    assert_eq!((seed, violation.oracle), (0, "guest-ticks"));
    let what = "n3@h0 has sent n4@h0 nothing for 8117703735 ns, conn#11";
    assert_eq!(violation.what, what, "docs/simulation.md shows this message");
}

#[test]
fn one_that_keeps_connections_of_links_that_are_down_is_caught() {
    let (seed, violation) = caught(Mistake::Leaky);
    assert_eq!((seed, violation.oracle), (1, "guest-links"));
    let what = "n2@h0 keeps conn#8, whose link is down since 29.763315503";
    assert_eq!(violation.what, what, "docs/simulation.md shows this message");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let mut traces = [String::new(), String::new()];
    for trace in &mut traces {
        traced(7, &mut |line| *trace += &format!("{line}\n"));
    }
    assert!(traces[0].lines().count() > 1000, "something happens");
    assert!(traces[0].contains(" nodeup ") && traces[0].contains(" blocked"));
    assert!(traces[0] == traces[1], "the traces differ");
}
