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
    /// An exit signal, `DOWN`, the `nodedown` of `Mailbox::monitor_node`, or the answer to `Mailbox::spawn_request`; or an exit signal has
    /// ended this process: then that is the only item from then on, as often as it is asked for.
    Process(ProcessEvent),
    /// What an Erlang node would log. See `Mailbox::monitor_diagnostics`.
    Diagnostic(Diagnostic),
}

/// What a mailbox takes before something is done about it. Without one it takes all, as Erlang's do.
///
/// Messages and the exit signals that a process traps count, but not the answers to its calls: messages by an alias that ends with the
/// first one. As soon as either number is reached, the policy holds for what comes;
/// what reaches it is still taken, whatever its length. Messages of up to 64 KiB are copied, so that they keep nothing of what was read with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    /// As many may wait.
    pub messages: usize,
    /// So many bytes of them.
    pub bytes: usize,
    /// What becomes of more.
    pub overflow: Overflow,
}

/// What becomes of messages to a mailbox that is full. `DOWN` and all about nodes always find room; exit signals do, except by `Kill`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Nothing is lost: the link that brings them is not read until half of the bound is free. What one read of each link brings may
    /// come on top: 64 KiB, or a message of any length; and what has arrived of a link when it ends.
    ///
    /// All that comes on that link waits, for other processes, too; it is still ticked, and not taken for dead. A link that was not
    /// read for [`NodeConfig::pause_limit`](crate::NodeConfig::pause_limit) ends: two nodes that wait for each other would wait for ever.
    /// Processes of this node are told [`SendError::Full`].
    ///
    /// What finds room must still be read, and it comes behind what is held: while this mailbox may be full, do not wait for one item
    /// of a node that may fill it (a call, the answer to a spawn, a `recv_match`). It would come only when that link ends.
    Pause,
    /// They are dropped, and counted. Exit signals are not: a process that traps those of strangers has no bound by this policy.
    DropNewest,
    /// They are dropped, exit signals too, and the process ends with the reason `killed`, as by the flag `max_heap_size` of Erlang.
    Kill,
}

/// How a node is monitored (the options of `erlang:monitor_node/3`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MonitorNodeOptions {
    /// Where a link has ended and none may begin by itself any more (`dist_auto_connect` is `once`), waits for the other side to connect,
    /// for as long as a step of the set-up may take (`net_setuptime`). Waits for the end of an attempt, too.
    pub allow_passive_connect: bool,
}

/// Why a signal was not sent: a message, a link, a monitor, an exit signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// An exit signal has ended this process.
    Ended,
    /// The receiver is of this node, and its mailbox is full: see [`Overflow::Pause`].
    Full,
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
            Self::Full => "the mailbox of the receiver is full",
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
