//! Whether words are one term, and if not, which of them Erlang's parser stops at.

use alloc::string::ToString as _;

use super::SyntaxError;
use super::token::{Kind, Token};
use crate::term::{Atom, Term};

/// Levels of terms inside terms; deeper ones are no hosts, and are refused.
const DEPTH_MAX: usize = 64;

/// What follows a term in an expression that is no term.
const OPERATORS: [&str; 32] = [
    "+", "-", "*", "/", "++", "--", "=", "!", "(", ",", ":", "#", "==", "/=", "=<", "<", ">=", ">",
    "=:=", "=/=", "div", "rem", "band", "and", "bor", "bxor", "bsl", "bsr", "or", "xor", "andalso",
    "orelse",
];

/// Checks that words with a dot at their end are one term, as far as a parser has to: signs before anything and funs of any kind pass, for
/// who reads the text refuses those that are expressions.
///
/// # Errors
/// What Erlang says.
pub(super) fn check(tokens: &[Token<'_>]) -> Result<(), SyntaxError> {
    let mut parser = Parser { tokens, next: 0 };
    parser.term(DEPTH_MAX)?;
    match parser.peek() {
        Some(token) if token.kind == Kind::Dot => Ok(()),
        _ => Err(parser.after_term()),
    }
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    next: usize,
}

impl<'t> Parser<'_, 't> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.next).copied()
    }

    fn peek_is(&self, kind: Kind) -> bool {
        self.peek().is_some_and(|token| token.kind == kind)
    }

    fn at(&self, symbol: &str) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Symbol && token.text == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let there = self.at(symbol);
        self.next += usize::from(there);
        there
    }

    fn term(&mut self, depth: usize) -> Result<(), SyntaxError> {
        let Some(token) = self.peek() else { return Err(self.unexpected()) };
        if depth == 0 {
            return Err(self.bad_term());
        }
        match (token.kind, token.text) {
            (Kind::Atom, "fun") => return self.export(),
            (Kind::Atom, word) if is_atom(word) => self.next += 1,
            (Kind::Number | Kind::Char, _) => self.next += 1,
            (Kind::String, _) => {
                while self.peek().is_some_and(|token| token.kind == Kind::String) {
                    self.next += 1;
                }
            }
            (Kind::Symbol, "-" | "+") => {
                self.next += 1;
                self.term(depth - 1)?;
            }
            (Kind::Symbol, "{") => self.inside("}", depth)?,
            (Kind::Symbol, "<<") => self.inside(">>", depth)?,
            (Kind::Symbol, "[") => self.inside("]", depth)?,
            (Kind::Symbol, "#") => self.map(depth)?,
            (Kind::Variable, _) => return Err(self.bad_term()),
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    /// What is between brackets. Of a binary, sizes and types are left to who reads the term.
    fn inside(&mut self, close: &str, depth: usize) -> Result<(), SyntaxError> {
        self.next += 1;
        if self.take(close) {
            return Ok(());
        }
        loop {
            self.term(depth - 1)?;
            if close == ">>" {
                while self.take(":") || self.take("/") || self.take("-") {
                    self.next += usize::from(self.peek().is_some_and(|t| t.kind != Kind::Dot));
                }
            }
            if close == "]" && self.take("|") {
                self.term(depth - 1)?;
                return if self.take(close) { Ok(()) } else { Err(self.unexpected()) };
            }
            if self.take(close) {
                return Ok(());
            }
            if !self.take(",") {
                return Err(self.after_term());
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<(), SyntaxError> {
        self.next += 1;
        if !self.at("{") {
            self.next += usize::from(self.peek().is_some_and(|token| token.kind == Kind::Atom));
            return Err(if self.at("{") { self.bad_term() } else { self.unexpected() });
        }
        self.next += 1;
        if self.take("}") {
            return Ok(());
        }
        loop {
            self.term(depth - 1)?;
            if self.at(":=") {
                return Err(self.bad_term());
            }
            if !self.take("=>") {
                return Err(self.unexpected());
            }
            self.term(depth - 1)?;
            if self.take("}") {
                return Ok(());
            }
            if !self.take(",") {
                return Err(self.after_term());
            }
        }
    }

    /// `fun Module:Function/Arity`, or one of this module, with variables, or with a body.
    fn export(&mut self) -> Result<(), SyntaxError> {
        self.next += 1;
        if self.take("(") {
            return Err(self.body());
        }
        let named = self.peek_is(Kind::Variable);
        self.part(Kind::Atom, true)?;
        if named && self.take("(") {
            return Err(self.body());
        }
        let remote = self.take(":");
        if remote {
            self.part(Kind::Atom, true)?;
        }
        if (named && !remote) || !self.take("/") {
            return Err(self.unexpected());
        }
        self.part(Kind::Number, remote)
    }

    /// Behind the parenthesis of a fun with a body, which is no term.
    fn body(&self) -> SyntaxError {
        let ends = self.peek().is_none_or(|token| token.kind == Kind::Dot);
        if ends { self.unexpected() } else { self.bad_term() }
    }

    /// A variable may stand for it where there is a module.
    fn part(&mut self, kind: Kind, variable: bool) -> Result<(), SyntaxError> {
        let fits = self.peek().is_some_and(|token| {
            let is_it = token.kind == kind && (kind != Kind::Atom || is_atom(token.text));
            is_it || variable && token.kind == Kind::Variable
        });
        if !fits {
            return Err(self.unexpected());
        }
        self.next += 1;
        Ok(())
    }

    /// What stands here where a term has ended: an expression goes on, or nothing does.
    fn after_term(&mut self) -> SyntaxError {
        if self.peek().is_none_or(|token| !OPERATORS.contains(&token.text)) {
            return self.unexpected();
        }
        self.next += 1;
        if self.peek_is(Kind::Dot) || self.peek().is_none() {
            self.unexpected()
        } else {
            self.bad_term()
        }
    }

    /// An expression, but no term: told of where it begins.
    fn bad_term(&self) -> SyntaxError {
        let line = self.tokens.first().map_or(1, |token| token.line);
        SyntaxError { line, module: "erl_parse", descriptor: Term::string("bad term") }
    }

    /// The parser cannot go on here; at the end of the text it tells of the last word.
    fn unexpected(&self) -> SyntaxError {
        let token = self.peek();
        let line = token.or_else(|| self.tokens.last().copied()).map_or(1, |token| token.line);
        let found = token.map_or(Term::NIL, |token| Term::string(&as_told(token)));
        let descriptor = Term::list([Term::string("syntax error before: "), found]);
        SyntaxError { line, module: "erl_parse", descriptor }
    }
}

/// Whether this word is no reserved one.
fn is_atom(word: &str) -> bool {
    word.starts_with('\'') || Atom::new(word).is_ok_and(|atom| atom.to_string() == word)
}

/// A word as Erlang's parser tells it.
fn as_told(token: Token<'_>) -> alloc::string::String {
    let written = token.text.parse::<Term>();
    match (token.kind, written) {
        (Kind::Atom, Ok(Term::Atom(atom))) => atom.to_string(),
        (Kind::Number, Ok(Term::Integer(integer))) => integer.to_string(),
        (Kind::Variable | Kind::Number | Kind::String | Kind::Char, _) => token.text.into(),
        // Symbols, the dot, and words that are no atoms without quotes.
        _ => Atom::new(token.text).map_or_else(|_| token.text.into(), |atom| atom.to_string()),
    }
}
