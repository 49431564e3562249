//! Deadlines by name: the names are those of the machine that waits.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::time::Instant;

/// At most one deadline a name, and the earliest at hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers<N> {
    by_name: BTreeMap<N, Instant>,
    by_time: BTreeSet<(Instant, N)>,
}

impl<N: Copy + Ord> Timers<N> {
    pub(crate) const fn new() -> Self {
        Self { by_name: BTreeMap::new(), by_time: BTreeSet::new() }
    }

    /// Sets or moves a deadline. One at the end of time never comes, even when it is reached: what rings then could only
    /// be set to the same moment again.
    pub(crate) fn set(&mut self, name: N, at: Instant) {
        self.clear(name);
        if at == Instant::MAX {
            return;
        }
        self.by_name.insert(name, at);
        self.by_time.insert((at, name));
    }

    pub(crate) fn clear(&mut self, name: N) {
        if let Some(at) = self.by_name.remove(&name) {
            self.by_time.remove(&(at, name));
        }
    }

    pub(crate) fn get(&self, name: N) -> Option<Instant> {
        self.by_name.get(&name).copied()
    }

    pub(crate) fn next(&self) -> Option<(Instant, N)> {
        self.by_time.first().copied()
    }

    /// Takes the earliest deadline that has passed.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<N> {
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
        let mut timers = Timers::new();
        let at = Instant::from_millis;
        timers.set('t', at(5));
        timers.set('r', at(3));
        timers.set('t', at(2));
        assert_eq!(timers.next(), Some((at(2), 't')));
        assert_eq!((timers.get('t'), timers.get('x')), (Some(at(2)), None));
        assert_eq!(timers.pop_due(at(1)), None);
        assert_eq!(timers.pop_due(at(9)), Some('t'));
        assert_eq!(timers.pop_due(at(9)), Some('r'));
        assert_eq!((timers.pop_due(at(9)), timers.next(), timers.get('t')), (None, None, None));
    }

    #[test]
    fn a_deadline_at_the_end_of_time_never_comes() {
        let mut timers = Timers::new();
        timers.set('t', Instant::from_millis(5));
        timers.set('t', Instant::MAX);
        assert_eq!(timers.pop_due(Instant::MAX), None);
    }
}
