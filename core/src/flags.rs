//! Distribution flags: what a node can do, and what two nodes agree on.

use core::fmt;
use core::ops::{BitAnd, BitOr};

/// A set of distribution flags.
///
/// Bit values are those of OTP's `dist.hrl`. The public protocol guide prints bit 36 for `MANDATORY_25_DIGEST`; real
/// nodes use bit 26, and bit 36 is one that never leaves a virtual machine.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Flags(u64);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl Flags {
            $($(#[$doc])* pub const $name: Self = Self($value);)*
        }

        /// Every flag that has a name, in the order of the bits.
        const NAMED: &[(&str, Flags)] = &[$((stringify!($name), Flags::$name)),*];
    };
}

//= docs/spec/handshake.md#hs-flags-values
flags! {
    /// The node wants to be visible.
    PUBLISHED = 0x1;
    /// Obsolete.
    ATOM_CACHE = 0x2;
    /// References of several words.
    EXTENDED_REFERENCES = 0x4;
    /// Process monitors, together with [`Flags::DIST_MONITOR_NAME`].
    DIST_MONITOR = 0x8;
    /// Funs in their own tag.
    FUN_TAGS = 0x10;
    /// Monitors by registered name, together with [`Flags::DIST_MONITOR`].
    DIST_MONITOR_NAME = 0x20;
    /// Obsolete.
    HIDDEN_ATOM_CACHE = 0x40;
    /// Funs with module, arity and unique value.
    NEW_FUN_TAGS = 0x80;
    /// Pids and ports of more bits.
    EXTENDED_PIDS_PORTS = 0x100;
    /// External funs.
    EXPORT_PTR_TAG = 0x200;
    /// Bit strings.
    BIT_BINARIES = 0x400;
    /// IEEE floats.
    NEW_FLOATS = 0x800;
    /// Unicode in the io protocol.
    UNICODE_IO = 0x1000;
    /// Distribution header with an atom cache.
    DIST_HDR_ATOM_CACHE = 0x2000;
    /// Atoms with a one-byte length.
    SMALL_ATOM_TAGS = 0x4000;
    /// Atoms in UTF-8.
    UTF8_ATOMS = 0x1_0000;
    /// Maps.
    MAP_TAG = 0x2_0000;
    /// Creations of 32 bits.
    BIG_CREATION = 0x4_0000;
    /// Messages name their sender.
    SEND_SENDER = 0x8_0000;
    /// Any term as a trace label.
    BIG_SEQTRACE_LABELS = 0x10_0000;
    /// Exit reasons travel as payload.
    EXIT_PAYLOAD = 0x40_0000;
    /// Large messages come in fragments; changes the framing.
    FRAGMENTS = 0x80_0000;
    /// The handshake of OTP 23 (version 6).
    HANDSHAKE_23 = 0x100_0000;
    /// Unlinks have an id and an acknowledgement.
    UNLINK_ID = 0x200_0000;
    /// Stands for all of [`Flags::MANDATORY_25`].
    MANDATORY_25_DIGEST = 0x400_0000;
    /// Spawn requests.
    SPAWN = 1 << 32;
    /// The initiator asks for a name. A request, not a capability.
    NAME_ME = 1 << 33;
    /// Node containers of 32-bit creations everywhere.
    V4_NC = 1 << 34;
    /// Process aliases.
    ALIAS = 1 << 35;
    /// Signals with extra attributes (OTP 28).
    ALTACT_SIG = 1 << 37;
    /// Native records (OTP 29).
    NATIVE_RECORDS = 1 << 38;
}

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// What OTP 25 demands of a peer.
    pub const MANDATORY_25: Self = Self(
        Self::EXTENDED_REFERENCES.0
            | Self::FUN_TAGS.0
            | Self::NEW_FUN_TAGS.0
            | Self::EXTENDED_PIDS_PORTS.0
            | Self::EXPORT_PTR_TAG.0
            | Self::BIT_BINARIES.0
            | Self::NEW_FLOATS.0
            | Self::UTF8_ATOMS.0
            | Self::MAP_TAG.0
            | Self::BIG_CREATION.0
            | Self::HANDSHAKE_23.0,
    );

    //= docs/spec/handshake.md#hs-flags-mandatory
    /// What OTP 26 and later demand of a peer, and so do we.
    pub const MANDATORY_26: Self = Self(Self::MANDATORY_25.0 | Self::V4_NC.0 | Self::UNLINK_ID.0);

    /// Monitors of processes: none without both flags.
    pub const MONITORS: Self = Self(Self::DIST_MONITOR.0 | Self::DIST_MONITOR_NAME.0);

    /// Either of these puts a header in front of every message, and no byte that is not looked at.
    pub const DIST_HEADER: Self = Self(Self::DIST_HDR_ATOM_CACHE.0 | Self::FRAGMENTS.0);

    /// What this version of netkernel serves, and so offers: nothing more, so that no peer waits for an answer that
    /// never comes. `PUBLISHED` and `NAME_ME` are added for each attempt.
    pub const SERVED: Self = Self(
        Self::MANDATORY_26.0
            | Self::MANDATORY_25_DIGEST.0
            | Self::DIST_MONITOR.0
            | Self::DIST_MONITOR_NAME.0
            | Self::UNICODE_IO.0
            | Self::DIST_HDR_ATOM_CACHE.0
            | Self::FRAGMENTS.0
            | Self::SMALL_ATOM_TAGS.0
            | Self::SEND_SENDER.0
            | Self::BIG_SEQTRACE_LABELS.0
            | Self::EXIT_PAYLOAD.0
            | Self::SPAWN.0
            | Self::ALIAS.0
            | Self::ALTACT_SIG.0
            | Self::NATIVE_RECORDS.0,
    );

    /// The set with exactly these bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits, as they go on the wire.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether messages have a header on a link on which these flags were agreed.
    #[must_use]
    pub const fn has_dist_header(self) -> bool {
        self.0 & Self::DIST_HEADER.0 != 0
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The lower 32 bits: all that a version 5 `send_name` can carry.
    #[must_use]
    pub const fn low(self) -> Self {
        Self(self.0 & 0xFFFF_FFFF)
    }

    //= docs/spec/handshake.md#hs-flags-digest
    /// The set with [`Flags::MANDATORY_25`] added if the digest flag stands for them.
    #[must_use]
    pub const fn expand(self) -> Self {
        if self.contains(Self::MANDATORY_25_DIGEST) {
            Self(self.0 | Self::MANDATORY_25.0)
        } else {
            self
        }
    }

    /// Those of `mandatory` that this set lacks.
    #[must_use]
    pub const fn missing(self, mandatory: Self) -> Self {
        mandatory.without(self)
    }

    //= docs/spec/handshake.md#hs-flags-agreed
    /// What a link can use: flags that both sides offered, the peer's expanded.
    #[must_use]
    pub const fn agree(self, peer: Self) -> Self {
        Self(self.0 & peer.expand().0)
    }

    /// The names of the flags in this set, lowest bit first. Bits without a name are left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMED.iter().filter(move |(_, flag)| self.contains(*flag)).map(|(name, _)| *name)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#x})", self.0)
    }
}

