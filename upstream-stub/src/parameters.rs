//! The parameters of a query: every one is known, comes once, and is understood, or the request is
//! refused with all that is wrong (contract, section 7).

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::envelope::{Problem, ProblemPlace, Refusal};
use crate::limits::{PARAMETERS_MAX, VALUES_MAX};
use crate::money::Money;

/// Parameters that nobody has asked for yet.
pub(crate) struct Parameters {
    pairs: Vec<Pair>,
    problems: Vec<Problem>,
    /// Pairs as they came, for links to other pages.
    kept: Vec<String>,
}

struct Pair {
    name: String,
    value: String,
    raw: String,
}

/// No parameter at all.
pub(crate) struct NoParameters;

/// Why a value is not understood: goes on from "the parameter x …".
pub(crate) type Reason = Cow<'static, str>;

impl Parameters {
    pub(crate) fn new(query: &str) -> Self {
        let mut parameters = Self {
            pairs: Vec::new(),
            problems: Vec::new(),
            kept: Vec::new(),
        };
        for raw in query.split('&').filter(|raw| !raw.is_empty()) {
            let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
            let Some((name, value)) = decode(name).zip(decode(value)) else {
                parameters.problem(name, "has an escape that is none, or no UTF-8");
                continue;
            };
            if parameters.pairs.iter().any(|pair| pair.name == name) {
                parameters.problem(&name, "is there twice");
            } else if parameters.pairs.len() == PARAMETERS_MAX {
                parameters.problem(&name, format!("is one too many: {PARAMETERS_MAX} at most"));
                break;
            } else {
                let raw = raw.to_owned();
                parameters.pairs.push(Pair { name, value, raw });
            }
        }
        parameters
    }

    /// Takes a parameter that is kept in the links to other pages.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Reason>,
    ) -> Option<T> {
        let pair = self.remove(name)?;
        self.kept.push(pair.raw);
        self.understood(name, read(&pair.value))
    }

    /// Takes a parameter that has two names; the links to other pages say it anew.
    pub(crate) fn take_either<T>(
        &mut self,
        name: &str,
        alias: &str,
        read: impl FnOnce(&str) -> Result<T, Reason>,
    ) -> Option<T> {
        let (pair, other) = (self.remove(name), self.remove(alias));
        if pair.is_some() && other.is_some() {
            self.problem(alias, format!("says the same as {name}: leave one out"));
        }
        let pair = pair.or(other)?;
        self.understood(&pair.name, read(&pair.value))
    }

    /// Refuses when anything was wrong, or is left over. Otherwise the pairs for links.
    pub(crate) fn finish(mut self) -> Result<String, Refusal> {
        for pair in std::mem::take(&mut self.pairs) {
            self.problem(&pair.name, "is unknown here");
        }
        match self.problems.is_empty() {
            true => Ok(self.kept.join("&")),
            false => Err(Refusal::invalid(self.problems)),
        }
    }

    /// Adds what a caller found out by itself.
    pub(crate) fn problem(&mut self, name: &str, message: impl Into<Reason>) {
        let name = name.chars().take(64).collect();
        self.problems.push(Problem {
            place: ProblemPlace::Parameter(name),
            message: message.into(),
        });
    }

    fn remove(&mut self, name: &str) -> Option<Pair> {
        let at = self.pairs.iter().position(|pair| pair.name == name)?;
        Some(self.pairs.remove(at))
    }

    fn understood<T>(&mut self, name: &str, read: Result<T, Reason>) -> Option<T> {
        read.map_err(|reason| self.problem(name, reason)).ok()
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self::new(parts.uri.query().unwrap_or_default()))
    }
}

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Parameters::new(parts.uri.query().unwrap_or_default()).finish()?;
        Ok(Self)
    }
}

/// A whole number within bounds.
pub(crate) fn number(min: u64, max: u64) -> impl Fn(&str) -> Result<u64, Reason> {
    move |text| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let value = text
            .parse()
            .ok()
            .filter(|value| digits && (min..=max).contains(value));
        value.ok_or_else(|| format!("must be a whole number from {min} to {max}").into())
    }
}

/// Several values, each one of a closed list.
pub(crate) fn among(
    known: &'static [&'static str],
) -> impl Fn(&str) -> Result<Vec<String>, Reason> {
    move |text| {
        let values: Vec<_> = text.split(',').map(str::to_owned).collect();
        let all = values.iter().all(|value| known.contains(&value.as_str()));
        match all && values.len() <= VALUES_MAX {
            true => Ok(values),
            false => Err(format!("must be one or more of {}", known.join(", ")).into()),
        }
    }
}

/// Several values of any text.
pub(crate) fn texts(text: &str) -> Result<Vec<String>, Reason> {
    let values: Vec<_> = text.split(',').map(str::to_owned).collect();
    let plain = |value: &String| !value.is_empty() && !value.contains('\0');
    match values.iter().all(plain) && values.len() <= VALUES_MAX {
        true => Ok(values),
        false => Err(format!("must be 1 to {VALUES_MAX} values separated by commas").into()),
    }
}

/// One text that is searched for.
pub(crate) fn search(text: &str) -> Result<String, Reason> {
    match (1..=100).contains(&text.chars().count()) && !text.contains('\0') {
        true => Ok(text.to_owned()),
        false => Err("must be 1 to 100 characters".into()),
    }
}

/// An amount, in hundredths.
pub(crate) fn amount(text: &str) -> Result<i64, Reason> {
    Money::parse(text)
        .map(Money::hundredths)
        .ok_or_else(|| "must be an amount such as 29.99".into())
}

/// A moment: RFC 3339, or a date, which is its first moment in UTC.
pub(crate) fn moment(text: &str) -> Result<Timestamp, Reason> {
    let day = |date: Date| {
        date.to_zoned(TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    let date = (text.len() == 10)
        .then(|| text.parse().ok().and_then(day))
        .flatten();
    date.or_else(|| text.parse().ok())
        .filter(|moment| (Timestamp::UNIX_EPOCH..=last_moment()).contains(moment))
        .ok_or_else(|| {
            "must be a date such as 2026-01-01 or a time such as 2026-01-01T00:00:00Z".into()
        })
}

/// The end of the year 9998, comfortably inside of what PostgreSQL keeps.
fn last_moment() -> Timestamp {
    Timestamp::constant(253_370_764_799, 0)
}

/// Undoes percent-encoding and `+`; `None` for a broken escape and for what is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        for (text, decoded) in [
            ("", Some("")),
            ("a+b", Some("a b")),
            ("page%5Bsize%5d", Some("page[size]")),
            ("%C3%A9", Some("é")),
            ("%C3", None),
            ("%4", None),
            ("%", None),
            ("%+1", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text:?}");
        }
    }

    #[test]
    fn moments_are_read() {
        for (text, seconds) in [
            ("1970-01-01", Some(0)),
            ("1970-01-02", Some(86_400)),
            ("1970-01-01T01:00:00Z", Some(3600)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1969-12-31", None),
            ("9999-12-31", None),
            ("1970-02-30", None),
            ("1970-01-01T01:00:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(
                moment(text).ok().map(Timestamp::as_second),
                seconds,
                "{text:?}"
            );
        }
    }
}
