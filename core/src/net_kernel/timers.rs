//! Named deadlines.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::StreamId;
use crate::time::Instant;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerName {
    /// The ticker: a tick round, an aux tick of a change of `net_ticktime`, or both.
    Tick,
    /// EPMD's answer to our registration is overdue, or a lost registration is to be tried again.
    Registration,
    /// A stream that is being set up takes too long.
    Setup(StreamId),
}

/// At most one deadline a name, and the earliest at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Timers {
    by_name: BTreeMap<TimerName, Instant>,
    by_time: BTreeSet<(Instant, TimerName)>,
}

impl Timers {
    /// Sets or moves a deadline. One at the end of time never comes, even when it is reached: what rings then could only
    /// be set to the same moment again.
    pub(super) fn set(&mut self, name: TimerName, at: Instant) {
        self.clear(name);
        if at == Instant::MAX {
            return;
        }
        self.by_name.insert(name, at);
        self.by_time.insert((at, name));
    }

    pub(super) fn clear(&mut self, name: TimerName) {
        if let Some(at) = self.by_name.remove(&name) {
            self.by_time.remove(&(at, name));
        }
    }

    pub(super) fn get(&self, name: TimerName) -> Option<Instant> {
        self.by_name.get(&name).copied()
    }

    pub(super) fn next(&self) -> Option<(Instant, TimerName)> {
        self.by_time.first().copied()
    }

    /// Takes the earliest deadline that has passed.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<TimerName> {
        let (_, name) = self.next().filter(|(at, _)| *at <= now)?;
        self.clear(name);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_ring_once_earliest_first() {
        let mut timers = Timers::default();
        let at = Instant::from_millis;
        timers.set(TimerName::Tick, at(5));
        timers.set(TimerName::Registration, at(3));
        timers.set(TimerName::Tick, at(2));
        assert_eq!(timers.next(), Some((at(2), TimerName::Tick)));
        assert_eq!(timers.pop_due(at(1)), None);
        assert_eq!(timers.pop_due(at(9)), Some(TimerName::Tick));
        assert_eq!(timers.pop_due(at(9)), Some(TimerName::Registration));
        assert_eq!((timers.pop_due(at(9)), timers.next()), (None, None));
    }

    #[test]
    fn a_deadline_at_the_end_of_time_never_comes() {
        let mut timers = Timers::default();
        timers.set(TimerName::Tick, Instant::from_millis(5));
        timers.set(TimerName::Tick, Instant::MAX);
        assert_eq!(timers.pop_due(Instant::MAX), None);
    }
}
