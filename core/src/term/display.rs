//! Terms as text.

use alloc::string::String;
use core::fmt::{self, Write as _};

use super::text::{is_printable, quoted};
use super::{BitString, List, Record, Term};

/// As Erlang's `io_lib:format("~0tp")` prints it on a node that was started without `+pc unicode`, but for pids, ports and references: these
/// have the name of their node, where Erlang has a number that only one virtual machine knows. Maps have their keys in the order of `Ord`.
//= docs/spec/term.md#term-display
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => fmt::Display::fmt(integer, f),
            Self::Float(float) => fmt::Display::fmt(float, f),
            Self::Atom(atom) => fmt::Display::fmt(atom, f),
            Self::Reference(reference) => fmt::Display::fmt(reference, f),
            Self::Fun(fun) => fmt::Display::fmt(fun, f),
            Self::Export(export) => fmt::Display::fmt(export, f),
            Self::Port(port) => fmt::Display::fmt(port, f),
            Self::Pid(pid) => fmt::Display::fmt(pid, f),
            Self::Tuple(elements) => {
                f.write_char('{')?;
                separated(f, elements, |f, element| fmt::Display::fmt(element, f))?;
                f.write_char('}')
            }
            Self::Record(record) => fmt::Display::fmt(record, f),
            //= docs/spec/term.md#term-display-map
            Self::Map(pairs) => {
                f.write_str("#{")?;
                separated(f, pairs, |f, (key, value)| write!(f, "{key} => {value}"))?;
                f.write_char('}')
            }
            Self::List(list) => fmt::Display::fmt(list, f),
            Self::Binary(bytes) => binary(f, bytes),
            Self::BitString(bits) => bit_string(f, bits),
        }
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As Erlang prints records, which does not say whether they are exported.
//= docs/spec/term.md#term-display-record
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}:{}{{", self.module(), self.name())?;
        separated(f, self.fields(), |f, (name, value)| write!(f, "{name} = {value}"))?;
        f.write_char('}')
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    mut print: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            f.write_char(',')?;
        }
        print(f, item)?;
    }
    Ok(())
}

/// A text if all elements are printable characters.
//= docs/spec/term.md#term-display-string
impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = printable(self) {
            return quoted(f, '"', text.chars());
        }
        f.write_char('[')?;
        separated(f, self.elements(), |f, element| fmt::Display::fmt(element, f))?;
        if let Some(tail) = self.tail() {
            write!(f, "|{tail}")?;
        }
        f.write_char(']')
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn printable(list: &List) -> Option<String> {
    if list.is_empty() || list.tail().is_some() {
        return None;
    }
    let char = |element: &Term| char::from_u32(u32::try_from(element.as_i64()?).ok()?);
    list.elements().iter().map(|element| char(element).filter(|&char| is_printable(char))).collect()
}

/// As a text if it is printable UTF-8; as one of Latin-1 only if it cannot be UTF-8.
//= docs/spec/term.md#term-display-binary
fn binary(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let utf8 = core::str::from_utf8(bytes);
    let text: String = match utf8 {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    f.write_str("<<")?;
    if text.is_empty() || !text.chars().all(is_printable) {
        separated(f, bytes, |f, byte| fmt::Display::fmt(byte, f))?;
    } else {
        quoted(f, '"', text.chars())?;
        if utf8.is_ok() && !bytes.is_ascii() {
            f.write_str("/utf8")?;
        }
    }
    f.write_str(">>")
}

/// Never as a text; the last bits as a number of their own.
fn bit_string(f: &mut fmt::Formatter<'_>, bits: &BitString) -> fmt::Result {
    let Some((last, whole)) = bits.as_bytes().split_last() else { return Ok(()) };
    f.write_str("<<")?;
    for byte in whole {
        write!(f, "{byte},")?;
    }
    write!(f, "{}:{}>>", last >> (8 - bits.last_bits()), bits.last_bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use bytes::Bytes;

    //= docs/spec/term.md#term-display
    //= type=test
    //= docs/spec/term.md#term-display-map
    //= type=test
    //= docs/spec/term.md#term-display-quoted
    //= type=test
    //= docs/spec/term.md#term-display-string
    //= type=test
    #[test]
    fn prints_the_flat_form_of_erlang() {
        for text in [
            "{}",
            "{a,'B',[],1.5,-7}",
            "#{}",
            "#{1 => 2,1.0 => 3,a => b,{x} => []}",
            "[a|b]",
            "[97,98|c]",
            "\"ab\"",
            "[{a,\"abc\"},[\"x\"]]",
            "[\"a\",98]",
            "\"\\n\\t\\r\\v\\b\\f\\e\"",
            "\" ~\\\"'\\\\\u{A0}\u{FF}\"",
            "[127]",
            "[159]",
            "[256]",
            "[1,2,3]",
            "fun 'A b':'C'/0",
            "'\\000\\d\\'\"'",
        ] {
            assert_eq!(text.parse::<Term>().unwrap().to_string(), text);
        }
        assert_eq!("\"a\\\"b'\"".parse::<Term>().unwrap().to_string(), "\"a\\\"b'\"");
    }

    //= docs/spec/term.md#term-display-binary
    //= type=test
    #[test]
    fn binaries_are_texts_if_they_can_be() {
        for (bytes, text) in [
            (&b""[..], "<<>>"),
            (b"abc", "<<\"abc\">>"),
            (b"\0", "<<0>>"),
            (b"\xC3\xA9", "<<\"\u{E9}\"/utf8>>"),
            (b"\xE9", "<<\"\u{E9}\">>"),
            (b"\xE2\x82\xAC", "<<226,130,172>>"),
            (b"\xE0\xA2\xAD", "<<224,162,173>>"),
            (b"a\x7F", "<<97,127>>"),
            (b"\xC3\xA9\xFF", "<<\"\u{C3}\u{A9}\u{FF}\">>"),
        ] {
            assert_eq!(Term::Binary(Bytes::from_static(bytes)).to_string(), text);
        }
        for (bytes, bits, text) in [(&b"\x80"[..], 1, "<<1:1>>"), (b"ab\xA0", 3, "<<97,98,5:3>>")] {
            let string = BitString::new(bytes.to_vec(), bits).unwrap();
            assert_eq!(Term::from(string).to_string(), text);
        }
    }
}
