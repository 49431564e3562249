//! What the layers and the host say to each other of a stream: why it could not be opened, why it ended, and what is known
//! of one that has become a link.

use bytes::Bytes;
use core::fmt;

use crate::creation::Creation;
use crate::flags::{Flags, NodeType};
use crate::ids::LinkId;
use crate::name::NodeName;
use crate::term::Term;

/// Why a stream or a listener could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum OpenError {
    /// The port or the address is taken (`eaddrinuse`).
    AddressInUse,
    /// The address is none of this host's (`eaddrnotavail`).
    AddressNotAvailable,
    /// The address is not of the node's [family](crate::Family) (`badarg`).
    BadAddress,
    /// The operating system does not allow it (`eacces`).
    Denied,
    /// Any other error of the operating system, by its number.
    Other(i32),
    /// Nobody listens there (`econnrefused`).
    Refused,
    /// The name of the host cannot be resolved (`nxdomain`).
    Resolve,
    /// No answer in the time that the operating system gives (`etimedout`).
    TimedOut,
    /// No way to that address (`ehostunreach`).
    Unreachable,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressInUse => f.write_str("address already in use"),
            Self::AddressNotAvailable => f.write_str("this host has no such address"),
            Self::BadAddress => f.write_str("an address of the other family, IPv4 or IPv6"),
            Self::Denied => f.write_str("not permitted by the operating system"),
            Self::Other(code) => write!(f, "operating system error {code}"),
            Self::Refused => f.write_str("connection refused"),
            Self::Resolve => f.write_str("host name cannot be resolved"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Unreachable => f.write_str("unreachable"),
        }
    }
}

impl core::error::Error for OpenError {}

/// Why a stream ended, as the host saw it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum CloseCause {
    /// After our own [`Output::Close`](crate::net_kernel::Output::Close).
    Local,
    /// The peer closed its side.
    Eof,
    /// The peer reset the connection, or the socket failed.
    Reset,
    /// The data plane could not accept what came, or the peer does not take what it asked for.
    Violation(Violation),
    /// A carrier of the host's own ended for this reason: the term that its controlling process exits with. Hosts whose streams are
    /// TCP connections never report it.
    Carrier(Term),
}

/// What the data plane could not accept. It ends the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum Violation {
    /// The peer asked for more answers than it reads.
    AnswersUnread,
    /// A control message that is not one: no tuple, an unknown operation, wrong fields.
    Control,
    /// A fragment that does not follow the one before it, or has none before it.
    Fragment,
    /// More messages of which fragments are missing, or more bytes of them, than the limit.
    FragmentsHeld,
    /// A frame that announces more bytes than the limit, or a message that has more in all its fragments or with all its atoms.
    FrameTooLong,
    /// A header that is cut off, or refers to what is not in the atom cache.
    Header,
    /// A process of this node did not take its messages for too long, and its mailbox has a bound. No fault of the peer.
    MailboxFull,
    /// A term that cannot be decoded, or a wrong version byte.
    Term,
    /// More links from one node than the limit.
    TooManyLinks,
    /// More monitors from one node than the limit.
    TooManyMonitors,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnswersUnread => "the peer does not read the answers it asks for",
            Self::Control => "invalid control message",
            Self::Fragment => "fragment out of order",
            Self::FragmentsHeld => "more unfinished fragments than the limit",
            Self::FrameTooLong => "frame longer than the limit",
            Self::Header => "corrupted distribution header",
            Self::MailboxFull => "a mailbox was full for too long",
            Self::Term => "invalid term",
            Self::TooManyLinks => "more links than the limit",
            Self::TooManyMonitors => "more monitors than the limit",
        })
    }
}

/// What the data plane needs to know about a link that has come up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Promotion {
    /// The link.
    pub link: LinkId,
    /// The node on the other side.
    pub node: NodeName,
    /// Its creation.
    pub creation: Creation,
    /// The flags that both sides agreed on.
    pub flags: Flags,
    /// Visible or hidden.
    pub node_type: NodeType,
    /// Bytes that arrived behind the handshake: the first of the channel.
    #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::any::bytes))]
    #[cfg_attr(any(test, feature = "proptest"), proptest(strategy = "crate::any::any_bytes()"))]
    pub residue: Bytes,
}
