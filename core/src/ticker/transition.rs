//! The plan of a change of `net_ticktime`: what will happen when, before any of it has happened.

use core::time::Duration;

use super::arithmetic::{aux_tick_count, mtti_ms, transition_ms};
use super::{NetTicktime, TicktimeError};

/// A change from one `net_ticktime` to another.
///
/// The nodes of a cluster are not told at the same moment. So for a transition period a node ticks often enough for the
/// shorter ticktime (aux ticks), and looks at its links only as often as the longer one allows. When every node begins
/// within the period of the first, nobody is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    old: NetTicktime,
    new: NetTicktime,
    period_seconds: u32,
}

/// How long after its last byte has arrived a silent peer is declared down, at the earliest and at the latest.
///
/// The manual counts from when the peer stopped. Its last byte may then be one of its own intervals old, which is why the
/// manual's earliest time is `T - T/I`, and not T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DetectionWindow {
    /// At the earliest.
    pub min: Duration,
    /// At the latest.
    pub max: Duration,
}

/// One stretch of a [`Timeline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// The time between two ticks of the main ticker.
    pub interval: Duration,
    /// For a peer that is declared down, or falls silent, in this stretch.
    pub detection: DetectionWindow,
}

/// What happens when in a transition. All moments are counted from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeline {
    /// Between two aux ticks: the minimum transition traffic interval.
    pub mtti: Duration,
    /// How many aux ticks there are. The first is sent at the start, the last at the end.
    pub aux_tick_count: u64,
    /// When the main ticker takes the new interval, and begins to wait anew: at the start for a longer ticktime, at the end
    /// for a shorter one.
    pub switch: Duration,
    /// The end.
    pub end: Duration,
    /// Before the start.
    pub before: Stretch,
    /// From the start to the end.
    pub during: Stretch,
    /// After the end.
    pub after: Stretch,
}

impl Timeline {
    /// When each aux tick is sent.
    pub fn aux_ticks(&self) -> impl Iterator<Item = Duration> + use<> {
        let mtti_ms = self.mtti.as_secs() * 1000 + u64::from(self.mtti.subsec_millis());
        (0..self.aux_tick_count).map(move |number| Duration::from_millis(number * mtti_ms))
    }
}

impl Transition {
    /// From `old` to a ticktime of `seconds`, with a transition period of at least `period_seconds`. The intensity stays.
    ///
    /// `None` if that is no change.
    ///
    /// # Errors
    /// [`TicktimeError::Ticktime`] for zero `seconds`; Erlang has no clause for it.
    pub fn new(
        old: NetTicktime,
        seconds: u32,
        period_seconds: u32,
    ) -> Result<Option<Self>, TicktimeError> {
        let new = NetTicktime::new(seconds, old.intensity())?;
        //= docs/spec/ticktime.md#ticktime-unchanged
        Ok((new != old).then_some(Self { old, new, period_seconds }))
    }

    /// The ticktime before.
    #[must_use]
    pub const fn from(self) -> NetTicktime {
        self.old
    }

    /// The ticktime afterwards.
    #[must_use]
    pub const fn to(self) -> NetTicktime {
        self.new
    }

    /// Whether the new ticktime is the longer one.
    #[must_use]
    pub const fn is_longer(self) -> bool {
        self.new.ticktime_ms() > self.old.ticktime_ms()
    }

    /// The time between two aux ticks.
    #[must_use]
    pub const fn mtti(self) -> Duration {
        Duration::from_millis(self.mtti_ms())
    }

    /// How many aux ticks there are, the first at the start and the last at the end.
    #[must_use]
    pub const fn aux_tick_count(self) -> u64 {
        aux_tick_count(self.period_seconds as u64 * 1000, self.mtti_ms())
    }

    /// How long it lasts.
    #[must_use]
    pub const fn length(self) -> Duration {
        Duration::from_millis(transition_ms(self.aux_tick_count(), self.mtti_ms()))
    }

    //= docs/spec/ticktime.md#ticktime-longer
    //= docs/spec/ticktime.md#ticktime-shorter
    /// The time between two ticks of the main ticker while it lasts: the longer of the two intervals.
    #[must_use]
    pub const fn interval(self) -> Duration {
        if self.is_longer() { self.new.interval() } else { self.old.interval() }
    }

