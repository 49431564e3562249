//! Names and extra fields out of a fuzzer's bytes.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::{EXTRA_MAX, Extra, NAME_MAX_CHARS, Name};

/// The longest piece that is one, before the first NUL; `n` if there is nothing.
impl<'a> Arbitrary<'a> for Name<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let text: &'a str = u.arbitrary()?;
        let text = text.split('\0').next().unwrap_or_default();
        let end = text.char_indices().nth(NAME_MAX_CHARS).map_or(text.len(), |(at, _)| at);
        Ok(Self(text.get(..end).filter(|text| !text.is_empty()).unwrap_or("n")))
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        <&str>::size_hint(depth)
    }
}

impl<'a> Arbitrary<'a> for Extra<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let bytes: &'a [u8] = u.arbitrary()?;
        Ok(Self(bytes.get(..EXTRA_MAX).unwrap_or(bytes)))
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        <&[u8]>::size_hint(depth)
    }
}
