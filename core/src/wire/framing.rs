//! Frames: a length, and as many bytes.

use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;

/// What is reserved for a frame on the mere word of its length. Beyond it, memory grows with the bytes that arrive.
const RESERVE_MAX: usize = 4096;

/// A frame of more bytes than this does not share its memory with what comes behind it, unless more bytes than it has came with it at once;
/// and a payload that is little of such a frame does not share it, either.
pub const SHARED_MAX: usize = 64 * 1024;

/// How wide the big-endian length in front of each frame is. It does not count itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Framing {
    /// Two bytes: the handshake over TCP.
    Short,
    /// Four bytes: the channel, and the handshake over TLS.
    Long,
}

impl Framing {
    /// Bytes of the length field.
    #[must_use]
    pub const fn header_len(self) -> usize {
        match self {
            Self::Short => 2,
            Self::Long => 4,
        }
    }

    /// The longest frame, in bytes without the length field, that the length field can announce.
    #[must_use]
    pub const fn max_len(self) -> usize {
        match self {
            Self::Short => u16::MAX as usize,
            Self::Long => u32::MAX as usize,
        }
    }

    /// Appends one frame to `out`, with the body that `body` appends.
    ///
    /// # Errors
    /// [`FrameTooLong`] if the length field cannot hold the length of the body; `out` is then as it was.
    pub fn put(
        self,
        out: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), FrameTooLong> {
        let start = out.len();
        out.extend_from_slice(&[0; 4][..self.header_len()]);
        body(out);
        let length = out.len() - start - self.header_len();
        if length > self.max_len() {
            out.truncate(start);
            return Err(FrameTooLong { length, limit: self.max_len() });
        }
        // The low bytes of the length; the check above says that the others are zero.
        let length = (length as u32).to_be_bytes();
        out[start..start + self.header_len()].copy_from_slice(&length[4 - self.header_len()..]);
        Ok(())
    }

    /// The length that stands at the beginning of `bytes`, once it is complete.
    fn announced(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Short => bytes.first_chunk().map(|&length| u16::from_be_bytes(length).into()),
            Self::Long => bytes.first_chunk().map(|&length| u32::from_be_bytes(length) as usize),
        }
    }
}

/// Cuts a stream of bytes into frames, however the bytes come in.
///
/// Frames of up to 64 KiB share the memory of the chunk that they came in: whoever keeps a small one for long may want to copy it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrameBuffer {
    framing: Framing,
    limit: usize,
    buffer: BytesMut,
}

impl FrameBuffer {
    /// An empty buffer that accepts frames of at most `limit` bytes, not counting the length field.
    #[must_use]
    pub fn new(framing: Framing, limit: usize) -> Self {
        Self { framing, limit, buffer: BytesMut::new() }
    }

    /// Appends bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// What of these bytes is behind the whole empty frames that they begin with, if they begin a frame. An idle channel brings
    /// nothing else, and need not touch the buffer.
    #[must_use]
    pub fn behind_ticks<'a>(&self, mut bytes: &'a [u8]) -> &'a [u8] {
        while self.buffer.is_empty() && self.framing.announced(bytes) == Some(0) {
            bytes = bytes.get(self.framing.header_len()..).unwrap_or_default();
        }
        bytes
    }

    /// The next frame, without its length field; `None` until it is complete. An empty frame of a channel is a tick.
    ///
    /// # Errors
    /// [`FrameTooLong`] as soon as the length field is there, and ever after.
    //= docs/spec/channel.md#ch-frame
    //= docs/spec/channel.md#ch-tick
    //= docs/spec/channel.md#ch-frame-limit
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
        Ok(self.next_frame_mut()?.map(BytesMut::freeze))
    }

    /// The same, for who changes the frame.
    pub(crate) fn next_frame_mut(&mut self) -> Result<Option<BytesMut>, FrameTooLong> {
        let Some(length) = self.framing.announced(&self.buffer) else { return Ok(None) };
        if length > self.limit {
            return Err(FrameTooLong { length, limit: self.limit });
        }
        let arrived = self.buffer.len() - self.framing.header_len();
        if arrived < length {
            //= docs/spec/channel.md#ch-frame-memory
            self.buffer.reserve((length - arrived).min(RESERVE_MAX));
            return Ok(None);
        }
        self.buffer.advance(self.framing.header_len());
        if length == 0 {
            // Ticks are many, and share no memory.
            return Ok(Some(BytesMut::new()));
        }
        let frame = self.buffer.split_to(length);
        // What is behind it, and all that would still fit there, would keep it alive. The copy is paid for by the frame.
        if length > SHARED_MAX && self.buffer.len() <= length {
            self.buffer = BytesMut::from(&*self.buffer);
        }
        Ok(Some(frame))
    }

    /// The bytes that belong to no frame yet. After the last message of a handshake they are the first of the channel.
    #[must_use]
    pub fn into_residue(self) -> Bytes {
        self.buffer.freeze()
    }
}

