//! Values as the policy file writes them: `300s`, `1MiB`, `100/min`, `127.0.0.1:8080`, `env:NAME`.
//!
//! Those that filters use too live in [`filters::units`]; here are the rest. A bare number where a unit
//! belongs is a mistake: a reader should not have to guess.

/// How the types of this module are read: from text, with a hint where it is none of theirs.
macro_rules! deserialize_from_text {
    ($($type:ty: $expected:expr;)*) => {
        $(impl<'de> serde::de::Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(|unreadable: Unreadable| {
                            E::invalid_value(de::Unexpected::Other("text"), &WithHint(&unreadable))
                        })
                    }
                }

                deserializer.deserialize_str(Text)
            }
        })*
    };
}

mod reference;

pub use filters::units::{Duration, Network, Rate, Size};
pub use reference::{FileRef, LogTarget, SecretRef};

use serde::de::{self, Deserializer, Visitor};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An IP address and a port: `127.0.0.1:8080`, `[::1]:8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub SocketAddr);

/// The name of a host in lower case, without a port: `api.example.com`, `127.0.0.1`, `[::1]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(pub String);

/// How much a tier's policy lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// This many.
    Limited(Rate),
    /// Everything: `unlimited`.
    Unlimited,
}

/// A day, at its begin in UTC: `2026-01-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Unix seconds.
    pub unix_s: u64,
}

/// A span of time that a computation takes: `1500ns`, `2us`, `1ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShortTime(pub std::time::Duration);

/// A text that cannot be read as what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What was expected.
    pub expected: &'static str,
    /// What to do; may be empty.
    pub hint: String,
}

const ADDRESS: &str = "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";
const HOST: &str = "a host name without a port, such as api.example.com";
const ALLOWANCE: &str = "a rate, such as 20/s, 100/min, 1000/h, 5000/day, or `unlimited`";
const SHORT_TIME: &str = "a short time, such as 1500ns, 2us or 1ms";
const DATE: &str = "a date, such as 2026-01-31";

/// Bytes of a host name (RFC 1035, section 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Bytes of one label of a host name (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

impl Unreadable {
    fn new(expected: &'static str, hint: impl Into<String>) -> Self {
        Self {
            expected,
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for Unreadable {}

// === impl Address ===

impl FromStr for Address {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        let hint = if let Ok(address) = text.parse::<IpAddr>() {
            format!("add a port: `{}`", SocketAddr::new(address, 8080))
        } else if let Some(port) = text.strip_prefix("localhost:") {
            format!("write `127.0.0.1:{port}`")
        } else if let Some(port) = text.strip_prefix(':').or_else(|| text.strip_prefix("*:")) {
            format!("write `0.0.0.0:{port}` for every address of this machine")
        } else if text.contains("://") {
            "write the address without a scheme".to_owned()
        } else {
            String::new()
        };
        Err(Unreadable::new(ADDRESS, hint))
    }
}

// === impl HostName ===

impl HostName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let lower = text.to_ascii_lowercase();
        let bare = lower
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if bare.is_some_and(|bare| bare.parse::<std::net::Ipv6Addr>().is_ok()) {
            return Ok(Self(lower));
        }
        let label = |label: &str| {
            (1..=LABEL_BYTES_MAX).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if lower.len() <= HOST_BYTES_MAX && lower.split('.').all(label) {
            return Ok(Self(lower));
        }
        let hint = if text.contains("://") {
            "write the name without a scheme".to_owned()
        } else if text.contains('*') {
            "list every name; wildcards are not understood".to_owned()
        } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
            format!("write `[{lower}]`")
        } else if let Some((name, _)) = lower
            .rsplit_once(':')
            .filter(|(name, _)| name.split('.').all(label))
        {
            format!("write `{name}`: a request matches with any port")
        } else if let Some(name) = lower.strip_suffix('.') {
            format!("write `{name}`")
        } else {
            String::new()
        };
        Err(Unreadable::new(HOST, hint))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Allowance ===

impl FromStr for Allowance {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        match text {
            "unlimited" => Ok(Self::Unlimited),
            _ => text
                .parse()
                .map(Self::Limited)
                .map_err(|_| Unreadable::new(ALLOWANCE, "")),
        }
    }
}

// === impl Date ===

impl FromStr for Date {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let unreadable = || Unreadable::new(DATE, "");
        let date: jiff::civil::Date = text.parse().map_err(|_| unreadable())?;
        let instant = date
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|_| unreadable())?;
        let unix_s = u64::try_from(instant.timestamp().as_second()).map_err(|_| unreadable())?;
        // The parser takes times and week dates too: only the plain form is ours.
        if text != date.to_string() {
            return Err(Unreadable::new(DATE, format!("write `{date}`")));
        }
        Ok(Self { unix_s })
    }
}

// === impl ShortTime ===

