//! From bytes to trees.

use alloc::vec::Vec;
use bytes::Bytes;

use super::head::Head;
use super::{Limits, List, Map, Reader, Record, RecordRef, Term, TermError, tag};

impl Term {
    /// The term that these bytes begin with, behind the version byte: the inverse of `term_to_binary/1`. Bytes behind it are not looked at,
    /// as `binary_to_term/1` does.
    ///
    /// # Errors
    /// What is wrong with the term, or which limit it breaks. All that [`skip`](super::skip) refuses is refused.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, TermError> {
        let mut reader = Reader::new(bytes);
        reader.version()?;
        reader.term(limits)
    }
}

impl Reader<'_> {
    /// A term of any kind, as a tree. Its memory is bounded by the limits and by the length of its bytes.
    ///
    /// # Errors
    /// What is wrong with the term, or which limit it breaks.
    pub fn term(&mut self, limits: &Limits) -> Result<Term, TermError> {
        Decoder { reader: self, limits, terms_left: limits.terms }.term(limits.depth)
    }
}

struct Decoder<'r, 'a> {
    reader: &'r mut Reader<'a>,
    limits: &'r Limits,
    /// How many terms may still begin.
    terms_left: usize,
}

//= docs/spec/term.md#term-decode
impl Decoder<'_, '_> {
    /// One term of at most `depth` levels. Who counted it before has asked [`count`](Self::count).
    #[inline]
    fn term(&mut self, depth: usize) -> Result<Term, TermError> {
        let inside = depth.checked_sub(1).ok_or(TermError::TooDeep)?;
        let head = self.reader.head()?;
        self.built(head, inside)
    }

    /// The term with this head, and of at most `inside` levels inside.
    fn built(&mut self, head: Head<'_>, inside: usize) -> Result<Term, TermError> {
        Ok(match head {
            Head::Integer(value) => Term::Integer(value.into()),
            Head::Big(value) if value.magnitude().len() > self.limits.integer_bytes => {
                return Err(TermError::IntegerTooLong);
            }
            Head::Big(value) => Term::Integer(value.to_integer()),
            Head::Float(float) => Term::Float(float),
            Head::Atom(atom) => Term::Atom(atom.to_atom()),
            Head::Reference(reference) => reference.to_reference().into(),
            Head::Fun(fun) => fun.to_fun(self.terms(fun.free_len(), inside)?)?.into(),
            Head::Export(export) => export.to_export().into(),
            Head::Port(port) => Term::Port(port.to_port()),
            Head::Pid(pid) => Term::Pid(pid.to_pid()),
            Head::Tuple(arity) => Term::Tuple(self.terms(arity, inside)?),
            Head::Record(record) => self.record(record, inside)?,
            Head::Map(pairs) => self.map(pairs, inside)?,
            Head::Nil => Term::NIL,
            Head::List(elements) => self.list(elements, inside)?,
            Head::String(bytes) => {
                let mut elements = Vec::new();
                self.append_bytes(&mut elements, bytes)?;
                Term::List(List::new(elements))
            }
            Head::Binary(bytes) => Term::Binary(Bytes::copy_from_slice(bytes)),
            Head::BitString(bits) => bits.to_term(),
        })
    }

    /// Allows for `count` more terms, each of which has a byte at least.
    //= docs/spec/term.md#term-limits
    fn count(&mut self, count: usize) -> Result<(), TermError> {
        if count > self.reader.remaining().len() {
            return Err(TermError::Truncated);
        }
        self.take(count)
    }

    /// Counts what was read.
    fn take(&mut self, count: usize) -> Result<(), TermError> {
        self.terms_left = self.terms_left.checked_sub(count).ok_or(TermError::TooManyTerms)?;
        Ok(())
    }

    #[inline(always)]
    fn terms(&mut self, count: u32, depth: usize) -> Result<Vec<Term>, TermError> {
        self.count(count as usize)?;
        let mut terms = Vec::with_capacity(count as usize);
        self.append(&mut terms, count, depth)?;
        Ok(terms)
    }