/// A frame is longer than allowed. Lengths are in bytes, without the length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameTooLong {
    /// The length of the frame.
    pub length: usize,
    /// The longest that is allowed.
    pub limit: usize,
}

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame of {} bytes, the limit is {}", self.length, self.limit)
    }
}

impl core::error::Error for FrameTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_as_long_as_its_length_field_can_say_and_no_longer() {
        for (length, fits) in [(0, true), (0xFFFF, true), (0x1_0000, false)] {
            let mut out = alloc::vec![1, 2];
            let put = Framing::Short.put(&mut out, |out| out.resize(out.len() + length, 7));
            let limit = 0xFFFF;
            assert_eq!(put, if fits { Ok(()) } else { Err(FrameTooLong { length, limit }) });
            assert_eq!(out.len(), if fits { 4 + length } else { 2 });
            assert_eq!(out[..2], [1, 2], "what was there stays");
        }
    }
    use alloc::vec;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn framed(framing: Framing, bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            framing.put(&mut out, |out| out.extend_from_slice(body)).unwrap();
        }
        out
    }

    fn drain(buffer: &mut FrameBuffer, frames: &mut Vec<Vec<u8>>) {
        while let Some(frame) = buffer.next_frame().unwrap() {
            frames.push(frame.to_vec());
        }
    }

    //= docs/spec/channel.md#ch-frame
    //= type=test
    #[test]
    fn the_length_is_big_endian_and_counts_only_the_body() {
        assert_eq!(framed(Framing::Short, &[vec![7; 258]])[..3], [1, 2, 7]);
        assert_eq!(framed(Framing::Long, &[vec![7; 258]])[..5], [0, 0, 1, 2, 7]);
    }

    //= docs/spec/channel.md#ch-tick
    //= type=test
    #[test]
    fn a_tick_is_an_empty_frame() {
        let mut buffer = FrameBuffer::new(Framing::Long, 10);
        buffer.push(&[0, 0, 0]);
        assert_eq!(buffer.next_frame(), Ok(None));
        buffer.push(&[0, 0, 0, 0, 1, b'x']);
        assert_eq!(buffer.next_frame(), Ok(Some(Bytes::new())));
        assert_eq!(buffer.next_frame(), Ok(Some(Bytes::from_static(b"x"))));
        assert_eq!(buffer.next_frame(), Ok(None));
    }

    //= docs/spec/channel.md#ch-tick
    //= type=test
    #[test]
    fn ticks_are_passed_over_only_where_a_frame_begins() {
        let mut buffer = FrameBuffer::new(Framing::Long, 10);
        assert_eq!(buffer.behind_ticks(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), [0, 0]);
        assert_eq!(buffer.behind_ticks(&[0, 0, 0, 0, 0, 0, 0, 1, 0]), [0, 0, 0, 1, 0]);
        buffer.push(&[0, 0, 0]);
        assert_eq!(buffer.behind_ticks(&[4, 0, 0, 0, 0]), [4, 0, 0, 0, 0]);
        buffer.push(&[4]);
        assert_eq!(buffer.behind_ticks(&[0, 0, 0, 0]), [0; 4], "a body of zeros");
    }

    //= docs/spec/channel.md#ch-frame-memory
    //= type=test
    #[test]
    fn a_long_frame_is_not_kept_alive_by_those_behind_it() {
        for (length, shares) in [(SHARED_MAX, true), (SHARED_MAX + 1, false)] {
            let mut buffer = FrameBuffer::new(Framing::Long, 1 << 20);
            buffer.push(&framed(Framing::Long, &[vec![1; length], vec![2; 10], vec![3; 5]]));
            let mut frames = core::iter::from_fn(|| buffer.next_frame().unwrap());
            let [long, short, last] = core::array::from_fn(|_| frames.next().unwrap());
            assert_eq!((&*short, &*last), (&[2; 10][..], &[3; 5][..]));
            let behind = long.as_ptr_range().end.wrapping_add(4);
            assert_eq!(short.as_ptr() == behind, shares);
        }
    }

    //= docs/spec/channel.md#ch-frame-limit
    //= type=test
    #[test]
    fn too_long_is_told_once_the_length_is_there_and_reserves_nothing() {
        let mut buffer = FrameBuffer::new(Framing::Long, 1000);
        buffer.push(&[0, 0, 3, 0xE8, 1]);
        assert_eq!(buffer.next_frame(), Ok(None), "exactly the limit");
        let mut buffer = FrameBuffer::new(Framing::Long, 1000);
        buffer.push(&[0xFF, 0xFF, 0xFF, 0xFF]);
        let error = FrameTooLong { length: 0xFFFF_FFFF, limit: 1000 };
        assert_eq!(buffer.next_frame(), Err(error));
        buffer.push(&[1, 2, 3]);
        assert_eq!(buffer.next_frame(), Err(error));
        assert!(buffer.buffer.capacity() < 1000);
    }

    //= docs/spec/channel.md#ch-frame-memory
    //= type=test
    #[test]
    fn memory_follows_what_arrived_not_what_was_announced() {
        let mut buffer = FrameBuffer::new(Framing::Long, usize::MAX);
        buffer.push(&[0x7F, 0xFF, 0xFF, 0xFF]);
        assert_eq!(buffer.next_frame(), Ok(None));
        assert!(buffer.buffer.capacity() <= 2 * RESERVE_MAX);
        let mut arrived = 0;
        for _ in 0..100 {
            buffer.push(&[1; 5000]);
            arrived += 5000;
            assert_eq!(buffer.next_frame(), Ok(None));
            assert!(buffer.buffer.capacity() <= 2 * (arrived + RESERVE_MAX));
        }
    }

    #[test]
    fn frames_of_one_chunk_share_its_memory() {
        let mut buffer = FrameBuffer::new(Framing::Long, 1000);
        buffer.push(&framed(Framing::Long, &vec![vec![9; 60]; 1000]));
        let start = buffer.buffer.as_ptr() as usize;
        for i in 0..1000 {
            let frame = buffer.next_frame().unwrap().unwrap();
            assert_eq!(frame.as_ptr() as usize, start + 64 * i + 4);
        }
        assert_eq!(buffer.next_frame(), Ok(None));
    }

    #[test]
    fn what_follows_a_frame_is_handed_on() {
        let mut buffer = FrameBuffer::new(Framing::Short, 100);
        buffer.push(b"\x00\x02ok\x00\x00\x00\x01x");
        assert_eq!(buffer.next_frame(), Ok(Some(Bytes::from_static(b"ok"))));
        assert_eq!(buffer.into_residue(), Bytes::from_static(b"\x00\x00\x00\x01x"));
    }

    #[test]
    fn a_body_that_the_length_cannot_hold_is_not_written() {
        let mut out = vec![1];
        let result = Framing::Short.put(&mut out, |out| out.extend_from_slice(&[0; 65536]));
        assert_eq!(result, Err(FrameTooLong { length: 65536, limit: 65535 }));
        assert_eq!(out, [1]);
    }

    proptest! {
        //= docs/spec/channel.md#ch-frame
        //= type=test
        #[test]
        fn any_split_of_a_stream_gives_the_same_frames(
            bodies in many(many(any::<u8>(), 0..40), 0..12),
            cuts in many(1_usize..50, 1..40),
            long in any::<bool>(),
        ) {
            let framing = if long { Framing::Long } else { Framing::Short };
            let stream = framed(framing, &bodies);
            let mut buffer = FrameBuffer::new(framing, 40);
            let (mut rest, mut cuts, mut frames) = (&stream[..], cuts.iter().cycle(), Vec::new());
            while !rest.is_empty() {
                let (chunk, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                buffer.push(chunk);
                drain(&mut buffer, &mut frames);
                rest = tail;
            }
            prop_assert_eq!(frames, bodies);
            prop_assert!(buffer.into_residue().is_empty());
        }
    }
}
