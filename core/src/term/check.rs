//! Checking the bytes of a term against limits, without building anything.

use alloc::vec::Vec;

use super::head::Head;
use super::{Limits, Reader, TermError, TermRef, tag};

impl<'a> Reader<'a> {
    /// A term of any kind, left in its bytes. What [`term`](Self::term) refuses is refused. Memory is taken only for maps with
    /// many keys.
    ///
    /// # Errors
    /// What is wrong with the term, or which limit it breaks.
    pub fn term_ref(&mut self, limits: &Limits) -> Result<TermRef<'a>, TermError> {
        let start = self.clone();
        Check { reader: self, limits, terms_left: limits.terms }.term(limits.depth)?;
        Ok(TermRef::between(&start, self))
    }
}

/// Counts as the decoder of trees does.
struct Check<'r, 'a> {
    reader: &'r mut Reader<'a>,
    limits: &'r Limits,
    terms_left: usize,
}

impl Check<'_, '_> {
    fn term(&mut self, depth: usize) -> Result<(), TermError> {
        let inside = depth.checked_sub(1).ok_or(TermError::TooDeep)?;
        match self.reader.head()? {
            Head::Big(value) if value.magnitude().len() > self.limits.integer_bytes => {
                Err(TermError::IntegerTooLong)
            }
            Head::Fun(fun) => self.terms(fun.free_len(), inside),
            Head::Tuple(arity) => self.terms(arity, inside),
            Head::Map(pairs) => self.map(pairs, inside),
            Head::List(elements) => self.list(elements, inside),
            Head::String(bytes) => self.take(bytes.len()),
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
            | Head::BitString(_) => Ok(()),
        }
    }

    //= docs/spec/term.md#term-limits
    fn count(&mut self, count: usize) -> Result<(), TermError> {
        if count > self.reader.remaining().len() {
            return Err(TermError::Truncated);
        }
        self.take(count)
    }

    fn take(&mut self, count: usize) -> Result<(), TermError> {
        self.terms_left = self.terms_left.checked_sub(count).ok_or(TermError::TooManyTerms)?;
        Ok(())
    }

    fn terms(&mut self, count: u32, depth: usize) -> Result<(), TermError> {
        self.count(count as usize)?;
        (0..count).try_for_each(|_| self.term(depth))
    }

    fn list(&mut self, first: u32, inside: usize) -> Result<(), TermError> {
        self.terms(first, inside)?;
        loop {
            if !matches!(
                self.reader.remaining().first(),
                Some(&(tag::LIST | tag::STRING | tag::NIL))
            ) {
                self.count(1)?;
                return self.term(inside);
            }
            let head = self.reader.head()?;
            if let Head::List(count) = head {
                self.terms(count, inside)?;
            } else {
                let bytes = if let Head::String(bytes) = head { bytes.len() } else { 0 };
                return self.take(bytes);
            }
        }
    }

    fn map(&mut self, pairs: u32, inside: usize) -> Result<(), TermError> {
        self.count((pairs as usize).checked_mul(2).ok_or(TermError::Truncated)?)?;
        let mut keys = Keys { few: [TermRef::NIL; Keys::FEW], len: 0, many: Vec::new() };
        for _ in 0..pairs {
            let key = self.reader.clone();
            self.term(inside)?;
            //= docs/spec/term.md#term-map-keys
            keys.add(TermRef::between(&key, self.reader))?;
            self.term(inside)?;
        }
        keys.end()
    }
}

/// The keys of a map. A few are compared each with each, and more are sorted.
struct Keys<'a> {
    few: [TermRef<'a>; Keys::FEW],
    len: usize,
    many: Vec<TermRef<'a>>,
}

impl<'a> Keys<'a> {
    const FEW: usize = 8;

    fn add(&mut self, key: TermRef<'a>) -> Result<(), TermError> {
        let filled = self.few.get_mut(..=self.len).and_then(|few| few.split_last_mut());
        let Some((place, before)) = filled else {
            self.many.push(key);
            return Ok(());
        };
        *place = key;
        self.len += 1;
        if before.contains(&key) { Err(TermError::DuplicateKey) } else { Ok(()) }
    }

    fn end(mut self) -> Result<(), TermError> {
        if self.many.is_empty() {
            return Ok(());
        }
        self.many.extend(self.few);
        self.many.sort_unstable();
        let twice = self.many.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        if twice { Err(TermError::DuplicateKey) } else { Ok(()) }
    }
}
