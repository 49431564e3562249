//! What is wrong with a call of `monitor_nodes`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::{ListOption, OptionTerm};
use crate::term::Atom;

/// Why Erlang refuses the arguments of `net_kernel:monitor_nodes/2` (`check_options/1`).
///
/// `Display` prints the whole term that the caller gets; it is returned, not raised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MonitorNodesError {
    /// A key of a map has a value that it cannot have.
    BadMapValue {
        /// The key.
        key: Atom,
        /// The value.
        value: OptionTerm,
    },
    /// `node_type` in a list has a value that it cannot have.
    BadNodeType(OptionTerm),
    /// The flag is no boolean.
    Flag,
    /// The list does not end in `[]`. Erlang adds a stack trace, which is empty here.
    ImproperList,
    /// Neither a list nor a map.
    InvalidOptions(OptionTerm),
    /// Two values of `node_type` in one list.
    OptionValueMismatch {
        /// The second value.
        later: OptionTerm,
        /// The first value.
        earlier: OptionTerm,
    },
    /// Keys of a map that nobody knows, with their values.
    UnknownKeys(BTreeMap<OptionTerm, OptionTerm>),
    /// Elements of a list that nobody knows, and with them `connection_id`, if it was in the list.
    UnknownOptions(Vec<ListOption>),
}

impl fmt::Display for MonitorNodesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMapValue { key, value } => {
                write!(f, "{{error,{{bad_option_value,#{{{key} => {value}}}}}}}")
            }
            Self::BadNodeType(value) => {
                write!(f, "{{error,{{bad_option_value,{{node_type,{value}}}}}}}")
            }
            Self::Flag => f.write_str("error"),
            Self::ImproperList => {
                f.write_str("{error,{internal_error,{'EXIT',{function_clause,[]}}}}")
            }
            Self::InvalidOptions(term) => write!(f, "{{error,{{invalid_options,{term}}}}}"),
            Self::OptionValueMismatch { later, earlier } => write!(
                f,
                "{{error,{{option_value_mismatch,[{{node_type,{later}}},{{node_type,{earlier}}}]}}}}"
            ),
            Self::UnknownKeys(pairs) => {
                f.write_str("{error,{unknown_options,#{")?;
                let mut comma = "";
                for (key, value) in pairs {
                    write!(f, "{comma}{key} => {value}")?;
                    comma = ",";
                }
                f.write_str("}}}")
            }
            Self::UnknownOptions(options) => {
                f.write_str("{error,{unknown_options,[")?;
                let mut comma = "";
                for option in options {
                    write!(f, "{comma}{option}")?;
                    comma = ",";
                }
                f.write_str("]}}")
            }
        }
    }
}

impl core::error::Error for MonitorNodesError {}
