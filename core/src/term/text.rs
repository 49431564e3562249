//! Characters between quotes.

use core::fmt::{self, Write as _};

/// A text between two `quote`s, escaped as Erlang does in atoms and strings.
//= docs/spec/term.md#term-display-quoted
pub(super) fn quoted(
    f: &mut fmt::Formatter<'_>,
    quote: char,
    text: impl Iterator<Item = char>,
) -> fmt::Result {
    f.write_char(quote)?;
    for char in text {
        match escape(char) {
            _ if char == quote || char == '\\' => write!(f, "\\{char}")?,
            Some(letter) => write!(f, "\\{letter}")?,
            None if char.is_control() => write!(f, "\\{:03o}", u32::from(char))?,
            None => f.write_char(char)?,
        }
    }
    f.write_char(quote)
}

/// The letters of control characters that have one.
const ESCAPES: [(char, char); 8] = [
    ('\u{8}', 'b'),
    ('\t', 't'),
    ('\n', 'n'),
    ('\u{B}', 'v'),
    ('\u{C}', 'f'),
    ('\r', 'r'),
    ('\u{1B}', 'e'),
    ('\u{7F}', 'd'),
];

fn escape(char: char) -> Option<char> {
    ESCAPES.iter().find(|(plain, _)| *plain == char).map(|(_, letter)| *letter)
}

/// What a letter behind a backslash means, if it is one of these. `\s` is never printed.
pub(super) fn unescape(letter: char) -> Option<char> {
    let found = ESCAPES.iter().find(|(_, escape)| *escape == letter).map(|(plain, _)| *plain);
    found.or_else(|| (letter == 's').then_some(' '))
}

/// Whether a list of such characters, or a binary, is printed as a text: Erlang's `printable_range` `latin1`.
pub(super) fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{A0}'..='\u{FF}') || char != '\u{7F}' && escape(char).is_some()
}

/// Whether Erlang's scanner takes this at all, as itself or by its number.
pub(crate) const fn is_character(char: char) -> bool {
    !matches!(char, '\u{FFFE}' | '\u{FFFF}')
}

/// Whether Erlang's scanner passes this over between words.
pub(crate) const fn is_blank(char: char) -> bool {
    matches!(char, '\0'..=' ' | '\u{80}'..='\u{A0}')
}
