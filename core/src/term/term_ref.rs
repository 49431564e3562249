//! Terms that stay in their bytes.

use core::fmt;

use super::head::Head;
use super::record::Names;
use super::{Atom, AtomRef, Limits, Reader, RecordRef, Term, TermError, tag};

/// Any term of Erlang, borrowed from its bytes, which were checked once.
///
/// Compared, ordered and printed as a [`Term`] is; maps of the same size become trees to be compared. What is inside is found anew each time: to see
/// all of a large term, go through it once with [`Reader::head`].
#[derive(Clone, Copy)]
pub struct TermRef<'a> {
    bytes: &'a [u8],
    atoms: &'a [Atom],
}

impl<'a> TermRef<'a> {
    /// The term that these bytes begin with, behind the version byte. [`Term::decode`] takes the same.
    ///
    /// # Errors
    /// Those of [`Term::decode`].
    #[inline]
    pub fn decode(bytes: &'a [u8], limits: &Limits) -> Result<Self, TermError> {
        let mut reader = Reader::new(bytes);
        reader.version()?;
        reader.term_ref(limits)
    }

    /// Its bytes, without version byte.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// A reader that goes through the term once.
    #[must_use]
    pub const fn reader(&self) -> Reader<'a> {
        Reader::with_atoms(self.bytes, self.atoms)
    }

    /// What it is, without what is inside.
    #[must_use]
    pub fn head(&self) -> Head<'a> {
        // The bytes were checked.
        self.reader().head().unwrap_or(Head::Nil)
    }

    /// The text of an atom.
    #[must_use]
    pub fn as_atom(&self) -> Option<AtomRef<'a>> {
        if let Head::Atom(atom) = self.head() { Some(atom) } else { None }
    }

    /// An integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Head::Integer(value) = self.head() { Some(value) } else { None }
    }

    /// The bytes of a binary.
    #[must_use]
    pub fn as_binary(&self) -> Option<&'a [u8]> {
        if let Head::Binary(bytes) = self.head() { Some(bytes) } else { None }
    }

    /// The elements of a tuple.
    #[must_use]
    pub fn tuple(&self) -> Option<Elements<'a>> {
        let mut reader = self.reader();
        let Ok(Head::Tuple(left)) = reader.head() else { return None };
        Some(Elements { reader, left, string: &[], is_list: false, tail: None })
    }

    /// A native record, without the values of its fields.
    #[must_use]
    pub fn as_record(&self) -> Option<RecordRef<'a>> {
        if let Head::Record(record) = self.head() { Some(record) } else { None }
    }

    /// The fields of a native record, name and value.
    #[must_use]
    pub fn fields(&self) -> Option<Fields<'a>> {
        let mut values = self.reader();
        let Ok(Head::Record(record)) = values.head() else { return None };
        Some(Fields { names: record.names(), values })
    }

    /// The elements of a list, proper or not.
    #[must_use]
    pub fn list(&self) -> Option<Elements<'a>> {
        let (reader, is_list) = (self.reader(), true);
        let list = Elements { reader, left: 0, string: &[], is_list, tail: None };
        matches!(self.head(), Head::Nil | Head::String(_) | Head::List(_)).then_some(list)
    }

    /// The keys and values of a map, in the order of the bytes.
    #[must_use]
    pub fn map(&self) -> Option<Pairs<'a>> {
        let mut reader = self.reader();
        let Ok(Head::Map(left)) = reader.head() else { return None };
        Some(Pairs { reader, left })
    }

    /// The value of a key of a map.
    #[must_use]
    pub fn get(&self, key: &TermRef<'_>) -> Option<Self> {
        self.map()?.find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// The same as a tree.
    #[must_use]
    pub fn to_term(&self) -> Term {
        // The bytes were checked.
        self.reader().term(&Limits::NONE).unwrap_or(Term::NIL)
    }

    /// `[]`.
    pub(super) const NIL: Self = Self { bytes: &[tag::NIL], atoms: &[] };

    /// The term of these bytes, which were checked.
    pub(super) const fn checked(bytes: &'a [u8], atoms: &'a [Atom]) -> Self {
        Self { bytes, atoms }
    }

    /// The integer that is this byte.
    pub(super) fn byte(byte: u8) -> Self {
        static ALL: [[u8; 2]; 256] = {
            let mut all = [[tag::SMALL_INTEGER, 0]; 256];
            let mut byte = 0;
            while byte < 256 {
                all[byte][1] = byte as u8;
                byte += 1;
            }
            all
        };
        Self { bytes: ALL.get(usize::from(byte)).map_or(&[], |bytes| bytes), atoms: &[] }
    }

    /// The term from here to what is behind it, which was checked.
    #[inline]
    pub(super) fn between(start: &'a [u8], behind: &[u8], atoms: &'a [Atom]) -> Self {
        let mut bytes = &start[..start.len() - behind.len()];
        // A list without elements is its tail.
        while let Some(tail) = bytes.strip_prefix(&[tag::LIST, 0, 0, 0, 0]) {
            bytes = tail;
        }
        Self { bytes, atoms }
    }

    /// The term that the reader, of checked bytes, is at.
    pub(super) fn at(reader: &mut Reader<'a>) -> Self {
        let start = reader.remaining();
        reader.raw().map_or(Self::NIL, |_| Self::between(start, reader.remaining(), reader.atoms()))
    }
}

