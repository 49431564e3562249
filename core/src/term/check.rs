//! Checking the bytes of a term against limits, without building anything.

use alloc::vec::Vec;

use super::head::Head;
use super::{Atom, Limits, Reader, RecordRef, TermError, TermRef, tag};

impl<'a> Reader<'a> {
    /// A term of any kind, left in its bytes. What [`term`](Self::term) refuses is refused. Memory is taken only for maps with
    /// many keys, or with maps in their keys, and for records with many fields.
    ///
    /// # Errors
    /// What is wrong with the term, or which limit it breaks.
    #[inline]
    pub fn term_ref(&mut self, limits: &Limits) -> Result<TermRef<'a>, TermError> {
        let atoms = self.atoms();
        let mut check = Check { atoms, limits, terms_left: limits.terms, maps: 0 };
        let rest = check.counted(self.remaining(), 1, limits.depth)?;
        let term = TermRef::between(self.remaining(), rest, atoms);
        *self = Reader::with_atoms(rest, atoms);
        Ok(term)
    }
}

/// What is behind the terms that were checked. Each step takes bytes and gives these, so that they stay in registers.
type Rest<'a> = Result<&'a [u8], TermError>;

/// Counts as the decoder of trees does.
struct Check<'r, 'a> {
    atoms: &'a [Atom],
    limits: &'r Limits,
    terms_left: usize,
    /// Maps so far with an order to find.
    maps: usize,
}

