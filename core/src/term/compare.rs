//! Which of two terms is less that stay in their bytes.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::head::Head;
use super::order::{self, Numbers};
use super::{Elements, TermRef, tag};

impl TermRef<'_> {
    /// Erlang's `<` and `==`, as [`Term::cmp_erlang`](super::Term::cmp_erlang).
    #[must_use]
    pub fn cmp_erlang(&self, other: &TermRef<'_>) -> Ordering {
        compare(*self, *other, Numbers::ByValue)
    }
}

impl PartialEq<TermRef<'_>> for TermRef<'_> {
    fn eq(&self, other: &TermRef<'_>) -> bool {
        match (self.as_bytes(), other.as_bytes()) {
            // Of these there are not two encodings with the same tag.
            (
                one @ [
                    tag::SMALL_ATOM_UTF8
                    | tag::SMALL_INTEGER
                    | tag::INTEGER
                    | tag::NEW_FLOAT
                    | tag::BINARY,
                    ..,
                ],
                other,
            ) if one.first() == other.first() => one == other,
            _ => compare(*self, *other, Numbers::ByType).is_eq(),
        }
    }
}

impl Eq for TermRef<'_> {}

impl PartialOrd for TermRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As that of [`Term`](super::Term).
impl Ord for TermRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(*self, *other, Numbers::ByType)
    }
}

//= docs/spec/term.md#term-order
fn compare(one: TermRef<'_>, other: TermRef<'_>, numbers: Numbers) -> Ordering {
    #[cfg(test)]
    order::steps::take();
    let heads = (one.head(), other.head());
    match heads {
        (Head::Integer(one), Head::Integer(other)) => one.cmp(&other),
        (Head::Atom(one), Head::Atom(other)) => one.cmp(&other),
        (Head::Binary(one), Head::Binary(other)) => one.cmp(other),
        (Head::Tuple(size), Head::Tuple(other_size)) => size.cmp(&other_size).then_with(|| {
            let elements =
                one.tuple().into_iter().flatten().zip(other.tuple().into_iter().flatten());
            first_difference(elements, numbers)
        }),
        (Head::Map(size), Head::Map(other_size)) => {
            size.cmp(&other_size).then_with(|| maps(one, other, numbers))
        }
        _ => {
            if let (Some(one), Some(other)) = (one.list(), other.list()) {
                return lists(one, other, numbers);
            }
            // Of the same rank are only terms without others inside, and funs, which are seldom compared.
            let by_rank = rank(heads.0).cmp(&rank(heads.1));
            by_rank.then_with(|| order::compare(&one.to_term(), &other.to_term(), numbers))
        }
    }
}

fn first_difference<'a>(
    mut pairs: impl Iterator<Item = (TermRef<'a>, TermRef<'a>)>,
    numbers: Numbers,
) -> Ordering {
    let difference = pairs
        .find_map(|(one, other)| Some(compare(one, other, numbers)).filter(|order| order.is_ne()));
    difference.unwrap_or(Ordering::Equal)
}

/// Element by element; where one has ended, its tail is compared with the rest of the other.
fn lists(mut one: Elements<'_>, mut other: Elements<'_>, numbers: Numbers) -> Ordering {
    loop {
        match (one.next(), other.next()) {
            (Some(element), Some(other)) => {
                let order = compare(element, other, numbers);
                if order.is_ne() {
                    return order;
                }
            }
            (None, Some(_)) => return end_before_list(one),
            (Some(_), None) => return end_before_list(other).reverse(),
            (None, None) => {
                return match (one.tail(), other.tail()) {
                    (None, None) => Ordering::Equal,
                    (one, other) => {
                        let [one, other] = [one, other].map(|tail| tail.unwrap_or(TermRef::NIL));
                        compare(one, other, numbers)
                    }
                };
            }
        }
    }
}

/// The end of a list, which may be a tail, and a list that is not empty.
fn end_before_list(ended: Elements<'_>) -> Ordering {
    // A tail is no list.
    ended.tail().map_or(Ordering::Less, |tail| rank(tail.head()).cmp(&rank(Head::Nil)))
}

//= docs/spec/term.md#term-order-map
fn maps(one: TermRef<'_>, other: TermRef<'_>, numbers: Numbers) -> Ordering {
    let [one, other] = [one, other].map(|map| {
        let mut pairs: Vec<_> = map.map().into_iter().flatten().collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs
    });
    let by = |numbers, of: for<'a> fn(&(TermRef<'a>, TermRef<'a>)) -> TermRef<'a>| {
        first_difference(one.iter().map(of).zip(other.iter().map(of)), numbers)
    };
    by(Numbers::ByType, |pair| pair.0).then_with(|| by(numbers, |pair| pair.1))
}

/// As that of trees.
const fn rank(head: Head<'_>) -> u8 {
    match head {
        Head::Integer(_) | Head::Big(_) | Head::Float(_) => 0,
        Head::Atom(_) => 1,
        Head::Reference(_) => 2,
        Head::Fun(_) => 3,
        Head::Export(_) => 4,
        Head::Port(_) => 5,
        Head::Pid(_) => 6,
        Head::Tuple(_) => 7,
        Head::Map(_) => 8,
        Head::Nil | Head::String(_) | Head::List(_) => 9,
        Head::Binary(_) | Head::BitString(_) => 10,
    }
}
