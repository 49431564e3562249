//! How large a term may be.

/// What a decoder or parser takes. Each count is checked before memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Limits {
    /// Terms inside terms, the outermost with them. A list is one, however many tails it was sent in. Each level takes stack
    /// in everything that walks a [`Term`](super::Term), dropping it included: up to 1 KiB, and without optimization 12 KiB.
    pub depth: usize,
    /// Bytes of the magnitude of one integer; eight and fewer are always taken. Printing and parsing an integer takes time with the square of them.
    pub integer_bytes: usize,
    /// Terms all in all. A term takes up to 48 bytes beside its own data on machines with 64 bits, and in
    /// lists that come in pieces up to twice that.
    pub terms: usize,
}

impl Limits {
    /// For what was checked before.
    pub(super) const NONE: Self =
        Self { depth: usize::MAX, integer_bytes: usize::MAX, terms: usize::MAX };
}

impl Default for Limits {
    /// 128 levels, integers of 16 KiB, 2^20 terms.
    fn default() -> Self {
        Self { depth: 128, integer_bytes: 16 << 10, terms: 1 << 20 }
    }
}
