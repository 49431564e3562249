//! Calls of functions on other nodes (`erpc`): a process is spawned for each, and ends for a reason that holds the result.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

pub use super::apply::resolve;
use super::apply::{Apply, apply};
use super::{elements, is_atom};
use crate::process::{Function, Mfa, SpawnFailure};
use crate::term::{Atom, Limits, Term, TermError, TooLong};

/// The process that makes a call: `erpc:execute_call(Result,Module,Function,Arguments)`. `result` is any term that no reason of an exit has
/// by chance: Erlang takes a new reference.
///
/// # Errors
/// [`TooLong`]: the arguments are.
//= docs/spec/calls.md#erpc-request
pub fn execute_call(
    result: &Term,
    module: &Atom,
    function: &Atom,
    arguments: &[Term],
) -> Result<Mfa, TooLong> {
    let arguments =
        [result.clone(), module.clone().into(), function.clone().into(), arguments.to_vec().into()];
    Mfa::new(Atom::literal("erpc"), Atom::literal("execute_call"), &arguments)
}

/// The process that makes a call of which nobody wants to know the result: `erpc:execute_cast(Module,Function,Arguments)`.
///
/// # Errors
/// [`TooLong`]: the arguments are.
pub fn execute_cast(module: &Atom, function: &Atom, arguments: &[Term]) -> Result<Mfa, TooLong> {
    let arguments = [module.clone().into(), function.clone().into(), arguments.to_vec().into()];
    Mfa::new(Atom::literal("erpc"), Atom::literal("execute_cast"), &arguments)
}

/// The functions that answer calls and casts.
#[must_use]
pub fn served() -> [Function; 2] {
    [("execute_call", 4), ("execute_cast", 3)].map(|(function, arity)| Function {
        module: Atom::literal("erpc"),
        function: Atom::literal(function),
        arity,
    })
}

/// What a call gives, or what it raises.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The function returned this.
    Return(Term),
    /// It has thrown this (`throw/1`).
    Throw(Term),
    /// It has ended its process (`exit/1`).
    Exit(Term),
    /// It has failed (`error/1`).
    Error {
        /// Why.
        reason: Term,
        /// Where: a list of `{Module,Function,Arity,Location}`.
        stack: Term,
    },
}

impl Outcome {
    /// As its caller gets it.
    ///
    /// # Errors
    /// [`Exception`]: it gave no value.
    pub fn into_result(self) -> Result<Term, Exception> {
        match self {
            Self::Return(value) => Ok(value),
            Self::Throw(value) => Err(Exception::Throw(value)),
            Self::Exit(reason) => Err(Exception::Exit(reason)),
            Self::Error { reason, stack } => Err(Exception::Error(Box::new((reason, stack)))),
        }
    }

    /// There is no such function: `undef`.
    #[must_use]
    pub fn undefined(module: Atom, function: Atom, arguments: Term) -> Self {
        let call = Term::tuple([module.into(), function.into(), arguments, Term::NIL]);
        Self::Error { reason: Term::literal("undef"), stack: vec![call].into() }
    }

    /// The function does not take such arguments: `badarg`.
    #[must_use]
    pub fn badarg() -> Self {
        Self::Error { reason: Term::literal("badarg"), stack: Term::NIL }
    }

    /// The reason for which the process ends that [`execute_call`] names.
    //= docs/spec/calls.md#erpc-outcome
    #[must_use]
    pub fn into_reason(self, result: Term) -> Term {
        let [what, value] = match self {
            Self::Return(value) => [Term::literal("return"), value],
            Self::Throw(value) => [Term::literal("throw"), value],
            Self::Exit(reason) => [Term::literal("exit"), reason],
            Self::Error { reason, stack } => {
                return Term::tuple([result, Term::literal("error"), reason, stack]);
            }
        };
        Term::tuple([result, what, value])
    }

    /// The reason for which the process ends that [`execute_cast`] names; `None` for `normal`.
    //= docs/spec/calls.md#erpc-cast-outcome
    #[must_use]
    pub fn into_cast_reason(self) -> Option<Term> {
        let error = match self {
            Self::Return(_) => return None,
            Self::Exit(reason) => return Some(reason),
            Self::Throw(value) => Term::tuple([Term::literal("nocatch"), value]),
            Self::Error { reason, stack } => {
                Term::tuple([Term::literal("exception"), Term::tuple([reason, stack])])
            }
        };
        Some(Term::tuple([error, Term::NIL]))
    }
}

/// A call that this node is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Execution {
    /// What marks its result; none if nobody wants to know.
    pub result: Option<Term>,
    /// Module, function and arguments; or what the call raises, which is none.
    pub call: Apply,
}

impl Execution {
    /// Of the arguments of a function that is [`served`].
    //= docs/spec/calls.md#erpc-served
    #[must_use]
    pub fn parse(mut arguments: Vec<Term>) -> Self {
        let result = (arguments.len() == 4).then(|| arguments.remove(0));
        let call = <[Term; 3]>::try_from(arguments).map_or_else(|_| Err(Outcome::badarg()), apply);
        Self { result, call }
    }
}

