//! Which of two terms is less that stay in their bytes.

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
        (Head::Record(head), Head::Record(other_head)) => {
            head.cmp_without_values(&other_head).then_with(|| {
                let fields = one.fields().into_iter().flatten();
                let others = other.fields().into_iter().flatten();
                first_difference(fields.zip(others).map(|(one, other)| (one.1, other.1)), numbers)
            })
        }
        // In their bytes the keys have no order: to find it anew for each comparison, and for maps in keys each time again, takes time
        // with the square of the bytes and more.
        //= docs/spec/term.md#term-order-map
        //= docs/spec/term.md#term-order-time
        (Head::Map(size), Head::Map(other_size)) => size
            .cmp(&other_size)
            .then_with(|| order::compare(&one.to_term(), &other.to_term(), numbers)),
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
        Head::Record(_) => 8,
        Head::Map(_) => 9,
        Head::Nil | Head::String(_) | Head::List(_) => 10,
        Head::Binary(_) | Head::BitString(_) => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Limits, check};
    use alloc::vec;

    //= docs/spec/term.md#term-order-time
    //= type=test
    #[test]
    fn to_compare_maps_in_keys_takes_time_with_their_size() {
        let steps = |depth| {
            let mut bytes = vec![131];
            check::nested(depth, 0, &mut bytes);
            let term = TermRef::decode(&bytes, &Limits::default()).unwrap();
            let before = order::steps::taken();
            assert!(term.cmp(&term).is_eq());
            order::steps::taken() - before
        };
        // Twice the bytes, and one more level: four times the steps if keys are sorted for each comparison.
        for depth in [8, 12] {
            assert!((0..3 * steps(depth)).contains(&steps(depth + 1)), "{depth}");
        }
    }
}
