//! Whether a link is alive: what one tick does to one link.
//!
//! Erlang's connection process keeps the tick count modulo the intensity and the count at which it last saw input
//! (`dist_util.erl`, `send_tick`). Counting the ticks since the last input is the same rule with one number less.

/// The counters of a stream, all from its opening on, so that the handshake counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Traffic {
    /// Bytes received.
    pub received: u64,
    /// Frames handed over for sending, ticks included.
    pub sent: u64,
    /// Bytes handed over and not yet written.
    pub queued: u64,
    /// The application has stopped reading, so silence proves nothing.
    pub paused: bool,
}

/// What one tick asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beat {
    /// Nothing was heard for too long: `net_tick_timeout`.
    Dead,
    /// The link goes on.
    Alive {
        /// Send a tick.
        tick: bool,
        /// Ticks in a row, this one included, at which nothing new had been heard.
        missed: u16,
    },
}

/// The state of one link between ticks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Liveness {
    hidden: bool,
    intensity: u16,
    /// Bytes received at the last tick; `None` before the first one.
    received: Option<u64>,
    /// Frames sent at the last tick, with the tick that it sent.
    sent: u64,
    missed: u16,
}

impl Liveness {
    /// For a link that has just come up. `intensity` is `net_tickintensity`: as many ticks without input end the link.
    #[must_use]
    pub const fn new(hidden: bool, intensity: u16) -> Self {
        Self { hidden, intensity, received: None, sent: 0, missed: 0 }
    }

    /// One tick (every `net_ticktime / net_tickintensity`), with the counters of this moment.
    ///
    /// A visible link is ticked when nothing was sent since the last tick and nothing is queued. A hidden one is ticked
    /// also when nothing was received, because simple peers tick only in answer.
    pub fn tick(&mut self, now: Traffic) -> Beat {
        // The first tick only takes the measure, and so does one of a link whose reader is paused.
        let heard = now.paused || self.received.is_none_or(|before| before != now.received);
        let received_nothing = self.received.unwrap_or(0) == now.received;
        self.missed = if heard { 0 } else { self.missed + 1 };
        if self.missed >= self.intensity {
            return Beat::Dead;
        }
        let tick = (now.sent == self.sent && now.queued == 0) || (self.hidden && received_nothing);
        self.received = Some(now.received);
        self.sent = now.sent + u64::from(tick);
        Beat::Alive { tick, missed: self.missed }
    }
}
