//! The id of a key as people and logs write it: `key_`, then the number in 32 hexadecimal digits. A
//! million ids as text would take more memory than all the rest of what a key is called by, so it is
//! written when somebody asks.

use std::fmt;
use std::ops::Deref;

const PREFIX: &str = "key_";
const LENGTH: usize = PREFIX.len() + 2 * size_of::<u128>();

/// A key's id; it reads as text.
#[derive(Clone, Copy)]
pub struct KeyId<'a>(Inner<'a>);

#[derive(Clone, Copy)]
enum Inner<'a> {
    Number([u8; LENGTH]),
    Name(&'a str),
}

// === impl KeyId ===

impl<'a> KeyId<'a> {
    /// The id of the key of this number.
    #[must_use]
    pub fn of(number: u128) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; LENGTH];
        let (prefix, digits) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX.as_bytes());
        for (pair, byte) in digits
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip(number.to_be_bytes())
        {
            *pair = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        }
        Self(Inner::Number(text))
    }

    /// A name in place of an id.
    #[must_use]
    pub const fn named(name: &'a str) -> Self {
        Self(Inner::Name(name))
    }

    /// The number of a key, by its id.
    #[must_use]
    pub fn parse(id: &str) -> Option<u128> {
        let digits = id.strip_prefix(PREFIX)?;
        let plain = digits.len() == LENGTH - PREFIX.len()
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        plain.then(|| u128::from_str_radix(digits, 16).ok())?
    }
}

impl Deref for KeyId<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Inner::Number(text) => std::str::from_utf8(text).expect("prefix and digits are ASCII"),
            Inner::Name(name) => name,
        }
    }
}

impl fmt::Display for KeyId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_and_read_back() {
        for (number, id) in [
            (0, "key_00000000000000000000000000000000"),
            (
                0x0199_a0b1_c2d3_74e5_86f7_0123_4567_89ab,
                "key_0199a0b1c2d374e586f70123456789ab",
            ),
            (u128::MAX, "key_ffffffffffffffffffffffffffffffff"),
        ] {
            assert_eq!(&*KeyId::of(number), id);
            assert_eq!(KeyId::of(number).to_string(), format!("key_{number:032x}"));
            assert_eq!(KeyId::parse(id), Some(number));
        }
        assert_eq!(&*KeyId::named("client:a"), "client:a");
    }

    #[test]
    fn what_is_no_id_has_no_number() {
        for text in [
            "",
            "key_",
            "key_1",
            "KEY_00000000000000000000000000000000",
            "key_0000000000000000000000000000000",
            "key_000000000000000000000000000000000",
            "key_+0000000000000000000000000000000",
            "key_g0000000000000000000000000000000",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
