//! Master keys, and the sealing of signing secrets under them (contract, section 2).
//!
//! A signing secret must be usable by the verifier, so it cannot be a hash. At rest it is sealed
//! with AES-256-GCM under a fresh random nonce. The associated data are the form's version, the
//! master key's id, the API key's number and the hash of its key string: a sealed secret that is
//! moved to another row opens nowhere.
//!
//! ```text
//! sealed = nonce (12) ‖ ciphertext ‖ tag (16)
//! data   = "tidegate secret 1" ‖ master key id (8) ‖ key number (16) ‖ credential hash (32)
//! ```
//!
//! Several master keys may be present: the first one seals, every one opens. To rotate, put the new
//! one in front, run [`super::Keys::reseal`], then take the old one away.

use super::limits::MASTER_KEYS_MAX;
use super::secret::SecretText;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use filters::key::KeyHash;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const FORM: &[u8] = b"tidegate secret 1";
const KEY_LENGTH: usize = 32;

/// Names a master key without telling it: the first bytes of its SHA-256.
pub type MasterKeyId = [u8; 8];

/// The master keys; the first one seals, every one opens. It implements neither `Debug` nor
/// `Display`.
pub struct MasterKeys {
    keys: Vec<MasterKey>,
}

struct MasterKey {
    id: MasterKeyId,
    key: RandomizedNonceKey,
}

/// What a sealed secret belongs to.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The API key's number.
    pub number: u128,
    /// The credential's hash.
    pub hash: &'a KeyHash,
}

/// A sealed secret.
pub struct Sealed {
    /// The master key that opens it.
    pub master_key: MasterKeyId,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// Why a text holds no master keys. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// There is nothing.
    #[error("no master key is given")]
    Empty,
    /// One of them has the wrong form.
    #[error("master key {0} is not 32 bytes as 64 hexadecimal digits or as base64")]
    Form(usize),
    /// One of them is a single repeated byte.
    #[error("master key {0} is one byte repeated; make one with `openssl rand -hex 32`")]
    Weak(usize),
    /// One of them is there twice.
    #[error("master key {0} is given twice")]
    Twice(usize),
    /// There are too many.
    #[error("more than {MASTER_KEYS_MAX} master keys are given")]
    TooMany,
}

/// Why a sealed secret stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The master key is not among ours.
    #[error("it is sealed under a master key that is not given")]
    UnknownMasterKey,
    /// It was changed, or moved from another row.
    #[error("it does not open: it was changed, or belongs to another key")]
    Damaged,
}

// === impl MasterKeys ===

impl MasterKeys {
    /// Reads master keys from text: each 32 bytes as 64 hexadecimal digits or base64, separated by
    /// white space or commas. The first one seals.
    ///
    /// # Errors
    /// [`MasterKeyError`], with the place of the one that is wrong, counted from 1.
    pub fn from_text(text: &str) -> Result<Self, MasterKeyError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        let words = text.split(|c: char| c.is_ascii_whitespace() || c == ',');
        for (place, word) in words.filter(|word| !word.is_empty()).enumerate() {
            let place = place + 1;
            if place > MASTER_KEYS_MAX {
                return Err(MasterKeyError::TooMany);
            }
            let bytes = bytes_of(word).ok_or(MasterKeyError::Form(place))?;
            if bytes.iter().all(|byte| *byte == bytes[0]) {
                return Err(MasterKeyError::Weak(place));
            }
            let key = MasterKey::new(&bytes);
            if keys.iter().any(|other| other.id == key.id) {
                return Err(MasterKeyError::Twice(place));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(MasterKeyError::Empty);
        }
        Ok(Self { keys })
    }

    /// A new master key as text that [`Self::from_text`] reads: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`super::Error::Randomness`].
    pub fn generate() -> Result<SecretText, super::Error> {
        let mut bytes = Zeroizing::new([0_u8; KEY_LENGTH]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| super::Error::Randomness)?;
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Ok(SecretText::collect(digits.map(|digit| {
            char::from_digit(u32::from(digit), 16).expect("four bits are a digit")
        })))
    }

    /// The id of the one that seals.
    #[must_use]
    pub fn current(&self) -> MasterKeyId {
        self.keys[0].id
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// [`super::Error::Seal`], which is not known to happen.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Sealed, super::Error> {
        let master = &self.keys[0];
        let mut text = Zeroizing::new(Vec::with_capacity(secret.len() + 16));
        text.extend_from_slice(secret);
        let nonce = master
            .key
            .seal_in_place_append_tag(Aad::from(data(&master.id, place)), &mut *text)
            .map_err(|_| super::Error::Seal)?;
        let mut bytes = Vec::with_capacity(NONCE_LEN + text.len());
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&text);
        Ok(Sealed {
            master_key: master.id,
            bytes,
        })
    }

    /// Opens a secret at its place.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        &self,
        place: Place<'_>,
        master_key: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let master = self.keys.iter().find(|key| key.id == master_key);
        let master = master.ok_or(OpenError::UnknownMasterKey)?;
        let (nonce, rest) = sealed.split_first_chunk().ok_or(OpenError::Damaged)?;
        let nonce: &[u8; NONCE_LEN] = nonce;
        let mut text = Zeroizing::new(rest.to_vec());
        let length = master
            .key
            .open_in_place(
                Nonce::from(nonce),
                Aad::from(data(&master.id, place)),
                &mut text,
            )
            .map_err(|_| OpenError::Damaged)?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

