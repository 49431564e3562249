//! What Erlang's functions raise.

use core::fmt;

use crate::term::Term;

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exception {
    /// Its class.
    pub class: Class,
    /// Its reason.
    pub reason: Term,
}

/// The class of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// `error`.
    Error,
    /// `exit`.
    Exit,
}

impl Exception {
    /// `badarg`.
    #[must_use]
    pub fn badarg() -> Self {
        Self::error("badarg")
    }

    /// `function_clause`: no clause of the function takes such arguments.
    #[must_use]
    pub fn function_clause() -> Self {
        Self::error("function_clause")
    }

    /// `notalive`: this node is not alive.
    #[must_use]
    pub fn notalive() -> Self {
        Self::error("notalive")
    }

    /// `undef`: there is no such function.
    #[must_use]
    pub fn undef() -> Self {
        Self::error("undef")
    }

    /// Of the class `error`, with a word as its reason.
    pub(super) fn error(reason: &'static str) -> Self {
        Self { class: Class::Error, reason: Term::literal(reason) }
    }

    /// `{invalid_option,Key,Value}`.
    pub(super) fn invalid_option(key: &Term, value: &Term) -> Self {
        let reason = Term::tuple([Term::literal("invalid_option"), key.clone(), value.clone()]);
        Self { class: Class::Error, reason }
    }

    /// `{Class,Reason}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        Term::tuple([Term::literal(self.class.as_str()), self.reason.clone()])
    }
}

impl Class {
    /// Erlang's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Exit => "exit",
        }
    }
}

/// As Erlang's shell begins: `exception error: badarg`.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception {}: {}", self.class.as_str(), self.reason)
    }
}

impl core::error::Error for Exception {}