/// As the tree is printed.
impl fmt::Display for TermRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_term(), f)
    }
}

impl fmt::Debug for TermRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The elements of a tuple or of a list.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    reader: Reader<'a>,
    /// How many elements are still to come before the tail.
    left: u32,
    /// Elements that are bytes.
    string: &'a [u8],
    /// Whether a tail comes after them.
    is_list: bool,
    tail: Option<TermRef<'a>>,
}

impl<'a> Elements<'a> {
    /// What an improper list has in place of `[]`, behind the elements.
    #[must_use]
    pub fn tail(mut self) -> Option<TermRef<'a>> {
        self.by_ref().for_each(drop);
        self.tail
    }

    /// The tail: more elements, or the end.
    fn next_piece(&mut self) {
        if !matches!(self.reader.remaining().first(), Some(&(tag::LIST | tag::STRING | tag::NIL))) {
            self.is_list = false;
            self.tail = Some(TermRef::at(&mut self.reader));
            return;
        }
        let head = self.reader.head();
        self.is_list = false;
        if let Ok(Head::List(left)) = head {
            (self.left, self.is_list) = (left, true);
        } else if let Ok(Head::String(bytes)) = head {
            self.string = bytes;
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = TermRef<'a>;

    fn next(&mut self) -> Option<TermRef<'a>> {
        loop {
            if let Some((&byte, rest)) = self.string.split_first() {
                self.string = rest;
                return Some(TermRef::byte(byte));
            }
            if let Some(left) = self.left.checked_sub(1) {
                self.left = left;
                return Some(TermRef::at(&mut self.reader));
            }
            if !self.is_list {
                return None;
            }
            self.next_piece();
        }
    }
}

/// The pairs of a map.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (TermRef<'a>, TermRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((TermRef::at(&mut self.reader), TermRef::at(&mut self.reader)))
    }
}