    /// The commonest terms are made where they stay: to move one costs more than to decode it.
    fn append(&mut self, to: &mut Vec<Term>, count: u32, depth: usize) -> Result<(), TermError> {
        for _ in 0..count {
            let inside = depth.checked_sub(1).ok_or(TermError::TooDeep)?;
            let head = self.reader.head()?;
            match head {
                Head::Integer(value) => to.push(Term::Integer(value.into())),
                Head::Float(float) => to.push(Term::Float(float)),
                Head::Atom(atom) => to.push(Term::Atom(atom.to_atom())),
                Head::Pid(pid) => to.push(Term::Pid(pid.to_pid())),
                Head::Tuple(arity) => to.push(Term::Tuple(self.terms(arity, inside)?)),
                Head::Nil => to.push(Term::NIL),
                Head::Binary(bytes) => to.push(Term::Binary(Bytes::copy_from_slice(bytes))),
                Head::Reference(reference) => to.push(reference.to_reference().into()),
                Head::Big(_)
                | Head::Fun(_)
                | Head::Export(_)
                | Head::Port(_)
                | Head::Record(_)
                | Head::Map(_)
                | Head::List(_)
                | Head::String(_)
                | Head::BitString(_) => to.push(self.built(head, inside)?),
            }
        }
        Ok(())
    }

    fn append_bytes(&mut self, to: &mut Vec<Term>, bytes: &[u8]) -> Result<(), TermError> {
        self.take(bytes.len())?;
        to.extend(bytes.iter().map(|&byte| Term::from(i64::from(byte))));
        Ok(())
    }

    /// A list in however many pieces, of which each is the tail of the one before; so many elements are in the first.
    //= docs/spec/term.md#term-decode-list
    fn list(&mut self, first: u32, inside: usize) -> Result<Term, TermError> {
        let mut elements = self.terms(first, inside)?;
        loop {
            match self.reader.remaining().first() {
                Some(&tag::LIST) => {
                    let count = self.reader.list()?;
                    self.count(count as usize)?;
                    elements.reserve(count as usize);
                    self.append(&mut elements, count, inside)?;
                }
                Some(&tag::STRING) => {
                    if let Head::String(bytes) = self.reader.head()? {
                        self.append_bytes(&mut elements, bytes)?;
                    }
                    return Ok(Term::List(List::new(elements)));
                }
                Some(&tag::NIL) => {
                    self.reader.nil()?;
                    return Ok(Term::List(List::new(elements)));
                }
                _ => {
                    self.count(1)?;
                    let tail = self.term(inside)?;
                    return Ok(List::with_tail(elements, tail));
                }
            }
        }
    }

    fn record(&mut self, record: RecordRef<'_>, inside: usize) -> Result<Term, TermError> {
        self.take(record.fields_len() as usize)?;
        let values = self.terms(record.fields_len(), inside)?;
        let fields = record.field_names().map(|name| name.to_atom()).zip(values).collect();
        let (module, name) = (record.module().to_atom(), record.name().to_atom());
        let record = Record::new(module, name, record.is_exported(), fields);
        record.map(Term::from).ok_or(TermError::DuplicateKey)
    }

