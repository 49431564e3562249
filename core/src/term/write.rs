//! Appending terms, in the encoding that Erlang nodes use between each other.

use alloc::vec::Vec;

use super::{Atom, Pid, Reference, Term, TooLong, encode, tag};

/// The version byte that every complete external term begins with.
#[inline]
pub fn version(out: &mut Vec<u8>) {
    out.push(tag::VERSION);
}

/// An atom.
#[inline]
pub fn atom(out: &mut Vec<u8>, atom: &Atom) {
    literal(out, atom);
}

/// An atom whose text is known to be short enough.
#[inline]
pub(crate) fn literal(out: &mut Vec<u8>, text: &str) {
    if let Ok(len) = u8::try_from(text.len()) {
        out.extend_from_slice(&[tag::SMALL_ATOM_UTF8, len]);
    } else {
        // 255 code points have at most 1020 bytes.
        out.push(tag::ATOM_UTF8);
        out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    }
    out.extend_from_slice(text.as_bytes());
}

/// A pid.
#[inline]
pub fn pid(out: &mut Vec<u8>, pid: &Pid) {
    out.push(tag::NEW_PID);
    atom(out, &pid.node);
    let mut words = [0; 12];
    for (place, word) in words.chunks_exact_mut(4).zip([pid.id, pid.serial, pid.creation.0]) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&words);
}

/// A reference.
pub fn reference(out: &mut Vec<u8>, reference: &Reference) {
    let words = reference.words();
    out.extend_from_slice(&[tag::NEWER_REFERENCE, 0, words.len() as u8]);
    atom(out, reference.node());
    for word in core::iter::once(&reference.creation().0).chain(words) {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// A term of any kind.
///
/// # Errors
/// [`TooLong`]. A part of the term may have been appended then.
pub fn term(out: &mut Vec<u8>, term: &Term) -> Result<(), TooLong> {
    encode::term(out, term)
}

/// The header of a tuple: `arity` terms must follow.
#[inline]
pub fn tuple(out: &mut Vec<u8>, arity: u8) {
    out.extend_from_slice(&[tag::SMALL_TUPLE, arity]);
}

/// The header of a list that is not empty: `len` terms must follow, and then the tail.
pub fn list(out: &mut Vec<u8>, len: u32) {
    let [a, b, c, d] = len.to_be_bytes();
    out.extend_from_slice(&[tag::LIST, a, b, c, d]);
}

/// The empty list: the tail of most lists.
pub fn nil(out: &mut Vec<u8>) {
    out.push(tag::NIL);
}

/// An integer.
#[inline]
pub fn integer(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = i32::try_from(value) {
        small(out, value);
    } else {
        big(out, value < 0, value.unsigned_abs());
    }
}

/// An integer that is not negative.
pub fn unsigned(out: &mut Vec<u8>, value: u64) {
    if let Ok(value) = i32::try_from(value) {
        small(out, value);
    } else {
        big(out, false, value);
    }
}

#[inline]
fn small(out: &mut Vec<u8>, value: i32) {
    if let Ok(value) = u8::try_from(value) {
        out.extend_from_slice(&[tag::SMALL_INTEGER, value]);
    } else {
        let [a, b, c, d] = value.to_be_bytes();
        out.extend_from_slice(&[tag::INTEGER, a, b, c, d]);
    }
}

fn big(out: &mut Vec<u8>, negative: bool, magnitude: u64) {
    let len = 8 - magnitude.leading_zeros() as usize / 8;
    out.extend_from_slice(&[tag::SMALL_BIG, len as u8, negative.into()]);
    out.extend_from_slice(&magnitude.to_le_bytes()[..len]);
}