/// Why a call gave nothing: what `erpc:call/5` raises.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum Exception {
    /// `throw:Value`: the function has thrown it.
    Throw(Term),
    /// `exit:{exception,Reason}`: it has ended its process.
    Exit(Term),
    /// `exit:{signal,Reason}`: an exit signal has ended its process.
    Signal(Term),
    /// `error:{exception,Reason,Stack}`: it has failed.
    Error(Box<(Term, Term)>),
    /// `error:{erpc,Reason}`: there was no call, or nobody knows.
    Failed(ErpcFailure),
}

/// Why a call was not made, or its result is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum ErpcFailure {
    /// `noconnection`: the node cannot be reached, or the link has ended. The function may have been called.
    NoConnection,
    /// `timeout`: no result has come in time. The function may be called still.
    Timeout,
    /// `notsup`: the node does not spawn.
    NotSupported,
    /// `system_limit`: there are too many processes, or too many requests without an answer.
    SystemLimit,
    /// Another reason of the other node.
    Other(Term),
    /// The result breaks the limits of terms.
    Refused(TermError),
}

impl Exception {
    /// `throw`, `exit` or `error`, and the reason.
    #[must_use]
    pub fn class_and_reason(&self) -> (&'static str, Term) {
        let tagged = |tag, reason: &Term| Term::tuple([Term::literal(tag), reason.clone()]);
        match self {
            Self::Throw(value) => ("throw", value.clone()),
            Self::Exit(reason) => ("exit", tagged("exception", reason)),
            Self::Signal(reason) => ("exit", tagged("signal", reason)),
            Self::Error(exception) => {
                let (reason, stack) = (**exception).clone();
                ("error", Term::tuple([Term::literal("exception"), reason, stack]))
            }
            Self::Failed(failure) => ("error", tagged("erpc", &failure.to_term())),
        }
    }

    /// As `erpc:multicall/5` has it: `{Class,Reason}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let (class, reason) = self.class_and_reason();
        Term::tuple([Term::literal(class), reason])
    }
}

impl ErpcFailure {
    /// What Erlang has for it; `badterm` is ours.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Self::NoConnection => Term::literal("noconnection"),
            Self::Timeout => Term::literal("timeout"),
            Self::NotSupported => Term::literal("notsup"),
            Self::SystemLimit => Term::literal("system_limit"),
            Self::Other(reason) => reason.clone(),
            Self::Refused(_) => Term::literal("badterm"),
        }
    }

    fn of(reason: Term) -> Self {
        match reason.as_atom().map(Atom::as_str) {
            Some("noconnection") => Self::NoConnection,
            Some("notsup") => Self::NotSupported,
            Some("system_limit") => Self::SystemLimit,
            _ => Self::Other(reason),
        }
    }
}

impl From<SpawnFailure> for Exception {
    fn from(failure: SpawnFailure) -> Self {
        Self::Failed(ErpcFailure::of(failure.to_atom().into()))
    }
}

/// Class and reason, as Erlang writes them.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Failed(ErpcFailure::Refused(error)) = self {
            return write!(f, "the result is refused: {error}");
        }
        let (class, reason) = self.class_and_reason();
        write!(f, "{class}:{reason}")
    }
}

impl core::error::Error for Exception {}

/// What the end of the process says that makes a call: `reason` is a complete external term, as its monitor tells it.
///
/// # Errors
/// [`Exception`]: the call gave nothing.
//= docs/spec/calls.md#erpc-result
pub fn outcome(reason: &[u8], result: &Term, limits: &Limits) -> Result<Term, Exception> {
    let reason = Term::decode(reason, limits)
        .map_err(|error| Exception::Failed(ErpcFailure::Refused(error)))?;
    let reason = match elements::<4>(reason) {
        Ok([mark, what, reason, stack]) if mark == *result && is_atom(&what, "error") => {
            return Err(Exception::Error(Box::new((reason, stack))));
        }
        Ok(other) => Term::tuple(other),
        Err(other) => other,
    };
    let [mark, what, value] = elements::<3>(reason).map_err(signal)?;
    if mark != *result {
        return Err(signal(Term::tuple([mark, what, value])));
    }
    match what.as_atom().map(Atom::as_str) {
        Some("return") => Ok(value),
        Some("throw") => Err(Exception::Throw(value)),
        Some("exit") => Err(Exception::Exit(value)),
        Some("error") => match elements::<2>(value) {
            Ok([erpc, reason]) if is_atom(&erpc, "erpc") => {
                Err(Exception::Failed(ErpcFailure::of(reason)))
            }
            Ok(other) => Err(signal(Term::tuple([mark, what, Term::tuple(other)]))),
            Err(other) => Err(signal(Term::tuple([mark, what, other]))),
        },
        _ => Err(signal(Term::tuple([mark, what, value]))),
    }
}

fn signal(reason: Term) -> Exception {
    if is_atom(&reason, "noconnection") {
        return Exception::Failed(ErpcFailure::NoConnection);
    }
    Exception::Signal(reason)
}

