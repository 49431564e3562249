//! Calls and casts of `gen_server`.

use alloc::boxed::Box;
use alloc::vec;
use bytes::Bytes;
use core::fmt;

use super::sys::System;
use super::{elements, external, is_atom};
use crate::process::Target;
use crate::term::{Atom, Head, Limits, List, Pid, Reader, Reference, Term, TermError, TooLong};

/// The message that calls a server: `{'$gen_call',{Own,[alias|Request]},Body}`. `request` is the reference of the caller's monitor of the
/// server, which is an alias until the reply has come ([`MonitorAlias::ReplyDemonitor`](crate::process::MonitorAlias::ReplyDemonitor)).
///
/// # Errors
/// [`TooLong`]: the body is.
//= docs/spec/calls.md#call-request
pub fn call(own: &Pid, request: &Reference, body: &Term) -> Result<Bytes, TooLong> {
    let from = Term::tuple([own.clone().into(), alias_tag(request)]);
    external(&Term::tuple([Term::literal("$gen_call"), from, body.clone()]))
}

/// The message of a cast: `{'$gen_cast',Body}`.
///
/// # Errors
/// [`TooLong`]: the body is.
//= docs/spec/calls.md#call-cast
pub fn cast(body: &Term) -> Result<Bytes, TooLong> {
    external(&Term::tuple([Term::literal("$gen_cast"), body.clone()]))
}

/// The reply to that request, one term without version byte, if this message is the reply.
//= docs/spec/calls.md#call-reply
#[must_use]
pub fn reply(message: &Bytes, request: &Reference) -> Option<Bytes> {
    let mut reader = Reader::new(message);
    reader.version().ok()?;
    if reader.tuple().ok()? != 2 || reader.list().ok()? != 1 || !reader.at_atom() {
        return None;
    }
    if reader.atom_ref().ok()? != *"alias" {
        return None;
    }
    let Ok(Head::Reference(alias)) = reader.head() else { return None };
    // The words first: most messages that a caller passes by are replies to others.
    let is_reply = alias.words().eq(request.words().iter().copied());
    if !is_reply || alias.to_reference() != *request {
        return None;
    }
    Some(message.slice_ref(reader.raw().ok()?))
}

fn alias_tag(request: &Reference) -> Term {
    List::with_tail(vec![Term::literal("alias")], request.clone().into())
}

/// Why a call has no reply: what `gen_server:call/3` exits with, and `gen_server:receive_response/2` and its kin return.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallFailure {
    /// `noproc`: there is no such server.
    NoProcess,
    /// `{nodedown,Node}`: its node cannot be reached, or the link has ended. The server may have had the request. Who calls is told so.
    NodeDown(Atom),
    /// `noconnection`: the same, for who sends a request and looks for its reply later.
    NoConnection,
    /// `calling_self`: the server is the caller, who could not answer.
    CallingSelf,
    /// `timeout`: no reply has come in time. The server may have the request still.
    Timeout,
    /// The server has ended for this reason.
    Exit(Term),
    /// The reply, or the reason, breaks the limits of terms.
    Refused(TermError),
}

impl CallFailure {
    /// Of the end of the server, as its monitor tells it: a complete external term.
    //= docs/spec/calls.md#call-failures
    #[must_use]
    pub fn of_down(reason: &[u8], limits: &Limits) -> Self {
        let reason = match Term::decode(reason, limits) {
            Ok(reason) => reason,
            Err(error) => return Self::Refused(error),
        };
        match reason.as_atom().map(Atom::as_str) {
            Some("noproc") => Self::NoProcess,
            Some("noconnection") => Self::NoConnection,
            _ => Self::Exit(reason),
        }
    }

    /// Of a request that was not sent, since there is no way to the server's node. From a node that is not alive, a name on another is known to be out
    /// of reach before there is a monitor.
    //= docs/spec/calls.md#call-unreached
    #[must_use]
    pub fn unreached(server: &Target, is_alive: bool) -> Self {
        match server {
            Target::Name(_, node) if !is_alive => Self::NodeDown(node.as_atom().clone()),
            Target::Name(..) | Target::Pid(_) => Self::NoConnection,
        }
    }

    /// What `gen_server:call/3` makes of it, for a server on `node`.
    #[must_use]
    pub fn of_call(self, node: &Atom) -> Self {
        if self == Self::NoConnection { Self::NodeDown(node.clone()) } else { self }
    }

