//! From frames with headers to frames as [`parse`](crate::wire::control::parse) reads them.
//!
//! What comes out is a frame of a pass-through channel: a byte, and two external terms in which every atom stands for itself. So a
//! message that reaches a mailbox is good on its own, whoever keeps it or passes it on.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::{Buf as _, Bytes, BytesMut};
use core::mem;

use super::{Limits, Violation};
use crate::flags::Flags;
use crate::term::{Atom, Reader, TermError, skip};
use crate::wire::dist_header::{AtomCache, BadHeader, Part, Place};

/// In front of the control message: the byte that nobody looks at, and a version.
const FRONT: [u8; 2] = [b'p', 131];
const VERSION: u8 = 131;

/// What an atom that a message in fragments holds on to counts for beside its text.
const ATOM_BYTES: usize = 16;

/// What a link keeps between frames: the atom cache, and the messages of which fragments are missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Assembly {
    limits: Limits,
    /// Whether fragments were agreed, too.
    fragments: bool,
    cache: AtomCache,
    /// Those of the present message.
    atoms: Vec<Atom>,
    sequences: BTreeMap<u64, Sequence>,
    /// Bytes of all of `sequences`.
    held: usize,
}

/// A message of which some fragments have come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sequence {
    /// The number of the next fragment.
    next: u64,
    /// For the payload. The control message has its atoms already.
    atoms: Vec<Atom>,
    /// The frame, as far as it has come.
    frame: Vec<u8>,
    /// Where its payload begins.
    payload: usize,
    /// What it counts for.
    held: usize,
}

impl Assembly {
    /// `None` if neither a cache nor fragments were agreed: frames are good as they come.
    pub(super) fn new(flags: Flags, limits: Limits) -> Option<Self> {
        flags.has_dist_header().then(|| Self {
            limits,
            fragments: flags.contains(Flags::FRAGMENTS),
            cache: AtomCache::default(),
            atoms: Vec::new(),
            sequences: BTreeMap::new(),
            held: 0,
        })
    }

    /// Takes one frame, which is not a tick, and gives the message that it completes.
    ///
    /// # Errors
    /// What ends the link.
    pub(super) fn take(&mut self, mut frame: BytesMut) -> Result<Option<Bytes>, Violation> {
        let (part, at) = Part::parse(&frame).map_err(corrupt)?;
        match part {
            Part::Whole if at == 2 || self.fragments => self.whole(frame, at).map(Some),
            Part::First(place) if self.fragments => self.first(place, frame, at),
            Part::Next(place) if self.fragments => {
                frame.advance(at);
                self.next(place, &frame)
            }
            Part::Whole | Part::First(_) | Part::Next(_) => Err(Violation::Header),
        }
    }

    fn whole(&mut self, frame: BytesMut, list: usize) -> Result<Bytes, Violation> {
        let body = list + self.read_atoms(&frame, list)?;
        if self.atoms.is_empty() {
            return in_place(frame, body);
        }
        let terms = frame.get(body..).unwrap_or_default();
        let mut plain = Vec::with_capacity(frame.len() + 64);
        let payload = self.control(terms, &mut plain)?;
        self.payload(terms.get(payload..).unwrap_or_default(), &mut plain)?;
        Ok(plain.into())
    }

    fn read_atoms(&mut self, frame: &[u8], list: usize) -> Result<usize, Violation> {
        let list = frame.get(list..).unwrap_or_default();
        self.cache.read(list, &mut self.atoms).map_err(corrupt)
    }

    /// Appends everything in front of the payload, which begins at the index that is returned.
    fn control(&self, terms: &[u8], plain: &mut Vec<u8>) -> Result<usize, Violation> {
        plain.extend_from_slice(&FRONT);
        let len = expand(terms, &self.atoms, plain, self.limits.max_frame_bytes)?;
        plain.push(VERSION);
        Ok(len)
    }

    fn payload(&self, payload: &[u8], plain: &mut Vec<u8>) -> Result<(), Violation> {
        match expand(payload, &self.atoms, plain, self.limits.max_frame_bytes) {
            // Not all that stands behind a control message is a payload: whoever needs one will look.
            Err(Violation::Term) => plain.extend_from_slice(payload),
            other => drop(other?),
        }
        Ok(())
    }

