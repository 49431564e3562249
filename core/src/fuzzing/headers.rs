//! Targets for messages with headers: atoms out of a cache, and fragments.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;

use super::cache::SendingCache;
use super::source::{Source, pieces};
use crate::creation::Creation;
use crate::flags::Flags;
use crate::link::{Limits, LinkReader, Violation};
use crate::name::NodeName;
use crate::process::Origin;
use crate::term::{Atom, Pid, skip};
use crate::wire::control::Control;
use crate::wire::dist_header::Place;
use crate::wire::framing::Framing;

/// Bytes of a link on which headers were agreed: how they are cut changes nothing, and messages are whole terms within the limits.
pub fn header(input: &[u8]) {
    let mut source = Source::new(input);
    let agreed = [Flags::DIST_HEADER, Flags::FRAGMENTS, Flags::DIST_HDR_ATOM_CACHE];
    let flags = Flags::MANDATORY_26 | source.pick(&agreed).unwrap_or_default();
    let limits = Limits {
        max_frame_bytes: usize::from(source.byte()) * 16,
        max_sequences: source.below(4),
        max_held_bytes: usize::from(source.byte()) * 16,
        ..Limits::default()
    };
    let cuts = source.data();
    let bytes = source.rest();
    let (signals, _) = read(flags, limits, bytes, cuts);
    // A payload that was none is left out.
    for signal in signals.iter().filter(|signal| !signal.lacks_payload()) {
        if let Control::Send { message, .. } | Control::RegSend { message, .. } = signal {
            assert_eq!(skip(&message[1..]), Ok(message.len() - 1));
            // A message without atoms is as long as its frame, which the version byte is not part of.
            assert!(message.len() <= limits.max_frame_bytes + 1);
        }
    }
}

/// What a sender with an atom cache and fragments writes is read as what it sent, whatever is cut how; and damage to it is no harm.
pub fn fragments(input: &[u8]) {
    let mut source = Source::new(input);
    let slots = 1 + source.below(256) * 8;
    let cuts = source.data();
    let damage = source.data();
    let mut sender = Sender::new(slots);
    while !source.is_empty() && sender.stream.len() < 100_000 {
        sender.step(&mut source);
    }
    while sender.go_on(0) {}
    let (signals, violation) = read(Flags::SERVED, Limits::default(), &sender.stream, cuts);
    assert_eq!((signals, violation), (sender.sent, None));

    for change in damage.chunks_exact(3) {
        let at = usize::from(change[0]) << 8 | usize::from(change[1]);
        if let Some(byte) = sender.stream.get_mut(at) {
            *byte ^= change[2];
        }
    }
    read(Flags::SERVED, Limits::default(), &sender.stream, cuts);
}

/// What these bytes are read as, in pieces and as one.
fn read(
    flags: Flags,
    limits: Limits,
    bytes: &[u8],
    cuts: &[u8],
) -> (Vec<Control>, Option<Violation>) {
    let node = NodeName::new("otp@localhost").unwrap();
    let reader = LinkReader::from_origin(Origin { node, creation: Creation(7), flags }, limits);
    let whole = reader.clone().decode(bytes);
    let (mut cut_reader, mut signals, mut violation) = (reader, Vec::new(), None);
    for piece in pieces(bytes, cuts) {
        let batch = cut_reader.decode(piece);
        assert!(violation.is_none() || (batch.signals.is_empty() && batch.violation == violation));
        signals.extend(batch.signals);
        violation = batch.violation;
    }
    assert_eq!((&signals, violation), (&whole.signals, whole.violation));
    (signals, violation)
}

struct Sender {
    cache: SendingCache,
    stream: Vec<u8>,
    /// What the other side has to make of the stream.
    sent: Vec<Control>,
    /// Messages of which fragments are not written yet, by sequence.
    begun: BTreeMap<u64, (VecDeque<Vec<u8>>, Control)>,
    sequences: u64,
}

impl Sender {
    fn new(slots: usize) -> Self {
        let cache = SendingCache::new(slots);
        Self { cache, stream: Vec::new(), sent: Vec::new(), begun: BTreeMap::new(), sequences: 0 }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(4) {
            0 => self.stream.extend_from_slice(&[0; 4]),
            1 => drop(self.go_on(source.below(8))),
            op => self.begin(op == 3, source),
        }
    }

    /// Begins a message, of one frame or of some fragments.
    fn begin(&mut self, fragments: bool, source: &mut Source<'_>) {
        let signal = signal(source);
        let (mut control, payload) = (Vec::new(), signal.payload(Flags::SERVED).unwrap());
        signal.emit_term(Flags::SERVED, &mut control);
        let (list, terms) = self.cache.encode(&[&control, &payload]);
        let [control, payload] = &terms[..] else { return };
        if !fragments {
            self.frame(&[&[131, 68], &list, control, payload]);
            self.sent.push(signal);
            return;
        }
        let lens = source.data();
        let mut data: VecDeque<_> = pieces(payload, lens).map(<[u8]>::to_vec).collect();
        // Some come with nothing, too: of the payload in the first one, and in the last.
        if source.flag() {
            data.push_front(Vec::new());
        }
        if source.flag() {
            data.push_back(Vec::new());
        }
        self.sequences += 1;
        let place = Place { sequence: self.sequences, fragment: data.len() as u64 };
        let mut head = Vec::new();
        place.emit(true, &mut head);
        head.pop();
        let first = data.pop_front().unwrap_or_default();
        self.frame(&[&head, &list, control, &first]);
        if data.is_empty() {
            self.sent.push(signal);
        } else {
            self.begun.insert(self.sequences, (data, signal));
        }
    }

