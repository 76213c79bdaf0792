//! Reading a JSON body field by field: every mistake is found in one pass and told with its JSON
//! pointer (RFC 6901); a field that nobody knows is a mistake too.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::envelope::{Problem, ProblemPlace};
use crate::id::Prefix;
use crate::limits::PROBLEMS_MAX;
use crate::money::Money;

/// What is wrong with a body, so far.
#[derive(Debug, Default)]
pub(crate) struct Found(Vec<Problem>);

/// An object whose fields are being read.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    pointer: String,
    found: &'a mut Found,
}

impl Found {
    /// Adds a mistake; its text goes on from the pointer.
    pub(crate) fn add(
        &mut self,
        pointer: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) {
        // One more than a refusal lists is enough to know that there are more.
        if self.0.len() <= PROBLEMS_MAX {
            self.0.push(Problem {
                place: ProblemPlace::Pointer(pointer.into()),
                message: message.into(),
            });
        }
    }

    /// The value when nothing was wrong.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

impl<'a> Fields<'a> {
    /// Opens an object; says so when it is none, and names fields that are not `known`.
    pub(crate) fn open(
        value: &'a Value,
        pointer: &str,
        known: &[&str],
        found: &'a mut Found,
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            found.add(pointer, "must be an object");
            return None;
        };
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let short: String = name.chars().take(64).collect();
            let short = short.replace('~', "~0").replace('/', "~1");
            found.add(format!("{pointer}/{short}"), "is unknown here");
        }
        Some(Self {
            map,
            pointer: pointer.to_owned(),
            found,
        })
    }

    /// A field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Value, &str, &mut Found) -> Option<T>,
    ) -> Option<T> {
        if !self.map.contains_key(name) {
            self.found
                .add(format!("{}/{name}", self.pointer), "is missing");
        }
        self.given(name, read)
    }

    /// A field that may be missing.
    pub(crate) fn given<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Value, &str, &mut Found) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.get(name)?;
        read(value, &format!("{}/{name}", self.pointer), self.found)
    }

    /// A field that may be missing (`None`) or null (`Some(None)`).
    pub(crate) fn nullable<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Value, &str, &mut Found) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.map.get(name)? {
            Value::Null => Some(None),
            _ => self.given(name, read).map(Some),
        }
    }
}

/// A text of so many characters. Control characters other than line breaks and tabs are refused:
/// PostgreSQL keeps no NUL, and nobody means the rest.
pub(crate) fn text(
    chars: RangeInclusive<usize>,
) -> impl Fn(&Value, &str, &mut Found) -> Option<String> {
    move |value, pointer, found| {
        let (min, max) = (chars.start(), chars.end());
        let Value::String(text) = value else {
            found.add(
                pointer,
                format!("must be a text of {min} to {max} characters"),
            );
            return None;
        };
        if !chars.contains(&text.chars().count()) {
            found.add(pointer, format!("must have {min} to {max} characters"));
            return None;
        }
        if text
            .chars()
            .any(|c| c.is_control() && !"\n\r\t".contains(c))
        {
            found.add(pointer, "must have no control characters");
            return None;
        }
        if *min > 0 && text.trim().is_empty() {
            found.add(pointer, "must not be blank");
            return None;
        }
        Some(text.clone())
    }
}

/// A whole number within bounds.
pub(crate) fn whole(
    range: RangeInclusive<i64>,
) -> impl Fn(&Value, &str, &mut Found) -> Option<i64> {
    move |value, pointer, found| {
        let number = value.as_i64().filter(|number| range.contains(number));
        if number.is_none() {
            let (min, max) = (range.start(), range.end());
            found.add(
                pointer,
                format!("must be a whole number from {min} to {max}"),
            );
        }
        number
    }
}

/// An amount: a decimal text, or a JSON number with at most two decimals, as FR-005's example has
/// it. A number that we take has at most eleven digits, which its shortest text gives back exactly.
pub(crate) fn amount(value: &Value, pointer: &str, found: &mut Found) -> Option<Money> {
    let money = match value {
        Value::String(text) => Money::parse(text),
        Value::Number(number) => {
            let text = number.to_string();
            Money::parse(text.strip_suffix(".0").unwrap_or(&text))
        }
        _ => None,
    };
    if money.is_none() {
        found.add(
            pointer,
            "must be an amount such as \"29.99\", at most 999999999.99",
        );
    }
    money
}