#[cfg(test)]
mod tests {
    use super::super::external;
    use super::*;
    use alloc::string::{String, ToString as _};

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    fn shown(reason: &str) -> String {
        let reason = external(&term(reason)).unwrap();
        match outcome(&reason, &term("res"), &Limits::default()) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }
    }

    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn the_reason_tells_the_result() {
        for (reason, result) in [
            ("{res,return,[1]}", "[1]"),
            ("{res,throw,{a}}", "throw:{a}"),
            ("{res,exit,{a}}", "exit:{exception,{a}}"),
            ("{res,error,badarg,[]}", "error:{exception,badarg,[]}"),
            ("{res,error,{erpc,system_limit}}", "error:{erpc,system_limit}"),
            ("{res,error,{other,a}}", "exit:{signal,{res,error,{other,a}}}"),
            ("{res,error,other}", "exit:{signal,{res,error,other}}"),
            ("{res,what,1}", "exit:{signal,{res,what,1}}"),
            ("{other,return,1}", "exit:{signal,{other,return,1}}"),
            ("{other,error,1,2}", "exit:{signal,{other,error,1,2}}"),
            ("noconnection", "error:{erpc,noconnection}"),
            ("killed", "exit:{signal,killed}"),
            ("{undef,[]}", "exit:{signal,{undef,[]}}"),
        ] {
            assert_eq!(shown(reason), result);
        }
        let refused = outcome(b"\x83", &term("res"), &Limits::default());
        assert!(matches!(refused, Err(Exception::Failed(ErpcFailure::Refused(_)))));
    }

    //= docs/spec/calls.md#erpc-outcome
    //= type=test
    #[test]
    fn what_a_function_does_is_told_by_the_reason() {
        let (m, f) = (Atom::literal("m"), Atom::literal("f"));
        for (outcome, reason, seen) in [
            (Outcome::Return(term("1")), "{res,return,1}", "1"),
            (Outcome::Throw(term("1")), "{res,throw,1}", "throw:1"),
            (Outcome::Exit(term("1")), "{res,exit,1}", "exit:{exception,1}"),
            (
                Outcome::undefined(m, f, term("[1]")),
                "{res,error,undef,[{m,f,[1],[]}]}",
                "error:{exception,undef,[{m,f,[1],[]}]}",
            ),
        ] {
            assert_eq!(outcome.into_reason(term("res")), term(reason));
            assert_eq!(shown(reason), seen);
        }
    }

    //= docs/spec/calls.md#erpc-request
    //= type=test
    //= docs/spec/calls.md#erpc-served
    //= type=test
    #[test]
    fn calls_are_asked_for_as_erpc_does() {
        let (m, f) = (Atom::literal("m"), Atom::literal("f"));
        let arguments = vec![term("1"), term("[]")];
        let call = execute_call(&term("res"), &m, &f, &arguments).unwrap();
        let cast = execute_cast(&m, &f, &arguments).unwrap();
        assert_eq!([&call, &cast].map(|mfa| mfa.function().clone()), served());
        for (mfa, result) in [(call, Some(term("res"))), (cast, None)] {
            let given = mfa.arguments(&Limits::default()).unwrap();
            let call = Ok((m.clone(), f.clone(), arguments.clone()));
            assert_eq!(Execution::parse(given), Execution { result, call });
        }
        for bad in ["[]", "[1]", "[a,b]", "[1,b,[]]", "[a,1,[]]", "[a,b,1]", "[r,a,b,[1|2]]"] {
            let found = Execution::parse(Vec::try_from(term(bad)).unwrap());
            assert_eq!(found.result, bad.starts_with("[r").then(|| term("r")));
            let Err(Outcome::Error { reason, .. }) = found.call else { panic!("{bad}") };
            assert_eq!(reason, term("badarg"));
        }
    }

    //= docs/spec/calls.md#erpc-cast-outcome
    //= type=test
    #[test]
    fn what_nobody_waits_for_ends_its_process_like_any_function() {
        let error = Outcome::Error { reason: term("a"), stack: term("[]") };
        for (outcome, reason) in [
            (Outcome::Return(term("1")), None),
            (Outcome::Exit(term("1")), Some("1")),
            (Outcome::Throw(term("1")), Some("{{nocatch,1},[]}")),
            (error, Some("{{exception,{a,[]}},[]}")),
        ] {
            assert_eq!(outcome.into_cast_reason(), reason.map(term));
        }
    }

    #[test]
    fn failures_are_erlangs() {
        for atom in ["noconnection", "notsup", "system_limit", "badopt"] {
            let failure = Exception::from(SpawnFailure::Other(Atom::new(atom).unwrap()));
            let expected = alloc::format!("{{error,{{erpc,{atom}}}}}");
            assert_eq!(failure.to_term().to_string(), expected);
        }
        let timeout = Exception::Failed(ErpcFailure::Timeout);
        assert_eq!(timeout.to_term(), term("{error,{erpc,timeout}}"));
    }
}
