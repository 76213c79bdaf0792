//! The public keys that verify tokens: from PEM, or from a JWKS (RFC 7517).
//!
//! Only RSA keys of 2048 to 8192 bits. A set that holds anything private is refused whole: it should
//! not be where it is.

use crate::limits::{TOKEN_KEY_BITS, TOKEN_KEYS_MAX};
use aws_lc_rs::rsa::PublicKey;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fmt;

/// Keys, each found by its `kid`.
pub struct KeySet {
    keys: Vec<Key>,
}

/// A text that gives no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Neither PEM of one public key nor a JWKS.
    Form,
    /// A private or a shared key.
    Private,
    /// Nothing in it is an RSA key for RS256.
    None,
    /// More than [`TOKEN_KEYS_MAX`].
    TooMany,
    /// Several keys, and one of them without a `kid`, or with another's.
    KeyIds,
    /// A key of a size that is not allowed.
    Size,
    /// A key that is none.
    Key,
}

struct Key {
    id: Option<String>,
    parsed: ParsedPublicKey,
}

/// A JWKS (RFC 7517, section 5); members that nobody knows are passed over.
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// A private exponent.
    d: Option<IgnoredAny>,
    /// A shared key.
    k: Option<IgnoredAny>,
}

// === impl KeySet ===

impl KeySet {
    /// Reads PEM of one public key, or a JWKS.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn read(text: &str) -> Result<Self, KeySetError> {
        if text.trim_start().starts_with('{') {
            return Self::of_jwks(text);
        }
        Ok(Self {
            keys: vec![Key {
                id: None,
                parsed: parse(&pem(text)?)?,
            }],
        })
    }

    /// The key that a token names. The key of a PEM has no name and serves for any; a token without a
    /// name is served by the only key there is.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&ParsedPublicKey> {
        let found = match (&self.keys[..], id) {
            ([only], None) => only,
            ([only], Some(_)) if only.id.is_none() => only,
            (keys, Some(id)) => keys.iter().find(|key| key.id.as_deref() == Some(id))?,
            _ => return None,
        };
        Some(&found.parsed)
    }

    fn of_jwks(text: &str) -> Result<Self, KeySetError> {
        let set: Jwks = serde_json::from_str(text).map_err(|_| KeySetError::Form)?;
        if set
            .keys
            .iter()
            .any(|key| key.d.is_some() || key.k.is_some())
        {
            return Err(KeySetError::Private);
        }
        let fits = |value: &Option<String>, wanted: &str| {
            value.as_deref().is_none_or(|value| value == wanted)
        };
        // What has another use is none of ours (RFC 7517, section 5).
        let ours = set
            .keys
            .into_iter()
            .filter(|key| key.kty == "RSA" && fits(&key.usage, "sig") && fits(&key.alg, "RS256"));
        let mut keys: Vec<Key> = Vec::new();
        for key in ours {
            if keys.len() == TOKEN_KEYS_MAX {
                return Err(KeySetError::TooMany);
            }
            let parsed = parse(&of_components(&key)?)?;
            keys.push(Key {
                id: key.kid,
                parsed,
            });
        }
        if keys.is_empty() {
            return Err(KeySetError::None);
        }
        let named = keys
            .iter()
            .enumerate()
            .all(|(at, key)| key.id.is_some() && keys[..at].iter().all(|other| other.id != key.id));
        if keys.len() > 1 && !named {
            return Err(KeySetError::KeyIds);
        }
        Ok(Self { keys })
    }
}

// === impl KeySetError ===

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "the text is neither PEM of one public key nor a JWKS",
            Self::Private => "the text holds a private key, which does not belong here",
            Self::None => "the set has no RSA key for RS256",
            Self::TooMany => "the set has too many keys",
            Self::KeyIds => "the set has several keys, and not each has a kid of its own",
            Self::Size => "an RSA key has fewer than 2048 or more than 8192 bits",
            Self::Key => "a key is no RSA public key",
        })
    }
}

impl std::error::Error for KeySetError {}

/// The bytes of the one public key of a PEM text (RFC 7468).
fn pem(text: &str) -> Result<Vec<u8>, KeySetError> {
    if text.contains("PRIVATE KEY-----") {
        return Err(KeySetError::Private);
    }
    let inner = ["PUBLIC KEY", "RSA PUBLIC KEY"]
        .into_iter()
        .find_map(|kind| {
            let body = text
                .trim()
                .strip_prefix(&format!("-----BEGIN {kind}-----"))?;
            body.strip_suffix(&format!("-----END {kind}-----"))
        });
    let inner = inner.ok_or(KeySetError::Form)?;
    let digits: String = inner.split_ascii_whitespace().collect();
    STANDARD.decode(digits).map_err(|_| KeySetError::Form)
}

/// A key of a JWKS as DER.
fn of_components(key: &Jwk) -> Result<Vec<u8>, KeySetError> {
    let number = |text: &Option<String>| {
        let text = text.as_deref().ok_or(KeySetError::Key)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeySetError::Key)?;
        // Some writers put a sign byte first, which RFC 7518, section 6.3.1.1, warns of.
        let start = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(bytes[start..].to_vec())
    };
    let components = RsaPublicKeyComponents {
        n: number(&key.n)?,
        e: number(&key.e)?,
    };
    let parsed = components
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| KeySetError::Key)?;
    Ok(parsed.as_ref().to_vec())
}

/// A key out of DER, its numbers and its size judged.
fn parse(der: &[u8]) -> Result<ParsedPublicKey, KeySetError> {
    let key = PublicKey::from_der(der).map_err(|_| KeySetError::Key)?;
    let bits = RsaParameters::public_modulus_len(key.as_ref()).map_err(|_| KeySetError::Key)?;
    if !TOKEN_KEY_BITS.contains(&bits) {
        return Err(KeySetError::Size);
    }
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_ref()).map_err(|_| KeySetError::Key)
}
