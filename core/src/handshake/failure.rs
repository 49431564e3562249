//! Why handshakes fail.

use core::fmt;

use super::NokCause;
use crate::flags::Flags;

/// The message that a side of the handshake waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The acceptor: `send_name`.
    Name,
    /// The initiator: the status.
    Status,
    /// The initiator, after `nok`: that its other attempt, the one the peer began, comes up.
    OtherAttempt,
    /// The acceptor: the answer to its `alive`.
    Alive,
    /// The initiator: the challenge.
    Challenge,
    /// The acceptor, after a version 5 `send_name`: the complement.
    Complement,
    /// The acceptor: the answer to its challenge.
    Reply,
    /// The initiator: the acknowledgement.
    Ack,
    /// The acceptor: the end of the link that this one replaces.
    OldLink,
}

impl Stage {
    /// What the peer most likely means by closing the connection at this stage, in parentheses.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::Ack => " (wrong cookie, most likely)",
            Self::Status => {
                " (it may not take this name, or has an attempt of this name under way)"
            }
            Self::Reply => " (it found the flags or the name wrong, most likely)",
            Self::Name
            | Self::OtherAttempt
            | Self::Alive
            | Self::Challenge
            | Self::Complement
            | Self::OldLink => "",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the peer's name",
            Self::Status => "the status",
            Self::OtherAttempt => "the attempt that the peer prefers",
            Self::Alive => "the decision on a link that is still up",
            Self::Challenge => "the challenge",
            Self::Complement => "the complement",
            Self::Reply => "the challenge reply",
            Self::Ack => "the acknowledgement",
            Self::OldLink => "the end of the old link",
        })
    }
}

/// Why a handshake ended without a link. Named by who is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The peer's digest is wrong: it does not have our cookie, or is not who it says.
    BadCookie,
    /// We answered `false` to the peer's `alive`, or the peer did to ours: the old link stays.
    Declined,
    /// Another attempt to or from the same node is already waiting for the old link's end.
    AlreadyPending,
    /// The name that the peer gave us is not one of our host, or is its own.
    GivenName,
    /// What came is not the message that this stage waits for.
    Malformed(Stage),
    /// The peer lacks these mandatory flags.
    MissingFlags(Flags),
    /// We answered `nok`.
    Nok(NokCause),
    /// The peer answered `not_allowed`: its allow list does not have us, or it misses a flag.
    NotAllowed,
    /// We answered `not_allowed` because our allow list does not have the peer.
    PeerNotAllowed,
    /// The peer answered with a status that does not fit.
    UnexpectedStatus,
    /// The node that answered is not the one that was dialled.
    WrongName,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCookie => f.write_str("digest: the peer's cookie is not ours"),
            Self::Declined => f.write_str("status: the old link is kept"),
            Self::AlreadyPending => f.write_str("status: another attempt is already pending"),
            Self::GivenName => {
                f.write_str("name: the peer gave us a name that is its own or not of our host")
            }
            Self::Malformed(stage) => write!(f, "malformed packet instead of {stage}"),
            Self::MissingFlags(flags) => write!(f, "flags: the peer lacks {flags}"),
            Self::Nok(NokCause::Name(error)) => write!(f, "name: answered nok, {error}"),
            Self::Nok(NokCause::OurAttempt) => {
                f.write_str("status: answered nok, another attempt has precedence")
            }
            Self::Nok(NokCause::OwnName) => f.write_str("name: answered nok, the name is ours"),
            Self::NotAllowed => f.write_str(
                "status: the peer answered not_allowed (its allow list or its mandatory flags)",
            ),
            Self::PeerNotAllowed => f.write_str("name: the peer is not on our allow list"),
            Self::UnexpectedStatus => f.write_str("status: the peer's answer does not fit"),
            Self::WrongName => {
                f.write_str("name: the node that answered is not the one that was dialled")
            }
        }
    }
}

impl core::error::Error for Failure {}
