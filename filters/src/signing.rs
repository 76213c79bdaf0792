//! Request signatures: what is signed, with what, and how it is written (contract, section 3).
//!
//! Two schemes, both HMAC-SHA256 (RFC 2104) under the key's secret, in lower-case hex:
//!
//! | scheme | label | signed bytes |
//! |---|---|---|
//! | `v1` | `v1=` | `v1`, timestamp, nonce, METHOD, raw path, raw query, hex SHA-256 of the body, joined by line feeds |
//! | `body-timestamp` | `sha256=` | the raw body, then the text of the timestamp |
//!
//! The proxy, `tidegate sign` and the samples all follow `tests/vectors/signatures.json`.
//!
//! It stops at bytes: which key, which clock and which requests are the filter's
//! ([`crate::builtin`]); what was accepted before is [`crate::replay`]'s.

mod form;
mod mac;
#[cfg(test)]
mod tests;

pub use form::{
    FormError, Presented, parse_nonce, parse_signatures, parse_timestamp, timestamp_text,
};
pub(crate) use mac::v1_text;
pub use mac::{Verified, Verifier, header_value, mac, sha256_hex, string_to_sign};

use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, CoreProxy};
use hmac::{Hmac, KeyInit};
use serde::Deserialize;
use sha2::Sha256;

/// The 32 bytes of an HMAC-SHA256.
pub type Mac = [u8; 32];

/// A signing secret, ready for use. Neither shown nor compared; its state is overwritten when it
/// goes (the `zeroize` feature of `hmac` and `sha2`).
///
/// Kept is the state behind the key's block, without the buffer that an [`Hmac`] carries for the text
/// to come: 80 bytes in place of 144, in every key's record.
#[derive(Clone)]
pub struct Secret {
    state: HmacCore<Sha256>,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum Scheme {
    /// Method, path, query, time, nonce and body: what we recommend.
    #[serde(rename = "v1")]
    V1,
    /// Body and time, as FR-001 asks; it binds neither method nor path.
    #[serde(rename = "body-timestamp")]
    BodyTimestamp,
}

/// What a signature of scheme `v1` covers beside the body. Bytes as they were sent, never decoded,
/// re-encoded or sorted.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The raw path: the target up to its first `?`.
    pub path: &'a [u8],
    /// The raw query without its `?`; empty when there is none.
    pub query: &'a [u8],
    /// The text of `X-Timestamp`.
    pub timestamp: &'a str,
    /// The text of `X-Nonce`; empty when there is none.
    pub nonce: &'a str,
}

// === impl Secret ===

impl Secret {
    /// Prepares a secret.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            state: HmacCore::new_from_slice(bytes).expect("HMAC takes a key of any length"),
        }
    }

    /// A copy of the prepared state: saves the two compressions that the key costs.
    #[must_use]
    pub fn state(&self) -> Hmac<Sha256> {
        Hmac::compose(self.state.clone(), Buffer::<HmacCore<Sha256>>::default())
    }
}

// === impl Scheme ===

impl Scheme {
    /// Every scheme, the recommended one first.
    pub const ALL: [Self; 2] = [Self::V1, Self::BodyTimestamp];

    /// The scheme's name in YAML and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::BodyTimestamp => "body-timestamp",
        }
    }

    /// What stands before `=` in `X-API-Signature`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::BodyTimestamp => "sha256",
        }
    }

    /// The scheme of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether a signature holds for one method and one target only.
    #[must_use]
    pub const fn binds_target(self) -> bool {
        matches!(self, Self::V1)
    }
}
