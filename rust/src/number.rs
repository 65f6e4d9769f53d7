//! The terms Integer and Number of the contract: which JSON values are one, and the value they stand for.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use crate::json::Value;

/// The largest Integer, 2^53 - 1 (`limits.integer`).
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// A JSON number: its text, and the nearest binary64.
#[derive(Clone, Debug, PartialEq)]
pub struct Number<'a> {
    text: Cow<'a, str>,
    value: f64,
}

impl<'a> Number<'a> {
    pub(crate) fn new(text: Cow<'a, str>, value: f64) -> Self {
        Number { text, value }
    }

    /// The text as it stands in the document.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The nearest binary64, ties to even; `-0` is -0.0.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The Integer that the number is, if it is one: no fraction, no exponent, within ±(2^53-1).
    pub fn integer(&self) -> Option<i64> {
        let integer: i64 = self.text.parse().ok()?;
        (-MAX_INTEGER..=MAX_INTEGER).contains(&integer).then_some(integer)
    }

    pub(crate) fn into_owned(self) -> Number<'static> {
        Number {
            text: Cow::Owned(self.text.into_owned()),
            ..self
        }
    }
}

/// The Integer that a JSON value is, if it is one.
pub fn integer(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Number(number) => number.integer(),
        _ => None,
    }
}

/// The Number that a JSON value is, if it is one: a JSON number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
pub fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number.value),
        Value::String(name) => match name.as_ref() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// From this length on, a text is brought to the form 0.digits × 10^exponent first (see [`binary64`]).
const LONG_TEXT: usize = 1 << 15;

/// Beyond this power of ten, every 0.d × 10^e with d ≠ 0 is infinite or, below its negative, zero.
const MAX_EXPONENT: i64 = 400;

/// Reads a text that follows the grammar of JSON numbers to the nearest binary64, ties to even.
///
/// `str::parse` is correctly rounded, but stops counting an exponent at 2^16: in a text of more than 65,536 digits,
/// such as 0.000…1e70000, digits and exponent can make up for each other beyond that.
pub(crate) fn binary64(text: &str) -> f64 {
    let parsed = |text: &str| text.parse().expect("the grammar of JSON numbers is within that of f64");
    if text.len() < LONG_TEXT {
        parsed(text)
    } else {
        parsed(&normalised(text))
    }
}

/// The same number with its point before the first digit that is not zero, and an exponent that counts from there.
fn normalised(text: &str) -> String {
    let (sign, magnitude) = if let Some(rest) = text.strip_prefix('-') {
        ("-", rest)
    } else {
        ("", text)
    };
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return format!("{sign}0");
    }
    let zeros = digits.len() - significant.len();
    let point = saturated(exponent).saturating_add(whole.len() as i64 - zeros as i64);
    format!("{sign}0.{significant}e{}", point.clamp(-MAX_EXPONENT, MAX_EXPONENT))
}

/// An exponent of any length, as far as an `i64` goes.
fn saturated(exponent: &str) -> i64 {
    let limit = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    exponent.parse().unwrap_or(limit)
}
