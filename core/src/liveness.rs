//! Whether a link is alive: what one tick does to one link.
//!
//! Erlang's connection process keeps the tick count modulo the intensity and the count at which it last saw input
//! (`dist_util.erl`, `send_tick`). Counting the ticks since the last input is the same rule with one number less.

/// The counters of a stream, all from its opening on, so that the handshake counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Traffic {
    /// Bytes received.
    pub received: u64,
    /// Frames handed over for sending, ticks included.
    pub sent: u64,
    /// Bytes handed over and not yet written.
    pub queued: u64,
    /// The application has stopped reading, so silence proves nothing.
    pub paused: bool,
    /// The bytes that the peer has taken, if nothing is read before it has taken more: silence proves nothing as long as they grow.
    pub awaited: Option<u64>,
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
    /// Bytes that the peer had taken at the last tick, if they were awaited.
    awaited: Option<u64>,
    /// Frames sent at the last tick, with the tick that it sent.
    sent: u64,
    missed: u16,
}

impl Liveness {
    /// For a link that has just come up. `intensity` is `net_tickintensity`: as many ticks without input end the link.
    #[must_use]
    pub const fn new(hidden: bool, intensity: u16) -> Self {
        Self { hidden, intensity, received: None, awaited: None, sent: 0, missed: 0 }
    }

    //= docs/spec/tick.md#tick-send-visible
    //= docs/spec/tick.md#tick-send-hidden
    /// One tick (every `net_ticktime / net_tickintensity`), with the counters of this moment.
    ///
    /// A visible link is ticked when nothing was sent since the last tick and nothing is queued. A hidden one is ticked
    /// also when nothing was received, because simple peers tick only in answer.
    pub fn tick(&mut self, now: Traffic) -> Beat {
        //= docs/spec/tick.md#tick-first
        //= docs/spec/tick.md#tick-paused
        //= docs/spec/tick.md#tick-awaited
        let takes = now.awaited.is_some() && self.awaited != now.awaited;
        let receives = self.received.is_none_or(|before| before != now.received);
        let heard = now.paused || takes || receives;
        let received_nothing = self.received.unwrap_or(0) == now.received;
        self.missed = if heard { 0 } else { self.missed + 1 };
        if self.missed >= self.intensity {
            return Beat::Dead;
        }
        let tick = (now.sent == self.sent && now.queued == 0) || (self.hidden && received_nothing);
        self.received = Some(now.received);
        self.awaited = now.awaited;
        self.sent = now.sent + u64::from(tick);
        Beat::Alive { tick, missed: self.missed }
    }

