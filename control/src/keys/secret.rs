//! What is shown once: key strings, signing secrets, and how they are made (contract, section 2).
//!
//! Nothing here implements `Debug` or `Display`; whoever wants to print one says
//! [`SecretText::reveal`], where a reader can find it. Memory is wiped when a text goes.

use super::error::Error;
use filters::key::{Environment, KeyHash, checksum};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_RANDOM: usize = 30;
const SECRET_RANDOM: usize = 43;
const SECRET_PREFIX: &str = "sk_";

/// Text that is secret.
pub struct SecretText(Zeroizing<String>);

/// A key as it was issued: shown once, and nowhere to be had again.
pub struct Issued {
    /// The key's id, `key_…`.
    pub id: String,
    /// The key string, `ak_live_…` or `ak_test_…`.
    pub key: SecretText,
    /// The signing secret, `sk_…`.
    pub secret: SecretText,
}

/// A key string and its secret, just made.
pub(super) struct Fresh {
    pub(super) key: SecretText,
    pub(super) secret: SecretText,
}

// === impl SecretText ===

impl SecretText {
    /// The text itself. Write it to its owner and to nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn collect(characters: impl Iterator<Item = char>) -> Self {
        // Room enough from the start: a text that grows leaves its old memory unwiped.
        let mut text = Zeroizing::new(String::with_capacity(128));
        text.extend(characters);
        Self(text)
    }
}

// === impl Fresh ===

impl Fresh {
    pub(super) fn make(environment: Environment) -> Result<Self, Error> {
        let mut key = base62(environment.prefix(), KEY_RANDOM)?;
        let check = checksum(key.as_bytes());
        key.extend(check.iter().copied().map(char::from));
        Ok(Self {
            key: SecretText(key),
            secret: SecretText(base62(SECRET_PREFIX, SECRET_RANDOM)?),
        })
    }

    pub(super) fn hash(&self) -> KeyHash {
        Sha256::digest(self.key.reveal()).into()
    }

    /// The four last characters: all that people see of a key later, beside its prefix.
    pub(super) fn last_four(&self) -> &str {
        let text = self.key.reveal();
        &text[text.len() - 4..]
    }
}

/// `prefix` and `length` characters of base62, each equally likely.
fn base62(prefix: &str, length: usize) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str(prefix);
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < prefix.len() + length {
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::Randomness)?;
        let wanted = prefix.len() + length - text.len();
        // 248 is 4 × 62: what lies above it would make the first characters likelier.
        let fair = bytes.iter().filter(|byte| **byte < 248).take(wanted);
        text.extend(fair.map(|byte| char::from(BASE62[usize::from(byte % 62)])));
        bytes.zeroize();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use filters::key::KeyText;

    #[test]
    fn keys_and_secrets_have_their_form_and_are_new() {
        for environment in [Environment::Live, Environment::Test] {
            let (one, two) = (
                Fresh::make(environment).unwrap(),
                Fresh::make(environment).unwrap(),
            );
            let text = KeyText::parse(one.key.reveal().as_bytes())
                .map_err(|_| ())
                .unwrap();
            assert_eq!(text.environment(), environment);
            assert!(text.hash() == one.hash());
            assert_eq!(one.key.reveal().len(), 8 + 30 + 6);
            let random = one.secret.reveal().strip_prefix("sk_").unwrap();
            assert_eq!(random.len(), 43);
            assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert!(one.key.reveal() != two.key.reveal());
            assert!(one.secret.reveal() != two.secret.reveal());
            assert!(one.key.reveal().ends_with(one.last_four()));
        }
    }

    #[test]
    fn every_character_is_about_as_likely() {
        let text = base62("", 62 * 500).unwrap();
        for character in BASE62 {
            let count = text.bytes().filter(|byte| byte == character).count();
            // Seven standard deviations around 500: a biased draw of bytes modulo 62 gives the first
            // eight characters 600.
            assert!((345..=655).contains(&count), "{count}");
        }
        let first: usize = text
            .bytes()
            .filter(|byte| BASE62[..8].contains(byte))
            .count();
        assert!((3_600..=4_400).contains(&first), "{first}");
    }
}
