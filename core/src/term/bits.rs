//! Bit strings.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// A bit string that is not made of whole bytes; those are [`Term::Binary`](super::Term::Binary).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitString {
    /// At least one. The bits of the last that do not count are zero.
    bytes: Box<[u8]>,
    /// 1 to 7.
    last_bits: u8,
}

impl BitString {
    /// The bits of these bytes, of the last only the highest `last_bits`. `None` unless there is a byte and `last_bits` is 1 to 7.
    #[must_use]
    pub fn new(mut bytes: Vec<u8>, last_bits: u8) -> Option<Self> {
        let last = bytes.last_mut()?;
        if !(1..=7).contains(&last_bits) {
            return None;
        }
        *last &= 0xFF << (8 - last_bits);
        Some(Self { bytes: bytes.into(), last_bits })
    }

    /// Its bytes. The bits of the last that do not count are zero.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bits of the last byte count, from the highest on: 1 to 7.
    #[must_use]
    pub const fn last_bits(&self) -> u8 {
        self.last_bits
    }
}

made_of!(BitString, (u8, crate::any::Raw, u8), |(first, crate::any::Raw(mut bytes), bits)| {
    bytes.push(first);
    BitString::new(bytes, bits % 7 + 1).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_that_do_not_count_do_not_tell_strings_apart() {
        let bits = BitString::new(alloc::vec![1, 0xFF], 3).unwrap();
        assert_eq!((bits.as_bytes(), bits.last_bits()), (&[1, 0xE0][..], 3));
        assert_eq!(Some(bits), BitString::new(alloc::vec![1, 0xE0], 3));
        for (bytes, bits) in [(&[][..], 1), (&[1], 0), (&[1], 8)] {
            assert_eq!(BitString::new(bytes.to_vec(), bits), None);
        }
    }
}
