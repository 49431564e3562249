//! From bytes to trees.

use alloc::vec::Vec;
use core::{mem, slice};

use bytes::Bytes;

use super::head::Head;
use super::{Atom, FunRef, Limits, List, Map, Reader, Record, RecordRef, Term, TermError, tag};

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
    #[inline]
    pub fn term(&mut self, limits: &Limits) -> Result<Term, TermError> {
        let atoms = self.atoms();
        let mut decoder = Decoder { atoms, limits, terms_left: limits.terms };
        let mut term = Term::NIL;
        let rest = decoder.terms(slice::from_mut(&mut term), self.remaining(), limits.depth)?;
        *self = Self::with_atoms(rest, atoms);
        Ok(term)
    }
}

/// What is behind the terms that were decoded. Each step takes bytes and gives these, so that they stay in registers.
type Rest<'a> = Result<&'a [u8], TermError>;

/// Terms are made in the places where they stay, which hold `[]` before: to move one costs more than to decode it.
struct Decoder<'r, 'a> {
    atoms: &'a [Atom],
    limits: &'r Limits,
    /// How many terms may still begin.
    terms_left: usize,
}

//= docs/spec/term.md#term-decode
impl<'a> Decoder<'_, 'a> {
    /// A term of at most `depth` levels for each place. Who counted them before has asked [`count`](Self::count).
    // A head is taken apart at once: as a whole it would be put together in memory first.
    fn terms(&mut self, places: &mut [Term], bytes: &'a [u8], depth: usize) -> Rest<'a> {
        let mut reader = Reader::with_atoms(bytes, self.atoms);
        for place in places {
            let inside = depth.checked_sub(1).ok_or(TermError::TooDeep)?;
            let head = reader.head()?;
            let rest = reader.remaining();
            let rest = match head {
                Head::Integer(value) => {
                    put(place, Term::Integer(value.into()));
                    continue;
                }
                Head::Float(float) => {
                    put(place, Term::Float(float));
                    continue;
                }
                Head::Atom(atom) => {
                    put(place, Term::Atom(atom.to_atom()));
                    continue;
                }
                Head::Reference(reference) => {
                    put(place, reference.to_reference().into());
                    continue;
                }
                Head::Pid(pid) => {
                    put(place, Term::Pid(pid.to_pid()));
                    continue;
                }
                Head::Nil => continue,
                Head::Binary(bytes) => {
                    put(place, Term::Binary(Bytes::copy_from_slice(bytes)));
                    continue;
                }
                Head::Big(value) => {
                    if value.magnitude().len() > self.limits.integer_bytes {
                        return Err(TermError::IntegerTooLong);
                    }
                    *place = value.to_integer().into();
                    continue;
                }
                Head::Export(export) => {
                    *place = export.to_export().into();
                    continue;
                }
                Head::Port(port) => {
                    *place = port.to_port().into();
                    continue;
                }
                Head::BitString(bits) => {
                    *place = bits.to_term();
                    continue;
                }
                Head::String(bytes) => {
                    self.string(place, bytes)?;
                    continue;
                }
                Head::Tuple(arity) => self.tuple(place, rest, arity, inside)?,
                Head::List(elements) => self.list(place, rest, elements, inside)?,
                Head::Map(pairs) => self.map(place, rest, pairs, inside)?,
                Head::Record(record) => self.record(place, rest, record, inside)?,
                Head::Fun(fun) => self.fun(place, rest, fun, inside)?,
            };
            reader = Reader::with_atoms(rest, self.atoms);
        }
        Ok(reader.remaining())
    }

    fn tuple(&mut self, place: &mut Term, bytes: &'a [u8], arity: u32, inside: usize) -> Rest<'a> {
        self.count(bytes, arity as usize)?;
        put(place, Term::Tuple(room(arity)));
        let Term::Tuple(elements) = place else { return Ok(bytes) };
        self.terms(elements, bytes, inside)
    }

    #[inline(never)]
    fn fun(
        &mut self,
        place: &mut Term,
        bytes: &'a [u8],
        fun: FunRef<'a>,
        inside: usize,
    ) -> Rest<'a> {
        self.count(bytes, fun.free_len() as usize)?;
        let mut free = room(fun.free_len());
        let rest = self.terms(&mut free, bytes, inside)?;
        *place = fun.to_fun(free)?.into();
        Ok(rest)
    }

    #[inline(never)]
    fn string(&mut self, place: &mut Term, bytes: &[u8]) -> Result<(), TermError> {
        let mut elements = Vec::new();
        self.append_bytes(&mut elements, bytes)?;
        put(place, Term::List(List::new(elements)));
        Ok(())
    }

    /// Allows for `count` more terms, each of which has a byte at least.
    //= docs/spec/term.md#term-limits
    fn count(&mut self, bytes: &[u8], count: usize) -> Result<(), TermError> {
        if count > bytes.len() {
            return Err(TermError::Truncated);
        }
        self.take(count)
    }

    /// Counts what was read.
    fn take(&mut self, count: usize) -> Result<(), TermError> {
        self.terms_left = self.terms_left.checked_sub(count).ok_or(TermError::TooManyTerms)?;
        Ok(())
    }

    fn append_bytes(&mut self, to: &mut Vec<Term>, bytes: &[u8]) -> Result<(), TermError> {
        self.take(bytes.len())?;
        to.extend(bytes.iter().map(|&byte| Term::from(i64::from(byte))));
        Ok(())
    }

    /// A list in however many pieces, of which each is the tail of the one before; so many elements are in the first.
    //= docs/spec/term.md#term-decode-list
    #[inline(never)]
    fn list(&mut self, place: &mut Term, bytes: &'a [u8], first: u32, inside: usize) -> Rest<'a> {
        self.count(bytes, first as usize)?;
        let mut elements = room(first);
        let mut rest = self.terms(&mut elements, bytes, inside)?;
        loop {
            let mut reader = Reader::with_atoms(rest, self.atoms);
            match rest.first() {
                Some(&tag::LIST) => {
                    let (count, before) = (reader.list()? as usize, elements.len());
                    self.count(reader.remaining(), count)?;
                    elements.resize_with(before + count, || Term::NIL);
                    let places = elements.get_mut(before..).unwrap_or_default();
                    rest = self.terms(places, reader.remaining(), inside)?;
                }
                Some(&tag::STRING) => {
                    if let Head::String(bytes) = reader.head()? {
                        self.append_bytes(&mut elements, bytes)?;
                    }
                    put(place, Term::List(List::new(elements)));
                    return Ok(reader.remaining());
                }
                Some(&tag::NIL) => {
                    reader.nil()?;
                    put(place, Term::List(List::new(elements)));
                    return Ok(reader.remaining());
                }
                _ => {
                    self.count(rest, 1)?;
                    let mut tail = Term::NIL;
                    rest = self.terms(slice::from_mut(&mut tail), rest, inside)?;
                    *place = List::with_tail(elements, tail);
                    return Ok(rest);
                }
            }
        }
    }

    #[inline(never)]
    fn record(
        &mut self,
        place: &mut Term,
        bytes: &'a [u8],
        head: RecordRef<'a>,
        inside: usize,
    ) -> Rest<'a> {
        self.take(head.fields_len() as usize)?;
        self.count(bytes, head.fields_len() as usize)?;
        let mut values = room(head.fields_len());
        let rest = self.terms(&mut values, bytes, inside)?;
        let fields = head.field_names().map(|name| name.to_atom()).zip(values).collect();
        let (module, name) = (head.module().to_atom(), head.name().to_atom());
        let record = Record::new(module, name, head.is_exported(), fields);
        *place = record.ok_or(TermError::DuplicateKey)?.into();
        Ok(rest)
    }

    #[inline(never)]
    fn map(&mut self, place: &mut Term, bytes: &'a [u8], pairs: u32, inside: usize) -> Rest<'a> {
        self.count(bytes, (pairs as usize).checked_mul(2).ok_or(TermError::Truncated)?)?;
        let mut map = Vec::with_capacity(pairs as usize);
        map.resize_with(pairs as usize, || (Term::NIL, Term::NIL));
        let mut rest = bytes;
        for (key, value) in &mut map {
            rest = self.terms(slice::from_mut(key), rest, inside)?;
            rest = self.terms(slice::from_mut(value), rest, inside)?;
        }
        //= docs/spec/term.md#term-map-keys
        let map = Map::from_unique(map).ok_or(TermError::DuplicateKey)?;
        put(place, Term::Map(map));
        Ok(rest)
    }
}

/// Places for so many terms.
fn room(count: u32) -> Vec<Term> {
    let mut places = Vec::with_capacity(count as usize);
    places.resize_with(count as usize, || Term::NIL);
    places
}

/// What was there before is `[]`, and owns nothing that has to be freed.
#[inline]
fn put(place: &mut Term, term: Term) {
    mem::forget(mem::replace(place, term));
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
            let port = Port { node: Atom::literal("n"), id, creation: Creation(creation) };
            assert_eq!(decode(bytes), Ok(port.into()));
        }
    }

    //= docs/spec/term.md#term-decode-export
    //= type=test
    #[test]
    fn an_arity_is_an_integer_that_is_not_big() {
        let decode = |arity: &[u8]| decode(&[b"\x71\x77\x01m\x77\x01f", arity].concat());
        for arity in [
            &b"\x62\0\0\x01\x03"[..],
            b"\x6E\x01\0\x03",
            b"\x6E\x09\0\x03\0\0\0\0\0\0\x07\0",
            b"\x6F\0\0\0\x01\0\x03",
        ] {
            assert_eq!(decode(arity), Ok(parse("fun m:f/3")), "{arity:02x?}");
        }
        for arity in [
            &b"\x62\xFF\xFF\xFF\xFF"[..],
            b"\x6E\x01\x01\x03",
            b"\x6E\x08\0\x03\0\0\0\0\0\0\x08",
            b"\x6E\x09\0\x03\0\0\0\0\0\0\0\x01",
        ] {
            assert_eq!(decode(arity), Err(TermError::IntegerRange), "{arity:02x?}");
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
        fn what_is_encoded_decodes_to_the_same(term: Term) {
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