    /// What Erlang's functions tell, but for the `{gen_server,call,Arguments}` or the server that they put beside it; `badterm` is ours.
    #[must_use]
    pub fn to_reason(&self) -> Term {
        match self {
            Self::NoProcess => Term::literal("noproc"),
            Self::NodeDown(node) => Term::tuple([Term::literal("nodedown"), node.clone().into()]),
            Self::NoConnection => Term::literal("noconnection"),
            Self::CallingSelf => Term::literal("calling_self"),
            Self::Timeout => Term::literal("timeout"),
            Self::Exit(reason) => reason.clone(),
            Self::Refused(_) => Term::literal("badterm"),
        }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess => f.write_str("there is no such server"),
            Self::NodeDown(node) => write!(f, "there is no link with {node}"),
            Self::NoConnection => f.write_str("there is no link with the server's node"),
            Self::CallingSelf => f.write_str("the server is the caller"),
            Self::Timeout => f.write_str("no reply has come in time"),
            Self::Exit(reason) => write!(f, "the server has ended: {reason}"),
            Self::Refused(error) => write!(f, "the answer is refused: {error}"),
        }
    }
}

impl core::error::Error for CallFailure {}

/// What a message means to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A call, which waits for a reply.
    Call(Client, Term),
    /// A cast.
    Cast(Term),
    /// A call of `sys`.
    System(Client, System),
    /// Any other message.
    Info(Term),
}

impl Message {
    /// What a complete external term means.
    ///
    /// # Errors
    /// What is wrong with it, or which limit it breaks. Who asked by it waits for its own time-out.
    //= docs/spec/calls.md#call-server
    pub fn parse(message: &[u8], limits: &Limits) -> Result<Self, TermError> {
        Ok(Self::of(Term::decode(message, limits)?))
    }

    /// What a term means.
    #[must_use]
    pub fn of(term: Term) -> Self {
        match elements::<3>(term) {
            Ok([label, from, body]) if is_atom(&label, "$gen_call") => match Client::of(from) {
                Ok(client) => Self::Call(client, body),
                Err(from) => Self::Info(Term::tuple([label, from, body])),
            },
            //= docs/spec/calls.md#call-system
            Ok([label, from, body]) if is_atom(&label, "system") => match Client::of(from) {
                Ok(client) => Self::System(client, System::of(body)),
                Err(from) => Self::Info(Term::tuple([label, from, body])),
            },
            Ok(other) => Self::Info(Term::tuple(other)),
            Err(term) => match elements::<2>(term) {
                Ok([label, body]) if is_atom(&label, "$gen_cast") => Self::Cast(body),
                Ok(other) => Self::Info(Term::tuple(other)),
                Err(other) => Self::Info(other),
            },
        }
    }
}

/// What a server gets when nothing has come for as long as it said.
#[must_use]
pub fn timeout() -> Term {
    Term::literal("timeout")
}

/// Who waits for a reply (`gen_server:from()`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    pid: Pid,
    tag: Box<Term>,
}

impl Client {
    /// A client that waits for `{Tag,Reply}`.
    pub(super) fn new(pid: Pid, tag: Term) -> Self {
        Self { pid, tag: Box::new(tag) }
    }

    /// `{Pid,Tag}`.
    fn of(from: Term) -> Result<Self, Term> {
        match elements::<2>(from)? {
            [Term::Pid(pid), tag] => Ok(Self::new(pid, tag)),
            other => Err(Term::tuple(other)),
        }
    }

    /// The process that waits.
    #[must_use]
    pub const fn pid(&self) -> &Pid {
        &self.pid
    }

    /// `{Tag,Reply}`, and where to send it (`gen_server:reply/2`).
    ///
    /// # Errors
    /// [`TooLong`]: the reply is.
    //= docs/spec/calls.md#call-reply-to
    pub fn reply(&self, reply: &Term) -> Result<(ReplyTo, Bytes), TooLong> {
        let to = alias_of(&self.tag)
            .map_or_else(|| ReplyTo::Pid(self.pid.clone()), |alias| ReplyTo::Alias(alias.clone()));
        Ok((to, external(&Term::tuple([(*self.tag).clone(), reply.clone()]))?))
    }
}

/// As Erlang has it.
impl From<&Client> for Term {
    fn from(client: &Client) -> Self {
        Self::tuple([client.pid.clone().into(), (*client.tag).clone()])
    }
}

/// Where a reply is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReplyTo {
    /// To a process.
    Pid(Pid),
    /// To an alias: it arrives only if the client still waits.
    Alias(Reference),
}

