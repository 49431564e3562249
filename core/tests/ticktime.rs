//! Changes of `net_ticktime`, on two kernels, in virtual time.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod world;

use core::time::Duration;

use netkernel_core::Instant;
use netkernel_core::driver::SLICE;
use netkernel_core::net_kernel::{
    Answer, Config, Diagnostic, MonitorOptions, NetTicktime, NodeDownReason, StartOptions,
    TicktimeChange, TicktimeError, TicktimeState,
};
use netkernel_core::ticker::Transition;
use proptest::prelude::*;
use world::{World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const C: &str = "c@127.0.0.1";

/// Two nodes with a link.
fn pair(ticktime: NetTicktime, hidden: bool) -> (World, usize, usize) {
    let mut world = World::default();
    let config = || Config::new(cookie("C"), ticktime);
    let a = world.start_with(A, config(), hidden);
    let b = world.start_with(B, config(), hidden);
    assert_eq!(world.connect(a, B), Some(Answer::Connected(Ok(()))));
    (world, a, b)
}

fn set(world: &mut World, id: usize, seconds: u32, transition_seconds: u32) {
    let now = world.now;
    let change = world.nodes[id].kernel.set_net_ticktime(now, seconds, transition_seconds);
    assert_eq!(change, Ok(Some(TicktimeChange::ChangeInitiated)));
    world.settle();
}

/// The ticks that a node has sent since it was asked last, in seconds since `origin`.
fn ticks(world: &mut World, id: usize, origin: Instant) -> Vec<f64> {
    let ticks = core::mem::take(&mut world.nodes[id].host.ticks);
    ticks.into_iter().map(|at| at.saturating_since(origin).as_secs_f64()).collect()
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

//= docs/spec/ticktime.md#ticktime-shorter
//= type=test
//= docs/spec/ticktime.md#ticktime-aux-ticks
//= type=test
//= docs/spec/ticktime.md#ticktime-aux-tick-link
//= type=test
#[test]
fn a_change_to_a_shorter_ticktime_ticks_before_during_and_after_at_the_right_moments() {
    let (mut world, a, _) = pair(ticktime(60), false);
    let origin = world.now;
    world.pass(s(40));
    assert_eq!(
        ticks(&mut world, a, origin),
        [30.0],
        "the first look, at 15 s, has seen the handshake"
    );
    set(&mut world, a, 20, 12);
    assert_eq!(ticks(&mut world, a, origin), [40.0], "the first aux tick");
    world.pass(s(15));
    // The look at 45 s has seen the aux tick of 40 s, and sends none; it comes before the aux tick of 45 s.
    assert_eq!(ticks(&mut world, a, origin), [45.0, 50.0, 55.0]);
    assert_eq!(world.nodes[a].kernel.get_net_ticktime(), Some(TicktimeState::Steady(20)));
    world.pass(s(20));
    // Looks at 60, 65, ...: the first has seen the last aux tick.
    assert_eq!(ticks(&mut world, a, origin), [65.0, 70.0, 75.0]);
}

//= docs/spec/ticktime.md#ticktime-longer
//= type=test
#[test]
fn a_change_to_a_longer_ticktime_ticks_before_during_and_after_at_the_right_moments() {
    let (mut world, a, b) = pair(ticktime(20), false);
    let origin = world.now;
    world.pass(s(12));
    assert_eq!(ticks(&mut world, a, origin), [10.0]);
    set(&mut world, a, 60, 12);
    set(&mut world, b, 60, 12);
    world.pass(s(15));
    assert_eq!(ticks(&mut world, a, origin), [12.0, 17.0, 22.0, 27.0]);
    assert_eq!(world.nodes[a].kernel.get_net_ticktime(), Some(TicktimeState::Steady(60)));
    world.pass(s(60));
    // Looks at 27, 42, 57, 72, 87: the first two have seen aux ticks.
    assert_eq!(ticks(&mut world, a, origin), [57.0, 72.0, 87.0]);
}

//= docs/spec/tick.md#tick-unserved
//= type=test
#[test]
fn a_link_is_looked_at_once_when_two_rounds_of_ticks_come_together() {
    let (mut world, a, b) = pair(ticktime(60), false);
    let origin = world.now;
    let c = world.start(C);
    for _ in 0..=SLICE {
        world.mailbox(a, &[MonitorOptions::LIST]);
    }
    world.nodes[b].frozen = true;
    world.pass(Duration::from_millis(44_999));
    // The nodeup of C is more than one slice. Behind it waits the round of ticks of 45 s, and the host freezes.
    let now = world.now;
    world.nodes[c].kernel.connect_node(now, name(A));
    while world.nodes_of(a).len() < 2 {
        world.step(c);
        world.step(a);
    }
    let missed = |world: &World| -> Vec<_> {
        let all = world.nodes[a].host.diagnostics.iter();
        let of_b = all.filter_map(|diagnostic| {
            let Diagnostic::TickMissed { node, missed, .. } = diagnostic else { return None };
            (*node == name(B)).then_some(*missed)
        });
        of_b.collect()
    };
    assert_eq!(missed(&world), [1], "at 30 s; the look at 15 s came first");
    world.now = origin + s(45);
    world.step(a);
    assert_eq!(missed(&world), [1], "the slice was used up");
    world.now = origin + s(60);
    world.settle();
    assert_eq!(missed(&world), [1, 2], "and not 3 at the same moment");
    world.pass(s(15));
    assert_eq!(missed(&world), [1, 2, 3]);
    world.pass(s(15));
    let dead = "nodedown 'b@127.0.0.1' net_tick_timeout".to_owned();
    assert!(world.nodes[a].host.log.contains(&dead), "at the fourth look");
}

//= docs/spec/ticktime.md#ticktime-no-period
//= type=test
#[test]
fn a_change_without_a_period_is_over_at_once() {
    let (mut world, a, _) = pair(ticktime(60), false);
    let origin = world.now;
    world.pass(s(1));
    set(&mut world, a, 20, 0);
    assert_eq!(world.nodes[a].kernel.get_net_ticktime(), Some(TicktimeState::Steady(20)));
    assert_eq!(ticks(&mut world, a, origin), [1.0]);
    world.pass(s(15));
    assert_eq!(ticks(&mut world, a, origin), [11.0, 16.0]);
}

//= docs/spec/ticktime.md#ticktime-aux-tick-link
//= type=test
#[test]
fn an_aux_tick_is_left_out_on_a_visible_link_with_queued_output_and_on_no_hidden_one() {
    for (hidden, expected) in [(false, 0), (true, 1)] {
        let (mut world, a, _) = pair(ticktime(60), hidden);
        world.pass(s(1));
        world.link(a).queued = 100;
        set(&mut world, a, 20, 60);
        assert_eq!(world.nodes[a].host.ticks.len(), expected);
        world.link(a).queued = 0;
        world.pass(s(5));
        assert_eq!(world.nodes[a].host.ticks.len(), expected + 1);
    }
}

//= docs/spec/ticktime.md#ticktime-aux-tick-no-counters
//= type=test
#[test]
fn counters_that_cannot_be_read_end_a_link_at_a_tick_but_not_at_an_aux_tick() {
    let (mut world, a, _) = pair(ticktime(60), false);
    world.pass(s(1));
    world.link(a).counters_fail = true;
    set(&mut world, a, 20, 60);
    world.pass(s(13));
    assert_eq!(world.nodes_of(a), [B]);
    assert_eq!(world.nodes[a].host.ticks, []);
    world.pass(s(1));
    assert_eq!(down(&world, a), Some(NodeDownReason::SendNetTickFailed));
}

//= docs/spec/ticktime.md#ticktime-new-links
//= type=test
#[test]
fn a_link_that_comes_up_in_a_transition_gets_its_aux_ticks_from_then_on() {
    let mut world = World::default();
    let a = world.start(A);
    world.start(B);
    let origin = world.now;
    world.pass(s(1));
    set(&mut world, a, 20, 12);
    world.pass(s(7));
    assert_eq!(world.connect(a, B), Some(Answer::Connected(Ok(()))));
    world.pass(s(8));
    assert_eq!(ticks(&mut world, a, origin), [11.0, 16.0]);
    assert_eq!(world.nodes_of(a), [B]);
}

//= docs/spec/ticktime.md#ticktime-while-alive
//= type=test
//= docs/spec/ticktime.md#ticktime-arguments
//= type=test
#[test]
fn the_ticktime_is_ignored_while_not_alive_and_a_new_start_begins_with_the_configuration() {
    let mut world = World::default();
    let a = world.add(Config::new(cookie("C"), ticktime(60)));
    let ignored = |world: &mut World| {
        let (now, kernel) = (world.now, &mut world.nodes[a].kernel);
        assert_eq!(kernel.get_net_ticktime(), None);
        assert_eq!(kernel.set_net_ticktime(now, 20, 60), Ok(None));
        assert_eq!(kernel.set_net_ticktime(now, 0, 60), Err(TicktimeError::Ticktime));
    };
    ignored(&mut world);
    let options = || StartOptions::new(name(A));
    for _ in 0..2 {
        world.start_again(a, options());
        assert_eq!(world.nodes[a].kernel.get_net_ticktime(), Some(TicktimeState::Steady(60)));
        set(&mut world, a, 20, 60);
        let ongoing = Some(TicktimeState::OngoingChangeTo(20));
        assert_eq!(world.nodes[a].kernel.get_net_ticktime(), ongoing);
        assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))));
        ignored(&mut world);
        world.pass(s(100));
        assert_eq!(world.nodes[a].kernel.next_timer(), None, "the transition is gone");
    }
}

