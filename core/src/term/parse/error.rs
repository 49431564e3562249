//! What can be wrong with the text of a term.

use core::fmt;
use nom::error::{ErrorKind, ParseError as NomError};

/// Where a text is not a term that can be read, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParseError {
    /// In bytes from the begin of the text.
    pub offset: usize,
    /// Why.
    pub kind: ParseErrorKind,
}

/// Why a text is not a term that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// An atom of more than 255 characters.
    AtomTooLong,
    /// An escape that stands for no character.
    BadChar,
    /// A float beyond what 64 bits hold.
    BadFloat,
    /// An integer whose base is not 2 to 36, or that has a digit which the base has not.
    BadInteger,
    /// A segment of more than 64 bits, or an arity of more than 255.
    BadSize,
    /// An integer of more bytes than the limit.
    IntegerTooLong,
    /// An atom without quotes that is a word of Erlang's grammar.
    ReservedWord,
    /// Not the syntax of terms.
    Syntax,
    /// Terms inside terms beyond the limit.
    TooDeep,
    /// A pid, a port, a reference, a fun with values, or a record: their texts do not say which they are.
    Unreadable,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.kind)
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtomTooLong => "an atom of more than 255 characters",
            Self::BadChar => "no such character",
            Self::BadFloat => "a float that is too large",
            Self::BadInteger => "digits that do not fit the base of the integer",
            Self::BadSize => "a size or an arity that is too large",
            Self::IntegerTooLong => "an integer longer than the limit",
            Self::ReservedWord => "a reserved word, which needs quotes to be an atom",
            Self::Syntax => "not a term",
            Self::TooDeep => "terms nested deeper than the limit",
            Self::Unreadable => "a term whose text does not say which it is",
        })
    }
}

impl core::error::Error for ParseError {}

/// An error on its way out: the text from where it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault<'t> {
    rest: &'t str,
    kind: ParseErrorKind,
}

impl Fault<'_> {
    /// Whether nothing of this text is read yet.
    pub(super) const fn is_at(self, rest: &str) -> bool {
        self.rest.len() == rest.len()
    }

    pub(super) const fn locate(self, text: &str) -> ParseError {
        ParseError { offset: text.len() - self.rest.len(), kind: self.kind }
    }
}

impl<'t> NomError<&'t str> for Fault<'t> {
    fn from_error_kind(rest: &'t str, _: ErrorKind) -> Self {
        Self { rest, kind: ParseErrorKind::Syntax }
    }

    fn append(_: &'t str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Ends parsing: no other way to read the text is tried.
pub(super) const fn failure<T>(rest: &str, kind: ParseErrorKind) -> super::Parsed<'_, T> {
    Err(nom::Err::Failure(Fault { rest, kind }))
}
