//! The target for large messages of several senders, and what is sent meanwhile.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

use super::source::Source;
use crate::creation::Creation;
use crate::flags::Flags;
use crate::link::{Frame, Limits, LinkReader, LinkWriter};
use crate::name::NodeName;
use crate::process::Origin;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::{Control, Monitored};

const FLAGS: Flags = Flags::SERVED;
const SENDERS: usize = 4;
const KIB: usize = 1024;

/// What may stand before a small signal whose sender has nothing large under way, beside three times the small ones: what has its
/// place already, and the fragments of some turns.
const PATIENCE: u64 = 512 * KIB as u64;

/// Senders push small and large messages in any way, and the stream takes any number of bytes: the other side reads each signal once, whole, and
/// those of one sender in their order. One without a sender comes behind all that was there before it, and no small one waits for whole large ones.
pub fn lanes(input: &[u8]) {
    let mut source = Source::new(input);
    let high_mark_bytes = 1 + source.below(256) * 16;
    let mut link = Link::new(Limits { high_mark_bytes, ..Limits::default() });
    while !source.is_empty() && link.number < 200 {
        link.step(&mut source);
    }
    while link.writer.queued() > 0 {
        link.take(usize::MAX);
    }
    let waiting = link.senders.iter().chain([&link.unnamed]).map(VecDeque::len).sum::<usize>();
    assert_eq!((waiting, link.writer.is_empty()), (0, true), "signals are missing");
}

struct Link {
    writer: LinkWriter,
    reader: LinkReader,
    limits: Limits,
    /// What is under way, by sender.
    senders: [VecDeque<Sent>; SENDERS],
    /// What names no sender.
    unnamed: VecDeque<Sent>,
    number: u64,
    /// Bytes that the stream took.
    taken: u64,
}

struct Sent {
    number: u64,
    signal: Control,
    len: u64,
    large: bool,
    /// The stream has not taken more than this before it.
    until: u64,
}

