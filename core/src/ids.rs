//! Ids minted by the core. None is ever used twice by one machine, so a late event that carries an old one is ignored.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
        pub struct $name(u64);

        impl $name {
            /// The id as a number, for logs and for maps of the embedder's own.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl Mint for $name {
            fn from_number(number: u64) -> Self {
                Self(number)
            }
        }
    };
}

id! {
    /// One byte stream: a connection to or from a peer, or a conversation with EPMD.
    StreamId, "stream#"
}
id! {
    /// One attempt to have a link with a node, and the link that comes of it.
    LinkId, "link#"
}
id! {
    /// One call that is answered later by [`Output::Answer`](crate::net_kernel::Output::Answer).
    RequestId, "request#"
}
id! {
    /// One local mailbox.
    MailboxId, "mailbox#"
}
id! {
    /// One ping of another node, answered by [`Deliver::pong`](crate::process::Deliver::pong).
    PingId, "ping#"
}

impl LinkId {
    /// Erlang's `connection_id`: 24 bits, unique only together with the name of the node.
    #[must_use]
    pub const fn connection_id(self) -> u32 {
        (self.0 & 0xFF_FFFF) as u32
    }
}

/// How [`Minter`] makes an id out of its counter.
pub(crate) trait Mint {
    fn from_number(number: u64) -> Self;
}

/// Counts up from one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Minter(u64);

impl Minter {
    pub(crate) fn mint<I: Mint>(&mut self) -> I {
        self.0 += 1;
        I::from_number(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_and_connection_id_keeps_24_bits() {
        let mut minter = Minter::default();
        let (first, second): (LinkId, LinkId) = (minter.mint(), minter.mint());
        assert!(first < second);
        assert_eq!(LinkId::from_number(0x0123_4567).connection_id(), 0x23_4567);
    }
}
