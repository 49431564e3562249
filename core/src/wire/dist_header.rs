//! The header in front of a message, on links on which an atom cache or fragments were agreed.

use alloc::vec::Vec;
use core::fmt;

use crate::term::Atom;

/// The version byte, as in front of an external term.
const VERSION: u8 = 131;
/// A whole message.
const HEADER: u8 = 68;
/// The first fragment of a message.
const FRAGMENT_HEADER: u8 = 69;
/// Any other fragment.
const FRAGMENT: u8 = 70;

/// A whole message whose header has no atoms.
pub const EMPTY: [u8; 3] = [VERSION, HEADER, 0];
/// Bytes in front of the data of a fragment: the two of the version and the kind, the sequence, and the fragment's number.
pub const FRAGMENT_HEADER_LEN: usize = 2 + 8 + 8;

/// Slots of an atom cache: eight segments of 256.
pub const CACHE_SLOTS: usize = 2048;

/// What a frame with a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Part {
    /// A whole message: atoms, control message, payload.
    Whole,
    /// The beginning of a message: atoms, control message, and some of the payload.
    First(Place),
    /// Some more of the payload.
    Next(Place),
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Place {
    /// The message that it is part of. The sender's to choose, and free again after the last fragment.
    pub sequence: u64,
    /// Counts down to 1, the last fragment.
    pub fragment: u64,
}

/// The frame has no header, or one that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BadHeader;

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("corrupted distribution header")
    }
}

impl core::error::Error for BadHeader {}

impl Part {
    /// What the frame is, and where the rest of it begins: the list of atoms, or the data of a later fragment.
    ///
    /// # Errors
    /// [`BadHeader`], also for a fragment with the number 0 and for several fragments of sequence 0, in which OTP reads memory that
    /// it does not have.
    //= docs/spec/channel.md#ch-header
    //= docs/spec/channel.md#ch-fragment
    pub fn parse(frame: &[u8]) -> Result<(Self, usize), BadHeader> {
        match *frame {
            [VERSION, HEADER, ..] => Ok((Self::Whole, 2)),
            [VERSION, kind @ (FRAGMENT_HEADER | FRAGMENT), ref place @ ..] => {
                let place = Place::parse(place).ok_or(BadHeader)?;
                let part = match (kind, place) {
                    (_, Place { fragment: 0, .. }) => return Err(BadHeader),
                    (FRAGMENT, _) => Self::Next(place),
                    (_, Place { sequence: 0, fragment: 1 }) => Self::Whole,
                    (_, Place { sequence: 0, .. }) => return Err(BadHeader),
                    _ => Self::First(place),
                };
                Ok((part, FRAGMENT_HEADER_LEN))
            }
            _ => Err(BadHeader),
        }
    }
}

impl Place {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (sequence, rest) = bytes.split_first_chunk()?;
        let fragment = u64::from_be_bytes(*rest.first_chunk()?);
        Some(Self { sequence: u64::from_be_bytes(*sequence), fragment })
    }

    /// What stands in front of a fragment's data. The `first` one has a header, too, of no atoms.
    pub fn emit(self, first: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, if first { FRAGMENT_HEADER } else { FRAGMENT }]);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.fragment.to_be_bytes());
        if first {
            out.push(0);
        }
    }
}

/// The atoms that a peer has put into its cache for us. Which slot an atom has is the peer's choice.
///
/// It takes as much memory as there are slots up to the highest in use, and the text of one atom for each in use: 2048 of at most
/// 1020 bytes, so about 2 MiB.
//= docs/spec/channel.md#ch-cache-memory
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AtomCache {
    slots: Vec<Option<Atom>>,
}

impl AtomCache {
    /// Reads the list of atoms that `bytes` begin with, from its count on: the atoms go into `atoms`, in place of what was there, new
    /// ones into the cache, too. Returns the length of the list.
    ///
    /// # Errors
    /// [`BadHeader`]: the list is cut off, has a text that is no atom, or refers to an empty slot.
    //= docs/spec/channel.md#ch-header-atoms
    pub fn read(&mut self, bytes: &[u8], atoms: &mut Vec<Atom>) -> Result<usize, BadHeader> {
        atoms.clear();
        let mut list = List { rest: bytes };
        let count = usize::from(list.u8()?);
        if count == 0 {
            return Ok(1);
        }
        let flags = list.take(count / 2 + 1)?;
        let nibble = |index: usize| {
            flags
                .get(index / 2)
                .map_or(0, |byte| if index % 2 == 0 { byte & 15 } else { byte >> 4 })
        };
        let long = nibble(count) & 1 != 0;
        for index in 0..count {
            let flags = nibble(index);
            let slot = usize::from(flags & 7) << 8 | usize::from(list.u8()?);
            let atom = if flags & 8 == 0 {
                self.slots.get(slot).cloned().flatten().ok_or(BadHeader)?
            } else {
                self.put(slot, list.atom(long)?)
            };
            atoms.push(atom);
        }
        Ok(bytes.len() - list.rest.len())
    }

