//! Integers of any size.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::{self, Write as _};

/// An integer of any size, as sign and magnitude. No arithmetic: convert it, or hand [`magnitude`](Self::magnitude) to a library that has it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Integer(Repr);

/// What fits an `i64` is always `Small`, and a magnitude has no zeros at its high end: equal integers are equal here.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    Big { negative: bool, magnitude: Box<[u8]> },
}

impl Integer {
    /// The integer with this sign and this magnitude, low byte first. Zeros at its end mean nothing, nor has zero a sign.
    #[must_use]
    pub fn from_sign_magnitude(negative: bool, magnitude: &[u8]) -> Self {
        let len = magnitude.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let digits = magnitude.get(..len).unwrap_or_default();
        let small = low_word(digits).and_then(|word| {
            if negative { 0_i64.checked_sub_unsigned(word) } else { i64::try_from(word).ok() }
        });
        Self(match small {
            Some(value) => Repr::Small(value),
            None => Repr::Big { negative, magnitude: digits.into() },
        })
    }

    /// The integer of these digits in this base, 2 to 36. `None` for another base, no digits, or one that is none.
    pub(super) fn from_digits(negative: bool, digits: &str, base: u32) -> Option<Self> {
        if digits.is_empty() || !(2..=36).contains(&base) {
            return None;
        }
        // Low limb first.
        let mut limbs: Vec<u32> = Vec::new();
        for digit in digits.chars() {
            let mut carry = u64::from(digit.to_digit(base)?);
            for limb in &mut limbs {
                carry += u64::from(*limb) * u64::from(base);
                *limb = carry as u32;
                carry >>= 32;
            }
            if carry > 0 {
                limbs.push(carry as u32);
            }
        }
        let magnitude: Vec<u8> = limbs.into_iter().flat_map(u32::to_le_bytes).collect();
        Some(Self::from_sign_magnitude(negative, &magnitude))
    }

    /// Whether it is less than zero.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        match self.0 {
            Repr::Small(value) => value < 0,
            Repr::Big { negative, .. } => negative,
        }
    }

    /// The bytes of its absolute value, low byte first, without zeros at the end: none for zero.
    #[must_use]
    pub fn magnitude(&self) -> Vec<u8> {
        match &self.0 {
            Repr::Small(value) => {
                let value = value.unsigned_abs();
                let len = 8 - value.leading_zeros() as usize / 8;
                value.to_le_bytes().into_iter().take(len).collect()
            }
            Repr::Big { magnitude, .. } => magnitude.to_vec(),
        }
    }

    /// The same, if it fits.
    #[must_use]
    pub const fn to_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Small(value) => Some(value),
            Repr::Big { .. } => None,
        }
    }

    /// The same, if it fits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(value) => u64::try_from(*value).ok(),
            Repr::Big { negative: true, .. } => None,
            Repr::Big { negative: false, magnitude } => low_word(magnitude),
        }
    }

    /// Sign and magnitude of one that does not fit an `i64`.
    pub(super) fn as_big(&self) -> Option<(bool, &[u8])> {
        match &self.0 {
            Repr::Small(_) => None,
            Repr::Big { negative, magnitude } => Some((*negative, magnitude)),
        }
    }
}

/// The number that these bytes are, low byte first, if there are at most eight.
fn low_word(magnitude: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..magnitude.len())?.copy_from_slice(magnitude);
    Some(u64::from_le_bytes(word))
}

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        Self(Repr::Small(value))
    }
}

impl From<u64> for Integer {
    fn from(value: u64) -> Self {
        Self::from_sign_magnitude(false, &value.to_le_bytes())
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = match (&self.0, &other.0) {
            (Repr::Small(one), Repr::Small(other)) => return one.cmp(other),
            (Repr::Small(_), Repr::Big { negative, .. }) => {
                return if *negative { Ordering::Greater } else { Ordering::Less };
            }
            (Repr::Big { negative, .. }, Repr::Small(_)) => {
                return if *negative { Ordering::Less } else { Ordering::Greater };
            }
            (
                Repr::Big { negative: one, magnitude: a },
                Repr::Big { negative: other, magnitude: b },
            ) => {
                if one != other {
                    return other.cmp(one);
                }
                if *one { (b, a) } else { (a, b) }
            }
        };
        let by_bytes = || one.iter().rev().cmp(other.iter().rev());
        one.len().cmp(&other.len()).then_with(by_bytes)
    }
}