/// One of a closed list of words.
pub(crate) fn word(
    known: &'static [&'static str],
) -> impl Fn(&Value, &str, &mut Found) -> Option<&'static str> {
    move |value, pointer, found| {
        let word = value
            .as_str()
            .and_then(|text| known.iter().copied().find(|word| *word == text));
        if word.is_none() {
            found.add(pointer, format!("must be one of {}", known.join(", ")));
        }
        word
    }
}

/// An identifier with its prefix.
pub(crate) fn id(prefix: Prefix) -> impl Fn(&Value, &str, &mut Found) -> Option<String> {
    move |value, pointer, found| {
        let id = value
            .as_str()
            .filter(|text| prefix.fits(text))
            .map(str::to_owned);
        if id.is_none() {
            found.add(
                pointer,
                format!("must be an id that begins with {}", prefix.0),
            );
        }
        id
    }
}

/// So many upper-case letters: a currency, a country.
pub(crate) fn capitals(count: usize) -> impl Fn(&Value, &str, &mut Found) -> Option<String> {
    move |value, pointer, found| {
        let fits =
            |text: &&str| text.len() == count && text.bytes().all(|b| b.is_ascii_uppercase());
        let code = value.as_str().filter(fits).map(str::to_owned);
        if code.is_none() {
            found.add(pointer, format!("must be {count} upper-case letters"));
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(found: Found) -> Vec<String> {
        found
            .0
            .into_iter()
            .map(|problem| match problem.place {
                ProblemPlace::Pointer(pointer) => pointer,
                ProblemPlace::Parameter(name) => panic!("{name} is in the body"),
            })
            .collect()
    }

    #[test]
    fn values_are_judged_at_their_borders() {
        let two = json!("éé");
        let cases: &[(&str, bool)] = &[
            (
                "text 1",
                text(1..=2)(&json!(""), "", &mut Found::default()).is_none(),
            ),
            (
                "text 2",
                text(1..=2)(&two, "", &mut Found::default()).is_some(),
            ),
            (
                "text 3",
                text(1..=2)(&json!("ééé"), "", &mut Found::default()).is_none(),
            ),
            (
                "text nul",
                text(1..=2)(&json!("\0"), "", &mut Found::default()).is_none(),
            ),
            (
                "text blank",
                text(1..=2)(&json!(" "), "", &mut Found::default()).is_none(),
            ),
            (
                "whole 0",
                whole(1..=9)(&json!(0), "", &mut Found::default()).is_none(),
            ),
            (
                "whole 9",
                whole(1..=9)(&json!(9), "", &mut Found::default()).is_some(),
            ),
            (
                "whole 10",
                whole(1..=9)(&json!(10), "", &mut Found::default()).is_none(),
            ),
            (
                "whole 1.5",
                whole(1..=9)(&json!(1.5), "", &mut Found::default()).is_none(),
            ),
            (
                "word",
                word(&["a"])(&json!("b"), "", &mut Found::default()).is_none(),
            ),
            (
                "capitals",
                capitals(3)(&json!("USD"), "", &mut Found::default()).is_some(),
            ),
            (
                "capitals",
                capitals(3)(&json!("usd"), "", &mut Found::default()).is_none(),
            ),
        ];
        for (case, holds) in cases {
            assert!(holds, "{case}");
        }
        for (value, hundredths) in [
            (json!("29.99"), Some(2999)),
            (json!(29.99), Some(2999)),
            (json!(30), Some(3000)),
            (json!(30.0), Some(3000)),
            (json!(1.001), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!(null), None),
        ] {
            let money = amount(&value, "", &mut Found::default());
            assert_eq!(money.map(Money::hundredths), hundredths, "{value}");
        }
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let body = json!({"a": 1, "b/c~": 2, "n": null});
        let mut found = Found::default();
        let mut fields = Fields::open(&body, "/x", &["a", "m", "n"], &mut found).unwrap();
        assert_eq!(fields.required("a", text(1..=5)), None);
        assert_eq!(fields.required("m", text(1..=5)), None);
        assert_eq!(fields.nullable("n", text(1..=5)), Some(None));
        assert_eq!(fields.nullable("o", text(1..=5)), None);
        assert_eq!(pointers(found), ["/x/b~1c~0", "/x/a", "/x/m"]);
        let mut found = Found::default();
        assert!(Fields::open(&json!([]), "", &[], &mut found).is_none());
        assert_eq!(pointers(found), [""]);
    }
}
