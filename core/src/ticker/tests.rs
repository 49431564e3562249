//! The ticker against Erlang's two processes, written down naively.

use super::*;
use crate::liveness::{Beat, Liveness, Traffic};
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Tick,
    End,
    AuxTick,
}

fn events(ring: Ring) -> impl Iterator<Item = Event> {
    let tick = ring.tick.then_some(Event::Tick);
    let end = ring.transition_ended.then_some(Event::End);
    tick.into_iter().chain(end).chain(ring.aux_tick.then_some(Event::AuxTick))
}

const fn ms(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

/// Serves every deadline up to `until` on time.
fn run(ticker: &mut Ticker, until: Instant) -> Vec<(u64, Event)> {
    let mut seen = Vec::new();
    while ticker.deadline() <= until {
        let now = ticker.deadline();
        seen.extend(events(ticker.ring(now)).map(|event| (ms(now), event)));
    }
    seen
}

/// The same in seconds.
fn run_s(ticker: &mut Ticker, until: u64) -> Vec<(u64, Event)> {
    run(ticker, at(until)).into_iter().map(|(ms, event)| (ms / 1000, event)).collect()
}

fn ticker(seconds: u32) -> Ticker {
    Ticker::new(Instant::ORIGIN, NetTicktime::new(seconds, 4).unwrap())
}

//= docs/spec/ticktime.md#ticktime-shorter
//= type=test
#[test]
fn a_shorter_interval_is_taken_at_the_end_and_its_wait_begins_anew() {
    use Event::{AuxTick, End, Tick};
    let mut ticker = ticker(60);
    assert_eq!(run_s(&mut ticker, 20), [(15, Tick)]);
    assert_eq!(ticker.set(at(20), 20, 12), Ok(TicktimeChange::ChangeInitiated));
    let seen = run_s(&mut ticker, 45);
    let aux = [(20, AuxTick), (25, AuxTick), (30, Tick), (30, AuxTick), (35, End), (35, AuxTick)];
    assert_eq!(seen[..6], aux);
    assert_eq!(seen[6..], [(40, Tick), (45, Tick)]);
}

//= docs/spec/ticktime.md#ticktime-longer
//= type=test
#[test]
fn a_longer_interval_is_taken_at_once_and_the_part_that_was_waited_is_lost() {
    use Event::{AuxTick, End, Tick};
    let mut ticker = ticker(20);
    assert_eq!(run_s(&mut ticker, 9), [(5, Tick)]);
    assert_eq!(ticker.set(at(9), 60, 7), Ok(TicktimeChange::ChangeInitiated));
    let seen = run_s(&mut ticker, 40);
    let aux = [(9, AuxTick), (14, AuxTick), (19, End), (19, AuxTick)];
    assert_eq!(seen, [&aux[..], &[(24, Tick), (39, Tick)]].concat());
}

//= docs/spec/ticktime.md#ticktime-order
//= type=test
#[test]
fn what_is_due_at_the_same_moment_is_tick_then_end_then_aux_tick() {
    let mut ticker = ticker(60);
    ticker.set(at(0), 20, 15).unwrap();
    let seen = run_s(&mut ticker, 15);
    assert_eq!(seen[3..], [(15, Event::Tick), (15, Event::End), (15, Event::AuxTick)]);
    assert_eq!(run_s(&mut ticker, 20), [(20, Event::Tick)]);
}

//= docs/spec/ticktime.md#ticktime-no-period
//= type=test
#[test]
fn a_transition_of_no_time_is_an_end_and_one_aux_tick() {
    let mut ticker = ticker(60);
    assert_eq!(ticker.set(at(1), 20, 0), Ok(TicktimeChange::ChangeInitiated));
    assert_eq!(ticker.get(), TicktimeState::OngoingChangeTo(20), "until it rings");
    assert_eq!(run_s(&mut ticker, 1), [(1, Event::End), (1, Event::AuxTick)]);
    assert_eq!(ticker.get(), TicktimeState::Steady(20));
}

//= docs/spec/ticktime.md#ticktime-ongoing
//= type=test
#[test]
fn while_a_change_is_going_on_every_other_is_ignored() {
    let mut ticker = ticker(60);
    assert_eq!(ticker.get(), TicktimeState::Steady(60));
    ticker.set(at(1), 20, 5).unwrap();
    for seconds in [20, 60, 7] {
        let ongoing = Ok(TicktimeChange::OngoingChangeTo(20));
        assert_eq!(ticker.set(at(2), seconds, 0), ongoing);
        assert_eq!(ticker.get(), TicktimeState::OngoingChangeTo(20));
    }
    assert_eq!(ticker.set(at(2), 0, 5), Err(TicktimeError::Ticktime));
    run(&mut ticker, at(6));
    assert_eq!(ticker.get(), TicktimeState::Steady(20));
    assert_eq!(ticker.set(at(6), 20, 5), Ok(TicktimeChange::Unchanged));
}

//= docs/spec/ticktime.md#ticktime-late
//= type=test
#[test]
fn after_a_long_sleep_each_of_the_two_rings_once_and_the_transition_still_ends() {
    let mut ticker = ticker(60);
    ticker.set(at(0), 20, 12).unwrap();
    let both = Ring { tick: true, transition_ended: false, aux_tick: true };
    assert_eq!(ticker.ring(at(3600)), both);
    assert_eq!(ticker.ring(at(3600)), Ring::default());
    assert_eq!(
        run_s(&mut ticker, 3616),
        [(3605, Event::AuxTick), (3610, Event::AuxTick)]
            .into_iter()
            .chain([(3615, Event::Tick), (3615, Event::End), (3615, Event::AuxTick)])
            .collect::<Vec<_>>()
    );
}

#[test]
fn answers_print_as_erlangs_terms() {
    use std::string::ToString as _;
    assert_eq!(TicktimeChange::Unchanged.to_string(), "unchanged");
    assert_eq!(TicktimeChange::ChangeInitiated.to_string(), "change_initiated");
    assert_eq!(TicktimeChange::OngoingChangeTo(7).to_string(), "{ongoing_change_to,7}");
    assert_eq!(TicktimeState::OngoingChangeTo(7).to_string(), "{ongoing_change_to,7}");
    assert_eq!(TicktimeState::Steady(7).to_string(), "7");
}

/// Net_kernel, its ticker and its aux ticker, a millisecond at a time.
struct Reference {
    intensity: u64,
    /// Of net_kernel's state: the ticktime, and the one it is changed to with its interval.
    time: u64,
    change: Option<(u64, u64)>,
    /// Of the ticker: its timeout, and how long it has waited.
    timeout: u64,
    waited: u64,
    /// Of the aux ticker: its timeout, how long it has waited, and how many emissions are left.
    aux: Option<(u64, u64, u64)>,
}

impl Reference {
    fn new(seconds: u32, intensity: u16) -> Self {
        let intensity = u64::from(intensity);
        let timeout = (u64::from(seconds) * 1000).div_ceil(intensity);
        let time = timeout * intensity;
        Self { intensity, time, change: None, timeout, waited: 0, aux: None }
    }

    fn new_ticktime(&mut self, seconds: u32, period: u32) -> (TicktimeChange, Vec<Event>) {
        if let Some((time, _)) = self.change {
            let seconds = u32::try_from(time / 1000).unwrap();
            return (TicktimeChange::OngoingChangeTo(seconds), Vec::new());
        }
        let time = u64::from(seconds) * 1000;
        let (nt, ni) = if time < self.intensity {
            (self.intensity, 1)
        } else if time % self.intensity == 0 {
            (time, time / self.intensity)
        } else {
            ((time / self.intensity + 1) * self.intensity, time / self.intensity + 1)
        };
        if time == self.time || nt == self.time {
            return (TicktimeChange::Unchanged, Vec::new());
        }
        let mtti = ni.min(self.time / self.intensity);
        let period = u64::from(period) * 1000;
        let exact = period / mtti + u64::from(period % mtti != 0);
        let emissions = if period > 0 { 1 + exact } else { 1 };
        self.change = Some((nt, ni));
        self.aux = Some((mtti, 0, emissions));
        if nt > self.time {
            (self.timeout, self.waited) = (ni, 0);
        }
        (TicktimeChange::ChangeInitiated, self.emit())
    }

    fn emit(&mut self) -> Vec<Event> {
        let Some((mtti, _, left)) = self.aux else { return Vec::new() };
        if left > 1 {
            self.aux = Some((mtti, 0, left - 1));
            return [Event::AuxTick].into();
        }
        self.aux = None;
        let (time, interval) = self.change.take().unwrap();
        if time < self.time {
            (self.timeout, self.waited) = (interval, 0);
        }
        self.time = time;
        [Event::End, Event::AuxTick].into()
    }

    fn millisecond(&mut self) -> Vec<Event> {
        let mut seen = Vec::new();
        self.waited += 1;
        if self.waited == self.timeout {
            self.waited = 0;
            seen.push(Event::Tick);
        }
        if let Some((mtti, waited, _)) = &mut self.aux {
            *waited += 1;
            if waited == mtti {
                seen.extend(self.emit());
            }
        }
        seen
    }
}

/// Two different ticktimes, each from 1 to `max` seconds.
fn two_ticktimes(max: u32) -> impl Strategy<Value = (u32, u32)> {
    (1..=max, 1..max).prop_map(move |(old, step)| (old, (old - 1 + step) % max + 1))
}

proptest! {
    //= docs/spec/ticktime.md#ticktime-longer
    //= type=test
    //= docs/spec/ticktime.md#ticktime-shorter
    //= type=test
    //= docs/spec/ticktime.md#ticktime-aux-ticks
    //= type=test
    #[test]
    fn every_ring_and_every_answer_is_that_of_erlangs_processes(
        first in 1..6_u32,
        intensity in prop_oneof![Just(4), 4..=20_u16, Just(1000)],
        changes in proptest::collection::vec((0..6000_u64, 1..6_u32, 0..4_u32), 1..6),
    ) {
        let mut ticker = Ticker::new(Instant::ORIGIN, NetTicktime::new(first, intensity).unwrap());
        let mut reference = Reference::new(first, intensity);
        let (mut seen, mut expected) = (Vec::new(), Vec::new());
        let mut now = 0;
        for (wait, seconds, period) in changes {
            for _ in 0..wait {
                now += 1;
                expected.extend(reference.millisecond().into_iter().map(|event| (now, event)));
            }
            seen.extend(run(&mut ticker, Instant::from_millis(now)));
            let (answer, emitted) = reference.new_ticktime(seconds, period);
            expected.extend(emitted.into_iter().map(|event| (now, event)));
            prop_assert_eq!(ticker.set(Instant::from_millis(now), seconds, period), Ok(answer));
            seen.extend(run(&mut ticker, Instant::from_millis(now)));
            prop_assert_eq!(&seen, &expected);
        }
    }

    //= docs/spec/ticktime.md#ticktime-late
    //= type=test
    #[test]
    fn however_late_it_is_served_waits_are_never_cut_and_a_transition_has_all_its_aux_ticks(
        (old, new) in two_ticktimes(11),
        period in 0..10_u32,
        late in proptest::collection::vec(0..9000_u64, 1..200),
    ) {
        let old = NetTicktime::new(old, 4).unwrap();
        let transition = Transition::new(old, new, period).unwrap().unwrap();
        let mut ticker = Ticker::new(Instant::ORIGIN, old);
        ticker.set(Instant::ORIGIN, new, period).unwrap();
        let (mut aux_ticks, mut last_tick) = (0, Instant::ORIGIN);
        let mut late = late.into_iter().cycle();
        let end = loop {
            let due = ticker.deadline();
            let now = due + Duration::from_millis(late.next().unwrap());
            let ring = ticker.ring(now);
            prop_assert!(ticker.deadline() > now, "no burst");
            if ring.tick {
                prop_assert!(now.saturating_since(last_tick) >= transition.interval());
                last_tick = now;
            }
            aux_ticks += u64::from(ring.aux_tick);
            if ring.transition_ended {
                break now;
            }
        };
        prop_assert_eq!(aux_ticks, transition.aux_tick_count());
        prop_assert!(end.saturating_since(Instant::ORIGIN) >= transition.length());
    }

    //= docs/spec/ticktime.md#ticktime-detection
    //= type=test
    #[test]
    fn a_silence_is_found_in_the_window_of_the_stretch_in_which_it_falls(
        (old, new) in two_ticktimes(7),
        period in 0..5_u32,
        intensity in 4..9_u16,
        start in 1..9000_u64,
        last_byte in 1..25_000_u64,
    ) {
        let old = NetTicktime::new(old, intensity).unwrap();
        let timeline = Transition::new(old, new, period).unwrap().unwrap().timeline();
        let mut ticker = Ticker::new(Instant::ORIGIN, old);
        let mut link = Liveness::new(false, intensity);
        let mut dead = None;
        let mut look = |ticker: &mut Ticker, until| {
            while dead.is_none() && ticker.deadline() <= until {
                let now = ticker.deadline();
                // A byte each millisecond, up to the last.
                let traffic = Traffic { received: ms(now).min(last_byte), ..Traffic::default() };
                if ticker.ring(now).tick && link.tick(traffic) == Beat::Dead {
                    dead = Some(ms(now));
                }
            }
            dead
        };
        look(&mut ticker, Instant::from_millis(start));
        ticker.set(Instant::from_millis(start), new, period).unwrap();
        let dead = look(&mut ticker, Instant::from_millis(1_000_000)).unwrap();
        let silence = Duration::from_millis(dead - last_byte);
        let end = start + u64::try_from(timeline.end.as_millis()).unwrap();
        let stretch = if dead < start {
            timeline.before
        } else if last_byte > end {
            timeline.after
        } else {
            timeline.during
        };
        prop_assert!(
            stretch.detection.min <= silence && silence <= stretch.detection.max,
            "{silence:?} not in {stretch:?}"
        );
    }
}
