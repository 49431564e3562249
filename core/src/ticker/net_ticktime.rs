//! `net_ticktime` and `net_tickintensity`.

use core::fmt;
use core::time::Duration;

use super::DetectionWindow;
use super::arithmetic::rounded_ticktime_ms;

/// Times in a `net_ticktime` that a link is looked at, by default.
const INTENSITY_DEFAULT: u16 = 4;
const INTENSITY_MAX: u16 = 1000;
const TICKTIME_DEFAULT_SECONDS: u32 = 60;

/// A pair of `net_ticktime` and `net_tickintensity`.
///
/// A silent peer is declared down `T` to `T + T/I` after its last byte, where T is the ticktime and I the intensity. That byte
/// may be `T/I` old when the peer stops. Both nodes should use the same values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetTicktime {
    seconds: u32,
    intensity: u16,
}

/// The values are out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TicktimeError {
    /// `net_tickintensity` is not in 4..=1000.
    Intensity,
    /// `net_ticktime` is not a positive number of seconds.
    Ticktime,
}

impl fmt::Display for TicktimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intensity => "net_tickintensity must be from 4 to 1000",
            Self::Ticktime => "net_ticktime must be at least one second",
        })
    }
}

impl core::error::Error for TicktimeError {}

impl Default for NetTicktime {
    /// 60 seconds, looked at 4 times.
    fn default() -> Self {
        Self { seconds: TICKTIME_DEFAULT_SECONDS, intensity: INTENSITY_DEFAULT }
    }
}

impl NetTicktime {
    //= docs/spec/tick.md#tick-intensity
    //= docs/spec/tick.md#tick-interval
    /// `seconds` of ticktime, rounded up to a multiple of `intensity` milliseconds.
    ///
    /// # Errors
    /// [`TicktimeError`] for zero seconds or an intensity outside 4..=1000. Erlang's `net_kernel:start/2` refuses the same;
    /// its application environment is corrected silently.
    pub fn new(seconds: u32, intensity: u16) -> Result<Self, TicktimeError> {
        if seconds == 0 {
            return Err(TicktimeError::Ticktime);
        }
        if !(INTENSITY_DEFAULT..=INTENSITY_MAX).contains(&intensity) {
            return Err(TicktimeError::Intensity);
        }
        Ok(Self { seconds, intensity })
    }

    /// What `net_kernel:get_net_ticktime/0` answers: whole seconds. The rounding adds less than one.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// The rounded ticktime, in milliseconds.
    #[must_use]
    pub const fn ticktime_ms(self) -> u64 {
        rounded_ticktime_ms(self.seconds as u64 * 1000, self.intensity).0
    }

    /// As many ticks without input end a link.
    #[must_use]
    pub const fn intensity(self) -> u16 {
        self.intensity
    }

    /// The time between two ticks.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_millis(self.ticktime_ms() / self.intensity as u64)
    }

    //= docs/spec/ticktime.md#ticktime-detection
    /// When a silent peer is declared down: at the `intensity`-th look after the one that found its last byte.
    #[must_use]
    pub fn detection_window(self) -> DetectionWindow {
        let ticktime = Duration::from_millis(self.ticktime_ms());
        DetectionWindow { min: ticktime, max: ticktime + self.interval() }
    }
}

made_of!(NetTicktime, (u32, u16), |(seconds, intensity)| NetTicktime {
    seconds: seconds.max(1),
    intensity: INTENSITY_DEFAULT + intensity % (INTENSITY_MAX - INTENSITY_DEFAULT + 1),
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    //= docs/spec/tick.md#tick-intensity
    //= type=test
    #[test]
    fn values_out_of_range_are_refused() {
        assert_eq!(NetTicktime::new(0, 4), Err(TicktimeError::Ticktime));
        assert_eq!(NetTicktime::new(60, 3), Err(TicktimeError::Intensity));
        assert_eq!(NetTicktime::new(60, 1001), Err(TicktimeError::Intensity));
        assert_eq!(NetTicktime::new(60, 4), Ok(NetTicktime::default()));
        assert!(NetTicktime::new(u32::MAX, 1000).is_ok());
    }

    proptest! {
        //= docs/spec/tick.md#tick-interval
        //= type=test
        #[test]
        fn intensity_intervals_make_exactly_a_ticktime_rounded_up_by_less_than_the_intensity(
            seconds in 1..=100_000_u32, intensity in 4..=1000_u16,
        ) {
            let ticktime = NetTicktime::new(seconds, intensity).unwrap();
            let whole = ticktime.interval() * u32::from(intensity);
            let asked = Duration::from_secs(seconds.into());
            prop_assert!(whole >= asked && whole < asked + Duration::from_millis(intensity.into()));
            prop_assert_eq!(ticktime.ticktime_ms() / 1000, u64::from(ticktime.seconds()), "as get_net_ticktime/0 divides");
        }
    }
}
