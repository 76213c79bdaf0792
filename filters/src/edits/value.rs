//! The value of a field that an edit sets: short ones lie within it, so that a request that is not
//! refused is edited without asking for memory.

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use std::fmt;

/// Bytes that lie within a [`Value`]: an address, a UUID, the state of two limits.
const SHORT_BYTES_MAX: usize = 54;

/// A field value as `http` checks it (RFC 9110, section 5.5): never a line break.
#[derive(Clone)]
pub struct Value(Repr);

#[derive(Clone)]
enum Repr {
    Short {
        length: u8,
        bytes: [u8; SHORT_BYTES_MAX],
    },
    Shared(HeaderValue),
}

/// What an edit may set: checked bytes.
pub trait FieldValue: private::Sealed {
    /// The value's bytes, none of them a line break.
    fn as_field(&self) -> &[u8];
}

mod private {
    pub trait Sealed {}
    impl Sealed for super::Value {}
    impl Sealed for http::HeaderValue {}
    impl Sealed for crate::digits::Digits {}
    impl Sealed for crate::digits::Spelled {}
}

impl FieldValue for Value {
    #[inline]
    fn as_field(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl FieldValue for HeaderValue {
    #[inline]
    fn as_field(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl FieldValue for crate::digits::Digits {
    #[inline]
    fn as_field(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl FieldValue for crate::digits::Spelled {
    #[inline]
    fn as_field(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Checks bytes as `http` checks them.
///
/// # Errors
/// A byte that no value may have.
pub(super) fn check(value: &[u8]) -> Result<(), InvalidHeaderValue> {
    // Without leaving early, so that many bytes are looked at at once.
    let fine = value
        .iter()
        .fold(true, |fine, &byte| fine & is_value_byte(byte));
    if fine {
        return Ok(());
    }
    HeaderValue::from_bytes(value).map(drop)
}

// === impl Value ===

impl Value {
    /// Checks and copies a value.
    ///
    /// # Errors
    /// A byte that no value may have.
    pub fn from_bytes(value: &[u8]) -> Result<Self, InvalidHeaderValue> {
        if value.len() <= SHORT_BYTES_MAX {
            check(value)?;
            return Ok(Self::short(value));
        }
        HeaderValue::from_bytes(value).map(|value| Self(Repr::Shared(value)))
    }

    /// A number in decimal digits.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self::short(crate::digits::Digits::of(number).as_bytes())
    }

    /// The value's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { length, bytes } => &bytes[..usize::from(*length)],
            Repr::Shared(value) => value.as_bytes(),
        }
    }

    /// The value as `http` has it.
    ///
    /// # Panics
    /// Never: the bytes were checked when this was made.
    #[must_use]
    pub fn to_header(&self) -> HeaderValue {
        match &self.0 {
            Repr::Short { .. } => {
                HeaderValue::from_bytes(self.as_bytes()).expect("checked when it was made")
            }
            Repr::Shared(value) => value.clone(),
        }
    }

    /// A text of so few bytes that they lie within the value: digits, letters and hyphens.
    pub(crate) fn ascii<const LENGTH: usize>(text: [u8; LENGTH]) -> Self {
        const { assert!(LENGTH <= SHORT_BYTES_MAX) };
        debug_assert!(
            text.iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
        );
        Self::short(&text)
    }

    /// Of at most [`SHORT_BYTES_MAX`] checked bytes.
    fn short(value: &[u8]) -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        bytes[..value.len()].copy_from_slice(value);
        let length = u8::try_from(value.len()).expect("a short value's length is a byte");
        Self(Repr::Short { length, bytes })
    }
}

/// What `http` accepts: text, tabs and 8-bit bytes.
const fn is_value_byte(byte: u8) -> bool {
    (byte == b'\t') | ((byte >= b' ') & (byte != 0x7f))
}

impl From<HeaderValue> for Value {
    fn from(value: HeaderValue) -> Self {
        Self(Repr::Shared(value))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_header(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_http_takes_for_one_whatever_its_length() {
        for length in [
            0,
            1,
            SHORT_BYTES_MAX - 1,
            SHORT_BYTES_MAX,
            SHORT_BYTES_MAX + 1,
        ] {
            for byte in 0..=u8::MAX {
                let bytes = vec![byte; length];
                let theirs = HeaderValue::from_bytes(&bytes);
                let ours = Value::from_bytes(&bytes);
                assert_eq!(ours.is_ok(), theirs.is_ok(), "{length} of {byte}");
                if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                    assert_eq!(ours.as_bytes(), bytes);
                    assert_eq!(ours.to_header(), theirs);
                    assert_eq!(ours, Value::from(theirs));
                }
            }
        }
    }

    #[test]
    fn numbers_are_spelled_in_decimal() {
        for number in [0, 7, 10, u64::MAX] {
            assert_eq!(
                Value::number(number).as_bytes(),
                number.to_string().as_bytes()
            );
        }
    }
}
