//! Copying terms out of the reach of their distribution header.

use alloc::vec::Vec;

use super::head::Head;
use super::{AtomRef, Reader, TermError, tag, write};

impl Reader<'_> {
    /// Appends one term of any kind, with its atoms in place of the numbers that stand for them, so that it can be read without
    /// [`atoms`](Self::atoms). The rest is copied as it is.
    ///
    /// Takes time in proportion to what is read and appended, and no memory beside. A reference to an atom has two bytes, and an atom
    /// up to 1023: who bounds memory bounds what comes out.
    ///
    /// # Errors
    /// What is wrong with the term, or [`TermError::TooLong`] if it becomes longer than `max_len`. A part of it may have been appended then.
    //= docs/spec/term.md#term-atom-cache
    pub fn expand(&mut self, out: &mut Vec<u8>, max_len: usize) -> Result<(), TermError> {
        self.copy_with(out, max_len, &mut atom)
    }

    /// The same, with something else to do with each atom.
    pub(crate) fn copy_with(
        &mut self,
        out: &mut Vec<u8>,
        max_len: usize,
        atom: &mut impl FnMut(&mut Vec<u8>, AtomRef<'_>),
    ) -> Result<(), TermError> {
        let begin = out.len();
        let mut left: u64 = 1;
        while left > 0 {
            let bytes = self.remaining();
            let head = self.head()?;
            let bytes = &bytes[..bytes.len() - self.remaining().len()];
            left = left - 1 + head.inside();
            if left > self.remaining().len() as u64 {
                return Err(TermError::Truncated);
            }
            append(
                out,
                head,
                Reader::with_atoms(bytes, self.atoms()),
                begin.saturating_add(max_len),
                atom,
            )?;
            if out.len() - begin > max_len {
                return Err(TermError::TooLong);
            }
        }
        Ok(())
    }
}

