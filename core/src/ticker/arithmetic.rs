//! The numbers behind the ticker, as plain functions.
//!
//! Times are whole milliseconds, as in Erlang's `net_kernel`. A division by an `intensity` or `mtti_ms` of zero panics, as division
//! does; neither is zero in a [`NetTicktime`](super::NetTicktime) or a [`Transition`](super::Transition).

//= docs/spec/ticktime.md#ticktime-rounding
/// `(ticktime_ms, interval_ms)`: a ticktime rounded up to whole intervals of whole milliseconds, and that interval.
///
/// `net_kernel:new_ticktime` calls them `NT` and `NI`. It treats a ticktime below the intensity as a case of its own, `(I, 1)`;
/// rounding up says the same.
///
/// # Panics
/// If `intensity` is zero.
#[must_use]
pub const fn rounded_ticktime_ms(ticktime_ms: u64, intensity: u16) -> (u64, u64) {
    let interval_ms = ticktime_ms.div_ceil(intensity as u64);
    (interval_ms.saturating_mul(intensity as u64), interval_ms)
}

//= docs/spec/ticktime.md#ticktime-mtti
/// The minimum transition traffic interval: how far apart the aux ticks of a change between these two (rounded) ticktimes are.
/// It is the shorter of the two intervals, so that neither a peer that has changed nor one that has not misses us.
///
/// Erlang's manual gives `minimum(NewTime, OldTime) * 1000 div 4`, in seconds. The code divides by `net_tickintensity`,
/// which came later than that sentence. The two agree only for the intensity that was fixed then, 4.
///
/// # Panics
/// If `intensity` is zero.
#[must_use]
pub const fn mtti_ms(old_ticktime_ms: u64, new_ticktime_ms: u64, intensity: u16) -> u64 {
    let shorter_ms =
        if new_ticktime_ms < old_ticktime_ms { new_ticktime_ms } else { old_ticktime_ms };
    shorter_ms / intensity as u64
}

//= docs/spec/ticktime.md#ticktime-aux-ticks
/// How many aux ticks a transition has: one at its start, and one after each MTTI until the period is covered.
///
/// # Panics
/// If `mtti_ms` is zero.
#[must_use]
pub const fn aux_tick_count(transition_period_ms: u64, mtti_ms: u64) -> u64 {
    transition_period_ms.div_ceil(mtti_ms).saturating_add(1)
}

//= docs/spec/ticktime.md#ticktime-length
/// How long a transition with so many aux ticks lasts: never less than the period that was asked for, and less than one MTTI more.
#[must_use]
pub const fn transition_ms(aux_tick_count: u64, mtti_ms: u64) -> u64 {
    aux_tick_count.saturating_sub(1).saturating_mul(mtti_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    //= docs/spec/ticktime.md#ticktime-rounding
    //= type=test
    #[test]
    fn a_ticktime_is_rounded_up_to_whole_milliseconds_an_interval() {
        assert_eq!(rounded_ticktime_ms(60_000, 4), (60_000, 15_000));
        assert_eq!(rounded_ticktime_ms(60_000, 7), (60_004, 8572));
        assert_eq!(rounded_ticktime_ms(1000, 1000), (1000, 1));
        assert_eq!(rounded_ticktime_ms(1, 4), (4, 1), "below the intensity");
    }

    //= docs/spec/ticktime.md#ticktime-mtti
    //= type=test
    #[test]
    fn the_manuals_formula_for_the_mtti_holds_for_an_intensity_of_4_only() {
        let manual_ms = |old_s: u64, new_s: u64| old_s.min(new_s) * 1000 / 4;
        assert_eq!(mtti_ms(60_000, 20_000, 4), manual_ms(60, 20));
        assert_eq!(mtti_ms(20_000, 60_000, 4), manual_ms(20, 60));
        assert_eq!((mtti_ms(60_000, 20_000, 10), manual_ms(60, 20)), (2000, 5000));
    }

    //= docs/spec/ticktime.md#ticktime-aux-ticks
    //= type=test
    #[test]
    fn a_period_that_is_no_multiple_of_the_mtti_gets_one_aux_tick_more() {
        // Seen with OTP 25: 60 s to 20 s with a period of 4 s ends after 5 s.
        assert_eq!((aux_tick_count(4000, 5000), transition_ms(2, 5000)), (2, 5000));
        assert_eq!(aux_tick_count(5000, 5000), 2);
        assert_eq!(aux_tick_count(5001, 5000), 3);
        assert_eq!((aux_tick_count(0, 5000), transition_ms(1, 5000)), (1, 0));
        assert_eq!(aux_tick_count(60_000, 5000), 13);
    }

    /// As `net_kernel:new_ticktime` has it, case by case.
    fn reference(ticktime_ms: u64, intensity: u64) -> (u64, u64) {
        if ticktime_ms < intensity {
            (intensity, 1)
        } else if ticktime_ms % intensity == 0 {
            (ticktime_ms, ticktime_ms / intensity)
        } else {
            ((ticktime_ms / intensity + 1) * intensity, ticktime_ms / intensity + 1)
        }
    }

    proptest! {
        //= docs/spec/ticktime.md#ticktime-rounding
        //= type=test
        #[test]
        fn rounding_is_erlangs(ticktime_ms in 1..10_000_000_u64, intensity in 1..=1000_u16) {
            prop_assert_eq!(
                rounded_ticktime_ms(ticktime_ms, intensity),
                reference(ticktime_ms, intensity.into())
            );
        }

        //= docs/spec/ticktime.md#ticktime-length
        //= type=test
        #[test]
        fn a_transition_lasts_at_least_its_period_and_less_than_one_mtti_more(
            period_ms in 0..10_000_000_u64, mtti_ms in 1..1_000_000_u64,
        ) {
            let length_ms = transition_ms(aux_tick_count(period_ms, mtti_ms), mtti_ms);
            prop_assert!(period_ms <= length_ms && length_ms < period_ms + mtti_ms);
        }
    }
}