impl MasterKey {
    fn new(bytes: &[u8; KEY_LENGTH]) -> Self {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let (id, _) = digest.split_first_chunk().expect("32 bytes begin with 8");
        Self {
            id: *id,
            key: RandomizedNonceKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes"),
        }
    }
}

fn data(id: &MasterKeyId, place: Place<'_>) -> [u8; FORM.len() + 8 + 16 + 32] {
    let mut out = [0; FORM.len() + 8 + 16 + 32];
    let parts: [&[u8]; 4] = [FORM, id, &place.number.to_be_bytes(), place.hash];
    let mut at = 0;
    for part in parts {
        out[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    out
}

fn bytes_of(word: &str) -> Option<Zeroizing<[u8; KEY_LENGTH]>> {
    let mut out = Zeroizing::new([0; KEY_LENGTH]);
    if word.len() == 2 * KEY_LENGTH {
        for (place, pair) in out.iter_mut().zip(word.as_bytes().chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *place = u8::try_from(high << 4 | low).expect("two digits are a byte");
        }
        return Some(out);
    }
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(word).ok())
        .map(Zeroizing::new)
        .filter(|bytes| bytes.len() == KEY_LENGTH)
        .map(|bytes| {
            out.copy_from_slice(&bytes);
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn master_keys_are_read_in_both_forms_and_refused_by_place() {
        let check = |text: &str| MasterKeys::from_text(text).map(|keys| keys.keys.len());
        let nine = (0..9)
            .map(|n| format!("{n}{}", &HEX[1..]))
            .collect::<Vec<_>>()
            .join(",");
        for (text, found) in [
            (HEX.to_owned(), Ok(1)),
            (HEX.to_uppercase(), Ok(1)),
            (BASE64.to_owned(), Ok(1)),
            (BASE64.trim_end_matches('=').to_owned(), Ok(1)),
            (format!(" {HEX}\n{OTHER},"), Ok(2)),
            (String::new(), Err(MasterKeyError::Empty)),
            (" ,\n".to_owned(), Err(MasterKeyError::Empty)),
            (HEX[1..].to_owned(), Err(MasterKeyError::Form(1))),
            (format!("{HEX}0"), Err(MasterKeyError::Form(1))),
            (
                format!("{OTHER} {}g", &HEX[1..]),
                Err(MasterKeyError::Form(2)),
            ),
            ("0".repeat(64), Err(MasterKeyError::Weak(1))),
            (format!("{HEX} {BASE64}"), Err(MasterKeyError::Twice(2))),
            (nine, Err(MasterKeyError::TooMany)),
        ] {
            assert_eq!(check(&text), found);
        }
    }

    #[test]
    fn a_generated_master_key_is_read_back_and_is_new() {
        let (one, two) = (
            MasterKeys::generate().unwrap(),
            MasterKeys::generate().unwrap(),
        );
        assert!(one.reveal() != two.reveal());
        assert!(MasterKeys::from_text(one.reveal()).is_ok());
    }

    #[test]
    fn a_secret_opens_only_at_its_place_and_under_its_master_key() {
        let (hash, other_hash) = ([7; 32], [8; 32]);
        let place = Place {
            number: 1,
            hash: &hash,
        };
        let old = MasterKeys::from_text(HEX).unwrap();
        let both = MasterKeys::from_text(&format!("{OTHER} {HEX}")).unwrap();
        let new = MasterKeys::from_text(OTHER).unwrap();
        let sealed = old.seal(place, b"sk_secret").unwrap();
        let again = old.seal(place, b"sk_secret").unwrap();
        assert_ne!(sealed.bytes, again.bytes, "the nonce is fresh");

        let open = |keys: &MasterKeys, place, bytes: &[u8]| {
            keys.open(place, &sealed.master_key, bytes)
                .map(|text| text.to_vec())
        };
        assert_eq!(open(&old, place, &sealed.bytes).unwrap(), b"sk_secret");
        assert_eq!(open(&both, place, &sealed.bytes).unwrap(), b"sk_secret");
        let unknown = Err(OpenError::UnknownMasterKey);
        assert_eq!(open(&new, place, &sealed.bytes), unknown);

        let moved = [
            Place { number: 2, ..place },
            Place {
                hash: &other_hash,
                ..place
            },
        ];
        for place in moved {
            assert_eq!(open(&old, place, &sealed.bytes), Err(OpenError::Damaged));
        }
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            assert_eq!(
                open(&old, place, &bytes),
                Err(OpenError::Damaged),
                "byte {at}"
            );
        }
        for length in 0..sealed.bytes.len() {
            let cut = &sealed.bytes[..length];
            assert_eq!(open(&old, place, cut), Err(OpenError::Damaged));
        }
        // The right bytes under a wrong name: the id is part of what is proved.
        let renamed = both.open(place, &both.current(), &sealed.bytes);
        assert_eq!(renamed.map(|_| ()), Err(OpenError::Damaged));
    }
}
