//! What can be wrong with a host file, and with what `world/1` finds in it.

use core::fmt;

use super::Posix;
use crate::term::Term;

/// Why there are no hosts: the `Reason` of `{error,Reason}` of `net_adm:host_file/0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum HostFileError {
    /// No file, or it cannot be read.
    Posix(Posix),
    /// What it says is not Erlang's syntax of terms.
    Syntax(SyntaxError),
}

/// Where a file is no list of terms, and why: Erlang's `{Line,Module,Descriptor}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SyntaxError {
    /// The line, counted from one.
    pub line: usize,
    /// Which part of Erlang's parser finds it: `erl_scan`, `erl_parse` or `file_io_server`.
    pub module: &'static str,
    /// What that part says.
    pub descriptor: Term,
}

impl HostFileError {
    /// Erlang's `Reason`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Self::Posix(posix) => Term::literal(posix.as_str()),
            Self::Syntax(SyntaxError { line, module, descriptor }) => {
                let line = i64::try_from(*line).unwrap_or(i64::MAX);
                Term::tuple([line.into(), Term::literal(module), descriptor.clone()])
            }
        }
    }
}

/// Erlang's term.
impl fmt::Display for HostFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}

impl core::error::Error for HostFileError {}

/// The exception that `net_adm:world/1` or `world_list/2` ends with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
#[non_exhaustive]
pub enum WorldError {
    //= docs/spec/net_adm.md#adm-world-exits
    /// There is no host file that can be read. Erlang *exits* with `{error,Reason}`, where its manual has it return that.
    HostFile(HostFileError),
    /// A host that is not an atom, and whose EPMD answers (`badarg`).
    Badarg,
    /// Something that is neither a name nor an address, or hosts that are no list (`function_clause`).
    FunctionClause,
    /// A node's name and its host together are longer than an atom can be (`system_limit`).
    SystemLimit,
}

/// Erlang's class and reason: `{exit,{error,enoent}}`, `{error,badarg}`.
impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostFile(reason) => write!(f, "{{exit,{{error,{reason}}}}}"),
            Self::Badarg => f.write_str("{error,badarg}"),
            Self::FunctionClause => f.write_str("{error,function_clause}"),
            Self::SystemLimit => f.write_str("{error,system_limit}"),
        }
    }
}

impl core::error::Error for WorldError {}

made_of!(SyntaxError, (usize, bool, Term), |(line, scan, descriptor)| SyntaxError {
    line,
    module: if scan { "erl_scan" } else { "erl_parse" },
    descriptor,
});
