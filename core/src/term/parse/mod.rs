//! From Erlang's syntax to terms: the forms that hold others. `scan` has the words, `bits` the binaries, `ids` the pids and their like, `error` what
//! can be wrong.

mod bits;
mod error;
mod ids;
mod scan;

pub use error::{ParseError, ParseErrorKind};

use alloc::vec::Vec;
use core::str::FromStr;
use nom::bytes::complete::tag;
use nom::combinator::{all_consuming, cut, map, opt};
use nom::multi::many0;
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

use super::{Atom, Limits, List, Term};
use crate::creation::Creation;
use error::{Fault, failure};
use scan::{space, token};

type Parsed<'t, T> = IResult<&'t str, T, Fault<'t>>;

impl Term {
    /// The term that a text is in Erlang's syntax, such as `file:consult/1` reads, without the dot at the end: no variables and no operators but signs.
    /// What `Display` prints is read, except pids, ports, references, funs with values and records, whose texts do not say which they are.
    ///
    /// Of the segments of a binary, integers of up to 64 bits and strings, with `/utf8` or without, are read.
    ///
    /// # Errors
    /// What is wrong and where, or which limit is broken. The number of terms is not limited but by the length of the text.
    //= docs/spec/term.md#term-parse
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ParseError> {
        Self::parse_in(text, Scope { limits, depth: limits.depth, creation_of: None })
    }

    /// As [`Self::parse`], and reads pids, ports and references as `Display` prints them: `<'b@127.0.0.1'.95.0>`. Their text does not say which incarnation of
    /// the node they are of; `creation_of` does.
    ///
    /// # Errors
    /// As [`Self::parse`].
    //= docs/spec/term.md#term-parse-ids
    pub fn parse_with_ids(
        text: &str,
        limits: &Limits,
        creation_of: &dyn Fn(&Atom) -> Creation,
    ) -> Result<Self, ParseError> {
        let creation_of = Some(creation_of);
        Self::parse_in(text, Scope { limits, depth: limits.depth, creation_of })
    }

    fn parse_in(text: &str, scope: Scope<'_>) -> Result<Self, ParseError> {
        match all_consuming(terminated(|input| scope.term(input), space)).parse(text) {
            Ok((_, term)) => Ok(term),
            Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => Err(fault.locate(text)),
            // Not from parsers of complete texts.
            Err(nom::Err::Incomplete(_)) => {
                Err(ParseError { offset: text.len(), kind: ParseErrorKind::Syntax })
            }
        }
    }
}

/// With the default limits.
impl FromStr for Term {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, &Limits::default())
    }
}

/// What is allowed from here on.
#[derive(Clone, Copy)]
struct Scope<'l> {
    limits: &'l Limits,
    /// Levels that terms may still have.
    depth: usize,
    /// For pids, ports and references, if they are read.
    creation_of: Option<&'l dyn Fn(&Atom) -> Creation>,
}

impl Scope<'_> {
    /// A term. What it is shows in its first character, so that nothing is read twice.
    fn term(self, input: &str) -> Parsed<'_, Term> {
        let (input, ()) = space(input)?;
        // What closes an empty tuple, list or map is no term.
        if self.depth == 0 && !input.starts_with(['}', ']']) {
            return failure(input, ParseErrorKind::TooDeep);
        }
        let inside = Self { depth: self.depth.saturating_sub(1), ..self };
        match input.chars().next() {
            Some('{') => inside.tuple(input),
            Some('[') => inside.list(input),
            Some('#') if input.starts_with("#{") => inside.map(input),
            Some('<') if input.starts_with("<<") => bits::binary(input, self.limits),
            Some('#' | '<') => match self.creation_of {
                Some(creation_of) => ids::id(input, creation_of),
                None => failure(input, ParseErrorKind::Unreadable),
            },
            Some('"') => map(scan::string, |text| Term::string(&text)).parse(input),
            Some('\'') => map(scan::atom, Term::Atom).parse(input),
            Some('$' | '-' | '+' | '0'..='9') => scan::number(input, self.limits),
            Some(_) if input.starts_with("fun") => scan::or_export(input),
            _ => map(scan::atom, Term::Atom).parse(input),
        }
    }

    fn terms(self, input: &str) -> Parsed<'_, Vec<Term>> {
        separated(|input| self.term(input)).parse(input)
    }

    fn tuple(self, input: &str) -> Parsed<'_, Term> {
        let elements = delimited(tag("{"), |input| self.terms(input), token("}"));
        map(elements, Term::Tuple).parse(input)
    }

    fn list(self, input: &str) -> Parsed<'_, Term> {
        let (input, _) = tag("[").parse(input)?;
        let (input, elements) = self.terms(input)?;
        if elements.is_empty() {
            return map(token("]"), |()| Term::NIL).parse(input);
        }
        let tail = opt(preceded(token("|"), cut(|input| self.term(input))));
        let (input, tail) = terminated(tail, token("]")).parse(input)?;
        Ok((input, List::with_tail(elements, tail.unwrap_or(Term::NIL))))
    }

    fn map(self, input: &str) -> Parsed<'_, Term> {
        let pair = |input| {
            let arrow = cut(token("=>"));
            separated_pair(|key| self.term(key), arrow, cut(|value| self.term(value))).parse(input)
        };
        map(delimited(tag("#{"), separated(pair), token("}")), Term::map).parse(input)
    }
}

