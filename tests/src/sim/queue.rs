//! The one ordered queue of everything that is going to happen.

use core::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// Runs that are kept sorted beside the heap.
const LANES: usize = 6;
/// Behind the lanes.
const HEAP: usize = LANES;
/// The front of what is empty.
const NEVER: u128 = u128::MAX;

/// Events in the order of their time; of the same time in that of `tie`, then in that of their scheduling.
///
/// Most events come in a few sorted runs: "now", "one delay later", "at the next tick". Each run goes to a lane of its own, where
/// to push and to pop is a step; only what fits behind no lane takes the heap. The ends of all runs are at hand, so that to find
/// the right one looks at two short arrays.
#[derive(Debug)]
pub struct Queue<E> {
    lanes: [VecDeque<Entry<E>>; LANES],
    heap: BinaryHeap<Reverse<Entry<E>>>,
    /// The first key of each lane, and of the heap.
    fronts: [u128; LANES + 1],
    /// The last key that each lane has had.
    backs: [u128; LANES],
    sequence: u64,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    /// From above: the time, the tie, the sequence.
    key: u128,
    event: E,
}

/// Bits of a sequence number; above them is the tie.
const SEQUENCE_BITS: u32 = 48;
/// Bits below the time.
const ORDER_BITS: u32 = 64;

impl<E: Copy> Queue<E> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lanes: core::array::from_fn(|_| VecDeque::new()),
            heap: BinaryHeap::new(),
            fronts: [NEVER; LANES + 1],
            backs: [0; LANES],
            sequence: 0,
            length: 0,
        }
    }

    /// Something is going to happen. Of two events of one moment, the one with the lower `tie` comes first.
    pub fn push(&mut self, time: u64, tie: u16, event: E) {
        self.sequence += 1;
        self.length += 1;
        let order = u64::from(tie) << SEQUENCE_BITS | self.sequence;
        let key = u128::from(time) << ORDER_BITS | u128::from(order);
        // The lane whose end is nearest before the new entry: so runs stay apart.
        let (mut best, mut nearest) = (HEAP, 0);
        for (at, &back) in self.backs.iter().enumerate() {
            if back < key && (best == HEAP || back > nearest) {
                (best, nearest) = (at, back);
            }
        }
        self.fronts[best] = self.fronts[best].min(key);
        match self.lanes.get_mut(best) {
            Some(lane) => {
                self.backs[best] = key;
                lane.push_back(Entry { key, event });
            }
            None => self.heap.push(Reverse(Entry { key, event })),
        }
    }

    /// Takes the next event that happens at `until` or before, with its time.
    pub fn pop(&mut self, until: u64) -> Option<(u64, E)> {
        let (mut first, mut best) = (self.fronts[HEAP], HEAP);
        for (at, &front) in self.fronts[..LANES].iter().enumerate() {
            if front < first {
                (first, best) = (front, at);
            }
        }
        let time = (first >> ORDER_BITS) as u64;
        if first == NEVER || time > until {
            return None;
        }
        let event = match self.lanes.get_mut(best) {
            Some(lane) => {
                let event = lane.pop_front()?.event;
                self.fronts[best] = match lane.front() {
                    Some(front) => front.key,
                    None => {
                        // From its beginning again: so the same few lines of a cache serve each burst.
                        lane.clear();
                        self.backs[best] = 0;
                        NEVER
                    }
                };
                event
            }
            None => {
                let event = self.heap.pop()?.0.event;
                self.fronts[HEAP] = self.heap.peek().map_or(NEVER, |Reverse(entry)| entry.key);
                event
            }
        };
        self.length -= 1;
        Some((time, event))
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
        self.key.cmp(&other.key)
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
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
                let (time, event) = queue.pop(u64::MAX).unwrap();
                assert!(time >= now);
                now = time;
                popped.push(event);
            }
        }
        assert_eq!(queue.pop(now.saturating_sub(1)), None, "nothing of the past is left");
        popped.extend(core::iter::from_fn(|| queue.pop(u64::MAX)).map(|(_, event)| event));
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
        let all: String = core::iter::from_fn(|| queue.pop(9)).map(|(_, event)| event).collect();
        assert_eq!(all, "abcd");
    }
}
