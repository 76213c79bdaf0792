//! A value and where it was written, for checks that come after reading.

use super::span::Span;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// The name under which a [`Spanned`] asks our deserializer for its position.
pub(super) const SPANNED: &str = "$tidegate::Spanned";

/// The fields that stand for a [`Spanned`] in serde's model.
pub(super) const SPANNED_FIELDS: &[&str] = &["start", "end", "value"];

/// A value and where it was written. It compares and shows like the value alone.
#[derive(Clone, Copy, Default)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

// === impl Spanned ===

impl<T> Spanned<T> {
    /// A value at a place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The value behind a reference, at the same place.
    pub const fn as_ref(&self) -> Spanned<&T> {
        Spanned {
            value: &self.value,
            span: self.span,
        }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Spanned<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // Our deserializer gives exactly these three, in this order.
                let part = |missing| de::Error::missing_field(missing);
                let (_, start) = map
                    .next_entry::<de::IgnoredAny, u32>()?
                    .ok_or(part("start"))?;
                let (_, end) = map
                    .next_entry::<de::IgnoredAny, u32>()?
                    .ok_or(part("end"))?;
                let (_, value) = map
                    .next_entry::<de::IgnoredAny, T>()?
                    .ok_or(part("value"))?;
                Ok(Spanned {
                    value,
                    span: Span { start, end },
                })
            }
        }

        deserializer.deserialize_struct(SPANNED, SPANNED_FIELDS, Parts(PhantomData))
    }
}