//= docs/spec/ticktime.md#ticktime-ongoing
//= type=test
#[test]
fn a_second_change_is_told_of_the_one_that_goes_on() {
    let mut world = World::default();
    let a = world.start(A);
    set(&mut world, a, 20, 4);
    let now = world.now;
    let kernel = &mut world.nodes[a].kernel;
    let ongoing = Ok(Some(TicktimeChange::OngoingChangeTo(20)));
    assert_eq!(kernel.set_net_ticktime(now, 30, 4), ongoing);
    world.pass(s(5));
    let now = world.now;
    let kernel = &mut world.nodes[a].kernel;
    assert_eq!(kernel.set_net_ticktime(now, 20, 4), Ok(Some(TicktimeChange::Unchanged)));
}

//= docs/spec/ticktime.md#ticktime-too-late
//= type=test
#[test]
fn a_node_that_changes_after_the_transition_of_the_other_is_taken_for_dead() {
    let (mut world, a, b) = pair(ticktime(60), false);
    world.pass(s(100));
    let origin = world.now;
    set(&mut world, a, 8, 20);
    world.pass(s(20));
    assert_eq!((world.nodes_of(a).len(), world.nodes_of(b).len()), (1, 1));
    // B still ticks every 15 s. A now looks every 2 s, and gives up at the fourth look that finds nothing.
    let last_byte = world.nodes[b].host.ticks.last().unwrap().saturating_since(origin);
    while down(&world, a).is_none() {
        world.pass(Duration::from_millis(1));
        assert!(world.now.saturating_since(origin) < s(40), "it is noticed");
    }
    assert_eq!(down(&world, a), Some(NodeDownReason::NetTickTimeout));
    let next_byte = world.nodes[b].host.ticks.last().unwrap().saturating_since(origin);
    assert_eq!(next_byte, last_byte, "B was not due to tick yet");
    assert_eq!(down(&world, b), Some(NodeDownReason::ConnectionClosed));
    // The window of the silence that spans the switch.
    let timeline = Transition::new(ticktime(60), 8, 20).unwrap().unwrap().timeline();
    let silence = world.now.saturating_since(origin) - last_byte;
    let window = timeline.during.detection;
    assert!(window.min <= silence && silence <= window.max, "{silence:?} {window:?}");
}

