//! What senders hold for one node.

use alloc::vec::Vec;
use core::mem;

use super::{Frame, Limits};
use crate::creation::Creation;
use crate::flags::Flags;
use crate::ids::LinkId;
use crate::stream::Promotion;
use crate::wire::control::Control;

/// The way to one node, as senders see it. A plain struct: the runtime wraps the lock.
///
/// Only the kernel's outputs move it, never a reader or a writer: `Attempting`, `Promote`, `Close` of a promoted stream
/// and `Disconnected`. An output that carries the id of a link other than the present one is stale, and changes nothing.
///
/// `docs/state-machines.md` draws its states. An attempt that takes the place of another one (both nodes dialled) takes over its queue.
/// `disconnected` leads from every state to the absence of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    limits: Limits,
    state: State,
}

/// The longest message, in bytes with its version byte: what a frame can hold, less ample room for the rest of it.
pub const MAX_MESSAGE_BYTES: usize = u32::MAX as usize - (1 << 16);

/// What a waiting signal without payload counts for: about its memory, and the same on every platform.
const SIGNAL_BYTES: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Absent,
    Pending { link: LinkId, queue: Vec<Control>, bytes: usize },
    Up { link: LinkId, flags: Flags, creation: Creation },
    Closing { link: LinkId },
}

/// What became of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a signal that comes back is to be pushed, or to be sent again"]
pub enum Sending {
    /// Make a frame of this signal, by [`Frame::new`], and push it on the writer of this link. Making it takes no lock.
    Push {
        /// The link that the signal is meant for. It must not be sent on another.
        link: LinkId,
        /// What was agreed on there.
        flags: Flags,
        /// The signal.
        signal: Control,
    },
    /// It waits for the link to come up.
    Queued,
    /// Too much waits for the link to come up. A sender that can wait sends again after the next change of this peer; for one
    /// that cannot, there is no connection.
    Full(Control),
    /// There is no link, and no attempt to have one.
    Absent(Control),
    /// The peer does not take such signals. A monitor is then one of the connection alone, as in Erlang.
    NotAgreed,
    /// The message is longer than a frame can be: more than [`MAX_MESSAGE_BYTES`].
    TooLong(Control),
    /// The link is going down, or the receiver is of an earlier incarnation of the node: there is nobody to send it to.
    Dropped,
}

