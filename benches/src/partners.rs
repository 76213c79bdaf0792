//! The partners that call in a measurement: known to the generator, which signs, and to the edge,
//! which verifies, by their number alone.

use filters::key::{Environment, KeyRecord};
use filters::signing::{Scheme, Secret, Signed, header_value, mac};
use filters::testing::{key_record, key_text};

/// The tier of every partner.
pub const TIER: &str = "enterprise";

/// Partners that call in turn. Each has room of its own in the replay memory.
pub const PARTNERS: u32 = 64;

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
            secret: Secret::new(format!("sk_{number}").as_bytes()),
            number,
        }
    }

    /// All partners.
    #[must_use]
    pub fn all() -> Vec<Self> {
        (0..PARTNERS).map(Self::new).collect()
    }

    /// What the edge knows of this partner.
    #[must_use]
    pub fn record(&self) -> KeyRecord {
        let mut record = key_record(&self.key, self.number);
        record.tier = TIER.into();
        record
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
}
