//! Floats.

use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

/// A finite 64-bit float, which is what Erlang has.
///
/// Equal if the bits are: `0.0` and `-0.0` differ, as they do for Erlang's `=:=` since OTP 27.
#[derive(Clone, Copy)]
pub struct Float(f64);

impl Float {
    /// `None` for what is infinite or no number.
    #[must_use]
    pub const fn new(value: f64) -> Option<Self> {
        if value.is_finite() { Some(Self(value)) } else { None }
    }

    /// The float that a node of old has sent as this text: digits on both sides of a point, or comma, and perhaps a sign and an exponent.
    //= docs/spec/term.md#term-decode-float
    pub(super) fn from_text(text: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?;
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, behind) = unsigned.split_once(['.', ','])?;
        let (fraction, exponent) = behind.split_once(['e', 'E']).unwrap_or((behind, "0"));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if ![whole, fraction, exponent].into_iter().all(digits) {
            return None;
        }
        text.replacen(',', ".", 1).parse().ok().and_then(Self::new)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By value; `-0.0` is less than `0.0`.
impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// As Erlang's `float_to_binary(Float, [short])`: the fewest digits that lead back to the same float, and of the two notations the
/// shorter; from 2^53 on that with an exponent, since not all integers are floats there.
//= docs/spec/term.md#term-display-float
impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FROM_HERE_ON_SCIENTIFIC: f64 = 9_007_199_254_740_992.0;
        let scientific = alloc::format!("{:e}", self.0);
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let mantissa = with_point(mantissa.into());
        let decimal = with_point(alloc::format!("{}", self.0));
        let len = mantissa.len() + 1 + exponent.len();
        if self.0.abs() < FROM_HERE_ON_SCIENTIFIC && decimal.len() <= len {
            f.write_str(&decimal)
        } else {
            write!(f, "{mantissa}e{exponent}")
        }
    }
}

fn with_point(mut number: String) -> String {
    if !number.contains('.') {
        number.push_str(".0");
    }
    number
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

made_of!(Float, f64, |value| Float::new(value).unwrap_or(Float(0.0)));

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    //= docs/spec/term.md#term-display-float
    //= type=test
    #[test]
    fn prints_the_shorter_notation() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (1000.0, "1.0e3"),
            (123_456.0, "123456.0"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-5"),
            (0.0012, "0.0012"),
            (0.000_123_45, "1.2345e-4"),
            (1_234_567_890_123.5, "1234567890123.5"),
            (9_007_199_254_740_991.0, "9007199254740991.0"),
            (9_007_199_254_740_992.0, "9.007199254740992e15"),
            (-1e22, "-1.0e22"),
            (5e-324, "5.0e-324"),
            (f64::MAX, "1.7976931348623157e308"),
        ] {
            assert_eq!(Float::new(value).unwrap().to_string(), text);
        }
        assert_eq!(Float::new(f64::NAN), None);
        assert_eq!(Float::new(f64::NEG_INFINITY), None);
    }

    /// As OTP 25, 27 and 29 take and refuse them.
    //= docs/spec/term.md#term-decode-float
    //= type=test
    #[test]
    fn texts_of_floats_have_a_point_between_digits() {
        for (text, value) in [
            ("1.50000000000000000000e+00", 1.5),
            ("1,5", 1.5),
            ("+1.5", 1.5),
            ("-0.0", -0.0),
            ("1.0e5", 1e5),
            ("1.0E+05", 1e5),
            ("1.0e-400", 0.0),
            ("0.0e400", 0.0),
            ("4.9e-324", 5e-324),
        ] {
            assert_eq!(Float::from_text(text.as_bytes()), Float::new(value), "{text}");
        }
        for text in [
            "",
            "-",
            "1",
            "1.",
            ".5",
            "1e5",
            "1.0e",
            "1.0e-",
            " 1.5",
            "1.5 ",
            "1.5.5",
            "1.0e1,5",
            "+-1.5",
            "--1.5",
            "1.0e+-5",
            "1.0e400",
            "1.0e99999999999",
            "0.1d5",
            "inf",
            "nan",
            "1.e5",
            "1.5e5e5",
            "\u{661}.5",
        ] {
            assert_eq!(Float::from_text(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Float::from_text(b"1.5\xFF"), None);
    }
}
