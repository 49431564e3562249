//! The clock of one machine: it runs at a rate of its own, from an origin of its own.

use netkernel_core::Instant;

const MILLION: u128 = 1_000_000;

/// Nanoseconds of the world, and what a node's clock shows of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    origin: u64,
    /// Millionths of the world's rate.
    rate: u128,
}

impl Clock {
    /// A clock that shows `origin` when the world begins, and is `skew_ppm` too fast.
    #[must_use]
    pub fn new(origin: u64, skew_ppm: i32) -> Self {
        let rate = 1_000_000 + i64::from(skew_ppm.clamp(-900_000, 900_000));
        Self { origin, rate: rate as u128 }
    }

    /// What the clock shows at a moment of the world.
    #[must_use]
    pub fn local(&self, world: u64) -> Instant {
        let passed = if self.rate == MILLION {
            world
        } else {
            u64::try_from(u128::from(world) * self.rate / MILLION).unwrap_or(u64::MAX)
        };
        Instant::from_nanos(self.origin.saturating_add(passed))
    }

    /// The first moment of the world at which the clock shows `local` or more; `u64::MAX` if there is none.
    #[must_use]
    pub fn world(&self, local: Instant) -> u64 {
        let passed = local.as_nanos().saturating_sub(self.origin);
        if self.rate == MILLION || local == Instant::MAX {
            return if local == Instant::MAX { u64::MAX } else { passed };
        }
        u64::try_from((u128::from(passed) * MILLION).div_ceil(self.rate)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_exact_and_monotone() {
        for skew in [0, 1, -1, 300, -300, 100_000, -500_000] {
            let clock = Clock::new(77, skew);
            let mut before = Instant::ORIGIN;
            for world in (0..2_000).chain((1_u64 << 50)..(1 << 50) + 2_000) {
                let local = clock.local(world);
                assert!(local >= before);
                before = local;
                let back = clock.world(local);
                assert!(back <= world && clock.local(back) == local, "{skew} {world}");
            }
            for nanos in (77..2_077).chain((1_u64 << 50)..(1 << 50) + 2_000) {
                let local = Instant::from_nanos(nanos);
                let world = clock.world(local);
                assert!(clock.local(world) >= local, "{skew} {nanos}");
                assert!(world == 0 || clock.local(world - 1) < local, "{skew} {nanos}");
            }
        }
        assert_eq!(Clock::new(77, 5).world(Instant::MAX), u64::MAX);
    }
}