impl Link {
    fn new(limits: Limits) -> Self {
        let origin = Origin {
            node: NodeName::new("a@localhost").unwrap(),
            creation: Creation(7),
            flags: FLAGS,
        };
        Self {
            writer: LinkWriter::new(limits),
            reader: LinkReader::from_origin(origin, Limits::default()),
            limits,
            senders: [(); SENDERS].map(|()| VecDeque::new()),
            unnamed: VecDeque::new(),
            number: 0,
            taken: 0,
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        let (op, sender) = (source.below(8), source.below(SENDERS));
        let len = usize::from(source.byte());
        self.number += 1;
        match op {
            0..=3 => {
                let len = if op % 2 == 0 { len * 16 } else { (60 + len * 4) * KIB };
                self.push(sender, message(sender, self.number, len), op < 2);
            }
            4 => self.force(sender, message(sender, self.number, len)),
            5 => self.signal(down(self.number, if len > 127 { len * KIB } else { len })),
            6 => {
                let before = self.writer.queued();
                self.writer.tick();
                assert!([0, 4].contains(&(self.writer.queued() - before)));
            }
            _ => self.take(len * len * 8),
        }
    }

    /// One that can wait, or one that has waited.
    fn push(&mut self, sender: usize, signal: Control, can_wait: bool) {
        let frame = Frame::new(&signal, FLAGS).unwrap();
        let (sent, before) = (self.sent(Some(sender), signal, &frame), self.writer.queued());
        let taken = if can_wait {
            let room = self.writer.has_room_for(&frame);
            let taken = self.writer.push(frame).is_ok();
            assert_eq!(taken, room);
            taken
        } else {
            self.writer.push_waited(frame);
            true
        };
        let grown = if taken { sent.len } else { 0 };
        assert_eq!(self.writer.queued(), before + grown);
        if taken {
            self.senders[sender].push_back(sent);
        }
    }

    /// One that this side generates.
    fn force(&mut self, sender: usize, signal: Control) {
        let frame = Frame::new(&signal, FLAGS).unwrap();
        let sent = self.sent(Some(sender), signal, &frame);
        let taken = self.writer.push_forced(frame).is_ok();
        assert!(taken || self.writer.queued() + sent.len > self.limits.max_answer_bytes() as u64);
        if taken {
            self.senders[sender].push_back(sent);
        }
    }

    /// The end of a process that is known by name, which is never refused.
    fn signal(&mut self, signal: Control) {
        let frame = Frame::new(&signal, FLAGS).unwrap();
        let (sent, before) = (self.sent(None, signal, &frame), self.writer.queued());
        self.writer.push_signal(frame);
        assert_eq!(self.writer.queued(), before + sent.len);
        self.unnamed.push_back(sent);
    }

    fn sent(&self, sender: Option<usize>, signal: Control, frame: &Frame) -> Sent {
        let (len, large) = (frame.wire_len() as u64, frame.frames() > 1);
        let waits = sender.is_none_or(|it| self.senders[it].iter().any(|sent| sent.large));
        let all = self.senders.iter().chain([&self.unnamed]).flatten();
        let small: u64 = all.filter(|sent| !sent.large).map(|sent| sent.len).sum();
        let until = self.taken + PATIENCE + 3 * (small + len);
        let until = if large || waits { u64::MAX } else { until };
        Sent { number: self.number, signal, len, large, until }
    }

    /// The stream takes at most so many bytes.
    fn take(&mut self, most: usize) {
        let mut bytes: Vec<u8> = Vec::new();
        for chunk in self.writer.chunks(usize::MAX) {
            bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]);
        }
        assert_eq!(bytes.is_empty(), most == 0 || self.writer.queued() == 0, "there is a next one");
        let before = self.writer.queued();
        self.writer.advance(bytes.len());
        assert_eq!(self.writer.queued(), before - bytes.len() as u64);
        // Frame by frame would be exact; so it is late by no more than a piece.
        for piece in bytes.chunks(16 * KIB) {
            let batch = self.reader.decode(piece);
            assert_eq!(batch.violation, None);
            for signal in batch.signals {
                self.arrived(&signal);
            }
            self.taken += piece.len() as u64;
        }
    }

    fn arrived(&mut self, signal: &Control) {
        let queue = match signal.sender() {
            Some(pid) => &mut self.senders[pid.id as usize],
            None => &mut self.unnamed,
        };
        let sent = queue.pop_front().expect("it was sent");
        assert_eq!(&sent.signal, signal, "each sender's in order, and whole");
        assert!(self.taken <= sent.until, "{} bytes before a small one", self.taken);
        if signal.sender().is_none() {
            let first = self.senders.iter().filter_map(VecDeque::front).map(|sent| sent.number);
            assert!(first.min().is_none_or(|first| first > sent.number), "it overtakes");
        }
    }
}

fn message(sender: usize, number: u64, len: usize) -> Control {
    let from = Some(pid("a@localhost", sender as u32));
    let message = [&[131][..], &binary(number, len)].concat().into();
    Control::Send { from, to: pid("b@localhost", 0), message, token: None }
}

/// The end of a process that was monitored by name.
fn down(number: u64, len: usize) -> Control {
    let node = Atom::new("b@localhost").unwrap();
    Control::MonitorPExit {
        from: Monitored::Name(Atom::new("server").unwrap()),
        to: pid("b@localhost", 0),
        reference: Reference::new(node, Creation(7), &[1, 2, 3]).unwrap(),
        reason: Bytes::from(binary(number, len)),
    }
}

/// A binary that no other signal has.
fn binary(number: u64, len: usize) -> Vec<u8> {
    let len = len + 8;
    let data = [&number.to_be_bytes()[..], &vec![number as u8; len - 8]].concat();
    [&[109][..], &(len as u32).to_be_bytes(), &data].concat()
}

fn pid(node: &str, id: u32) -> Pid {
    Pid { node: Atom::new(node).unwrap(), id, serial: 0, creation: Creation(7) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        //= docs/spec/channel.md#ch-lanes
        //= type=test
        //= docs/spec/channel.md#ch-writer-order
        //= type=test
        #[test]
        fn all_arrives_whatever_several_senders_do(input in many(any::<u8>(), 0..200)) {
            lanes(&input);
        }
    }
}
