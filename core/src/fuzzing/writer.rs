//! The target for the queue of what is to be written.

use alloc::collections::VecDeque;
use alloc::vec;
use bytes::Bytes;

use super::source::Source;
use crate::link::{Limits, LinkWriter};

/// What a frame counts for.
#[derive(Clone, Copy, PartialEq)]
enum Account {
    Sender,
    Answer,
    Caused,
}

/// What the queue must do, told byte by byte.
#[derive(Default)]
struct Model {
    /// Each byte that waits, with what it counts for.
    bytes: VecDeque<(u8, Account)>,
    sent: u64,
    taken: u64,
    /// `taken` will be this once the last tick is written.
    tick_end: u64,
    busy: bool,
    overfull: bool,
    discarded: bool,
}

/// Operations on a writer: every byte is written once and in order, marks and counters are those of the model.
pub fn link_writer(input: &[u8]) {
    let mut source = Source::new(input);
    let high_mark_bytes = source.below(64);
    let limits = Limits { high_mark_bytes, ..Limits::default() };
    let (mut writer, mut model) = (LinkWriter::new(limits), Model::default());
    let mut next = 0;
    while !source.is_empty() {
        let op = source.below(7);
        let len = source.below(48);
        next = (next + 1) % 251;
        let frame = Bytes::from(vec![next; len]);
        match op {
            0 => {
                writer.push_raw(frame.clone());
                model.enqueue(&frame, Account::Sender, limits);
            }
            1 => {
                let result = writer.push(frame.clone().into());
                assert_eq!(result.is_err(), model.busy, "senders wait only above the mark");
                if result.is_ok() {
                    model.enqueue(&frame, Account::Sender, limits);
                }
            }
            2 => {
                let fits = model.count(Account::Answer) + len <= limits.max_answer_bytes();
                assert_eq!(writer.push_forced(frame.clone().into()).is_ok(), fits);
                if fits {
                    model.enqueue(&frame, Account::Answer, limits);
                }
            }
            3 => {
                writer.tick();
                model.tick(limits);
            }
            4 => {
                writer.advance(len);
                model.advance(len, limits);
            }
            5 => {
                writer.push_caused(frame.clone().into());
                model.enqueue(&frame, Account::Caused, limits);
                model.overfull |= model.count(Account::Caused) > limits.max_answer_bytes();
            }
            6 if len > 0 => {
                writer.push_signal(frame.clone().into());
                model.enqueue(&frame, Account::Sender, limits);
            }
            _ => {
                writer.discard();
                model.discard();
            }
        }
        model.check(&writer, len);
    }
}

impl Model {
    fn enqueue(&mut self, frame: &[u8], account: Account, limits: Limits) {
        if self.discarded || frame.is_empty() {
            return;
        }
        self.sent += 1;
        self.bytes.extend(frame.iter().map(|&byte| (byte, account)));
        self.busy |= self.bytes.len() >= limits.high_mark_bytes;
    }

    fn tick(&mut self, limits: Limits) {
        if self.taken < self.tick_end {
            self.sent += 1;
        } else if !self.discarded {
            self.enqueue(&[0; 4], Account::Sender, limits);
            self.tick_end = self.taken + self.bytes.len() as u64;
        }
    }

    fn advance(&mut self, n: usize, limits: Limits) {
        let n = n.min(self.bytes.len());
        self.bytes.drain(..n);
        self.taken += n as u64;
        self.busy &= !self.bytes.is_empty() && self.bytes.len() >= limits.low_mark_bytes();
        self.overfull &= self.count(Account::Caused) > limits.max_answer_bytes() / 2;
    }

    fn discard(&mut self) {
        self.taken += self.bytes.len() as u64;
        self.bytes.clear();
        (self.busy, self.overfull, self.discarded) = (false, false, true);
    }

    fn count(&self, account: Account) -> usize {
        self.bytes.iter().filter(|(_, of)| *of == account).count()
    }

    fn check(&self, writer: &LinkWriter, pieces: usize) {
        assert_eq!(writer.queued(), self.bytes.len() as u64);
        assert_eq!(writer.sent(), self.sent);
        assert_eq!(writer.is_empty(), self.bytes.is_empty());
        assert_eq!((writer.has_room(), writer.may_read()), (!self.busy, !self.overfull));
        let all = writer.chunks(usize::MAX).flatten();
        assert!(all.eq(self.bytes.iter().map(|(byte, _)| byte)), "every byte once and in order");
        assert!(writer.chunks(usize::MAX).all(|chunk| !chunk.is_empty()));
        let some = writer.chunks(pieces);
        assert!(some.eq(writer.chunks(usize::MAX).take(pieces)));
    }
}
