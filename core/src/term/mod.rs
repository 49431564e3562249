//! The external term format, and terms.
//!
//! Two ways lead from bytes to terms. [`Term`] is the owned tree, for who has to look at any term; it is printed, parsed, compared and
//! encoded. A [`Reader`] takes the pieces that somebody understands out of the bytes, [`skip`] steps over the rest, and
//! [`write`](mod@write) appends pieces: the channel lives by these, and keeps messages as bytes.

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod atom;
mod bits;
mod decode;
mod display;
mod encode;
mod error;
mod float;
mod fun;
#[cfg(test)]
pub(crate) mod generate;
mod id;
mod integer;
mod limits;
mod list;
mod order;
mod parse;
mod read;
mod tag;
mod text;
mod tree;
mod walk;
pub mod write;

pub use atom::{ATOM_MAX_CHARS, Atom, AtomTooLong};
pub use bits::BitString;
pub use encode::TooLong;
pub use error::TermError;
pub use float::Float;
pub use fun::{Export, Fun};
pub use id::{Pid, Port, REFERENCE_MAX_WORDS, Reference};
pub use integer::Integer;
pub use limits::Limits;
pub use list::List;
pub use parse::{ParseError, ParseErrorKind};
pub use read::Reader;
pub use tree::Term;
pub use walk::skip;
