//! The external term format, and terms.
//!
//! Three ways lead from bytes to terms. [`Term`] is the owned tree, for who has to look at any term; it is printed, parsed, compared and
//! encoded. [`TermRef`] is a term that stays in its bytes: nothing is copied, and its parts are found when they are asked for. A
//! [`Reader`] goes through bytes once, from the front to the end: it takes the pieces that somebody understands, or one
//! [`Head`] after another, which is the fastest way to see all of a term. [`skip`] steps over a term, and [`write`](mod@write)
//! appends pieces: the channel lives by these, and keeps messages as bytes.
//!
//! A term behind a distribution header has numbers in place of atoms. Whoever has the header's atoms gives them to
//! [`Reader::with_atoms`]; [`Reader::expand`] copies a term so that it can be read without them.
//!
//! Refused is what is never sent between nodes: compressed terms (`term_to_binary/2` with `compressed` makes them, and the virtual machine does
//! not take them on a channel, either), terms for local use, and funs of before OTP 23.

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod atom;
mod bits;
mod borrowed;
mod check;
mod compare;
mod convert;
mod decode;
mod display;
mod encode;
#[cfg(any(test, feature = "arbitrary", feature = "proptest"))]
mod encoded;
mod error;
mod expand;
mod float;
mod fun;
#[cfg(any(test, feature = "proptest"))]
pub mod generate;
mod head;
mod id;
mod integer;
mod limits;
mod list;
mod map;
mod order;
mod parse;
mod read;
mod record;
#[cfg(feature = "serde")]
pub mod serde;
mod tag;
mod term_ref;
mod text;
mod tree;
mod walk;
pub mod write;

pub use atom::{ATOM_MAX_CHARS, Atom, AtomTooLong};
pub use bits::BitString;
pub use borrowed::{
    AtomRef, BitStringRef, ExportRef, FunRef, IntegerRef, PidRef, PortRef, ReferenceRef,
};
pub use convert::WrongKind;
pub use encode::TooLong;
#[cfg(any(test, feature = "arbitrary", feature = "proptest"))]
pub(crate) use encoded::{Encoded, Message};
pub use error::TermError;
pub use float::Float;
pub use fun::{Export, Fun};
pub use head::Head;
pub use id::{Pid, Port, REFERENCE_MAX_WORDS, Reference};
pub use integer::Integer;
pub use limits::Limits;
pub use list::List;
pub use map::Map;
pub use parse::{ParseError, ParseErrorKind};
pub use read::Reader;
pub use record::{Record, RecordRef};
pub use term_ref::{Elements, Fields, Pairs, TermRef};
pub(crate) use text::{is_blank, is_character};
pub use tree::Term;
pub use walk::skip;
