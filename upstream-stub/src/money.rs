//! Money: hundredths of a currency as an integer, a decimal text on the wire, never a binary float.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::limits::PRICE_MAX;

/// An amount that is not negative, in hundredths of some currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(i64);

impl Money {
    /// What the database keeps.
    pub(crate) const fn from_hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// What the database keeps.
    pub(crate) const fn hundredths(self) -> i64 {
        self.0
    }

    /// Reads `12`, `12.3` or `12.34`; `None` for anything else, and above [`PRICE_MAX`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let zeros = whole.len() > 1 && whole.starts_with('0');
        if !digits(whole) || !digits(fraction) || zeros || whole.len() > 12 || fraction.len() > 2 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let cents: i64 = fraction.parse().ok()?;
        let cents = if fraction.len() == 1 {
            cents * 10
        } else {
            cents
        };
        let hundredths = whole * 100 + cents;
        (hundredths <= PRICE_MAX).then_some(Self(hundredths))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        for (text, hundredths) in [
            ("0", Some(0)),
            ("0.01", Some(1)),
            ("0.1", Some(10)),
            ("29.99", Some(2999)),
            ("100", Some(10_000)),
            ("999999999.99", Some(PRICE_MAX)),
            ("1000000000", None),
            ("9999999999999", None),
            ("", None),
            (".5", None),
            ("5.", None),
            ("1.234", None),
            ("01", None),
            ("-1", None),
            ("+1", None),
            ("1e2", None),
            ("1,5", None),
            (" 1", None),
            ("١", None),
        ] {
            assert_eq!(
                Money::parse(text).map(Money::hundredths),
                hundredths,
                "{text:?}"
            );
        }
        for (hundredths, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (2999, "29.99"),
            (10_000, "100.00"),
        ] {
            let money = Money::from_hundredths(hundredths);
            assert_eq!(money.to_string(), text);
            assert_eq!(Money::parse(text), Some(money));
        }
    }
}
