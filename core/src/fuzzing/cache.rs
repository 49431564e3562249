//! A sending side with an atom cache, as an Erlang node has it.

use alloc::vec;
use alloc::vec::Vec;

use crate::term::{Atom, AtomRef, Reader, write};
use crate::wire::dist_header::CACHE_SLOTS;

/// The atom cache of a sender. This project's nodes have none: see decision 21.
#[derive(Clone, Debug)]
pub struct SendingCache {
    slots: Vec<Option<Atom>>,
}

impl SendingCache {
    /// A cache of so many slots: 1 to [`CACHE_SLOTS`].
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots: vec![None; slots.clamp(1, CACHE_SLOTS)] }
    }

    /// The list of atoms of a message of these terms, from its count on, and the terms with references to them.
    #[must_use]
    pub fn encode(&mut self, terms: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut atoms: Vec<(usize, Atom)> = Vec::new();
        let count = self.slots.len();
        let mut index = |atom: &Atom| {
            let slot = hash(atom) % count;
            if let Some(at) = atoms.iter().position(|(taken, _)| *taken == slot) {
                return atoms.get(at).filter(|(_, there)| there == atom).map(|_| at as u8);
            }
            let at = u8::try_from(atoms.len()).ok().filter(|at| *at < u8::MAX)?;
            atoms.push((slot, atom.clone()));
            Some(at)
        };
        let terms = terms.iter().map(|term| {
            let mut out = Vec::with_capacity(term.len());
            let mut refer = |out: &mut Vec<u8>, atom: AtomRef<'_>| {
                let atom = atom.to_atom();
                match index(&atom) {
                    Some(index) => out.extend_from_slice(&[82, index]),
                    None => write::atom(out, &atom),
                }
            };
            Reader::new(term).copy_with(&mut out, usize::MAX, &mut refer).unwrap();
            out
        });
        let terms = terms.collect();
        (self.list(&atoms), terms)
    }

    fn list(&mut self, atoms: &[(usize, Atom)]) -> Vec<u8> {
        let mut out = vec![atoms.len() as u8];
        if atoms.is_empty() {
            return out;
        }
        let long = atoms.iter().any(|(_, atom)| atom.len() > 255);
        let mut halves = Vec::new();
        let mut entries = Vec::new();
        for (slot, atom) in atoms {
            let place = self.slots.get_mut(*slot).unwrap();
            let new = place.as_ref() != Some(atom);
            halves.push((slot >> 8) as u8 | if new { 8 } else { 0 });
            entries.push(*slot as u8);
            if new {
                let length = (atom.len() as u16).to_be_bytes();
                entries.extend_from_slice(if long { &length } else { &length[1..] });
                entries.extend_from_slice(atom.as_bytes());
                *place = Some(atom.clone());
            }
        }
        halves.extend([u8::from(long), 0]);
        out.extend(halves.chunks_exact(2).map(|two| two[0] | two[1] << 4));
        out.extend(entries);
        out
    }
}

fn hash(atom: &Atom) -> usize {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    atom.bytes().fold(0x811C_9DC5, step) as usize
}
