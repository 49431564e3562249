//! What waits to be written on one stream.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes};
use core::fmt;

use super::frame::{FRAGMENT_BYTES, Frame};
use super::lanes::{Account, Lanes, Piece};
use super::{Limits, Violation};

/// A tick: a frame without a body.
static TICK: [u8; 4] = [0; 4];

/// While large messages are under way, about so many bytes have their place in the order of what is written. What is sent meanwhile,
/// and a tick, comes behind these.
const AHEAD_BYTES: u64 = 2 * FRAGMENT_BYTES as u64;

/// The queue of one stream, from its opening to its close. First it holds set-up packets, then frames.
///
/// A plain struct: the runtime wraps the lock, writes what [`chunks`](Self::chunks) gives without holding it, and tells
/// [`advance`](Self::advance) how much of it the stream took.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkWriter {
    limits: Limits,
    /// In the order in which it is written.
    queue: VecDeque<Piece>,
    /// While there are large messages: what has no place in that order yet.
    lanes: Option<Box<Lanes>>,
    /// Bytes put into the queue or into lanes since the opening.
    submitted: u64,
    /// Those that have been put into the queue.
    placed: u64,
    /// Those that the stream took.
    written: u64,
    /// The value of `placed` behind the last tick: it is unwritten while `written` is less.
    tick_end: u64,
    /// Unwritten bytes that count for the mark: all but those of large messages.
    marked: usize,
    /// Bytes of unwritten answers.
    answers: usize,
    /// Bytes of unwritten signals that the peer has caused.
    caused: usize,
    /// There were too many of those, and are still.
    overfull: bool,
    sent: u64,
    /// Large messages since the opening.
    sequences: u64,
    /// The high mark was reached, and the low mark not yet.
    busy: bool,
    /// A large message was placed to its end, and who waits for that was not told.
    lane_ended: bool,
    discarded: bool,
}

/// Without the bytes: they may be a digest, or a letter.
impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes)", self.bytes.len())
    }
}

/// The stream has as much to write as it may have, or is not done with a large message of the same sender. The frame comes back,
/// to be pushed once [`has_room_for`](LinkWriter::has_room_for) it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the frame was not queued"]
pub struct Busy(pub Frame);

