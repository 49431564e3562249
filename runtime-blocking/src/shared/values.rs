//! Calls and servers with values of Rust, by the conventions of `core::term::serde`.

use core::fmt;

use netkernel_core::calls::values::{badarg, badterm};
use netkernel_core::term::Term;
use netkernel_core::term::serde::{Error, from_term, to_term};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CallReaction;

/// Why a call with values of Rust gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError<E> {
    /// What was to be sent is no term. Nothing was sent.
    Request(Error),
    /// The call gave nothing.
    Call(E),
    /// The reply has another form than the type.
    Reply {
        /// It.
        reply: Term,
        /// What of it does not fit.
        error: Error,
    },
}

impl<E: fmt::Display> fmt::Display for ValueError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "the request is no term: {error}"),
            Self::Call(error) => error.fmt(f),
            Self::Reply { reply, error } => write!(f, "the reply {reply} is another: {error}"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for ValueError<E> {}

/// The value of what a call gave.
///
/// # Errors
/// [`ValueError`].
#[doc(hidden)]
pub fn given_value<R: DeserializeOwned, E>(given: Result<Term, E>) -> Result<R, ValueError<E>> {
    let reply = given.map_err(ValueError::Call)?;
    from_term(&reply).map_err(|error| ValueError::Reply { reply, error })
}

impl CallReaction {
    /// The client gets this value, by the conventions of `core::term::serde`, or `{error,{badterm,Text}}` if it is no term.
    ///
    /// A handler reads its request by `core::term::serde::from_term`, and answers one that it cannot read by [`Self::refuse`].
    //= docs/spec/calls.md#values-server
    #[must_use]
    pub fn reply_as<R: Serialize + ?Sized>(value: &R) -> Self {
        Self::Reply(to_term(value).unwrap_or_else(|error| badterm(&error)))
    }

    /// The client is told that its request has another form: `{error,{badarg,Text}}`. A server of Erlang would crash.
    #[must_use]
    pub fn refuse(error: &Error) -> Self {
        Self::Reply(badarg(error))
    }
}
