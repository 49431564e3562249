//! Texts as Erlang has them: lists of characters, binaries and such lists (`unicode:chardata()`).

use alloc::string::String;
use alloc::vec::Vec;

use crate::term::Term;

/// What the bytes of binaries are, and which characters there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    /// UTF-8, and all characters.
    Unicode,
    /// One byte a character, and only these.
    Latin1,
}

impl Encoding {
    pub(super) fn of(term: &Term) -> Option<Self> {
        match term.as_atom()?.as_str() {
            "unicode" => Some(Self::Unicode),
            "latin1" => Some(Self::Latin1),
            _ => None,
        }
    }

    fn character(self, number: i64) -> Option<char> {
        match self {
            Self::Unicode => char::from_u32(number.try_into().ok()?),
            Self::Latin1 => u8::try_from(number).ok().map(char::from),
        }
    }
}

/// The text, if it is one.
//= docs/spec/calls.md#io-text
pub(super) fn text(chars: &Term, encoding: Encoding) -> Option<String> {
    let mut bytes = Vec::new();
    append_all(&mut bytes, chars, encoding)?;
    // Characters may be cut into several binaries, so it shows only now whether they are whole.
    String::from_utf8(bytes).ok()
}

fn append_all(out: &mut Vec<u8>, part: &Term, encoding: Encoding) -> Option<()> {
    if let Term::Binary(bytes) = part {
        match encoding {
            Encoding::Unicode => out.extend_from_slice(bytes),
            Encoding::Latin1 => bytes.iter().for_each(|&byte| push(out, byte.into())),
        }
        return Some(());
    }
    let Term::List(list) = part else { return None };
    for element in list.elements() {
        match element.as_i64() {
            Some(number) => push(out, encoding.character(number)?),
            None => append_all(out, element, encoding)?,
        }
    }
    // A binary may end a list.
    list.tail().map_or(Some(()), |tail| append_all(out, tail, encoding))
}

fn push(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/calls.md#io-text
    //= type=test
    #[test]
    fn texts_are_lists_and_binaries_of_characters() {
        use Encoding::{Latin1, Unicode};
        for (chars, encoding, expected) in [
            ("[]", Unicode, Some("")),
            ("\"abc\"", Latin1, Some("abc")),
            ("[97,[98,<<99>>],<<100>>|<<101>>]", Unicode, Some("abcde")),
            ("[8364]", Unicode, Some("€")),
            ("[8364]", Latin1, None),
            ("<<195,165>>", Unicode, Some("å")),
            ("[<<195>>,<<165>>]", Unicode, Some("å")),
            ("[<<195>>,165]", Unicode, None),
            ("<<195,165>>", Latin1, Some("Ã¥")),
            ("[229]", Latin1, Some("å")),
            ("<<255>>", Unicode, None),
            ("[55296]", Unicode, None),
            ("[1114112]", Unicode, None),
            ("[-1]", Unicode, None),
            ("[-1]", Latin1, None),
            ("[97|98]", Unicode, None),
            ("[a]", Unicode, None),
            ("a", Unicode, None),
            ("97", Unicode, None),
            ("{97}", Latin1, None),
        ] {
            let chars: Term = chars.parse().unwrap();
            assert_eq!(text(&chars, encoding).as_deref(), expected, "{chars}");
        }
    }
}
