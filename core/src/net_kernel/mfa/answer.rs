//! Answers as terms.

use super::Exception;
use crate::net_kernel::{
    Answer, BadNode, ConnectError, ConnectionInfo, InfoKey, NotAlive, StartError, StopError,
};
use crate::term::Term;

impl Answer {
    /// What an Erlang caller gets, returned or raised; `None` of a call that is not one of [`Call`](super::Call).
    ///
    /// Where Erlang tells the pid of a process of its own, the name of the node stands here, or nothing: `{ok,Name}` of a start, and
    /// `{error,already_started}`.
    //= docs/spec/mfa.md#mfa-answers
    #[must_use]
    pub fn to_result(&self) -> Option<Result<Term, Exception>> {
        let term =
            match self {
                Self::Applied(result) => return Some(result.clone()),
                Self::Started(Ok(name)) => {
                    Term::tuple([Term::literal("ok"), name.as_atom().clone().into()])
                }
                Self::Started(Err(error)) => error.to_term(),
                Self::Stopped(Ok(())) | Self::SetOpts(Ok(())) => Term::literal("ok"),
                Self::Stopped(Err(error)) => error.to_term(),
                Self::Connected(Ok(())) | Self::MonitorNode { .. } => true.into(),
                Self::Connected(Err(ConnectError::NotAlive))
                | Self::Disconnected(Err(NotAlive)) => Term::literal("ignored"),
                Self::Connected(Err(_)) => false.into(),
                Self::Disconnected(Ok(was_up)) => (*was_up).into(),
                Self::GetOpts(Ok(options)) => {
                    let options = Term::list(options.iter().map(|option| option.to_term()));
                    ok(options)
                }
                Self::GetOpts(Err(error)) | Self::SetOpts(Err(error)) => error.to_term(),
                Self::NodeInfo(Ok(info)) => ok(info.to_term()),
                Self::NodeInfo(Err(BadNode)) => BadNode.to_term(),
                Self::NodesInfo(infos) => ok(Term::list(infos.iter().map(|info| {
                    Term::tuple([info.node.as_atom().clone().into(), info.to_term()])
                }))),
                Self::AutoConnect(_) | Self::Names(_) | Self::Reply(_) => return None,
            };
        Some(Ok(term))
    }
}

pub(in crate::net_kernel) fn ok(value: Term) -> Term {
    Term::tuple([Term::literal("ok"), value])
}

pub(in crate::net_kernel) fn error(reason: &'static str) -> Term {
    Term::tuple([Term::literal("error"), Term::literal(reason)])
}

impl BadNode {
    /// `{error,bad_node}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        error("bad_node")
    }
}

impl ConnectionInfo {
    /// `[{state,State},{type,Type},{in,Received},{out,Sent}]`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let pair = |key: InfoKey| Term::tuple([Term::literal(key.as_str()), self.value(key)]);
        Term::list(InfoKey::ALL.map(pair))
    }
}

impl StartError {
    /// `{error,already_started}`, or `{error,nodistribution}`, which is all that Erlang tells of a start that failed.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Self::AlreadyStarted => error("already_started"),
            Self::Name(_)
            | Self::Listen(_)
            | Self::Register(_)
            | Self::Stopped
            | Self::ListenerLost
            | Self::Ticktime(_) => error("nodistribution"),
        }
    }
}

impl StopError {
    /// `{error,not_allowed}` or `{error,not_found}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        error(match self {
            Self::NotAllowed => "not_allowed",
            Self::NotFound => "not_found",
        })
    }
}
