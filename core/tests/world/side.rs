//! One side of a byte stream.

use netkernel_core::StreamId;
use netkernel_core::link::LinkReader;

/// Who is at the other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    Epmd,
    Node(usize, StreamId),
    Script(usize),
    /// Nobody answers there, as in a black hole.
    Nobody,
}

/// One side of a stream.
#[derive(Debug)]
pub struct Side {
    pub far: Far,
    pub inbox: Vec<u8>,
    pub eof: bool,
    pub(super) outbox: Vec<u8>,
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
    pub(super) fn new(far: Far) -> Self {
        Self {
            far,
            inbox: Vec::new(),
            eof: false,
            outbox: Vec::new(),
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
