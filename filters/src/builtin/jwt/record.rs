//! What a verified token says, in the form in which the house knows callers.

use crate::key::{Environment, Extras, KeyRecord, Usage};
use crate::token::Claims;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Makes records out of the claims of one issuer's tokens.
pub(super) struct Records {
    /// Over everything that the numbers of this issuer's callers have in common.
    numbering: Sha256,
    /// The tier of tokens that name none.
    tier: Arc<str>,
}

// === impl Records ===

impl Records {
    pub(super) fn new(issuer: &str, tier: &str) -> Self {
        let mut numbering = Sha256::new();
        numbering.update(b"tidegate token caller\0");
        numbering.update((issuer.len() as u64).to_be_bytes());
        numbering.update(issuer);
        Self {
            numbering,
            tier: tier.into(),
        }
    }

    pub(super) fn of(&self, claims: &Claims<'_>) -> KeyRecord {
        // Somebody could register a client under the name of a subject (RFC 9068, section 5).
        let (kind, name) = match &claims.client {
            Some(client) => ("client:", client),
            None => ("subject:", &claims.subject),
        };
        KeyRecord {
            credential: None,
            number: self.number(kind, name),
            consumer: (*claims.subject).into(),
            environment: Environment::Live,
            tier: match &claims.tier {
                Some(tier) => (**tier).into(),
                None => Arc::clone(&self.tier),
            },
            scopes: claims.scopes().into(),
            rare: Extras {
                id: Some(format!("{kind}{name}").into()),
                ..Extras::default()
            }
            .into(),
            expires_s: Some(claims.lifetime.until_s),
            revoked: false,
            version: 0,
            usage: Arc::new(Usage::default()),
        }
    }

    /// The owner of buckets: the same after a restart and under other keys.
    fn number(&self, kind: &str, name: &str) -> u128 {
        let mut hash = self.numbering.clone();
        hash.update(kind);
        hash.update(name);
        let hash: [u8; 32] = hash.finalize().into();
        let (number, _) = hash.split_first_chunk().expect("32 bytes begin with 16");
        u128::from_be_bytes(*number)
    }
}
