//! The values of terms that have a form of their own when they are borrowed from bytes.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use super::head::Head;
use super::{
    ATOM_MAX_CHARS, Atom, BitString, Export, Fun, Integer, Pid, Port, REFERENCE_MAX_WORDS, Reader,
    Reference, Term, TermError,
};
use crate::creation::Creation;

/// The text of an atom. Equal and ordered by its characters, whatever its encoding is.
#[derive(Clone, Copy)]
pub struct AtomRef<'a>(Text<'a>);

#[derive(Clone, Copy)]
enum Text<'a> {
    /// Checked. Who looks for an atom that he knows compares bytes.
    Utf8(&'a [u8]),
    /// Not all ASCII.
    Latin1(&'a [u8]),
    Shared(&'a Atom),
}

impl<'a> AtomRef<'a> {
    pub(super) const EMPTY: Self = Self(Text::Utf8(&[]));

    /// `None` unless these are at most [`ATOM_MAX_CHARS`] characters in UTF-8.
    #[inline]
    pub(super) fn utf8(bytes: &'a [u8]) -> Option<Self> {
        (is_short_ascii(bytes) || is_short_utf8(bytes)).then_some(Self(Text::Utf8(bytes)))
    }

    /// `None` for more than [`ATOM_MAX_CHARS`] characters.
    pub(super) fn latin1(bytes: &'a [u8]) -> Option<Self> {
        let text = if bytes.is_ascii() { Text::Utf8(bytes) } else { Text::Latin1(bytes) };
        (bytes.len() <= ATOM_MAX_CHARS).then_some(Self(text))
    }

    #[inline]
    pub(super) const fn shared(atom: &'a Atom) -> Self {
        Self(Text::Shared(atom))
    }

    /// Its text. `None` if it was sent as Latin-1 and is not ASCII, as no node since OTP 20 does.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        match self.0 {
            Text::Utf8(bytes) => core::str::from_utf8(bytes).ok(),
            Text::Latin1(_) => None,
            Text::Shared(atom) => Some(atom.as_str()),
        }
    }

    /// Its text in UTF-8, which was checked: faster than [`as_str`](Self::as_str), for who compares or copies it. `None` as there.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match self.0 {
            Text::Utf8(bytes) => Some(bytes),
            Text::Latin1(_) => None,
            Text::Shared(atom) => Some(atom.as_bytes()),
        }
    }

    /// Its characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let latin1 = if let Text::Latin1(bytes) = self.0 { bytes } else { &[] };
        let text = self.as_str().unwrap_or_default();
        text.chars().chain(latin1.iter().map(|&byte| char::from(byte)))
    }

    /// The atom as a value of its own. That of an atom cache is shared, not copied.
    #[inline(always)]
    #[must_use]
    pub fn to_atom(&self) -> Atom {
        match self.0 {
            Text::Utf8(bytes) => Atom::checked(core::str::from_utf8(bytes).unwrap_or_default()),
            Text::Latin1(bytes) => of_latin1(bytes),
            Text::Shared(atom) => atom.clone(),
        }
    }
}

#[inline(never)]
fn of_latin1(bytes: &[u8]) -> Atom {
    Atom::checked(&bytes.iter().map(|&byte| char::from(byte)).collect::<String>())
}

impl PartialEq for AtomRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for AtomRef<'_> {}

impl PartialEq<str> for AtomRef<'_> {
    fn eq(&self, other: &str) -> bool {
        match self.as_bytes() {
            Some(bytes) => bytes == other.as_bytes(),
            None => self.chars().eq(other.chars()),
        }
    }
}

impl PartialOrd for AtomRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AtomRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.as_bytes(), other.as_bytes()) {
            // UTF-8 has the order of characters.
            (Some(one), Some(other)) => one.cmp(other),
            _ => self.chars().cmp(other.chars()),
        }
    }
}

impl fmt::Debug for AtomRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_atom(), f)
    }
}

#[inline]
const fn is_short_ascii(bytes: &[u8]) -> bool {
    bytes.len() <= ATOM_MAX_CHARS && bytes.is_ascii()
}

fn is_short_utf8(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok_and(|text| text.chars().count() <= ATOM_MAX_CHARS)
}

/// An integer that does not fit an `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerRef<'a> {
    negative: bool,
    magnitude: &'a [u8],
}

impl<'a> IntegerRef<'a> {
    /// Whether it is less than zero.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// The bytes of its absolute value, low byte first, without zeros at the end.
    #[must_use]
    pub const fn magnitude(&self) -> &'a [u8] {
        self.magnitude
    }

    /// The same, if it fits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        if self.negative { None } else { word(self.magnitude) }
    }

    /// The integer as a value of its own.
    #[must_use]
    pub fn to_integer(&self) -> Integer {
        Integer::from_sign_magnitude(self.negative, self.magnitude)
    }
}

/// An integer in the encoding for large ones, which it may not need.
pub(super) enum Number<'a> {
    Small(i64),
    Big(IntegerRef<'a>),
}

impl<'a> Number<'a> {
    /// Of a magnitude with the low byte first, and any number of zeros at its end.
    #[inline]
    pub(super) fn new(negative: bool, magnitude: &'a [u8]) -> Self {
        let magnitude = match magnitude {
            [.., 0] => {
                let len = magnitude.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                magnitude.get(..len).unwrap_or_default()
            }
            _ => magnitude,
        };
        let small = word(magnitude).and_then(|word| {
            if negative { 0_i64.checked_sub_unsigned(word) } else { i64::try_from(word).ok() }
        });
        match small {
            Some(value) => Self::Small(value),
            None => Self::Big(IntegerRef { negative, magnitude }),
        }
    }
}

