//! Why links end: from what the host saw to what subscribers are told.

use alloc::boxed::Box;
use core::fmt;

use super::CloseCause;
use crate::stream::{ExitReason, Violation};

/// Erlang's `nodedown_reason`. `Display` prints the term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// What a carrier of the host's own gave as its reason, if it is none of these: the text of the term. Never on TCP.
    Other(Box<str>),
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

    /// The term, as Erlang prints it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ConnectionClosed => "connection_closed",
            Self::ConnectionSetupFailed => "connection_setup_failed",
            Self::Disconnect => "disconnect",
            Self::Emsgsize => "emsgsize",
            Self::GetStatusFailed => "{get_status_failed,{error,einval}}",
            Self::Killed => "killed",
            Self::NetKernelTerminated => "net_kernel_terminated",
            Self::NetTickTimeout => "net_tick_timeout",
            Self::NoNetwork => "no_network",
            Self::SendNetTickFailed => "{send_net_tick_failed,{error,einval}}",
            Self::Shutdown => "shutdown",
            Self::WaitPending => "wait_pending",
            Self::Other(term) => term,
        }
    }

    //= docs/spec/nodedown.md#nodedown-carrier
    fn of_carrier(exit: &ExitReason) -> Self {
        match exit.without_shutdown() {
            "normal" => Self::ConnectionClosed,
            term => Self::NAMED
                .into_iter()
                .find(|reason| reason.as_str() == term)
                .unwrap_or_else(|| Self::Other(term.into())),
        }
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
            CloseCause::Carrier(exit) => Self::of_carrier(&exit),
        }
    }
}

impl fmt::Display for NodeDownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier(term: &str) -> NodeDownReason {
        CloseCause::Carrier(ExitReason::new(term)).into()
    }

    #[test]
    fn a_carrier_that_gives_a_named_reason_gives_just_that() {
        for reason in NodeDownReason::NAMED {
            assert_eq!(carrier(reason.as_str()), reason);
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
            assert_eq!(NodeDownReason::from(cause).as_str(), "connection_closed");
        }
        for (violation, reason) in [
            (Violation::AnswersUnread, "killed"),
            (Violation::Control, "killed"),
            (Violation::FrameTooLong, "emsgsize"),
            (Violation::Term, "killed"),
        ] {
            let cause = CloseCause::Violation(violation);
            assert_eq!(NodeDownReason::from(cause).as_str(), reason);
        }
    }
}
