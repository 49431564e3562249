//! A call as a text.

use alloc::string::String;
use alloc::vec::Vec;

use crate::creation::Creation;
use crate::term::{Atom, Limits, ParseError, ParseErrorKind, Term};

/// Module, function and arguments of a call, whichever they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mfa {
    /// The module.
    pub module: String,
    /// The function.
    pub function: String,
    /// The arguments.
    pub arguments: Vec<Term>,
}

impl Mfa {
    /// The call that a text is in Erlang's syntax, such as `net_kernel:set_net_ticktime(60, 10)`; without a module it is `erlang`'s. Arguments
    /// are terms without variables.
    ///
    /// # Errors
    /// Where the text is no call.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::parse_by(text, |list| Term::parse(list, &Limits::default()))
    }

    /// As [`Self::parse`], with pids, ports and references among the arguments ([`Term::parse_with_ids`]).
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with_ids(
        text: &str,
        creation_of: &dyn Fn(&Atom) -> Creation,
    ) -> Result<Self, ParseError> {
        Self::parse_by(text, |list| Term::parse_with_ids(list, &Limits::default(), creation_of))
    }

    fn parse_by(
        text: &str,
        parse: impl FnOnce(&str) -> Result<Term, ParseError>,
    ) -> Result<Self, ParseError> {
        let wrong = |offset| ParseError { offset, kind: ParseErrorKind::Syntax };
        let open = text.find('(').ok_or_else(|| wrong(text.len()))?;
        let rest = text[open + 1..].trim_end();
        let inner = rest.strip_suffix(')').ok_or_else(|| wrong(text.len()))?;
        let (module, function) = text[..open].split_once(':').unwrap_or(("erlang", &text[..open]));
        let list: String = ["[", inner, "]"].concat();
        let located = |error: ParseError| ParseError { offset: error.offset + open, ..error };
        let arguments = parse(&list).map_err(located)?;
        // `f(a|b)` is no call.
        let arguments = arguments.as_list().ok_or_else(|| wrong(open))?.to_vec();
        Ok(Self { module: module.trim().into(), function: function.trim().into(), arguments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn only_calls_are_read() {
        for text in ["", "node", "node(", "node(]", "node(,)", "node(a|b)", "node(X)", "node())"] {
            assert!(Mfa::parse(text).is_err(), "{text}");
        }
        let Mfa { module, function, arguments } = Mfa::parse(" erlang : node ( ) ").unwrap();
        assert_eq!((module.as_str(), function.as_str(), arguments.len()), ("erlang", "node", 0));
        let call = Mfa::parse("net_adm:world_list([a, 'b.c'], silent)").unwrap();
        assert_eq!((call.module.as_str(), call.function.as_str()), ("net_adm", "world_list"));
        assert_eq!(Term::list(call.arguments).to_string(), "[[a,'b.c'],silent]");
        assert_eq!(Mfa::parse("nodes(this, X)").unwrap_err().offset, 12);
        assert_eq!(Mfa::parse("link(<b@h.1.0>)").unwrap_err().offset, 5);
        let call = Mfa::parse_with_ids("link(<b@h.1.0>)", &|_| Creation(3)).unwrap();
        assert_eq!(Term::list(call.arguments).to_string(), "[<b@h.1.0>]");
    }
}
