//! What serde says is wrong, before anybody knows where.

use serde::de;
use std::fmt;

/// What is wrong with the value that is being read. The reader knows where it stands, and turns this
/// into a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It was reported already.
    Reported,
    /// A stand-in for a missing field did not fit; the field was reported.
    Sample,
    /// A field is missing.
    Missing(&'static str),
    /// It is of another kind than this.
    Expected(String),
    /// It is none of the known names.
    Unknown {
        /// What was found.
        found: String,
        /// What is known.
        known: &'static [&'static str],
    },
    /// The type's own words; a line `hint: …` may follow.
    Said(String),
}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Said(message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Expected(expected.to_string())
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Expected(expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Self {
        Self::Expected(expected.to_string())
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown {
            found: found.to_owned(),
            known,
        }
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown {
            found: found.to_owned(),
            known,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Said(format!("the field `{field}` is there twice"))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported | Self::Sample => f.write_str("reported already"),
            Self::Missing(field) => write!(f, "the field `{field}` is missing"),
            Self::Expected(expected) => write!(f, "expected {expected}"),
            Self::Unknown { found, .. } => write!(f, "`{found}` is unknown"),
            Self::Said(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Wrong {}

/// A message, and the hint that may stand on a line below it as `hint: …`.
pub(super) fn advice(message: String) -> (String, String) {
    match message.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), hint.to_owned()),
        None => (message, String::new()),
    }
}

/// What serde's own types call themselves, as people say it.
pub(super) fn in_our_words(expected: &str) -> String {
    let words = match expected {
        "a string" | "a borrowed string" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a boolean" => "`true` or `false`",
        "a character" => "one character",
        "unit" => "nothing",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("a nonzero ") => "a whole number, 1 or more",
        _ if expected.starts_with("struct ") => "a mapping",
        _ if expected.starts_with("enum ") || expected == "variant identifier" => "a name",
        _ => expected,
    };
    words.to_owned()
}
