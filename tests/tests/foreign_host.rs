//! The example of a host of somebody else's, under the simulator: right, and with mistakes that are caught.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../examples/foreign_host/main.rs"]
#[allow(dead_code, reason = "it has a main function, too")]
mod foreign_host;

use core::cell::Cell;
use core::ops::Range;
use std::collections::BTreeSet;
use std::rc::Rc;

use foreign_host::{Mistake, guests, replayed, shrunk, traced, try_seed};
use netkernel_tests::sim::ActorId;
use netkernel_tests::sim::choice::Prng;
use netkernel_tests::sim::guest::{Deed, draw_plan, record_seed};
use netkernel_tests::sim::observe::{Fact, Kinds, Oracle, Seen, Violation};
use netkernel_tests::sim::painter::Painter;
use netkernel_tests::sim::plan::SECOND;
use netkernel_tests::sim::run::{Audience, Budget, run_with};
use netkernel_tests::sim::scenario::Scenario;
use netkernel_tests::sim::shrink::Limits;
use netkernel_tests::sim::trace::Tracing;
use netkernel_tests::sim::world::World;
use netkernel_tests::spacetime::{Life, Mark, What};

const GUIDE: &str = include_str!("../../docs/simulation.md");

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

/// What is said of the first seed that shows it.
fn caught(mistake: Mistake) -> (u64, Violation) {
    let runs = (0..40).map(|seed| (seed, try_seed(seed, mistake).violation));
    runs.filter_map(|(seed, violation)| Some((seed, violation?))).next().unwrap()
}

/// The same, which the guide shows.
#[track_caller]
fn shown(mistake: Mistake) -> &'static str {
    let (seed, violation) = caught(mistake);
    let line = format!("seed {seed}: {violation}\n");
    assert!(GUIDE.contains(&line), "docs/simulation.md does not show\n{line}");
    violation.oracle
}

#[test]
fn a_word_that_names_no_mistake_is_not_taken_for_a_right_host() {
    assert_eq!(Mistake::called("leaky"), Some(Mistake::Leaky));
    assert_eq!([Mistake::called("laeky"), Mistake::called("None")], [None, None]);
}

#[test]
fn one_that_forgets_its_ticks_is_caught() {
    assert_eq!(shown(Mistake::Mute), "guest-ticks");
}

#[test]
fn one_that_keeps_connections_of_links_that_are_down_is_caught() {
    assert_eq!(shown(Mistake::Leaky), "guest-links");
}

#[test]
fn one_that_lets_in_whoever_comes_is_caught() {
    assert_eq!(shown(Mistake::Trusting), "admission");
}

#[test]
fn one_that_does_not_send_what_there_is_no_room_for_is_caught() {
    assert_eq!(shown(Mistake::Lossy), "fifo");
}

#[test]
fn one_that_sends_the_latest_first_is_caught() {
    let (seed, violation) = caught(Mistake::Hasty);
    assert_eq!((seed, violation.oracle), (0, "fifo"));
    assert!(violation.what.contains(" is next"), "{violation}");
}

#[test]
fn one_that_does_not_hear_is_caught() {
    assert_eq!(caught(Mistake::Deaf).0, 0);
    let violations = (0..12).filter_map(|seed| try_seed(seed, Mistake::Deaf).violation);
    let said: Vec<Violation> = violations.collect();
    assert!(said.iter().all(|violation| violation.oracle == "fifo"), "{said:#?}");
    // Of a guest, and of a node.
    for what in [" has not come to ", " is still under way"] {
        assert!(said.iter().any(|violation| violation.what.contains(what)), "{what}: {said:#?}");
    }
}

/// Counts letters that arrive: from a guest to a node, the other way, and between guests.
struct Postman {
    guests: Range<usize>,
    counts: Rc<Cell<[u32; 3]>>,
}

impl Oracle for Postman {
    fn name(&self) -> &'static str {
        "postman"
    }

    fn wants(&self) -> Kinds {
        Kinds::LETTERS
    }

    fn observe(&mut self, seen: &Seen, _world: &World<'_>) -> Result<(), String> {
        let (Fact::Delivered { letter: Some(letter), .. }
        | Fact::Guest(Deed::Received { letter: Some(letter), .. })) = &seen.fact
        else {
            return Ok(());
        };
        let is_guest = |actor: ActorId| self.guests.contains(&actor.0);
        let mut counts = self.counts.get();
        match (is_guest(letter.from), seen.actor.is_some_and(is_guest)) {
            (true, false) => counts[0] += 1,
            (false, true) => counts[1] += 1,
            (true, true) => counts[2] += 1,
            (false, false) => {}
        }
        self.counts.set(counts);
        Ok(())
    }
}