    //= docs/spec/ticktime.md#ticktime-aux-tick-link
    /// Whether an aux tick (of a change of `net_ticktime`) sends a tick. It leaves the state alone: that tick is seen by
    /// the next look as any other frame.
    #[must_use]
    pub const fn aux_tick(&self, now: Traffic) -> bool {
        self.hidden || now.queued == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const HANDSHAKE: Traffic =
        Traffic { received: 100, sent: 2, queued: 0, paused: false, awaited: None };

    fn alive(tick: bool, missed: u16) -> Beat {
        Beat::Alive { tick, missed }
    }

    //= docs/spec/tick.md#tick-send-visible
    //= type=test
    #[test]
    fn a_visible_link_is_ticked_when_it_sent_nothing_and_has_nothing_queued() {
        let mut link = Liveness::new(false, 4);
        let mut now = HANDSHAKE;
        assert_eq!(link.tick(now), alive(false, 0), "the handshake was sent in the first interval");
        now.received += 1;
        assert_eq!(link.tick(now), alive(true, 0));
        now.sent += 1; // the tick
        now.received += 1;
        assert_eq!(link.tick(now), alive(true, 0), "a tick that went out is no reason not to tick");
        now.sent += 2;
        assert_eq!(link.tick(now), alive(false, 1), "something else was sent");
        now.queued = 1;
        assert_eq!(link.tick(now), alive(false, 2), "something is queued");
    }

    //= docs/spec/tick.md#tick-send-hidden
    //= type=test
    #[test]
    fn a_hidden_link_is_ticked_also_when_it_received_nothing() {
        let mut link = Liveness::new(true, 4);
        let mut now = HANDSHAKE;
        assert_eq!(link.tick(now), alive(false, 0));
        now.sent += 5;
        now.queued = 9;
        assert_eq!(link.tick(now), alive(true, 1), "nothing received");
        now.received += 1;
        now.sent += 5;
        assert_eq!(link.tick(now), alive(false, 0), "received, and sent");
    }

    //= docs/spec/tick.md#tick-first
    //= type=test
    #[test]
    fn the_first_tick_counts_as_heard_even_for_counters_that_begin_at_zero() {
        let mut link = Liveness::new(false, 4);
        for missed in 0..4 {
            let Beat::Alive { missed: told, .. } = link.tick(Traffic::default()) else {
                panic!("dead too early")
            };
            assert_eq!(told, missed);
        }
        assert_eq!(link.tick(Traffic::default()), Beat::Dead);
    }

    //= docs/spec/tick.md#tick-paused
    //= type=test
    #[test]
    fn a_paused_reader_rearms_the_link() {
        let mut link = Liveness::new(false, 4);
        let paused = Traffic { paused: true, ..HANDSHAKE };
        link.tick(HANDSHAKE);
        for _ in 0..3 {
            link.tick(HANDSHAKE);
        }
        for _ in 0..10 {
            assert!(matches!(link.tick(paused), Beat::Alive { missed: 0, .. }));
        }
        let silent: Vec<_> = (0..4).map(|_| link.tick(HANDSHAKE)).collect();
        assert!(matches!(
            silent[..],
            [Beat::Alive { missed: 1, .. }, _, Beat::Alive { missed: 3, .. }, Beat::Dead]
        ));
    }

    //= docs/spec/tick.md#tick-awaited
    //= type=test
    #[test]
    fn a_peer_that_is_awaited_is_alive_as_long_as_it_takes_something() {
        let mut link = Liveness::new(false, 4);
        link.tick(HANDSHAKE);
        for taken in 0..10 {
            let slow = Traffic { awaited: Some(taken), ..HANDSHAKE };
            assert!(matches!(link.tick(slow), Beat::Alive { missed: 0, .. }));
        }
        let stuck = Traffic { awaited: Some(9), ..HANDSHAKE };
        for n in 1..4 {
            assert!(matches!(link.tick(stuck), Beat::Alive { missed, .. } if missed == n));
        }
        assert_eq!(link.tick(stuck), Beat::Dead);
    }

    //= docs/spec/ticktime.md#ticktime-aux-tick-link
    //= type=test
    #[test]
    fn an_aux_tick_is_kept_back_only_on_a_visible_link_with_something_queued() {
        for (hidden, queued, sends) in
            [(false, 0, true), (false, 1, false), (true, 0, true), (true, 1, true)]
        {
            let now = Traffic { queued, ..HANDSHAKE };
            assert_eq!(Liveness::new(hidden, 4).aux_tick(now), sends, "{hidden} {queued}");
        }
    }

    /// What Erlang's connection process does, word for word of its variables.
    struct Reference {
        read: u64,
        write: u64,
        tick: u16,
        ticked: u16,
    }

    impl Reference {
        fn send_tick(&mut self, now: Traffic, hidden: bool, intensity: u16) -> Option<bool> {
            let t = self.tick + 1;
            if now.received == self.read && self.ticked == t {
                return None;
            }
            let sends = (now.sent == self.write && now.queued == 0)
                || (hidden && now.received == self.read);
            self.write = now.sent + u64::from(sends);
            self.ticked = if now.received == self.read { self.ticked } else { t };
            self.tick = t % intensity;
            self.read = now.received;
            Some(sends)
        }
    }

    proptest! {
        //= docs/spec/tick.md#tick-timeout
        //= type=test
        #[test]
        fn every_tick_decides_as_erlangs_own_variables_do(
            hidden: bool,
            intensity in 4..8_u16,
            steps in proptest::collection::vec((0..2_u64, 0..3_u64, 0..2_u64), 1..60),
        ) {
            let mut link = Liveness::new(hidden, intensity);
            let mut reference = Reference { read: 0, write: 0, tick: 0, ticked: 0 };
            let mut now = HANDSHAKE;
            for (received, sent, queued) in steps {
                now.received += received;
                now.sent += sent;
                now.queued = queued;
                let expected = reference.send_tick(now, hidden, intensity);
                match link.tick(now) {
                    Beat::Dead => {
                        prop_assert_eq!(expected, None);
                        break;
                    }
                    Beat::Alive { tick, .. } => {
                        prop_assert_eq!(expected, Some(tick));
                        now.sent += u64::from(tick);
                    }
                }
            }
        }
    }
}