    /// What happens when.
    #[must_use]
    pub fn timeline(self) -> Timeline {
        let steady = |ticktime: NetTicktime| Stretch {
            interval: ticktime.interval(),
            detection: ticktime.detection_window(),
        };
        let end = self.length();
        Timeline {
            mtti: self.mtti(),
            aux_tick_count: self.aux_tick_count(),
            switch: if self.is_longer() { Duration::ZERO } else { end },
            end,
            before: steady(self.old),
            during: Stretch { interval: self.interval(), detection: self.detection_window() },
            after: steady(self.new),
        }
    }

    //= docs/spec/ticktime.md#ticktime-detection
    /// A silence that spans the switch is seen by looks of both intervals. The wait that the switch cuts short adds less
    /// than an old interval, and the look that would have come first is a new one.
    fn detection_window(self) -> DetectionWindow {
        let (old, new) = (self.old.detection_window(), self.new.detection_window());
        DetectionWindow {
            min: old.min.min(new.min),
            max: old.min.max(new.min) + self.old.interval() + self.new.interval(),
        }
    }

    const fn mtti_ms(self) -> u64 {
        mtti_ms(self.old.ticktime_ms(), self.new.ticktime_ms(), self.new.intensity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn change(old: u32, intensity: u16, new: u32, period: u32) -> Timeline {
        let old = NetTicktime::new(old, intensity).unwrap();
        Transition::new(old, new, period).unwrap().unwrap().timeline()
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    //= docs/spec/ticktime.md#ticktime-shorter
    //= type=test
    #[test]
    fn a_shorter_ticktime_takes_hold_at_the_end() {
        let timeline = change(60, 4, 20, 12);
        assert_eq!((timeline.mtti, timeline.switch, timeline.end), (s(5), s(15), s(15)));
        assert_eq!(timeline.aux_ticks().collect::<Vec<_>>(), [s(0), s(5), s(10), s(15)]);
        let intervals =
            [timeline.before, timeline.during, timeline.after].map(|part| part.interval);
        assert_eq!(intervals, [s(15), s(15), s(5)]);
        let aux_ticks = change(60, 7, 20, 5).aux_ticks();
        assert_eq!(aux_ticks.collect::<Vec<_>>(), [0, 2858, 5716].map(Duration::from_millis));
    }

    //= docs/spec/ticktime.md#ticktime-longer
    //= type=test
    #[test]
    fn a_longer_ticktime_takes_hold_at_the_start() {
        let timeline = change(20, 4, 60, 12);
        assert_eq!((timeline.mtti, timeline.switch, timeline.end), (s(5), s(0), s(15)));
        assert_eq!(timeline.aux_tick_count, 4);
        let intervals =
            [timeline.before, timeline.during, timeline.after].map(|part| part.interval);
        assert_eq!(intervals, [s(5), s(15), s(15)]);
    }

    //= docs/spec/ticktime.md#ticktime-detection
    //= type=test
    #[test]
    fn the_windows_of_a_change_cover_both_ticktimes_and_the_wait_that_is_cut_short() {
        let timeline = change(60, 4, 20, 12);
        let windows = [timeline.before, timeline.during, timeline.after]
            .map(|part| (part.detection.min, part.detection.max));
        assert_eq!(windows, [(s(60), s(75)), (s(20), s(80)), (s(20), s(25))]);
    }

    //= docs/spec/ticktime.md#ticktime-unchanged
    //= type=test
    #[test]
    fn the_same_seconds_are_no_change_even_when_they_were_rounded() {
        let odd = NetTicktime::new(60, 7).unwrap();
        assert_eq!(odd.ticktime_ms(), 60_004);
        assert_eq!(Transition::new(odd, 60, 60), Ok(None));
        assert_eq!(Transition::new(odd, 0, 60), Err(TicktimeError::Ticktime));
        let change = Transition::new(odd, 20, 60).unwrap().unwrap();
        assert_eq!((change.from(), change.to().seconds()), (odd, 20));
    }

    #[test]
    fn the_largest_values_do_not_overflow() {
        let timeline = change(1, 1000, u32::MAX, u32::MAX);
        assert_eq!(timeline.mtti, Duration::from_millis(1));
        assert_eq!(timeline.end, s(u32::MAX.into()));
        assert_eq!(timeline.aux_tick_count, u64::from(u32::MAX) * 1000 + 1);
    }
}
