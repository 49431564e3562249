//! Randomness travels in the inputs that need it; the core has no generator.

use core::fmt;

/// Sixteen bytes from the operating system's cryptographic random generator.
///
/// The core takes challenges, creations and generated names out of them. In a simulation they come from a seed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Entropy([u8; 16]);

impl Entropy {
    /// Wraps sixteen random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The word used for a challenge.
    pub(crate) const fn challenge(self) -> u32 {
        let b = self.0;
        u32::from_be_bytes([b[0], b[1], b[2], b[3]])
    }

    /// The word used for a creation.
    pub(crate) const fn creation(self) -> u32 {
        let b = self.0;
        u32::from_be_bytes([b[4], b[5], b[6], b[7]])
    }

    /// The number used for a generated node name.
    pub(crate) const fn name(self) -> u64 {
        let b = self.0;
        u64::from_be_bytes([b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]])
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}
