//! The ticktime of a model's node, and its changes.

use netkernel_core::net_kernel::TicktimeState;

use super::plan::{MILLI, SECOND};

/// The ticktime of a node that is alive, by its clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) seconds: u32,
    /// A change to these seconds; it ends between these two moments.
    pub(super) change: Option<(u32, u64, u64)>,
    /// Whether a call found a change or not cannot be known.
    pub(super) unsure: bool,
}

/// Whole milliseconds between two ticks, so that `intensity` of them make the ticktime or a little more.
pub(super) fn interval_ms(seconds: u32, intensity: u16) -> u64 {
    (u64::from(seconds) * 1000).div_ceil(u64::from(intensity))
}

impl Pace {
    /// Of a node that has just begun to tick.
    pub(super) const fn of(seconds: u32) -> Self {
        Self { seconds, change: None, unsure: false }
    }

    pub(super) fn change(&mut self, now: u64, late: u64, asked: (u32, u32), intensity: u16) {
        let (seconds, period) = asked;
        if let Some((to, earliest, latest)) = self.change {
            if now < earliest {
                return;
            }
            if now <= latest {
                self.unsure = true;
                return;
            }
            (self.seconds, self.change) = (to, None);
        }
        let (old, new) = (interval_ms(self.seconds, intensity), interval_ms(seconds, intensity));
        if old == new {
            return;
        }
        // At the start, and after each of the shorter intervals, until the period is over.
        let apart = old.min(new);
        let waits = (u64::from(period) * 1000).div_ceil(apart);
        let earliest = now + waits * apart * MILLI;
        let latest = earliest + waits * (late + MILLI / 1000);
        self.change = Some((seconds, earliest, latest));
    }

    pub(super) fn may_be(&mut self, now: u64, told: TicktimeState) -> bool {
        if core::mem::take(&mut self.unsure) {
            // The node's word counts; how long that change takes is not known, but it is no more than a minute and one interval.
            match told {
                TicktimeState::Steady(seconds) => (self.seconds, self.change) = (seconds, None),
                TicktimeState::OngoingChangeTo(seconds) => {
                    let latest = now + 1000 * SECOND;
                    self.change = Some((seconds, now, latest));
                }
            }
            return true;
        }
        let Some((to, earliest, latest)) = self.change else {
            return told == TicktimeState::Steady(self.seconds);
        };
        match told {
            TicktimeState::OngoingChangeTo(seconds) => seconds == to && now <= latest,
            TicktimeState::Steady(seconds) => {
                (self.seconds, self.change) = (to, None);
                seconds == to && now >= earliest
            }
        }
    }
}
