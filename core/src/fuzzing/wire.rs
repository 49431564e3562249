//! Targets for what has no state: messages, frames, terms.

use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::Debug;
use core::ops::Range;

use super::source::{Source, pieces};
use crate::flags::Flags;
use crate::name::{NodeName, PeerName};
use crate::term::{Limits, ParseErrorKind, Reader, Term, TermError, skip, write};
use crate::wire::control::{self, Control};
use crate::wire::framing::{FrameBuffer, FrameTooLong, Framing};
use crate::wire::handshake::{
    ChallengeAck, ChallengeMessage, ChallengeReply, Complement, Malformed, SendName, Status,
};

/// Every message of the handshake: what parses is emitted as it was, but for bytes that nobody looks at.
pub fn handshake_messages(input: &[u8]) {
    survives(input, SendName::parse, SendName::emit, SendName::encoded_len);
    survives(input, Status::parse, Status::emit, Status::encoded_len);
    let challenge = ChallengeMessage::parse;
    survives(input, challenge, ChallengeMessage::emit, ChallengeMessage::encoded_len);
    survives(input, Complement::parse, Complement::emit, Complement::encoded_len);
    survives(input, ChallengeReply::parse, ChallengeReply::emit, ChallengeReply::encoded_len);
    survives(input, ChallengeAck::parse, ChallengeAck::emit, ChallengeAck::encoded_len);
    names(input);
}

fn survives<M: Debug + PartialEq>(
    input: &[u8],
    parse: impl Fn(&[u8]) -> Result<M, Malformed>,
    emit: impl Fn(&M, &mut Vec<u8>),
    encoded_len: impl Fn(&M) -> usize,
) {
    let Ok(message) = parse(input) else { return };
    let mut out = Vec::new();
    emit(&message, &mut out);
    assert_eq!(out.len(), encoded_len(&message));
    assert!(input.starts_with(&out), "{message:?} was not emitted as it was parsed");
    assert_eq!(parse(&out), Ok(message));
}

/// A name that a node can have goes to the wire and back.
fn names(input: &[u8]) {
    let raw = PeerName::new(input.to_vec());
    assert!(!(raw.is_full_name() && raw.is_host()));
    if let Ok(node) = raw.to_node_name() {
        assert!(raw.is_full_name());
        assert_eq!(node.to_peer_name(), Some(raw));
        assert_eq!(NodeName::new(&alloc::format!("{}@{}", node.name(), node.host())), Ok(node));
    }
}

/// A frame buffer: however the bytes come in, the frames and the rest are all that arrived, in order.
pub fn framing(input: &[u8]) {
    let mut source = Source::new(input);
    let framing = if source.flag() { Framing::Long } else { Framing::Short };
    let limit = usize::from(source.byte()) * 16;
    let cuts = source.data();
    let bytes = source.rest();

    let cut = frames(framing, limit, pieces(bytes, cuts));
    assert_eq!(cut, frames(framing, limit, core::iter::once(bytes)));
    let (whole_frames, error, rest) = cut;
    let mut again = Vec::new();
    for frame in &whole_frames {
        assert!(frame.len() <= limit, "longer than the limit");
        framing.put(&mut again, |out| out.extend_from_slice(frame)).unwrap();
    }
    again.extend_from_slice(&rest);
    assert_eq!(again, bytes, "nothing is lost and nothing is made up");
    if let Some(FrameTooLong { length, .. }) = error {
        assert!(limit < length && length <= framing.max_len());
    }
}

fn frames<'a>(
    framing: Framing,
    limit: usize,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Bytes>, Option<FrameTooLong>, Bytes) {
    let (mut buffer, mut frames, mut error) = (FrameBuffer::new(framing, limit), Vec::new(), None);
    for chunk in chunks {
        buffer.push(chunk);
        loop {
            match buffer.next_frame() {
                Ok(Some(frame)) => {
                    assert_eq!(error, None, "an error stays");
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(too_long) => {
                    assert!(error.is_none_or(|before| before == too_long));
                    error = Some(too_long);
                    break;
                }
            }
        }
    }
    (frames, error, buffer.into_residue())
}

/// The frame of a channel: what parses is emitted and parses again, in every form, and its payload lies in the frame.
pub fn control(input: &[u8]) {
    let peer = NodeName::new("otp@localhost").unwrap();
    let frame = Bytes::copy_from_slice(input);
    let Ok(control) = control::parse(&frame, &peer) else { return };
    for flags in [Flags::NONE, Flags::EXIT_PAYLOAD, Flags::SEND_SENDER, Flags::SERVED] {
        if let Some(payload) = control.payload(flags) {
            assert!(lies_within(&payload, &frame), "a payload is not copied");
            assert_eq!(skip(&payload), Ok(payload.len()), "a payload is one whole term");
        }
        let mut out = Vec::new();
        control.emit(flags, &mut out).unwrap();
        assert_eq!(out.len(), control.encoded_len(flags));
        // Latin-1 becomes UTF-8, and creations of one byte become four.
        assert!(out.len() <= 2 * input.len() + 64, "{} bytes out of {}", out.len(), input.len());
        let again = Bytes::from(out.split_off(4));
        assert_eq!(out, (again.len() as u32).to_be_bytes());
        let mut expected = control.clone();
        if let Control::Send { from, .. } = &mut expected {
            // A form without sender loses it.
            *from = from.take().filter(|_| flags.contains(Flags::SEND_SENDER));
        }
        assert_eq!(control::parse(&again, &peer), Ok(expected));
    }
}

fn lies_within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole): (Range<_>, Range<_>) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

