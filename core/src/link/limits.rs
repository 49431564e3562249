//! What one link may use.

/// Bounds of one link. All of them are this library's own: Erlang has the mark only, and is else bounded by memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub struct Limits {
    /// The longest frame that is accepted, in bytes without its length field. A longer one ends the link as soon as it
    /// is announced.
    pub max_frame_bytes: usize,
    /// As soon as this many bytes wait to be written, senders have to wait, until fewer than half of it do. Erlang's
    /// `+zdbbl`, with the same default. Signals that wait for a link to come up have this bound, too.
    ///
    /// Messages of more than 64 KiB do not count here, so that small messages of others pass them. Their bounds are
    /// [`max_lane_bytes`](Self::max_lane_bytes) for the link, and one at a time for each sender.
    pub high_mark_bytes: usize,
    /// So many messages may have some of their fragments here, and miss others. One more ends the link.
    pub max_sequences: usize,
    /// So many bytes of such messages may be here. More end the link. The memory for them is at most twice as much.
    pub max_held_bytes: usize,
}

impl Limits {
    /// Senders that had to wait may go on when fewer bytes than this wait to be written.
    #[must_use]
    pub const fn low_mark_bytes(&self) -> usize {
        self.high_mark_bytes / 2
    }

    /// 256 times the high mark. As soon as large messages of this many bytes wait to be written, one more of a sender that
    /// can wait does, until there are fewer: the last one taken may be of any length.
    #[must_use]
    pub const fn max_lane_bytes(&self) -> usize {
        self.high_mark_bytes.saturating_mul(256)
    }

    /// The most bytes of answers that may wait for a peer that asks but does not read: 8 times the high mark. With so many bytes of
    /// signals that it has caused and that could not wait, the peer is not heard for a time, see [`LinkWriter::may_read`](super::LinkWriter::may_read);
    /// and while a link is coming up no more than these wait for it.
    #[must_use]
    pub const fn max_answer_bytes(&self) -> usize {
        self.high_mark_bytes.saturating_mul(8)
    }
}

impl Default for Limits {
    /// Frames of 128 MiB, a high mark of 1 MiB, and 4096 messages in fragments with 512 MiB in all.
    //= docs/spec/channel.md#ch-frame-limit-default
    //= docs/spec/channel.md#ch-writer-marks
    fn default() -> Self {
        Self {
            max_frame_bytes: 128 << 20,
            high_mark_bytes: 1 << 20,
            max_sequences: 4096,
            max_held_bytes: 512 << 20,
        }
    }
}
