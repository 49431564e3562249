//! Every decision of a run comes from here, so that a seed, a fuzzer's bytes or a recording is the whole run.
//!
//! By convention 0 is the most harmless answer to every question: no fault, no delay, the first of a list. A recording that
//! has ended answers 0, so an empty one is a calm run, and a shrinker makes runs simpler by deleting and by lowering.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{RngCore as _, SeedableRng as _};

/// What a decision is about. Each topic has a tape of its own, so that to delete from one leaves the meaning of all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// The knobs of the run.
    Plan,
    /// What operators call, when and where.
    Operator,
    /// Which fault comes, when, where and for how long.
    Fault,
    /// Delays and sizes of what travels.
    Network,
    /// How long a step waits for its thread, and which of two comes first.
    Schedule,
    /// What hostile peers do.
    Hostile,
    /// Rates and origins of clocks.
    Clock,
    /// What applications send, and when they read.
    Traffic,
    /// The random numbers that nodes ask for.
    Entropy,
    /// What processes of applications do.
    Process,
}

impl Topic {
    /// All of them, in the order of their tapes.
    pub const ALL: [Self; 10] = [
        Self::Plan,
        Self::Operator,
        Self::Fault,
        Self::Network,
        Self::Schedule,
        Self::Hostile,
        Self::Clock,
        Self::Traffic,
        Self::Entropy,
        Self::Process,
    ];

    /// Its name in a scenario file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Operator => "operator",
            Self::Fault => "fault",
            Self::Network => "network",
            Self::Schedule => "schedule",
            Self::Hostile => "hostile",
            Self::Clock => "clock",
            Self::Traffic => "traffic",
            Self::Entropy => "entropy",
            Self::Process => "process",
        }
    }
}

/// A source of decisions.
pub trait Choice {
    /// A number below `bound`; 0 if there is no other.
    fn draw(&mut self, topic: Topic, bound: u64) -> u64;

    /// Whether something happens that does so in `permille` of 1000 cases.
    fn chance(&mut self, topic: Topic, permille: u32) -> bool {
        permille > 0 && self.draw(topic, 1000) >= 1000_u64.saturating_sub(permille.into())
    }

    /// A number of this range, its ends included; the lowest is the most harmless.
    fn range(&mut self, topic: Topic, low: u64, high: u64) -> u64 {
        low + self.draw(topic, high.saturating_sub(low).saturating_add(1))
    }
}

/// One of these, the first being the most harmless. There must be one.
pub fn pick<T: Copy>(choice: &mut dyn Choice, topic: Topic, of: &[T]) -> T {
    of[choice.draw(topic, of.len() as u64) as usize]
}

/// Decisions out of a seed: PCG, whose output is fixed for all versions and machines. One generator a topic, so that one more
/// question of one topic does not change the answers to another.
#[derive(Clone, Debug)]
pub struct Prng([Pcg64; Topic::ALL.len()]);

impl Prng {
    /// The run with this number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut seeds = Pcg64::seed_from_u64(seed);
        Self(core::array::from_fn(|_| Pcg64::seed_from_u64(seeds.next_u64())))
    }
}

impl Choice for Prng {
    fn draw(&mut self, topic: Topic, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        let word = self.0[topic as usize].next_u64();
        // The high part of a product: no number is favoured by more than bound / 2^64.
        ((u128::from(word) * u128::from(bound)) >> 64) as u64
    }
}

/// Decisions out of a fuzzer's bytes, as few bytes a decision as its bound needs. All topics share them, but random numbers of nodes
/// take none: bytes are too dear for what is only to differ.
#[derive(Clone, Debug)]
pub struct ByteChoice<'a>(&'a [u8]);

impl<'a> ByteChoice<'a> {
    /// Reads `bytes` from the front.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl Choice for ByteChoice<'_> {
    fn draw(&mut self, topic: Topic, bound: u64) -> u64 {
        let mut reach = if topic == Topic::Entropy { 0 } else { bound.saturating_sub(1) };
        let mut number = 0_u64;
        while reach > 0 {
            let Some((&byte, rest)) = self.0.split_first() else { return 0 };
            self.0 = rest;
            number = number << 8 | u64::from(byte);
            reach >>= 8;
        }
        number.checked_rem(bound).unwrap_or_default()
    }
}

