//! Terms out of a fuzzer's bytes.

use alloc::vec::Vec;
use arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::{Limits, Reader, Term};

/// What the bytes decode to, so that every kind of term can come, and encoded terms are good seeds.
impl<'a> Arbitrary<'a> for Term {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let bytes: Vec<u8> = u.arbitrary()?;
        Reader::new(&bytes).term(&Limits::default()).map_err(|_| Error::IncorrectFormat)
    }
}