    /// Writes a fragment of one of those that have begun; `false` if there is none.
    fn go_on(&mut self, which: usize) -> bool {
        let sequence = self.begun.keys().cycle().nth(which).copied();
        let Some(sequence) = sequence else { return false };
        let (data, _) = self.begun.get_mut(&sequence).unwrap();
        let place = Place { sequence, fragment: data.len() as u64 };
        let next = data.pop_front().unwrap();
        let done = data.is_empty();
        let mut head = Vec::new();
        place.emit(false, &mut head);
        self.frame(&[&head, &next]);
        if done {
            self.sent.extend(self.begun.remove(&sequence).map(|(_, signal)| signal));
        }
        true
    }

    fn frame(&mut self, parts: &[&[u8]]) {
        let body = parts.concat();
        Framing::Long.put(&mut self.stream, |out| out.extend_from_slice(&body)).unwrap();
    }
}

/// A message of some atoms and some bytes.
fn signal(source: &mut Source<'_>) -> Control {
    let count = source.below(16) as u8;
    let mut message = Vec::from([131, 104, count + 1]);
    for _ in 0..count {
        crate::term::write::atom(&mut message, &atom(source));
    }
    let data = source.data();
    let times = 1 + source.below(4);
    message.push(109);
    message.extend_from_slice(&((data.len() * times) as u32).to_be_bytes());
    message.extend(data.repeat(times));
    let node = Atom::new("otp@localhost").unwrap();
    let from = Pid { node, id: source.below(4) as u32, serial: 0, creation: Creation(7) };
    Control::RegSend { from, to: atom(source), message: Bytes::from(message), token: None }
}

/// One of 512 atoms, of which some are long, and some are not ASCII.
fn atom(source: &mut Source<'_>) -> Atom {
    let (kind, number) = (source.below(8), source.byte());
    Atom::new(&match kind {
        0 => alloc::format!("{number:0>255}"),
        1 => "\u{20AC}".repeat(usize::from(number)),
        2 => alloc::format!("\u{E9}{number}"),
        _ => alloc::format!("{number}"),
    })
    .unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    /// What stands behind the version byte of a frame.
    fn any_frame() -> impl Strategy<Value = (u8, Vec<u8>)> {
        (68_u8..72, many(prop_oneof![any::<u8>(), 0..4_u8, Just(0x52)], 0..40))
    }

    /// A list of no atoms, a SEND of this sender, and the begin of a binary of so many bytes.
    fn begin(sender: u8, len: u8) -> Vec<u8> {
        let from = [&b"X\x77\x0dotp@localhost\0\0\0"[..], &[sender], &[0; 7], &[7]].concat();
        let to = b"X\x77\x03a@b\0\0\0\x01\0\0\0\0\0\0\0\x07";
        [b"\0h\x03a\x16", &from[..], to, b"m\0\0\0", &[len]].concat()
    }

    /// One of a few messages of several senders; most are in their order at times.
    fn fragment() -> impl Strategy<Value = (u8, Vec<u8>)> {
        let first = (0..4_u8).prop_map(|sender| (69, begin(sender, 4)));
        let data = many(any::<u8>(), 1..5).prop_map(|data| (70, data));
        let places = (prop_oneof![first, data], 1..4_u64, 1..4_u64);
        places.prop_map(|((kind, data), sequence, fragment)| {
            let place = [sequence.to_be_bytes(), fragment.to_be_bytes()].concat();
            (kind, [place, data].concat())
        })
    }

    #[test]
    fn messages_of_several_senders_interleave() {
        let frames = [
            (69, 1, 3, 0_u8),
            (69, 2, 2, 1),
            (70, 1, 2, 0),
            (69, 3, 2, 2),
            (70, 3, 1, 2),
            (70, 1, 1, 0),
            (70, 2, 1, 1),
        ];
        let (mut sender, mut stream) = (Vec::new(), Vec::new());
        for (kind, sequence, fragment, from) in frames {
            let len = if sequence == 1 { 4 } else { 2 };
            let head = if kind == 69 { begin(from, len) } else { [from; 2].into() };
            let place = [u64::to_be_bytes(sequence), u64::to_be_bytes(fragment)].concat();
            let body = [&[131, kind][..], &place, &head].concat();
            Framing::Long.put(&mut stream, |out| out.extend_from_slice(&body)).unwrap();
            if fragment == 1 {
                sender.push(u32::from(from));
            }
        }
        for cuts in [&[][..], &[1], &[7, 200]] {
            let (signals, violation) = read(Flags::SERVED, Limits::default(), &stream, cuts);
            let arrived = signals.iter().map(|signal| signal.sender().unwrap().id);
            assert!(violation.is_none() && arrived.eq(sender.iter().copied()), "{signals:?}");
        }
    }

    proptest! {
        //= docs/spec/channel.md#ch-header-atoms
        //= type=test
        //= docs/spec/channel.md#ch-fragment
        //= type=test
        #[test]
        fn what_a_sender_with_a_cache_writes_is_what_is_read(input in many(any::<u8>(), 0..600)) {
            fragments(&input);
        }

        //= docs/spec/channel.md#ch-header
        //= type=test
        #[test]
        fn any_bytes_of_frames_with_headers_are_read_alike_however_they_are_cut(
            settings in many(any::<u8>(), 4..12),
            frames in many(prop_oneof![any_frame(), fragment()], 0..8),
        ) {
            let mut input = settings;
            let stream_at = 4 + 1 + usize::from(*input.get(4).unwrap_or(&0));
            input.resize(input.len().max(stream_at), 1);
            for (kind, body) in frames {
                input.extend_from_slice(&(body.len() as u32 + 2).to_be_bytes());
                input.extend_from_slice(&[131, kind]);
                input.extend(body);
            }
            header(&input);
        }
    }
}
