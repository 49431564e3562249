//! Large messages under way, and what is sent meanwhile.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

use super::frame::{FRAGMENT_BYTES, Form, Frame, Sender};
use crate::wire::dist_header::{FRAGMENT_HEADER_LEN, Place};

/// Each sender of a large message has a lane, in which its later signals wait behind that message. The signals of all others
/// have one lane together. Lanes take turns.
//= docs/spec/channel.md#ch-lanes
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Lanes {
    shared: VecDeque<Waiting>,
    /// Signals that have left `shared`, and those that have ever been there.
    left_shared: u64,
    joined_shared: u64,
    lanes: VecDeque<Lane>,
    /// Lanes that have ever been there.
    begun: u64,
    held: VecDeque<Held>,
    /// The lane of the last of them that was large: those behind it wait for its end.
    held_lane: Option<u64>,
    /// Of large messages.
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane {
    /// How many there were before it.
    number: u64,
    /// Those who are not known have one together.
    sender: Option<Sender>,
    /// So many signals leave the shared lane before this one begins: the sender's own may be among them.
    behind: u64,
    queue: VecDeque<Waiting>,
}

/// A signal of a process that it does not name: it waits for all that was there before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    behind: u64,
    /// So many lanes end before it goes.
    lanes: u64,
    waiting: Waiting,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    frame: Frame,
    account: Account,
    /// Of a large message.
    sequence: u64,
}

/// What a frame counts for, besides the mark.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Account {
    /// Nothing: who sent it can wait, or the peer has not caused it.
    Sender,
    /// What the peer asked for.
    Answer,
    /// Signals of this node's processes that the peer has caused.
    Caused,
}

/// What can be written: a frame, or a part of one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) account: Account,
    /// It is of a large message.
    pub(super) fragment: bool,
}

impl Lanes {
    /// Whether a signal of a sender that can wait is taken now.
    pub(super) fn has_room_for(&self, frame: &Frame, max_bytes: usize) -> bool {
        let under_way = self.lanes.iter().any(|lane| lane.sender == frame.sender());
        !under_way && (!frame.is_large() || self.bytes < max_bytes)
    }

    /// `sequence` is no other message's that is under way, and not 0.
    pub(super) fn add(&mut self, frame: Frame, account: Account, sequence: u64) {
        let (sender, large) = (frame.sender(), frame.is_large());
        self.bytes += if large { frame.wire_len() } else { 0 };
        let waiting = Waiting { frame, account, sequence };
        if waiting.frame.waits_for_all() {
            self.held.push_back(Held { behind: self.joined_shared, lanes: self.begun, waiting });
            return;
        }
        // What comes from nobody in particular waits for no lane.
        let has_lane = |lane: &&mut Lane| lane.sender == sender && (large || sender.is_some());
        if let Some(lane) = self.lanes.iter_mut().find(has_lane) {
            lane.queue.push_back(waiting);
        } else if large {
            self.begin(waiting);
        } else {
            self.joined_shared += 1;
            self.shared.push_back(waiting);
        }
    }

    /// One turn: some signals of the shared lane, and the next fragment. `true` if that was the end of a lane.
    pub(super) fn turn(&mut self, mut write: impl FnMut(Piece)) -> bool {
        self.step_shared(&mut write);
        let ended = self.step(&mut write);
        self.release(&mut write);
        ended
    }

    fn begin(&mut self, waiting: Waiting) {
        let (sender, number) = (waiting.frame.sender(), self.begun);
        self.begun += 1;
        let queue = VecDeque::from([waiting]);
        self.lanes.push_back(Lane { number, sender, behind: self.joined_shared, queue });
    }

    fn step_shared(&mut self, write: &mut impl FnMut(Piece)) {
        let mut portion = 0;
        while self.lanes.is_empty() || portion < FRAGMENT_BYTES {
            let Some(waiting) = self.shared.pop_front() else { break };
            self.left_shared += 1;
            portion += waiting.frame.wire_len();
            waiting.write(write);
        }
    }

    fn step(&mut self, write: &mut impl FnMut(Piece)) -> bool {
        let next = self.lanes.iter().position(|lane| lane.behind <= self.left_shared);
        let Some(mut lane) = next.and_then(|next| self.lanes.remove(next)) else { return false };
        self.bytes -= lane.step(write);
        let goes_on = !lane.queue.is_empty();
        if goes_on {
            self.lanes.push_back(lane);
        }
        !goes_on
    }

