//! Terms of values that serde knows, and back.
//!
//! The conventions are those of the other crates for terms (`erltf_serde`, `serde_eetf`), where they agree:
//!
//! | Rust | Erlang | read as well |
//! |---|---|---|
//! | `bool` | `true`, `false` | |
//! | integers of all sizes | integer | |
//! | `f32`, `f64` | float; infinite ones and those that are no number are refused | integer |
//! | `char`, `str`, `String` | binary of UTF-8 | atom, list of characters |
//! | bytes (`serde_bytes`) | binary | list of bytes |
//! | `None` | `undefined` | `nil` |
//! | `Some(x)` | `x` | |
//! | `()` | `nil` | `undefined` |
//! | `struct Unit;` | its name, an atom | |
//! | `struct New(x)` | `x` | |
//! | sequences: `Vec`, sets | proper list | tuple |
//! | tuples, arrays, `struct Pair(a, b)` | tuple | proper list |
//! | maps | map | |
//! | `struct` with fields | map with atoms for keys | map with binaries for keys, native record |
//! | `Enum::Unit` | atom | |
//! | `Enum::New(x)` | `{New, x}` | |
//! | `Enum::Tuple(a, b)` | `{Tuple, a, b}` | |
//! | `Enum::Struct { .. }` | `{Struct, #{..}}` | |
//!
//! Names are taken as they are: `#[serde(rename_all = "snake_case")]` makes atoms of the usual form. `Some(None)`, `Some(())` and `None` are not told apart.
//!
//! [`Term`], [`Atom`](super::Atom), [`Pid`](super::Pid), [`Port`](super::Port) and [`Reference`](super::Reference) can be parts of such values, and stay what they are.
//! In formats of other crates they are bytes of the external term format. They may be nested as deeply as [`Limits::default`] says, and otherwise of any size:
//! who reads what a stranger sent bounds its bytes before.
//! Inside what serde itself keeps before it knows what it is (`flatten`, enums that are untagged or tagged inside) they are not told from bytes: do not put
//! them there.

mod de;
mod ser;
mod terms;

use ::serde::Serialize;
use ::serde::de::{Deserialize, DeserializeOwned};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::{Limits, Term, TermError, TooLong};

/// Why a value is no term, or a term no such value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// What the type says of it.
    Message(String),
    /// The bytes are no term.
    Term(TermError),
    /// A part of the value has no room in the external term format.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::Term(error) => fmt::Display::fmt(error, f),
            Self::TooLong => fmt::Display::fmt(&TooLong, f),
        }
    }
}

impl core::error::Error for Error {}

impl ::serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }
}

impl ::serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }
}

/// The term of a value.
///
/// # Errors
/// A float that Erlang does not have, a name that is too long for an atom, a key twice in a map, or what the value itself refuses.
pub fn to_term<T: Serialize + ?Sized>(value: &T) -> Result<Term, Error> {
    value.serialize(ser::Serializer)
}

/// The value of a term. Texts and bytes may be borrowed from it.
///
/// # Errors
/// The term is not of the form that the type has.
pub fn from_term<'de, T: Deserialize<'de>>(term: &'de Term) -> Result<T, Error> {
    T::deserialize(de::Deserializer(term))
}

/// A value in the external term format, with version byte.
///
/// # Errors
/// Those of [`to_term`], and [`Error::TooLong`].
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    to_term(value)?.encode(&mut out).map_err(|TooLong| Error::TooLong)?;
    Ok(out)
}

/// The value of the term that these bytes begin with, behind the version byte.
///
/// # Errors
/// Those of [`Term::decode`] and of [`from_term`].
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, Error> {
    from_term(&Term::decode(bytes, limits).map_err(Error::Term)?)
}

/// The name of a type that stands for a term as it is: its content is the term's bytes.
const TERM: &str = "$netkernel_core::term::Term";
