//! A cursor that takes terms off the front of bytes.

use alloc::string::String;

use super::{
    ATOM_MAX_CHARS, Atom, Float, Pid, REFERENCE_MAX_WORDS, Reference, TermError, tag, walk,
};
use crate::creation::Creation;

/// Reads terms one after another. Every method takes exactly one term, or one header, and says if it is something else.
///
/// After an error the position means nothing: whoever wants to try something else clones the reader before.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
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

    /// An atom, in any of its four encodings.
    ///
    /// # Errors
    /// [`TermError::BadAtom`] for text that is not UTF-8 or too long.
    pub fn atom(&mut self) -> Result<Atom, TermError> {
        match self.text()? {
            Text::Utf8(text) => Atom::new(text),
            Text::Latin1(bytes) => {
                Atom::new(&bytes.iter().map(|&b| char::from(b)).collect::<String>())
            }
        }
        .map_err(|_| TermError::BadAtom)
    }

    /// Whether the next term is an atom.
    #[must_use]
    pub const fn at_atom(&self) -> bool {
        matches!(
            self.rest.first(),
            Some(&(tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8))
        )
    }

    /// A pid, also in its encoding of old with a creation of one byte.
    ///
    /// # Errors
    /// [`TermError::Unexpected`] for something else.
    pub fn pid(&mut self) -> Result<Pid, TermError> {
        let tag = self.u8()?;
        if !matches!(tag, tag::NEW_PID | tag::PID) {
            return Err(TermError::Unexpected(tag));
        }
        Ok(Pid {
            node: self.atom()?,
            id: self.u32()?,
            serial: self.u32()?,
            creation: self.creation(tag == tag::NEW_PID)?,
        })
    }

    /// A reference, also in its encodings of old with a creation of one byte.
    ///
    /// # Errors
    /// [`TermError::BadReference`] for no words or too many.
    pub fn reference(&mut self) -> Result<Reference, TermError> {
        let tag = self.u8()?;
        let len = match tag {
            tag::NEWER_REFERENCE | tag::NEW_REFERENCE => self.reference_len()?,
            tag::REFERENCE => 1,
            other => return Err(TermError::Unexpected(other)),
        };
        let node = self.atom()?;
        let mut words = [0; REFERENCE_MAX_WORDS];
        let words = words.get_mut(..len).ok_or(TermError::BadReference)?;
        let creation = if tag == tag::REFERENCE {
            words.fill(self.u32()?);
            self.creation(false)?
        } else {
            let creation = self.creation(tag == tag::NEWER_REFERENCE)?;
            for word in &mut *words {
                *word = self.u32()?;
            }
            creation
        };
        Reference::new(node, creation, words).ok_or(TermError::BadReference)
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
        let (negative, magnitude) = self.number()?;
        if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
            .ok_or(TermError::IntegerRange)
    }

    /// An integer that is not negative.
    ///
    /// # Errors
    /// [`TermError::IntegerRange`] for one that does not fit.
    pub fn unsigned(&mut self) -> Result<u64, TermError> {
        match self.number()? {
            (true, 1..) => Err(TermError::IntegerRange),
            (_, magnitude) => Ok(magnitude),
        }
    }

    /// An integer as sign (`true` is negative) and magnitude.
    fn number(&mut self) -> Result<(bool, u64), TermError> {
        let len = match self.u8()? {
            tag::SMALL_INTEGER => return Ok((false, self.u8()?.into())),
            tag::INTEGER => {
                let value = i32::from_be_bytes(self.array()?);
                return Ok((value < 0, value.unsigned_abs().into()));
            }
            tag::SMALL_BIG => self.u8()?.into(),
            tag::LARGE_BIG => self.u32()? as usize,
            other => return Err(TermError::Unexpected(other)),
        };
        let negative = self.u8()? != 0;
        let digits = self.take(len)?;
        let (low, high) = digits.split_at(digits.len().min(8));
        if high.iter().any(|&digit| digit != 0) {
            return Err(TermError::IntegerRange);
        }
        let magnitude = low.iter().rev().fold(0, |number, &digit| number << 8 | u64::from(digit));
        Ok((negative, magnitude))
    }

    /// The eight bytes of a float, behind its tag.
    pub(super) fn new_float(&mut self) -> Result<Float, TermError> {
        Float::new(f64::from_be_bytes(self.array()?)).ok_or(TermError::BadFloat)
    }

    /// A float as text of 31 bytes, filled up with zeros, behind its tag.
    pub(super) fn old_float(&mut self) -> Result<Float, TermError> {
        let text = self.take(31)?.split(|&byte| byte == 0).next().unwrap_or_default();
        let number = core::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        number.and_then(Float::new).ok_or(TermError::BadFloat)
    }

    /// The text of an atom, checked.
    pub(super) fn text(&mut self) -> Result<Text<'a>, TermError> {
        let tag = self.u8()?;
        let len = match tag {
            tag::ATOM | tag::ATOM_UTF8 => self.u16()?.into(),
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => self.u8()?.into(),
            other => return Err(TermError::Unexpected(other)),
        };
        let bytes = self.take(len)?;
        if matches!(tag, tag::ATOM | tag::SMALL_ATOM) {
            return if len > ATOM_MAX_CHARS {
                Err(TermError::BadAtom)
            } else {
                Ok(Text::Latin1(bytes))
            };
        }
        let text = core::str::from_utf8(bytes).map_err(|_| TermError::BadAtom)?;
        if len > ATOM_MAX_CHARS && text.chars().count() > ATOM_MAX_CHARS {
            return Err(TermError::BadAtom);
        }
        Ok(Text::Utf8(text))
    }

    /// The number of words of a reference.
    pub(super) fn reference_len(&mut self) -> Result<usize, TermError> {
        match self.u16()?.into() {
            len @ 1..=REFERENCE_MAX_WORDS => Ok(len),
            _ => Err(TermError::BadReference),
        }
    }

    pub(super) fn creation(&mut self, wide: bool) -> Result<Creation, TermError> {
        if wide { self.u32() } else { self.u8().map(u32::from) }.map(Creation)
    }

    pub(super) fn u8(&mut self) -> Result<u8, TermError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, TermError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, TermError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TermError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(TermError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], TermError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(TermError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The text of an atom as it stands on the wire.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    Utf8(&'a str),
    Latin1(&'a [u8]),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{generate, write};
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
            atom in generate::atom(),
            pid in generate::pid(generate::atom()),
            reference in generate::reference(),
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