/// Appends the head of a term, if it ends before `end`: one that has any number of atoms is given up there. The reader has the bytes of it alone.
fn append(
    out: &mut Vec<u8>,
    head: Head<'_>,
    mut reader: Reader<'_>,
    end: usize,
    atom: &mut impl FnMut(&mut Vec<u8>, AtomRef<'_>),
) -> Result<(), TermError> {
    // How many bytes stand before the first atom.
    let before = match head {
        Head::Atom(_) => 0,
        Head::Pid(_) | Head::Port(_) | Head::Export(_) => 1,
        Head::Reference(_) if reader.remaining().first() == Some(&tag::REFERENCE) => 1,
        Head::Reference(_) => 3,
        Head::Fun(_) => 1 + 4 + 1 + 16 + 4 + 4,
        Head::Record(_) => 1 + 4 + 1,
        Head::Integer(_)
        | Head::Big(_)
        | Head::Float(_)
        | Head::Tuple(_)
        | Head::Map(_)
        | Head::Nil
        | Head::List(_)
        | Head::String(_)
        | Head::Binary(_)
        | Head::BitString(_) => {
            out.extend_from_slice(reader.remaining());
            return Ok(());
        }
    };
    out.extend_from_slice(reader.take(before)?);
    atom(out, reader.atom_ref()?);
    if let Head::Export(_) = head {
        atom(out, reader.atom_ref()?);
    } else if let Head::Fun(_) = head {
        // Two integers, and the tag of a pid.
        let between = reader.remaining();
        reader.integer()?;
        reader.integer()?;
        reader.u8()?;
        out.extend_from_slice(&between[..between.len() - reader.remaining().len()]);
        atom(out, reader.atom_ref()?);
    } else if let Head::Record(_) = head {
        while !reader.is_empty() {
            atom(out, reader.atom_ref()?);
            if out.len() > end {
                return Err(TermError::TooLong);
            }
        }
    }
    out.extend_from_slice(reader.remaining());
    Ok(())
}

fn atom(out: &mut Vec<u8>, atom: AtomRef<'_>) {
    match atom.as_str() {
        Some(text) => write::literal(out, text),
        None => write::literal(out, &atom.to_atom()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Atom, Limits, generate};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    //= docs/spec/term.md#term-atom-cache
    //= type=test
    #[test]
    fn numbers_of_atoms_become_atoms() {
        let atoms = ["a@b", "caf\u{E9}"].map(Atom::literal);
        for (bytes, expanded) in [
            (&b"\x52\x01"[..], &b"\x77\x05caf\xC3\xA9"[..]),
            (b"\x68\x02\x52\x00\x73\x01\xE9", b"\x68\x02\x77\x03a@b\x77\x02\xC3\xA9"),
            (
                b"\x58\x52\x00\0\0\0\x01\0\0\0\x02\0\0\0\x03",
                b"\x58\x77\x03a@b\0\0\0\x01\0\0\0\x02\0\0\0\x03",
            ),
            (
                b"\x5A\0\x01\x52\x00\0\0\0\x01\0\0\0\x02",
                b"\x5A\0\x01\x77\x03a@b\0\0\0\x01\0\0\0\x02",
            ),
            (b"\x65\x52\x00\0\0\0\x01\x02", b"\x65\x77\x03a@b\0\0\0\x01\x02"),
            (b"\x66\x52\x00\0\0\0\x01\x02", b"\x66\x77\x03a@b\0\0\0\x01\x02"),
            (
                b"\x43\0\0\0\x02\x01\x52\x00\x52\x00\x52\x01\x73\x01a\x52\x00\x6A",
                b"\x43\0\0\0\x02\x01\x77\x03a@b\x77\x03a@b\x77\x05caf\xC3\xA9\x77\x01a\x77\x03a@b\x6A",
            ),
            (b"\x71\x52\x00\x52\x01\x61\x05", b"\x71\x77\x03a@b\x77\x05caf\xC3\xA9\x61\x05"),
        ] {
            let mut out = Vec::new();
            let mut reader = Reader::with_atoms(bytes, &atoms);
            assert_eq!(reader.expand(&mut out, 100), Ok(()));
            assert_eq!(out, expanded);
            let limits = Limits::default();
            let (theirs, ours) =
                (Reader::with_atoms(bytes, &atoms).term(&limits), Reader::new(&out).term(&limits));
            assert!(theirs.is_ok() && theirs == ours, "{bytes:02x?}");
            assert!(Reader::new(bytes).raw().is_err(), "the header is missing");
            let short = Reader::with_atoms(bytes, &atoms).expand(&mut Vec::new(), out.len() - 1);
            assert_eq!(short, Err(TermError::TooLong));
        }
        assert_eq!(Reader::with_atoms(&[0x52, 2], &atoms).atom(), Err(TermError::UnknownAtom(2)));
    }

    //= docs/spec/term.md#term-atom-cache
    //= type=test
    #[test]
    fn the_names_of_a_record_take_no_more_memory_than_is_allowed() {
        let atoms = [Atom::new(&"\u{20AC}".repeat(255)).unwrap()];
        let count = 100_000_u32;
        let mut bytes = [&[tag::RECORD][..], &count.to_be_bytes(), &[0]].concat();
        bytes.extend([tag::ATOM_CACHE_REF, 0].repeat(count as usize + 2));
        bytes.resize(bytes.len() + count as usize, tag::NIL);
        let mut out = Vec::new();
        let result = Reader::with_atoms(&bytes, &atoms).expand(&mut out, 10_000);
        assert_eq!(result, Err(TermError::TooLong));
        assert!(out.len() < 12_000, "{}", out.len());
    }

    proptest! {
        #[test]
        fn any_term_becomes_the_same_term(bytes in generate::term()) {
            let mut out = Vec::new();
            Reader::new(&bytes).expand(&mut out, usize::MAX).unwrap();
            let limits = Limits::default();
            prop_assert_eq!(Reader::new(&out).term(&limits), Reader::new(&bytes).term(&limits));
        }
    }
}