/// The alias in `[alias|Alias]` or `[[alias|Alias]|_]`.
fn alias_of(tag: &Term) -> Option<&Reference> {
    let Term::List(list) = tag else { return None };
    let inner = match list.elements() {
        [Term::List(inner), ..] => inner,
        _ => list,
    };
    match (inner.elements(), inner.tail()) {
        ([label], Some(Term::Reference(alias))) if is_atom(label, "alias") => Some(alias),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;
    use crate::name::NodeName;
    use alloc::borrow::ToOwned as _;
    use alloc::string::ToString as _;

    fn pid() -> Pid {
        Pid { node: Atom::literal("a@h"), id: 7, serial: 0, creation: Creation(3) }
    }

    fn reference(last: u32) -> Reference {
        Reference::new(Atom::literal("a@h"), Creation(3), &[1, 2, last]).unwrap()
    }

    fn parse(message: &Bytes) -> Message {
        Message::parse(message, &Limits::default()).unwrap()
    }

    fn with_tag(tag: Term) -> Message {
        let from = Term::tuple([pid().into(), tag]);
        parse(&external(&Term::tuple([Term::literal("$gen_call"), from, 1_i64.into()])).unwrap())
    }

    //= docs/spec/calls.md#call-request
    //= type=test
    //= docs/spec/calls.md#call-reply
    //= type=test
    #[test]
    fn a_request_and_its_reply_find_each_other() {
        let request = reference(3);
        let Message::Call(client, body) = parse(&call(&pid(), &request, &7_i64.into()).unwrap())
        else {
            panic!("a call")
        };
        assert_eq!((client.pid(), body), (&pid(), 7_i64.into()));
        let (to, message) = client.reply(&Term::literal("ok")).unwrap();
        assert_eq!(to, ReplyTo::Alias(request.clone()));
        assert_eq!(reply(&message, &request).as_deref(), Some(&b"w\x02ok"[..]));
        assert_eq!(reply(&message, &reference(4)), None);
        for other in ["{ok,ok}", "{[alias],ok}", "{[alias|ok],ok}", "[]", "{[], ok}", "ok", "{1}"] {
            let other = external(&other.parse().unwrap()).unwrap();
            assert_eq!(reply(&other, &request), None);
        }
        for cut in 0..message.len() {
            assert_eq!(reply(&message.slice(..cut), &request), None);
        }
    }

    //= docs/spec/calls.md#call-reply-to
    //= type=test
    #[test]
    fn replies_go_to_the_alias_if_there_is_one() {
        let (alias, nil) = (alias_tag(&reference(3)), Term::NIL);
        let label = List::with_tail(vec![alias.clone()], nil.clone());
        for (tag, has_alias) in [
            (alias, true),
            (label, true),
            (reference(3).into(), false),
            (Term::literal("rex"), false),
            (nil, false),
            (List::with_tail(vec![Term::literal("other")], reference(3).into()), false),
        ] {
            let Message::Call(client, _) = with_tag(tag.clone()) else { panic!("a call") };
            let (to, message) = client.reply(&2_i64.into()).unwrap();
            let expected =
                if has_alias { ReplyTo::Alias(reference(3)) } else { ReplyTo::Pid(pid()) };
            assert_eq!(to, expected, "{tag}");
            let reply = Term::tuple([tag, 2_i64.into()]);
            assert_eq!(Term::decode(&message, &Limits::default()), Ok(reply));
        }
    }

    //= docs/spec/calls.md#call-cast
    //= type=test
    //= docs/spec/calls.md#call-server
    //= type=test
    #[test]
    fn what_is_no_call_is_a_cast_or_a_message() {
        assert_eq!(parse(&cast(&5_i64.into()).unwrap()), Message::Cast(5_i64.into()));
        for text in [
            "ok",
            "{'$gen_call',a,b}",
            "{'$gen_call',{a,b},c}",
            "{'$gen_call',a}",
            "{'$gen_cast',a,b}",
            "{system,a,b}",
            "{}",
            "{a,b}",
            "{1,2,3,4}",
        ] {
            let term: Term = text.parse().unwrap();
            assert_eq!(parse(&external(&term).unwrap()), Message::Info(term));
        }
        assert!(Message::parse(b"\x83h\x02a", &Limits::default()).is_err());
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    #[test]
    fn ends_of_servers_are_told_apart() {
        let node = Atom::literal("b@h");
        for (reason, error, called) in [
            ("noproc", CallFailure::NoProcess, "noproc"),
            ("noconnection", CallFailure::NoConnection, "{nodedown,b@h}"),
            ("normal", CallFailure::Exit(Term::literal("normal")), "normal"),
            ("{bad,1}", CallFailure::Exit("{bad,1}".parse().unwrap()), "{bad,1}"),
        ] {
            let told = external(&reason.parse().unwrap()).unwrap();
            let found = CallFailure::of_down(&told, &Limits::default());
            assert_eq!((found.to_reason().to_string(), &found), (reason.to_owned(), &error));
            assert_eq!(found.of_call(&node).to_reason().to_string(), called);
        }
        let none = CallFailure::of_down(b"", &Limits::default());
        assert!(matches!(none, CallFailure::Refused(_)));
        assert_eq!(CallFailure::Timeout.to_reason().to_string(), "timeout");
    }

    //= docs/spec/calls.md#call-unreached
    //= type=test
    #[test]
    fn a_name_is_out_of_reach_at_once_where_there_is_no_distribution() {
        let name = Target::Name(Atom::literal("server"), NodeName::new("b@h").unwrap());
        let of = CallFailure::unreached;
        assert_eq!(of(&name, false), CallFailure::NodeDown(Atom::literal("b@h")));
        assert_eq!(of(&name, true), CallFailure::NoConnection);
        for is_alive in [false, true] {
            assert_eq!(of(&Target::Pid(pid()), is_alive), CallFailure::NoConnection);
        }
    }
}
