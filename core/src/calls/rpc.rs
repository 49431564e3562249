//! Calls of functions on other nodes as `rpc` makes them: by `erpc`, with results of an older form; and what older callers send to the
//! process `rex`.

use core::fmt;

pub use super::apply::Apply;
use super::erpc::{ErpcFailure, Exception};
use super::gen_server::{Client, Message};
use super::{apply, elements, is_atom};
use crate::process::Function;
use crate::term::{Atom, Pid, Term};

/// Why a call gave nothing (`{badrpc,Reason}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadRpc {
    /// `nodedown`: the node cannot be reached, or the link has ended.
    NodeDown,
    /// `timeout`: no result has come in time.
    Timeout,
    /// `{'EXIT',Reason}`: the function has failed, or its process has ended.
    Exit(Term),
    /// Another reason.
    Other(Term),
}

impl BadRpc {
    /// `{badrpc,Reason}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let reason = match self {
            Self::NodeDown => Term::literal("nodedown"),
            Self::Timeout => Term::literal("timeout"),
            Self::Exit(reason) => exit(reason.clone()),
            Self::Other(reason) => reason.clone(),
        };
        Term::tuple([Term::literal("badrpc"), reason])
    }
}

/// As Erlang writes it.
impl fmt::Display for BadRpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}

impl core::error::Error for BadRpc {}

/// What `rpc:call/5` makes of the result of `erpc:call/5`. What is thrown is returned.
///
/// # Errors
/// [`BadRpc`]: the call gave nothing.
//= docs/spec/calls.md#rpc-result
pub fn result(result: Result<Term, Exception>) -> Result<Term, BadRpc> {
    match result {
        Ok(value) | Err(Exception::Throw(value)) => match exit_of(value) {
            Ok(reason) => Err(BadRpc::Exit(reason)),
            Err(value) => Ok(value),
        },
        Err(Exception::Exit(reason) | Exception::Signal(reason)) => Err(BadRpc::Exit(reason)),
        Err(Exception::Error(exception)) => Err(BadRpc::Exit(Term::tuple((*exception).into()))),
        Err(Exception::Failed(failure)) => Err(match failure {
            ErpcFailure::NoConnection => BadRpc::NodeDown,
            ErpcFailure::Timeout => BadRpc::Timeout,
            ErpcFailure::NotSupported => BadRpc::Other(failure.to_term()),
            ErpcFailure::SystemLimit | ErpcFailure::Other(_) | ErpcFailure::Refused(_) => {
                BadRpc::Exit(failure.to_term())
            }
        }),
    }
}

/// What a caller of `rex` is answered: as [`result`], but what is returned or thrown is a value, whatever it is.
//= docs/spec/calls.md#rex-reply
#[must_use]
pub fn reply(outcome: Result<Term, Exception>) -> Term {
    match outcome {
        Ok(value) | Err(Exception::Throw(value)) => value,
        Err(exception) => result(Err(exception)).unwrap_or_else(|bad| bad.to_term()),
    }
}

/// The reason in `{'EXIT',Reason}`.
fn exit_of(value: Term) -> Result<Term, Term> {
    match elements::<2>(value)? {
        [exit, reason] if is_atom(&exit, "EXIT") => Ok(reason),
        other => Err(Term::tuple(other)),
    }
}

fn exit(reason: Term) -> Term {
    Term::tuple([Term::literal("EXIT"), reason])
}

/// The function that takes each message to `rex`. Its module is the name of that process.
#[must_use]
pub fn rex() -> Function {
    Function { module: Atom::literal("rex"), function: Atom::literal("message"), arity: 1 }
}

