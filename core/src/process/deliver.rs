//! What the processes ask of the host.

use bytes::Bytes;

use super::{Mfa, Request, SpawnFailure, Target};
use crate::ids::{MailboxId, PingId};
use crate::link::Frame;
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::Control;

/// Carries out what signals and calls lead to. None of it may block.
pub trait Deliver {
    /// Put a message into the mailbox of a process. It is a complete external term, version byte included, and was not
    /// decoded.
    fn message(&mut self, to: MailboxId, message: Bytes);

    /// As [`Self::message`], of one that came by an alias which ends with it: the answer to a call. There are no more of these than the
    /// process has made aliases, so that a host which bounds mailboxes should not refuse them.
    fn reply(&mut self, to: MailboxId, message: Bytes) {
        self.message(to, message);
    }

    /// There is a new process, which is to call this function and then end: make a mailbox for it, for what comes next, and have
    /// it run once this call has ended. If it cannot be run, say so by
    /// [`Processes::not_started`](super::Processes::not_started), not from here. Never, unless a function is served
    /// ([`Processes::serve_function`](super::Processes::serve_function)).
    fn start(&mut self, process: MailboxId, mfa: Mfa) {
        let _ = (process, mfa);
    }

    /// Put what is no message into the mailbox of a process, behind what is there.
    fn event(&mut self, to: MailboxId, event: ProcessEvent);

    /// Send a signal to a node, by [`Peer::send_forced`](crate::link::Peer::send_forced) and
    /// [`LinkWriter::push_signal`](crate::link::LinkWriter::push_signal); by
    /// [`LinkWriter::push_caused`](crate::link::LinkWriter::push_caused) if it goes to the link whose signals are being handled.
    /// No attempt to connect is to begin.
    fn signal(&mut self, node: &Atom, signal: Control) -> Reach;

    /// Whether a signal to this node would be sent now: there is a link or an attempt, and the link is not going down.
    fn is_reached(&mut self, node: &NodeName) -> bool;

    /// Force-push this frame on the writer of the link that is being handled.
    ///
    /// # Errors
    /// What [`LinkWriter::push_forced`](crate::link::LinkWriter::push_forced) says; it ends the link.
    fn answer(&mut self, frame: Frame) -> Result<(), Violation>;

    /// A ping has its result: whether the other node answered it. Exactly once for each that was not cancelled.
    fn pong(&mut self, ping: PingId, alive: bool);

    /// Hand this to the kernel, behind what came before it on this link. Never, unless
    /// [`Processes::serve_requests`](super::Processes::serve_requests) allows it.
    fn request(&mut self, request: Request) {
        let _ = request;
    }
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Reach {
    /// It is under way, or waits for the link to come up. Should the link end, `connection_down` is told.
    Sent,
    /// As [`Reach::Sent`], but the peer does not take such signals: it was dropped.
    NotAgreed,
    /// There is no link, and no attempt, or the link is going down; or too much waits for it to come up.
    NoConnection,
}

/// What arrives in a mailbox and is no message. Every `reason` is a complete external term, version byte included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProcessEvent {
    /// An exit signal came to a process that traps exits: `{'EXIT',From,Reason}`.
    Exit {
        /// Who ended, or who sent the signal.
        from: Pid,
        /// Why.
        reason: Bytes,
    },
    /// What the process monitors has ended, or was not there, or cannot be reached: `{'DOWN',Reference,process,Object,Info}`.
    Down {
        /// What the call to monitor it gave.
        reference: Reference,
        /// As the call named it.
        object: Target,
        /// Why it ended; `noproc` or `noconnection`.
        reason: Bytes,
        /// What stands in place of `'DOWN'`, if the call said so: a complete external term.
        tag: Option<Bytes>,
    },
    /// What became of a request to spawn: `{spawn_reply,Request,ok,Pid}` or `{spawn_reply,Request,error,Reason}`.
    SpawnReply {
        /// `spawn_reply`, or what the call said: a complete external term.
        tag: Bytes,
        /// What the call gave.
        request: Reference,
        /// The new process, or why there is none.
        result: Result<Pid, SpawnFailure>,
    },
    /// The process monitors this node, and there is no link with it: `{nodedown,Node}`.
    NodeDown(NodeName),
    /// An exit signal has ended the process. Nothing comes any more, and what waits in its mailbox is void.
    Ended {
        /// Why.
        reason: Bytes,
    },
}

/// For tests in which nothing is to be delivered.
#[cfg(test)]
pub(super) struct Nobody;

#[cfg(test)]
impl Deliver for Nobody {
    fn message(&mut self, to: MailboxId, message: Bytes) {
        panic!("{to:?} gets {message:?}")
    }

    fn start(&mut self, process: MailboxId, mfa: Mfa) {
        panic!("{process:?} is to run {mfa:?}")
    }

    fn event(&mut self, to: MailboxId, event: ProcessEvent) {
        panic!("{to:?} gets {event:?}")
    }

    fn signal(&mut self, node: &Atom, signal: Control) -> Reach {
        panic!("{node} is sent {signal:?}")
    }

    fn is_reached(&mut self, _node: &NodeName) -> bool {
        false
    }

    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        panic!("{frame:?} is an answer")
    }

    fn pong(&mut self, ping: PingId, alive: bool) {
        panic!("{ping:?} ends: {alive}")
    }

    fn request(&mut self, request: Request) {
        panic!("{request:?} is for the kernel")
    }
}
