//! One side of a byte stream.

use netkernel_core::StreamId;
use netkernel_core::link::LinkReader;

/// Who is at the other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Far {
    Epmd,
    Node(usize, StreamId),
    Script(usize),
    /// Nobody answers there, as in a black hole.
    Nobody,
}

/// One side of a stream.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Side {
    pub far: Far,
    pub inbox: Vec<u8>,
    pub eof: bool,
    /// This side dialled.
    pub dialled: bool,
    pub(super) outbox: Vec<u8>,
    /// Closed by its own side, which has not been told of the end yet.
    pub(super) closing: bool,
    /// To be closed once the outbox is empty.
    pub(super) leaving: bool,
    pub(super) reading: bool,
    pub(super) reader: Option<LinkReader>,
    pub received: u64,
    pub(super) sent: u64,
    pub queued: u64,
    pub paused: bool,
    pub counters_fail: bool,
}

impl Side {
    /// Somebody has introduced himself here, and has no answer.
    pub fn is_parked(&self) -> bool {
        let heard = self.received > 0 && self.sent == 0;
        heard && !self.dialled && !self.reading && self.reader.is_none()
    }

    /// A read would bring something.
    pub fn is_readable(&self) -> bool {
        let reads = self.reading || self.reader.is_some();
        reads && !self.paused && (self.eof && !self.closing || !self.inbox.is_empty())
    }

    pub(super) fn new(far: Far) -> Self {
        Self {
            far,
            inbox: Vec::new(),
            eof: false,
            dialled: false,
            outbox: Vec::new(),
            closing: false,
            leaving: false,
            reading: false,
            reader: None,
            received: 0,
            sent: 0,
            queued: 0,
            paused: false,
            counters_fail: false,
        }
    }
}
