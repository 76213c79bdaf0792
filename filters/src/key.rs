//! API keys: their form, and what is known of one (contract, section 2).

mod form;

pub use form::{Environment, KeyError, KeyText, checksum};

use crate::signing::Secret;
use crate::units::{Network, Rate};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// SHA-256 of a whole key: what is stored and looked up.
pub type KeyHash = [u8; 32];

/// What the data plane knows of one key. Replaced whole when the key changes; the usage counters
/// are handed on.
pub struct KeyRecord {
    /// The key's id, `key_…`: what logs, metrics of the control plane and buckets know it by.
    pub id: Arc<str>,
    /// The id as a number: the owner of buckets and of replay memory.
    pub number: u128,
    /// The partner that the key belongs to, sent upstream as `X-Consumer-Id`.
    pub consumer: Arc<str>,
    /// The key's name, for people.
    pub name: Arc<str>,
    /// Live or sandbox.
    pub environment: Environment,
    /// The tier's name in the policy file.
    pub tier: Arc<str>,
    /// Scopes, separated by single spaces.
    pub scopes: Arc<str>,
    /// Roles.
    pub roles: Vec<String>,
    /// Attributes, for authorization.
    pub attributes: BTreeMap<String, String>,
    /// Addresses that the key may be used from; empty: any.
    pub networks: Vec<Network>,
    /// Limits of its own, in place of the tier's: policy name and rate.
    pub limits: Option<Arc<[(String, Rate)]>>,
    /// When the key ends, Unix seconds.
    pub expires_s: Option<u64>,
    /// Whether the key was revoked.
    pub revoked: bool,
    /// The key strings and secrets that count, at most [`crate::limits::CREDENTIALS_MAX`]; the
    /// current one first.
    pub credentials: Vec<Credential>,
    /// Grows with every change of the record.
    pub version: i64,
    /// Counted on the request path, written to the database behind it.
    pub usage: Arc<Usage>,
}

/// One key string and its secret.
pub struct Credential {
    /// SHA-256 of the key.
    pub hash: KeyHash,
    /// The signing secret, ready for use.
    pub secret: Secret,
    /// When a rotation's overlap ends for this one, Unix seconds; `None`: with the key.
    pub until_s: Option<u64>,
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

/// What was counted since it was last taken.
#[derive(Default)]
pub struct Usage {
    /// Requests.
    requests: AtomicU64,
    /// Requests that were answered with an error of the caller or of ours, 400 and above.
    errors: AtomicU64,
    /// The last use, Unix seconds.
    last_s: AtomicU64,
}

/// What [`Usage::take`] hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Requests since the last taking.
    pub requests: u64,
    /// Those of them answered with 400 and above.
    pub errors: u64,
    /// The last use, Unix seconds.
    pub last_s: u64,
}

// === impl KeyRecord ===

impl KeyRecord {
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
        self.networks.is_empty() || self.networks.iter().any(|net| net.contains(client))
    }

    /// The secrets that count at this instant; every one of them verifies during an overlap.
    pub fn secrets(&self, unix_s: u64) -> impl Iterator<Item = &Secret> {
        self.credentials
            .iter()
            .filter(move |credential| credential.until_s.is_none_or(|end| unix_s < end))
            .map(|credential| &credential.secret)
    }
}

// === impl Usage ===

impl Usage {
    /// Counts one request.
    pub fn count(&self, unix_s: u64, error: bool) {
        self.requests.fetch_add(1, Relaxed);
        if error {
            self.errors.fetch_add(1, Relaxed);
        }
        self.last_s.fetch_max(unix_s, Relaxed);
    }

    /// Takes what was counted, if anything.
    #[must_use]
    pub fn take(&self) -> Option<Used> {
        let requests = self.requests.swap(0, Relaxed);
        let errors = self.errors.swap(0, Relaxed);
        let last_s = self.last_s.load(Relaxed);
        (requests > 0).then_some(Used {
            requests,
            errors,
            last_s,
        })
    }

    /// Puts back what could not be written.
    pub fn give_back(&self, used: Used) {
        self.requests.fetch_add(used.requests, Relaxed);
        self.errors.fetch_add(used.errors, Relaxed);
    }
}
