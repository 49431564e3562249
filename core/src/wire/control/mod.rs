//! The messages of a channel: control messages, each with its payload if it has one.
//!
//! A message is a value here, whatever form it has on the wire: some flags that the two sides agree on change the form and
//! nothing else. Every form of every message is read, for a peer may send what it queued before it knew the flags.

mod emit;
#[cfg(any(test, feature = "arbitrary", feature = "proptest"))]
mod made;
mod op;
mod parse;
#[cfg(test)]
mod tests;
mod token;

use alloc::boxed::Box;
use bytes::Bytes;
use core::num::NonZeroU64;

use crate::flags::Flags;
use crate::term::{Atom, Pid, Reference};

pub use parse::{Head, parse, parse_head, parse_unread};
pub use token::{MAX_TOKEN_BYTES, Token};

/// A signal from a process to a process, or the kernel's answer to one.
///
/// A `reason` is the bytes of one term without version byte; a `message` is a complete external term, version byte
/// included. Both are well-formed if they come from [`parse()`], empty at times if from [`parse_unread`], and have to be for [`Control::emit`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields have the names of Erlang's manual")]
pub enum Control {
    /// `from` links with `to`.
    Link { from: Pid, to: Pid },
    /// `from` links with what is no pid: one term without version byte. It is answered by [`Control::ExitNoPid`].
    LinkNoPid { from: Pid, to: Bytes },
    /// A message to a pid. Its sender is for tracers, and may be missing.
    Send { from: Option<Pid>, to: Pid, message: Bytes, token: Option<Token> },
    /// `from` has ended, and `to` was linked with it.
    Exit { from: Pid, to: Pid, reason: Bytes, token: Option<Token> },
    /// The answer to [`Control::LinkNoPid`], with the reason `noproc`. Whoever gets it ends the link between the nodes, as it comes from no
    /// pid: it is never the outcome of [`parse()`].
    ExitNoPid { from: Bytes, to: Pid, reason: Bytes },
    /// `from` ends its link with `to`, which answers by [`Control::UnlinkIdAck`] with the same id.
    UnlinkId { id: NonZeroU64, from: Pid, to: Pid },
    /// The answer to [`Control::UnlinkId`]: the pids have changed places.
    UnlinkIdAck { id: u64, from: Pid, to: Pid },
    /// A message to a registered name.
    RegSend { from: Pid, to: Atom, message: Bytes, token: Option<Token> },
    /// `leader` is the group leader of `to` from now on.
    GroupLeader { leader: Pid, to: Pid },
    /// `exit/2`.
    Exit2 { from: Pid, to: Pid, reason: Bytes, token: Option<Token> },
    /// `from` monitors `to`.
    MonitorP { from: Pid, to: Monitored, reference: Reference },
    /// `from` does not monitor `to` any more.
    DemonitorP { from: Pid, to: Monitored, reference: Reference },
    /// `from` has ended, or was not there, and `to` monitored it under this reference.
    MonitorPExit { from: Monitored, to: Pid, reference: Reference, reason: Bytes },
    /// `spawn_request/5`.
    SpawnRequest(Box<SpawnRequest>),
    /// The answer to [`Control::SpawnRequest`]; `flags` say what was set up together with the process.
    SpawnReply {
        request: Reference,
        to: Pid,
        flags: SpawnFlags,
        result: Spawned,
        token: Option<Token>,
    },
    /// A message to an alias. Its sender is for tracers, and may be missing.
    AliasSend { from: Option<Pid>, to: Reference, message: Bytes, token: Option<Token> },
    /// A message or an exit signal with more attributes than the older operations have (ALTACT_SIG_SEND of OTP 28).
    Altact { from: Pid, to: Receiver, priority: bool, content: Content, token: Option<Token> },
}

/// `from` wants a process on the other node that runs `module:function/arity`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpawnRequest {
    /// What the reply names, and the reference of the monitor if one is asked for.
    pub request: Reference,
    /// Who asks, and is to be told.
    pub from: Pid,
    /// The group leader of the new process.
    pub leader: Pid,
    /// The module.
    pub module: Atom,
    /// The function.
    pub function: Atom,
    /// The number of arguments as it is announced: an integer of at most 60 bits.
    pub arity: i64,
    /// The options: one term without version byte, a list if the peer is sane.
    pub options: Bytes,
    /// The list of arguments: one term without version byte.
    pub arguments: Bytes,
    /// The trace token of `from`.
    pub token: Option<Token>,
}

/// What was set up together with a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpawnFlags(u32);

impl SpawnFlags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A link.
    pub const LINK: Self = Self(1);
    /// A monitor.
    pub const MONITOR: Self = Self(2);

    /// These bits; `None` if there are more than 27 of them.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits < 1 << 27 { Some(Self(bits)) } else { None }
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These, and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What became of a request to spawn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Spawned {
    /// The new process.
    Pid(Pid),
    /// There is none, for this reason.
    Error(Atom),
}