impl<'a> Check<'_, 'a> {
    /// So many terms of at most `depth` levels.
    fn terms(&mut self, bytes: &'a [u8], count: u32, depth: usize) -> Rest<'a> {
        self.count(bytes, count as usize)?;
        self.counted(bytes, count, depth)
    }

    /// So many terms, which were counted before. Most of them have none inside, and cost no call.
    fn counted(&mut self, bytes: &'a [u8], count: u32, depth: usize) -> Rest<'a> {
        let mut reader = Reader::with_atoms(bytes, self.atoms);
        for _ in 0..count {
            let inside = depth.checked_sub(1).ok_or(TermError::TooDeep)?;
            let head = reader.head()?;
            let rest = reader.remaining();
            let rest = match head {
                Head::Big(value) if value.magnitude().len() > self.limits.integer_bytes => {
                    return Err(TermError::IntegerTooLong);
                }
                Head::Fun(fun) => self.terms(rest, fun.free_len(), inside)?,
                Head::Tuple(arity) => self.terms(rest, arity, inside)?,
                Head::Record(record) => self.record(rest, record, inside)?,
                Head::Map(pairs) => self.map(rest, pairs, inside)?,
                Head::List(elements) => self.list(rest, elements, inside)?,
                Head::String(bytes) => {
                    self.take(bytes.len())?;
                    continue;
                }
                Head::Integer(_)
                | Head::Big(_)
                | Head::Float(_)
                | Head::Atom(_)
                | Head::Reference(_)
                | Head::Export(_)
                | Head::Port(_)
                | Head::Pid(_)
                | Head::Nil
                | Head::Binary(_)
                | Head::BitString(_) => continue,
            };
            reader = Reader::with_atoms(rest, self.atoms);
        }
        Ok(reader.remaining())
    }

    //= docs/spec/term.md#term-limits
    fn count(&mut self, bytes: &[u8], count: usize) -> Result<(), TermError> {
        if count > bytes.len() {
            return Err(TermError::Truncated);
        }
        self.take(count)
    }

    fn take(&mut self, count: usize) -> Result<(), TermError> {
        self.terms_left = self.terms_left.checked_sub(count).ok_or(TermError::TooManyTerms)?;
        Ok(())
    }

    #[inline(never)]
    fn list(&mut self, bytes: &'a [u8], first: u32, inside: usize) -> Rest<'a> {
        let mut rest = self.terms(bytes, first, inside)?;
        loop {
            let mut reader = Reader::with_atoms(rest, self.atoms);
            match rest.first() {
                Some(&tag::NIL) => {
                    reader.nil()?;
                    return Ok(reader.remaining());
                }
                Some(&(tag::LIST | tag::STRING)) => {}
                _ => return self.terms(rest, 1, inside),
            }
            let head = reader.head()?;
            rest = reader.remaining();
            if let Head::List(count) = head {
                rest = self.terms(rest, count, inside)?;
            } else {
                self.take(if let Head::String(bytes) = head { bytes.len() } else { 0 })?;
                return Ok(rest);
            }
        }
    }

    #[inline(never)]
    fn record(&mut self, bytes: &'a [u8], record: RecordRef<'_>, inside: usize) -> Rest<'a> {
        self.take(record.fields_len() as usize)?;
        let rest = self.terms(bytes, record.fields_len(), inside)?;
        if record.is_unique() { Ok(rest) } else { Err(TermError::DuplicateKey) }
    }

    #[inline(never)]
    fn map(&mut self, bytes: &'a [u8], pairs: u32, inside: usize) -> Rest<'a> {
        if pairs < 2 {
            return self.terms(bytes, 2 * pairs, inside);
        }
        self.count(bytes, (pairs as usize).checked_mul(2).ok_or(TermError::Truncated)?)?;
        let mut keys = Keys::new(self.atoms);
        let mut rest = bytes;
        for _ in 0..pairs {
            let (key, maps) = (rest, self.maps);
            let behind = self.counted(key, 1, inside)?;
            keys.ordered |= self.maps > maps;
            //= docs/spec/term.md#term-map-keys
            keys.add(TermRef::between(key, behind, self.atoms))?;
            rest = self.counted(behind, 1, inside)?;
        }
        self.maps += 1;
        keys.end()?;
        Ok(rest)
    }
}

/// The keys of a map. A few are compared each with each, and more are sorted. Those that contain maps become trees first:
/// to compare maps in their bytes is to sort them, and those in their keys again, each time.
struct Keys<'a> {
    few: [&'a [u8]; Keys::FEW],
    len: usize,
    many: Vec<TermRef<'a>>,
    atoms: &'a [Atom],
    /// One of them contains a map with an order to find.
    ordered: bool,
}

impl<'a> Keys<'a> {
    const FEW: usize = 8;

    const fn new(atoms: &'a [Atom]) -> Self {
        Self { few: [&[]; Keys::FEW], len: 0, many: Vec::new(), atoms, ordered: false }
    }

    fn add(&mut self, key: TermRef<'a>) -> Result<(), TermError> {
        let filled = self.few.get_mut(..=self.len).and_then(|few| few.split_last_mut());
        let Some((place, before)) = filled else {
            self.many.push(key);
            return Ok(());
        };
        *place = key.as_bytes();
        self.len += 1;
        let atoms = self.atoms;
        let there =
            !self.ordered && before.iter().any(|bytes| TermRef::checked(bytes, atoms) == key);
        if there { Err(TermError::DuplicateKey) } else { Ok(()) }
    }

    fn end(mut self) -> Result<(), TermError> {
        if self.many.is_empty() && !self.ordered {
            return Ok(());
        }
        let few = self.few.iter().take(self.len);
        self.many.extend(few.map(|bytes| TermRef::checked(bytes, self.atoms)));
        //= docs/spec/term.md#term-map-keys-time
        let unique = if self.ordered {
            are_unique(self.many.iter().map(TermRef::to_term).collect())
        } else {
            are_unique(self.many)
        };
        if unique { Ok(()) } else { Err(TermError::DuplicateKey) }
    }
}

fn are_unique<T: Ord>(mut keys: Vec<T>) -> bool {
    keys.sort_unstable();
    keys.windows(2).all(|pair| matches!(pair, [one, other] if one != other))
}

/// A tree of maps in the keys of maps, of which two with different tags differ in the last of all their keys.
#[cfg(test)]
pub(super) fn nested(depth: u32, tag: u32, out: &mut Vec<u8>) {
    if depth == 0 {
        out.push(tag::INTEGER);
        out.extend(tag.to_be_bytes());
        return;
    }
    out.push(tag::MAP);
    out.extend(2_u32.to_be_bytes());
    for key in [0, tag + 1] {
        nested(depth - 1, key, out);
        super::write::unsigned(out, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::order;
    use super::*;
    use alloc::vec;

    //= docs/spec/term.md#term-map-keys-time
    //= type=test
    #[test]
    fn maps_in_the_keys_of_maps_are_compared_in_few_steps() {
        const DEPTH: u32 = 12;
        let mut bytes = vec![131];
        nested(DEPTH, 0, &mut bytes);
        let before = order::steps::taken();
        TermRef::decode(&bytes, &Limits::default()).unwrap();
        let steps = order::steps::taken() - before;
        // Once at each level, with the levels below it: 4^DEPTH if they are sorted anew each time.
        assert!((1 << DEPTH..1 << (DEPTH + 7)).contains(&steps), "{steps}");
    }

    //= docs/spec/term.md#term-map-keys
    //= type=test
    #[test]
    fn a_map_is_twice_a_key_in_whatever_order_its_pairs_are() {
        let decode = |maps: &[[u8; 2]]| {
            let mut bytes = vec![131, tag::MAP, 0, 0, 0, maps.len() as u8];
            for [one, other] in maps {
                bytes.extend([tag::MAP, 0, 0, 0, 2, tag::SMALL_INTEGER, *one, tag::NIL]);
                bytes.extend([tag::SMALL_INTEGER, *other, tag::NIL, tag::NIL]);
            }
            TermRef::decode(&bytes, &Limits::default()).map(drop)
        };
        let mut maps: Vec<_> = (0..20).map(|n| [n, 100]).collect();
        for len in 1..=20 {
            assert_eq!(decode(&maps[..len]), Ok(()));
        }
        for at in 1..20 {
            maps[at].reverse();
            assert_eq!(decode(&maps[..=at]), Ok(()));
            maps[at] = [100, 0];
            assert_eq!(decode(&maps[..=at]), Err(TermError::DuplicateKey));
            maps[at] = [at as u8, 100];
        }
    }
}
