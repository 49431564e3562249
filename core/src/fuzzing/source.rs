//! Decisions and data out of the fuzzer's bytes.

/// Reads the input from its front. At the end it answers zeros, so that every input means something.
///
/// Written for fuzzers that change single bytes: each decision takes one byte, and data keep their place and value.
#[derive(Clone, Debug)]
pub(super) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// True for odd bytes.
    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of 0..n, where `n` is at most 256.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    /// One of these, if there are any.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let at = self.below(choices.len());
        choices.get(at).copied()
    }

    /// The next `n` bytes, or as many as are left.
    pub(super) fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// At most 255 bytes, with their number in front.
    pub(super) fn data(&mut self) -> &'a [u8] {
        let n = self.byte();
        self.take(n.into())
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }
}

/// Cuts `data` into pieces of the lengths that `cuts` says, over and over; without cuts it stays whole.
pub(super) fn pieces<'a>(data: &'a [u8], cuts: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let whole = if cuts.is_empty() { data.len() } else { 0 };
    let mut lengths = cuts.iter().copied().cycle();
    let mut rest = data;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = lengths.next().map_or(whole, |cut| usize::from(cut).max(1));
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        Some(piece)
    })
}
