//! Binaries and bit strings in Erlang's syntax.

use alloc::string::String;
use alloc::vec::Vec;
use nom::Parser as _;
use nom::bytes::complete::tag;
use nom::character::complete::u32 as decimal;
use nom::combinator::opt;
use nom::sequence::{delimited, preceded};

use super::error::{ParseErrorKind, failure};
use super::scan::{self, space, token};
use super::{Parsed, separated};
use crate::term::{BitString, Integer, Limits, Term};

/// `<<1,2:4,"text"/utf8>>`.
pub(super) fn binary<'t>(input: &'t str, limits: &Limits) -> Parsed<'t, Term> {
    let segment = |input| segment(input, limits);
    let segments = separated(|input| preceded(space, segment).parse(input));
    let (rest, segments) = delimited(tag("<<"), segments, token(">>")).parse(input)?;
    let mut bits = Bits::default();
    for segment in segments {
        bits.append(segment);
    }
    Ok((rest, bits.into_term()))
}

enum Segment {
    /// The lowest bits of a number in two's complement.
    Bits {
        value: u64,
        count: u32,
    },
    Utf8(String),
    /// A byte for each character, which has no more.
    Latin1(String),
}

fn segment<'t>(input: &'t str, limits: &Limits) -> Parsed<'t, Segment> {
    if input.starts_with('"') {
        let (input, text) = scan::string(input)?;
        let (input, utf8) = opt((token("/"), token("utf8"))).parse(input)?;
        return Ok((
            input,
            if utf8.is_some() { Segment::Utf8(text) } else { Segment::Latin1(text) },
        ));
    }
    let (rest, number) = scan::number(input, limits)?;
    let Term::Integer(integer) = number else { return failure(input, ParseErrorKind::Syntax) };
    let (rest, size) = opt(preceded(token(":"), preceded(space, decimal))).parse(rest)?;
    match size.unwrap_or(8) {
        count @ 0..=64 => Ok((rest, Segment::Bits { value: low_bits(&integer), count })),
        _ => failure(rest, ParseErrorKind::BadSize),
    }
}

fn low_bits(integer: &Integer) -> u64 {
    let low = integer.magnitude().into_iter().take(8).rev();
    let low = low.fold(0, |word, byte| word << 8 | u64::from(byte));
    if integer.is_negative() { low.wrapping_neg() } else { low }
}

/// Bits as they come.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are used: 1 to 7, and 0 for all.
    used: u32,
}

impl Bits {
    fn append(&mut self, segment: Segment) {
        match segment {
            Segment::Bits { value, count } => self.push(value, count),
            Segment::Utf8(text) => text.bytes().for_each(|byte| self.push(byte.into(), 8)),
            Segment::Latin1(text) => {
                text.chars().for_each(|char| self.push(u32::from(char).into(), 8));
            }
        }
    }

    /// The lowest `count` bits, the highest of them first.
    fn push(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    fn into_term(self) -> Term {
        if self.used == 0 {
            return Term::Binary(self.bytes.into());
        }
        // There is a byte, and some of its bits are used.
        BitString::new(self.bytes, self.used as u8).map_or(Term::NIL, Term::BitString)
    }
}
