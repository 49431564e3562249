//! The external term format.
//!
//! Terms are not decoded into a tree. A [`Reader`] takes the pieces that somebody understands out of the bytes, [`skip`] steps
//! over the rest, and [`write`](mod@write) appends pieces.

mod atom;
mod error;
#[cfg(test)]
pub(crate) mod generate;
mod id;
mod read;
mod tag;
mod walk;
pub mod write;

pub use atom::{ATOM_MAX_CHARS, Atom, AtomTooLong};
pub use error::TermError;
pub use id::{Pid, REFERENCE_MAX_WORDS, Reference};
pub use read::Reader;
pub use walk::skip;
