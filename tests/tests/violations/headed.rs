//! Frames with headers and fragments, and what becomes of the link that they come by.

use super::raw;
use crate::Fate::{self, Kept, Killed};

/// Frames as they are where headers and fragments were agreed on, with a control message and its payload, and what becomes of the link:
/// nothing where they must not be sent to a node of Erlang, which reads memory that is not the message's.
pub(crate) type Headed = (&'static str, fn(&[u8]) -> Vec<u8>, Option<Fate>, Fate);

/// A whole message: the list of atoms from its count on, and the terms.
fn whole(list: &[u8], terms: &[u8]) -> Vec<u8> {
    raw(&[b"\x83\x44", list, terms].concat())
}

/// The first fragment of a message.
fn first(sequence: u64, number: u64, data: &[u8]) -> Vec<u8> {
    let place = [sequence.to_be_bytes(), number.to_be_bytes()].concat();
    raw(&[b"\x83\x45", &place[..], b"\0", data].concat())
}

/// Another fragment of it.
fn next(sequence: u64, number: u64, data: &[u8]) -> Vec<u8> {
    let place = [sequence.to_be_bytes(), number.to_be_bytes()].concat();
    raw(&[b"\x83\x46", &place[..], data].concat())
}

const fn both(name: &'static str, frames: fn(&[u8]) -> Vec<u8>, fate: Fate) -> Headed {
    (name, frames, Some(fate), fate)
}

pub(crate) const HEADED: &[Headed] = &[
    both("a whole message", |m| whole(b"\0", m), Kept),
    both("a new atom that nothing refers to", |m| whole(b"\x01\x08\x07\x01a", m), Kept),
    both(
        "a new atom, and an old one",
        |m| [whole(b"\x01\x08\x07\x01a", m), whole(b"\x01\0\x07", m)].concat(),
        Kept,
    ),
    both("a list of atoms that is cut off", |_| whole(b"\x09", b""), Killed),
    both("an atom that is cut off", |_| whole(b"\x01\x08\x07\xC8a", b""), Killed),
    both("an empty slot", |m| whole(b"\x01\0\x07", m), Killed),
    both("no such kind", |m| raw(&[b"\x83\x43\0", m].concat()), Killed),
    both("no header", |m| raw(&[b"p\x83", m].concat()), Killed),
    both("no terms", |_| whole(b"\0", b""), Killed),
    both("the place of a fragment that is cut off", |_| raw(b"\x83\x46\0\0\0"), Killed),
    both("a message in one fragment", |m| first(7, 1, m), Kept),
    both(
        "a message in three fragments",
        |m| [first(7, 3, m), next(7, 2, b"\xFF"), next(7, 1, b"\xFF")].concat(),
        Kept,
    ),
    both("a message that does not end", |m| first(7, 3, m), Kept),
    both("a fragment is missing", |m| [first(7, 3, m), next(7, 1, b"x")].concat(), Killed),
    both(
        "a fragment comes twice",
        |m| [first(7, 4, m), next(7, 3, b"x"), next(7, 3, b"x")].concat(),
        Killed,
    ),
    both("the first comes twice", |m| [first(7, 3, m), first(7, 3, m)].concat(), Killed),
    both(
        "a sequence is used again for another while it is under way",
        |m| [first(7, 3, m), first(7, 2, m)].concat(),
        Killed,
    ),
    both(
        "a sequence is used again behind its end",
        |m| [first(7, 2, m), next(7, 1, b""), first(7, 2, m), next(7, 1, b"")].concat(),
        Kept,
    ),
    both("no first one", |_| next(7, 1, b"x"), Killed),
    both("more behind the last", |m| [first(7, 1, m), next(7, 1, b"x")].concat(), Killed),
    // Not every node of Erlang survives it.
    (
        "the number 0 behind the first",
        |m| [first(7, 2, m), next(7, 0, b"x")].concat(),
        None,
        Killed,
    ),
    ("the number 0", |m| first(7, 0, m), None, Killed),
    ("several fragments of sequence 0", |m| first(0, 2, m), None, Killed),
];