/// What was decided, a sequence for each topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tapes(pub [Vec<u64>; Topic::ALL.len()]);

impl Tapes {
    /// Decisions, of all topics.
    #[must_use]
    pub fn decisions(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The same decisions, without the zeros at the ends of tapes: a tape that has ended answers 0.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        for tape in &mut self.0 {
            let last = tape.iter().rposition(|number| *number != 0);
            tape.truncate(last.map_or(0, |last| last + 1));
        }
        self
    }
}

/// Passes decisions on, and keeps them.
pub struct Recorder<'a> {
    source: &'a mut dyn Choice,
    tapes: Tapes,
}

impl<'a> Recorder<'a> {
    /// Records what `source` decides.
    pub fn new(source: &'a mut dyn Choice) -> Self {
        Self { source, tapes: Tapes::default() }
    }

    /// What was decided so far.
    #[must_use]
    pub fn into_tapes(self) -> Tapes {
        self.tapes
    }
}

impl core::fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Recorder").field(&self.tapes).finish()
    }
}

impl Choice for Recorder<'_> {
    fn draw(&mut self, topic: Topic, bound: u64) -> u64 {
        let number = self.source.draw(topic, bound);
        self.tapes.0[topic as usize].push(number);
        number
    }
}

/// Decisions that were recorded, or what is left of them. A tape that has ended answers 0.
#[derive(Clone, Debug)]
pub struct Replay {
    tapes: Tapes,
    at: [usize; Topic::ALL.len()],
}

impl Replay {
    /// From the beginning of these tapes.
    #[must_use]
    pub const fn new(tapes: Tapes) -> Self {
        Self { tapes, at: [0; Topic::ALL.len()] }
    }
}

impl Choice for Replay {
    fn draw(&mut self, topic: Topic, bound: u64) -> u64 {
        let at = &mut self.at[topic as usize];
        let number = self.tapes.0[topic as usize].get(*at).copied().unwrap_or_default();
        *at += 1;
        number.min(bound.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut seed = Prng::new(7);
        let drawn: Vec<u64> = (0..4).map(|_| seed.draw(Topic::Network, 1000)).collect();
        assert_eq!(drawn, FIXED);
        let mut other = Prng::new(7);
        other.draw(Topic::Plan, 9);
        assert_eq!(other.draw(Topic::Network, 1000), FIXED[0], "topics do not shift each other");
    }

    const FIXED: [u64; 4] = [445, 679, 859, 303];

    #[test]
    fn a_recording_replays_and_then_answers_zero() {
        let mut seed = Prng::new(1);
        let mut recorder = Recorder::new(&mut seed);
        let first: Vec<u64> = (0..5).map(|_| recorder.draw(Topic::Fault, 50)).collect();
        let second = recorder.range(Topic::Plan, 3, 9);
        let mut replay = Replay::new(recorder.into_tapes());
        assert_eq!(replay.range(Topic::Plan, 3, 9), second);
        assert_eq!((0..5).map(|_| replay.draw(Topic::Fault, 50)).collect::<Vec<_>>(), first);
        assert_eq!((replay.draw(Topic::Fault, 50), replay.range(Topic::Plan, 3, 9)), (0, 3));
        assert!(!replay.chance(Topic::Fault, 999));
    }

    #[test]
    fn bytes_are_spent_by_need_and_stay_below_the_bound() {
        let mut bytes = ByteChoice::new(&[3, 1, 2, 255]);
        assert_eq!(bytes.draw(Topic::Plan, 1), 0);
        assert_eq!(bytes.draw(Topic::Entropy, u64::MAX), 0);
        assert_eq!(bytes.draw(Topic::Plan, 256), 3);
        assert_eq!(bytes.draw(Topic::Network, 257), 258 % 257);
        assert_eq!(bytes.draw(Topic::Network, 10), 5);
        assert_eq!(bytes.draw(Topic::Network, u64::MAX), 0);
    }
}