    //= docs/spec/channel.md#ch-fragment-order
    //= docs/spec/channel.md#ch-fragment-limits
    fn first(
        &mut self,
        place: Place,
        frame: BytesMut,
        list: usize,
    ) -> Result<Option<Bytes>, Violation> {
        if self.sequences.contains_key(&place.sequence) {
            return Err(Violation::Fragment);
        }
        if place.fragment == 1 {
            return self.whole(frame, list).map(Some);
        }
        if self.sequences.len() >= self.limits.max_sequences {
            return Err(Violation::FragmentsHeld);
        }
        let body = list + self.read_atoms(&frame, list)?;
        let terms = frame.get(body..).unwrap_or_default();
        let mut plain = Vec::with_capacity(frame.len() + 64);
        let data = self.control(terms, &mut plain)?;
        let payload = plain.len();
        plain.extend_from_slice(terms.get(data..).unwrap_or_default());
        let atoms = mem::take(&mut self.atoms);
        let held = plain.len() + atoms.iter().map(|atom| atom.len() + ATOM_BYTES).sum::<usize>();
        self.hold(held)?;
        let sequence = Sequence { next: place.fragment - 1, atoms, frame: plain, payload, held };
        self.sequences.insert(place.sequence, sequence);
        Ok(None)
    }

    //= docs/spec/channel.md#ch-fragment-order
    fn next(&mut self, place: Place, data: &[u8]) -> Result<Option<Bytes>, Violation> {
        self.hold(data.len())?;
        let sequence = self.sequences.get_mut(&place.sequence).ok_or(Violation::Fragment)?;
        if sequence.next != place.fragment {
            return Err(Violation::Fragment);
        }
        //= docs/spec/channel.md#ch-fragment-limits
        if sequence.frame.len() + data.len() > self.limits.max_frame_bytes {
            return Err(Violation::FrameTooLong);
        }
        sequence.frame.extend_from_slice(data);
        sequence.held += data.len();
        sequence.next -= 1;
        if sequence.next > 0 {
            return Ok(None);
        }
        let Some(whole) = self.sequences.remove(&place.sequence) else { return Ok(None) };
        self.held -= whole.held;
        whole.finish(self.limits.max_frame_bytes).map(Some)
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Violation> {
        self.held += bytes;
        if self.held > self.limits.max_held_bytes {
            return Err(Violation::FragmentsHeld);
        }
        Ok(())
    }
}

impl Sequence {
    /// The message, once all of it is there.
    fn finish(mut self, limit: usize) -> Result<Bytes, Violation> {
        let payload = self.frame.get(self.payload..).unwrap_or_default();
        // Most large messages are large binaries: without an atom out of the header they are good as they are.
        if self.atoms.is_empty() || skip(payload).is_ok() {
            return Ok(self.frame.into());
        }
        let mut plain = Vec::with_capacity(self.frame.len());
        match expand(payload, &self.atoms, &mut plain, limit.saturating_sub(self.payload)) {
            Err(Violation::Term) => return Ok(self.frame.into()),
            other => drop(other?),
        }
        self.frame.truncate(self.payload);
        self.frame.append(&mut plain);
        Ok(self.frame.into())
    }
}

/// A message whose header has no atoms needs no other memory: what is in front of the control message is as long as what has
/// to be around it.
//= docs/spec/channel.md#ch-header-empty
fn in_place(mut frame: BytesMut, body: usize) -> Result<Bytes, Violation> {
    let terms = frame.get(body..).unwrap_or_default();
    let control = skip(terms).map_err(|_| Violation::Term)?;
    let start = body.checked_sub(FRONT.len() + 1).ok_or(Violation::Header)?;
    frame.advance(start);
    let (front, behind) = (FRONT.len(), FRONT.len() + control);
    frame.copy_within(front + 1..=behind, front);
    if let Some(place) = frame.get_mut(..front) {
        place.copy_from_slice(&FRONT);
    }
    if let Some(place) = frame.get_mut(behind) {
        *place = VERSION;
    }
    Ok(frame.freeze())
}

/// Appends the first of these terms with its atoms in it, so that there are at most `limit` bytes, and returns how long it was.
//= docs/spec/channel.md#ch-header-refs
//= docs/spec/channel.md#ch-header-expanded
fn expand(
    terms: &[u8],
    atoms: &[Atom],
    plain: &mut Vec<u8>,
    limit: usize,
) -> Result<usize, Violation> {
    let before = plain.len();
    let mut reader = Reader::with_atoms(terms, atoms);
    match reader.expand(plain, limit.saturating_sub(before)) {
        Ok(()) => Ok(terms.len() - reader.remaining().len()),
        Err(TermError::TooLong) => Err(Violation::FrameTooLong),
        Err(_) => {
            plain.truncate(before);
            Err(Violation::Term)
        }
    }
}

fn corrupt(BadHeader: BadHeader) -> Violation {
    Violation::Header
}