    fn release(&mut self, write: &mut impl FnMut(Piece)) {
        while let Some(held) = self.held.pop_front() {
            let held_lane = self.held_lane;
            let waits = |lane: &Lane| lane.number < held.lanes || Some(lane.number) == held_lane;
            if held.behind > self.left_shared || self.lanes.iter().any(waits) {
                self.held.push_front(held);
                break;
            }
            if held.waiting.frame.is_large() {
                self.held_lane = Some(self.begun);
                self.begin(held.waiting);
            } else {
                held.waiting.write(write);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.lanes.is_empty() && self.held.is_empty()
    }
}

impl Lane {
    /// Writes one fragment, or as many bytes of small signals. Returns by how much the large messages under way have become less.
    fn step(&mut self, write: &mut impl FnMut(Piece)) -> usize {
        let mut portion = 0;
        while portion < FRAGMENT_BYTES && self.queue.front().is_some_and(Waiting::is_small) {
            let Some(front) = self.queue.pop_front() else { break };
            portion += front.frame.wire_len();
            front.write(write);
        }
        if portion > 0 {
            return 0;
        }
        let Some(front) = self.queue.pop_front() else { return 0 };
        let len = front.frame.wire_len();
        let Some(rest) = front.write(write) else { return len };
        let left = rest.frame.wire_len();
        self.queue.push_front(rest);
        len - left
    }
}

impl Waiting {
    const fn is_small(&self) -> bool {
        !self.frame.is_large()
    }

    /// Writes one frame, and gives back what is left.
    fn write(self, write: &mut impl FnMut(Piece)) -> Option<Self> {
        let Self { frame, account, sequence } = self;
        let sender = frame.sender();
        let fragments = frame.frames() as u64;
        let mut write = |bytes: Bytes, fragment| {
            if !bytes.is_empty() {
                write(Piece { bytes, account, fragment });
            }
        };
        let (control, mut payload) = match frame.into_form() {
            Form::Whole { head, payload } => {
                write(head, false);
                write(payload, false);
                return None;
            }
            Form::Fragments { control, payload } => (control, payload),
        };
        let (first, place) = (!control.is_empty(), Place { sequence, fragment: fragments });
        let data = FRAGMENT_BYTES.saturating_sub(control.len()).min(payload.len());
        let length = FRAGMENT_HEADER_LEN + usize::from(first) + control.len() + data;
        let mut head = Vec::with_capacity(4 + length - data);
        // Neither a fragment's data nor a control message comes near to what the field can hold: see `Frame::new`.
        head.extend_from_slice(&(length as u32).to_be_bytes());
        place.emit(first, &mut head);
        head.extend_from_slice(&control);
        write(head.into(), true);
        write(payload.split_to(data), true);
        // Without a control message it is the rest of one.
        let rest = (fragments > 1).then(|| Frame::rest(sender, payload));
        rest.map(|frame| Self { frame, account, sequence })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Busy, Limits, LinkWriter};
    use super::*;
    use crate::wire::dist_header::Part;
    use crate::wire::framing::{FrameBuffer, Framing};
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::vec;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    const KIB: usize = 1024;

    /// A frame of this sender, which says who and the how manyeth it is.
    fn small(sender: u64, number: u8) -> Frame {
        Frame::small(sender, vec![0, 0, 0, 3, b'p', sender as u8, number])
    }

    /// A message of this sender, of so many bytes.
    fn large(sender: u64, number: u8, len: usize) -> Frame {
        Frame::large(sender, &[b'p', sender as u8, number], vec![number; len])
    }

    /// What a peer makes of the bytes: frames that are complete, as sender and number, in the order in which they are.
    #[derive(Default)]
    struct Peer {
        frames: Option<FrameBuffer>,
        begun: BTreeMap<u64, (u64, Vec<u8>)>,
        done: Vec<(u8, u8)>,
        /// Fragments, by message.
        fragments: Vec<u64>,
        ticks: usize,
    }

    impl Peer {
        fn read(&mut self, bytes: &[u8]) {
            let frames =
                self.frames.get_or_insert_with(|| FrameBuffer::new(Framing::Long, 70 * KIB));
            frames.push(bytes);
            while let Some(frame) = frames.next_frame().unwrap() {
                let (place, data) = match Part::parse(&frame) {
                    Ok((Part::First(place), at)) => {
                        assert_eq!(frame[at], 0, "no atoms");
                        let (next, data) = (place.fragment, Vec::new());
                        assert_eq!(self.begun.insert(place.sequence, (next, data)), None);
                        (place, &frame[at + 1..])
                    }
                    Ok((Part::Next(place), at)) => (place, &frame[at..]),
                    Ok((Part::Whole, _)) => panic!("sequence 0"),
                    Err(_) if frame.is_empty() => {
                        self.ticks += 1;
                        continue;
                    }
                    Err(_) => {
                        self.done.push((frame[1], frame[2]));
                        continue;
                    }
                };
                self.fragments.push(place.sequence);
                let (next, message) = self.begun.get_mut(&place.sequence).unwrap();
                assert_eq!(*next, place.fragment);
                assert!(data.len() == FRAGMENT_BYTES || place.fragment == 1);
                *next -= 1;
                message.extend_from_slice(data);
                if *next == 0 {
                    let (_, message) = self.begun.remove(&place.sequence).unwrap();
                    assert!(message[3..].iter().all(|&byte| byte == message[2]));
                    self.done.push((message[1], message[2]));
                }
            }
        }

        /// Takes at most so many bytes; whether senders are to be woken.
        fn take(&mut self, writer: &mut LinkWriter, most: usize) -> bool {
            let mut bytes: Vec<u8> = writer.chunks(usize::MAX).flatten().copied().collect();
            bytes.truncate(most);
            self.read(&bytes);
            writer.advance(bytes.len())
        }

        fn take_all(&mut self, writer: &mut LinkWriter) {
            while !writer.is_empty() {
                self.take(writer, usize::MAX);
            }
        }
    }

    fn writer() -> LinkWriter {
        LinkWriter::new(Limits::default())
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn small_messages_of_others_and_ticks_pass_between_fragments_and_lanes_take_turns() {
        let (mut writer, mut peer) = (writer(), Peer::default());
        writer.push(large(1, 9, 640 * KIB)).unwrap();
        writer.push(large(2, 8, 512 * KIB)).unwrap();
        writer.push(small(3, 1)).unwrap();
        writer.tick();
        assert_eq!((writer.sent(), writer.queued() > 1152 * KIB as u64), (11 + 9 + 2, true));
        for _ in 0..3 {
            peer.take(&mut writer, usize::MAX);
        }
        assert_eq!((&peer.done[..], peer.ticks), (&[(3, 1)][..], 1));
        writer.push(small(3, 2)).unwrap();
        peer.take_all(&mut writer);
        assert_eq!(peer.done, [(3, 1), (3, 2), (1, 9), (2, 8)]);
        let turns: BTreeSet<_> =
            peer.fragments[2..].windows(2).map(|two| two[0] == two[1]).collect();
        assert_eq!(turns, [false].into(), "one after the other: {:?}", peer.fragments);
        assert_eq!(writer.queued(), 0);
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn a_sender_waits_for_its_large_message_and_is_woken() {
        let (mut writer, mut peer) = (writer(), Peer::default());
        writer.push(large(1, 1, 640 * KIB)).unwrap();
        for next in [small(1, 2), large(1, 2, 100 * KIB)] {
            assert!(!writer.has_room_for(&next));
            assert_eq!(writer.push(next.clone()), Err(Busy(next)));
        }
        // Answers and what waited for the link cannot wait, and are not lost.
        writer.push_forced(small(1, 2)).unwrap();
        writer.push_waited(large(1, 3, 100 * KIB));
        writer.push_forced(small(1, 4)).unwrap();
        writer.push(small(2, 1)).unwrap();
        while !writer.has_room_for(&small(1, 5)) {
            assert_eq!(peer.take(&mut writer, 1000), writer.has_room_for(&small(1, 5)));
        }
        writer.push(small(1, 5)).unwrap();
        peer.take_all(&mut writer);
        assert_eq!(peer.done, [(2, 1), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn small_signals_behind_a_large_message_wait_for_one_fragment_of_others_and_not_each() {
        let (mut writer, mut peer) = (writer(), Peer::default());
        writer.push(large(1, 1, 70 * KIB)).unwrap();
        writer.push(large(2, 2, 4096 * KIB)).unwrap();
        for number in 0..50 {
            writer.push_forced(small(1, number)).unwrap();
        }
        let mut taken = 0;
        while peer.done.len() < 51 {
            peer.take(&mut writer, KIB);
            taken += KIB;
        }
        assert!(peer.done.iter().all(|done| done.0 == 1));
        assert!(taken < 512 * KIB, "{taken} bytes");
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn a_large_message_overtakes_none_of_its_sender() {
        let (mut writer, mut peer) = (writer(), Peer::default());
        writer.push(large(1, 1, 640 * KIB)).unwrap();
        for number in 0..200 {
            writer
                .push(Frame::small(3, [&[0, 0, 8, 3, b'p', 3, number][..], &[0; 2 * KIB]].concat()))
                .unwrap();
        }
        writer.push(small(2, 1)).unwrap();
        writer.push(large(2, 2, 65 * KIB)).unwrap();
        peer.take_all(&mut writer);
        let at = |of| peer.done.iter().position(|done| *done == of).unwrap();
        assert!(at((2, 1)) < at((2, 2)) && at((2, 2)) < at((1, 1)), "{:?}", peer.done);
        assert!(
            (0..200).map(|number| (3, number)).eq(peer.done.iter().copied().filter(|d| d.0 == 3))
        );
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn large_messages_do_not_count_for_the_mark_and_have_one_of_their_own() {
        let limits = Limits { high_mark_bytes: KIB, ..Limits::default() };
        let (mut writer, mut peer) = (LinkWriter::new(limits), Peer::default());
        writer.push(large(1, 1, 200 * KIB)).unwrap();
        assert!(writer.has_room(), "for others");
        writer.push(large(2, 2, 200 * KIB)).unwrap();
        let third = large(3, 3, 100 * KIB);
        assert_eq!(writer.push(third.clone()), Err(Busy(third.clone())), "256 KiB are under way");
        writer.push(small(3, 1)).unwrap();
        let woken = (0..).find(|_| peer.take(&mut writer, 8 * KIB)).unwrap();
        assert!(woken > 0 && writer.has_room_for(&third));
        writer.push(third).unwrap();
        peer.take_all(&mut writer);
        assert_eq!(peer.done, [(3, 1), (1, 1), (3, 3), (2, 2)]);
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn signals_without_a_sender_keep_their_order_large_or_small() {
        let (mut writer, mut peer) = (writer(), Peer::default());
        writer.push(small(1, 1)).unwrap();
        writer.push_signal(large(1, 2, 640 * KIB).without_sender());
        for number in [3, 5] {
            writer.push_signal(small(1, number).without_sender());
            writer.push_signal(large(1, number + 1, 200 * KIB).without_sender());
        }
        writer.push_signal(small(1, 7).without_sender());
        writer.push(large(2, 1, 300 * KIB)).unwrap();
        writer.push(small(3, 1)).unwrap();
        peer.take_all(&mut writer);
        let unnamed = peer.done.iter().filter(|done| done.0 == 1).map(|done| done.1);
        assert!(unnamed.eq(1..=7), "{:?}", peer.done);
        let place = |one| peer.done.iter().position(|done| *done == one).unwrap();
        assert!(place((3, 1)) < place((1, 2)), "others do not wait for them: {:?}", peer.done);
        assert!(place((2, 1)) < place((1, 4)), "nor for each: {:?}", peer.done);
    }

    /// What one turn of the lanes writes: the sender and number of each small frame, and `None` for each fragment.
    fn turn(lanes: &mut Lanes) -> Vec<Option<(u8, u8)>> {
        let (mut written, mut heads) = (Vec::new(), true);
        lanes.turn(|Piece { bytes, fragment, .. }| {
            if !fragment {
                written.push(Some((bytes[5], bytes[6])));
            } else if core::mem::replace(&mut heads, false) {
                written.push(None);
            }
        });
        written
    }

    /// A small frame that fills the portion of one turn.
    fn portion(sender: u64, number: u8) -> Frame {
        let mut frame = vec![0; FRAGMENT_BYTES];
        frame[..7].copy_from_slice(&[0, 0, 0xFF, 0xFC, b'p', sender as u8, number]);
        Frame::small(sender, frame)
    }

    fn lanes(frames: impl IntoIterator<Item = Frame>) -> Lanes {
        let mut lanes = Lanes::default();
        for (sequence, frame) in (1..).zip(frames) {
            lanes.add(frame, Account::Sender, sequence);
        }
        lanes
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn a_turn_has_one_portion_of_signals_of_others() {
        let mut lanes = lanes([large(1, 1, 640 * KIB), portion(2, 1), small(2, 2), small(3, 1)]);
        assert_eq!(turn(&mut lanes), [Some((2, 1)), None]);
        assert_eq!(turn(&mut lanes), [Some((2, 2)), Some((3, 1)), None]);
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn a_turn_has_one_portion_of_signals_behind_a_large_message() {
        let of_one = [large(1, 1, 10), portion(1, 2), small(1, 3), small(1, 4), large(1, 5, 10)];
        let mut lanes = lanes(of_one);
        assert_eq!(turn(&mut lanes), [None]);
        assert_eq!(turn(&mut lanes), [Some((1, 2))]);
        assert_eq!(turn(&mut lanes), [Some((1, 3)), Some((1, 4))]);
        assert_eq!(turn(&mut lanes), [None]);
        assert!(lanes.is_empty());
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn who_names_no_sender_waits_for_the_messages_before_it_and_not_for_those_behind() {
        let unnamed = small(9, 1).without_sender();
        let mut lanes = lanes([large(1, 1, 10), unnamed, large(2, 1, 640 * KIB)]);
        assert_eq!(turn(&mut lanes), [None, Some((9, 1))]);
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn large_messages_wait_for_room_as_soon_as_there_are_as_many_bytes_as_may_be() {
        let first = large(1, 1, 100 * KIB);
        let (bytes, next) = (first.wire_len(), large(2, 1, 10));
        let lanes = lanes([first]);
        assert!(lanes.has_room_for(&next, bytes + 1));
        assert!(!lanes.has_room_for(&next, bytes));
    }

    //= docs/spec/channel.md#ch-lanes
    //= type=test
    #[test]
    fn two_fragments_have_their_place_ahead_and_no_more() {
        let ahead =
            |writer: &LinkWriter| -> usize { writer.chunks(usize::MAX).map(Bytes::len).sum() };
        let mut writer = writer();
        writer.push(large(1, 1, 640 * KIB)).unwrap();
        let before = ahead(&writer);
        assert!(before > 2 * FRAGMENT_BYTES);
        writer.advance(before - 2 * FRAGMENT_BYTES);
        assert_eq!(ahead(&writer), 2 * FRAGMENT_BYTES);
        writer.advance(1);
        assert!(ahead(&writer) >= 3 * FRAGMENT_BYTES);
    }

    //= docs/spec/channel.md#ch-writer-discard
    //= type=test
    #[test]
    fn a_discard_drops_lanes_too() {
        let mut writer = writer();
        writer.push(large(1, 1, 640 * KIB)).unwrap();
        writer.discard();
        assert!(writer.is_empty() && writer.has_room_for(&small(1, 2)));
        writer.push(large(1, 1, 640 * KIB)).unwrap();
        assert_eq!((writer.queued(), writer.is_empty()), (0, true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        //= docs/spec/channel.md#ch-lanes
        //= type=test
        #[test]
        fn every_signal_arrives_once_and_each_senders_in_order(
            steps in many((0_u8..7, 0_u64..4, 0_usize..150 * KIB), 0..40),
        ) {
            let limits = Limits { high_mark_bytes: 2 * KIB, ..Limits::default() };
            let (mut writer, mut peer) = (LinkWriter::new(limits), Peer::default());
            let mut sent: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            let mut bytes = 0;
            for (number, (op, sender, len)) in steps.into_iter().enumerate() {
                let frame = if op % 2 == 0 { small(sender, number as u8) } else { large(sender, number as u8, len) };
                let len_on_wire = frame.wire_len() as u64;
                let taken = match op {
                    0 | 1 => {
                        let room = writer.has_room_for(&frame);
                        let taken = writer.push(frame).is_ok();
                        prop_assert_eq!(room, taken);
                        taken
                    }
                    2 | 3 => { writer.push_waited(frame); true }
                    4 => { writer.tick(); false }
                    6 => { writer.push_caused(frame); true }
                    _ => { peer.take(&mut writer, len); false }
                };
                if taken {
                    sent.entry(sender).or_default().push(number as u8);
                    bytes += len_on_wire;
                }
                prop_assert_eq!(writer.is_empty(), writer.queued() == 0);
                prop_assert!(writer.queued() <= bytes + 4 * 60);
            }
            peer.take_all(&mut writer);
            prop_assert_eq!((writer.queued(), writer.may_read()), (0, true));
            let mut arrived: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for (sender, number) in peer.done {
                arrived.entry(sender.into()).or_default().push(number);
            }
            prop_assert_eq!(arrived, sent);
        }
    }
}
