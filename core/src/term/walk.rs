//! Stepping over terms that nobody has to understand.

use super::{Reader, TermError};

/// The length in bytes of the one term, without version byte, that `bytes` begins with.
///
/// It is checked as a virtual machine checks it, but for two things that do not touch its length: a map may have a key
/// twice, and a record a field, which takes decoded keys to find, and the numbers of identifiers may be beyond what a virtual machine gives out,
/// where it takes them.
/// What is never sent between nodes is refused: compressed terms, references to an atom cache (none is agreed on), terms
/// for local use, and funs of before OTP 23.
///
/// Takes time in proportion to the bytes of the term and no memory, however deeply it is nested and whatever its counts
/// say.
///
/// # Errors
/// What is wrong with the term.
pub fn skip(bytes: &[u8]) -> Result<usize, TermError> {
    let mut reader = Reader::new(bytes);
    walk(&mut reader)?;
    Ok(bytes.len() - reader.remaining().len())
}

/// Moves the reader behind one term.
///
/// Terms are prefix code, so the number of terms still to come is all that has to be remembered.
//= docs/spec/channel.md#ch-term-walk
pub(super) fn walk(reader: &mut Reader<'_>) -> Result<(), TermError> {
    let mut left: u64 = 1;
    while left > 0 {
        #[cfg(test)]
        super::order::steps::take();
        left = left - 1 + reader.head()?.inside();
        // Every term has a byte at least, so a count beyond that is a lie.
        //= docs/spec/channel.md#ch-term-counts
        if left > reader.remaining().len() as u64 {
            return Err(TermError::Truncated);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::generate;
    use alloc::vec::Vec;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    //= docs/spec/term.md#term-decode-bits
    //= type=test
    #[test]
    fn counts_and_flags_are_checked() {
        let atom_of_256 = [&[0x76, 2, 0][..], "é".repeat(256).as_bytes()].concat();
        for (bytes, error) in [
            (&[][..], TermError::Truncated),
            (&atom_of_256, TermError::BadAtom),
            (&[0x77, 1, 0xE9], TermError::BadAtom),
            (&[0x64, 1, 0], TermError::Truncated),
            (&[0x4D, 0, 0, 0, 1, 0, 7], TermError::BadBits),
            (&[0x4D, 0, 0, 0, 1, 9, 7], TermError::BadBits),
            (&[0x4D, 0, 0, 0, 0, 1, 7], TermError::BadBits),
            (&[0x4D, 0, 0, 0, 0, 0], TermError::BadBits),
            (&[0x5A, 0, 0, 0x77, 0, 0, 0, 0, 1], TermError::BadReference),
            (&[0x5A, 0, 6, 0x77, 0, 0, 0, 0, 1], TermError::BadReference),
            (&[0x58, 0x61, 1], TermError::Unexpected(0x61)),
            (&[0x71, 0x77, 0, 0x77, 0, 0x62, 0xFF, 0xFF, 0xFF, 0xFF], TermError::IntegerRange),
            (&[0x71, 0x77, 0, 0x6A], TermError::Unexpected(0x6A)),
        ] {
            assert_eq!(skip(bytes), Err(error), "{bytes:02x?}");
        }
        let mut latin1_of_256 = alloc::vec![0x64, 1, 0];
        latin1_of_256.resize(300, b'a');
        assert_eq!(skip(&latin1_of_256), Err(TermError::BadAtom));
    }

    #[test]
    fn floats_are_finite() {
        let new = |float: f64| [&[0x46][..], &float.to_be_bytes()].concat();
        assert_eq!(skip(&new(-1.5)), Ok(9));
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(skip(&new(float)), Err(TermError::BadFloat));
        }
        let old = |text: &str| {
            let mut bytes = [&[0x63][..], text.as_bytes()].concat();
            bytes.resize(32, 0);
            bytes
        };
        assert_eq!(skip(&old("1.50000000000000000000e+00")), Ok(32));
        assert_eq!(skip(&old("1.5000000000000000000000000000")), Ok(32));
        let no_end = "1.50000000000000000000000000000";
        for text in ["", "inf", "NaN", "1.5x", "1e999", no_end] {
            assert_eq!(skip(&old(text)), Err(TermError::BadFloat), "{text}");
        }
    }

    //= docs/spec/channel.md#ch-term-refused
    //= type=test
    #[test]
    fn what_is_never_sent_is_refused() {
        for tag in [0x50, 0x75, 0x79, 0x83, 0x00, 0xFF] {
            let bytes = [&[tag][..], &[0; 64]].concat();
            assert_eq!(skip(&bytes), Err(TermError::Unexpected(tag)));
        }
        assert_eq!(skip(&[0x52, 0]), Err(TermError::UnknownAtom(0)));
    }

    //= docs/spec/channel.md#ch-term-counts
    //= type=test
    #[test]
    fn a_count_that_lies_fails_before_the_first_element_is_looked_at() {
        // 0xFF is no tag, and would be told if it were looked at.
        for (head, behind) in [(0x6C, &[][..]), (0x69, &[]), (0x74, &[]), (0x43, &[0])] {
            for count in [u32::MAX, 4] {
                let bytes =
                    [&[head], &count.to_be_bytes()[..], behind, &[0xFF, 0xFF, 0xFF]].concat();
                assert_eq!(skip(&bytes), Err(TermError::Truncated), "{bytes:02x?}");
            }
        }
        assert_eq!(skip(&[0x68, 4, 0xFF, 0xFF, 0xFF]), Err(TermError::Truncated));
        for head in [0x6D, 0x6F] {
            assert_eq!(skip(&[head, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0]), Err(TermError::Truncated));
        }
        let fun = |variables: u32| {
            [&[0x70][..], &[0; 25], &variables.to_be_bytes(), &[0xFF; 300]].concat()
        };
        assert_eq!(skip(&fun(256)), Err(TermError::TooManyVariables));
        assert_eq!(skip(&fun(255)), Err(TermError::Unexpected(0xFF)), "the module is no atom");
    }

    //= docs/spec/channel.md#ch-term-walk
    //= type=test
    #[test]
    fn nesting_costs_nothing() {
        let depth = 1_000_000;
        let tuples = [[0x68, 1].repeat(depth), Vec::from([0x6A])].concat();
        assert_eq!(skip(&tuples), Ok(2 * depth + 1));
        let tails = [[0x6C, 0, 0, 0, 0].repeat(depth), Vec::from([0x6A])].concat();
        assert_eq!(skip(&tails), Ok(5 * depth + 1));
    }

    //= docs/spec/channel.md#ch-term-fun-size
    //= type=test
    #[test]
    fn the_size_of_a_fun_is_not_relied_on() {
        let rest = [&[0; 25][..], &[0x77, 0, 0x61, 0, 0x61, 0, 0x58, 0x77, 0], &[0; 12]].concat();
        for size in [0, 1000, u32::MAX] {
            let fun = [&[0x70][..], &size.to_be_bytes(), &rest].concat();
            assert_eq!(skip(&fun), Ok(fun.len()));
        }
    }

    proptest! {
        //= docs/spec/channel.md#ch-term-walk
        //= type=test
        #[test]
        fn the_length_of_any_term_is_exact(
            term in generate::term(),
            behind in many(any::<u8>(), 0..8),
        ) {
            prop_assert_eq!(skip(&[&term[..], &behind].concat()), Ok(term.len()));
        }

        #[test]
        fn every_strict_prefix_of_a_term_is_truncated(term in generate::term()) {
            for len in 0..term.len() {
                prop_assert_eq!(skip(&term[..len]), Err(TermError::Truncated), "{} bytes", len);
            }
        }

        #[test]
        fn any_bytes_give_a_length_within_them_or_an_error(
            bytes in many(prop_oneof![any::<u8>(), 0x58..0x7A_u8, 0..3_u8], 0..200),
        ) {
            if let Ok(len) = skip(&bytes) {
                prop_assert_eq!(skip(&bytes[..len]), Ok(len));
            }
        }
    }
}
