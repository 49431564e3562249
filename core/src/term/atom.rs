//! Atoms.

use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;

use smol_str::SmolStr;

use super::text::quoted;

/// The longest atom, in Unicode code points.
pub const ATOM_MAX_CHARS: usize = 255;

/// Bytes of text that a `SmolStr` holds without memory elsewhere.
const INLINE: usize = 23;

/// An atom: at most [`ATOM_MAX_CHARS`] code points of text. Up to 23 bytes of it take no memory elsewhere, and cloning shares more; nothing
/// is interned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom(SmolStr);

/// The text is longer than [`ATOM_MAX_CHARS`] code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtomTooLong;

impl fmt::Display for AtomTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "longer than {ATOM_MAX_CHARS} characters")
    }
}

impl core::error::Error for AtomTooLong {}

impl Atom {
    /// The atom with this text.
    ///
    /// # Errors
    /// [`AtomTooLong`] for more than [`ATOM_MAX_CHARS`] code points.
    pub fn new(text: &str) -> Result<Self, AtomTooLong> {
        // A code point takes one to four bytes, so short texts need no counting.
        if text.len() > ATOM_MAX_CHARS && text.chars().count() > ATOM_MAX_CHARS {
            return Err(AtomTooLong);
        }
        Ok(Self(text.into()))
    }

    /// The atom with this text, which is known to be short enough.
    #[inline]
    pub(super) fn checked(text: &str) -> Self {
        // What is short is put in its place here, where a call would move it once more.
        Self(if text.len() <= INLINE { SmolStr::new_inline(text) } else { text.into() })
    }

    /// An atom whose text is a literal of this crate, known to be short.
    pub(crate) fn literal(text: &'static str) -> Self {
        debug_assert!(text.len() <= ATOM_MAX_CHARS, "literal atoms are short");
        Self(SmolStr::new_static(text))
    }

    /// The atom with this text. [`atom!`](crate::atom) has it checked when the program is compiled.
    ///
    /// # Panics
    /// The text is longer than [`ATOM_MAX_CHARS`] code points.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        let (bytes, mut at, mut chars) = (text.as_bytes(), 0, 0);
        while at < bytes.len() {
            // All bytes of a code point but the first begin with the bits 10.
            if bytes[at] & 0xc0 != 0x80 {
                chars += 1;
            }
            at += 1;
        }
        assert!(chars <= ATOM_MAX_CHARS, "an atom has at most 255 characters");
        Self(SmolStr::new_static(text))
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The [`Atom`] with this text, a literal. One that is too long does not compile.
///
/// ```
/// use netkernel_core::atom;
/// use netkernel_core::term::Term;
///
/// let answer = Term::tuple([atom!("ok").into(), 3_i64.into()]);
/// assert_eq!(answer.to_string(), "{ok,3}");
/// ```
#[macro_export]
macro_rules! atom {
    ($text:literal) => {
        const { $crate::term::Atom::from_static($text) }
    };
}

impl Deref for Atom {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Atom {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As Erlang's `io:format("~tp")` prints it: quoted unless it is a lower-case word that is not reserved. (`maybe` and `else` are
/// reserved since OTP 27.)
impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_bare(&self.0) {
            return f.write_str(&self.0);
        }
        quoted(f, '\'', self.0.chars())
    }
}

/// Erlang's reserved words, sorted: atoms of these texts need quotes.
const RESERVED: [&str; 29] = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "else", "end", "fun", "if", "let", "maybe", "not", "of", "or",
    "orelse", "receive", "rem", "try", "when", "xor",
];

fn is_bare(text: &str) -> bool {
    text.starts_with(is_word_start) && text.chars().all(is_word) && !is_reserved(text)
}

/// Whether an atom without quotes can begin so.
pub(super) fn is_word_start(c: char) -> bool {
    c.is_ascii_lowercase() || matches!(c, 'ß'..='ÿ') && c != '÷'
}

/// Whether an atom without quotes can go on so.
pub(super) fn is_word(c: char) -> bool {
    is_word_start(c) || c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | 'À'..='Þ') && c != '×'
}

/// Whether this word is part of Erlang's grammar.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

made_of!(Atom, alloc::vec::Vec<char>, |chars| {
    Atom::new(&chars.into_iter().take(ATOM_MAX_CHARS).collect::<alloc::string::String>()).unwrap()
}; super::generate::atom());

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn length_is_counted_in_code_points() {
        assert!(Atom::new(&"é".repeat(255)).is_ok());
        assert_eq!(Atom::new(&"a".repeat(256)), Err(AtomTooLong));
        assert!(Atom::new("").is_ok());
    }

    #[test]
    fn literals_are_checked() {
        const LONGEST: &str = concat!(
            "ééééééééééééééééééééééééééééééééééééééééééééééééééé",
            "ééééééééééééééééééééééééééééééééééééééééééééééééééé",
            "ééééééééééééééééééééééééééééééééééééééééééééééééééé",
            "ééééééééééééééééééééééééééééééééééééééééééééééééééé",
            "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€",
        );
        const ATOM: Atom = Atom::from_static(LONGEST);
        assert_eq!((LONGEST.chars().count(), Atom::new(LONGEST)), (255, Ok(ATOM)));
        assert_eq!(Ok(crate::atom!("ok")), Atom::new("ok"));
    }

    #[test]
    #[should_panic(expected = "at most 255")]
    fn long_literals_do_not_compile() {
        const TOO_LONG: &str = match core::str::from_utf8(&[b'a'; 256]) {
            Ok(text) => text,
            Err(_) => "",
        };
        let _ = Atom::from_static(TOO_LONG);
    }

    #[test]
    fn prints_as_erlang_does() {
        for (text, printed) in [
            ("net_kernel", "net_kernel"),
            ("b@127.0.0.1", "'b@127.0.0.1'"),
            ("a@b", "a@b"),
            ("", "''"),
            ("Abc", "'Abc'"),
            ("it's", "'it\\'s'"),
            ("receive", "'receive'"),
            ("xor", "'xor'"),
            ("a\nb", "'a\\nb'"),
            ("\0\u{1B}\u{7F}\u{9F}é€", "'\\000\\e\\d\\237é€'"),
        ] {
            assert_eq!(Atom::new(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn reserved_words_are_sorted_for_the_search() {
        assert!(RESERVED.is_sorted());
    }
}
