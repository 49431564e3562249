//! Time as the core sees it: a number the embedder hands in.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A moment: nanoseconds since an origin that the embedder chooses.
///
/// The core never reads a clock. Every call that depends on time takes a `now`, and two runs with the
/// same inputs and the same instants give the same outputs. The origin must stay the same for the life of a
/// machine; the start of the process is a good choice. 64 bits last for 584 years.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Instant(u64);

impl Instant {
    /// The embedder's origin.
    pub const ORIGIN: Self = Self(0);
    /// The last representable moment.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment `millis` milliseconds after the origin, or [`Instant::MAX`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at [`Instant::MAX`]: a deadline past the end of time never comes.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let t = Instant::from_millis(2);
        assert_eq!(t.as_nanos(), 2_000_000);
        assert_eq!(t + Duration::from_millis(3), Instant::from_millis(5));
        assert_eq!(t + Duration::MAX, Instant::MAX);
        assert_eq!(t.saturating_since(Instant::from_millis(5)), Duration::ZERO);
        assert_eq!(Instant::from_millis(5).saturating_since(t), Duration::from_millis(3));
    }
}