/// In decimal.
impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(value) => fmt::Display::fmt(value, f),
            Repr::Big { negative, magnitude } => {
                f.pad_integral(!negative, "", &decimal(magnitude)?)
            }
        }
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn decimal(magnitude: &[u8]) -> Result<String, fmt::Error> {
    const GROUP: u64 = 1_000_000_000;
    let mut limbs: Vec<u32> =
        magnitude.chunks(4).filter_map(|c| Some(low_word(c)? as u32)).collect();
    // Low group first.
    let mut groups: Vec<u32> = Vec::new();
    while !limbs.is_empty() {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let value = rest << 32 | u64::from(*limb);
            *limb = (value / GROUP) as u32;
            rest = value % GROUP;
        }
        groups.push(rest as u32);
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
    }
    let mut text = String::new();
    let mut groups = groups.into_iter().rev();
    write!(text, "{}", groups.next().unwrap_or_default())?;
    for group in groups {
        write!(text, "{group:09}")?;
    }
    Ok(text)
}

made_of!(Integer, (bool, crate::any::Raw), |(negative, crate::any::Raw(magnitude))| {
    // As long as limits allow by default, and shorter.
    Integer::from_sign_magnitude(negative, magnitude.get(..40).unwrap_or(&magnitude))
});

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn wide(value: i128) -> Integer {
        Integer::from_sign_magnitude(value < 0, &value.unsigned_abs().to_le_bytes())
    }

    #[test]
    fn what_fits_is_small() {
        for value in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(wide(value.into()), Integer::from(value));
            assert_eq!(wide(value.into()).to_i64(), Some(value));
        }
        let beyond = wide(i128::from(i64::MAX) + 1);
        assert_eq!((beyond.to_i64(), beyond.to_u64()), (None, Some(1 << 63)));
        assert_eq!(wide(i128::from(i64::MIN) - 1).to_u64(), None);
        assert_eq!(Integer::from(u64::MAX), wide(u64::MAX.into()));
        assert_eq!(Integer::from_sign_magnitude(true, &[0, 0]), Integer::from(0_i64));
        assert_eq!(Integer::from(0_i64).magnitude(), []);
        assert_eq!(Integer::from(-256_i64).magnitude(), [0, 1]);
    }

    #[test]
    fn digits_of_a_base_are_checked() {
        assert_eq!(Integer::from_digits(true, "zz", 36), Some(Integer::from(-1295_i64)));
        for (digits, base) in [("", 10), ("a", 10), ("1", 1), ("1", 37), ("2", 2)] {
            assert_eq!(Integer::from_digits(false, digits, base), None, "{digits} {base}");
        }
    }

    proptest! {
        #[test]
        fn text_and_order_are_those_of_numbers(one: i128, other: i128, narrow in 0..128_u32) {
            let (one, other) = (one >> narrow, other >> narrow);
            prop_assert_eq!(wide(one).to_string(), one.to_string());
            prop_assert_eq!(wide(one).cmp(&wide(other)), one.cmp(&other));
        }

        #[test]
        fn digits_and_magnitude_lead_back(
            negative: bool,
            magnitude in many(any::<u8>(), 0..100),
        ) {
            let integer = Integer::from_sign_magnitude(negative, &magnitude);
            let text = integer.to_string();
            let digits = text.trim_start_matches('-');
            prop_assert_eq!(Integer::from_digits(integer.is_negative(), digits, 10), Some(integer.clone()));
            let again = Integer::from_sign_magnitude(integer.is_negative(), &integer.magnitude());
            prop_assert_eq!(again, integer);
        }
    }
}
