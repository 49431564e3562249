//! The one ordered queue of everything that is going to happen.

use core::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// Runs that are kept sorted beside the heap.
const LANES: usize = 6;

/// Events in the order of their time; of the same time in that of `tie`, then in that of their scheduling.
///
/// Most events come in a few sorted runs: "now", "one delay later", "at the next tick". Each run goes to a lane of its own, where
/// to push and to pop is a step; only what fits behind no lane takes the heap.
#[derive(Debug)]
pub struct Queue<E> {
    lanes: [VecDeque<Entry<E>>; LANES],
    heap: BinaryHeap<Reverse<Entry<E>>>,
    sequence: u64,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time: u64,
    /// The tie above, the sequence below.
    order: u64,
    event: E,
}

/// Bits of a sequence number; above them is the tie.
const SEQUENCE_BITS: u32 = 48;

impl<E: Copy> Queue<E> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lanes: core::array::from_fn(|_| VecDeque::new()),
            heap: BinaryHeap::new(),
            sequence: 0,
            length: 0,
        }
    }

    /// Something is going to happen. Of two events of one moment, the one with the lower `tie` comes first.
    pub fn push(&mut self, time: u64, tie: u16, event: E) {
        self.sequence += 1;
        self.length += 1;
        let order = u64::from(tie) << SEQUENCE_BITS | self.sequence;
        let entry = Entry { time, order, event };
        // The lane whose end is nearest before the new entry: so runs stay apart.
        let mut best: Option<(usize, u64)> = None;
        for (at, lane) in self.lanes.iter().enumerate() {
            let end = lane.back().map_or(0, |back| back.time);
            let fits = lane.back().is_none_or(|back| *back < entry);
            if fits && best.is_none_or(|(_, best)| end > best) {
                best = Some((at, end));
            }
        }
        match best {
            Some((at, _)) => self.lanes[at].push_back(entry),
            None => self.heap.push(Reverse(entry)),
        }
    }

    /// The time of the next event.
    #[must_use]
    pub fn next_time(&self) -> Option<u64> {
        let lanes = self.lanes.iter().filter_map(|lane| lane.front().map(|entry| entry.time));
        lanes.chain(self.heap.peek().map(|Reverse(entry)| entry.time)).min()
    }

    /// Takes the next event, with its time.
    pub fn pop(&mut self) -> Option<(u64, E)> {
        let mut best = self.heap.peek().map(|Reverse(entry)| (LANES, entry));
        for (at, lane) in self.lanes.iter().enumerate() {
            if let Some(front) = lane.front()
                && best.is_none_or(|(_, best)| front < best)
            {
                best = Some((at, front));
            }
        }
        let entry = match best?.0 {
            LANES => self.heap.pop()?.0,
            at => self.lanes[at].pop_front()?,
        };
        self.length -= 1;
        Some((entry.time, entry.event))
    }

    /// Events that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is going to happen any more.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<E: Copy> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::choice::{Choice as _, Prng, Topic};

    #[test]
    fn events_come_in_the_order_of_time_tie_and_scheduling() {
        let mut choice = Prng::new(3);
        let mut queue = Queue::new();
        let (mut expected, mut popped) = (Vec::new(), Vec::new());
        let mut now = 0;
        for number in 0..5_000_u32 {
            let delay = [0, 0, 1_000, 15_000, choice.draw(Topic::Network, 3_000)];
            let time = now + delay[choice.draw(Topic::Plan, 5) as usize];
            let tie = choice.draw(Topic::Schedule, 2) as u16;
            queue.push(time, tie, (time, tie, number));
            expected.push((time, tie, number));
            if choice.draw(Topic::Plan, 3) > 0 {
                let next = queue.next_time();
                let (time, event) = queue.pop().unwrap();
                assert_eq!((next, time >= now), (Some(time), true));
                now = time;
                popped.push(event);
            }
        }
        popped.extend(core::iter::from_fn(|| queue.pop()).map(|(_, event)| event));
        assert!(queue.is_empty());
        assert_eq!(popped.len(), expected.len());
        // What was pushed after an event of its own time was popped comes later, whatever its tie.
        assert!(popped.is_sorted_by_key(|event| event.0));
    }

    #[test]
    fn a_tie_decides_within_one_moment() {
        let mut queue = Queue::new();
        for (tie, event) in [(1, 'c'), (0, 'a'), (1, 'd'), (0, 'b')] {
            queue.push(5, tie, event);
        }
        let all: String = core::iter::from_fn(|| queue.pop()).map(|(_, event)| event).collect();
        assert_eq!(all, "abcd");
    }
}