    fn map(&mut self, pairs: u32, inside: usize) -> Result<Term, TermError> {
        self.count((pairs as usize).checked_mul(2).ok_or(TermError::Truncated)?)?;
        let mut map = Vec::with_capacity(pairs as usize);
        for _ in 0..pairs {
            map.push((self.term(inside)?, self.term(inside)?));
        }
        //= docs/spec/term.md#term-map-keys
        Map::from_unique(map).map(Term::Map).ok_or(TermError::DuplicateKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Creation;
    use crate::term::{Port, generate, skip};
    use alloc::string::ToString;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Result<Term, TermError> {
        Reader::new(bytes).term(&Limits::default())
    }

    fn parse(text: &str) -> Term {
        text.parse().unwrap()
    }

    //= docs/spec/term.md#term-decode
    //= type=test
    #[test]
    fn what_is_sent_and_what_was_sent_once() {
        for (bytes, text) in [
            (&b"\x61\xFF"[..], "255"),
            (b"\x62\xFF\xFF\xFF\xFE", "-2"),
            (b"\x6E\x01\x01\x07", "-7"),
            (b"\x6E\x09\0\0\0\0\0\0\0\0\0\x01", "18446744073709551616"),
            (b"\x6F\0\0\0\x02\0\x01\0", "1"),
            (b"\x46\x3F\xF8\0\0\0\0\0\0", "1.5"),
            (b"\x631.50000000000000000000e+00\0\0\0\0\0", "1.5"),
            (b"\x64\0\x01\xE9", "'\u{E9}'"),
            (b"\x68\x02\x77\x01a\x6A", "{a,[]}"),
            (b"\x69\0\0\0\x01\x77\x01a", "{a}"),
            (b"\x6B\0\x02hi", "\"hi\""),
            (b"\x6C\0\0\0\x01\x61\x01\x61\x02", "[1|2]"),
            (b"\x6D\0\0\0\x02hi", "<<\"hi\">>"),
            (b"\x4D\0\0\0\x02\x03hi", "<<104,3:3>>"),
            (b"\x4D\0\0\0\x02\x08hi", "<<\"hi\">>"),
            (b"\x74\0\0\0\x01\x77\x01a\x61\x01", "#{a => 1}"),
            (b"\x71\x77\x01m\x77\x01f\x61\x02", "fun m:f/2"),
            (b"\x71\x77\x01m\x77\x01f\x62\0\0\x01\x03", "fun m:f/3"),
        ] {
            assert_eq!(decode(bytes), Ok(parse(text)), "{text}");
        }
        for (bytes, id, creation) in [
            (&b"\x78\x77\x01n\0\0\0\x01\0\0\0\x02\0\0\0\x03"[..], 0x1_0000_0002, 3),
            (b"\x59\x77\x01n\0\0\0\x02\0\0\0\x03", 2, 3),
            (b"\x66\x77\x01n\0\0\0\x02\x03", 2, 3),
        ] {
            let port =
                Port { node: crate::term::Atom::literal("n"), id, creation: Creation(creation) };
            assert_eq!(decode(bytes), Ok(port.into()));
        }
    }

    //= docs/spec/term.md#term-decode-list
    //= type=test
    #[test]
    fn a_tail_that_is_a_list_continues_the_list() {
        for pieces in [
            &b"\x6C\0\0\0\x01\x61\x01\x6B\0\x01\x02"[..],
            b"\x6C\0\0\0\x01\x61\x01\x6C\0\0\0\x01\x61\x02\x6A",
            b"\x6C\0\0\0\0\x6C\0\0\0\x02\x61\x01\x61\x02\x6B\0\0",
        ] {
            assert_eq!(decode(pieces), Ok(parse("[1,2]")));
        }
        assert_eq!(decode(b"\x6C\0\0\0\0\x77\x01a"), Ok(parse("a")));
        let tails = [b"\x6C\0\0\0\x01\x6A".repeat(1_000_000), b"\x77\x01a".to_vec()].concat();
        let limits = Limits { depth: 2, terms: 1_000_001, ..Limits::default() };
        let Ok(Term::List(list)) = Reader::new(&tails).term(&limits) else { panic!() };
        assert_eq!((list.elements().len(), list.tail()), (1_000_000, Some(&parse("a"))));
    }

    //= docs/spec/term.md#term-map-keys
    //= type=test
    #[test]
    fn a_key_stands_once_in_a_map() {
        let twice = b"\x74\0\0\0\x02\x61\x01\x6A\x62\0\0\0\x01\x6A";
        assert_eq!(decode(twice), Err(TermError::DuplicateKey));
        let one =
            [&b"\x74\0\0\0\x02\x61\x01\x6A\x46"[..], &1.0_f64.to_be_bytes(), b"\x6A"].concat();
        assert_eq!(decode(&one), Ok(parse("#{1 => [], 1.0 => []}")));
    }

    //= docs/spec/term.md#term-limits
    //= type=test
    #[test]
    fn limits_hold_and_come_before_memory() {
        let limits = Limits { depth: 3, integer_bytes: 9, terms: 4 };
        for (bytes, result) in [
            (&b"\x68\x01\x68\x01\x61\x01"[..], Ok("{{1}}")),
            (b"\x68\x01\x68\x01\x68\0", Ok("{{{}}}")),
            (b"\x68\x01\x68\x01\x68\x01\x61\x01", Err(TermError::TooDeep)),
            (b"\x6C\0\0\0\x01\x68\x01\x6C\0\0\0\x01\x6A\x6A\x6A", Err(TermError::TooDeep)),
            (b"\x6E\x09\0\0\0\0\0\0\0\0\0\x01", Ok("18446744073709551616")),
            (b"\x6E\x0A\0\0\0\0\0\0\0\0\0\0\x01", Err(TermError::IntegerTooLong)),
            (b"\x6E\x0A\0\x01\x01\0\0\0\0\0\0\0\0", Ok("257")),
            (b"\x6B\0\x04abcd", Ok("\"abcd\"")),
            (b"\x6B\0\x05abcde", Err(TermError::TooManyTerms)),
            (b"\x68\x02\x68\x02\x6A\x6A\x6A", Ok("{{[],[]},[]}")),
            (b"\x68\x02\x68\x02\x6A\x6A\x68\x01\x6A", Err(TermError::TooManyTerms)),
            (b"\x74\0\0\0\x02\x6A\x61\x01\x61\x02\x6A", Ok("#{[] => 1,2 => []}")),
            (b"\x74\0\0\0\x03\x6A\x6A\x6A\x6A\x6A\x6A", Err(TermError::TooManyTerms)),
            (b"\x69\xFF\xFF\xFF\xFF\x6A", Err(TermError::Truncated)),
            (b"\x74\xFF\xFF\xFF\xFF\x6A", Err(TermError::Truncated)),
        ] {
            let decoded = Reader::new(bytes).term(&limits);
            assert_eq!(decoded, result.map(parse), "{bytes:02x?}");
        }
    }

    #[test]
    fn trees_of_the_default_depth_can_be_used_on_a_small_stack() {
        let depth = Limits::default().depth;
        let maps = |count: usize| [b"\x74\0\0\0\x01\x6A".repeat(count), b"\x6A".to_vec()].concat();
        assert_eq!(decode(&maps(depth)), Err(TermError::TooDeep));
        let work = move || {
            let term = decode(&maps(depth - 1)).unwrap();
            assert_eq!(term.to_string().parse::<Term>().as_ref(), Ok(&term));
            assert!(term.clone().cmp_erlang(&term).is_eq());
        };
        let thread = std::thread::Builder::new().stack_size(depth * (12 << 10)).spawn(work);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn the_version_stands_first_and_what_is_behind_does_not_matter() {
        let limits = Limits::default();
        assert_eq!(Term::decode(&[131, 97, 1, 255], &limits), Ok(1_i64.into()));
        assert_eq!(Term::decode(&[130, 97, 1], &limits), Err(TermError::BadVersion(130)));
    }

    proptest! {
        //= docs/spec/term.md#term-encode
        //= type=test
        #[test]
        fn what_is_encoded_decodes_to_the_same(term in generate::tree()) {
            let mut bytes = Vec::new();
            term.encode(&mut bytes).unwrap();
            prop_assert_eq!(skip(&bytes[1..]), Ok(bytes.len() - 1));
            prop_assert_eq!(Term::decode(&bytes, &Limits::default()), Ok(term));
        }

        #[test]
        fn decoder_and_walker_take_the_same_bytes(
            bytes in prop_oneof![
                generate::term(),
                many(prop_oneof![any::<u8>(), 0x58..0x7A_u8, 0..3_u8], 0..200),
            ],
        ) {
            let mut reader = Reader::new(&bytes);
            match (reader.term(&Limits::default()), skip(&bytes)) {
                (Ok(_), skipped) => prop_assert_eq!(skipped, Ok(bytes.len() - reader.remaining().len())),
                (Err(TermError::DuplicateKey), _) => {}
                (Err(_), skipped) => prop_assert!(skipped.is_err()),
            }
        }
    }
}