/// Any number of these with commas between them. Behind a comma there is one, so what is wrong is told where it stands.
fn separated<'t, T>(
    one: impl Fn(&'t str) -> Parsed<'t, T>,
) -> impl Parser<&'t str, Output = Vec<T>, Error = Fault<'t>> {
    move |input| {
        let (input, first) = match one(input) {
            Ok(first) => first,
            Err(nom::Err::Error(fault)) if fault.is_at(space(input)?.0) => {
                return Ok((input, Vec::new()));
            }
            Err(nom::Err::Error(fault)) => return Err(nom::Err::Failure(fault)),
            Err(other) => return Err(other),
        };
        let (input, more) = many0(preceded(token(","), cut(&one))).parse(input)?;
        let mut all = Vec::with_capacity(more.len() + 1);
        all.push(first);
        all.extend(more);
        Ok((input, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Integer, generate};
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Term, ParseError> {
        text.parse()
    }

    //= docs/spec/term.md#term-parse
    //= type=test
    #[test]
    fn what_erlang_reads() {
        for (text, printed) in [
            (" { a , 'b c' } % end", "{a,'b c'}"),
            ("{\n% {\n}", "{}"),
            ("16#fF", "255"),
            ("1_000_000", "1000000"),
            ("-2#1010", "-10"),
            ("+3", "3"),
            ("- 3", "-3"),
            ("$a", "97"),
            ("$\\n", "10"),
            ("-$\\s", "-32"),
            ("1.5e3", "1.5e3"),
            ("1.0E-2", "0.01"),
            ("-0.0", "-0.0"),
            ("1_0.2_5", "10.25"),
            ("\"a\" \"b\"", "\"ab\""),
            ("\"\\x41\\x{42}\\103\\^A\\d\"", "[65,66,67,1,127]"),
            ("\"\\q\"", "\"q\""),
            ("\"\\^a\\^@\\^_\\^?\\8\\1234\"", "[1,0,31,127,56,83,52]"),
            ("\"a\"%\n\"b\"\n\"\"", "\"ab\""),
            ("$\\^?", "127"),
            ("\"\u{20AC}\"", "[8364]"),
            ("[1,2|[3]]", "[1,2,3]"),
            ("<<1,2,\"abc\">>", "<<1,2,97,98,99>>"),
            ("<<5:3>>", "<<5:3>>"),
            ("<<1:4,2:4>>", "<<18>>"),
            ("<<-1,300,16#1234:16>>", "<<255,44,18,52>>"),
            ("<<\"\u{E9}\"/utf8,\"\u{E9}\">>", "<<\"\u{C3}\u{A9}\u{E9}\">>"),
            ("<< >>", "<<>>"),
            ("#{ a => #{}, a => 2 }", "#{a => 2}"),
            ("fun lists : map / 2", "fun lists:map/2"),
            ("func", "func"),
            ("'fun'", "'fun'"),
        ] {
            let term = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(term.to_string(), printed, "{text}");
        }
    }

    //= docs/spec/term.md#term-parse-errors
    //= type=test
    #[test]
    fn what_is_wrong_and_where() {
        use ParseErrorKind::*;
        for (text, offset, kind) in [
            ("", 0, Syntax),
            ("a b", 2, Syntax),
            ("{a,}", 3, Syntax),
            ("{a, [b, X]}", 8, Syntax),
            ("[fun() -> ok end]", 4, Syntax),
            ("[|a]", 1, Syntax),
            ("[a|]", 3, Syntax),
            ("#{a}", 3, Syntax),
            ("#{a => 1, b => }", 15, Syntax),
            ("<<1, a>>", 5, Syntax),
            ("X", 0, Syntax),
            ("_", 0, Syntax),
            ("\"a", 2, Syntax),
            ("'a", 2, Syntax),
            ("1__0", 1, Syntax),
            ("{a, receive}", 4, ReservedWord),
            ("[<0.1.0>]", 1, Unreadable),
            ("#Ref<0.1>", 0, Unreadable),
            ("#Port<0.1>", 0, Unreadable),
            ("#Fun<a.1.2>", 0, Unreadable),
            ("{#m:n{a = 1}}", 1, Unreadable),
            ("1#0", 0, BadInteger),
            ("37#0", 0, BadInteger),
            ("2#12", 0, BadInteger),
            ("99999999999#1", 0, BadInteger),
            ("1.0e999", 0, BadFloat),
            ("\"\\x{110000}\"", 1, BadChar),
            ("\"a\\x4g\"", 2, BadChar),
            ("'\\x{}'", 1, BadChar),
            ("\"\\x{41\"", 1, BadChar),
            ("\"\\^1\"", 1, BadChar),
            ("\"\\^`\"", 1, BadChar),
            ("$\\x4", 1, BadChar),
            ("\"\\x{FFFE}\"", 1, BadChar),
            ("'\u{FFFF}'", 1, Syntax),
            ("$\u{FFFE}", 1, Syntax),
            ("% \u{FFFE}\na", 2, Syntax),
            ("$\\", 2, Syntax),
            ("$", 1, Syntax),
            ("\"a\"\"b\"", 3, Syntax),
            ("\"\"\"\na\n\"\"\"", 2, Syntax),
            ("~\"a\"", 0, Syntax),
            ("<<1:65>>", 6, BadSize),
            ("<<1.0>>", 2, Syntax),
            ("<<a>>", 2, Syntax),
            ("fun a:b/256", 0, BadSize),
        ] {
            assert_eq!(parse(text), Err(ParseError { offset, kind }), "{text}");
        }
        let long = ["'", &"a".repeat(256), "'"].concat();
        assert_eq!(parse(&long), Err(ParseError { offset: 0, kind: AtomTooLong }));
    }

    //= docs/spec/term.md#term-limits
    //= type=test
    #[test]
    fn depth_and_integers_are_limited() {
        let limits = Limits { depth: 3, integer_bytes: 10, ..Limits::default() };
        let parse = |text: &str| Term::parse(text, &limits).map_err(|error| error.kind);
        assert!(parse("[[[]]]").is_ok());
        for text in ["[[[[]]]]", "#{a => [{b}]}", "[[[1|2]]]"] {
            assert_eq!(parse(text), Err(ParseErrorKind::TooDeep), "{text}");
        }
        let largest = Integer::from_sign_magnitude(true, &[0xFF; 10]).to_string();
        assert!(parse(&largest).is_ok());
        let larger = Integer::from_sign_magnitude(true, &[0xFF; 11]).to_string();
        assert_eq!(parse(&larger), Err(ParseErrorKind::IntegerTooLong));
        let long = "9".repeat(10_000_000);
        assert_eq!(parse(&long), Err(ParseErrorKind::IntegerTooLong));
        let brackets = "[".repeat(1_000_000);
        assert_eq!(parse(&brackets), Err(ParseErrorKind::TooDeep));
    }

    proptest! {
        //= docs/spec/term.md#term-parse
        //= type=test
        #[test]
        fn what_is_printed_is_read_as_the_same(term in generate::readable_tree()) {
            prop_assert_eq!(parse(&term.to_string()), Ok(term));
        }

        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_prints(
            text in "[a-zA-F0-9_'\"$#<>{}\\[\\]|,.:=/% \\\\-]{0,40}",
        ) {
            if let Ok(term) = parse(&text) {
                prop_assert_eq!(parse(&term.to_string()), Ok(term));
            }
        }
    }
}
