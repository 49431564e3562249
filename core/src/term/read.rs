//! A cursor that takes terms off the front of bytes.

use alloc::string::String;

use super::{ATOM_MAX_CHARS, Atom, Pid, REFERENCE_MAX_WORDS, Reference, TermError, tag, walk};
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

    fn creation(&mut self, wide: bool) -> Result<Creation, TermError> {
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
