//! Cutting the handshake's packets out of a stream, and putting them into one.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{Failure, Stage};
use crate::wire::framing::{FrameBuffer, Framing};

//= docs/spec/handshake.md#hs-packet-limit
/// The longest packet: all that a 2-byte length can say. Over TLS, where the length has 4 bytes, no more is needed.
pub(super) const PACKET_MAX_BYTES: usize = 0xFFFF;

//= docs/spec/handshake.md#hs-framing
/// The packets of one handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Packets {
    framing: Framing,
    buffer: FrameBuffer,
}

impl Packets {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, buffer: FrameBuffer::new(framing, PACKET_MAX_BYTES) }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// The next whole packet, which `stage` waits for.
    pub(super) fn next(&mut self, stage: Stage) -> Result<Option<Bytes>, Failure> {
        self.buffer.next_frame().map_err(|_| Failure::Malformed(stage))
    }

    /// Appends a packet whose body is written by `emit`.
    pub(super) fn put(&self, out: &mut Vec<u8>, emit: impl FnOnce(&mut Vec<u8>)) {
        let fits = self.framing.put(out, emit);
        debug_assert!(fits.is_ok(), "the longest message is a name of 510 bytes and a few words");
    }

    pub(super) fn into_residue(self) -> Bytes {
        self.buffer.into_residue()
    }
}
