//! The form of a key: `ak_live_` or `ak_test_`, 30 characters of base62, then the CRC-32 of all that
//! precedes in 6 characters of base62 (contract, section 2).

use super::KeyHash;
use sha2::block_api::compress256;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_LENGTH: usize = 8;
const RANDOM_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const LENGTH: usize = PREFIX_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH;

const SHA256_BLOCK_LENGTH: usize = 64;

/// FIPS 180-4, section 5.3.3.
const SHA256_BEGIN: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

const _: () = assert!(LENGTH < SHA256_BLOCK_LENGTH - size_of::<u64>());

/// Live or sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Environment {
    /// `ak_live_…`
    Live,
    /// `ak_test_…`
    Test,
}

/// A well-formed key, borrowed. It implements neither `Debug` nor `Display`.
#[derive(Clone, Copy)]
pub struct KeyText<'a> {
    text: &'a [u8; LENGTH],
    environment: Environment,
}

/// Why some text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Neither prefix.
    Prefix,
    /// Too short or too long.
    Length,
    /// A character outside base62.
    Alphabet,
    /// The check characters do not fit.
    Checksum,
}

// === impl Environment ===

impl Environment {
    /// `live` or `test`, as `X-Consumer-Env` says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// `ak_live_` or `ak_test_`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "ak_live_",
            Self::Test => "ak_test_",
        }
    }
}

// === impl KeyText ===

impl<'a> KeyText<'a> {
    /// Reads a key and proves its checksum, before any look-up.
    ///
    /// # Errors
    /// [`KeyError`], which tells nothing that the sender does not know.
    pub fn parse(text: &'a [u8]) -> Result<Self, KeyError> {
        let environment = if text.starts_with(b"ak_live_") {
            Environment::Live
        } else if text.starts_with(b"ak_test_") {
            Environment::Test
        } else {
            return Err(KeyError::Prefix);
        };
        let text: &[u8; LENGTH] = text.try_into().map_err(|_| KeyError::Length)?;
        if !text[PREFIX_LENGTH..].iter().all(u8::is_ascii_alphanumeric) {
            return Err(KeyError::Alphabet);
        }
        let (body, check) = text.split_at(LENGTH - CHECKSUM_LENGTH);
        if checksum(body) != check {
            return Err(KeyError::Checksum);
        }
        Ok(Self { text, environment })
    }

    /// SHA-256 of the whole key: what is stored and looked up.
    ///
    /// A key fills one block together with its padding (FIPS 180-4, section 5.1.1), so this is one
    /// compression. [`sha2::Sha256`], made for text of any length in pieces, takes half as long again.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        let mut block = [0; SHA256_BLOCK_LENGTH];
        block[..LENGTH].copy_from_slice(self.text);
        block[LENGTH] = 0x80;
        let bits = (8 * LENGTH as u64).to_be_bytes();
        block[SHA256_BLOCK_LENGTH - bits.len()..].copy_from_slice(&bits);
        let mut state = SHA256_BEGIN;
        compress256(&mut state, &[block]);
        let mut hash = [0; 32];
        for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        hash
    }

    /// Live or sandbox.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }
}

/// The six check characters of what precedes them.
#[must_use]
pub fn checksum(body: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(body);
    let mut out = [b'0'; CHECKSUM_LENGTH];
    for place in out.iter_mut().rev() {
        *place = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn key(prefix: &str) -> Vec<u8> {
        let mut text = format!("{prefix}{}", "aZ09".repeat(8)).into_bytes();
        text.truncate(LENGTH - CHECKSUM_LENGTH);
        let check = checksum(&text);
        text.extend_from_slice(&check);
        text
    }

    #[test]
    fn a_key_is_read_and_its_damage_is_named() {
        let good = key("ak_live_");
        assert!(KeyText::parse(&good).is_ok());
        assert_eq!(
            KeyText::parse(&key("ak_test_")).map(|k| k.environment()),
            Ok(Environment::Test)
        );
        let mut flipped = good.clone();
        flipped[20] = if flipped[20] == b'x' { b'y' } else { b'x' };
        let mut odd = good.clone();
        odd[20] = b'-';
        let mut long = good.clone();
        long.push(b'0');
        let upper = good.to_ascii_uppercase();
        for (text, error) in [
            (&flipped[..], KeyError::Checksum),
            (&odd[..], KeyError::Alphabet),
            (&long[..], KeyError::Length),
            (&good[..LENGTH - 1], KeyError::Length),
            (&upper[..], KeyError::Prefix),
            (b"", KeyError::Prefix),
            (b"ak_live_", KeyError::Length),
        ] {
            assert_eq!(KeyText::parse(text).err(), Some(error));
        }
    }

    #[test]
    fn the_hash_is_sha_256_of_the_text() {
        for prefix in ["ak_live_", "ak_test_"] {
            let text = key(prefix);
            let expected: KeyHash = Sha256::digest(&text).into();
            assert_eq!(KeyText::parse(&text).map(|key| key.hash()), Ok(expected));
        }
    }

    #[test]
    fn every_single_changed_character_breaks_the_checksum() {
        let good = key("ak_live_");
        for at in PREFIX_LENGTH..LENGTH {
            for &other in BASE62 {
                let mut changed = good.clone();
                changed[at] = other;
                assert_eq!(KeyText::parse(&changed).is_ok(), changed == good);
            }
        }
    }
}
