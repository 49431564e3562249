//! Functions, and calls of them, as processes are started with.

use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

use crate::term::{Atom, Head, Limits, Reader, Term, TermError, TooLong, write};

/// A function by its name: `Module:Function/Arity`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Function {
    /// The module.
    pub module: Atom,
    /// The function.
    pub function: Atom,
    /// How many arguments it takes.
    pub arity: u32,
}

/// As Erlang writes it.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.module, self.function, self.arity)
    }
}

/// A function and what it is to be called with: `{Module,Function,Arguments}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mfa {
    function: Function,
    /// A proper list: one term without version byte.
    arguments: Bytes,
}

impl Mfa {
    /// A call with these arguments.
    ///
    /// # Errors
    /// [`TooLong`]: one of them cannot be encoded, or there are more than 2^32 - 1.
    pub fn new(module: Atom, function: Atom, arguments: &[Term]) -> Result<Self, TooLong> {
        let arity = u32::try_from(arguments.len()).map_err(|_| TooLong)?;
        let mut out = Vec::new();
        if arity > 0 {
            write::list(&mut out, arity);
        }
        for argument in arguments {
            write::term(&mut out, argument)?;
        }
        write::nil(&mut out);
        let function = Function { module, function, arity };
        Ok(Self { function, arguments: out.into() })
    }

    /// The call whose arguments are this term; `None` if that is no proper list.
    pub(super) fn of(module: Atom, function: Atom, arguments: Bytes) -> Option<Self> {
        let arity = list_len(&arguments)?;
        Some(Self { function: Function { module, function, arity }, arguments })
    }

    /// What is called.
    #[must_use]
    pub const fn function(&self) -> &Function {
        &self.function
    }

    /// The list of the arguments: one term without version byte.
    #[must_use]
    pub const fn encoded(&self) -> &Bytes {
        &self.arguments
    }

    /// The arguments.
    ///
    /// # Errors
    /// The limit that they break.
    pub fn arguments(&self, limits: &Limits) -> Result<Vec<Term>, TermError> {
        let Term::List(list) = Reader::new(&self.arguments).term(limits)? else {
            return Ok(Vec::new());
        };
        Ok(list.into_elements())
    }
}

/// How many elements a proper list has, in whatever encoding; `None` for any other term.
pub(super) fn list_len(term: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(term);
    let mut len = 0_u32;
    loop {
        let head = reader.head().ok()?;
        if let Head::String(bytes) = head {
            return len.checked_add(bytes.len().try_into().ok()?);
        }
        if matches!(head, Head::Nil) {
            return Some(len);
        }
        // The tail may be a list, too.
        let Head::List(elements) = head else { return None };
        len = len.checked_add(elements)?;
        for _ in 0..elements {
            reader.raw().ok()?;
        }
    }
}

made_of!(Mfa, (Atom, Atom, crate::any::Few<Term>), |(module, function, arguments)| {
    Mfa::new(module, function, &arguments.0).unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use alloc::vec;

    fn atom(text: &str) -> Atom {
        Atom::new(text).unwrap()
    }

    #[test]
    fn arguments_are_those_that_were_given() {
        for text in ["[]", "[a]", "[1,2,3]", "[\"abc\",{},[]]"] {
            let list: Term = text.parse().unwrap();
            let arguments = list.as_list().unwrap();
            let mfa = Mfa::new(atom("m"), atom("f"), arguments).unwrap();
            assert_eq!(mfa.arguments(&Limits::default()).unwrap(), arguments);
            assert_eq!(mfa.function().to_string(), alloc::format!("m:f/{}", arguments.len()));
            let again = Mfa::of(atom("m"), atom("f"), mfa.encoded().clone());
            assert_eq!(again, Some(mfa));
        }
    }

    #[test]
    fn only_proper_lists_are_lists_of_arguments() {
        for (term, len) in [
            (&b"j"[..], Some(0)),
            (b"l\0\0\0\x02a\x01a\x02j", Some(2)),
            (b"k\0\x03abc", Some(3)),
            (b"l\0\0\0\x01a\x01k\0\x02ab", Some(3)),
            (b"l\0\0\0\x01a\x01l\0\0\0\x01a\x02j", Some(2)),
            (b"l\0\0\0\0j", Some(0)),
            (b"l\0\0\0\x01a\x01a\x02", None),
            (b"a\x01", None),
            (b"h\0", None),
        ] {
            assert_eq!(list_len(term), len, "{term:?}");
        }
        let mfa = Mfa::of(atom("m"), atom("f"), Bytes::from_static(b"k\0\x02\x07\x08")).unwrap();
        let arguments = mfa.arguments(&Limits::default()).unwrap();
        assert_eq!(arguments, vec![7_i64.into(), 8_i64.into()]);
        let few = Limits { terms: 1, ..Limits::default() };
        assert_eq!(mfa.arguments(&few), Err(TermError::TooManyTerms));
    }
}
