//! The node's side of EPMD: register a name and hold it, look names up.
//!
//! Three machines for three conversations, each on a stream of its own. They say what to write and judge what was read;
//! the owner opens and closes the streams, and keeps time for [`Lookup`] and [`Names`].

mod lookup;
mod names;
mod registration;
mod server_diagnostic;

pub use lookup::{LOOKUP_TIMEOUT, Lookup, LookupStep};
pub use names::{NAMES_MAX, NAMES_TIMEOUT, Names};
pub use registration::{REGISTER_TIMEOUT, RETRY_INTERVAL, Registration, RegistrationStep};
pub use server_diagnostic::ServerDiagnostic;

use core::fmt;

use crate::stream::OpenError;

/// Why EPMD did not register our name (`erl_epmd:register_node/3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegisterError {
    /// EPMD closed the connection before it answered (`epmd_close`).
    Closed,
    /// The name is taken (`duplicate_name`).
    DuplicateName,
    /// The answer makes no sense (`garbage_from_epmd`).
    Garbage,
    /// No answer in time (`no_reg_reply_from_epmd`).
    NoReply,
    /// EPMD cannot be reached.
    Open(OpenError),
}

/// Why the port of a node is not known (`erl_epmd:port_please/2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LookupError {
    /// EPMD closed the connection before it answered (`closed`).
    Closed,
    /// EPMD closed the connection in the middle of its answer (`noport`).
    CutShort,
    /// The answer makes no sense (`garbage_from_epmd`).
    Garbage,
    /// No answer in time (`noport`).
    NoReply,
    /// That EPMD has no node of that name (`noport`).
    NotRegistered,
    /// EPMD cannot be reached (`noport`).
    Open(OpenError),
}

/// Why the names of a host are not known (`erl_epmd:names/1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum NamesError {
    /// The answer does not begin with the port that we asked (`address`).
    Garbage,
    /// The answer did not end in time.
    NoReply,
    /// EPMD cannot be reached (`address`, or the resolver's error).
    Open(OpenError),
    /// The answer is longer than [`NAMES_MAX`].
    TooLong,
}

impl NamesError {
    //= docs/spec/net_adm.md#adm-names-errors
    /// The `Reason` of Erlang's `{error,Reason}`: an unknown host is told from one without EPMD, and no more.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Open(OpenError::Resolve) => "nxdomain",
            Self::Garbage | Self::NoReply | Self::Open(_) | Self::TooLong => "address",
        }
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("EPMD closed the connection"),
            Self::DuplicateName => f.write_str("the name is taken"),
            Self::Garbage => f.write_str("EPMD's answer makes no sense"),
            Self::NoReply => f.write_str("no answer from EPMD"),
            Self::Open(error) => write!(f, "EPMD cannot be reached: {error}"),
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("EPMD closed the connection"),
            Self::CutShort => f.write_str("EPMD closed the connection in the middle of its answer"),
            Self::Garbage => f.write_str("EPMD's answer makes no sense"),
            Self::NoReply => f.write_str("no answer from EPMD"),
            Self::NotRegistered => f.write_str("no node of that name is registered"),
            Self::Open(error) => write!(f, "EPMD cannot be reached: {error}"),
        }
    }
}

impl fmt::Display for NamesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Garbage => f.write_str("EPMD's answer makes no sense"),
            Self::NoReply => f.write_str("no answer from EPMD"),
            Self::Open(error) => write!(f, "EPMD cannot be reached: {error}"),
            Self::TooLong => f.write_str("EPMD's answer is too long"),
        }
    }
}

impl core::error::Error for RegisterError {}
impl core::error::Error for LookupError {}
impl core::error::Error for NamesError {}
