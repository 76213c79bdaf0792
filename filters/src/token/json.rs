//! JSON objects read strictly, without copying what need not be copied.
//!
//! A name that comes twice is refused, at any depth: two readers that take different ones of them
//! would see two tokens in one (RFC 7519, section 4). Nothing may stand behind the object.

use crate::limits::TOKEN_MEMBERS_MAX;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;

/// A value, as far as tokens have a use for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// A string; borrowed unless it had escapes.
    Text(Cow<'a, str>),
    /// A number of seconds: cut to whole ones, 0 when it is negative.
    Seconds(u64),
    /// An array of strings and nothing else.
    Texts(Vec<Cow<'a, str>>),
    /// Anything else.
    Other,
}

/// Not JSON, not an object, a name twice, or too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

type Names<'a> = SmallVec<[Cow<'a, str>; 16]>;

/// Shows every member of the object that `bytes` spell.
pub(super) fn members<'a>(
    bytes: &'a [u8],
    visit: &mut dyn FnMut(&str, Value<'a>),
) -> Result<(), Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Object(visit)
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|_| Unreadable)
}

/// The outermost object.
struct Object<'v, 'a>(&'v mut dyn FnMut(&str, Value<'a>));

/// A value within it.
struct Any;

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        each(map, self.0)
    }
}

/// Walks over an object whose names are all different.
fn each<'de, A: MapAccess<'de>>(
    mut map: A,
    visit: &mut dyn FnMut(&str, Value<'de>),
) -> Result<(), A::Error> {
    let mut names = Names::new();
    while let Some(name) = map.next_key_seed(Name)? {
        if names.contains(&name) || names.len() == TOKEN_MEMBERS_MAX {
            return Err(de::Error::custom("a member twice, or too many"));
        }
        let value = map.next_value_seed(Any)?;
        visit(&name, value);
        names.push(name);
    }
    Ok(())
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Seconds(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Seconds(u64::try_from(number).unwrap_or(0)))
    }

    /// NumericDate may have a fraction (RFC 7519, section 2).
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value<'de>, E> {
        // The cast cuts the fraction and stays within bounds.
        Ok(Value::Seconds(number as u64))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let mut texts = Vec::new();
        let mut plain = true;
        while let Some(value) = list.next_element_seed(Self)? {
            match value {
                Value::Text(text) if plain => texts.push(text),
                _ => plain = false,
            }
        }
        Ok(if plain {
            Value::Texts(texts)
        } else {
            Value::Other
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value<'de>, A::Error> {
        each(map, &mut |_, _| {})?;
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let mut seen = String::new();
        let members = members(text.as_bytes(), &mut |name, value| {
            seen += &format!("{name}={value:?};");
        });
        members.ok().map(|()| seen)
    }

    #[test]
    fn an_object_is_read_strictly() {
        let text = |value: &str| Some(format!("a={value};"));
        for (json, expected) in [
            (r#"{}"#, Some(String::new())),
            (r#"{"a":"x"}"#, text("Text(\"x\")")),
            (r#"{"a":"x\/y"}"#, text("Text(\"x/y\")")),
            (r#" {"a" : 1 } "#, text("Seconds(1)")),
            (r#"{"a":-1}"#, text("Seconds(0)")),
            (r#"{"a":1.9}"#, text("Seconds(1)")),
            (r#"{"a":1e300}"#, text("Seconds(18446744073709551615)")),
            (r#"{"a":["x","y"]}"#, text("Texts([\"x\", \"y\"])")),
            (r#"{"a":[]}"#, text("Texts([])")),
            (r#"{"a":["x",1,"y"]}"#, text("Other")),
            (r#"{"a":null}"#, text("Other")),
            (r#"{"a":true}"#, text("Other")),
            (r#"{"a":{"b":1}}"#, text("Other")),
            (r#"{"a":1,"a":1}"#, None),
            (r#"{"a":1,"\u0061":1}"#, None),
            (r#"{"a":{"b":1,"b":1}}"#, None),
            (r#"{"a":[{"b":1,"b":1}]}"#, None),
            (r#"{"a":1e999}"#, None),
            (r#"{"a":01}"#, None),
            (r#"{"a":NaN}"#, None),
            (r#"{"a":1,}"#, None),
            (r#"{"a":"\ud800"}"#, None),
            ("{\"a\":\"\n\"}", None),
            (r#"{"a":1} x"#, None),
            (r#"{"a":1}{}"#, None),
            (r#"["a"]"#, None),
            (r#""a""#, None),
            ("\u{feff}{}", None),
            ("", None),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(
            members(b"{\"a\":\"\xff\"}", &mut |_, _| {}),
            Err(Unreadable)
        );
    }

    #[test]
    fn members_and_depth_are_bounded() {
        let object = |count: usize| {
            let list: Vec<String> = (0..count).map(|n| format!("\"m{n}\":1")).collect();
            format!("{{{}}}", list.join(","))
        };
        assert!(read(&object(TOKEN_MEMBERS_MAX)).is_some());
        assert!(read(&object(TOKEN_MEMBERS_MAX + 1)).is_none());
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(100)).is_some());
        assert!(read(&nested(1000)).is_none());
    }
}