/// What a message to `rex` means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rex {
    /// A call, by a node that does not call by `erpc`.
    Call(Client, Apply),
    /// A call of which nobody wants to know the result.
    Cast(Apply),
    /// What this node can do: [`features`] is the answer.
    Features(Pid),
    /// A message for a registered process, of a sender who wants to know whether it is there (`rpc:sbcast/3`): [`was_sent`] is the answer.
    Broadcast(Pid, Atom, Term),
    /// A message for a registered process, which is to answer it (`rpc:multi_server_call/3`): [`was_sent`] is the answer if it is not there.
    Send(Pid, Atom, Term),
    /// Anything else, which is dropped.
    Nothing,
}

impl Rex {
    /// What a message means.
    //= docs/spec/calls.md#rex-requests
    #[must_use]
    pub fn of(message: Term) -> Self {
        let found = match Message::of(message) {
            Message::Call(client, body) => {
                called(body, &["call", "block_call"]).map(|call| Self::Call(client, call))
            }
            Message::Cast(body) => called(body, &["cast"]).map(Self::Cast),
            Message::Info(term) => Self::info(term),
            Message::System(..) => None,
        };
        found.unwrap_or(Self::Nothing)
    }

    fn info(term: Term) -> Option<Self> {
        let [Term::Pid(from), what] = elements::<2>(term).ok()? else { return None };
        if is_atom(&what, "features_request") {
            return Some(Self::Features(from));
        }
        match elements::<3>(what) {
            Ok([what, Term::Atom(name), message]) => match what.as_atom()?.as_str() {
                "sbcast" => Some(Self::Broadcast(from, name, message)),
                "send" => Some(Self::Send(from, name, message)),
                _ => None,
            },
            Ok(_) => None,
            Err(what) => {
                let call = called(what, &["call"])?;
                Some(Self::Call(Client::new(from, Term::literal("rex")), call))
            }
        }
    }
}

/// `{Label,Module,Function,Arguments,GroupLeader}`.
fn called(request: Term, labels: &[&str]) -> Option<Apply> {
    let [label, module, function, arguments, _] = elements::<5>(request).ok()?;
    let is_call = labels.iter().any(|text| is_atom(&label, text));
    is_call.then(|| apply::apply([module, function, arguments]))
}

/// What a node can do, as it says to another one that asks: functions are called by `erpc`.
//= docs/spec/calls.md#rex-features
#[must_use]
pub fn features(own: Atom) -> Term {
    let features = Term::list([Term::literal("erpc")]);
    Term::tuple([Term::literal("features_reply"), own.into(), features])
}

/// The answer to who has a message sent to a name: whether there was a process with that name.
//= docs/spec/calls.md#rex-broadcast
#[must_use]
pub fn was_sent(own: Atom, name: Atom, was_there: bool) -> Term {
    let what = if was_there {
        own.clone().into()
    } else {
        Term::tuple([Term::literal("nonexisting_name"), name.into()])
    };
    Term::tuple([Term::literal("rex"), own.into(), what])
}

#[cfg(test)]
mod tests {
    use super::super::erpc::{self, Outcome};
    use super::super::external;
    use super::*;
    use crate::creation::Creation;
    use crate::term::Limits;
    use alloc::string::ToString as _;
    use alloc::vec;

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    fn pid() -> Pid {
        Pid { node: Atom::literal("a@h"), id: 7, serial: 0, creation: Creation(3) }
    }

