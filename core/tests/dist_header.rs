//! Messages with headers: atoms out of a cache, and fragments.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use bytes::Bytes;
use netkernel_core::link::{FRAGMENT_BYTES, Frame, Limits, LinkReader, Violation};
use netkernel_core::process::Origin;
use netkernel_core::term::{Atom, Limits as TermLimits, Pid, Term};
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, Flags, NodeName};
use proptest::collection::vec as many;
use proptest::prelude::*;

/// REG_SEND of `otp@localhost` to `x`, without header, atoms and all.
const CONTROL: &[u8] =
    b"h\x04a\x06X\x77\x0dotp@localhost\0\0\0\x59\0\0\0\0\x6b\x01\x63\x81\x77\0\x77\x01x";

fn reader_with(flags: Flags, limits: Limits) -> LinkReader {
    let node = NodeName::new("otp@localhost").unwrap();
    LinkReader::from_origin(Origin { node, creation: Creation(7), flags }, limits)
}

fn reader() -> LinkReader {
    reader_with(Flags::SERVED, Limits::default())
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

/// A whole message: the list of atoms from its count on, and the terms.
fn message(list: &[u8], terms: &[&[u8]]) -> Vec<u8> {
    framed(&[&[131, 68], list, &terms.concat()].concat())
}

/// A fragment: the first one if there is a list of atoms.
fn fragment(sequence: u64, number: u64, list: Option<&[u8]>, data: &[&[u8]]) -> Vec<u8> {
    let kind = if list.is_some() { 69 } else { 70 };
    let head = [&[131, kind][..], &sequence.to_be_bytes(), &number.to_be_bytes()].concat();
    framed(&[&head, list.unwrap_or_default(), &data.concat()].concat())
}

/// The messages to `x` that came.
fn messages(reader: &mut LinkReader, bytes: &[u8]) -> Result<Vec<Bytes>, Violation> {
    let batch = reader.decode(bytes);
    let messages = batch.signals.into_iter().map(|signal| {
        let Control::RegSend { from, to, message, .. } = signal else { panic!("{signal:?}") };
        assert_eq!((from.node.as_str(), from.id, to.as_str()), ("otp@localhost", 0x59, "x"));
        message
    });
    let messages = messages.collect();
    batch.violation.map_or(Ok(messages), Err)
}

fn one(reader: &mut LinkReader, bytes: &[u8]) -> Bytes {
    let mut messages = messages(reader, bytes).unwrap();
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

//= docs/spec/channel.md#ch-header-empty
//= type=test
#[test]
fn a_header_without_atoms_is_followed_by_the_terms_as_they_are() {
    let mut reader = reader();
    let mut stream = message(&[0], &[CONTROL, b"\x77\x05hello"]);
    assert_eq!(&one(&mut reader, &stream)[..], b"\x83\x77\x05hello");
    // It shares the memory of what was read.
    stream.extend(stream.clone());
    let [first, second] = &messages(&mut reader, &stream).unwrap()[..] else { panic!() };
    assert_eq!(second.as_ptr() as usize - first.as_ptr() as usize, stream.len() / 2);
    assert_eq!(
        one(&mut reader, &message(&[0], &[CONTROL, b"\x6A\xFF"]))[..],
        [131, 0x6A],
        "trailing"
    );
}

//= docs/spec/channel.md#ch-header-atoms
//= type=test
//= docs/spec/channel.md#ch-header-refs
//= type=test
#[test]
fn captured_messages_with_atoms_out_of_the_cache_come_out_with_their_atoms() {
    let mut reader = reader();
    let first = b"\x04\x8f\xdc\0\x99\x0dotp@localhost\x05\0\x78\x01x\x5f\x10features_request";
    let pid = b"X\x52\0\0\0\0\x59\0\0\0\0\x6b\x01\x63\x81";
    let control = [&b"h\x04a\x06"[..], pid, b"\x52\x01\x52\x02"].concat();
    let features = [&b"h\x02"[..], pid, b"\x52\x03"].concat();
    let mut plain = b"\x83h\x02X\x77\x0dotp@localhost\0\0\0\x59\0\0\0\0\x6b\x01\x63\x81\x77\x10features_request".to_vec();
    assert_eq!(one(&mut reader, &message(first, &[&control, &features]))[..], plain);
    // All of them old.
    let again = b"\x04\x07\x54\0\x99\x05\x78\x5f";
    assert_eq!(one(&mut reader, &message(again, &[&control, &features]))[..], plain);
    // In another order, and one of them given up for another.
    let evicted = b"\x04\x07\xd4\0\x99\x05\x78\x5f\x03new";
    plain.truncate(plain.len() - 18);
    plain.extend_from_slice(b"\x77\x03new");
    assert_eq!(one(&mut reader, &message(evicted, &[&control, &features]))[..], plain);
    assert_eq!(
        one(&mut reader, &message(again, &[&control, b"\x52\x03"]))[..],
        *b"\x83\x77\x03new"
    );
}

/// Between two nodes of OTP 29.1.1. The names of the nodes were sent before.
//= docs/spec/term.md#term-record
//= type=test
//= docs/spec/term.md#term-atom-cache
//= type=test
#[test]
fn a_captured_record_comes_out_with_the_names_of_its_fields() {
    let mut reader = reader();
    let names = b"\x02\x8b\0\xe9\x0ba@127.0.0.1\x37\x0bb@127.0.0.1";
    assert_eq!(one(&mut reader, &message(names, &[CONTROL, b"\x6A"]))[..], [131, 0x6A]);
    let frame = b"\x83\x44\x07\x03\x88\xaa\x09\xe9\x37\x3a\x03rec\x3b\x05point\xf4\x01x\xf7\x01y\x1e\x01a\
        h\x03a\x16X\x52\0\0\0\0\x0a\0\0\0\0\x11\x22\x33\x44X\x52\x01\0\0\0\x0a\0\0\0\0\x6b\x02\xc4\x9b\
        C\0\0\0\x02\x01\x52\x02\x52\x03\x52\x04\x52\x05a\x01l\0\0\0\x01\x52\x06j";
    let batch = reader.decode(&framed(frame));
    let [Control::Send { from: Some(from), message, .. }] = &batch.signals[..] else {
        panic!("{batch:?}")
    };
    assert_eq!(from.node.as_str(), "a@127.0.0.1");
    let record = Term::decode(message, &TermLimits::default()).unwrap();
    assert_eq!(record.to_string(), "#rec:point{x = 1,y = [a]}");
    let mut again = Vec::new();
    record.encode(&mut again).unwrap();
    assert_eq!(again, message[..], "what was expanded is what a node encodes");
}

//= docs/spec/channel.md#ch-header
//= type=test
//= docs/spec/channel.md#ch-header-empty-slot
//= type=test
#[test]
fn corrupt_headers_end_the_link_behind_what_came_before() {
    let good = message(&[0], &[CONTROL, b"\x6A"]);
    for (bad, violation) in [
        (framed(b"p\x83h\x01a\x05"), Violation::Header),
        (framed(b"\x83"), Violation::Header),
        (framed(b"\x83h\x02a\x05\x6A"), Violation::Header),
        (message(&[1, 0, 7], &[CONTROL, b"\x6A"]), Violation::Header),
        (message(&[9], &[]), Violation::Header),
        (fragment(0, 2, Some(&[0]), &[CONTROL, b"\x6A"]), Violation::Header),
        (fragment(7, 0, Some(&[0]), &[CONTROL, b"\x6A"]), Violation::Header),
        (framed(&[131, 70, 0, 0, 0]), Violation::Header),
        (message(&[0], &[]), Violation::Term),
        (message(&[0], &[b"\x83", CONTROL, b"\x6A"]), Violation::Term),
        (message(&[0], &[b"a\x05"]), Violation::Control),
    ] {
        let mut reader = reader();
        let batch = reader.decode(&[&good[..], &bad, &good].concat());
        assert_eq!((batch.signals.len(), batch.violation), (1, Some(violation)), "{bad:02x?}");
        assert_eq!(reader.decode(&good).signals.len(), 0);
    }
    // A payload that is none is for whom it is for to find out.
    for empty in [
        message(&[0], &[CONTROL]),
        message(&[0], &[CONTROL, b"\x52\0"]),
        message(&[0], &[CONTROL, b"\x83\x6A"]),
        message(&[1, 8, 7, 1, b'a'], &[CONTROL, b"\x52\x01"]),
        [fragment(7, 2, Some(&[0]), &[CONTROL, b"\x6D"]), fragment(7, 1, None, &[])].concat(),
    ] {
        let mut reader = reader();
        assert_eq!(messages(&mut reader, &empty), Ok(vec![Bytes::new()]), "{empty:02x?}");
        assert_eq!(one(&mut reader, &good)[..], [131, 0x6A]);
    }
    // A cache alone brings no fragments.
    for frame in [
        fragment(1, 1, Some(&[0]), &[CONTROL, b"\x6A"]),
        fragment(0, 1, Some(&[0]), &[CONTROL, b"\x6A"]),
    ] {
        let flags = Flags::SERVED.without(Flags::FRAGMENTS);
        assert_eq!(
            reader_with(flags, Limits::default()).decode(&frame).violation,
            Some(Violation::Header)
        );
        assert_eq!(one(&mut reader(), &frame)[..], [131, 0x6A], "one that is the last, too");
    }
    let mut cache = reader_with(Flags::SERVED.without(Flags::FRAGMENTS), Limits::default());
    let next = fragment(1, 1, None, &[b"\x6A"]);
    assert_eq!(cache.decode(&next).violation, Some(Violation::Header));
    // And fragments alone bring headers.
    let mut alone =
        reader_with(Flags::SERVED.without(Flags::DIST_HDR_ATOM_CACHE), Limits::default());
    assert_eq!(one(&mut alone, &good)[..], [131, 0x6A]);
}

//= docs/spec/channel.md#ch-fragment
//= type=test
//= docs/spec/channel.md#ch-fragment-order
//= type=test
#[test]
fn fragments_of_several_messages_may_interleave() {
    let mut reader = reader();
    let list = b"\x01\x08\x07\x01a";
    assert_eq!(
        messages(&mut reader, &fragment(5, 3, Some(list), &[CONTROL, b"h\x03\x52"])),
        Ok(vec![])
    );
    // The slot has another atom before the rest comes.
    assert_eq!(
        one(&mut reader, &message(b"\x01\x08\x07\x01b", &[CONTROL, b"\x52\0"]))[..],
        *b"\x83\x77\x01b"
    );
    assert_eq!(messages(&mut reader, &fragment(u64::MAX, 2, Some(&[0]), &[CONTROL])), Ok(vec![]));
    assert_eq!(messages(&mut reader, &fragment(5, 2, None, &[b"\0\x6D\0\0\0\x02"])), Ok(vec![]));
    assert_eq!(one(&mut reader, &fragment(u64::MAX, 1, None, &[b"\x6A\xFF"]))[..], *b"\x83\x6A");
    assert_eq!(
        one(&mut reader, &fragment(5, 1, None, &[b"\x01\x02\x52\0"]))[..],
        *b"\x83h\x03\x77\x01a\x6D\0\0\0\x02\x01\x02\x77\x01a"
    );
    // A sequence may be used again, and fragments may be empty.
    for (number, data) in [(3, None), (2, Some(&b""[..])), (1, Some(b"\x6A"))] {
        let frame = match data {
            None => fragment(5, number, Some(&[0]), &[CONTROL]),
            Some(data) => fragment(5, number, None, &[data]),
        };
        let came = messages(&mut reader, &frame).unwrap();
        assert_eq!(came.len(), usize::from(number == 1));
    }
}

//= docs/spec/channel.md#ch-fragment-order
//= type=test
#[test]
fn fragments_out_of_order_end_the_link() {
    let first =
        |sequence, number| fragment(sequence, number, Some(&[0]), &[CONTROL, b"\x6D\0\0\0\x03"]);
    let next = |sequence, number| fragment(sequence, number, None, &[b"abc"]);
    for (name, frames) in [
        ("no first", vec![next(1, 1)]),
        ("no first of this one", vec![first(1, 3), next(2, 2)]),
        ("one is missing", vec![first(1, 4), next(1, 2)]),
        ("one comes twice", vec![first(1, 4), next(1, 3), next(1, 3)]),
        ("the first comes twice", vec![first(1, 4), first(1, 4)]),
        ("a number grows", vec![first(1, 4), next(1, 5)]),
        ("more behind the last", vec![first(1, 2), next(1, 1), next(1, 1)]),
    ] {
        let mut reader = reader();
        let (last, before) = frames.split_last().unwrap();
        let _ = reader.decode(&before.concat());
        assert_eq!(reader.decode(last).violation, Some(Violation::Fragment), "{name}");
    }
    // The control message stands in the first one, whole.
    let mut reader = reader();
    let cut = fragment(1, 2, Some(&[0]), &[&CONTROL[..20]]);
    assert_eq!(reader.decode(&cut).violation, Some(Violation::Term));
}

//= docs/spec/channel.md#ch-fragment-limits
//= type=test
#[test]
fn a_flood_of_fragments_ends_the_link() {
    let first = |sequence, data: &[u8]| fragment(sequence, u64::MAX, Some(&[0]), &[CONTROL, data]);
    let until = |mut limits: Limits, change: fn(&mut Limits), frame: &dyn Fn(u64) -> Vec<u8>| {
        change(&mut limits);
        let mut reader = reader_with(Flags::SERVED, limits);
        let violation =
            |at: u64| reader.decode(&frame(at)).violation.map(|violation| (at, violation));
        (1..10_000).find_map(violation)
    };
    let limits = Limits::default();
    assert_eq!(
        until(limits, |_| {}, &|at| first(at, b"")),
        Some((4097, Violation::FragmentsHeld)),
        "messages"
    );
    let data = [0; 1000];
    let (at, violation) =
        until(limits, |limits| limits.max_held_bytes = 100_000, &|at| first(at, &data)).unwrap();
    assert_eq!(
        (at, violation),
        (100_000 / (1000 + CONTROL.len() as u64 + 3) + 1, Violation::FragmentsHeld)
    );
    // Atoms count, since each message holds on to its own.
    let list = |at: u64| {
        let text = format!("{at:0>255}");
        [&[1, 8, 0, 255][..], text.as_bytes()].concat()
    };
    let many_atoms = |at| fragment(at, 2, Some(&list(at)), &[CONTROL]);
    let (at, _) = until(limits, |limits| limits.max_held_bytes = 100_000, &many_atoms).unwrap();
    assert!(at < 100_000 / 255, "{at}");
    // One message of any number of fragments is no longer than a frame.
    let endless = |at: u64| {
        if at == 1 { first(1, b"") } else { fragment(1, u64::MAX - at + 1, None, &[&data]) }
    };
    let (at, violation) =
        until(limits, |limits| limits.max_frame_bytes = 100_000, &endless).unwrap();
    assert_eq!((at, violation), (101, Violation::FrameTooLong));
}

//= docs/spec/channel.md#ch-fragment-limits
//= type=test
#[test]
fn as_many_bytes_may_be_held_as_the_limits_say_again_and_again() {
    let payload = [b"\x6D\0\0\0\x64", &[7; 100][..]].concat();
    let whole = 2 + CONTROL.len() + 1 + payload.len();
    let mut limits = Limits::default();
    // An atom counts for its text, and sixteen bytes.
    limits.max_held_bytes = whole + 5 + 16;
    limits.max_frame_bytes = whole;
    let frames = |sequence| {
        let list = Some(&b"\x01\x08\x07\x05abcde"[..]);
        let next = |number, data| fragment(sequence, number, None, &[data]);
        let first = fragment(sequence, 3, list, &[CONTROL, &payload[..5]]);
        [first, next(2, &payload[5..104]), next(1, &payload[104..])].concat()
    };
    let mut reader = reader_with(Flags::SERVED, limits);
    for sequence in 1..5 {
        assert_eq!(one(&mut reader, &frames(sequence))[1..], payload);
    }
    let ends = |limits| reader_with(Flags::SERVED, limits).decode(&frames(1)).violation;
    let mut less = limits;
    less.max_held_bytes -= 1;
    assert_eq!(ends(less), Some(Violation::FragmentsHeld));
    let mut less = limits;
    less.max_frame_bytes -= 1;
    assert_eq!(ends(less), Some(Violation::FrameTooLong));
}

//= docs/spec/channel.md#ch-header-expanded
//= type=test
#[test]
fn a_message_with_its_atoms_is_no_longer_than_a_frame() {
    let mut limits = Limits::default();
    limits.max_frame_bytes = 10_000;
    let list = [&[1, 8, 7, 255][..], &[b'a'; 255]].concat();
    let terms = |count: u8| [&[0x68, count][..], &[0x52, 0].repeat(count.into())].concat();
    let mut fits = reader_with(Flags::SERVED, limits);
    assert_eq!(one(&mut fits, &message(&list, &[CONTROL, &terms(38)])).len(), 3 + 38 * 257);
    for frames in [
        vec![message(&list, &[CONTROL, &terms(39)])],
        vec![
            fragment(3, 2, Some(&list), &[CONTROL, &terms(39)[..9]]),
            fragment(3, 1, None, &[&terms(39)[9..]]),
        ],
    ] {
        let mut reader = reader_with(Flags::SERVED, limits);
        assert_eq!(reader.decode(&frames.concat()).violation, Some(Violation::FrameTooLong));
    }
}

fn signal(len: usize) -> Control {
    let from = Pid {
        node: Atom::new("otp@localhost").unwrap(),
        id: 0x59,
        serial: 0,
        creation: Creation(0x6B01_6381),
    };
    let mut message = vec![131, 109];
    message.extend_from_slice(&(len as u32).to_be_bytes());
    message.extend((0..len).map(|at| at as u8));
    Control::RegSend { from, to: Atom::new("x").unwrap(), message: message.into(), token: None }
}

//= docs/spec/channel.md#ch-header-empty
//= type=test
//= docs/spec/channel.md#ch-fragment-send
//= type=test
#[test]
fn what_is_sent_has_an_empty_header_and_is_cut_where_otp_cuts() {
    let bytes = Frame::new(&signal(2), Flags::SERVED).unwrap().to_bytes();
    assert_eq!(bytes, message(&[0], &[CONTROL, b"\x6D\0\0\0\x02\0\x01"]));
    let plain = Frame::new(&signal(2), Flags::MANDATORY_26).unwrap().to_bytes();
    assert_eq!(plain, framed(&[b"p\x83", CONTROL, b"\x83\x6D\0\0\0\x02\0\x01"].concat()));
    let most = FRAGMENT_BYTES - CONTROL.len() - 5;
    for (len, frames) in
        [(most, 1), (most + 1, 2), (most + FRAGMENT_BYTES, 2), (most + FRAGMENT_BYTES + 1, 3)]
    {
        let frame = Frame::new(&signal(len), Flags::SERVED).unwrap();
        let bytes = frame.to_bytes();
        assert_eq!((frame.frames(), frame.wire_len()), (frames, bytes.len()));
        let lengths = core::iter::successors(Some(&bytes[..]), |rest| {
            let (length, rest) = rest.split_first_chunk()?;
            rest.get(u32::from_be_bytes(*length) as usize..).filter(|rest| !rest.is_empty())
        });
        let numbers: Vec<u64> = lengths
            .map(|frame| {
                if frame[5] == 68 {
                    1
                } else {
                    u64::from_be_bytes(frame[14..22].try_into().unwrap())
                }
            })
            .collect();
        assert!(numbers.iter().copied().eq((1..=frames as u64).rev()), "{numbers:?}");
        if frames > 1 {
            assert_eq!(bytes[..4], (18 + 1 + FRAGMENT_BYTES as u32).to_be_bytes());
        }
        for flags in
            [Flags::SERVED, Flags::MANDATORY_26, Flags::MANDATORY_26 | Flags::DIST_HDR_ATOM_CACHE]
        {
            let frame = Frame::new(&signal(len), flags).unwrap();
            assert!(flags == Flags::SERVED || frame.frames() == 1);
            let batch = reader_with(flags, Limits::default()).decode(&frame.to_bytes());
            assert_eq!(batch.signals, [signal(len)]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 64 }))]
    //= docs/spec/channel.md#ch-fragment-send
    //= type=test
    #[test]
    fn what_is_written_is_read_whatever_the_length_and_the_cuts(
        lens in many(prop_oneof![0..100_usize, 60_000..70_000_usize, 0..300_000_usize], 0..4),
        cuts in many(1..100_000_usize, 1..20),
        flags in prop_oneof![
            Just(Flags::SERVED),
            Just(Flags::MANDATORY_26),
            Just(Flags::MANDATORY_26 | Flags::FRAGMENTS),
            Just(Flags::MANDATORY_26 | Flags::DIST_HDR_ATOM_CACHE),
        ],
    ) {
        let frames = lens.iter().map(|&len| Frame::new(&signal(len), flags).unwrap().to_bytes());
        let stream = frames.collect::<Vec<_>>().concat();
        let (mut reader, mut rest, mut signals) = (reader_with(flags, Limits::default()), &stream[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (chunk, behind) = rest.split_at(rest.len().min(*cut));
            let batch = reader.decode(chunk);
            prop_assert_eq!(batch.violation, None);
            signals.extend(batch.signals);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(signals.into_iter().eq(lens.into_iter().map(signal)));
    }
}
