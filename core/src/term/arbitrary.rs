//! Terms out of a fuzzer's bytes.

use alloc::vec::Vec;
use arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::{Limits, Reader, Term, TermRef};

/// What the bytes decode to, so that every kind of term can come, and encoded terms are good seeds; if they decode to nothing, a binary
/// of them.
impl<'a> Arbitrary<'a> for Term {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let bytes: Vec<u8> = u.arbitrary()?;
        let read = Reader::new(&bytes).term(&Limits::default());
        Ok(read.unwrap_or_else(|_| Self::Binary(bytes.into())))
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        Vec::<u8>::size_hint(depth)
    }
}

/// What the bytes are, if they are a term, and `[]` else.
impl<'a> Arbitrary<'a> for TermRef<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let bytes: &'a [u8] = u.arbitrary()?;
        let limits = Limits::default();
        let read = Reader::new(bytes).term_ref(&limits);
        read.or_else(|_| Reader::new(b"\x6A").term_ref(&limits)).map_err(|_| Error::IncorrectFormat)
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        <&[u8]>::size_hint(depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The next term of a fuzzer that has these bytes.
    fn term_of(bytes: &[u8]) -> Result<Term> {
        Unstructured::new(bytes).arbitrary()
    }

    fn encoded(term: &Term) -> Vec<u8> {
        let mut out = Vec::new();
        term.encode(&mut out).unwrap();
        out
    }

    /// The bytes of a collection, as a fuzzer has to give them: each behind a true, and a false behind the last.
    fn as_input(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().flat_map(|byte| [1, *byte]).chain([0]).collect()
    }

    proptest! {
        //= docs/spec/term.md#term-encode
        //= type=test
        #[test]
        fn an_encoded_term_is_the_term_that_comes(term: Term) {
            let encoded = encoded(&term);
            prop_assert_eq!(term_of(&as_input(&encoded[1..])), Ok(term.clone()));
            prop_assert_eq!(Term::decode(&encoded, &Limits::default()), Ok(term));
        }

        //= docs/spec/term.md#term-limits
        //= type=test
        #[test]
        fn what_comes_of_any_bytes_is_within_the_limits_and_encodes_to_itself(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            kind in proptest::sample::select(&b"\x61\x62\x66\x68\x6A\x6B\x6C\x6D\x6E\x74\x77"[..]),
        ) {
            for input in [bytes.clone(), as_input(&bytes), as_input(&[&[kind], &bytes[..]].concat())] {
                let term = term_of(&input).unwrap();
                prop_assert_eq!(Term::decode(&encoded(&term), &Limits::default()), Ok(term));
            }
        }
    }

    //= docs/spec/term.md#term-limits
    //= type=test
    #[test]
    fn too_few_bytes_and_too_deep_a_term_are_binaries() {
        let is_binary = |bytes: &[u8]| matches!(term_of(bytes), Ok(Term::Binary(_)));
        for bytes in [&b""[..], b"\0", b"\x01", b"\x01\x62\0", b"\x01\x6C\x01\xFF\x01\xFF"] {
            assert!(is_binary(bytes), "{bytes:02x?}");
        }
        let tuples = |depth| [&[0x68, 1].repeat(depth)[..], &[0x6A]].concat();
        let limit = Limits::default().depth;
        assert!(!is_binary(&as_input(&tuples(limit - 1))));
        assert!(is_binary(&as_input(&tuples(limit))));
    }
}
