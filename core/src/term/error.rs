//! What can be wrong with the bytes of a term.

use core::fmt;

/// Why bytes are not the term that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
// As wide as a word, so that it shares whole words with what a `Result` has in its place, which else is moved byte by byte.
#[repr(align(8))]
#[non_exhaustive]
pub enum TermError {
    /// The text of an atom is not UTF-8, or longer than 255 code points.
    BadAtom,
    /// A bit string whose last byte has no bits or more than eight, or that has no byte.
    BadBits,
    /// A creation of one byte, as in identifiers of old, that is greater than three.
    BadCreation(u8),
    /// A float that is no number or infinite, or text that is no float.
    BadFloat,
    /// A native record with flags that nobody knows.
    BadRecord,
    /// A reference without words, or with more than five, or one of old whose first word has more than 18 bits.
    BadReference,
    /// A term does not begin with the version byte, but with this one.
    BadVersion(u8),
    /// A map with a key twice, or a record with a field twice.
    DuplicateKey,
    /// An integer that does not fit the type that was asked for.
    IntegerRange,
    /// An integer of more bytes than the limit.
    IntegerTooLong,
    /// Terms inside terms beyond the limit.
    TooDeep,
    /// A term of more bytes than the limit.
    TooLong,
    /// More terms than the limit.
    TooManyTerms,
    /// A fun with more than 255 free variables.
    TooManyVariables,
    /// The bytes end before the term does, or a count promises more terms than bytes are left.
    Truncated,
    /// A well-known term of another kind, or one that is never sent between nodes; the tag it begins with.
    Unexpected(u8),
    /// A number of an atom that the distribution header did not tell, or there was no header.
    UnknownAtom(u8),
}

impl fmt::Display for TermError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadAtom => f.write_str("an atom that is not UTF-8 or too long"),
            Self::BadBits => f.write_str("a bit string with a wrong number of bits"),
            Self::BadCreation(byte) => write!(f, "creation {byte} of one byte, greater than 3"),
            Self::BadFloat => f.write_str("a float that is not a finite number"),
            Self::BadRecord => f.write_str("a record with unknown flags"),
            Self::BadReference => f.write_str("a reference with no, too many or too large words"),
            Self::BadVersion(byte) => write!(f, "version byte {byte:#04x} instead of 0x83"),
            Self::DuplicateKey => f.write_str("a map with a key or a record with a field twice"),
            Self::IntegerRange => f.write_str("an integer out of range"),
            Self::IntegerTooLong => f.write_str("an integer longer than the limit"),
            Self::TooDeep => f.write_str("terms nested deeper than the limit"),
            Self::TooLong => f.write_str("a term longer than the limit"),
            Self::TooManyTerms => f.write_str("more terms than the limit"),
            Self::TooManyVariables => f.write_str("a fun with too many free variables"),
            Self::Truncated => f.write_str("the bytes end before the term"),
            Self::Unexpected(tag) => write!(f, "unexpected tag {tag:#04x}"),
            Self::UnknownAtom(index) => write!(f, "atom {index} is not in the header"),
        }
    }
}

impl core::error::Error for TermError {}
