//! The partners that call in a measurement: known to the generator, which signs, and to the edge,
//! which verifies, by their number alone.

use filters::key::{Environment, KeyRecord};
use filters::signing::{Scheme, Secret, Signed, header_value, mac};
use filters::testing::{key_record, key_text};
use hmac::Mac as _;
use std::fmt::Write as _;

/// The tier of every partner.
pub const TIER: &str = "enterprise";

/// Partners that call in turn. Each has room of its own in the replay memory.
pub const PARTNERS: u32 = 64;

/// The tier whose bucket is empty after one request.
pub const EXHAUSTED_TIER: &str = "exhausted";

/// Partners whose bucket is empty.
pub const EXHAUSTED: u32 = 4;

/// The number of the first of them.
const EXHAUSTED_FIRST: u32 = 3_000_000_000;

/// The number of the first key that nobody knows.
const UNKNOWN_FIRST: u32 = 4_000_000_000;

/// One partner: a live key and its secret.
pub struct Partner {
    /// The key, as `X-API-Key` carries it.
    pub key: String,
    secret: Secret,
    number: u32,
}

/// What a partner signs.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// The method.
    pub method: &'a str,
    /// The path; no query.
    pub path: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// Unix seconds, ten digits.
    pub timestamp: &'a str,
    /// The nonce; empty for none.
    pub nonce: &'a str,
    /// The scheme.
    pub scheme: Scheme,
}

// === impl Partner ===

impl Partner {
    /// The partner of this number.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self {
            key: key_text(Environment::Live, number),
            secret: Secret::new(&secret_bytes(number)),
            number,
        }
    }

    /// All partners.
    #[must_use]
    pub fn all() -> Vec<Self> {
        (0..PARTNERS).map(Self::new).collect()
    }

    /// Those whose bucket is empty.
    #[must_use]
    pub fn exhausted() -> Vec<Self> {
        (0..EXHAUSTED)
            .map(|n| Self::new(EXHAUSTED_FIRST + n))
            .collect()
    }

    /// Those of whom nobody knows.
    #[must_use]
    pub fn unknown() -> Vec<Self> {
        (0..PARTNERS)
            .map(|n| Self::new(UNKNOWN_FIRST + n))
            .collect()
    }

    /// The partner's tier.
    #[must_use]
    pub const fn tier(&self) -> &'static str {
        if self.number < EXHAUSTED_FIRST {
            TIER
        } else {
            EXHAUSTED_TIER
        }
    }

    /// The bytes of the secret, for the peers' files.
    #[must_use]
    pub fn secret_bytes(&self) -> Vec<u8> {
        secret_bytes(self.number)
    }

    /// What the edge knows of this partner.
    #[must_use]
    pub fn record(&self) -> KeyRecord {
        let mut record = key_record(&self.key, self.number);
        record.tier = self.tier().into();
        record
    }

    /// The value of `X-Signature` as the peers verify it: HMAC-SHA-256 in hex over the timestamp, a
    /// full stop, and the body. They know no scheme of ours.
    #[must_use]
    pub fn sign_for_peers(&self, timestamp: &str, body: &[u8]) -> String {
        let mut mac = self.secret.state();
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        let mut hex = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// The value of `X-API-Signature`.
    #[must_use]
    pub fn sign(&self, draft: &Draft<'_>) -> String {
        let signed = Signed {
            method: draft.method,
            path: draft.path.as_bytes(),
            query: b"",
            timestamp: draft.timestamp,
            nonce: draft.nonce,
        };
        let proof = mac(draft.scheme, &self.secret, &signed, draft.body);
        header_value(draft.scheme, &proof)
    }
}

/// As `filters::testing` makes them.
fn secret_bytes(number: u32) -> Vec<u8> {
    format!("sk_{number}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_knows_the_key_that_a_partner_shows_and_the_secret_that_it_signs_with() {
        let partner = Partner::new(7);
        let record = partner.record();
        assert_eq!(&*record.tier, TIER);
        let draft = |body| Draft {
            method: "POST",
            path: "/a",
            body,
            timestamp: "1767225600",
            nonce: "12345678",
            scheme: Scheme::V1,
        };
        let signed = Signed {
            method: "POST",
            path: b"/a",
            query: b"",
            timestamp: "1767225600",
            nonce: "12345678",
        };
        let known = record.secrets(0).next().unwrap();
        let expected = header_value(Scheme::V1, &mac(Scheme::V1, known, &signed, b"x"));
        assert_eq!(partner.sign(&draft(b"x")), expected);
        assert_ne!(partner.sign(&draft(b"y")), expected);
    }

    #[test]
    fn peers_verify_the_body_behind_its_time() {
        let partner = Partner::new(0);
        let found = partner.sign_for_peers("1767225600", b"x");
        assert_eq!(found.len(), 64);
        assert_ne!(found, partner.sign_for_peers("1767225601", b"x"));
        assert_ne!(found, partner.sign_for_peers("1767225600", b"y"));
        assert!(found.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn only_the_exhausted_have_an_empty_bucket_and_no_key_is_in_two_lists() {
        assert!(Partner::all().iter().all(|one| one.tier() == TIER));
        let exhausted = Partner::exhausted();
        assert!(exhausted.iter().all(|one| one.tier() == EXHAUSTED_TIER));
        let lists = [Partner::all(), exhausted, Partner::unknown()];
        let keys: Vec<&str> = lists.iter().flatten().map(|one| one.key.as_str()).collect();
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }
}
