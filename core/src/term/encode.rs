//! From trees to bytes.

use alloc::vec::Vec;
use core::fmt;

use super::{Fun, Integer, List, Port, Term, tag, write};

/// A term with a part of more than 2^32-1 elements or bytes, which the format has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a term with a part too long for the external term format")
    }
}

impl core::error::Error for TooLong {}

impl Term {
    /// Appends the term behind the version byte, as `term_to_binary/1` does since OTP 27 with the option `deterministic`.
    ///
    /// # Errors
    /// [`TooLong`]. Nothing is appended then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let before = out.len();
        // Not by growing, which asks more questions.
        if out.capacity() == 0 {
            *out = Vec::with_capacity(guess(self))
        } else {
            out.reserve(guess(self))
        }
        write::version(out);
        write::term(out, self).inspect_err(|_| out.truncate(before))
    }
}

/// About how many bytes a term may take. To grow step by step costs more than to encode.
fn guess(term: &Term) -> usize {
    const ONE: usize = 32;
    let inside = match term {
        // Version, tag and length.
        Term::Binary(bytes) => return bytes.len().saturating_add(1 + 1 + 4),
        Term::Tuple(elements) => elements.len(),
        Term::List(list) => list.elements().len(),
        Term::Record(record) => 2 * record.fields().len(),
        Term::Map(pairs) => pairs.len(),
        Term::Integer(_)
        | Term::Float(_)
        | Term::Atom(_)
        | Term::Reference(_)
        | Term::Fun(_)
        | Term::Export(_)
        | Term::Port(_)
        | Term::Pid(_)
        | Term::BitString(_) => 0,
    };
    // No more than a page for nothing: elements may be smaller.
    inside.saturating_mul(ONE).min(4096) + ONE
}

//= docs/spec/term.md#term-encode
pub(super) fn term(out: &mut Vec<u8>, it: &Term) -> Result<(), TooLong> {
    match it {
        Term::Integer(value) => integer(out, value)?,
        Term::Float(float) => {
            let [a, b, c, d, e, f, g, h] = float.get().to_be_bytes();
            out.extend_from_slice(&[tag::NEW_FLOAT, a, b, c, d, e, f, g, h]);
        }
        Term::Atom(atom) => write::atom(out, atom),
        Term::Reference(reference) => write::reference(out, reference),
        Term::Fun(value) => fun(out, value)?,
        Term::Export(export) => {
            out.push(tag::EXPORT);
            write::atom(out, &export.module);
            write::atom(out, &export.function);
            out.extend_from_slice(&[tag::SMALL_INTEGER, export.arity]);
        }
        Term::Port(value) => port(out, value),
        Term::Pid(pid) => write::pid(out, pid),
        Term::Tuple(elements) => {
            match u8::try_from(elements.len()) {
                Ok(arity) => write::tuple(out, arity),
                Err(_) => head(out, tag::LARGE_TUPLE, elements.len())?,
            }
            terms(out, elements)?;
        }
        Term::Record(record) => {
            head(out, tag::RECORD, record.fields().len())?;
            out.push(record.is_exported().into());
            write::atom(out, record.module());
            write::atom(out, record.name());
            record.fields().iter().for_each(|(name, _)| write::atom(out, name));
            terms(out, record.fields().iter().map(|(_, value)| value))?;
        }
        Term::Map(pairs) => {
            head(out, tag::MAP, pairs.len())?;
            for (key, value) in pairs {
                term(out, key)?;
                term(out, value)?;
            }
        }
        Term::List(value) => list(out, value)?,
        Term::Binary(bytes) => {
            head(out, tag::BINARY, bytes.len())?;
            out.extend_from_slice(bytes);
        }
        Term::BitString(bits) => {
            head(out, tag::BIT_BINARY, bits.as_bytes().len())?;
            out.push(bits.last_bits());
            out.extend_from_slice(bits.as_bytes());
        }
    }
    Ok(())
}

fn terms<'a>(out: &mut Vec<u8>, terms: impl IntoIterator<Item = &'a Term>) -> Result<(), TooLong> {
    terms.into_iter().try_for_each(|element| term(out, element))
}

/// A tag and a length of four bytes.
fn head(out: &mut Vec<u8>, tag: u8, len: usize) -> Result<(), TooLong> {
    let len = u32::try_from(len).map_err(|_| TooLong)?;
    let [a, b, c, d] = len.to_be_bytes();
    out.extend_from_slice(&[tag, a, b, c, d]);
    Ok(())
}

#[inline]
fn integer(out: &mut Vec<u8>, value: &Integer) -> Result<(), TooLong> {
    if let Some(value) = value.to_i64() {
        write::integer(out, value);
        return Ok(());
    }
    let Some((negative, magnitude)) = value.as_big() else { return Ok(()) };
    match u8::try_from(magnitude.len()) {
        Ok(len) => out.extend_from_slice(&[tag::SMALL_BIG, len]),
        Err(_) => head(out, tag::LARGE_BIG, magnitude.len())?,
    }
    out.push(negative.into());
    out.extend_from_slice(magnitude);
    Ok(())
}