    fn parse(message: &Term) -> Rex {
        Rex::of(message.clone())
    }

    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn results_have_the_old_form() {
        let error = || Outcome::Error { reason: term("badarg"), stack: term("[]") };
        for (outcome, old) in [
            (Outcome::Return(term("1")), "1"),
            (Outcome::Return(term("{'EXIT',1}")), "{badrpc,{'EXIT',1}}"),
            (Outcome::Throw(term("1")), "1"),
            (Outcome::Throw(term("{'EXIT',1}")), "{badrpc,{'EXIT',1}}"),
            (Outcome::Exit(term("1")), "{badrpc,{'EXIT',1}}"),
            (error(), "{badrpc,{'EXIT',{badarg,[]}}}"),
        ] {
            let reason = external(&outcome.into_reason(term("res"))).unwrap();
            let new = erpc::outcome(&reason, &term("res"), &Limits::default());
            let given = result(new).unwrap_or_else(|bad| bad.to_term());
            assert_eq!(given.to_string(), old);
        }
        for (failure, old) in [
            (Exception::Failed(ErpcFailure::NoConnection), "{badrpc,nodedown}"),
            (Exception::Failed(ErpcFailure::Timeout), "{badrpc,timeout}"),
            (Exception::Failed(ErpcFailure::NotSupported), "{badrpc,notsup}"),
            (Exception::Failed(ErpcFailure::SystemLimit), "{badrpc,{'EXIT',system_limit}}"),
            (Exception::Signal(term("killed")), "{badrpc,{'EXIT',killed}}"),
        ] {
            assert_eq!(result(Err(failure)).unwrap_err().to_string(), old);
        }
    }

    //= docs/spec/calls.md#rex-requests
    //= type=test
    #[test]
    fn old_requests_are_understood() {
        let call = |label: &str| {
            let [m, f] = ["m", "f"].map(|name| Term::from(Atom::new(name).unwrap()));
            Term::tuple([Term::from(Atom::new(label).unwrap()), m, f, term("[1]"), pid().into()])
        };
        let apply = || Ok((Atom::literal("m"), Atom::literal("f"), vec![term("1")]));
        let from = Term::tuple([pid().into(), term("tag")]);
        for label in ["call", "block_call"] {
            let asked = Term::tuple([term("'$gen_call'"), from.clone(), call(label)]);
            let Rex::Call(client, found) = parse(&asked) else { panic!("{label}") };
            assert_eq!((client, found), (Client::new(pid(), term("tag")), apply()));
        }
        let c_node = Term::tuple([pid().into(), call("call")]);
        let Rex::Call(client, found) = parse(&c_node) else { panic!("a call of a C node") };
        assert_eq!((client, found), (Client::new(pid(), term("rex")), apply()));
        let cast = Term::tuple([term("'$gen_cast'"), call("cast")]);
        assert_eq!(parse(&cast), Rex::Cast(apply()));
        let broadcast = Term::tuple([pid().into(), term("{sbcast,name,1}")]);
        assert_eq!(parse(&broadcast), Rex::Broadcast(pid(), Atom::literal("name"), term("1")));
        let send = Term::tuple([pid().into(), term("{send,name,1}")]);
        assert_eq!(parse(&send), Rex::Send(pid(), Atom::literal("name"), term("1")));
        let bad = Term::tuple([pid().into(), term("{call,m,f,[1|2],user}")]);
        assert!(matches!(parse(&bad), Rex::Call(_, Err(_))));
        for other in [
            Term::tuple([term("'$gen_call'"), from, call("cast")]),
            Term::tuple([term("'$gen_cast'"), call("call")]),
            Term::tuple([pid().into(), call("cast")]),
            Term::tuple([pid().into(), term("{sbcast,1,1}")]),
            Term::tuple([pid().into(), term("{other,name,1}")]),
            term("{a,features_request}"),
            term("x"),
        ] {
            assert_eq!(parse(&other), Rex::Nothing, "{other}");
        }
    }

    //= docs/spec/calls.md#rex-features
    //= type=test
    //= docs/spec/calls.md#rex-broadcast
    //= type=test
    #[test]
    fn questions_about_this_node_are_answered() {
        let asked = Term::tuple([pid().into(), term("features_request")]);
        assert_eq!(parse(&asked), Rex::Features(pid()));
        let own = || Atom::literal("b@h");
        assert_eq!(features(own()), term("{features_reply,b@h,[erpc]}"));
        let name = || Atom::literal("name");
        assert_eq!(was_sent(own(), name(), true), term("{rex,b@h,b@h}"));
        let nobody = term("{rex,b@h,{nonexisting_name,name}}");
        assert_eq!(was_sent(own(), name(), false), nobody);
    }
}