/// The names, separated by commas, then bits without a name in hexadecimal.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut unnamed = *self;
        for (name, flag) in NAMED.iter().filter(|(_, flag)| self.contains(*flag)) {
            write!(f, "{separator}{name}")?;
            separator = ", ";
            unnamed = unnamed.without(*flag);
        }
        if unnamed != Self::NONE {
            write!(f, "{separator}{:#x}", unnamed.0)?;
        }
        Ok(())
    }
}

/// Whether a link is visible: both nodes must have wished it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum NodeType {
    /// Both sides sent `PUBLISHED`; `nodes()` shows it.
    Visible,
    /// One side did not; only `nodes(hidden)` and `nodes(connected)` show it.
    Hidden,
}

impl NodeType {
    //= docs/spec/handshake.md#hs-visible
    /// The type of a link on which these flags were agreed.
    #[must_use]
    pub const fn of(agreed: Flags) -> Self {
        if agreed.contains(Flags::PUBLISHED) { Self::Visible } else { Self::Hidden }
    }
}

/// Erlang's atom for it.
impl fmt::Display for NodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Visible => "visible",
            Self::Hidden => "hidden",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    //= docs/spec/handshake.md#hs-flags-values
    //= type=test
    //= docs/spec/handshake.md#hs-flags-mandatory
    //= type=test
    #[test]
    fn the_sets_have_the_values_seen_on_the_wire() {
        assert_eq!(Flags::MANDATORY_25.bits(), 0x107_0F94);
        assert_eq!(Flags::MANDATORY_26.bits(), 0x4_0307_0F94);
        assert_eq!(Flags::MANDATORY_25_DIGEST.bits(), 1 << 26);
        let otp27 = Flags::from_bits(0xD_07DF_7FBC);
        assert!(otp27.contains(Flags::MANDATORY_26));
        assert!(
            !otp27.to_string().contains("0x"),
            "every bit of OTP's default set has a name: {otp27}"
        );
        assert!(!Flags::from_bits(0x6D_07DF_7FBC).to_string().contains("0x"));
    }

    #[test]
    fn names_are_unique_single_bits_in_order() {
        assert!(NAMED.iter().all(|(_, flag)| flag.bits().is_power_of_two()));
        assert!(NAMED.is_sorted_by(|a, b| a.1.bits() < b.1.bits()));
    }

    //= docs/spec/handshake.md#hs-flags-digest
    //= type=test
    #[test]
    fn the_digest_flag_stands_for_the_mandatory_flags_of_25() {
        let smallest = Flags::from_bits(0x4_0600_0000);
        assert_eq!(smallest.missing(Flags::MANDATORY_26), Flags::MANDATORY_25);
        assert_eq!(smallest.expand().missing(Flags::MANDATORY_26), Flags::NONE);
        assert!(
            Flags::SERVED.agree(smallest).contains(Flags::MANDATORY_25),
            "expanded before the intersection"
        );
    }

    #[test]
    fn missing_flags_are_told_by_name() {
        let missing = Flags::from_bits(0x1_0104).expand().missing(Flags::MANDATORY_25);
        let names: Vec<_> = missing.names().collect();
        assert_eq!(names[..3], ["FUN_TAGS", "NEW_FUN_TAGS", "EXPORT_PTR_TAG"]);
        assert_eq!(
            (Flags::V4_NC | Flags::from_bits(1 << 60)).to_string(),
            "V4_NC, 0x1000000000000000"
        );
    }

    //= docs/spec/handshake.md#hs-visible
    //= type=test
    #[test]
    fn visible_needs_both() {
        let visible = Flags::SERVED | Flags::PUBLISHED;
        assert_eq!(NodeType::of(visible.agree(visible)), NodeType::Visible);
        assert_eq!(NodeType::of(visible.agree(Flags::SERVED)), NodeType::Hidden);
        assert_eq!(NodeType::of(Flags::SERVED.agree(visible)), NodeType::Hidden);
    }
}