/// A list of bytes takes a byte each, if there are not too many.
//= docs/spec/term.md#term-encode-string
fn list(out: &mut Vec<u8>, list: &List) -> Result<(), TooLong> {
    if list.is_empty() {
        write::nil(out);
        return Ok(());
    }
    if let (Ok(len), Some(bytes)) = (u16::try_from(list.elements().len()), list.to_bytes()) {
        out.push(tag::STRING);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&bytes);
        return Ok(());
    }
    head(out, tag::LIST, list.elements().len())?;
    terms(out, list.elements())?;
    term(out, list.tail().unwrap_or(&Term::NIL))
}

fn port(out: &mut Vec<u8>, port: &Port) {
    out.push(tag::V4_PORT);
    write::atom(out, &port.node);
    out.extend_from_slice(&port.id.to_be_bytes());
    out.extend_from_slice(&port.creation.0.to_be_bytes());
}

fn fun(out: &mut Vec<u8>, fun: &Fun) -> Result<(), TooLong> {
    out.push(tag::NEW_FUN);
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    out.push(fun.arity);
    out.extend_from_slice(&fun.unique);
    out.extend_from_slice(&fun.index.to_be_bytes());
    let variables = u32::try_from(fun.free.len()).map_err(|_| TooLong)?;
    out.extend_from_slice(&variables.to_be_bytes());
    write::atom(out, &fun.module);
    write::integer(out, fun.old_index);
    write::integer(out, fun.old_unique);
    write::pid(out, &fun.pid);
    terms(out, &fun.free)?;
    // The size counts itself.
    let size = u32::try_from(out.len() - begin).map_err(|_| TooLong)?;
    if let Some(place) = out.get_mut(begin..begin + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        term(&mut out, &text.parse().unwrap()).unwrap();
        out
    }

    //= docs/spec/term.md#term-encode
    //= type=test
    //= docs/spec/term.md#term-encode-string
    //= type=test
    #[test]
    fn each_kind_has_the_encoding_of_a_node() {
        for (text, bytes) in [
            ("255", &b"\x61\xFF"[..]),
            ("256", b"\x62\0\0\x01\0"),
            ("-1", b"\x62\xFF\xFF\xFF\xFF"),
            ("-2147483649", b"\x6E\x04\x01\x01\0\0\x80"),
            ("1.0", b"\x46\x3F\xF0\0\0\0\0\0\0"),
            ("'\u{E9}'", b"\x77\x02\xC3\xA9"),
            ("{}", b"\x68\0"),
            ("[]", b"\x6A"),
            ("[0,255]", b"\x6B\0\x02\0\xFF"),
            ("[256]", b"\x6C\0\0\0\x01\x62\0\0\x01\0\x6A"),
            ("[1|2]", b"\x6C\0\0\0\x01\x61\x01\x61\x02"),
            ("#{b => 1, a => 2}", b"\x74\0\0\0\x02\x77\x01a\x61\x02\x77\x01b\x61\x01"),
            ("<<1>>", b"\x6D\0\0\0\x01\x01"),
            ("<<1:1>>", b"\x4D\0\0\0\x01\x01\x80"),
            ("fun m:f/2", b"\x71\x77\x01m\x77\x01f\x61\x02"),
        ] {
            assert_eq!(encoded(text), bytes, "{text}");
        }
    }

    //= docs/spec/term.md#term-encode-string
    //= type=test
    #[test]
    fn lengths_choose_the_encoding() {
        let elements = |count| alloc::vec![Term::from(1_i64); count];
        for (it, begin) in [
            (Term::Tuple(elements(255)), &[0x68, 255][..]),
            (Term::Tuple(elements(256)), &[0x69, 0, 0, 1, 0]),
            (Term::list(elements(0xFFFF)), &[0x6B, 0xFF, 0xFF]),
            (Term::list(elements(0x1_0000)), &[0x6C, 0, 1, 0, 0]),
            (Integer::from_sign_magnitude(false, &[1; 255]).into(), &[0x6E, 255, 0]),
            (Integer::from_sign_magnitude(true, &[1; 256]).into(), &[0x6F, 0, 0, 1, 0, 1]),
        ] {
            let mut out = Vec::new();
            term(&mut out, &it).unwrap();
            assert!(out.starts_with(begin), "{begin:02x?}");
        }
    }

    #[test]
    fn the_size_of_a_fun_counts_itself() {
        let pid = crate::term::Pid {
            node: crate::term::Atom::literal("a@b"),
            id: 1,
            serial: 2,
            creation: crate::Creation(3),
        };
        let module = crate::term::Atom::literal("m");
        let fun = Fun {
            module,
            old_index: 1,
            old_unique: 2,
            arity: 3,
            unique: [4; 16],
            index: 5,
            pid,
            free: Vec::new(),
        };
        let mut out = Vec::new();
        term(&mut out, &fun.into()).unwrap();
        assert_eq!(out[1..5], (out.len() as u32 - 1).to_be_bytes());
    }
}
