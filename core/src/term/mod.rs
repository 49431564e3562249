//! The external term format.

mod atom;

pub use atom::{ATOM_MAX_CHARS, Atom, AtomTooLong};
