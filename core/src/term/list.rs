//! Lists, proper and improper.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Term;

/// A list: its elements, and its tail if that is not `[]`.
///
/// There is one value for each list: a tail is never a list, and without elements there is no tail.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct List {
    elements: Vec<Term>,
    tail: Option<Box<Term>>,
}

impl List {
    /// A proper list; without elements `[]`.
    #[must_use]
    pub const fn new(elements: Vec<Term>) -> Self {
        Self { elements, tail: None }
    }

    /// `[Element1,Element2|Tail]`: a list if the tail is one, and the tail alone if there are no elements.
    #[must_use]
    pub fn with_tail(mut elements: Vec<Term>, tail: Term) -> Term {
        if elements.is_empty() {
            return tail;
        }
        let Term::List(rest) = tail else {
            return Term::List(Self { elements, tail: Some(Box::new(tail)) });
        };
        elements.extend(rest.elements);
        Term::List(Self { elements, tail: rest.tail })
    }

    /// The elements, without the tail of an improper list.
    #[must_use]
    pub fn elements(&self) -> &[Term] {
        &self.elements
    }

    /// The same, taken out.
    #[must_use]
    pub fn into_elements(self) -> Vec<Term> {
        self.elements
    }

    /// What an improper list has in place of `[]`.
    #[must_use]
    pub fn tail(&self) -> Option<&Term> {
        self.tail.as_deref()
    }

    /// Whether it is `[]`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The elements of a proper list as bytes, if all are. Erlang calls it a string, whatever the bytes mean.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        if self.tail.is_some() {
            return None;
        }
        let byte = |element: &Term| u8::try_from(element.as_i64()?).ok();
        self.elements.iter().map(byte).collect()
    }
}

impl From<Vec<Term>> for List {
    fn from(elements: Vec<Term>) -> Self {
        Self::new(elements)
    }
}

impl FromIterator<Term> for List {
    fn from_iter<I: IntoIterator<Item = Term>>(elements: I) -> Self {
        Self::new(elements.into_iter().collect())
    }
}

made_of!(List, (crate::any::Few<Term>, Option<Term>), |(crate::any::Few(elements), tail)| {
    let made = List::with_tail(elements, tail.unwrap_or(Term::NIL));
    // Without elements it is its tail.
    if let Term::List(list) = made { list } else { Self::new(alloc::vec![made]) }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_one_value() {
        let [a, b, c] = ["a", "b", "c"].map(|text| Term::from(crate::term::Atom::literal(text)));
        let list = |terms: &[&Term]| terms.iter().map(|&term| term.clone()).collect::<List>();
        let cons = |terms: &[&Term], tail: &Term| {
            List::with_tail(terms.iter().map(|&term| term.clone()).collect(), tail.clone())
        };
        assert_eq!(cons(&[&a], &Term::List(list(&[&b, &c]))), Term::List(list(&[&a, &b, &c])));
        assert_eq!(cons(&[], &a), a);
        assert_eq!(cons(&[&a], &Term::NIL), Term::List(list(&[&a])));
        let improper = cons(&[&a], &cons(&[&b], &c));
        assert_eq!(improper, cons(&[&a, &b], &c));
        assert_ne!(improper, Term::List(list(&[&a, &b, &c])));
        let Term::List(improper) = improper else { panic!("{improper}") };
        assert_eq!((improper.elements().len(), improper.tail()), (2, Some(&c)));
    }
}