impl FromStr for ShortTime {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let hint = || match digits.parse::<u64>() {
            Ok(number) => format!("write `{number}ns`"),
            Err(_) => String::new(),
        };
        let each_ns = match &text[digits.len()..] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            _ => return Err(Unreadable::new(SHORT_TIME, hint())),
        };
        let number = digits.parse::<u64>().ok();
        number
            .and_then(|number| number.checked_mul(each_ns))
            .map(|ns| Self(std::time::Duration::from_nanos(ns)))
            .ok_or_else(|| Unreadable::new(SHORT_TIME, ""))
    }
}

deserialize_from_text! {
    Address: ADDRESS;
    HostName: HOST;
    Allowance: ALLOWANCE;
    Date: DATE;
    ShortTime: SHORT_TIME;
}

/// What was expected, with the hint on a line below, where our reader finds it.
struct WithHint<'a>(&'a Unreadable);

impl de::Expected for WithHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expected)?;
        if self.0.hint.is_empty() {
            return Ok(());
        }
        write!(f, "\nhint: {}", self.0.hint)
    }
}

/// How the tests of this module look at a type.
#[cfg(test)]
mod testing {
    use super::{FromStr, Unreadable};

    /// Reads every text: what the value shows, or the hint.
    pub(super) fn check<T: FromStr<Err = Unreadable>>(
        cases: &[(&str, Result<&str, &str>)],
        show: impl Fn(&T) -> String,
    ) {
        for (text, expected) in cases {
            let found = text.parse::<T>();
            match (&found, expected) {
                (Ok(value), Ok(shown)) => assert_eq!(show(value), *shown, "{text}"),
                (Err(wrong), Err(hint)) => assert_eq!(wrong.hint, *hint, "{text}"),
                (found, _) => panic!("{text}: {:?}, not {expected:?}", found.as_ref().map(&show)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::check;
    use super::*;

    #[test]
    fn addresses() {
        check::<Address>(
            &[
                ("127.0.0.1:8080", Ok("127.0.0.1:8080")),
                ("[::1]:80", Ok("[::1]:80")),
                ("127.0.0.1", Err("add a port: `127.0.0.1:8080`")),
                ("::1", Err("add a port: `[::1]:8080`")),
                ("localhost:80", Err("write `127.0.0.1:80`")),
                (
                    ":80",
                    Err("write `0.0.0.0:80` for every address of this machine"),
                ),
                (
                    "http://127.0.0.1:80",
                    Err("write the address without a scheme"),
                ),
                ("127.0.0.1:65536", Err("")),
                ("", Err("")),
            ],
            |address| address.0.to_string(),
        );
    }

    #[test]
    fn host_names() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        check::<HostName>(
            &[
                ("api.example.com", Ok("api.example.com")),
                ("API.Example.com", Ok("api.example.com")),
                ("127.0.0.1", Ok("127.0.0.1")),
                ("[::1]", Ok("[::1]")),
                (&longest, Ok(&longest)),
                (&too_long, Err("")),
                (
                    "a.b:80",
                    Err("write `a.b`: a request matches with any port"),
                ),
                (
                    "localhost:80",
                    Err("write `localhost`: a request matches with any port"),
                ),
                (
                    "*.example.com",
                    Err("list every name; wildcards are not understood"),
                ),
                ("https://a", Err("write the name without a scheme")),
                ("a.", Err("write `a`")),
                ("a_b", Err("")),
                ("-a", Err("")),
                ("a..b", Err("")),
                ("", Err("")),
            ],
            HostName::to_string,
        );
    }

    #[test]
    fn short_times() {
        check::<ShortTime>(
            &[
                ("1500ns", Ok("1.5µs")),
                ("2us", Ok("2µs")),
                ("2µs", Ok("2µs")),
                ("1ms", Ok("1ms")),
                ("0ns", Ok("0ns")),
                ("1500", Err("write `1500ns`")),
                ("2s", Err("write `2ns`")),
                ("1.5us", Err("")),
                ("ns", Err("")),
                ("", Err("")),
                ("99999999999999999ms", Err("")),
            ],
            |time| format!("{:?}", time.0),
        );
    }

    #[test]
    fn dates_and_allowances() {
        check::<Date>(
            &[
                ("2026-01-01", Ok("1767225600")),
                ("1970-01-01", Ok("0")),
                ("1969-12-31", Err("")),
                ("2026-02-29", Err("")),
                ("20260101", Err("write `2026-01-01`")),
                ("soon", Err("")),
            ],
            |date| date.unix_s.to_string(),
        );
        check::<Allowance>(
            &[
                ("unlimited", Ok("Unlimited")),
                ("5/s", Ok("Limited(Rate { limit: 5, window_s: 1 })")),
                ("0/s", Err("")),
                ("infinite", Err("")),
            ],
            |allowance| format!("{allowance:?}"),
        );
    }
}
