//! The messages of a channel on which neither an atom cache nor fragments were agreed: "pass through" frames.
//!
//! A frame is one byte that nobody looks at, a control message, and for some operations a payload.

mod emit;
mod parse;

use bytes::Bytes;
use core::num::NonZeroU64;

use crate::flags::Flags;
use crate::term::{Atom, Pid, Reference};

pub use parse::parse;

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// A message of an operation that is served.
    Control(Control),
    /// A message of an operation that exists, but is used only if both sides agree on a flag that we do not offer. Nothing
    /// of it was looked at but that its control message is a term.
    NotServed {
        /// The number of the operation.
        op: u8,
    },
}

/// A signal from a process to a process, or the kernel's answer to one.
///
/// A `reason` is the bytes of one term without version byte; a `message` is a complete external term, version byte
/// included. Both are well-formed if they come from [`parse()`], and have to be for [`Control::emit`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields have the names of Erlang's manual")]
pub enum Control {
    /// `from` links with `to`.
    Link { from: Pid, to: Pid },
    /// A message to a pid.
    Send { to: Pid, message: Bytes },
    /// `from` has ended, and `to` was linked with it.
    Exit { from: Pid, to: Pid, reason: Bytes },
    /// `from` ends its link with `to`, which answers by [`Control::UnlinkIdAck`] with the same id.
    UnlinkId { id: NonZeroU64, from: Pid, to: Pid },
    /// The answer to [`Control::UnlinkId`]: the pids have changed places.
    UnlinkIdAck { id: NonZeroU64, from: Pid, to: Pid },
    /// A message to a registered name.
    RegSend { from: Pid, to: Atom, message: Bytes },
    /// `leader` is the group leader of `to` from now on.
    GroupLeader { leader: Pid, to: Pid },
    /// `exit/2`.
    Exit2 { from: Pid, to: Pid, reason: Bytes },
    /// `from` monitors `to`.
    MonitorP { from: Pid, to: Monitored, reference: Reference },
    /// `from` does not monitor `to` any more.
    DemonitorP { from: Pid, to: Monitored, reference: Reference },
    /// `from` has ended, or was not there, and `to` monitored it under this reference.
    MonitorPExit { from: Monitored, to: Pid, reference: Reference, reason: Bytes },
}

impl Control {
    /// The flags that both sides must have agreed on for this signal to be sent.
    //= docs/spec/channel.md#ch-monitor-flags
    #[must_use]
    pub const fn needed_flags(&self) -> Flags {
        match self {
            Self::MonitorP { .. } | Self::DemonitorP { .. } | Self::MonitorPExit { .. } => {
                Flags::MONITORS
            }
            Self::Link { .. }
            | Self::Send { .. }
            | Self::Exit { .. }
            | Self::UnlinkId { .. }
            | Self::UnlinkIdAck { .. }
            | Self::RegSend { .. }
            | Self::GroupLeader { .. }
            | Self::Exit2 { .. } => Flags::NONE,
        }
    }
}

/// What a process is monitored by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Monitored {
    /// Its pid.
    Pid(Pid),
    /// The name that it is, or is not, registered under.
    Name(Atom),
}

/// The numbers of the operations (`dist.h`, `enum dop`).
mod op {
    pub(super) const LINK: u8 = 1;
    pub(super) const SEND: u8 = 2;
    pub(super) const EXIT: u8 = 3;
    pub(super) const REG_SEND: u8 = 6;
    pub(super) const GROUP_LEADER: u8 = 7;
    pub(super) const EXIT2: u8 = 8;
    pub(super) const SEND_TT: u8 = 12;
    pub(super) const EXIT_TT: u8 = 13;
    pub(super) const REG_SEND_TT: u8 = 16;
    pub(super) const EXIT2_TT: u8 = 18;
    pub(super) const MONITOR_P: u8 = 19;
    pub(super) const DEMONITOR_P: u8 = 20;
    pub(super) const MONITOR_P_EXIT: u8 = 21;
    pub(super) const SEND_SENDER: u8 = 22;
    pub(super) const ALIAS_SEND_TT: u8 = 34;
    pub(super) const UNLINK_ID: u8 = 35;
    pub(super) const UNLINK_ID_ACK: u8 = 36;
    pub(super) const ALTACT_SIG_SEND: u8 = 37;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::NodeName;
    use crate::stream::Violation;
    use crate::term::generate;
    use crate::wire::framing::{FrameBuffer, Framing};
    use alloc::{vec, vec::Vec};
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn peer() -> NodeName {
        NodeName::new("a@h").unwrap()
    }

