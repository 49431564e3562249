//! When to tick: one ticker for all links, and how it changes its pace without losing one.
//!
//! Erlang has two processes for it, `net_kernel:ticker/2` and, while `net_ticktime` is being changed,
//! `net_kernel:aux_ticker/4`. Here they are one machine with one deadline. What a tick does to a link is another's matter:
//! [`Liveness`](crate::liveness::Liveness).
//!
//! What must not live here: links, nodes, whether anything is alive.

pub mod arithmetic;

mod net_ticktime;
mod transition;

pub use net_ticktime::{NetTicktime, TicktimeError};
pub use transition::{DetectionWindow, Stretch, Timeline, Transition};

use core::fmt;

use crate::term::Term;
use crate::time::Instant;

/// What `net_kernel:set_net_ticktime/2` answers. `Display` prints the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TicktimeChange {
    /// It is the ticktime already.
    Unchanged,
    /// The transition has begun.
    ChangeInitiated,
    /// Ignored, because a change to this many seconds is going on.
    OngoingChangeTo(u32),
}

impl TicktimeChange {
    /// The term.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Self::Unchanged => Term::literal("unchanged"),
            Self::ChangeInitiated => Term::literal("change_initiated"),
            Self::OngoingChangeTo(seconds) => ongoing(*seconds),
        }
    }
}

impl TicktimeState {
    /// The term.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Self::Steady(seconds) => i64::from(*seconds).into(),
            Self::OngoingChangeTo(seconds) => ongoing(*seconds),
        }
    }
}

fn ongoing(seconds: u32) -> Term {
    Term::tuple([Term::literal("ongoing_change_to"), i64::from(seconds).into()])
}

impl fmt::Display for TicktimeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::ChangeInitiated => f.write_str("change_initiated"),
            Self::OngoingChangeTo(seconds) => write!(f, "{{ongoing_change_to,{seconds}}}"),
        }
    }
}

/// What `net_kernel:get_net_ticktime/0` answers. `Display` prints the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TicktimeState {
    /// The ticktime, in seconds.
    Steady(u32),
    /// A change to this many seconds is going on.
    OngoingChangeTo(u32),
}

impl fmt::Display for TicktimeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(seconds) => fmt::Display::fmt(seconds, f),
            Self::OngoingChangeTo(seconds) => write!(f, "{{ongoing_change_to,{seconds}}}"),
        }
    }
}

//= docs/spec/ticktime.md#ticktime-order
/// What is due, in the order of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Ring {
    /// The main ticker: every link is to be looked at.
    pub tick: bool,
    /// The transition has ended; an aux tick, the last, comes with it.
    pub transition_ended: bool,
    /// The aux ticker: every link is to be ticked, whatever was sent on it.
    pub aux_tick: bool,
}

/// The ticker of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ticker {
    next_tick: Instant,
    phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Steady(NetTicktime),
    Changing { transition: Transition, next_aux_tick: Instant, aux_ticks_left: u64 },
}

impl Ticker {
    /// Begins to wait for the first tick.
    #[must_use]
    pub fn new(now: Instant, ticktime: NetTicktime) -> Self {
        Self { next_tick: now + ticktime.interval(), phase: Phase::Steady(ticktime) }
    }

    /// When [`Ticker::ring`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Steady(_) => self.next_tick,
            Phase::Changing { next_aux_tick, .. } => self.next_tick.min(next_aux_tick),
        }
    }

    //= docs/spec/tick.md#tick-late
    //= docs/spec/ticktime.md#ticktime-late
    /// What is due at `now`; nothing before the deadline.
    ///
    /// Each wait is counted from the ring before it, as Erlang's are. After a long sleep the main ticker rings once, and so
    /// does the aux ticker: what is left of the transition is lengthened by the sleep, and still comes to its end.
    pub fn ring(&mut self, now: Instant) -> Ring {
        let mut ring = Ring::default();
        if self.next_tick <= now {
            ring.tick = true;
            let interval = match &self.phase {
                Phase::Steady(ticktime) => ticktime.interval(),
                Phase::Changing { transition, .. } => transition.interval(),
            };
            self.next_tick = now + interval;
        }
        match &mut self.phase {
            Phase::Changing { transition, next_aux_tick, aux_ticks_left }
                if *next_aux_tick <= now =>
            {
                ring.aux_tick = true;
                *aux_ticks_left = aux_ticks_left.saturating_sub(1);
                *next_aux_tick = now + transition.mtti();
                if *aux_ticks_left == 0 {
                    ring.transition_ended = true;
                    let transition = *transition;
                    self.end_transition(now, transition);
                }
            }
            Phase::Changing { .. } | Phase::Steady(_) => {}
        }
        ring
    }

    //= docs/spec/ticktime.md#ticktime-arguments
    //= docs/spec/ticktime.md#ticktime-ongoing
    /// Changes the ticktime to `seconds`, over a transition of at least `transition_seconds` (`net_kernel:set_net_ticktime/2`).
    /// The first aux tick is due at once, and with a transition of zero seconds so is the end.
    ///
    /// # Errors
    /// [`TicktimeError::Ticktime`] for zero `seconds`; Erlang has no clause for it.
    pub fn set(
        &mut self,
        now: Instant,
        seconds: u32,
        transition_seconds: u32,
    ) -> Result<TicktimeChange, TicktimeError> {
        if seconds == 0 {
            return Err(TicktimeError::Ticktime);
        }
        let ticktime = match self.phase {
            Phase::Changing { transition, .. } => {
                return Ok(TicktimeChange::OngoingChangeTo(transition.to().seconds()));
            }
            Phase::Steady(ticktime) => ticktime,
        };
        let Some(transition) = Transition::new(ticktime, seconds, transition_seconds)? else {
            return Ok(TicktimeChange::Unchanged);
        };
        //= docs/spec/ticktime.md#ticktime-longer
        if transition.is_longer() {
            self.next_tick = now + transition.interval();
        }
        let aux_ticks_left = transition.aux_tick_count();
        self.phase = Phase::Changing { transition, next_aux_tick: now, aux_ticks_left };
        Ok(TicktimeChange::ChangeInitiated)
    }

    /// The ticktime, or to what it is being changed (`net_kernel:get_net_ticktime/0`).
    #[must_use]
    pub const fn get(&self) -> TicktimeState {
        match self.phase {
            Phase::Steady(ticktime) => TicktimeState::Steady(ticktime.seconds()),
            Phase::Changing { transition, .. } => {
                TicktimeState::OngoingChangeTo(transition.to().seconds())
            }
        }
    }

    /// The ticktime, or to what it is being changed.
    #[must_use]
    pub const fn ticktime(&self) -> NetTicktime {
        match self.phase {
            Phase::Steady(ticktime) => ticktime,
            Phase::Changing { transition, .. } => transition.to(),
        }
    }

    /// Whether a change is going on.
    #[must_use]
    pub const fn is_changing(&self) -> bool {
        matches!(self.phase, Phase::Changing { .. })
    }

    //= docs/spec/ticktime.md#ticktime-shorter
    fn end_transition(&mut self, now: Instant, transition: Transition) {
        let ticktime = transition.to();
        if !transition.is_longer() {
            self.next_tick = now + ticktime.interval();
        }
        self.phase = Phase::Steady(ticktime);
    }
}

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod tests;
