//! Words of a host file, with their lines: as much of Erlang's scanner as it takes to find where a term ends, and what is wrong.

use alloc::vec::Vec;

use super::SyntaxError;
use crate::term::{Term, is_blank, is_character};

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) line: usize,
    /// From where on in the whole text.
    pub(super) at: usize,
    pub(super) text: &'t str,
}

/// What sort of word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An atom, in quotes or not, or a reserved word.
    Atom,
    Char,
    /// The end of a term: a dot with a blank, a comment or the end behind it.
    Dot,
    Number,
    String,
    Symbol,
    Variable,
}

/// Symbols of more than one character, longer ones first.
const SYMBOLS: [&str; 19] = [
    "...", "=:=", "=/=", "..", "==", "/=", "=<", ">=", "++", "--", "->", "=>", ":=", "::", "||",
    "<<", ">>", "<-", "<=",
];
/// Words of the longest term.
const WORDS_MAX: usize = 1_000_000;
/// What is told of a text that does not end.
const EXCERPT: usize = 15;

/// Where the scanner is.
struct Scanner<'t> {
    rest: &'t str,
    line: usize,
    at: usize,
}

/// The words up to the end of a term, its dot among them if there is one; nothing at the end of the text. Then the rest.
pub(super) fn form<'t>(
    text: &'t str,
    at: &mut usize,
    line: &mut usize,
) -> Result<Vec<Token<'t>>, SyntaxError> {
    let mut scanner = Scanner { rest: &text[*at..], line: *line, at: *at };
    let mut tokens = Vec::new();
    while let Some(token) = scanner.next()? {
        tokens.push(token);
        if tokens.len() > WORDS_MAX {
            let line = tokens.first().map_or(1, |first| first.line);
            let descriptor = Term::string("bad term");
            return Err(SyntaxError { line, module: "erl_parse", descriptor });
        }
        if token.kind == Kind::Dot {
            break;
        }
    }
    (*at, *line) = (scanner.at, scanner.line);
    Ok(tokens)
}

