//! What is wrong with a call of `monitor_nodes`.

use alloc::vec::Vec;
use core::fmt;

use crate::term::{Atom, Map, Term};

/// Why Erlang refuses the arguments of `net_kernel:monitor_nodes/2` (`check_options/1`).
///
/// `Display` prints the whole term that the caller gets; it is returned, not raised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum MonitorNodesError {
    /// A key of a map has a value that it cannot have.
    BadMapValue {
        /// The key.
        key: Atom,
        /// The value.
        value: Term,
    },
    /// `node_type` in a list has a value that it cannot have.
    BadNodeType(Term),
    /// The flag is no boolean.
    Flag,
    /// The list does not end in `[]`. Erlang adds a stack trace, which is empty here.
    ImproperList,
    /// Neither a list nor a map.
    InvalidOptions(Term),
    /// Two values of `node_type` in one list.
    OptionValueMismatch {
        /// The second value.
        later: Term,
        /// The first value.
        earlier: Term,
    },
    /// Keys of a map that nobody knows, with their values.
    UnknownKeys(Map),
    /// Elements of a list that nobody knows, and with them `connection_id`, if it was in the list.
    UnknownOptions(
        #[cfg_attr(any(test, feature = "proptest"), proptest(strategy = "crate::any::few()"))]
        Vec<Term>,
    ),
}

impl MonitorNodesError {
    /// The whole term that the caller gets.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let node_type = |value: &Term| Term::tuple([Term::literal("node_type"), value.clone()]);
        let (tag, what) = match self {
            Self::BadMapValue { key, value } => {
                let pair = (key.clone().into(), value.clone());
                ("bad_option_value", Term::map([pair]))
            }
            Self::BadNodeType(value) => ("bad_option_value", node_type(value)),
            Self::Flag => return Term::literal("error"),
            Self::ImproperList => {
                let clause = Term::tuple([Term::literal("function_clause"), Term::NIL]);
                ("internal_error", Term::tuple([Term::literal("EXIT"), clause]))
            }
            Self::InvalidOptions(term) => ("invalid_options", term.clone()),
            Self::OptionValueMismatch { later, earlier } => {
                ("option_value_mismatch", Term::list([later, earlier].map(node_type)))
            }
            Self::UnknownKeys(pairs) => ("unknown_options", Term::Map(pairs.clone())),
            Self::UnknownOptions(options) => ("unknown_options", Term::list(options.clone())),
        };
        Term::tuple([Term::literal("error"), Term::tuple([Term::literal(tag), what])])
    }
}

impl fmt::Display for MonitorNodesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_term(), f)
    }
}

impl core::error::Error for MonitorNodesError {}
