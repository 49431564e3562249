//! A cursor that takes terms off the front of bytes.

use super::borrowed::{AtomRef, Number, PidRef};
use super::{Atom, Pid, Reference, TermError, tag, walk};

/// Reads terms one after another. Every method takes exactly one term, or one header, and says if it is something else.
///
/// After an error the position means nothing: whoever wants to try something else clones the reader before.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    atoms: &'a [Atom],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::with_atoms(bytes, &[])
    }

    /// A reader of bytes that came behind a distribution header: an atom may be a number that says which of `atoms` it is, the
    /// atoms of the header in their order there.
    #[must_use]
    pub const fn with_atoms(bytes: &'a [u8], atoms: &'a [Atom]) -> Self {
        Self { rest: bytes, atoms }
    }

    /// The atoms that numbers stand for.
    #[must_use]
    pub const fn atoms(&self) -> &'a [Atom] {
        self.atoms
    }

    /// The bytes that were not read yet.
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The version byte that every complete external term begins with.
    ///
    /// # Errors
    /// [`TermError::BadVersion`] for another byte.
    pub fn version(&mut self) -> Result<(), TermError> {
        match self.u8()? {
            tag::VERSION => Ok(()),
            other => Err(TermError::BadVersion(other)),
        }
    }

    /// One term of any kind: its bytes.
    ///
    /// # Errors
    /// Those of [`skip`](super::skip).
    pub fn raw(&mut self) -> Result<&'a [u8], TermError> {
        let before = self.rest;
        walk::walk(self)?;
        Ok(&before[..before.len() - self.rest.len()])
    }

    /// An atom, in any of its encodings.
    ///
    /// # Errors
    /// [`TermError::BadAtom`] for text that is not UTF-8 or too long, [`TermError::UnknownAtom`] for one that is not in the cache.
    pub fn atom(&mut self) -> Result<Atom, TermError> {
        self.atom_ref().map(|atom| atom.to_atom())
    }

    /// The same, borrowed.
    ///
    /// # Errors
    /// Those of [`atom`](Self::atom).
    #[inline]
    pub fn atom_ref(&mut self) -> Result<AtomRef<'a>, TermError> {
        match self.u8()? {
            tag::SMALL_ATOM_UTF8 => {
                let len = self.u8()?;
                self.utf8(len.into())
            }
            other => {
                // As in `head`.
                let mut reader = self.clone();
                let atom = reader.atom_behind(other)?;
                *self = reader;
                Ok(atom)
            }
        }
    }

    /// Whether the next term is an atom.
    #[must_use]
    pub const fn at_atom(&self) -> bool {
        matches!(
            self.rest.first(),
            Some(
                &(tag::ATOM
                    | tag::SMALL_ATOM
                    | tag::ATOM_UTF8
                    | tag::SMALL_ATOM_UTF8
                    | tag::ATOM_CACHE_REF)
            )
        )
    }

    /// A pid, also in its encoding of old with a creation of one byte.
    ///
    /// # Errors
    /// [`TermError::BadCreation`] for one that such a byte cannot be, [`TermError::Unexpected`] for something else.
    pub fn pid(&mut self) -> Result<Pid, TermError> {
        self.pid_ref().map(|pid| pid.to_pid())
    }

    /// The same, borrowed.
    ///
    /// # Errors
    /// [`TermError::Unexpected`] for something else.
    pub fn pid_ref(&mut self) -> Result<PidRef<'a>, TermError> {
        match self.u8()? {
            tag @ (tag::NEW_PID | tag::PID) => self.pid_behind(tag),
            other => Err(TermError::Unexpected(other)),
        }
    }

    /// A reference, also in its encodings of old with a creation of one byte.
    ///
    /// # Errors
    /// [`TermError::BadReference`] for no words or too many, [`TermError::BadCreation`] as in [`pid`](Self::pid).
    pub fn reference(&mut self) -> Result<Reference, TermError> {
        match self.u8()? {
            tag @ (tag::NEWER_REFERENCE | tag::NEW_REFERENCE | tag::REFERENCE) => {
                self.reference_behind(tag).map(|reference| reference.to_reference())
            }
            other => Err(TermError::Unexpected(other)),
        }
    }

    /// The header of a tuple: how many terms follow.
    ///
    /// # Errors
    /// [`TermError::Unexpected`] for something else.
    pub fn tuple(&mut self) -> Result<u32, TermError> {
        match self.u8()? {
            tag::SMALL_TUPLE => self.u8().map(u32::from),
            tag::LARGE_TUPLE => self.u32(),
            other => Err(TermError::Unexpected(other)),
        }
    }

    /// The header of a list that is not empty: how many terms follow, and then one more, the tail.
    ///
    /// # Errors
    /// [`TermError::Unexpected`] for something else, which the empty list is and a list sent as a string.
    pub fn list(&mut self) -> Result<u32, TermError> {
        match self.u8()? {
            tag::LIST => self.u32(),
            other => Err(TermError::Unexpected(other)),
        }
    }

    /// The empty list.
    ///
    /// # Errors
    /// [`TermError::Unexpected`] for something else.
    pub fn nil(&mut self) -> Result<(), TermError> {
        match self.u8()? {
            tag::NIL => Ok(()),
            other => Err(TermError::Unexpected(other)),
        }
    }

    /// An integer, in any encoding, with as many zeros in front as it likes.
    ///
    /// # Errors
    /// [`TermError::IntegerRange`] for one that does not fit.
    pub fn integer(&mut self) -> Result<i64, TermError> {
        match self.number()? {
            Number::Small(value) => Ok(value),
            Number::Big(_) => Err(TermError::IntegerRange),
        }
    }

    /// An integer that is not negative.
    ///
    /// # Errors
    /// [`TermError::IntegerRange`] for one that does not fit.
    pub fn unsigned(&mut self) -> Result<u64, TermError> {
        match self.number()? {
            Number::Small(value) => value.try_into().ok(),
            Number::Big(value) => value.to_u64(),
        }
        .ok_or(TermError::IntegerRange)
    }

    fn number(&mut self) -> Result<Number<'a>, TermError> {
        let len = match self.u8()? {
            tag::SMALL_INTEGER => return Ok(Number::Small(self.u8()?.into())),
            tag::INTEGER => return Ok(Number::Small(i32::from_be_bytes(self.array()?).into())),
            tag::SMALL_BIG => self.u8()?.into(),
            tag::LARGE_BIG => self.u32()? as usize,
            other => return Err(TermError::Unexpected(other)),
        };
        self.big(len)
    }

    /// Sign and magnitude of an integer, behind its length.
    #[inline]
    pub(super) fn big(&mut self, len: usize) -> Result<Number<'a>, TermError> {
        let negative = self.u8()? != 0;
        Ok(Number::new(negative, self.take(len)?))
    }

    /// An atom behind its tag.
    pub(super) fn atom_behind(&mut self, tag: u8) -> Result<AtomRef<'a>, TermError> {
        let len = match tag {
            tag::ATOM | tag::ATOM_UTF8 => self.u16()?.into(),
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => self.u8()?.into(),
            tag::ATOM_CACHE_REF => return self.cached(),
            other => return Err(TermError::Unexpected(other)),
        };
        if matches!(tag, tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8) {
            return self.utf8(len);
        }
        AtomRef::latin1(self.take(len)?).ok_or(TermError::BadAtom)
    }

    /// The text of an atom of this length in bytes.
    #[inline(always)]
    pub(super) fn utf8(&mut self, len: usize) -> Result<AtomRef<'a>, TermError> {
        AtomRef::utf8(self.take(len)?).ok_or(TermError::BadAtom)
    }

    /// A reference to the atom cache, behind its tag.
    //= docs/spec/term.md#term-atom-cache
    #[inline]
    pub(super) fn cached(&mut self) -> Result<AtomRef<'a>, TermError> {
        let index = self.u8()?;
        let atom = self.atoms.get(usize::from(index)).ok_or(TermError::UnknownAtom(index))?;
        Ok(AtomRef::shared(atom))
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, TermError> {
        self.array().map(u8::from_be_bytes)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, TermError> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, TermError> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TermError> {
        self.chunk().copied()
    }

    #[inline]
    pub(super) fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], TermError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(TermError::Truncated)?;
        self.rest = rest;
        Ok(array)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], TermError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(TermError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Creation;
    use crate::term::write;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn atoms_in_all_their_encodings() {
        for bytes in [
            &b"\x77\x05caf\xC3\xA9"[..],
            b"\x76\0\x05caf\xC3\xA9",
            b"\x73\x04caf\xE9",
            b"\x64\0\x04caf\xE9",
        ] {
            let mut reader = Reader::new(bytes);
            assert!(reader.at_atom());
            assert_eq!(reader.atom().unwrap().as_str(), "café");
            assert!(reader.is_empty());
        }
        assert_eq!(Reader::new(&[0x6A]).atom(), Err(TermError::Unexpected(0x6A)));
    }

    #[test]
    fn integers_in_all_their_encodings() {
        for (bytes, value) in [
            (&[0x61, 255][..], Ok(255)),
            (&[0x62, 0, 0, 0, 5], Ok(5)),
            (&[0x62, 0xFF, 0xFF, 0xFF, 0xFE], Ok(-2)),
            (&[0x6E, 0, 0], Ok(0)),
            (&[0x6E, 0, 1], Ok(0)),
            (&[0x6E, 1, 1, 7], Ok(-7)),
            (&[0x6E, 10, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0], Ok(0x201)),
            (&[0x6F, 0, 0, 0, 2, 1, 1, 2], Ok(-0x201)),
            (&[0x6E, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0x80], Ok(i64::MIN)),
            (&[0x6E, 8, 1, 1, 0, 0, 0, 0, 0, 0, 0x80], Err(TermError::IntegerRange)),
            (&[0x6E, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x80], Err(TermError::IntegerRange)),
            (&[0x6E, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Err(TermError::IntegerRange)),
            (&[0x6E, 2, 0, 1], Err(TermError::Truncated)),
            (&[0x46, 0, 0, 0, 0, 0, 0, 0, 0], Err(TermError::Unexpected(0x46))),
        ] {
            assert_eq!(Reader::new(bytes).integer(), value, "{bytes:02x?}");
        }
        assert_eq!(Reader::new(&[0x6E, 1, 1, 0]).unsigned(), Ok(0));
        assert_eq!(Reader::new(&[0x6E, 1, 1, 1]).unsigned(), Err(TermError::IntegerRange));
    }

    #[test]
    fn identifiers_of_old() {
        let mut reader = Reader::new(
            b"\x67\x77\x03a@b\0\0\0\x05\0\0\0\x06\x02\
              \x65\x77\x03a@b\0\0\0\x07\x03\
              \x72\0\x02\x77\x03a@b\x01\0\0\0\x08\0\0\0\x09",
        );
        let node = Atom::literal("a@b");
        let pid = Pid { node: node.clone(), id: 5, serial: 6, creation: Creation(2) };
        assert_eq!(reader.pid(), Ok(pid));
        let reference = |creation, words: &[u32]| {
            Ok(Reference::new(node.clone(), Creation(creation), words).unwrap())
        };
        assert_eq!(reader.reference(), reference(3, &[7]));
        assert_eq!(reader.reference(), reference(1, &[8, 9]));
        assert!(reader.is_empty());
    }

    /// As OTP 25, 27 and 29 take and refuse them.
    //= docs/spec/term.md#term-decode-old
    //= type=test
    #[test]
    fn identifiers_of_old_have_room_for_little() {
        let node = b"\x77\x03a@b";
        let read = |parts: &[&[u8]]| Reader::new(&parts.concat()).raw().map(drop);
        for (creation, result) in [
            (3, Ok(())),
            (4, Err(TermError::BadCreation(4))),
            (255, Err(TermError::BadCreation(255))),
        ] {
            assert_eq!(read(&[b"\x67", node, &[0xFF; 8], &[creation]]), result);
            assert_eq!(read(&[b"\x66", node, &[0xFF; 4], &[creation]]), result);
            assert_eq!(read(&[b"\x65", node, b"\0\x03\xFF\xFF", &[creation]]), result);
            assert_eq!(read(&[b"\x72\0\x02", node, &[creation], b"\0\x03", &[0xFF; 6]]), result);
        }
        for first in [b"\0\x04\0\0", b"\x01\0\0\0"] {
            assert_eq!(read(&[b"\x65", node, first, b"\x03"]), Err(TermError::BadReference));
            assert_eq!(read(&[b"\x72\0\x01", node, b"\x03", first]), Err(TermError::BadReference));
            assert_eq!(read(&[b"\x5A\0\x01", node, &[0xFF; 4], first]), Ok(()));
        }
    }

    #[test]
    fn the_pieces_of_a_call() {
        // {'$gen_call', [alias|[]]}
        let mut reader =
            Reader::new(b"\x83\x68\x02\x77\x09$gen_call\x6C\0\0\0\x01\x77\x05alias\x6A");
        assert_eq!(reader.version(), Ok(()));
        assert_eq!(reader.tuple(), Ok(2));
        assert_eq!(reader.atom().unwrap().as_str(), "$gen_call");
        let tag = reader.remaining();
        assert_eq!(reader.clone().raw(), Ok(tag));
        assert_eq!(reader.list(), Ok(1));
        assert_eq!(reader.atom().unwrap().as_str(), "alias");
        assert_eq!(reader.nil(), Ok(()));
        assert!(reader.is_empty());
        assert_eq!(reader.version(), Err(TermError::Truncated));
        assert_eq!(Reader::new(&[0x82]).version(), Err(TermError::BadVersion(0x82)));
        assert_eq!(Reader::new(&[0x69, 0, 0, 1, 0]).tuple(), Ok(256));
        assert_eq!(Reader::new(&[0x6A]).tuple(), Err(TermError::Unexpected(0x6A)));
        assert_eq!(Reader::new(&[0x6A]).list(), Err(TermError::Unexpected(0x6A)));
        assert_eq!(Reader::new(&[0x6C]).nil(), Err(TermError::Unexpected(0x6C)));
    }

    #[test]
    fn integers_are_written_in_the_shortest_encoding() {
        let written = |value| {
            let mut out = Vec::new();
            write::integer(&mut out, value);
            out
        };
        assert_eq!(written(255), [0x61, 255]);
        assert_eq!(written(256), [0x62, 0, 0, 1, 0]);
        assert_eq!(written(-1), [0x62, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(written(1 << 31), [0x6E, 4, 0, 0, 0, 0, 0x80]);
        assert_eq!(written(-(1 << 40)), [0x6E, 6, 1, 0, 0, 0, 0, 0, 1]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            atom: Atom,
            pid: Pid,
            reference: Reference,
            signed in any::<i64>(),
            unsigned in any::<u64>(),
            shift in 0..64,
            counts in any::<(u8, u32)>(),
        ) {
            let (signed, unsigned) = (signed >> shift, unsigned >> shift);
            let mut out = Vec::new();
            write::version(&mut out);
            write::atom(&mut out, &atom);
            write::pid(&mut out, &pid);
            write::reference(&mut out, &reference);
            write::integer(&mut out, signed);
            write::unsigned(&mut out, unsigned);
            write::tuple(&mut out, counts.0);
            write::list(&mut out, counts.1);
            write::nil(&mut out);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.version(), Ok(()));
            prop_assert_eq!(reader.atom(), Ok(atom));
            prop_assert_eq!(reader.pid(), Ok(pid));
            prop_assert_eq!(reader.reference(), Ok(reference));
            prop_assert_eq!(reader.integer(), Ok(signed));
            prop_assert_eq!(reader.unsigned(), Ok(unsigned));
            prop_assert_eq!(reader.tuple(), Ok(counts.0.into()));
            prop_assert_eq!(reader.list(), Ok(counts.1));
            prop_assert_eq!(reader.nil(), Ok(()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), tag in 0x58..0x79_u8) {
            let bytes = [&[tag][..], &bytes].concat();
            let reader = Reader::new(&bytes);
            // Whatever one of the methods takes for a term, the walker does too.
            let read = [
                reader.clone().atom().is_ok(),
                reader.clone().pid().is_ok(),
                reader.clone().reference().is_ok(),
                reader.clone().integer().is_ok(),
                reader.clone().unsigned().is_ok(),
            ];
            prop_assert!(!read.contains(&true) || reader.clone().raw().is_ok());
        }
    }
}
