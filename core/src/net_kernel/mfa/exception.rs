//! What Erlang's functions raise.

use core::fmt;

use crate::term::Term;

/// An exception of the class `error`, and its reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exception(pub Term);

impl Exception {
    /// `badarg`.
    #[must_use]
    pub fn badarg() -> Self {
        Self(Term::literal("badarg"))
    }

    /// `function_clause`: no clause of the function takes such arguments.
    #[must_use]
    pub fn function_clause() -> Self {
        Self(Term::literal("function_clause"))
    }

    /// `undef`: there is no such function.
    #[must_use]
    pub fn undef() -> Self {
        Self(Term::literal("undef"))
    }

    /// `{invalid_option,Key,Value}`.
    pub(super) fn invalid_option(key: &Term, value: &Term) -> Self {
        Self(Term::tuple([Term::literal("invalid_option"), key.clone(), value.clone()]))
    }

    /// `{error,Reason}`, class and reason.
    #[must_use]
    pub fn to_term(&self) -> Term {
        Term::tuple([Term::literal("error"), self.0.clone()])
    }
}

/// As Erlang's shell begins: `exception error: badarg`.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception error: {}", self.0)
    }
}

impl core::error::Error for Exception {}
