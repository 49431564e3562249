//! Why a call gave nothing: what Erlang's function raises, and the exit code that stands for it.

use core::time::Duration;

use netkernel_smol::core::calls::erpc::{ErpcFailure, Exception};
use netkernel_smol::core::calls::gen_server::CallFailure;
use netkernel_smol::core::term::{Atom, Term};
use netkernel_smol::{CallError, ErpcError, SendError, Target};
use serde_json::Value;

use crate::report::Line;
use crate::term_json::json;

/// The exit codes of `netkernel call` and `netkernel send` behind 0, 1 and 2; docs/command.md lists them.
pub(crate) mod code {
    /// The node cannot be reached.
    pub(crate) const NOT_CONNECTED: u8 = 3;
    /// The link has ended meanwhile.
    pub(crate) const NO_CONNECTION: u8 = 4;
    pub(crate) const TIMEOUT: u8 = 5;
    /// The other node makes no such call, or what it answers is not taken.
    pub(crate) const REFUSED: u8 = 6;
    pub(crate) const THROW: u8 = 7;
    pub(crate) const ERROR: u8 = 8;
    pub(crate) const EXIT: u8 = 9;
    pub(crate) const NO_PROCESS: u8 = 10;
}

/// An exception of Erlang, or a request that was not sent.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Class and reason.
    raised: Option<(&'static str, Term)>,
    text: String,
    pub(crate) code: u8,
}

impl Failure {
    /// What a call of a function came to.
    pub(crate) fn of_erpc(error: ErpcError) -> Self {
        let exception = match error {
            ErpcError::Raised(exception) => exception,
            ErpcError::Send(error) => return error.into(),
            other => return Self::other(&other),
        };
        let code = match &exception {
            Exception::Throw(_) => code::THROW,
            Exception::Exit(_) | Exception::Signal(_) => code::EXIT,
            Exception::Error(_) => code::ERROR,
            Exception::Failed(ErpcFailure::NoConnection) => code::NO_CONNECTION,
            Exception::Failed(ErpcFailure::Timeout) => code::TIMEOUT,
            Exception::Failed(_) | _ => code::REFUSED,
        };
        let (class, reason) = exception.class_and_reason();
        let refused = matches!(exception, Exception::Failed(ErpcFailure::Refused(_)));
        let text = if refused { exception.to_string() } else { raised(class, &reason) };
        Self { raised: Some((class, reason)), text, code }
    }

    /// What a call of a server came to: Erlang's function exits with the reason, and with the call that it was.
    pub(crate) fn of_server(error: CallError, call: &ServerCall) -> Self {
        let failure = match error {
            CallError::Failed(failure) => failure.of_call(call.server.node()),
            CallError::Send(error) => return error.into(),
            other => return Self::other(&other),
        };
        let code = match &failure {
            CallFailure::NoProcess => code::NO_PROCESS,
            CallFailure::NodeDown(_) => code::NO_CONNECTION,
            CallFailure::Timeout => code::TIMEOUT,
            CallFailure::Exit(_) => code::EXIT,
            CallFailure::CallingSelf | CallFailure::Refused(_) | _ => code::REFUSED,
        };
        let reason = Term::tuple([failure.to_reason(), call.to_term()]);
        let refused = matches!(failure, CallFailure::Refused(_));
        let text = if refused { failure.to_string() } else { raised("exit", &reason) };
        Self { raised: Some(("exit", reason)), text, code }
    }

    /// Whether the function that was called is not there, with so many arguments.
    pub(crate) fn is_undef(&self, module: &Atom, function: &Atom, arity: usize) -> bool {
        let is = |term: &Term, atom: &Atom| term.as_atom() == Some(atom);
        let word = |term: &Term, text| term.as_atom().is_some_and(|atom| atom.as_str() == text);
        let Some(("error", reason)) = &self.raised else { return false };
        let Some([tag, undef, stack]) = reason.as_tuple() else { return false };
        let Some([m, f, a, _]) = stack.as_list().and_then(|stack| stack.first()?.as_tuple()) else {
            return false;
        };
        let is_call = is(m, module) && is(f, function);
        let has_arity = a.as_list().is_some_and(|a| a.len() == arity);
        word(tag, "exception") && word(undef, "undef") && is_call && has_arity
    }

    pub(crate) fn other(error: &dyn core::fmt::Display) -> Self {
        Self { raised: None, text: error.to_string(), code: 1 }
    }

    /// In both forms; the object is for this event.
    pub(crate) fn line(&self, mut event: Value) -> Line {
        match &self.raised {
            Some((class, reason)) => {
                event["class"] = (*class).into();
                event["exception"] = format!("{{{class},{reason}}}").into();
                event["reason"] = json(reason);
            }
            None => event["error"] = self.text.as_str().into(),
        }
        Line::new(&self.text, event)
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self::other(&error)
    }
}

/// As Erlang's shell begins.
fn raised(class: &str, reason: &Term) -> String {
    format!("** exception {class}: {reason}")
}

/// A call of a server, as Erlang names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerCall {
    pub(crate) server: Target,
    pub(crate) request: Term,
    /// `None`: Erlang's own, of 5 seconds.
    pub(crate) timeout: Option<Timeout>,
}

/// How long to wait; `None`: for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