    fn put(&mut self, slot: usize, atom: Atom) -> Atom {
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, None);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(atom.clone());
        }
        atom
    }
}

/// The list of atoms, as far as it was not read yet.
struct List<'a> {
    rest: &'a [u8],
}

impl<'a> List<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], BadHeader> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(BadHeader)?;
        self.rest = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, BadHeader> {
        self.take(1).map(|byte| byte.first().copied().unwrap_or_default())
    }

    /// Always UTF-8, here.
    fn atom(&mut self, long: bool) -> Result<Atom, BadHeader> {
        let len = if long { usize::from(self.u8()?) << 8 } else { 0 } | usize::from(self.u8()?);
        let text = core::str::from_utf8(self.take(len)?).map_err(|_| BadHeader)?;
        Atom::new(text).map_err(|_| BadHeader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn read(cache: &mut AtomCache, bytes: &[u8]) -> Result<(usize, Vec<Atom>), BadHeader> {
        let mut atoms = vec![Atom::literal("left behind")];
        cache.read(bytes, &mut atoms).map(|len| (len, atoms))
    }

    fn texts(atoms: &[Atom]) -> Vec<&str> {
        atoms.iter().map(Atom::as_str).collect()
    }

    //= docs/spec/channel.md#ch-header-atoms
    //= type=test
    #[test]
    fn the_captured_lists_fill_the_cache_and_refer_to_it() {
        let mut cache = AtomCache::default();
        let first =
            b"\x04\x8f\xdc\0\x99\x0dotp@localhost\x05\0\x78\x03rex\x5f\x10features_requesth";
        let (len, atoms) = read(&mut cache, first).unwrap();
        assert_eq!(
            (len, texts(&atoms)),
            (first.len() - 1, vec!["otp@localhost", "", "rex", "features_request"])
        );
        let second = b"\x04\x07\xfd\0\x99\x05\xc1\x08someproc\xef\x05helloh";
        let (len, atoms) = read(&mut cache, second).unwrap();
        assert_eq!(
            (len, texts(&atoms)),
            (second.len() - 1, vec!["otp@localhost", "", "someproc", "hello"])
        );
        let third = b"\x03\x57\x08\x99\xb1\x08\x06normal";
        // Slot 7:b1 was put in by a message that was not captured.
        assert_eq!(read(&mut cache, third), Err(BadHeader));
        assert_eq!(read(&mut cache, &[0, 7]), Ok((1, vec![])));
    }

    //= docs/spec/channel.md#ch-header-atoms
    //= type=test
    #[test]
    fn long_atoms_have_lengths_of_two_bytes_for_all() {
        let long = "\u{20AC}".repeat(255);
        // The nibble behind the last one says so: of two atoms it is the low half of the second byte.
        let list = [&b"\x02\x88\x01\x07\x02\xfd"[..], long.as_bytes(), b"\x08\0\x01x"].concat();
        let mut cache = AtomCache::default();
        assert_eq!(read(&mut cache, &list).map(|(len, _)| len), Ok(list.len()));
        assert_eq!(texts(&read(&mut cache, b"\x02\0\0\x08\x07").unwrap().1), ["x", &long]);
        // Of one atom it is the high half of the first.
        assert_eq!(texts(&read(&mut cache, b"\x01\x18\x08\0\x01y").unwrap().1), ["y"]);
        assert_eq!(texts(&read(&mut cache, b"\x01\0\x08").unwrap().1), ["y"]);
    }

    //= docs/spec/channel.md#ch-header-atoms
    //= type=test
    #[test]
    fn atoms_are_those_of_the_moment_of_their_entry() {
        let mut cache = AtomCache::default();
        let twice = read(&mut cache, b"\x03\x88\x00\x05\x01a\x05\x01b\x05").unwrap().1;
        assert_eq!(texts(&twice), ["a", "b", "b"]);
    }

    //= docs/spec/channel.md#ch-header-empty-slot
    //= type=test
    #[test]
    fn a_reference_to_an_empty_slot_is_corrupt() {
        let mut cache = AtomCache::default();
        for slot in [b"\x01\0\0", b"\x01\x07\xff", b"\x01\x03\x80"] {
            assert_eq!(read(&mut cache, slot), Err(BadHeader));
        }
        read(&mut cache, b"\x01\x0f\xff\x01z").unwrap();
        assert_eq!(texts(&read(&mut cache, b"\x01\x07\xff").unwrap().1), ["z"]);
        assert_eq!(read(&mut cache, b"\x01\x07\xfe"), Err(BadHeader));
    }

    //= docs/spec/channel.md#ch-header
    //= type=test
    #[test]
    fn lists_that_lie_are_corrupt() {
        let whole = b"\x02\x88\0\x05\x02aa\x06\x02bb";
        let mut cache = AtomCache::default();
        assert!(read(&mut cache, whole).is_ok());
        for len in 0..whole.len() {
            assert_eq!(read(&mut cache, &whole[..len]), Err(BadHeader), "{len}");
        }
        assert_eq!(read(&mut cache, b"\x01\x08\x05\x01\xff"), Err(BadHeader), "not UTF-8");
        let too_long = [&b"\x01\x18\x05\x01\0"[..], &[b'a'; 256]].concat();
        assert_eq!(read(&mut cache, &too_long), Err(BadHeader));
        assert_eq!(read(&mut cache, &[255]), Err(BadHeader));
        let many = [&[255][..], &[0x88; 128], &[0, 0].repeat(255)].concat();
        assert_eq!(
            read(&mut cache, &many).map(|(len, atoms)| (len, atoms.len())),
            Ok((many.len(), 255))
        );
    }

    //= docs/spec/channel.md#ch-cache-memory
    //= type=test
    #[test]
    fn a_cache_has_2048_slots_and_no_more() {
        let mut cache = AtomCache::default();
        for round in 0..3 {
            for slot in 0..CACHE_SLOTS {
                let text = alloc::format!("{round}_{slot}");
                let list =
                    [&[1, 8 | (slot >> 8) as u8, slot as u8, text.len() as u8], text.as_bytes()]
                        .concat();
                assert_eq!(texts(&read(&mut cache, &list).unwrap().1), [&text]);
            }
            assert_eq!(cache.slots.len(), CACHE_SLOTS);
        }
        assert_eq!(texts(&read(&mut cache, b"\x01\x07\xff").unwrap().1), ["2_2047"]);
    }

    //= docs/spec/channel.md#ch-header
    //= type=test
    //= docs/spec/channel.md#ch-fragment
    //= type=test
    #[test]
    fn the_kinds_of_frames_with_a_header() {
        let place = |kind: u8, sequence: u64, fragment: u64| {
            [&[131, kind][..], &sequence.to_be_bytes(), &fragment.to_be_bytes()].concat()
        };
        let at = |sequence, fragment| Place { sequence, fragment };
        for (frame, part) in [
            (EMPTY.to_vec(), Ok((Part::Whole, 2))),
            (place(69, 0x4A0_0000_0943, 3), Ok((Part::First(at(0x4A0_0000_0943, 3)), 18))),
            (place(70, u64::MAX, 1), Ok((Part::Next(at(u64::MAX, 1)), 18))),
            (place(70, 0, u64::MAX), Ok((Part::Next(at(0, u64::MAX)), 18))),
            (place(69, 0, 1), Ok((Part::Whole, 18))),
            (place(69, 0, 2), Err(BadHeader)),
            (place(69, 1, 0), Err(BadHeader)),
            (place(70, 1, 0), Err(BadHeader)),
            (vec![], Err(BadHeader)),
            (vec![131], Err(BadHeader)),
            (vec![131, 104, 0], Err(BadHeader)),
            (vec![112, 131, 104, 0], Err(BadHeader)),
            (place(69, 1, 1)[..17].to_vec(), Err(BadHeader)),
        ] {
            assert_eq!(Part::parse(&frame), part, "{frame:02x?}");
        }
        for (first, part) in [(true, Part::First(at(7, 9))), (false, Part::Next(at(7, 9)))] {
            let mut out = Vec::new();
            at(7, 9).emit(first, &mut out);
            assert_eq!(Part::parse(&out), Ok((part, FRAGMENT_HEADER_LEN)));
            assert_eq!(out.len(), FRAGMENT_HEADER_LEN + usize::from(first));
        }
    }
}