impl Peer {
    /// Without a link.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, state: State::Absent }
    }

    /// The link that is up.
    #[must_use]
    pub const fn link(&self) -> Option<LinkId> {
        match self.state {
            State::Up { link, .. } => Some(link),
            State::Absent | State::Pending { .. } | State::Closing { .. } => None,
        }
    }

    /// Whether there is neither a link nor an attempt: then nothing is lost by forgetting this peer.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent)
    }

    /// [`Output::Attempting`](crate::net_kernel::Output::Attempting): signals wait for this link from now on.
    pub fn attempting(&mut self, attempt: LinkId) {
        match &mut self.state {
            State::Absent => {
                self.state = State::Pending { link: attempt, queue: Vec::new(), bytes: 0 };
            }
            State::Pending { link, .. } => *link = attempt,
            State::Up { .. } | State::Closing { .. } => {}
        }
    }

    /// [`Output::Promote`](crate::net_kernel::Output::Promote): the frames that waited, in order. They go to the writer
    /// by [`push_waited`](super::LinkWriter::push_waited) before anybody can send again.
    //= docs/spec/channel.md#ch-pending-order
    pub fn promoted(&mut self, promotion: &Promotion) -> Vec<Frame> {
        let State::Pending { link, queue, .. } = &mut self.state else { return Vec::new() };
        if *link != promotion.link {
            return Vec::new();
        }
        let Promotion { link, flags, creation, .. } = *promotion;
        let queue = mem::take(queue);
        self.state = State::Up { link, flags, creation };
        let agreed = queue.iter().filter(|signal| flags.contains(signal.needed_flags()));
        let welcome = agreed.filter(|signal| !is_fatal(signal, creation));
        welcome.filter_map(|signal| Frame::new(signal, flags)).collect()
    }

    /// [`Output::Close`](crate::net_kernel::Output::Close) of the stream of a promoted link: what is sent from now on is
    /// dropped.
    //= docs/spec/channel.md#ch-closing
    pub fn closing(&mut self, closed: LinkId) {
        if self.link() == Some(closed) {
            self.state = State::Closing { link: closed };
        }
    }

    /// [`Output::Disconnected`](crate::net_kernel::Output::Disconnected): what waited is dropped.
    //= docs/spec/channel.md#ch-closing
    pub fn disconnected(&mut self, gone: LinkId) {
        let present = match self.state {
            State::Absent => None,
            State::Pending { link, .. } | State::Up { link, .. } | State::Closing { link } => {
                Some(link)
            }
        };
        if present == Some(gone) {
            self.state = State::Absent;
        }
    }

    /// Sends one signal of a sender that can wait, or says why not.
    //= docs/spec/channel.md#ch-pending-bound
    pub fn send(&mut self, signal: Control) -> Sending {
        if self.has_room() { self.send_forced(signal) } else { Sending::Full(signal) }
    }

    /// Whether [`send`](Self::send) would take a signal, or say for good why not.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        match self.state {
            State::Pending { bytes, .. } => bytes < self.limits.high_mark_bytes,
            State::Absent | State::Up { .. } | State::Closing { .. } => true,
        }
    }

    /// Whether a signal would be sent now or wait for an attempt, and not be in vain.
    #[must_use]
    pub const fn is_reached(&self) -> bool {
        matches!(self.state, State::Pending { .. } | State::Up { .. })
    }

    /// Sends one signal that somebody may wait for, but who sends it cannot wait: it passes the bound of [`send`](Self::send).
    ///
    /// While an attempt is pending, [`Limits::max_answer_bytes`] may wait; more is [`Sending::Full`]. What ends a link or a
    /// monitor of which the beginning waits, too, passes that bound: there are no more of them than there are beginnings.
    //= docs/spec/channel.md#ch-pending-forced
    pub fn send_forced(&mut self, signal: Control) -> Sending {
        if signal.unbounded_len() > MAX_MESSAGE_BYTES {
            return Sending::TooLong(signal);
        }
        match &mut self.state {
            State::Absent => Sending::Absent(signal),
            State::Pending { bytes, .. }
                if *bytes >= self.limits.max_answer_bytes() && !is_end(&signal) =>
            {
                Sending::Full(signal)
            }
            State::Pending { queue, bytes, .. } => {
                *bytes = bytes.saturating_add(signal.unbounded_len()).saturating_add(SIGNAL_BYTES);
                queue.push(signal);
                Sending::Queued
            }
            State::Up { creation, .. } if is_fatal(&signal, *creation) => Sending::Dropped,
            //= docs/spec/channel.md#ch-encode-unlocked
            State::Up { link, flags, .. } if flags.contains(signal.needed_flags()) => {
                Sending::Push { link: *link, flags: *flags, signal }
            }
            State::Up { .. } => Sending::NotAgreed,
            State::Closing { .. } => Sending::Dropped,
        }
    }
}

/// Whether it ends what another signal has begun.
const fn is_end(signal: &Control) -> bool {
    matches!(
        signal,
        Control::Exit { .. }
            | Control::UnlinkId { .. }
            | Control::UnlinkIdAck { .. }
            | Control::DemonitorP { .. }
            | Control::MonitorPExit { .. }
            | Control::SpawnReply { .. }
    )
}

/// Whether an Erlang node ends the link for this signal, because it is for a process of an earlier incarnation. Nobody can
/// be waiting for it.
//= docs/spec/process.md#process-stale-fatal
fn is_fatal(signal: &Control, present: Creation) -> bool {
    let (Control::Exit { to, .. } | Control::UnlinkId { to, .. } | Control::UnlinkIdAck { to, .. }) =
        signal
    else {
        return false;
    };
    to.creation != present
}

#[cfg(test)]
mod matrix;

#[cfg(test)]
mod tests {
    use super::matrix::{links, monitor, peer, pid, promotion, signal};
    use super::*;
    use crate::Creation;
    use crate::term::{Atom, Pid, Reference};
    use crate::wire::control::Monitored;
    use alloc::vec;
    use bytes::Bytes;

