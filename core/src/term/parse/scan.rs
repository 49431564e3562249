//! Words of Erlang's syntax: atoms, numbers, strings, and what stands between them.

use alloc::string::String;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{anychar, char, satisfy};
use nom::combinator::{map, opt, recognize, value, verify};
use nom::multi::{fold_many0, many0_count};
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{Parser, branch::alt};

use super::Parsed;
use super::error::{Fault, ParseErrorKind, failure};
use crate::term::atom::{is_reserved, is_word, is_word_start};
use crate::term::text::{is_blank, is_character, unescape};
use crate::term::{Atom, Export, Float, Integer, Limits, Term};

/// Blanks and comments, or nothing.
pub(super) fn space(input: &str) -> Parsed<'_, ()> {
    let comment = preceded(char('%'), take_while(|c| c != '\n' && is_character(c)));
    value((), many0_count(alt((take_while1(is_blank), comment)))).parse(input)
}

/// This, behind blanks.
pub(super) fn token<'t>(
    text: &'static str,
) -> impl Parser<&'t str, Output = (), Error = Fault<'t>> {
    value((), preceded(space, tag(text)))
}

/// An atom, in quotes or without.
pub(super) fn atom(input: &str) -> Parsed<'_, Atom> {
    let (rest, text) = if input.starts_with('\'') {
        quoted(input, '\'')?
    } else {
        let mut word = recognize(pair(satisfy(is_word_start), take_while(is_word)));
        let (rest, word) = word.parse(input)?;
        if is_reserved(word) {
            return failure(input, ParseErrorKind::ReservedWord);
        }
        (rest, word.into())
    };
    match Atom::new(&text) {
        Ok(atom) => Ok((rest, atom)),
        Err(_) => failure(input, ParseErrorKind::AtomTooLong),
    }
}

/// `fun module:function/1`, or an atom that begins with these letters.
pub(super) fn or_export(input: &str) -> Parsed<'_, Term> {
    let fun = terminated(tag("fun"), verify(space_ahead, |ahead| *ahead));
    let (rest, fun) = opt(fun).parse(input)?;
    if fun.is_none() {
        return map(atom, Term::Atom).parse(input);
    }
    let name = |input| preceded(space, atom).parse(input);
    let (rest, module) = terminated(name, token(":")).parse(rest)?;
    let (rest, function) = terminated(name, token("/")).parse(rest)?;
    let (rest, arity) = preceded(space, digits).parse(rest)?;
    match arity.parse() {
        Ok(arity) => Ok((rest, Export { module, function, arity }.into())),
        Err(_) => failure(input, ParseErrorKind::BadSize),
    }
}

fn space_ahead(input: &str) -> Parsed<'_, bool> {
    Ok((input, !input.starts_with(is_word)))
}

/// One or more strings with blanks between them, which count as one. Without blanks they are none since OTP 27: three quotes begin
/// another kind of string.
pub(super) fn string(input: &str) -> Parsed<'_, String> {
    let one = |input| quoted(input, '"');
    let (input, first) = one(input)?;
    let blanks = verify(recognize(space), |blanks: &str| !blanks.is_empty());
    let mut all = Some(first);
    let whole = move || all.take().unwrap_or_default();
    fold_many0(preceded(blanks, one), whole, |all, next| all + &next).parse(input)
}

/// A text between two of these.
fn quoted(input: &str, quote: char) -> Parsed<'_, String> {
    let plain = satisfy(|c| c != quote && c != '\\' && is_character(c));
    let chars = fold_many0(alt((plain, escaped)), String::new, |mut text, char| {
        text.push(char);
        text
    });
    delimited(char(quote), chars, char(quote)).parse(input)
}

/// A character behind a backslash.
fn escaped(input: &str) -> Parsed<'_, char> {
    let (behind, _) = char('\\').parse(input)?;
    let octal = take_while_m_n(1, 3, |c: char| c.is_digit(8));
    let letter = |letter| u32::from(unescape(letter).unwrap_or(letter));
    let written = match behind.chars().next() {
        Some('x') => hexadecimal(behind),
        Some('^') => control(behind),
        _ => alt((map(octal, |digits| code(digits, 8)), map(anychar, letter))).parse(behind),
    };
    let (rest, code) = match written {
        // What begins as one of these is nothing else.
        Err(_) if behind.starts_with(['x', '^']) => {
            return failure(input, ParseErrorKind::BadChar);
        }
        written => written?,
    };
    match char::from_u32(code).filter(|&char| is_character(char)) {
        Some(char) => Ok((rest, char)),
        None => failure(input, ParseErrorKind::BadChar),
    }
}

