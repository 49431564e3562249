//! What servers get, and what they do about it.

use core::time::Duration;

use netkernel_core::NodeName;
use netkernel_core::calls::gen_server::{self, Client, Message};
use netkernel_core::calls::sys::System;
use netkernel_core::process::ProcessEvent;
use netkernel_core::term::{Limits, Term};

use crate::item::Item;

/// What a server does about a call (what `handle_call/3` returns).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CallReaction {
    /// The client gets this (`{reply,Reply,State}`).
    Reply(Term),
    /// The client waits, for somebody to answer it by [`Mailbox::reply`](crate::Mailbox::reply) (`{noreply,State}`).
    NoReply,
    /// As one of the two above, and if nothing comes for so long, the server gets the message `timeout` (`{reply,Reply,State,Timeout}`,
    /// `{noreply,State,Timeout}`).
    Timeout {
        /// What the client gets. Without it, it waits.
        reply: Option<Term>,
        /// How long the next message is waited for.
        after: Duration,
    },
    /// The server ends (`{stop,Reason,Reply,State}`, `{stop,Reason,State}`).
    Stop {
        /// Why.
        reason: Term,
        /// What the client gets after [`terminate`](crate::GenServer::terminate). Without it, it is told by the end of the server.
        reply: Option<Term>,
    },
}

/// What a server does about anything else (what `handle_cast/2` and `handle_info/2` return).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// It goes on (`{noreply,State}`).
    Continue,
    /// It goes on, and if nothing comes for so long, it gets the message `timeout` as an [`Info`] (`{noreply,State,Timeout}`). Calls of `sys` start
    /// that time anew; whatever else comes ends it.
    Timeout(Duration),
    /// It ends for this reason (`{stop,Reason,State}`).
    Stop(Term),
}

impl CallReaction {
    /// What the client gets, and what the server does then, or before if it ends.
    #[doc(hidden)]
    #[must_use]
    pub fn split(self) -> (Option<Term>, Reaction) {
        match self {
            Self::Reply(reply) => (Some(reply), Reaction::Continue),
            Self::NoReply => (None, Reaction::Continue),
            Self::Timeout { reply, after } => (reply, Reaction::Timeout(after)),
            Self::Stop { reason, reply } => (reply, Reaction::Stop(reason)),
        }
    }
}

/// What arrives at a server and is neither a call nor a cast.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Info {
    /// A message.
    Message(Term),
    /// Anything else, such as `DOWN`, `EXIT` and node events; also a message that breaks the limits of terms.
    Item(Item),
}

/// What several servers have answered (`gen_server:multi_call/4`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MultiCall {
    /// The replies of those that gave one.
    pub replies: Vec<(NodeName, Term)>,
    /// The nodes of the others.
    pub bad_nodes: Vec<NodeName>,
}

/// What an item means to a server.
#[derive(Debug)]
pub enum Received {
    /// A call.
    Call(Client, Term),
    /// A cast.
    Cast(Term),
    /// A call of `sys`.
    System(Client, System),
    /// Anything else.
    Info(Info),
    /// An exit signal has ended the process.
    Ended,
}

impl Received {
    /// What this item means; none means that nothing has come in time.
    //= docs/spec/calls.md#call-timeout
    #[must_use]
    pub fn of(item: Option<Item>, limits: &Limits) -> Self {
        let Some(item) = item else { return Self::Info(Info::Message(gen_server::timeout())) };
        if let Item::Process(ProcessEvent::Ended { .. }) = item {
            return Self::Ended;
        }
        let Item::Message(bytes) = item else { return Self::Info(Info::Item(item)) };
        match Message::parse(&bytes, limits) {
            Ok(Message::Call(client, request)) => Self::Call(client, request),
            Ok(Message::Cast(request)) => Self::Cast(request),
            Ok(Message::System(client, request)) => Self::System(client, request),
            Ok(Message::Info(term)) => Self::Info(Info::Message(term)),
            Err(_) => Self::Info(Info::Item(Item::Message(bytes))),
        }
    }
}