/// The fields of a record.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    names: Names<'a>,
    values: Reader<'a>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (AtomRef<'a>, TermRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.names.next()?, TermRef::at(&mut self.values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::generate;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn borrowed(bytes: &[u8]) -> TermRef<'_> {
        Reader::new(bytes).term_ref(&Limits::default()).unwrap()
    }

    fn encoded(term: &Term) -> Vec<u8> {
        let mut out = Vec::new();
        term.encode(&mut out).unwrap();
        out
    }

    //= docs/spec/term.md#term-borrowed
    //= type=test
    #[test]
    fn parts_are_found_in_the_bytes() {
        let text = "{seq,7,<<\"bin\">>,[1,2|x],\"ab\",[],#{a => 1,b => [c]}}";
        let bytes = encoded(&text.parse().unwrap());
        let term = TermRef::decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(term.to_string(), text);
        assert_eq!(term.as_bytes(), &bytes[1..]);
        let elements: Vec<TermRef<'_>> = term.tuple().unwrap().collect();
        let [seq, seven, binary, improper, string, nil, map] = elements[..] else { panic!() };
        assert!(seq.as_atom().is_some_and(|atom| atom == *"seq"));
        assert_eq!((seven.as_i64(), binary.as_binary()), (Some(7), Some(&b"bin"[..])));
        let integers = |list: TermRef<'_>| -> Vec<_> {
            list.list().unwrap().map(|element| element.as_i64().unwrap()).collect()
        };
        assert_eq!((integers(improper), integers(string)), ([1, 2].into(), [97, 98].into()));
        assert_eq!(improper.list().unwrap().tail().map(|tail| tail.to_string()), Some("x".into()));
        assert!(string.list().unwrap().tail().is_none() && integers(nil).is_empty());
        let key = encoded(&"b".parse().unwrap());
        assert_eq!(map.get(&borrowed(&key[1..])).unwrap().to_string(), "[c]");
        assert_eq!(map.get(&seven), None);
        assert_eq!(map.map().unwrap().count(), 2);
        assert!(map.list().is_none() && map.tuple().is_none() && seq.map().is_none());
    }

    #[test]
    fn an_empty_list_before_a_tail_is_the_tail() {
        let bytes = b"\x6C\0\0\0\0\x6C\0\0\0\0\x61\x07";
        assert_eq!(borrowed(bytes).as_i64(), Some(7));
        assert_eq!(borrowed(b"\x6C\0\0\0\0\x6B\0\0").to_term(), Term::NIL);
        assert!(matches!(borrowed(b"\x6B\0\0").head(), Head::Nil));
    }

    #[test]
    fn many_keys_are_sorted_to_find_one_twice() {
        let map = |keys: &[u8]| {
            let pairs = keys.iter().flat_map(|&key| [0x61, key, 0x6A]);
            [0x74, 0, 0, 0, keys.len() as u8].into_iter().chain(pairs).collect::<Vec<_>>()
        };
        let keys: Vec<u8> = (0..20).rev().collect();
        for (at, other) in [(0, 1), (0, 19), (3, 7), (7, 8), (18, 19)] {
            let mut keys = keys.clone();
            assert!(Reader::new(&map(&keys)).term_ref(&Limits::default()).is_ok());
            keys[at] = keys[other];
            let twice = map(&keys);
            let result =
                Reader::new(&twice).term_ref(&Limits::default()).map(|term| term.to_term());
            assert_eq!(result, Err(TermError::DuplicateKey));
        }
    }

    proptest! {
        //= docs/spec/term.md#term-borrowed
        //= type=test
        #[test]
        fn what_is_borrowed_is_what_is_owned(
            bytes in prop_oneof![
                generate::term(),
                many(prop_oneof![any::<u8>(), 0x58..0x7A_u8, 0..3_u8], 0..200),
            ],
            depth in 1..6_usize,
            terms in 0..40_usize,
        ) {
            for limits in [Limits::default(), Limits { depth, terms, ..Limits::default() }] {
                let (mut one, mut other) = (Reader::new(&bytes), Reader::new(&bytes));
                let (borrowed, owned) = (one.term_ref(&limits), other.term(&limits));
                prop_assert_eq!(borrowed.is_ok(), owned.is_ok(), "{:?} {:?}", borrowed, owned);
                if let (Ok(borrowed), Ok(owned)) = (borrowed, owned) {
                    prop_assert_eq!(borrowed.to_term(), owned);
                    prop_assert_eq!(one.remaining(), other.remaining());
                }
            }
        }

        //= docs/spec/term.md#term-borrowed
        //= type=test
        #[test]
        fn the_order_is_that_of_trees(one in generate::term(), other in generate::term()) {
            let limits = Limits::default();
            let borrowed = [&one, &other].map(|bytes| Reader::new(bytes).term_ref(&limits).ok());
            if let [Some(one), Some(other)] = borrowed {
                let (tree, other_tree) = (one.to_term(), other.to_term());
                prop_assert_eq!(one.cmp(&other), tree.cmp(&other_tree));
                prop_assert_eq!(one.cmp_erlang(&other), tree.cmp_erlang(&other_tree));
                prop_assert_eq!(one == other, tree == other_tree);
                prop_assert!(one.cmp(&one).is_eq() && one.cmp_erlang(&one).is_eq());
            }
        }

        #[test]
        fn equal_trees_in_any_order_of_keys_are_equal(
            a: Term, b: Term, c: Term,
        ) {
            let list = Term::list([a.clone(), b.clone(), Term::map([(a, c.clone()), (b, c)])]);
            let bytes = encoded(&list);
            let term = borrowed(&bytes[1..]);
            prop_assert!(term.cmp(&term).is_eq() && term.to_term() == list);
            let elements: Vec<_> = term.list().unwrap().collect();
            if let [a, b, _] = elements[..] {
                prop_assert_eq!(a.cmp(&b), a.to_term().cmp(&b.to_term()));
                prop_assert_eq!(a.cmp_erlang(&b), a.to_term().cmp_erlang(&b.to_term()));
            }
        }
    }
}
