//! Why links end: from what the host saw to what subscribers are told.

use core::fmt;

use super::CloseCause;
use crate::stream::Violation;
use crate::term::Term;

/// Erlang's `nodedown_reason`. `Display` prints the term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum NodeDownReason {
    /// The peer closed or reset the connection.
    ConnectionClosed,
    /// The host could not hand the stream over to what was to carry the link. Never on TCP.
    ConnectionSetupFailed,
    /// `disconnect_node/1` was called on this side.
    Disconnect,
    /// A frame was longer than the limit. Not in Erlang's manual.
    Emsgsize,
    /// The counters of the stream could not be read for `node_info`. The manual lists a bare atom; OTP's code has this tuple.
    GetStatusFailed,
    /// An invalid frame was received. Not in Erlang's manual.
    Killed,
    /// This node was stopped.
    NetKernelTerminated,
    /// Nothing was heard for `net_ticktime`.
    NetTickTimeout,
    /// The listener broke.
    NoNetwork,
    /// The counters of the stream could not be read at a tick. The manual lists a bare atom; real nodes send this tuple.
    SendNetTickFailed,
    /// A carrier of the host's own was shut down. Never on TCP.
    Shutdown,
    /// The same node connected anew.
    WaitPending,
    /// What a carrier of the host's own gave as its reason, if it is none of these. Never on TCP.
    Other(Term),
}

impl NodeDownReason {
    /// Those that have a term of their own.
    const NAMED: [Self; 12] = [
        Self::ConnectionClosed,
        Self::ConnectionSetupFailed,
        Self::Disconnect,
        Self::Emsgsize,
        Self::GetStatusFailed,
        Self::Killed,
        Self::NetKernelTerminated,
        Self::NetTickTimeout,
        Self::NoNetwork,
        Self::SendNetTickFailed,
        Self::Shutdown,
        Self::WaitPending,
    ];

    /// The term that subscribers in Erlang get.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let einval = || Term::tuple(["error", "einval"].map(Term::literal));
        match self {
            Self::ConnectionClosed => Term::literal("connection_closed"),
            Self::ConnectionSetupFailed => Term::literal("connection_setup_failed"),
            Self::Disconnect => Term::literal("disconnect"),
            Self::Emsgsize => Term::literal("emsgsize"),
            Self::GetStatusFailed => Term::tuple([Term::literal("get_status_failed"), einval()]),
            Self::Killed => Term::literal("killed"),
            Self::NetKernelTerminated => Term::literal("net_kernel_terminated"),
            Self::NetTickTimeout => Term::literal("net_tick_timeout"),
            Self::NoNetwork => Term::literal("no_network"),
            Self::SendNetTickFailed => {
                Term::tuple([Term::literal("send_net_tick_failed"), einval()])
            }
            Self::Shutdown => Term::literal("shutdown"),
            Self::WaitPending => Term::literal("wait_pending"),
            Self::Other(term) => term.clone(),
        }
    }

    //= docs/spec/nodedown.md#nodedown-carrier
    fn of_carrier(exit: Term) -> Self {
        let reason = without_shutdown(exit);
        if reason == Term::literal("normal") {
            return Self::ConnectionClosed;
        }
        let named = Self::NAMED.into_iter().find(|named| named.to_term() == reason);
        named.unwrap_or(Self::Other(reason))
    }
}

/// Of `{shutdown,Reason}` only the reason, since the pair just says that it was no crash.
fn without_shutdown(exit: Term) -> Term {
    match exit.as_tuple() {
        Some([shutdown, reason]) if *shutdown == Term::literal("shutdown") => reason.clone(),
        _ => exit,
    }
}

//= docs/spec/nodedown.md#nodedown-connection-closed
//= docs/spec/nodedown.md#nodedown-emsgsize
//= docs/spec/nodedown.md#nodedown-killed
impl From<CloseCause> for NodeDownReason {
    /// For an end that did not come from this side's kernel; [`CloseCause::Local`] cannot, and counts as closed.
    fn from(cause: CloseCause) -> Self {
        match cause {
            CloseCause::Local | CloseCause::Eof | CloseCause::Reset => Self::ConnectionClosed,
            CloseCause::Violation(Violation::FrameTooLong) => Self::Emsgsize,
            CloseCause::Violation(_) => Self::Killed,
            CloseCause::Carrier(exit) => Self::of_carrier(exit),
        }
    }
}

impl fmt::Display for NodeDownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_term(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_carrier_that_gives_a_named_reason_gives_just_that() {
        for reason in NodeDownReason::NAMED {
            assert_eq!(NodeDownReason::from(CloseCause::Carrier(reason.to_term())), reason);
        }
    }

    //= docs/spec/nodedown.md#nodedown-connection-closed
    //= type=test
    //= docs/spec/nodedown.md#nodedown-emsgsize
    //= type=test
    //= docs/spec/nodedown.md#nodedown-killed
    //= type=test
    #[test]
    fn each_cause_of_a_tcp_host_has_its_reason() {
        use CloseCause::{Eof, Local, Reset};
        for cause in [Eof, Local, Reset] {
            assert_eq!(NodeDownReason::from(cause).to_string(), "connection_closed");
        }
        for (violation, reason) in [
            (Violation::AnswersUnread, "killed"),
            (Violation::Control, "killed"),
            (Violation::Fragment, "killed"),
            (Violation::FragmentsHeld, "killed"),
            (Violation::FrameTooLong, "emsgsize"),
            (Violation::Header, "killed"),
            (Violation::MailboxFull, "killed"),
            (Violation::Term, "killed"),
            (Violation::TooManyLinks, "killed"),
            (Violation::TooManyMonitors, "killed"),
        ] {
            let cause = CloseCause::Violation(violation);
            assert_eq!(NodeDownReason::from(cause).to_string(), reason);
        }
    }
}
