//! What senders hold for one node.

use alloc::vec::Vec;
use bytes::Bytes;
use core::mem;

use super::Limits;
use crate::flags::Flags;
use crate::ids::LinkId;
use crate::net_kernel::Promotion;
use crate::wire::control::Control;

/// The way to one node, as senders see it. A plain struct: the runtime wraps the lock.
///
/// Only the kernel's outputs move it, never a reader or a writer: `Attempting`, `Promote`, `Close` of a promoted stream
/// and `Disconnected`. An output that carries the id of a link other than the present one is stale, and changes nothing.
///
/// ```text
/// Absent --attempting--> Pending --promoted--> Up --closing--> Closing --disconnected--> Absent
/// ```
///
/// An attempt that takes the place of another one (both nodes dialled) takes over its queue. `disconnected` leads from
/// every state to Absent.
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
    Up { link: LinkId, flags: Flags },
    Closing { link: LinkId },
}

/// What became of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a frame is to be pushed, a signal that came back is to be sent again"]
pub enum Sending {
    /// Push this frame on the writer of this link.
    Push {
        /// The link that the frame is made for. It must not be sent on another.
        link: LinkId,
        /// The frame, with its length field.
        frame: Bytes,
    },
    /// It waits for the link to come up.
    Queued,
    /// Too much waits for the link to come up. Send again after the next change of this peer.
    Full(Control),
    /// There is no link, and no attempt to have one.
    Absent(Control),
    /// The message is longer than a frame can be: more than [`MAX_MESSAGE_BYTES`].
    TooLong(Control),
    /// The link is going down, or the peer did not agree to such signals: there is nobody to send it to.
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
    /// by [`push_raw`](super::LinkWriter::push_raw) before anybody can send again.
    //= docs/spec/channel.md#ch-pending-order
    pub fn promoted(&mut self, promotion: &Promotion) -> Vec<Bytes> {
        match &mut self.state {
            State::Pending { link, queue, .. } if *link == promotion.link => {
                let queue = mem::take(queue);
                let flags = promotion.flags;
                self.state = State::Up { link: promotion.link, flags };
                queue
                    .iter()
                    .filter(|signal| flags.contains(signal.needed_flags()))
                    .filter_map(frame_of)
                    .collect()
            }
            State::Absent | State::Pending { .. } | State::Up { .. } | State::Closing { .. } => {
                Vec::new()
            }
        }
    }

    /// [`Output::Close`](crate::net_kernel::Output::Close) of the stream of a promoted link: what is sent from now on is
    /// dropped.
    pub fn closing(&mut self, closed: LinkId) {
        if self.link() == Some(closed) {
            self.state = State::Closing { link: closed };
        }
    }

    /// [`Output::Disconnected`](crate::net_kernel::Output::Disconnected): what waited is dropped.
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

    /// Sends one signal, or says why not.
    //= docs/spec/channel.md#ch-pending-bound
    pub fn send(&mut self, signal: Control) -> Sending {
        if payload_len(&signal) > MAX_MESSAGE_BYTES {
            return Sending::TooLong(signal);
        }
        match &mut self.state {
            State::Absent => Sending::Absent(signal),
            State::Pending { bytes, .. } if *bytes >= self.limits.high_mark_bytes => {
                Sending::Full(signal)
            }
            State::Pending { queue, bytes, .. } => {
                *bytes += payload_len(&signal) + SIGNAL_BYTES;
                queue.push(signal);
                Sending::Queued
            }
            State::Up { link, flags } if flags.contains(signal.needed_flags()) => {
                match frame_of(&signal) {
                    Some(frame) => Sending::Push { link: *link, frame },
                    None => Sending::TooLong(signal),
                }
            }
            State::Up { .. } | State::Closing { .. } => Sending::Dropped,
        }
    }
}

/// Bytes of the part of a signal whose length has no small bound.
const fn payload_len(signal: &Control) -> usize {
    match signal {
        Control::Send { message: payload, .. }
        | Control::RegSend { message: payload, .. }
        | Control::Exit { reason: payload, .. }
        | Control::Exit2 { reason: payload, .. }
        | Control::MonitorPExit { reason: payload, .. } => payload.len(),
        Control::Link { .. }
        | Control::UnlinkId { .. }
        | Control::UnlinkIdAck { .. }
        | Control::GroupLeader { .. }
        | Control::MonitorP { .. }
        | Control::DemonitorP { .. } => 0,
    }
}

fn frame_of(signal: &Control) -> Option<Bytes> {
    let mut frame = Vec::with_capacity(128 + payload_len(signal));
    signal.emit(&mut frame).ok()?;
    Some(frame.into())
}