impl<'t> Scanner<'t> {
    fn next(&mut self) -> Result<Option<Token<'t>>, SyntaxError> {
        self.skip_space()?;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let (kind, length) = match first {
            '\'' => (Kind::Atom, self.quoted('\'', "atom")?),
            '"' => (Kind::String, self.quoted('"', "string")?),
            '$' => (Kind::Char, self.char()?),
            '0'..='9' => (Kind::Number, number(self.rest)),
            'A'..='Z' | '_' | 'À'..='Ö' | 'Ø'..='Þ' => (Kind::Variable, self.while_word()),
            'a'..='z' | 'ß'..='ö' | 'ø'..='ÿ' => (Kind::Atom, self.while_word()),
            '\u{100}'.. => return Err(self.illegal_character()),
            '.' if self.ends_term() => (Kind::Dot, 1),
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol));
                (Kind::Symbol, symbol.map_or_else(|| first.len_utf8(), |symbol| symbol.len()))
            }
        };
        let (text, line, at) = (&self.rest[..length], self.line, self.at);
        self.take(length)?;
        // Since OTP 27 there are blanks between strings.
        if kind == Kind::String && self.rest.starts_with('"') {
            return Err(self.error(Term::literal("string_concat")));
        }
        Ok(Some(Token { kind, line, at, text }))
    }

    fn take(&mut self, length: usize) -> Result<(), SyntaxError> {
        let (taken, rest) = self.rest.split_at(length);
        let legal = taken.find(|c| !is_character(c)).unwrap_or(length);
        self.line += taken[..legal].matches('\n').count();
        self.at += legal;
        self.rest = rest;
        if legal < length { Err(self.illegal_character()) } else { Ok(()) }
    }

    fn skip_space(&mut self) -> Result<(), SyntaxError> {
        loop {
            let length = self.rest.len() - self.rest.trim_start_matches(is_blank).len();
            self.take(length)?;
            if !self.rest.starts_with('%') {
                return Ok(());
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()))?;
        }
    }

    fn while_word(&self) -> usize {
        let word = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ')
        };
        self.rest.find(|c| !word(c)).unwrap_or(self.rest.len())
    }

    fn ends_term(&self) -> bool {
        self.rest[1..].chars().next().is_none_or(|c| is_blank(c) || c == '%')
    }

    /// A text between quotes, with them, or up to a character that is none.
    fn quoted(&self, quote: char, what: &'static str) -> Result<usize, SyntaxError> {
        let mut escaped = false;
        for (at, char) in self.rest.char_indices().skip(1) {
            if !is_character(char) || char == quote && !escaped {
                return Ok(at + char.len_utf8());
            }
            escaped = char == '\\' && !escaped;
        }
        let excerpt: alloc::string::String = self.rest.chars().skip(1).take(EXCERPT).collect();
        Err(self.unterminated([Term::literal(what), Term::string(&excerpt)].into()))
    }

    /// `$` and a character, which may be escaped.
    fn char(&self) -> Result<usize, SyntaxError> {
        let mut chars = self.rest.chars().skip(1);
        let unterminated = || self.unterminated([Term::literal("char")].into());
        let first = chars.next().ok_or_else(unterminated)?;
        if first != '\\' {
            return Ok(1 + first.len_utf8());
        }
        let escaped = chars.next().ok_or_else(unterminated)?;
        let behind = &self.rest[2..];
        // In bytes, for any character may follow `^`.
        let more = |digits: fn(char) -> bool, most: usize| -> usize {
            let digits = behind.chars().skip(1).take(most).take_while(|c| digits(*c));
            digits.map(char::len_utf8).sum()
        };
        let length = match escaped {
            'x' if behind[1..].starts_with('{') => 3 + self.braced_digits(&behind[2..])?,
            'x' => 1 + more(|c| c.is_ascii_hexdigit(), 2),
            '^' => 1 + more(|_| true, 1),
            '0'..='7' => 1 + more(|c| c.is_digit(8), 2),
            _ => escaped.len_utf8(),
        };
        Ok(2 + length)
    }

    /// How many hexadecimal digits there are up to the brace behind them.
    fn braced_digits(&self, behind: &str) -> Result<usize, SyntaxError> {
        let end = behind.find(|c: char| !c.is_ascii_hexdigit());
        match end {
            Some(digits) if digits > 0 && behind[digits..].starts_with('}') => Ok(digits),
            Some(_) => Err(self.illegal_character()),
            None => Err(self.unterminated([Term::literal("char")].into())),
        }
    }

    fn unterminated(&self, mut what: Vec<Term>) -> SyntaxError {
        what.insert(0, Term::literal("unterminated"));
        self.error(Term::Tuple(what))
    }

    fn illegal_character(&self) -> SyntaxError {
        self.error(Term::tuple([Term::literal("illegal"), Term::literal("character")]))
    }

    const fn error(&self, descriptor: Term) -> SyntaxError {
        SyntaxError { line: self.line, module: "erl_scan", descriptor }
    }
}

/// The length of a number: digits with their base, or with a fraction and an exponent.
fn number(text: &str) -> usize {
    let run = |from: usize, digit: fn(char) -> bool| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|c| !digit(c) && c != '_').unwrap_or(rest.len())
    };
    let digit = |c: char| c.is_ascii_digit();
    let whole = run(0, digit);
    if text[whole..].starts_with('#') {
        return run(whole + 1, |c| c.is_ascii_alphanumeric());
    }
    let fraction = run(whole + 1, digit);
    if !text[whole..].starts_with('.') || fraction == whole + 1 {
        return whole;
    }
    let Some(signed) = text[fraction..].strip_prefix(['e', 'E']) else { return fraction };
    let sign = signed.len() - signed.trim_start_matches(['+', '-']).len();
    let exponent = fraction + 1 + sign.min(1);
    let end = run(exponent, digit);
    if end == exponent { fraction } else { end }
}
