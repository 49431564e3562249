//! Arguments and results of functions as values of Rust, by the conventions of [`term::serde`](crate::term::serde).

use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::arguments::Arguments;
use super::erpc::Outcome;
use crate::term::Term;
use crate::term::serde::{Error, from_term, to_term};

/// The arguments of a call: the parts of a tuple, an array or a sequence, and none of `()`. The type decides: a `struct` or an `enum` is refused, and so is a
/// [`Term`], whatever it is.
///
/// # Errors
/// The value is anything else, or a part of it is no term.
//= docs/spec/calls.md#values-arguments
pub fn to_arguments<A: Serialize + ?Sized>(arguments: &A) -> Result<Vec<Term>, Error> {
    arguments.serialize(Arguments)
}

/// What [`to_arguments`] has made.
///
/// # Errors
/// They are not of the form that the type has.
pub fn from_arguments<A: DeserializeOwned>(arguments: Vec<Term>) -> Result<A, Error> {
    if arguments.is_empty() {
        return from_term(&Term::literal("nil")).or_else(|_| from_term(&Term::NIL));
    }
    from_term(&Term::Tuple(arguments))
}

impl Outcome {
    /// The function returned this value. One that is no term is an error `{badterm,Text}`.
    pub fn return_as<R: Serialize + ?Sized>(value: &R) -> Self {
        match to_term(value) {
            Ok(value) => Self::Return(value),
            Err(error) => Self::Error { reason: told("badterm", &error), stack: Term::NIL },
        }
    }
}

/// What a client is told whose request has the wrong form: `{error,{badarg,Text}}`.
#[must_use]
pub fn badarg(error: &Error) -> Term {
    Term::tuple([Term::literal("error"), told("badarg", error)])
}

/// What a client is told if the reply is no term: `{error,{badterm,Text}}`.
#[must_use]
pub fn badterm(error: &Error) -> Term {
    Term::tuple([Term::literal("error"), told("badterm", error)])
}

fn told(what: &'static str, error: &Error) -> Term {
    Term::tuple([Term::literal(what), Term::from(error.to_string().as_str())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    fn shown<A: Serialize + ?Sized>(value: &A) -> Result<Term, Error> {
        to_arguments(value).map(Term::from)
    }

    //= docs/spec/calls.md#values-arguments
    //= type=test
    #[test]
    fn arguments_are_a_tuple_or_a_sequence() {
        let two = "[1,<<\"a\">>]".parse();
        assert_eq!(shown(&(1, "a")).unwrap(), two.unwrap());
        for none in [shown(&()), shown::<[u8]>(&[]), shown::<[u8; 0]>(&[])] {
            assert_eq!(none, Ok(Term::NIL));
        }
        assert_eq!(shown(&[1, 2]), shown(&(1, 2)));
        assert_eq!(shown(&[1, 2][..]), shown(&(1, 2)));
        assert_eq!(shown(&(("a", 1),)), Ok("[{<<\"a\">>,1}]".parse().unwrap()));
        assert!(shown(&(f32::NAN,)).is_err(), "a part that is no term");

        let given = |text: &str| Vec::try_from(text.parse::<Term>().unwrap()).unwrap();
        assert_eq!(from_arguments::<(u8, bool)>(given("[1,true]")), Ok((1, true)));
        assert_eq!(from_arguments::<(u8,)>(given("[1]")), Ok((1,)));
        assert_eq!(from_arguments::<Vec<u8>>(given("[1,2,3]")), Ok(alloc::vec![1, 2, 3]));
        assert_eq!(from_arguments::<Vec<u8>>(given("[]")), Ok(alloc::vec![]));
        assert_eq!(from_arguments::<()>(given("[]")), Ok(()));
        assert!(from_arguments::<(u8,)>(given("[1,2]")).is_err());
        assert!(from_arguments::<(u8,)>(given("[a]")).is_err());
        assert!(from_arguments::<(u8,)>(given("[]")).is_err());
    }

    //= docs/spec/calls.md#values-arguments
    //= type=test
    #[test]
    fn what_only_becomes_a_tuple_or_a_list_is_no_arguments() {
        #[derive(Serialize)]
        #[expect(non_camel_case_types, reason = "the atom that `()` becomes")]
        enum Question {
            nil,
            Price(&'static str),
            Both(u8, u8),
            Named { of: u8 },
        }
        #[derive(Serialize)]
        struct Pair(u8, u8);
        #[derive(Serialize)]
        struct New((u8, u8));
        #[derive(Serialize)]
        struct Named {
            of: u8,
        }
        #[derive(Serialize)]
        #[serde(rename = "nil")]
        struct Unit;
        for refused in [
            shown(&Question::nil),
            shown(&Question::Price("apple")),
            shown(&Question::Both(1, 2)),
            shown(&Question::Named { of: 1 }),
            shown(&Pair(1, 2)),
            shown(&New((1, 2))),
            shown(&Named { of: 1 }),
            shown(&Unit),
            shown(&Some((1, 2))),
            shown(&None::<(u8, u8)>),
            shown(&BTreeMap::from([(1, 2)])),
            shown(&Term::NIL),
            shown(&Term::literal("nil")),
            shown("text"),
            shown(&1),
            shown(&1.5),
            shown(&true),
            shown(&'a'),
        ] {
            let Err(Error::Message(told)) = refused else { panic!("{refused:?}") };
            assert_eq!(told, "the arguments are no tuple and no sequence");
        }
    }

    #[test]
    fn a_result_that_is_no_term_is_an_error() {
        assert_eq!(Outcome::return_as(&1), Outcome::Return(1_i64.into()));
        let Outcome::Error { reason, .. } = Outcome::return_as(&f64::NAN) else { panic!("a term") };
        assert_eq!(reason.as_tuple().unwrap()[0], Term::literal("badterm"));
    }
}
