//! What only the operating system has: time and randomness.

use std::io;
use std::time::Instant as Moment;

use netkernel_core::{Entropy, Instant};

/// The monotonic clock, from the making of this value on.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Moment);

impl Clock {
    /// Its origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self(Moment::now())
    }

    /// The time since the origin.
    #[must_use]
    pub fn now(self) -> Instant {
        Instant::ORIGIN + self.0.elapsed()
    }

    /// When it is that time. `None` is never: so late that the operating system has no number for it.
    #[must_use]
    pub fn moment(self, time: Instant) -> Option<Moment> {
        self.0.checked_add(time.saturating_since(Instant::ORIGIN))
    }
}

/// Bytes from the operating system's cryptographic random generator.
pub(crate) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Randomness for one input of the core.
pub fn entropy() -> io::Result<Entropy> {
    random_bytes().map(Entropy::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_run_backwards() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(first <= clock.now());
    }

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random_bytes::<16>().unwrap(), random_bytes::<16>().unwrap());
    }
}