impl LinkWriter {
    /// An empty queue.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            lanes: None,
            submitted: 0,
            placed: 0,
            written: 0,
            tick_end: 0,
            marked: 0,
            answers: 0,
            caused: 0,
            overfull: false,
            sent: 0,
            sequences: 0,
            busy: false,
            lane_ended: false,
            discarded: false,
        }
    }

    /// Queues one packet of the set-up without asking the mark.
    pub fn push_raw(&mut self, packet: Bytes) {
        self.submit(packet.into(), Account::Sender);
    }

    /// Queues one frame that waited in a [`Peer`](super::Peer) for the link to come up, without asking the mark.
    pub fn push_waited(&mut self, frame: Frame) {
        self.submit(frame, Account::Sender);
    }

    /// Queues one frame of a sender that can wait.
    ///
    /// A frame longer than the mark passes if nothing else makes the queue busy.
    ///
    /// # Errors
    /// [`Busy`] gives the frame back from the high mark on, until the queue has fallen below the low mark; while a large
    /// message of its sender is under way; and if it is a large one itself, while too many of them are.
    //= docs/spec/channel.md#ch-writer-marks
    pub fn push(&mut self, frame: Frame) -> Result<(), Busy> {
        if !self.has_room_for(&frame) {
            return Err(Busy(frame));
        }
        self.submit(frame, Account::Sender);
        Ok(())
    }

    /// Queues one frame that answers what the peer has sent. It passes the mark.
    ///
    /// # Errors
    /// [`Violation::AnswersUnread`] if more answers than [`Limits::max_answer_bytes`] are unwritten: the peer asks and
    /// does not read. Other frames do not count, so that a large message to a slow peer is no offence of that peer.
    //= docs/spec/channel.md#ch-writer-answers
    pub fn push_forced(&mut self, frame: Frame) -> Result<(), Violation> {
        if self.answers.saturating_add(frame.wire_len()) > self.limits.max_answer_bytes() {
            return Err(Violation::AnswersUnread);
        }
        self.submit(frame, Account::Answer);
        Ok(())
    }

    /// Queues one frame of a signal that this node's processes have given rise to, and that cannot wait: the exit signal of one
    /// that has ended, say. It passes the mark, and counts for it, and is never too much for the link.
    //= docs/spec/channel.md#ch-writer-signals
    pub fn push_signal(&mut self, frame: Frame) {
        self.submit(frame, Account::Sender);
    }

    /// As [`push_signal`](Self::push_signal), for a signal that goes back to the peer whose signal is being handled: see
    /// [`may_read`](Self::may_read).
    pub fn push_caused(&mut self, frame: Frame) {
        self.submit(frame, Account::Caused);
        self.overfull = self.overfull || self.caused > self.limits.max_answer_bytes();
    }

    /// Whether what the peer sends next is to be handled: not while more than [`Limits::max_answer_bytes`] of what
    /// [`push_caused`](Self::push_caused) has queued are unwritten, and then not before half of it is. The peer might cause more and
    /// more of them, and not read. [`advance`](Self::advance) tells when to ask again.
    #[must_use]
    pub const fn may_read(&self) -> bool {
        !self.overfull
    }

    /// Queues a tick at the next end of a frame that has no other behind it yet, whatever the mark. One that is not yet written is
    /// not doubled, but counts in [`sent`](Self::sent) all the same.
    //= docs/spec/channel.md#ch-writer-tick
    pub fn tick(&mut self) {
        if self.written < self.tick_end {
            self.sent += 1;
        } else if !self.discarded {
            let tick = Bytes::from_static(&TICK);
            self.count(1, tick.len());
            self.mark(tick.len());
            self.place(Piece { bytes: tick, account: Account::Sender, fragment: false });
            self.tick_end = self.placed;
        }
    }

    /// What to write next, at most `max` pieces, for one vectored write. Cloning a piece does not copy its bytes.
    pub fn chunks(&self, max: usize) -> impl Iterator<Item = &Bytes> {
        self.queue.iter().take(max).map(|piece| &piece.bytes)
    }

    /// The stream took `n` bytes of what [`chunks`](Self::chunks) gave; they may end inside a frame. `true` if senders, or a
    /// reader, that wait are to be woken.
    //= docs/spec/channel.md#ch-writer-order
    pub fn advance(&mut self, mut n: usize) -> bool {
        while n > 0 {
            let Some(front) = self.queue.front_mut() else { break };
            let taken = n.min(front.bytes.len());
            front.bytes.advance(taken);
            n -= taken;
            self.written += taken as u64;
            match front.account {
                Account::Sender => {}
                Account::Answer => self.answers -= taken,
                Account::Caused => self.caused -= taken,
            }
            self.marked -= if front.fragment { 0 } else { taken };
            if front.bytes.is_empty() {
                self.queue.pop_front();
            }
        }
        self.fill();
        if self.queue.is_empty() {
            // From its beginning again: an idle link's ticks touch one entry, and not one after the other.
            self.queue.clear();
        }
        let room = self.busy && (self.marked < self.limits.low_mark_bytes() || self.marked == 0);
        self.busy = self.busy && !room;
        let reads = self.overfull && self.caused <= self.limits.max_answer_bytes() / 2;
        self.overfull = self.overfull && !reads;
        core::mem::take(&mut self.lane_ended) || room || reads
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the queue is below its marks. Once `false`, it stays so until the queue has fallen below the low mark.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        !self.busy
    }

    /// Whether [`push`](Self::push) would take this frame. [`advance`](Self::advance) tells when to ask again.
    #[must_use]
    pub fn has_room_for(&self, frame: &Frame) -> bool {
        let max = self.limits.max_lane_bytes();
        !self.busy && self.lanes.as_ref().is_none_or(|lanes| lanes.has_room_for(frame, max))
    }

    /// Bytes that wait to be written: `queued` of [`Traffic`](crate::liveness::Traffic).
    #[must_use]
    pub const fn queued(&self) -> u64 {
        self.submitted - self.written
    }

    /// Bytes that the stream took since the opening.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Packets, frames and ticks submitted since the opening: `sent` of [`Traffic`](crate::liveness::Traffic).
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Drops what is queued, and from now on all that is pushed: the stream is closed abortively. Whoever waits for room
    /// is to be woken.
    //= docs/spec/channel.md#ch-writer-discard
    pub fn discard(&mut self) {
        self.discarded = true;
        self.queue.clear();
        self.lanes = None;
        self.placed = self.submitted;
        self.written = self.submitted;
        self.marked = 0;
        self.answers = 0;
        self.caused = 0;
        self.busy = false;
        self.overfull = false;
    }

    fn submit(&mut self, frame: Frame, account: Account) {
        let len = frame.wire_len();
        if self.discarded || len == 0 {
            return;
        }
        self.count(frame.frames() as u64, len);
        match account {
            Account::Sender => {}
            Account::Answer => self.answers += len,
            Account::Caused => self.caused += len,
        }
        let large = frame.is_large();
        if !large {
            self.mark(len);
        }
        if !large && self.lanes.is_none() {
            let (first, second) = frame.into_pieces();
            for bytes in [first, second] {
                if !bytes.is_empty() {
                    self.place(Piece { bytes, account, fragment: false });
                }
            }
            return;
        }
        self.sequences += u64::from(large);
        self.lanes.get_or_insert_default().add(frame, account, self.sequences);
        self.fill();
    }

    fn count(&mut self, frames: u64, bytes: usize) {
        self.sent += frames;
        self.submitted += bytes as u64;
    }

    fn mark(&mut self, bytes: usize) {
        self.marked += bytes;
        self.busy = self.busy || self.marked >= self.limits.high_mark_bytes;
    }

    fn place(&mut self, piece: Piece) {
        self.placed += piece.bytes.len() as u64;
        self.queue.push_back(piece);
    }

    /// Has lanes take turns while too little has its place.
    fn fill(&mut self) {
        while self.placed - self.written < AHEAD_BYTES {
            let Some(mut lanes) = self.lanes.take() else { break };
            self.lane_ended |= lanes.turn(|piece| self.place(piece));
            if !lanes.is_empty() {
                self.lanes = Some(lanes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    const MARK: usize = 100;

    fn writer() -> LinkWriter {
        LinkWriter::new(Limits { high_mark_bytes: MARK, ..Limits::default() })
    }

    fn frame(len: usize) -> Frame {
        Bytes::from(vec![7; len]).into()
    }

    /// Has the stream take at most `n` bytes of what is offered in at most `pieces` pieces.
    fn take(writer: &mut LinkWriter, n: usize, pieces: usize) -> Vec<u8> {
        let mut taken: Vec<u8> = writer.chunks(pieces).flatten().copied().collect();
        taken.truncate(n);
        writer.advance(taken.len());
        taken
    }

    //= docs/spec/channel.md#ch-writer-marks
    //= type=test
    #[test]
    fn senders_wait_from_the_high_mark_until_below_the_low_mark() {
        let mut writer = writer();
        writer.push(frame(99)).unwrap();
        assert!(writer.has_room());
        writer.push(frame(1000)).unwrap();
        assert!(!writer.has_room());
        assert_eq!(writer.push(frame(1)), Err(Busy(frame(1))));
        take(&mut writer, 1049, 9);
        assert_eq!((writer.queued(), writer.has_room()), (50, false));
        assert_eq!(writer.push(frame(1)), Err(Busy(frame(1))), "below the high mark is not enough");
        take(&mut writer, 1, 9);
        assert_eq!((writer.queued(), writer.has_room()), (49, true));
        writer.push(frame(1)).unwrap();
        assert_eq!(writer.sent(), 3, "a frame that was given back was not sent");
        assert_eq!(Limits::default().high_mark_bytes, 1024 * 1024);
    }

    //= docs/spec/channel.md#ch-writer-order
    //= type=test
    #[test]
    fn what_the_stream_took_is_written_and_no_byte_more() {
        let mut writer = writer();
        for _ in 0..2 {
            writer.push_waited(frame(10));
        }
        for written in [4_u64, 10, 13, 20] {
            writer.advance((written - writer.written()) as usize);
            assert_eq!((writer.written(), writer.queued()), (written, 20 - written));
        }
    }

    //= docs/spec/channel.md#ch-writer-answers
    //= type=test
    #[test]
    fn answers_pass_the_mark_up_to_eight_times_it() {
        let mut writer = writer();
        writer.push(frame(5000)).unwrap();
        for _ in 0..8 {
            writer.push_forced(frame(100)).unwrap();
        }
        assert_eq!(writer.push_forced(frame(1)), Err(Violation::AnswersUnread));
        take(&mut writer, 5000, 1);
        assert_eq!(writer.push_forced(frame(1)), Err(Violation::AnswersUnread));
        take(&mut writer, 10, 1);
        assert_eq!(writer.push_forced(frame(10)), Ok(()));
        take(&mut writer, 800, 9);
        assert!(writer.is_empty());
        for _ in 0..2 {
            assert_eq!(writer.push_forced(frame(800)), Ok(()));
            take(&mut writer, 800, 1);
        }
    }

    //= docs/spec/channel.md#ch-writer-signals
    //= type=test
    #[test]
    fn signals_are_never_too_much_but_the_peer_that_causes_them_is_not_heard_meanwhile() {
        let mut own = writer();
        own.push_signal(frame(9000));
        assert_eq!((own.has_room(), own.may_read()), (false, true), "the peer has not caused it");
        let mut writer = writer();
        writer.push_caused(frame(9000));
        assert_eq!((writer.has_room(), writer.may_read()), (false, false));
        for _ in 0..100 {
            writer.push_caused(frame(10));
            writer.push_forced(frame(1)).unwrap();
        }
        // 9000 of the first, and 11 each of the others, are told once: when 400 of signals are left, and 40 of answers.
        let told: Vec<_> = (1..=1010).filter(|_| writer.advance(10)).collect();
        assert_eq!(told, [966, 1006]);
        let mut one = LinkWriter::new(writer.limits);
        one.push_caused(frame(800));
        assert!(one.may_read(), "up to eight times the mark");
        one.push_caused(frame(1));
        assert!(!one.may_read());
        one.discard();
        assert!(one.may_read());
    }

    //= docs/spec/channel.md#ch-writer-tick
    //= type=test
    #[test]
    fn a_tick_passes_the_mark_and_is_not_doubled_but_counted() {
        let mut writer = writer();
        writer.push(frame(200)).unwrap();
        writer.tick();
        writer.tick();
        assert_eq!((writer.queued(), writer.sent()), (204, 3));
        assert_eq!(take(&mut writer, 203, 9)[200..], [0, 0, 0]);
        writer.tick();
        assert_eq!((writer.queued(), writer.sent()), (1, 4), "half a tick is an unwritten one");
        assert_eq!(take(&mut writer, 9, 9), [0]);
        writer.tick();
        assert_eq!((writer.queued(), writer.sent()), (4, 5));
    }

    #[test]
    fn packets_of_the_set_up_count_from_the_opening_on() {
        let mut writer = writer();
        writer.push_waited(frame(30));
        writer.push_waited(frame(90));
        assert_eq!((writer.queued(), writer.sent()), (120, 2));
        take(&mut writer, 500, 9);
        assert_eq!((writer.queued(), writer.sent(), writer.has_room()), (0, 2, true));
        assert!(!alloc::format!("{writer:?}").contains("\\x07"), "bytes are not for the log");
    }

    //= docs/spec/channel.md#ch-writer-discard
    //= type=test
    #[test]
    fn nothing_is_written_after_a_discard() {
        let mut writer = writer();
        writer.push(frame(200)).unwrap();
        writer.push_forced(frame(20)).unwrap();
        writer.discard();
        assert!(writer.is_empty() && writer.has_room(), "who waits for room has to wake");
        assert_eq!(writer.push(frame(5)), Ok(()));
        assert_eq!(writer.push_forced(frame(5)), Ok(()));
        writer.push_waited(frame(5));
        writer.tick();
        // A write that was under way ends late.
        writer.advance(200);
        assert_eq!((writer.is_empty(), writer.queued(), writer.sent()), (true, 0, 2));
    }

    proptest! {
        //= docs/spec/channel.md#ch-writer-order
        //= type=test
        #[test]
        fn writer_emits_every_byte_once_in_order(
            steps in many((0_u8..4, 0_usize..60, 1_usize..5), 0..60),
        ) {
            let (mut writer, mut expected, mut written) = (writer(), Vec::new(), Vec::new());
            for (i, &(kind, n, pieces)) in steps.iter().enumerate() {
                let frame: Vec<u8> = (0..n).map(|j| (i * 31 + j) as u8).collect();
                let accepted = match kind {
                    0 => writer.push(Bytes::from(frame.clone()).into()).is_ok(),
                    1 => writer.push_forced(Bytes::from(frame.clone()).into()).is_ok(),
                    2 => { writer.push_raw(frame.clone().into()); true }
                    _ => { written.extend(take(&mut writer, n, pieces)); false }
                };
                if accepted {
                    expected.extend(frame);
                }
                prop_assert_eq!(writer.queued() as usize, expected.len() - written.len());
            }
            written.extend(take(&mut writer, usize::MAX, usize::MAX));
            prop_assert_eq!(written, expected);
            prop_assert!(writer.is_empty() && writer.has_room());
        }

        //= docs/spec/channel.md#ch-writer-tick
        //= type=test
        #[test]
        fn a_tick_never_splits_a_frame(steps in many((any::<bool>(), 1_u8..60, 1_usize..80), 0..60)) {
            let (mut writer, mut written, mut frames) = (writer(), Vec::new(), Vec::new());
            for (tick, len, n) in steps {
                if tick {
                    writer.tick();
                } else {
                    let frame = [&[0, 0, 0, len], &vec![len; len.into()][..]].concat();
                    frames.push(len);
                    writer.push_raw(frame.into());
                }
                written.extend(take(&mut writer, n, 3));
            }
            written.extend(take(&mut writer, usize::MAX, usize::MAX));
            let mut rest = &written[..];
            let mut seen = Vec::new();
            while let [0, 0, 0, len, tail @ ..] = rest {
                let (body, tail) = tail.split_at((*len).into());
                prop_assert!(body.iter().all(|b| b == len));
                seen.extend((*len > 0).then_some(*len));
                rest = tail;
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(seen, frames);
        }
    }
}