/// Of a character: two digits, or as many as there are in braces.
fn hexadecimal(input: &str) -> Parsed<'_, u32> {
    let digit = |c: char| c.is_ascii_hexdigit();
    let braced = delimited(tag("x{"), take_while1(digit), char('}'));
    let two = preceded(char('x'), take_while_m_n(2, 2, digit));
    map(alt((braced, two)), |digits| code(digits, 16)).parse(input)
}

/// `^A` and the like, in small letters, too.
fn control(input: &str) -> Parsed<'_, u32> {
    let named = satisfy(|c| c.is_ascii_lowercase() || ('@'..='_').contains(&c));
    let code = alt((map(named, |c| u32::from(c) & 0x1F), value(0x7F, char('?'))));
    preceded(char('^'), code).parse(input)
}

/// That these digits say, or none.
fn code(digits: &str, base: u32) -> u32 {
    u32::from_str_radix(digits, base).unwrap_or(u32::MAX)
}

/// An integer or a float, with a sign if it likes, or a character behind `$`.
pub(super) fn number<'t>(input: &'t str, limits: &Limits) -> Parsed<'t, Term> {
    let (rest, sign) = opt(terminated(alt((char('-'), char('+'))), space)).parse(input)?;
    let negative = sign == Some('-');
    if let Some(written) = rest.strip_prefix('$') {
        let is_escaped = written.starts_with('\\');
        let (rest, char) =
            if is_escaped { escaped(written)? } else { satisfy(is_character)(written)? };
        let code = i64::from(u32::from(char));
        return Ok((rest, if negative { -code } else { code }.into()));
    }
    let (rest, whole) = digits(rest)?;
    let (rest, fraction) = opt(preceded(char('.'), digits)).parse(rest)?;
    if let Some(fraction) = fraction {
        let (rest, exponent) = exponent(rest)?;
        let sign = if negative { "-" } else { "" };
        let number = alloc::format!("{sign}{whole}.{fraction}e{exponent}").parse().ok();
        return match number.and_then(Float::new) {
            Some(float) => Ok((rest, float.into())),
            None => failure(input, ParseErrorKind::BadFloat),
        };
    }
    let (rest, other) =
        opt(preceded(char('#'), digits_of(|c| c.is_ascii_alphanumeric()))).parse(rest)?;
    let (base, digits) = match &other {
        Some(digits) => (whole.parse().unwrap_or(0), digits),
        None => (10, &whole),
    };
    match integer(negative, digits, base, limits) {
        Ok(integer) => Ok((rest, integer.into())),
        Err(kind) => failure(input, kind),
    }
}

fn integer(
    negative: bool,
    digits: &str,
    base: u32,
    limits: &Limits,
) -> Result<Integer, ParseErrorKind> {
    let bits_of_a_digit = base.checked_ilog2().ok_or(ParseErrorKind::BadInteger)? as usize;
    // Before the work: leading zeros count here.
    if digits.len() / 8 * bits_of_a_digit > limits.integer_bytes {
        return Err(ParseErrorKind::IntegerTooLong);
    }
    let integer = Integer::from_digits(negative, digits, base).ok_or(ParseErrorKind::BadInteger)?;
    if integer.as_big().is_some_and(|(_, magnitude)| magnitude.len() > limits.integer_bytes) {
        return Err(ParseErrorKind::IntegerTooLong);
    }
    Ok(integer)
}

/// `e-5`, or nothing, which is 0.
fn exponent(input: &str) -> Parsed<'_, String> {
    let sign = opt(alt((char('-'), char('+'))));
    let written = preceded(alt((char('e'), char('E'))), pair(sign, digits));
    let text = |(sign, digits): (Option<char>, String)| match sign {
        Some(sign) => alloc::format!("{sign}{digits}"),
        None => digits,
    };
    map(opt(map(written, text)), |found| found.unwrap_or_else(|| "0".into())).parse(input)
}

/// Decimal ones.
pub(super) fn digits(input: &str) -> Parsed<'_, String> {
    digits_of(|c| c.is_ascii_digit()).parse(input)
}

/// Digits with single underscores between them, which are left out.
fn digits_of<'t>(
    is_digit: fn(char) -> bool,
) -> impl Parser<&'t str, Output = String, Error = Fault<'t>> {
    move |input| {
        let (input, first) = take_while1(is_digit).parse(input)?;
        let more = preceded(char('_'), take_while1(is_digit));
        fold_many0(more, move || String::from(first), |all, next: &str| all + next).parse(input)
    }
}