/// What `gen_server:call/2` waits.
const SERVER_TIMEOUT: Duration = Duration::from_secs(5);

impl ServerCall {
    pub(crate) const fn limit(&self) -> Option<Duration> {
        match self.timeout {
            Some(timeout) => timeout.0,
            None => Some(SERVER_TIMEOUT),
        }
    }

    /// `{gen_server,call,[Server,Request]}`, with the time-out if one was given.
    fn to_term(&self) -> Term {
        let server = match &self.server {
            Target::Pid(pid) => pid.clone().into(),
            Target::Name(name, node) => {
                Term::tuple([name.clone().into(), node.as_atom().clone().into()])
            }
        };
        let timeout = self.timeout.map(Timeout::to_term);
        let arguments = Term::list([server, self.request.clone()].into_iter().chain(timeout));
        let word = |text| Atom::new(text).map_or(Term::NIL, Term::from);
        Term::tuple([word("gen_server"), word("call"), arguments])
    }
}

impl Timeout {
    /// Seconds, or `infinity`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "infinity" {
            return Ok(Self(None));
        }
        let seconds = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
        seconds.map(|limit| Self(Some(limit))).ok_or_else(|| "seconds or infinity is wanted".into())
    }

    /// As Erlang has it: milliseconds, or `infinity`.
    pub(crate) fn of_term(term: &Term) -> Option<Self> {
        if term.as_atom().is_some_and(|atom| atom.as_str() == "infinity") {
            return Some(Self(None));
        }
        let milliseconds = u32::try_from(term.as_i64()?).ok()?;
        Some(Self(Some(Duration::from_millis(milliseconds.into()))))
    }

    fn to_term(self) -> Term {
        match self.0 {
            Some(limit) => i64::try_from(limit.as_millis()).unwrap_or(i64::MAX).into(),
            None => Atom::new("infinity").map_or(Term::NIL, Term::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_smol::core::term::Limits;

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    #[test]
    fn exceptions_have_their_text_and_their_code() {
        let error = Exception::Error(Box::new((term("badarith"), term("[{m,f,1,[]}]"))));
        let failed = |failure| Exception::Failed(failure);
        for (exception, text, code) in [
            (Exception::Throw(term("1")), "throw: 1", 7),
            (error, "error: {exception,badarith,[{m,f,1,[]}]}", 8),
            (Exception::Exit(term("a")), "exit: {exception,a}", 9),
            (Exception::Signal(term("killed")), "exit: {signal,killed}", 9),
            (failed(ErpcFailure::NoConnection), "error: {erpc,noconnection}", 4),
            (failed(ErpcFailure::Timeout), "error: {erpc,timeout}", 5),
            (failed(ErpcFailure::NotSupported), "error: {erpc,notsup}", 6),
            (failed(ErpcFailure::Other(term("badarg"))), "error: {erpc,badarg}", 6),
        ] {
            let failure = Failure::of_erpc(exception.into());
            assert_eq!((failure.text, failure.code), (format!("** exception {text}"), code));
        }
        let refused = Term::decode(b"", &Limits::default()).unwrap_err();
        let refused = Failure::of_erpc(failed(ErpcFailure::Refused(refused)).into());
        assert!(refused.text.starts_with("the result is refused") && refused.code == 6);
        assert_eq!(Failure::from(SendError::NotAlive).code, 1);
    }

    #[test]
    fn exits_of_servers_name_the_call() {
        let server = Target::Name(Atom::new("shop").unwrap(), "b@h".parse().unwrap());
        let mut call = ServerCall { server, request: term("price"), timeout: None };
        assert_eq!(call.limit(), Some(SERVER_TIMEOUT));
        for (failure, reason, code) in [
            (CallFailure::NoProcess, "noproc", 10),
            (CallFailure::NodeDown(Atom::new("b@h").unwrap()), "{nodedown,b@h}", 4),
            (CallFailure::NoConnection, "{nodedown,b@h}", 4),
            (CallFailure::Timeout, "timeout", 5),
            (CallFailure::Exit(term("{a,1}")), "{a,1}", 9),
        ] {
            let failure = Failure::of_server(failure.into(), &call);
            let text =
                format!("** exception exit: {{{reason},{{gen_server,call,[{{shop,b@h}},price]}}}}");
            assert_eq!((failure.text, failure.code), (text, code));
        }
        for (timeout, told) in [("0.25", "250"), ("infinity", "infinity")] {
            call.timeout = Some(Timeout::parse(timeout).unwrap());
            let told = format!("{{gen_server,call,[{{shop,b@h}},price,{told}]}}");
            assert_eq!(call.to_term(), term(&told));
        }
        assert_eq!(call.limit(), None);
    }

    #[test]
    fn time_is_given_in_seconds_or_as_erlang_gives_it() {
        for wrong in ["", "-1", "x", "NaN", "1e300"] {
            assert!(Timeout::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Timeout::parse("1.5"), Ok(Timeout(Some(Duration::from_millis(1500)))));
        let of = |text| Timeout::of_term(&term(text));
        assert_eq!(of("250"), Some(Timeout(Some(Duration::from_millis(250)))));
        assert_eq!((of("infinity"), of("-1"), of("x")), (Some(Timeout(None)), None, None));
    }
}
