//! Two nodes with a link that change their ticktime: every order of calls, ticks and reads at every half of a tick interval.

use core::time::Duration;
use std::collections::BTreeSet;

use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{Answer, Config, NodeDownReason, TicktimeChange, TicktimeState};
use netkernel_core::ticker::{DetectionWindow, Transition};
use netkernel_core::{Instant, StreamId};

use crate::checker::{Scene, explore};
use crate::two_nodes::{A, B};
use crate::world::{World, cookie, ticktime};

/// Half of the shortest tick interval here.
const STEP: Duration = Duration::from_millis(500);

/// How often time passes while there is more to try.
const STEPS: u8 = 16;

/// `net_kernel:set_net_ticktime/2`: seconds, and those of the transition period.
type Change = (u32, u32);

#[derive(Clone, Debug, PartialEq, Hash)]
struct Ticking {
    world: World,
    /// The change that each node is still to begin.
    ahead: [Option<Change>; 2],
    begun: [Option<Instant>; 2],
    /// Whether one of them may still stand still.
    freezes: bool,
    frozen: Option<(usize, Instant)>,
    /// When each read something last.
    heard: [Instant; 2],
    /// When each took the link for dead.
    down: [Option<Instant>; 2],
    /// How often time may still pass.
    steps: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Act {
    Change(usize),
    Freeze(usize),
    Ring(usize),
    Read(usize, StreamId),
    Pass,
}

impl Ticking {
    /// Two nodes with this ticktime, and the change that either is to make within so many steps.
    fn new(seconds: u32, changes: [Option<Change>; 2], steps: u8) -> Self {
        let mut world = World::default();
        let [a, b] = [A, B]
            .map(|node| world.start_with(node, Config::new(cookie("C"), ticktime(seconds)), false));
        assert_eq!(world.connect(a, B), Some(Answer::Connected(Ok(()))));
        assert_eq!([a, b], [0, 1]);
        let heard = [world.now; 2];
        Self {
            world,
            heard,
            ahead: changes,
            begun: [None; 2],
            freezes: false,
            frozen: None,
            down: [None; 2],
            steps,
        }
    }

    fn is_due(&self, id: usize) -> bool {
        let node = &self.world.nodes[id];
        !node.frozen && node.kernel.deadline().is_some_and(|due| due <= self.world.now)
    }

    fn readable(&self) -> impl Iterator<Item = (usize, StreamId)> {
        let nodes = self.world.nodes.iter().enumerate().filter(|(_, node)| !node.frozen);
        nodes.flat_map(|(id, node)| {
            let sides = node.host.sides.iter().filter(|(_, side)| side.is_readable());
            sides.map(move |(stream, _)| (id, *stream))
        })
    }

    /// Notes who has taken the link for dead. What else a host remembers of ticks is no part of the future.
    fn note(&mut self) {
        for (node, down) in self.world.nodes.iter_mut().zip(&mut self.down) {
            let reasons = node.host.events.iter().filter_map(|event| event.nodedown_reason());
            if down.is_none() && reasons.last() == Some(&NodeDownReason::NetTickTimeout) {
                *down = Some(self.world.now);
            }
            node.host.ticks.clear();
            node.host.diagnostics.clear();
        }
    }

    /// All that happens on time within this span.
    fn pass(&mut self, span: Duration) {
        let end = self.world.now + span;
        while self.world.now < end {
            self.world.pass(STEP);
            self.note();
        }
    }
}

impl Scene for Ticking {
    type Act = Act;

    fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for id in [0, 1] {
            if self.is_due(id) {
                acts.push(Act::Ring(id));
            }
            if self.ahead[id].is_some() && !self.world.nodes[id].frozen {
                acts.push(Act::Change(id));
            }
            if self.freezes {
                acts.push(Act::Freeze(id));
            }
        }
        acts.extend(self.readable().map(|(id, stream)| Act::Read(id, stream)));
        // Nobody is later than a moment: time passes when all have done what is due.
        let still = self.readable().next().is_none() && ![0, 1].iter().any(|id| self.is_due(*id));
        if still && self.steps > 0 {
            acts.push(Act::Pass);
        }
        acts
    }

