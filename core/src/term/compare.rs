//! Which of two terms is less that stay in their bytes.

use core::cmp::Ordering;

use super::head::Head;
use super::order::{self, Numbers};
use super::{Limits, Reader, Term, TermRef, tag};

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

/// As that of [`Term`].
impl Ord for TermRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(*self, *other, Numbers::ByType)
    }
}

//= docs/spec/term.md#term-order
fn compare(one: TermRef<'_>, other: TermRef<'_>, numbers: Numbers) -> Ordering {
    in_step(&mut one.reader(), &mut other.reader(), numbers)
}

/// Compares the terms that two readers, of checked bytes, are at. They go on side by side, and as far as the terms are equal: nobody steps over
/// a term to find the next one, so that however deep they are each byte is looked at once.
//= docs/spec/term.md#term-order-time
fn in_step<'a, 'b>(one: &mut Reader<'a>, other: &mut Reader<'b>, numbers: Numbers) -> Ordering {
    #[cfg(test)]
    order::steps::take();
    let (whole, other_whole) = (one.clone(), other.clone());
    // For those that are seldom compared, or cannot be in their bytes.
    let as_trees = |one: &mut Reader<'a>, other: &mut Reader<'b>| {
        (*one, *other) = (whole, other_whole);
        order::compare(&tree(one), &tree(other), numbers)
    };
    let heads = (head(one), head(other));
    match heads {
        (Head::Integer(one), Head::Integer(other)) => one.cmp(&other),
        (Head::Atom(one), Head::Atom(other)) => one.cmp(&other),
        (Head::Binary(one), Head::Binary(other)) => one.cmp(other),
        (Head::Tuple(size), Head::Tuple(other_size)) => {
            size.cmp(&other_size).then_with(|| sequences(size, one, other, numbers))
        }
        (Head::Record(record), Head::Record(other_record)) => record
            .cmp_without_values(&other_record)
            .then_with(|| sequences(record.fields_len(), one, other, numbers)),
        // In their bytes the keys have no order: to find it anew for each comparison, and for maps in keys each time again, takes time
        // with the square of the bytes and more.
        //= docs/spec/term.md#term-order-map
        (Head::Map(size), Head::Map(other_size)) => {
            size.cmp(&other_size).then_with(|| as_trees(one, other))
        }
        (
            head @ (Head::Nil | Head::String(_) | Head::List(_)),
            other_head @ (Head::Nil | Head::String(_) | Head::List(_)),
        ) => lists(&mut List::new(head, one), &mut List::new(other_head, other), numbers),
        // Of the same rank are only terms without others inside, and funs.
        _ => rank(heads.0).cmp(&rank(heads.1)).then_with(|| as_trees(one, other)),
    }
}

