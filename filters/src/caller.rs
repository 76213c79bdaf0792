//! Who calls, and how far that is proved (architecture, section 6).
//!
//! ```text
//! Anonymous ──api_key──► Claimed ──signature──► Known(Principal)
//!         └──────────────────jwt──────────────► Known(Principal)
//! ```
//!
//! A [`Principal`] exists only where a [`Proof`] was given, and a proof can be made only by the
//! filters that prove: `api_key`, `signature` and `jwt`.

use crate::key::KeyRecord;
use std::sync::Arc;

/// The caller of one request.
#[derive(Clone, Default)]
pub enum Caller {
    /// Nobody said who they are.
    #[default]
    Anonymous,
    /// Somebody showed a key; whether it is theirs is not proved.
    Claimed(Claim),
    /// Proved.
    Known(Principal),
}

/// A key that was shown. `record` is empty when there is no such key: the signature filter then does
/// the same work and refuses, so that nobody learns by time which keys exist.
#[derive(Clone)]
pub struct Claim {
    /// The key's record, if the key exists.
    pub record: Option<Arc<KeyRecord>>,
}

/// A caller whose identity is proved.
#[derive(Clone)]
pub struct Principal {
    record: Arc<KeyRecord>,
}

/// The right to make a [`Principal`]: only the filters that prove can make one.
pub struct Proof(());

// === impl Proof ===

impl Proof {
    pub(crate) const fn given() -> Self {
        Self(())
    }
}

// === impl Principal ===

impl Principal {
    /// The principal that a record describes: a key's, or one made of a token's claims.
    #[must_use]
    pub fn new(record: Arc<KeyRecord>, _proof: &Proof) -> Self {
        Self { record }
    }

    /// The key's record.
    #[must_use]
    pub const fn record(&self) -> &Arc<KeyRecord> {
        &self.record
    }
}

// === impl Caller ===

impl Caller {
    /// The proved caller, if there is one.
    #[must_use]
    pub const fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Known(principal) => Some(principal),
            Self::Anonymous | Self::Claimed(_) => None,
        }
    }
}