    fn act(&mut self, act: Act) {
        let now = self.world.now;
        match act {
            Act::Change(id) => {
                let (seconds, period) = self.ahead[id].take().unwrap();
                let kernel = &mut self.world.nodes[id].kernel;
                let change = kernel.set_net_ticktime(now, seconds, period);
                assert_eq!(change, Ok(Some(TicktimeChange::ChangeInitiated)));
                self.begun[id] = Some(now);
                while self.world.serve(id) {}
            }
            Act::Freeze(id) => {
                self.freezes = false;
                self.frozen = Some((id, now));
                self.world.nodes[id].frozen = true;
            }
            Act::Ring(id) => while self.world.serve(id) {},
            Act::Read(id, stream) => {
                self.world.exchange(id, stream);
                self.heard[id] = now;
                while self.world.serve(id) {}
            }
            Act::Pass => {
                self.steps -= 1;
                self.world.now = now + STEP;
            }
        }
        self.note();
    }

    fn tell(&self) -> String {
        let logs: Vec<_> = self.world.nodes.iter().map(|node| &node.host.log).collect();
        format!(
            "now {:?}, begun {:?}, frozen {:?}\n{logs:#?}",
            self.world.now, self.begun, self.frozen
        )
    }
}

/// Changes from one ticktime to another, over a period that is long enough for both or for neither.
const CHANGES: [(u32, Change); 4] = [(4, (20, 2)), (20, (4, 2)), (4, (20, 0)), (20, (4, 0))];

//= docs/spec/ticktime.md#ticktime-too-late
//= type=test
#[test]
fn who_changes_within_the_period_of_the_other_is_not_taken_for_dead_whatever_the_order() {
    for (seconds, change) in CHANGES {
        let what = format!("from {seconds} to {} in {} s", change.0, change.1);
        let begin = Ticking::new(seconds, [Some(change); 2], STEPS);
        let explored = explore(&what, begin, move |end: &Ticking| {
            let mut end = end.clone();
            end.pass(Duration::from_secs(100));
            for node in &end.world.nodes {
                let steady = Some(TicktimeState::Steady(change.0));
                assert_eq!(node.kernel.get_net_ticktime(), steady);
            }
            let [a, b] = end.begun.map(Option::unwrap);
            let apart = a.saturating_since(b).max(b.saturating_since(a));
            let together = apart <= Duration::from_secs(change.1.into());
            let down = end.down != [None; 2];
            if together && down {
                return Err("taken for dead".to_owned());
            }
            Ok(format!("together: {together}, down: {down}"))
        });
        let all = [
            "together: false, down: false",
            "together: false, down: true",
            "together: true, down: false",
        ];
        assert_eq!(explored.outcomes(), BTreeSet::from(all));
    }
}

/// How long this node may have to find out that nothing comes, if it was that long ago that something came.
fn window(end: &Ticking, id: usize, seconds: u32, change: Option<Change>) -> DetectionWindow {
    let steady = ticktime(seconds).detection_window();
    let (Some((to, period)), Some(begun)) = (change, end.begun[id]) else { return steady };
    let timeline = Transition::new(ticktime(seconds), to, period).unwrap().unwrap().timeline();
    if end.down[id].unwrap() < begun {
        timeline.before.detection
    } else if end.heard[id] > begun + timeline.end {
        timeline.after.detection
    } else {
        timeline.during.detection
    }
}

//= docs/spec/tick.md#tick-timeout
//= type=test
//= docs/spec/ticktime.md#ticktime-detection
//= type=test
#[test]
fn who_stands_still_is_found_within_the_window_whatever_the_other_changes_meanwhile() {
    for (seconds, change) in [(4, None), (4, Some((8, 2))), (8, Some((4, 2))), (8, Some((4, 0)))] {
        let what = format!("one stands still, with {seconds} s, the other changes: {change:?}");
        let mut begin = Ticking::new(seconds, [change, None], STEPS);
        begin.freezes = true;
        let explored = explore(&what, begin, move |end: &Ticking| {
            let mut end = end.clone();
            let (frozen, _) = end.frozen.unwrap();
            let other = 1 - frozen;
            end.pass(Duration::from_secs(60));
            if end.down[frozen].is_some() {
                return Ok("it took the other for dead before".to_owned());
            }
            let down = end.down[other].ok_or("not found")?;
            let silence = down.saturating_since(end.heard[other]);
            let change = change.filter(|_| other == 0);
            let window = window(&end, other, seconds, change);
            if silence < window.min || silence > window.max {
                return Err(format!("found after {silence:?}, not in {window:?}"));
            }
            Ok("found".to_owned())
        });
        // Who changes to a longer ticktime alone may be taken for dead without standing still.
        let early = change == Some((8, 2));
        let all = [("found", true), ("it took the other for dead before", early)];
        let all: BTreeSet<_> = all.iter().filter(|all| all.1).map(|all| all.0).collect();
        assert_eq!(explored.outcomes(), all);
    }
}
