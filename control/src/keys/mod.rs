//! API keys: issued, shown, revoked, replaced, and followed by the data plane (contract, section 2).
//!
//! [`Keys`] is the service. A key string and its secret leave it once, in [`Issued`]; what stays in
//! PostgreSQL is a hash and a secret sealed under a [`MasterKeys`]. Whoever holds records in memory
//! follows the table by [`Changes`], woken by the channel [`CHANNEL`]. Usage is counted elsewhere
//! and written here behind the requests ([`Keys::write_usage`]).
//!
//! Whether a tier exists is a matter of the policy file, which this crate does not know.

mod changes;
mod error;
mod issue;
pub mod limits;
mod master;
mod new_key;
mod row;
mod secret;
mod upkeep;
mod usage;
mod view;

#[cfg(test)]
mod tests;

pub use changes::{Changes, Mark, Page};
pub use error::Error;
pub use master::{MasterKeyError, MasterKeyId, MasterKeys, OpenError, Place, Sealed};
pub use new_key::{Expires, NewKey};
pub use row::{Fault, KeyRow, Reader, Reading};
pub use secret::{Issued, SecretText};
pub use upkeep::{Purged, Resealed, Retention};
pub use usage::UsageLine;
pub use view::{CredentialView, KeyView, Listing, UsageDay};

use database::Database;
use filters::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// The channel that tells of changes. A payload is `id:version`; an empty one says only that
/// something changed.
pub const CHANNEL: &str = "tidegate_keys";

/// Where the history of this crate's migrations is kept.
const HISTORY: &str = "control_migrations";

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Keys in the database. A clone is the same service.
#[derive(Clone)]
pub struct Keys {
    database: Database,
    master_keys: Arc<MasterKeys>,
    clock: Arc<dyn Clock>,
}

// === impl Keys ===

impl Keys {
    /// Keys in this database, their secrets sealed by these master keys.
    #[must_use]
    pub fn new(database: Database, master_keys: Arc<MasterKeys>, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            master_keys,
            clock,
        }
    }

    /// Brings the tables up to date. Several processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn migrate(&self) -> Result<(), Error> {
        let runner = embedded::migrations::runner();
        Ok(self.database.migrate(runner, HISTORY).await?)
    }

    /// The database, to listen on [`CHANNEL`].
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The master keys.
    #[must_use]
    pub const fn master_keys(&self) -> &Arc<MasterKeys> {
        &self.master_keys
    }

    /// Wakes those in this process who follow the table, where the database itself cannot.
    fn tell(&self) {
        if self.database.is_embedded() {
            self.database.notify_local(CHANNEL);
        }
    }

    fn now(&self) -> Timestamp {
        let ms = i64::try_from(self.clock.now().unix_ms).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
    }
}

/// A time that far ahead, and never beyond what the table takes.
fn later(time: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// A time that far back.
fn earlier(time: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    time.saturating_sub(span).unwrap_or(Timestamp::MIN)
}