fn sequences(
    count: u32,
    one: &mut Reader<'_>,
    other: &mut Reader<'_>,
    numbers: Numbers,
) -> Ordering {
    let mut orders = (0..count).map(|_| in_step(one, other, numbers));
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Element by element; where one has ended, its tail is compared with the rest of the other.
fn lists(one: &mut List<'_, '_>, other: &mut List<'_, '_>, numbers: Numbers) -> Ordering {
    loop {
        let order = match (one.next(), other.next()) {
            (Next::Byte(one), Next::Byte(other)) => one.cmp(&other),
            (Next::Byte(byte), Next::Term) => {
                in_step(&mut TermRef::byte(byte).reader(), other.reader, numbers)
            }
            (Next::Term, Next::Byte(byte)) => {
                in_step(one.reader, &mut TermRef::byte(byte).reader(), numbers)
            }
            (Next::Term, Next::Term) => in_step(one.reader, other.reader, numbers),
            (Next::End, Next::End) => return Ordering::Equal,
            (Next::Tail, Next::Tail) => return in_step(one.reader, other.reader, numbers),
            // A tail is no list.
            (Next::Tail, _) => return rank(head(one.reader)).cmp(&rank(Head::Nil)),
            (_, Next::Tail) => return rank(Head::Nil).cmp(&rank(head(other.reader))),
            (Next::End, _) => return Ordering::Less,
            (_, Next::End) => return Ordering::Greater,
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// What a list has next.
enum Next {
    /// An element that is this byte.
    Byte(u8),
    /// An element that the reader is at.
    Term,
    /// The reader is at what an improper list has in place of `[]`.
    Tail,
    /// Nothing.
    End,
}

/// A list that is being read.
struct List<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// Elements before the next tail.
    left: u32,
    /// Elements that are bytes, and the last ones.
    string: &'a [u8],
    /// Whether a tail comes.
    has_tail: bool,
}

impl<'r, 'a> List<'r, 'a> {
    const fn new(head: Head<'a>, reader: &'r mut Reader<'a>) -> Self {
        let (left, has_tail) = if let Head::List(left) = head { (left, true) } else { (0, false) };
        let string = if let Head::String(bytes) = head { bytes } else { &[] };
        Self { reader, left, string, has_tail }
    }

    fn next(&mut self) -> Next {
        loop {
            if let Some((&byte, rest)) = self.string.split_first() {
                self.string = rest;
                return Next::Byte(byte);
            }
            if let Some(left) = self.left.checked_sub(1) {
                self.left = left;
                return Next::Term;
            }
            if !self.has_tail {
                return Next::End;
            }
            let is_list = [tag::LIST, tag::STRING, tag::NIL].map(Some);
            if !is_list.contains(&self.reader.remaining().first().copied()) {
                return Next::Tail;
            }
            let piece = self.reader.head().unwrap_or(Head::Nil);
            self.has_tail = matches!(piece, Head::List(_));
            if let Head::List(left) = piece {
                self.left = left;
            } else if let Head::String(bytes) = piece {
                self.string = bytes;
            }
        }
    }
}

/// What the reader is at. A list without elements is its tail.
fn head<'a>(reader: &mut Reader<'a>) -> Head<'a> {
    loop {
        match reader.head() {
            Ok(Head::List(0)) => {}
            // The bytes were checked.
            head => return head.unwrap_or(Head::Nil),
        }
    }
}

fn tree(reader: &mut Reader<'_>) -> Term {
    reader.term(&Limits::NONE).unwrap_or(Term::NIL)
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

    /// Encodings of the same terms, each in front of an element that decides.
    //= docs/spec/term.md#term-order
    //= type=test
    #[test]
    fn readers_stay_in_step_through_different_encodings() {
        const ONE: &[u8] = &[97, 1];
        const ALSO_ONE: &[u8] = &[98, 0, 0, 0, 1];
        const NOTHING: &[u8] = &[108, 0, 0, 0, 0];
        let list = |elements: &[&[u8]], tail: &[u8]| {
            [&[108, 0, 0, 0, elements.len() as u8], &elements.concat()[..], tail].concat()
        };
        let string = |bytes: &[u8]| [&[107, 0, bytes.len() as u8], bytes].concat();
        let nil: &[u8] = &[106];
        for same in [
            vec![ONE.to_vec(), ALSO_ONE.to_vec(), vec![110, 1, 0, 1], [NOTHING, ONE].concat()],
            vec![
                nil.to_vec(),
                string(&[]),
                [NOTHING, nil].concat(),
                [NOTHING, NOTHING, &string(&[])].concat(),
            ],
            vec![
                string(&[1, 1, 1]),
                list(&[ONE, ALSO_ONE, ONE], nil),
                list(&[ALSO_ONE], &string(&[1, 1])),
                list(&[ONE], &list(&[ONE], &[NOTHING, &list(&[ONE], &string(&[]))].concat())),
            ],
            vec![
                list(&[ONE, ONE], ONE),
                list(&[ONE], &list(&[ALSO_ONE], ALSO_ONE)),
                list(&[ONE, ONE], &[NOTHING, ONE].concat()),
            ],
            vec![
                b"\x77\x02\xC3\xA9".to_vec(),
                b"\x76\0\x02\xC3\xA9".to_vec(),
                b"\x64\0\x01\xE9".to_vec(),
            ],
            vec![list(&[nil, &string(&[1])], nil), list(&[&string(&[]), &list(&[ONE], nil)], nil)],
        ] {
            for (one, other) in
                same.iter().flat_map(|one| same.iter().map(move |other| (one, other)))
            {
                let pair = |first: &[u8], second| [&[104, 2], first, &[97, second]].concat();
                for (last, other_last) in [(3, 3), (3, 4), (4, 3)] {
                    let (one, other) = (pair(one, last), pair(other, other_last));
                    let [one, other] = [&one, &other]
                        .map(|bytes| Reader::new(bytes).term_ref(&Limits::default()).unwrap());
                    assert_eq!(one.cmp(&other), last.cmp(&other_last), "{one} {other}");
                    assert_eq!(one.cmp_erlang(&other), last.cmp(&other_last), "{one} {other}");
                    assert_eq!(one == other, last == other_last);
                }
            }
        }
    }

    //= docs/spec/term.md#term-order-time
    //= type=test
    #[test]
    fn to_compare_nested_terms_looks_at_each_once() {
        // Lists and tuples in first elements, and in last ones.
        for [before, behind] in [["[{", ",[1]},0]"], ["[0,{\"a\",", "}]"]] {
            let text = [&before.repeat(60), "x", &behind.repeat(60)].concat();
            let mut bytes = vec![];
            text.parse::<Term>().unwrap().encode(&mut bytes).unwrap();
            let term = TermRef::decode(&bytes, &Limits::default()).unwrap();
            let before = order::steps::taken();
            assert!(term.cmp(&term).is_eq());
            let steps = order::steps::taken() - before;
            assert!((240..400).contains(&steps), "{steps}");
        }
    }

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
