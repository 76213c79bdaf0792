//! API keys: their form, and what is known of one (contract, section 2).

mod extras;
mod form;
mod id;
mod usage;

pub use extras::{Extras, Rare};
pub use form::{Environment, KeyError, KeyText, checksum};
pub use id::KeyId;
pub use usage::{Usage, Used};

use crate::signing::Secret;
use std::net::IpAddr;
use std::sync::Arc;

/// SHA-256 of a whole key: what is stored and looked up.
pub type KeyHash = [u8; 32];

/// What the data plane knows of one key, or of one token's holder. Replaced whole when the key
/// changes; the usage counters are handed on.
///
/// There may be a million of them, so what few keys have stands apart in [`Rare`], and the size is
/// asserted below. The order is ours (`repr(C)`): what finding a key reads (its hash, and the count of
/// references in front of the record) shares the first 64 bytes, a line of the processor's cache.
#[repr(C)]
pub struct KeyRecord {
    /// The key string and secret that count now; `None`: it is no key's record.
    pub credential: Option<Credential>,
    /// The key's number: the owner of buckets and of replay memory.
    pub number: u128,
    /// The tier's name in the policy file.
    pub tier: Arc<str>,
    /// When the key ends, Unix seconds.
    pub expires_s: Option<u64>,
    /// Counted on the request path, written to the database behind it.
    pub usage: Arc<Usage>,
    /// What few keys have.
    pub rare: Rare,
    /// The partner that the key belongs to, sent upstream as `X-Consumer-Id`.
    pub consumer: Arc<str>,
    /// Scopes, separated by single spaces.
    pub scopes: Arc<str>,
    /// Grows with every change of the record.
    pub version: i64,
    /// Live or sandbox.
    pub environment: Environment,
    /// Whether the key was revoked.
    pub revoked: bool,
}

/// With the two counts of its `Arc` a record takes 256 bytes, which allocators hand out without waste.
const _: () = assert!(size_of::<KeyRecord>() <= 256 - 2 * size_of::<usize>());

/// One key string and its secret.
#[repr(C)]
pub struct Credential {
    /// SHA-256 of the key.
    pub hash: KeyHash,
    /// When a rotation's overlap ends for this one, Unix seconds; `None`: with the key.
    pub until_s: Option<u64>,
    /// The signing secret, ready for use.
    pub secret: Secret,
}

/// How a key stands at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Good.
    Good,
    /// Past its end.
    Expired,
    /// Revoked.
    Revoked,
}

// === impl KeyRecord ===

impl KeyRecord {
    /// The id that logs know the key by: `key_…`, or a name of its own.
    #[must_use]
    pub fn id(&self) -> KeyId<'_> {
        match &self.rare.id {
            Some(name) => KeyId::named(name),
            None => KeyId::of(self.number),
        }
    }

    /// The key strings and secrets of the key, at most [`crate::limits::CREDENTIALS_MAX`]: the current
    /// one first, then those in a rotation's overlap.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.credential.iter().chain(&self.rare.former)
    }

    /// The credential of this key string, if it is one of the key's.
    #[must_use]
    pub fn credential_of(&self, hash: &KeyHash) -> Option<&Credential> {
        self.credentials()
            .find(|credential| credential.hash == *hash)
    }

    /// How the key stands.
    #[must_use]
    pub fn standing(&self, unix_s: u64) -> Standing {
        if self.revoked {
            Standing::Revoked
        } else if self.expires_s.is_some_and(|end| unix_s >= end) {
            Standing::Expired
        } else {
            Standing::Good
        }
    }

    /// Whether the key may be used from this address.
    #[must_use]
    pub fn admits(&self, client: IpAddr) -> bool {
        let networks = &self.rare.networks;
        networks.is_empty() || networks.iter().any(|net| net.contains(client))
    }

    /// The secrets that count at this instant; every one of them verifies during an overlap.
    pub fn secrets(&self, unix_s: u64) -> impl Iterator<Item = &Secret> {
        self.credentials()
            .filter(move |credential| credential.counts(unix_s))
            .map(|credential| &credential.secret)
    }
}

// === impl Credential ===

impl Credential {
    /// Whether it counts at this instant: after a rotation's overlap the old one does not.
    #[must_use]
    pub fn counts(&self, unix_s: u64) -> bool {
        self.until_s.is_none_or(|end| unix_s < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_can_be_formatted() {
        // Compiles only while the type implements neither: two implementations would be ambiguous.
        trait Unformatted<Marker> {
            fn holds() {}
        }
        struct Debugged;
        struct Displayed;
        impl<T: ?Sized> Unformatted<()> for T {}
        impl<T: ?Sized + std::fmt::Debug> Unformatted<Debugged> for T {}
        impl<T: ?Sized + std::fmt::Display> Unformatted<Displayed> for T {}
        <KeyText<'_> as Unformatted<_>>::holds();
        <Secret as Unformatted<_>>::holds();
        <Credential as Unformatted<_>>::holds();
        <Rare as Unformatted<_>>::holds();
        <Extras as Unformatted<_>>::holds();
        <KeyRecord as Unformatted<_>>::holds();
    }

    #[test]
    fn every_key_string_of_a_record_is_known_and_counts_until_its_end() {
        let credential = |byte, until_s| Credential {
            hash: [byte; 32],
            until_s,
            secret: Secret::new(&[byte]),
        };
        let text = crate::testing::key_text(Environment::Live, 1);
        let mut record = crate::testing::key_record(&text, 1);
        record.credential = Some(credential(3, None));
        record.rare.former = vec![credential(2, Some(20)), credential(1, Some(10))];
        let order: Vec<u8> = record.credentials().map(|one| one.hash[0]).collect();
        assert_eq!(order, [3, 2, 1]);
        for (byte, unix_s, counts) in [
            (3, u64::MAX, Some(true)),
            (2, 19, Some(true)),
            (2, 20, Some(false)),
            (1, 9, Some(true)),
            (1, 10, Some(false)),
            (4, 0, None),
        ] {
            let found = record.credential_of(&[byte; 32]);
            assert_eq!(found.map(|one| one.counts(unix_s)), counts, "{byte}");
        }
        for (unix_s, secrets) in [(9, 3), (10, 2), (19, 2), (20, 1)] {
            assert_eq!(record.secrets(unix_s).count(), secrets, "{unix_s}");
        }
    }
}
