//! The data plane of one link: what is read and written once the handshake is over.
//!
//! Here live the queue of what is to be written, the cutting and parsing of what was read, and what senders hold for a
//! node. Processes do not: [`process`](crate::process) says what a signal means.

mod limits;
mod peer;
mod pump;
mod reader;
mod writer;

use core::fmt;

pub use limits::Limits;
pub use peer::{MAX_MESSAGE_BYTES, Peer, Sending, frame};
pub use pump::pump;
pub use reader::{Batch, LinkReader};
pub use writer::{Busy, LinkWriter};

/// What the data plane could not accept. It ends the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum Violation {
    /// The peer asked for more answers than it reads.
    AnswersUnread,
    /// A control message that is not one: no tuple, an unknown operation, wrong fields.
    Control,
    /// A frame that announces more bytes than the limit.
    FrameTooLong,
    /// A term that cannot be decoded, or a wrong version byte.
    Term,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnswersUnread => "the peer does not read the answers it asks for",
            Self::Control => "invalid control message",
            Self::FrameTooLong => "frame longer than the limit",
            Self::Term => "invalid term",
        })
    }
}