impl<'a> From<Number<'a>> for Head<'a> {
    #[inline]
    fn from(number: Number<'a>) -> Self {
        match number {
            Number::Small(value) => Self::Integer(value),
            Number::Big(value) => Self::Big(value),
        }
    }
}

/// The number that these bytes are, low byte first, if there are at most eight.
#[inline]
fn word(magnitude: &[u8]) -> Option<u64> {
    let fits = magnitude.len() <= 8;
    fits.then(|| magnitude.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)))
}

/// A pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PidRef<'a> {
    /// The node that the process lives on.
    pub node: AtomRef<'a>,
    /// Its number there.
    pub id: u32,
    /// Counts how often the numbers wrapped around.
    pub serial: u32,
    /// The incarnation of the node.
    pub creation: Creation,
}

impl PidRef<'_> {
    /// The pid as a value of its own.
    #[inline]
    #[must_use]
    pub fn to_pid(&self) -> Pid {
        let Self { node, id, serial, creation } = *self;
        Pid { node: node.to_atom(), id, serial, creation }
    }
}

/// A port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRef<'a> {
    /// The node that it belongs to.
    pub node: AtomRef<'a>,
    /// Its number there.
    pub id: u64,
    /// The incarnation of the node.
    pub creation: Creation,
}

impl PortRef<'_> {
    /// The port as a value of its own.
    #[must_use]
    pub fn to_port(&self) -> Port {
        let Self { node, id, creation } = *self;
        Port { node: node.to_atom(), id, creation }
    }
}

/// A reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceRef<'a> {
    /// The node that made it.
    pub node: AtomRef<'a>,
    /// The incarnation of that node.
    pub creation: Creation,
    /// Four for each word.
    bytes: &'a [u8],
}

impl<'a> ReferenceRef<'a> {
    #[inline]
    pub(super) const fn new(node: AtomRef<'a>, creation: Creation, bytes: &'a [u8]) -> Self {
        Self { node, creation, bytes }
    }

    /// Its words, in the order of the wire: one to [`REFERENCE_MAX_WORDS`].
    pub fn words(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.bytes.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_be_bytes))
    }

    /// The reference as a value of its own.
    #[must_use]
    pub fn to_reference(&self) -> Reference {
        let mut words = [0; REFERENCE_MAX_WORDS];
        for (place, word) in words.iter_mut().zip(self.words()) {
            *place = word;
        }
        Reference::from_array(self.node.to_atom(), self.creation, words, self.words().len())
    }
}

/// `fun Module:Function/Arity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportRef<'a> {
    /// The module.
    pub module: AtomRef<'a>,
    /// The function.
    pub function: AtomRef<'a>,
    /// How many arguments it takes.
    pub arity: u8,
}

impl ExportRef<'_> {
    /// The fun as a value of its own.
    #[must_use]
    pub fn to_export(&self) -> Export {
        let (module, function) = (self.module.to_atom(), self.function.to_atom());
        Export { module, function, arity: self.arity }
    }
}

/// A bit string that is not made of whole bytes.
#[derive(Clone, Copy, Debug)]
pub struct BitStringRef<'a> {
    bytes: &'a [u8],
    last_bits: u8,
}

impl<'a> BitStringRef<'a> {
    pub(super) const fn new(bytes: &'a [u8], last_bits: u8) -> Self {
        Self { bytes, last_bits }
    }

    /// Its bytes, as they were sent: the bits of the last that do not count may be anything.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bits of the last byte count, from the highest on: 1 to 7.
    #[must_use]
    pub const fn last_bits(&self) -> u8 {
        self.last_bits
    }

    /// The bit string as a term of its own.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let bytes: Vec<u8> = self.bytes.into();
        BitString::new(bytes, self.last_bits).map_or(Term::NIL, Term::BitString)
    }
}

/// What stands before the names in a fun: size, arity, checksum, index, number of free variables.
const FIXED: usize = 4 + 1 + 16 + 4 + 4;

/// A fun that was made in a module, without the values that it captured.
#[derive(Clone, Copy, Debug)]
pub struct FunRef<'a> {
    fixed: &'a [u8; FIXED],
    /// What stands behind it.
    names: &'a [u8],
    atoms: &'a [Atom],
}

impl<'a> FunRef<'a> {
    pub(super) const fn new(fixed: &'a [u8; FIXED], behind: &Reader<'a>) -> Self {
        Self { fixed, names: behind.remaining(), atoms: behind.atoms() }
    }

    /// How many arguments it takes.
    #[must_use]
    pub const fn arity(&self) -> u8 {
        self.fixed[4]
    }

    /// How many values it captured.
    #[must_use]
    pub const fn free_len(&self) -> u32 {
        let [.., a, b, c, d] = *self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The fun as a value of its own, with what it captured.
    ///
    /// # Errors
    /// None: the names were read before.
    pub(super) fn to_fun(self, free: Vec<Term>) -> Result<Fun, TermError> {
        let mut fixed = Reader::new(self.fixed);
        let (_size, arity, unique) = (fixed.u32()?, fixed.u8()?, fixed.array()?);
        let index = fixed.u32()?;
        let mut reader = Reader::with_atoms(self.names, self.atoms);
        let (module, old_index, old_unique, pid) = names(&mut reader)?;
        let (module, pid) = (module.to_atom(), pid.to_pid());
        Ok(Fun { module, old_index, old_unique, arity, unique, index, pid, free })
    }
}

/// Module, index and hash of old, and pid, which stand before the free variables of a fun.
pub(super) fn names<'a>(
    reader: &mut Reader<'a>,
) -> Result<(AtomRef<'a>, i64, i64, PidRef<'a>), TermError> {
    Ok((reader.atom_ref()?, reader.integer()?, reader.integer()?, reader.pid_ref()?))
}