    /// The frame of this control message, without its length.
    fn frame(control: &Control) -> Vec<u8> {
        let mut out = Vec::new();
        control.emit(&mut out).unwrap();
        out.split_off(4)
    }

    fn monitored() -> impl Strategy<Value = Monitored> {
        prop_oneof![
            generate::pid(generate::atom()).prop_map(Monitored::Pid),
            generate::atom().prop_map(Monitored::Name),
        ]
    }

    /// Any control message that [`peer`] may send.
    fn control() -> impl Strategy<Value = Control> {
        let theirs = || generate::pid(Just(peer().as_atom().clone()));
        let pid = || generate::pid(generate::atom());
        let pids = move || (theirs(), pid());
        let reason = || generate::term().prop_map(Bytes::from);
        let message = || generate::term().prop_map(|term| [&[0x83][..], &term].concat().into());
        let watch = move || (theirs(), monitored(), generate::reference());
        prop_oneof![
            pids().prop_map(|(from, to)| Control::Link { from, to }),
            (pid(), message()).prop_map(|(to, message)| Control::Send { to, message }),
            (pids(), reason()).prop_map(|((from, to), reason)| Control::Exit { from, to, reason }),
            (any::<NonZeroU64>(), pids()).prop_map(|(id, (from, to))| Control::UnlinkId {
                id,
                from,
                to
            }),
            (any::<NonZeroU64>(), pids()).prop_map(|(id, (from, to))| Control::UnlinkIdAck {
                id,
                from,
                to
            }),
            (pid(), generate::atom(), message()).prop_map(|(from, to, message)| Control::RegSend {
                from,
                to,
                message
            }),
            (pid(), pid()).prop_map(|(leader, to)| Control::GroupLeader { leader, to }),
            (pids(), reason()).prop_map(|((from, to), reason)| Control::Exit2 { from, to, reason }),
            watch().prop_map(|(from, to, reference)| Control::MonitorP { from, to, reference }),
            watch().prop_map(|(from, to, reference)| Control::DemonitorP { from, to, reference }),
            (monitored(), pid(), generate::reference(), reason()).prop_map(
                |(from, to, reference, reason)| Control::MonitorPExit {
                    from,
                    to,
                    reference,
                    reason
                }
            ),
        ]
    }

    proptest! {
        //= docs/spec/channel.md#ch-pass-through
        //= type=test
        #[test]
        fn parse_gives_back_what_was_emitted(controls in many(control(), 1..4)) {
            let mut stream = Vec::new();
            for control in &controls {
                control.emit(&mut stream).unwrap();
            }
            let mut frames = FrameBuffer::new(Framing::Long, stream.len());
            frames.push(&stream);
            for control in controls {
                let frame = frames.next_frame().unwrap().unwrap();
                prop_assert_eq!(parse(&frame, &peer()), Ok(Received::Control(control)));
            }
            prop_assert_eq!(frames.next_frame(), Ok(None));
        }

        #[test]
        fn no_strict_prefix_of_a_frame_is_a_message(control in control()) {
            let bytes = Bytes::from(frame(&control));
            for len in 0..bytes.len() {
                prop_assert_eq!(parse(&bytes.slice(..len), &peer()), Err(Violation::Term));
            }
        }

        #[test]
        fn what_a_damaged_frame_is_read_as_can_be_emitted_and_read_again(
            control in control(),
            damage in many((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = frame(&control);
            for (at, byte) in damage {
                *at.get_mut(&mut bytes) = byte;
            }
            if let Ok(Received::Control(read)) = parse(&bytes.into(), &peer()) {
                let again = parse(&frame(&read).into(), &peer());
                prop_assert_eq!(again, Ok(Received::Control(read)));
            }
        }
    }
}
