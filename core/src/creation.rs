//! The creation of a node: which incarnation of a name this is.

/// A node's 32-bit creation. Identifiers carry it, so that those of an earlier incarnation are told apart.
///
/// Values below [`Creation::MIN`] are reserved: 0 is sent by a node that has no name yet, 1 to 3 are the creations of
/// nodes before OTP 23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Creation(pub u32);

impl Creation {
    /// What a node without a name sends in its `send_name`.
    pub const NONE: Self = Self(0);
    /// The smallest creation that a node of today takes for itself.
    pub const MIN: Self = Self(4);

    /// This creation, or [`Creation::MIN`] if it is a reserved one, as `erlang:setnode/2` does.
    #[must_use]
    pub fn usable(self) -> Self {
        self.max(Self::MIN)
    }

    /// The creation after this one; wraps around the reserved ones.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1)).usable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_creations_are_never_used() {
        assert_eq!(Creation(0).usable(), Creation(4));
        assert_eq!(Creation(3).usable(), Creation(4));
        assert_eq!(Creation(5).usable(), Creation(5));
        assert_eq!(Creation(u32::MAX).next(), Creation(4));
        assert_eq!(Creation(7).next(), Creation(8));
    }
}