    fn up(peer: &mut Peer, link: LinkId) {
        peer.attempting(link);
        let _ = peer.promoted(&promotion(link, Flags::SERVED));
        assert_eq!(peer.link(), Some(link));
    }

    //= docs/spec/channel.md#ch-encode-unlocked
    //= type=test
    //= docs/spec/channel.md#ch-pending-order
    //= type=test
    #[test]
    fn what_waited_comes_first_and_in_order_whoever_began() {
        let ([one, two, _], mut peer) = (links(), peer());
        assert_eq!(peer.send(signal(0)), Sending::Absent(signal(0)));
        peer.attempting(one);
        assert_eq!(peer.send(signal(1)), Sending::Queued);
        // The other node dialled, too, and its connection wins.
        peer.attempting(two);
        peer.disconnected(one);
        assert_eq!(peer.send(signal(2)), Sending::Queued);
        assert_eq!(peer.promoted(&promotion(one, Flags::SERVED)), [] as [Frame; 0], "stale");
        let frames = peer.promoted(&promotion(two, Flags::SERVED));
        assert_eq!(
            frames,
            [1, 2].map(|number| Frame::new(&signal(number), Flags::SERVED).unwrap())
        );
        assert_eq!(
            peer.send(signal(3)),
            Sending::Push { link: two, flags: Flags::SERVED, signal: signal(3) }
        );
    }

    //= docs/spec/channel.md#ch-pending-bound
    //= type=test
    #[test]
    fn a_full_queue_gives_signals_back_and_a_failed_attempt_drops_it() {
        let ([one, two, _], mut peer) = (links(), peer());
        peer.attempting(one);
        let queued = (0..100).filter(|&i| peer.send(signal(i)) == Sending::Queued).count();
        assert_eq!(queued, 1000_usize.div_ceil(SIGNAL_BYTES + 3));
        assert_eq!(peer.send(signal(9)), Sending::Full(signal(9)));
        assert!(!peer.has_room());
        assert_eq!(peer.send_forced(signal(9)), Sending::Queued, "who cannot wait need not");
        peer.disconnected(one);
        assert!(peer.has_room());
        assert_eq!(peer.send(signal(9)), Sending::Absent(signal(9)));
        peer.attempting(two);
        assert_eq!(peer.promoted(&promotion(two, Flags::SERVED)), [] as [Frame; 0]);
    }

    //= docs/spec/channel.md#ch-pending-bound
    //= type=test
    #[test]
    fn a_queue_that_is_just_as_long_as_it_may_be_is_full() {
        let high_mark_bytes = SIGNAL_BYTES + signal(0).unbounded_len();
        let mut peer = Peer::new(Limits { high_mark_bytes, ..Limits::default() });
        peer.attempting(links()[0]);
        assert_eq!(peer.send(signal(0)), Sending::Queued);
        assert!(!peer.has_room());
    }

    #[test]
    fn a_node_is_reached_by_a_link_or_an_attempt_and_absent_once_all_of_it_is_over() {
        let ([one, ..], mut peer) = (links(), peer());
        let state = |peer: &Peer| (peer.is_reached(), peer.is_absent());
        assert_eq!(state(&peer), (false, true));
        peer.attempting(one);
        assert_eq!(state(&peer), (true, false));
        peer.promoted(&promotion(one, Flags::SERVED));
        assert_eq!(state(&peer), (true, false));
        peer.closing(one);
        assert_eq!(state(&peer), (false, false));
        peer.disconnected(one);
        assert_eq!(state(&peer), (false, true));
    }