//= docs/spec/ticktime.md#ticktime-too-late
//= type=test
#[test]
fn a_node_that_never_follows_to_a_longer_ticktime_takes_the_other_for_dead_after_its_transition() {
    let (mut world, a, b) = pair(ticktime(8), false);
    world.pass(s(10));
    set(&mut world, a, 60, 20);
    world.pass(s(20));
    assert_eq!((down(&world, a), down(&world, b)), (None, None));
    world.pass(s(10));
    assert_eq!(down(&world, b), Some(NodeDownReason::NetTickTimeout));
}

fn down(world: &World, id: usize) -> Option<NodeDownReason> {
    world.nodes[id].host.events.iter().find_map(|event| event.nodedown_reason().cloned())
}

/// Two different ticktimes, each from 1 to `max` seconds.
fn two_ticktimes(max: u32) -> impl Strategy<Value = (u32, u32)> {
    (1..=max, 1..max).prop_map(move |(old, step)| (old, (old - 1 + step) % max + 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    //= docs/spec/ticktime.md#ticktime-too-late
    //= type=test
    #[test]
    fn when_the_second_node_begins_within_the_transition_of_the_first_nobody_is_disconnected(
        (old, new) in two_ticktimes(60),
        intensity in 4..=10_u16,
        period in 0..=90_u32,
        lag in 0..=1000_u32,
        phase_ms in 0..60_000_u64,
        hidden: bool,
    ) {
        let (mut world, a, b) = pair(NetTicktime::new(old, intensity).unwrap(), hidden);
        world.pass(Duration::from_millis(phase_ms));
        set(&mut world, a, new, period);
        world.pass(s(period.into()) * lag / 1000);
        set(&mut world, b, new, period);
        world.pass(s(u64::from(period) + 3 * u64::from(old + new)));
        prop_assert_eq!((down(&world, a), down(&world, b)), (None, None));
        for id in [a, b] {
            let state = world.nodes[id].kernel.get_net_ticktime();
            prop_assert_eq!(state, Some(TicktimeState::Steady(new)));
        }
    }

    //= docs/spec/ticktime.md#ticktime-gap
    //= type=test
    #[test]
    fn an_idle_link_is_never_without_a_tick_for_longer_than_the_mtti_in_the_transition(
        (old, new) in two_ticktimes(60),
        intensity in 4..=10_u16,
        period in 0..=90_u32,
        phase_ms in 0..30_000_u64,
        hidden: bool,
    ) {
        let old = NetTicktime::new(old, intensity).unwrap();
        let timeline = Transition::new(old, new, period).unwrap().unwrap().timeline();
        let (mut world, a, b) = pair(old, hidden);
        let settled = old.interval() * 4;
        world.pass(settled + Duration::from_millis(phase_ms));
        let began = world.now;
        set(&mut world, a, new, period);
        set(&mut world, b, new, period);
        world.pass(timeline.end + timeline.after.interval * 6);

        let ticks = &world.nodes[a].host.ticks;
        let gaps = ticks.windows(2).map(|pair| (pair[0], pair[1].saturating_since(pair[0])));
        let (mut before, mut during, mut after) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for (from, gap) in gaps {
            let worst = if from < began {
                &mut before
            } else if from < began + timeline.end {
                &mut during
            } else {
                &mut after
            };
            *worst = gap.max(*worst);
        }
        prop_assert!(ticks.contains(&began) && ticks.contains(&(began + timeline.end)));
        prop_assert!(before <= timeline.before.interval, "{before:?}");
        prop_assert!(during <= timeline.mtti, "{during:?}");
        // The first look afterwards may still have seen the last aux tick.
        prop_assert!(after <= timeline.after.interval * 2, "{after:?}");
    }
}