/// What a signal is sent to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Receiver {
    /// A process.
    Pid(Pid),
    /// The process that is registered under this name.
    Name(Atom),
    /// The process that has this alias.
    Alias(Reference),
}

/// What [`Control::Altact`] brings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// A message: a complete external term.
    Message(Bytes),
    /// An exit signal: its reason, without version byte.
    Exit(Bytes),
}

impl Control {
    /// The flags that both sides must have agreed on for this signal to be sent.
    //= docs/spec/channel.md#ch-monitor-flags
    #[must_use]
    pub const fn needed_flags(&self) -> Flags {
        match self {
            Self::MonitorP { .. } | Self::DemonitorP { .. } | Self::MonitorPExit { .. } => {
                Flags::MONITORS
            }
            Self::SpawnRequest(_) | Self::SpawnReply { .. } => Flags::SPAWN,
            Self::AliasSend { .. } => Flags::ALIAS,
            Self::Altact { .. } => Flags::ALTACT_SIG,
            Self::Link { .. }
            | Self::LinkNoPid { .. }
            | Self::Send { .. }
            | Self::Exit { .. }
            | Self::ExitNoPid { .. }
            | Self::UnlinkId { .. }
            | Self::UnlinkIdAck { .. }
            | Self::RegSend { .. }
            | Self::GroupLeader { .. }
            | Self::Exit2 { .. } => Flags::NONE,
        }
    }

    /// The process that it comes from, as far as it says so.
    #[must_use]
    pub const fn sender(&self) -> Option<&Pid> {
        match self {
            Self::Send { from, .. } | Self::AliasSend { from, .. } => from.as_ref(),
            Self::Link { from, .. }
            | Self::LinkNoPid { from, .. }
            | Self::Exit { from, .. }
            | Self::UnlinkId { from, .. }
            | Self::UnlinkIdAck { from, .. }
            | Self::RegSend { from, .. }
            | Self::Exit2 { from, .. }
            | Self::MonitorP { from, .. }
            | Self::DemonitorP { from, .. }
            | Self::MonitorPExit { from: Monitored::Pid(from), .. }
            | Self::Altact { from, .. } => Some(from),
            Self::SpawnRequest(spawn) => Some(&spawn.from),
            Self::SpawnReply { result: Spawned::Pid(child), .. } => Some(child),
            Self::GroupLeader { .. }
            | Self::ExitNoPid { .. }
            | Self::MonitorPExit { from: Monitored::Name(_), .. }
            | Self::SpawnReply { result: Spawned::Error(_), .. } => None,
        }
    }

    /// Whether what has to follow the control message was missing, or no term: it is empty here ([`parse_unread`]).
    #[must_use]
    pub fn lacks_payload(&self) -> bool {
        match self {
            Self::Send { message: payload, .. }
            | Self::RegSend { message: payload, .. }
            | Self::AliasSend { message: payload, .. }
            | Self::Exit { reason: payload, .. }
            | Self::Exit2 { reason: payload, .. }
            | Self::MonitorPExit { reason: payload, .. }
            | Self::Altact {
                content: Content::Message(payload) | Content::Exit(payload), ..
            } => payload.is_empty(),
            Self::SpawnRequest(spawn) => spawn.arguments.is_empty(),
            Self::Link { .. }
            | Self::LinkNoPid { .. }
            | Self::ExitNoPid { .. }
            | Self::UnlinkId { .. }
            | Self::UnlinkIdAck { .. }
            | Self::GroupLeader { .. }
            | Self::MonitorP { .. }
            | Self::DemonitorP { .. }
            | Self::SpawnReply { .. } => false,
        }
    }

    /// Bytes of those parts of it whose length has no small bound.
    #[must_use]
    pub fn unbounded_len(&self) -> usize {
        match self {
            Self::LinkNoPid { to: term, .. } | Self::ExitNoPid { from: term, .. } => term.len(),
            Self::Send { message: payload, .. }
            | Self::RegSend { message: payload, .. }
            | Self::AliasSend { message: payload, .. }
            | Self::Exit { reason: payload, .. }
            | Self::Exit2 { reason: payload, .. }
            | Self::MonitorPExit { reason: payload, .. }
            | Self::Altact {
                content: Content::Message(payload) | Content::Exit(payload), ..
            } => payload.len(),
            Self::SpawnRequest(spawn) => spawn.options.len().saturating_add(spawn.arguments.len()),
            Self::Link { .. }
            | Self::UnlinkId { .. }
            | Self::UnlinkIdAck { .. }
            | Self::GroupLeader { .. }
            | Self::MonitorP { .. }
            | Self::DemonitorP { .. }
            | Self::SpawnReply { .. } => 0,
        }
    }
}

/// What a process is monitored by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Monitored {
    /// Its pid.
    Pid(Pid),
    /// The name that it is, or is not, registered under.
    Name(Atom),
}