    //= docs/spec/channel.md#ch-pending-forced
    //= type=test
    #[test]
    fn what_cannot_wait_has_a_bound_and_what_ends_something_has_none_of_its_own() {
        let ([one, ..], mut peer) = (links(), peer());
        peer.attempting(one);
        let queued = (0..200).filter(|_| peer.send_forced(monitor()) == Sending::Queued).count();
        assert_eq!(queued, 8000_usize.div_ceil(SIGNAL_BYTES + monitor().unbounded_len()));
        assert_eq!(peer.send_forced(monitor()), Sending::Full(monitor()));
        let reference = Reference::new(Atom::literal("a@b"), Creation(7), &[1]).unwrap();
        let end =
            Control::DemonitorP { from: pid(), to: Monitored::Name(Atom::literal("x")), reference };
        assert_eq!(peer.send_forced(end), Sending::Queued);
        assert_eq!(peer.promoted(&promotion(one, Flags::SERVED)).len(), queued + 1);
        assert!(matches!(peer.send_forced(monitor()), Sending::Push { .. }));
    }

    /// Its message is of zeros that nobody reads: the system needs no memory for them.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_message_is_no_longer_than_a_frame_can_be() {
        assert_eq!(MAX_MESSAGE_BYTES, 0xFFFE_FFFF);
        let of = |len| {
            let message = Bytes::from(vec![0; len]);
            Control::Send { from: None, to: pid(), message, token: None }
        };
        assert!(matches!(peer().send_forced(of(MAX_MESSAGE_BYTES)), Sending::Absent(_)));
        assert!(matches!(peer().send_forced(of(MAX_MESSAGE_BYTES + 1)), Sending::TooLong(_)));
    }

    //= docs/spec/channel.md#ch-closing
    //= type=test
    #[test]
    fn nothing_outlives_its_link_and_stale_ids_change_nothing() {
        let ([one, two, three], mut peer) = (links(), peer());
        up(&mut peer, one);
        peer.closing(three);
        peer.disconnected(three);
        peer.attempting(three);
        assert_eq!(peer.link(), Some(one));
        peer.closing(one);
        assert_eq!((peer.link(), peer.is_reached()), (None, false));
        assert_eq!(peer.send(signal(1)), Sending::Dropped);
        peer.disconnected(two);
        assert_eq!(peer.send(signal(1)), Sending::Dropped, "still closing");
        peer.disconnected(one);
        assert_eq!(peer.send(signal(1)), Sending::Absent(signal(1)));
        up(&mut peer, two);
        peer.closing(one);
        peer.disconnected(one);
        assert_eq!(peer.link(), Some(two));
    }

    //= docs/spec/process.md#process-stale-fatal
    //= type=test
    #[test]
    fn what_kills_a_link_is_not_sent_to_processes_of_earlier_incarnations() {
        let [one, ..] = links();
        let exit = |creation| {
            let (from, to) = (pid(), Pid { creation: Creation(creation), ..pid() });
            Control::Exit { from, to, reason: Bytes::from_static(b"\x6a"), token: None }
        };
        let link = Control::Link { from: pid(), to: pid() };
        let mut peer = peer();
        peer.attempting(one);
        for signal in [exit(7), link.clone(), exit(8)] {
            assert_eq!(peer.send_forced(signal), Sending::Queued);
        }
        let frames = peer.promoted(&promotion(one, Flags::SERVED));
        assert_eq!(
            frames,
            [link, exit(8)].map(|signal| Frame::new(&signal, Flags::SERVED).unwrap())
        );
        assert_eq!(peer.send(exit(7)), Sending::Dropped);
        assert!(matches!(peer.send(exit(8)), Sending::Push { .. }));
    }

    //= docs/spec/channel.md#ch-monitor-flags
    //= type=test
    #[test]
    fn monitors_are_sent_only_where_they_were_agreed() {
        let [one, two, _] = links();
        for flags in [Flags::MANDATORY_26, Flags::SERVED.without(Flags::DIST_MONITOR_NAME)] {
            let mut peer = peer();
            peer.attempting(one);
            assert_eq!(peer.send(monitor()), Sending::Queued);
            assert_eq!(peer.promoted(&promotion(one, flags)), [] as [Frame; 0]);
            assert_eq!(peer.send(monitor()), Sending::NotAgreed);
            assert!(matches!(peer.send(signal(1)), Sending::Push { .. }));
        }
        let mut peer = peer();
        up(&mut peer, two);
        assert!(matches!(peer.send(monitor()), Sending::Push { .. }));
    }
}
