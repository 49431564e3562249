//! The data plane of one link: what is read and written once the handshake is over.
//!
//! Here live the queue of what is to be written, the cutting and parsing of what was read, and what senders hold for a
//! node. Processes do not: [`process`](crate::process) says what a signal means.

mod assembly;
mod frame;
mod lanes;
mod limits;
mod peer;
mod reader;
mod writer;

pub use frame::{FRAGMENT_BYTES, Frame};
pub use limits::Limits;
pub use peer::{MAX_MESSAGE_BYTES, Peer, Sending};
pub use reader::{Batch, LinkReader, Origin};
pub use writer::{Busy, LinkWriter};

pub use crate::stream::Violation;
