//! Terms of values of Rust, and values of terms.
//!
//! Texts and bytes are binaries, as they are in all newer interfaces of Erlang; [`Term::string`] makes a list of characters. `bytes::Bytes` is the
//! one type of another crate, since terms hold it. Numbers of arbitrary size of other crates take [`Integer::magnitude`] and give
//! [`Integer::from_sign_magnitude`]: a conversion of their own would cost a dependency.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

use super::{Atom, Export, Float, Fun, Integer, List, Map, Pid, Port, Record, Reference, Term};

/// A term is not of the kind that was asked for, or does not fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongKind;

impl fmt::Display for WrongKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a term of another kind, or out of range")
    }
}

impl core::error::Error for WrongKind {}

macro_rules! small_integers {
    ($($small:ty)*) => {$(
        impl From<$small> for Term {
            fn from(value: $small) -> Self {
                i64::from(value).into()
            }
        }
    )*};
}

small_integers!(i8 i16 i32 u8 u16 u32);

impl From<i128> for Term {
    fn from(value: i128) -> Self {
        let magnitude = value.unsigned_abs().to_le_bytes();
        Integer::from_sign_magnitude(value < 0, &magnitude).into()
    }
}

impl From<u128> for Term {
    fn from(value: u128) -> Self {
        Integer::from_sign_magnitude(false, &value.to_le_bytes()).into()
    }
}

/// Erlang has no floats that are infinite or no number.
impl TryFrom<f64> for Term {
    type Error = WrongKind;

    fn try_from(value: f64) -> Result<Self, WrongKind> {
        Float::new(value).map(Self::Float).ok_or(WrongKind)
    }
}

/// A binary.
impl From<&str> for Term {
    fn from(text: &str) -> Self {
        Self::Binary(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// A binary.
impl From<String> for Term {
    fn from(text: String) -> Self {
        Self::Binary(text.into())
    }
}

/// A binary.
impl From<&[u8]> for Term {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

/// A proper list.
impl From<Vec<Self>> for Term {
    fn from(elements: Vec<Self>) -> Self {
        Self::List(elements.into())
    }
}

macro_rules! integers_of_terms {
    ($($integer:ty)*) => {$(
        impl TryFrom<&Term> for $integer {
            type Error = WrongKind;

            fn try_from(term: &Term) -> Result<Self, WrongKind> {
                let Term::Integer(integer) = term else { return Err(WrongKind) };
                let mut bytes = [0; 16];
                let magnitude = integer.magnitude();
                bytes.get_mut(..magnitude.len()).ok_or(WrongKind)?.copy_from_slice(&magnitude);
                let magnitude = u128::from_le_bytes(bytes);
                if integer.is_negative() {
                    let value = 0_i128.checked_sub_unsigned(magnitude).ok_or(WrongKind)?;
                    return Self::try_from(value).map_err(|_| WrongKind);
                }
                Self::try_from(magnitude).map_err(|_| WrongKind)
            }
        }

        impl TryFrom<Term> for $integer {
            type Error = WrongKind;

            fn try_from(term: Term) -> Result<Self, WrongKind> {
                Self::try_from(&term)
            }
        }
    )*};
}

integers_of_terms!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl TryFrom<&Term> for bool {
    type Error = WrongKind;

    fn try_from(term: &Term) -> Result<Self, WrongKind> {
        match term.as_atom().map(Atom::as_str) {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(WrongKind),
        }
    }
}

impl TryFrom<&Term> for f64 {
    type Error = WrongKind;

    fn try_from(term: &Term) -> Result<Self, WrongKind> {
        if let Term::Float(float) = term { Ok(float.get()) } else { Err(WrongKind) }
    }
}

/// The text of a binary.
impl<'a> TryFrom<&'a Term> for &'a str {
    type Error = WrongKind;

    fn try_from(term: &'a Term) -> Result<Self, WrongKind> {
        let Term::Binary(bytes) = term else { return Err(WrongKind) };
        core::str::from_utf8(bytes).map_err(|_| WrongKind)
    }
}

macro_rules! kinds {
    ($($kind:ident $(($unbox:tt))?)*) => {$(
        impl TryFrom<Term> for $kind {
            type Error = WrongKind;

            fn try_from(term: Term) -> Result<Self, WrongKind> {
                if let Term::$kind(value) = term { Ok($($unbox)? value) } else { Err(WrongKind) }
            }
        }
    )*};
}

kinds!(Integer Float Atom Reference(*) Fun(*) Export(*) Port Pid Record(*) Map List);

impl TryFrom<Term> for Bytes {
    type Error = WrongKind;

    fn try_from(term: Term) -> Result<Self, WrongKind> {
        if let Term::Binary(bytes) = term { Ok(bytes) } else { Err(WrongKind) }
    }
}

/// The elements of a proper list.
impl TryFrom<Term> for Vec<Term> {
    type Error = WrongKind;

    fn try_from(term: Term) -> Result<Self, WrongKind> {
        term.as_list().map(<[Term]>::to_vec).ok_or(WrongKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds_are_told_apart() {
        let term = |text: &str| text.parse::<Term>().unwrap();
        assert_eq!(bool::try_from(&term("true")), Ok(true));
        assert_eq!(bool::try_from(&term("yes")), Err(WrongKind));
        assert_eq!(f64::try_from(&term("1.5")), Ok(1.5));
        assert_eq!(f64::try_from(&term("1")), Err(WrongKind));
        assert_eq!(Term::try_from(f64::NAN), Err(WrongKind));
        assert_eq!(<&str>::try_from(&term("<<\"ab\">>")), Ok("ab"));
        assert_eq!(<&str>::try_from(&term("<<255>>")), Err(WrongKind));
        assert_eq!(<&str>::try_from(&term("\"ab\"")), Err(WrongKind));
        assert_eq!(Term::from("ab"), term("<<\"ab\">>"));
        assert_eq!(Vec::<Term>::try_from(term("[1|2]")), Err(WrongKind));
        assert_eq!(Vec::<Term>::try_from(term("[1]")), Ok([1_i64.into()].into()));
        assert_eq!(Export::try_from(term("fun m:f/1")).map(|fun| fun.arity), Ok(1));
        assert_eq!(Atom::try_from(term("[]")), Err(WrongKind));
        assert_eq!(u8::try_from(term("256")), Err(WrongKind));
        assert_eq!(u64::try_from(&term("-1")), Err(WrongKind));
        assert_eq!(i64::try_from(&term("a")), Err(WrongKind));
    }

    proptest! {
        #[test]
        fn integers_come_back(wide: i128, unsigned: u128, shift in 0..128_u32) {
            let (wide, unsigned) = (wide >> shift, unsigned >> shift);
            prop_assert_eq!(i128::try_from(Term::from(wide)), Ok(wide));
            prop_assert_eq!(u128::try_from(Term::from(unsigned)), Ok(unsigned));
            prop_assert_eq!(i64::try_from(Term::from(wide)).ok(), i64::try_from(wide).ok());
            prop_assert_eq!(u64::try_from(Term::from(wide)).ok(), u64::try_from(wide).ok());
            prop_assert_eq!(i8::try_from(Term::from(wide)).ok(), i8::try_from(wide).ok());
            prop_assert_eq!(i128::try_from(Term::from(unsigned)).ok(), i128::try_from(unsigned).ok());
        }
    }
}
