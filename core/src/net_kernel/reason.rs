//! Why attempts and calls fail.

use core::fmt;

use super::{NodeDownReason, OpenError, TicktimeError};
use crate::epmd::{LookupError, RegisterError, ServerDiagnostic};
use crate::handshake::Failure;
use crate::name::{NameError, NodeName, PeerName};

/// Where and why an attempt to connect failed. Erlang's `connect_node/1` says only `false`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectError {
    /// Dialling the node failed, after its EPMD told the port.
    Dial(OpenError),
    /// The handshake failed.
    Handshake(Failure),
    /// The EPMD of the node's host could not be asked, or does not know the node.
    Lookup(LookupError),
    /// The node cannot be dialled by this name.
    Name(NameError),
    /// This node is not alive; Erlang answers `ignored`.
    NotAlive,
    /// The allow list does not have this very node.
    NotAllowed,
    /// `dist_auto_connect` is `never`. Only for an automatic attempt.
    NotAutomatic,
    /// `dist_auto_connect` is `once`, and there was a link. Only for an automatic attempt.
    Barred,
    /// The peer closed the connection during the handshake, while we waited for this.
    PeerClosed(crate::handshake::Stage),
    /// The set-up timer rang while we waited for this.
    SetupTimeout(SetupStage),
    /// This node was stopped, or lost its dynamic name, before the link came up.
    Cancelled,
    /// Too many incoming connections that had not proved the cookie; this was the oldest.
    Evicted,
}

/// What an outgoing attempt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetupStage {
    /// The EPMD of the node's host.
    Lookup,
    /// The TCP connection.
    Dial,
    /// The next message of the handshake.
    Handshake(crate::handshake::Stage),
}

impl fmt::Display for SetupStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup => f.write_str("EPMD's answer"),
            Self::Dial => f.write_str("the TCP connection"),
            Self::Handshake(stage) => fmt::Display::fmt(stage, f),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial(error) => write!(f, "dialling the node: {error}"),
            Self::Handshake(failure) => write!(f, "handshake: {failure}"),
            Self::Lookup(error) => write!(f, "asking the host's EPMD: {error}"),
            Self::Name(error) => write!(f, "name: {error}"),
            Self::NotAlive => fmt::Display::fmt(&NotAlive, f),
            Self::NotAllowed => f.write_str("name: the node is not on our allow list"),
            Self::NotAutomatic => f.write_str("nodes are not connected automatically"),
            Self::Barred => f.write_str("a link that ended is not connected automatically again"),
            Self::PeerClosed(stage) => {
                write!(
                    f,
                    "the peer closed the connection while we waited for {stage}{}",
                    stage.hint()
                )
            }
            Self::SetupTimeout(stage) => write!(f, "set-up timeout while waiting for {stage}"),
            Self::Cancelled => f.write_str("this node was stopped or lost its name"),
            Self::Evicted => {
                f.write_str("too many incoming connections at once, this was the oldest")
            }
        }
    }
}

impl core::error::Error for ConnectError {}

/// This node is not alive, so it does nothing about the call. Erlang answers `ignored`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotAlive;

impl fmt::Display for NotAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this node is not alive")
    }
}

impl core::error::Error for NotAlive {}

/// Why a node could not be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopError {
    /// It was started with its whole system (`not_allowed`).
    NotAllowed,
    /// It is not alive (`not_found`).
    NotFound,
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "this node ends only with its system",
            Self::NotFound => "this node is not alive",
        })
    }
}

impl core::error::Error for StopError {}

/// Why a node could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartError {
    /// It is already starting, alive or stopping (`already_started`).
    AlreadyStarted,
    /// The name cannot be taken.
    Name(NameError),
    /// The listener could not be opened.
    Listen(OpenError),
    /// EPMD did not register the name.
    Register(RegisterError),
    /// Stopped before it was alive.
    Stopped,
    /// The listener was lost before the node was alive.
    ListenerLost,
    /// `net_ticktime` or `net_tickintensity` is out of range.
    Ticktime(TicktimeError),
}

impl StartError {
    /// Of a start that is given up, when links would end with this reason.
    pub(super) fn ended_by(reason: &NodeDownReason) -> Self {
        if *reason == NodeDownReason::NoNetwork { Self::ListenerLost } else { Self::Stopped }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted => f.write_str("already started"),
            Self::Name(error) => write!(f, "name: {error}"),
            Self::Listen(error) => write!(f, "opening the listener: {error}"),
            Self::Register(error) => write!(f, "registering with EPMD: {error}"),
            Self::Stopped => f.write_str("stopped while starting"),
            Self::ListenerLost => f.write_str("the listener was lost while starting"),
            Self::Ticktime(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for StartError {}

/// What an Erlang node would log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Diagnostic {
    /// An incoming connection did not become a link. The name is what the stranger claimed, if it got so far.
    AcceptFailed {
        /// The claimed name.
        name: Option<PeerName>,
        /// Why.
        error: ConnectError,
    },
    /// An outgoing attempt failed.
    ConnectFailed {
        /// The other node.
        node: NodeName,
        /// Why.
        error: ConnectError,
    },
    /// EPMD did not register this node, which starts all the same: its port is known
    /// ([`Config::node_listen_port`](super::Config::node_listen_port)).
    NotRegistered(RegisterError),
    /// The registration with EPMD was lost, or could not be renewed; the next try is in two seconds.
    RegistrationLost(RegisterError),
    /// EPMD has the name again, after it was lost.
    RegistrationRenewed,
    /// What an [EPMD](crate::epmd_server) tells. A kernel never does.
    EpmdServer(ServerDiagnostic),
    /// Nothing was heard from a node for some ticks.
    TickMissed {
        /// The node.
        node: NodeName,
        /// Ticks in a row without a byte from it.
        missed: u16,
        /// As many take the link down.
        intensity: u16,
    },
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptFailed { name: Some(name), error } => {
                write!(f, "incoming connection of {name} refused: {error}")
            }
            Self::AcceptFailed { name: None, error } => {
                write!(f, "incoming connection refused: {error}")
            }
            Self::ConnectFailed { node, error } => {
                write!(f, "connecting to {node} failed: {error}")
            }
            Self::NotRegistered(error) => {
                write!(f, "EPMD does not have this node: {error}; its port must be known")
            }
            Self::RegistrationLost(error) => {
                write!(f, "EPMD does not have this node: {error}; trying again")
            }
            Self::RegistrationRenewed => f.write_str("EPMD has this node again"),
            Self::EpmdServer(told) => fmt::Display::fmt(told, f),
            Self::TickMissed { node, missed, intensity } => {
                write!(f, "nothing heard from {node} for {missed} of {intensity} ticks")
            }
        }
    }
}