#[test]
fn letters_go_to_guests_from_guests_and_between_them() {
    let counts = Rc::new(Cell::new([0; 3]));
    for seed in 0..6 {
        let mut choice = Prng::new(seed);
        let plan = draw_plan(2, &mut choice);
        let postman = Postman { guests: plan.nodes - 2..plan.nodes, counts: Rc::clone(&counts) };
        let oracles: Vec<Box<dyn Oracle>> = vec![Box::new(postman)];
        let audience = Audience { oracles, tracing: Tracing::OFF, sink: &mut |_| {} };
        run_with(guests(Mistake::None), Budget::ALL, plan, &mut choice, audience);
    }
    assert!(counts.get().iter().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn strangers_and_nodes_with_a_wrong_cookie_are_known_as_what_they_are() {
    let reports = (0..40).map(|seed| try_seed(seed, Mistake::Trusting));
    let said: Vec<String> = reports.filter_map(|it| Some(it.violation?.what)).collect();
    for what in ["which no node has dialled", "right Some(false)"] {
        assert!(said.iter().any(|said| said.contains(what)), "{what}: {said:#?}");
    }
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

/// What is drawn of the last node, which is a guest, in the run of this seed.
fn drawn(seed: u64) -> (usize, Vec<Mark>) {
    let (painter, mut choice) = (Painter::default(), Prng::new(seed));
    let sketch = painter.sketch();
    let plan = draw_plan(2, &mut choice);
    let guest = plan.nodes - 1;
    let oracles: Vec<Box<dyn Oracle>> = vec![Box::new(painter)];
    let audience = Audience { oracles, tracing: Tracing::OFF, sink: &mut |_| {} };
    run_with(guests(Mistake::None), Budget::ALL, plan, &mut choice, audience);
    let chart = sketch.borrow_mut().chart("a guest".into(), None);
    (guest, chart.marks().to_vec())
}

fn life_of(node: usize, mark: &Mark) -> Option<Life> {
    match mark.what {
        What::Life(of, life) if of == node => Some(life),
        What::Life(..) | What::Link(..) | What::Note(..) | What::Message { .. } => None,
    }
}

#[test]
fn a_node_of_somebody_elses_is_drawn_as_far_as_it_says_what_it_does() {
    let kind = |label: &str| label.split(' ').next().unwrap_or_default().to_owned();
    let mut seen = BTreeSet::new();
    for seed in 0..6 {
        let (guest, marks) = drawn(seed);
        let lives: Vec<Life> = marks.iter().filter_map(|mark| life_of(guest, mark)).collect();
        if lives.windows(2).any(|pair| pair == [Life::Paused, Life::Alive]) {
            seen.insert("Paused, then Alive".to_owned());
        }
        for mark in marks {
            let what = match mark.what {
                What::Life(of, life) if of == guest => format!("{life:?}"),
                What::Link(of, _, link) if of == guest => format!("{link:?}"),
                What::Note(Some(of), _, text) if of == guest => {
                    text.split([' ', ':']).next().unwrap_or_default().to_owned()
                }
                What::Message { from, label, .. } if from == guest => {
                    format!("{} out", kind(&label))
                }
                What::Message { to, label, .. } if to == guest => format!("{} in", kind(&label)),
                What::Life(..) | What::Link(..) | What::Note(..) | What::Message { .. } => continue,
            };
            seen.insert(what);
        }
    }
    for wanted in [
        "Alive",
        "Absent",
        "Paused",
        "Paused, then Alive",
        "Some(Up)",
        "None",
        "alive",
        "nodeup",
        "nodedown",
        "crashes",
        "connect in",
        "connect out",
        "close in",
        "close out",
        "letter in",
        "letter out",
    ] {
        assert!(seen.contains(wanted), "{wanted} is not among {seen:?}");
    }
}

#[test]
fn a_run_that_fails_shrinks_to_a_text_that_fails_in_the_same_way() {
    let limits = Limits { runs: 600, ..Limits::USUAL };
    let shrunk = shrunk(1, Mistake::Leaky, limits).unwrap();
    let (before, after) = (shrunk.before, shrunk.scenario.tapes.decisions());
    assert!(after * 10 < before && shrunk.scenario.plan.nodes == 3, "{before}: {shrunk:#?}");
    let read: Scenario = shrunk.scenario.to_string().parse().unwrap();
    let again = |mistake| replayed(&read, mistake, &mut |_| {}).violation;
    assert_eq!(again(Mistake::Leaky), Some(shrunk.violation));
    assert_eq!(again(Mistake::None), None, "the mistake is what is shown");
}

#[test]
fn what_was_recorded_with_guests_is_the_same_run() {
    let budget = Budget { until: 40 * SECOND, ..Budget::ALL };
    let (scenario, report) = record_seed(7, guests(Mistake::None), budget);
    assert!(report.cut && report.passed == 40 * SECOND, "{report}");
    let (whole, _) = record_seed(7, guests(Mistake::None), Budget::ALL);
    assert!(scenario.tapes.decisions() < whole.tapes.decisions());
    let again = replayed(&whole, Mistake::None, &mut |_| {});
    let first = try_seed(7, Mistake::None);
    assert_eq!((again.counts, again.converged), (first.counts, first.converged));
}
