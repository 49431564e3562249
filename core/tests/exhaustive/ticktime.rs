//! Two nodes with a link that change their ticktime: every order of calls, ticks and reads at every half of a tick interval.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

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
    /// The changes that each node is still to call for, in this order.
    ahead: [VecDeque<Change>; 2],
    /// Changes that one has begun and the other has not: to how many seconds, and when the period ends in which the other has to.
    alone: [VecDeque<(u32, Instant)>; 2],
    /// Whether such a period has ended.
    too_late: bool,
    /// When each has begun its change, if one may stand still.
    begun: [Option<Instant>; 2],
    /// Whether one of them may still stand still.
    freezes: bool,
    frozen: Option<(usize, Instant)>,
    /// When each read something last, if one may stand still.
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
    /// Two nodes with this ticktime, and the changes that either is to call for within so many steps.
    fn new(seconds: u32, changes: [&[Change]; 2], steps: u8) -> Self {
        let mut world = World::default();
        let [a, b] = [A, B]
            .map(|node| world.start_with(node, Config::new(cookie("C"), ticktime(seconds)), false));
        assert_eq!(world.connect(a, B), Some(Answer::Connected(Ok(()))));
        assert_eq!([a, b], [0, 1]);
        let heard = [world.now; 2];
        Self {
            world,
            heard,
            ahead: changes.map(|changes| changes.iter().copied().collect()),
            alone: Default::default(),
            too_late: false,
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

    /// Whether the one that stands still is what the scene is about.
    fn is_about_silence(&self) -> bool {
        self.freezes || self.frozen.is_some()
    }

    /// Calls `set_net_ticktime`, which does what the ticktime before it says.
    fn change(&mut self, id: usize, (seconds, period): Change) {
        let now = self.world.now;
        let kernel = &mut self.world.nodes[id].kernel;
        let expected = match kernel.get_net_ticktime().unwrap() {
            TicktimeState::OngoingChangeTo(ongoing) => TicktimeChange::OngoingChangeTo(ongoing),
            TicktimeState::Steady(same) if same == seconds => TicktimeChange::Unchanged,
            TicktimeState::Steady(_) => TicktimeChange::ChangeInitiated,
        };
        assert_eq!(kernel.set_net_ticktime(now, seconds, period), Ok(Some(expected)));
        if expected != TicktimeChange::ChangeInitiated {
            return;
        }
        if self.is_about_silence() {
            self.begun[id] = Some(now);
        }
        self.alone[id].push_back((seconds, now + Duration::from_secs(period.into())));
        let first = |id: usize| self.alone[id].front().map(|(seconds, _)| *seconds);
        if first(0) == first(1) {
            for alone in &mut self.alone {
                let _ = alone.pop_front();
            }
        }
    }

    /// Notes who has taken the link for dead, which nobody may as long as all begin their changes in time. What else a host remembers of
    /// ticks is no part of the future.
    fn note(&mut self) {
        self.too_late |= self.alone.iter().flatten().any(|(_, end)| *end < self.world.now);
        if self.too_late {
            self.alone = Default::default();
        }
        for (node, down) in self.world.nodes.iter_mut().zip(&mut self.down) {
            let reasons = node.host.events.iter().filter_map(|event| event.nodedown_reason());
            if down.is_none() && reasons.last() == Some(&NodeDownReason::NetTickTimeout) {
                *down = Some(self.world.now);
            }
            node.host.ticks.clear();
            node.host.diagnostics.clear();
        }
        let may_be = self.too_late || self.is_about_silence();
        assert!(may_be || self.down == [None; 2], "taken for dead");
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
            if !self.ahead[id].is_empty() && !self.world.nodes[id].frozen {
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
                let change = self.ahead[id].pop_front().unwrap();
                self.change(id, change);
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
                if self.is_about_silence() {
                    self.heard[id] = now;
                }
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
            "now {:?}, begun alone {:?}, frozen {:?}\n{logs:#?}",
            self.world.now, self.alone, self.frozen
        )
    }
}

/// The seconds that two nodes begin with, what each calls for, and within how many steps.
type Plan = (u32, [&'static [Change]; 2], u8);

/// Both call for the same, over a period that is long enough for both or for neither.
const SAME: [Plan; 4] = [
    (4, [&[(20, 2)], &[(20, 2)]], STEPS),
    (20, [&[(4, 2)], &[(4, 2)]], STEPS),
    (4, [&[(20, 0)], &[(20, 0)]], STEPS),
    (20, [&[(4, 0)], &[(4, 0)]], STEPS),
];

/// One calls for something else afterwards, or is back where it was.
const SECOND: [Plan; 2] =
    [(8, [&[(20, 2), (4, 2)], &[(20, 2)]], 12), (20, [&[(4, 2), (20, 2)], &[(4, 2)]], 12)];

/// One calls for less, the other for more.
const OPPOSITE: Plan = (8, [&[(4, 2)], &[(20, 2)]], STEPS);

/// Both call for less, and then for more, so that one may go down while the other goes up.
const THERE_AND_BACK: Plan = (20, [&[(4, 1), (20, 1)], &[(4, 1), (20, 1)]], 8);

/// What comes of second changes. Those that one node has ignored leave the nodes with different ticktimes, and so without a link.
const ASUNDER: [&str; 3] =
    ["in time, the same, up", "too late, different, down", "too late, the same, up"];

/// Tries a plan. OTP promises: if all begin the same change before the period of any has ended, nobody that lives is taken for dead. What
/// begins alone is too late when its period has ended; each act sees to it that until then nobody is taken for dead.
fn outcomes((seconds, changes, steps): Plan) -> Vec<String> {
    let what = format!("from {seconds} s, to so many in so many: {changes:?}");
    let explored = explore(&what, Ticking::new(seconds, changes, steps), |end: &Ticking| {
        let mut end = end.clone();
        end.pass(Duration::from_secs(100));
        let [a, b] = [0, 1].map(|id| end.world.nodes[id].kernel.get_net_ticktime().unwrap());
        if [a, b].iter().any(|state| matches!(state, TicktimeState::OngoingChangeTo(_))) {
            return Err("a change does not end".to_owned());
        }
        if !end.too_late && a != b {
            return Err(format!("they differ: {a}, {b}"));
        }
        let words = [
            if end.too_late { "too late" } else { "in time" },
            if a == b { "the same" } else { "different" },
            if end.down == [None; 2] { "up" } else { "down" },
        ];
        Ok(words.join(", "))
    });
    explored.outcomes.into_keys().collect()
}

//= docs/spec/ticktime.md#ticktime-too-late
//= type=test
#[test]
fn who_changes_within_the_period_of_the_other_is_not_taken_for_dead_whatever_the_order() {
    for plan in SAME {
        let all = ["in time, the same, up", "too late, the same, down", "too late, the same, up"];
        assert_eq!(outcomes(plan), all);
    }
}

//= docs/spec/ticktime.md#ticktime-too-late
//= type=test
//= docs/spec/ticktime.md#ticktime-ongoing
//= type=test
#[test]
fn a_second_change_takes_nobody_for_dead_before_a_period_has_ended() {
    for plan in SECOND {
        assert_eq!(outcomes(plan), ASUNDER);
    }
}

//= docs/spec/ticktime.md#ticktime-too-late
//= type=test
//= docs/spec/ticktime.md#ticktime-ongoing
//= type=test
#[test]
fn opposite_changes_take_nobody_for_dead_before_a_period_has_ended() {
    assert_eq!(outcomes(OPPOSITE), ["too late, different, down"]);
    assert_eq!(outcomes(THERE_AND_BACK), ASUNDER);
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
        let mut begin = Ticking::new(seconds, [change.as_slice(), &[]], STEPS);
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