/// The walker agrees with itself on more and on fewer bytes, with the reader, and with the decoder; trees survive bytes and text, and two terms
/// one behind the other compare alike as trees and in their bytes.
pub fn term(input: &[u8]) {
    let walked = skip(input);
    assert_eq!(Reader::new(input).raw().map(<[u8]>::len), walked);
    if let Ok(len) = walked {
        assert!((1..=input.len()).contains(&len));
        assert_eq!(skip(&input[..len]), Ok(len));
        for shorter in prefixes(len) {
            assert_eq!(skip(&input[..shorter]), Err(TermError::Truncated));
        }
    }
    read_agrees(input, walked, |reader| reader.atom(), write::atom);
    read_agrees(input, walked, |reader| reader.pid(), write::pid);
    read_agrees(input, walked, |reader| reader.reference(), write::reference);
    read_agrees(input, walked, |reader| reader.integer(), |out, value| write::integer(out, *value));
    read_agrees(input, walked, |reader| reader.unsigned(), |out, n| write::unsigned(out, *n));
    tree(input, walked);
    borrowed(input);
    text(input);
}

/// What the walker takes decodes to a tree, but for keys that come twice and limits, and nothing else does. The tree comes back from its
/// bytes, and from its text unless that does not say which term it is.
fn tree(input: &[u8], walked: Result<usize, TermError>) {
    let limits = Limits::default();
    let mut reader = Reader::new(input);
    let term = match reader.term(&limits) {
        Ok(term) => term,
        Err(
            TermError::DuplicateKey
            | TermError::IntegerTooLong
            | TermError::TooDeep
            | TermError::TooManyTerms,
        ) => return,
        Err(error) => return assert!(walked.is_err(), "{error}"),
    };
    assert_eq!(walked, Ok(input.len() - reader.remaining().len()), "{term}");
    let mut out = Vec::new();
    term.encode(&mut out).unwrap();
    assert_eq!(Term::decode(&out, &limits).as_ref(), Ok(&term));
    assert!(term.cmp(&term).is_eq() && term.cmp_erlang(&term).is_eq());
    match Term::parse(&alloc::format!("{term}"), &limits) {
        Ok(read) => assert_eq!(read, term),
        Err(error) => assert_eq!(error.kind, ParseErrorKind::Unreadable, "{term}: {error}"),
    }
}

/// A term that stays in its bytes is the tree, and compares as that with every other that these bytes have at their end.
fn borrowed(input: &[u8]) {
    let limits = Limits::default();
    let (mut reader, mut owned) = (Reader::new(input), Reader::new(input));
    let (term, tree) = match (reader.term_ref(&limits), owned.term(&limits)) {
        (Ok(term), Ok(tree)) => (term, tree),
        (term, tree) => return assert_eq!(term.is_ok(), tree.is_ok(), "{term:?} {tree:?}"),
    };
    assert_eq!(reader.remaining(), owned.remaining());
    assert_eq!(term.to_term(), tree);
    assert!(term.cmp(&term).is_eq() && term.cmp_erlang(&term).is_eq());
    let mut expanded = Vec::new();
    assert_eq!(Reader::new(input).expand(&mut expanded, usize::MAX), Ok(()));
    assert_eq!(Reader::new(&expanded).term(&limits).as_ref(), Ok(&tree));
    if let (Ok(other), Ok(other_tree)) = (reader.term_ref(&limits), owned.term(&limits)) {
        assert_eq!(term.cmp(&other), tree.cmp(&other_tree), "{tree} {other_tree}");
        assert_eq!(other.cmp(&term), other_tree.cmp(&tree), "{tree} {other_tree}");
        assert_eq!(tree.cmp(&other_tree), other_tree.cmp(&tree).reverse());
        assert_eq!(term == other, tree == other_tree);
        assert_eq!(term.cmp_erlang(&other), tree.cmp_erlang(&other_tree), "{tree} {other_tree}");
        assert_eq!(tree.cmp_erlang(&other_tree), other_tree.cmp_erlang(&tree).reverse());
    }
}

/// What is read as a term is printed and read again as the same.
fn text(input: &[u8]) {
    let limits = Limits::default();
    let Ok(text) = core::str::from_utf8(input) else { return };
    let Ok(term) = Term::parse(text, &limits) else { return };
    assert_eq!(Term::parse(&alloc::format!("{term}"), &limits), Ok(term));
}

/// All prefixes of short terms, and those around the ends of long ones.
fn prefixes(len: usize) -> impl Iterator<Item = usize> {
    (0..len).filter(move |&shorter| shorter < 128 || shorter + 16 > len)
}

/// What a method of the reader takes for a term, the walker does too; and it comes back from being written.
fn read_agrees<T: Debug + PartialEq>(
    input: &[u8],
    walked: Result<usize, TermError>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, TermError>,
    write: impl Fn(&mut Vec<u8>, &T),
) {
    let mut reader = Reader::new(input);
    let Ok(value) = read(&mut reader) else { return };
    assert_eq!(walked, Ok(input.len() - reader.remaining().len()), "{value:?}");
    let mut out = Vec::new();
    write(&mut out, &value);
    assert_eq!(skip(&out), Ok(out.len()), "{value:?}");
    assert_eq!(read(&mut Reader::new(&out)), Ok(value));
}
