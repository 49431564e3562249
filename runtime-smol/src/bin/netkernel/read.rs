//! Terms, atoms and receivers on command lines.

use core::fmt;

use netkernel_smol::Target;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::term::{Atom, Limits, ParseError, ParseErrorKind, Reference, Term};

use crate::ids::Ids;

/// A term in Erlang's syntax, pids and their like as they are printed here.
pub(crate) fn term(what: &str, text: &str, ids: &Ids) -> Result<Term, String> {
    let read = Term::parse_with_ids(text, &Limits::default(), &|node| ids.creation_of(node));
    read.map_err(|error| pointed(what, text, error))
}

/// What is wrong, and below the line in which it is a mark where.
pub(crate) fn pointed(what: &str, text: &str, error: ParseError) -> String {
    let (before, behind) = text.split_at_checked(error.offset).unwrap_or((text, ""));
    let begin = before.rsplit('\n').next().unwrap_or_default();
    let end = behind.split('\n').next().unwrap_or_default();
    let blanks: String = begin.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let is_cut = error.kind == ParseErrorKind::Syntax && error.offset == text.len();
    let why = if is_cut { "not a whole term".into() } else { error.kind.to_string() };
    format!("{what}: at byte {}: {why}\n  {begin}{end}\n  {blanks}^", error.offset)
}

/// An atom, with quotes or without, whatever its characters are.
pub(crate) fn atom(text: &str) -> Result<Atom, String> {
    let bare = || Atom::new(text).map_err(|_| format!("{text}: too long for an atom"));
    if text.is_empty() {
        return Err("a name is wanted".into());
    }
    if !text.starts_with('\'') {
        return bare();
    }
    let read = text.parse().map_err(|error| pointed("name", text, error))?;
    if let Term::Atom(atom) = read { Ok(atom) } else { bare() }
}

/// To whom messages can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Process(Target),
    Alias(Reference),
}

impl Destination {
    /// `None` of a term that is none: a name alone is of this node.
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else receives messages")]
    pub(crate) fn of_term(term: &Term, own: &NodeName) -> Option<Self> {
        Some(Self::Process(match term {
            Term::Pid(pid) => Target::Pid(pid.clone()),
            Term::Reference(alias) => return Some(Self::Alias((**alias).clone())),
            Term::Atom(name) => Target::Name(name.clone(), own.clone()),
            Term::Tuple(elements) => match elements.as_slice() {
                [Term::Atom(name), Term::Atom(node)] => {
                    Target::Name(name.clone(), NodeName::new(node).ok()?)
                }
                _ => return None,
            },
            _ => return None,
        }))
    }

    /// Its node.
    pub(crate) fn node(&self) -> &Atom {
        match self {
            Self::Process(target) => target.node(),
            Self::Alias(alias) => alias.node(),
        }
    }
}

impl From<Target> for Destination {
    fn from(target: Target) -> Self {
        Self::Process(target)
    }
}

/// A pid, an alias, or a name on its node.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(Target::Pid(pid)) => pid.fmt(f),
            Self::Process(Target::Name(name, _)) => name.fmt(f),
            Self::Alias(alias) => alias.fmt(f),
        }
    }
}

/// A pid or an alias as it is printed here, or a name on this node.
pub(crate) fn destination(text: &str, node: &NodeName, ids: &Ids) -> Result<Destination, String> {
    if text.starts_with(['<', '#']) {
        let found = Destination::of_term(&term("NAME", text, ids)?, node);
        return found.ok_or_else(|| format!("{text}: a name, a pid or an alias is wanted"));
    }
    Ok(Destination::Process(Target::Name(atom(text)?, node.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_what_is_wrong() {
        let told = |text: &str| term("TERM", text, &Ids::default()).unwrap_err();
        assert_eq!(
            told("{a,\n\t{\u{E9}, X}}"),
            "TERM: at byte 10: not a term\n  \t{\u{E9}, X}}\n  \t    ^"
        );
        assert_eq!(told("[1"), "TERM: at byte 2: not a whole term\n  [1\n    ^");
        assert_eq!(told(""), "TERM: at byte 0: not a whole term\n  \n  ^");
    }

    #[test]
    fn names_may_have_quotes() {
        for text in ["Elixir.String", "'Elixir.String'"] {
            assert_eq!(atom(text).unwrap().as_str(), "Elixir.String");
        }
        assert_eq!(atom("'it\\'s'").unwrap().as_str(), "it's");
        assert!(atom("").is_err() && atom("'a").is_err() && atom(&"a".repeat(256)).is_err());
    }

    #[test]
    fn messages_go_to_names_pids_and_aliases() {
        let node = NodeName::new("b@127.0.0.1").unwrap();
        for text in ["shop", "<'b@127.0.0.1'.95.0>", "#Ref<'b@127.0.0.1'.1.2.3>"] {
            let found = destination(text, &node, &Ids::default()).unwrap();
            assert_eq!((found.to_string(), found.node()), (text.into(), node.as_atom()));
        }
        for wrong in ["#Port<b@h.1>", "<0.1.0>", "<<1>>", "#{}"] {
            assert!(destination(wrong, &node, &Ids::default()).is_err(), "{wrong}");
        }
        let of = |text: &str| Destination::of_term(&text.parse().unwrap(), &node);
        let shop = Destination::Process(Target::Name(Atom::new("shop").unwrap(), node.clone()));
        assert_eq!(of("{shop,'b@127.0.0.1'}"), Some(shop.clone()));
        assert_eq!(of("shop"), Some(shop));
        for wrong in ["{shop,nohost}", "{shop,1}", "{a,b,c}", "1"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
