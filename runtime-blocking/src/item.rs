//! What arrives in a mailbox, and why something cannot be sent from it.

use core::fmt;

use bytes::Bytes;
use netkernel_core::net_kernel::{Diagnostic, NodeEvent};
use netkernel_core::process::{ProcessEvent, SpawnFailure};

/// What arrives in a `Mailbox`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Item {
    /// A message: one complete external term, version byte included, not decoded.
    Message(Bytes),
    /// A node came or went. See `Mailbox::monitor_nodes`.
    Event(NodeEvent),
    /// An exit signal, `DOWN`, or the `nodedown` of `Mailbox::monitor_node`; or an exit signal has ended this process: then
    /// that is the only item from then on, as often as it is asked for.
    Process(ProcessEvent),
    /// What an Erlang node would log. See `Mailbox::monitor_diagnostics`.
    Diagnostic(Diagnostic),
}

/// Why a signal was not sent: a message, a link, a monitor, an exit signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// An exit signal has ended this process.
    Ended,
    /// The receiver is of a node that cannot exist.
    NoSuchNode,
    /// This node is not alive, so it cannot reach another one.
    NotAlive,
    /// Longer than a frame can be: 4 GiB.
    TooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "this process has ended",
            Self::NoSuchNode => "the node of the receiver has an impossible name",
            Self::NotAlive => "this node is not alive",
            Self::TooLong => "the message is longer than a frame can be",
        })
    }
}

impl core::error::Error for SendError {}

/// Why no process was spawned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpawnError {
    /// The request was not sent, or this process has ended before the answer.
    Send(SendError),
    /// It was answered so.
    Failed(SpawnFailure),
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => error.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl core::error::Error for SpawnError {}

impl From<SendError> for SpawnError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
