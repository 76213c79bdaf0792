//! Upkeep: throwing away what nobody needs any more, and sealing old secrets under the new master
//! key.

use super::error::Error;
use super::limits::{PURGED_AT_ONCE, PURGED_KEYS_AT_ONCE};
use super::master::Place;
use super::{Keys, earlier};
use filters::key::KeyHash;
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);
const SECRETS_AT_ONCE: i64 = 500;

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Keys, after they were revoked or expired: so long their holders are told what happened.
    pub ended_keys: Duration,
    /// Usage per day. The last day of each key stays.
    pub usage: Duration,
    /// Word of keys that were deleted: as long as a proxy may have been away.
    pub removals: Duration,
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Keys.
    pub keys: u64,
    /// Key strings whose overlap had ended.
    pub credentials: u64,
    /// Days of usage.
    pub usage_days: u64,
    /// Word of deleted keys.
    pub removals: u64,
}

/// What became of secrets that were sealed under an older master key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// They are sealed under the current one now.
    pub resealed: u64,
    /// They do not open and stay as they are.
    pub unopened: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            ended_keys: DAY * 90,
            usage: DAY * 400,
            removals: DAY * 30,
        }
    }
}

// === impl Purged ===

impl Purged {
    /// Whether nothing was old enough to go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there may be more of the kind, beyond what goes at once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let Self {
            keys,
            credentials,
            usage_days,
            removals,
        } = *self;
        let most = credentials.max(usage_days).max(removals);
        keys >= PURGED_KEYS_AT_ONCE as u64 || most >= PURGED_AT_ONCE as u64
    }
}

// === impl Keys ===

impl Keys {
    /// Throws away what is older than it need be, a bounded number of rows of each
    /// kind: call again while [`Purged::is_full`].
    ///
    /// Several processes may do so at once, and beside every other work: rows are locked in the order
    /// in which a rotation locks them, the key before its credentials, and what somebody else has
    /// locked is left for the next time.
    ///
    /// # Errors
    /// [`Error::Database`]. What was thrown away until then is gone.
    pub async fn purge(&self, retention: Retention) -> Result<Purged, Error> {
        // An array is read once; a subquery could be read again while its rows go.
        const CREDENTIALS: &str = "DELETE FROM api_credentials WHERE hash = ANY (ARRAY( \
                 SELECT a.hash FROM api_credentials a JOIN api_keys k ON k.number = a.key \
                 WHERE a.until < $1 LIMIT $2 FOR NO KEY UPDATE OF k SKIP LOCKED))";
        const KEYS: &str = "DELETE FROM api_keys WHERE number = ANY (ARRAY( \
                 SELECT number FROM api_keys \
                 WHERE (revoked_at IS NOT NULL OR expires_at IS NOT NULL) \
                   AND least(revoked_at, expires_at) < $1 \
                 LIMIT $2 FOR UPDATE SKIP LOCKED))";
        const USAGE: &str = "DELETE FROM api_key_usage WHERE ctid = ANY (ARRAY( \
                 SELECT u.ctid FROM api_key_usage u \
                 WHERE u.day < ($1::timestamptz AT TIME ZONE 'UTC')::date \
                   AND EXISTS (SELECT 1 FROM api_key_usage l WHERE l.key = u.key AND l.day > u.day) \
                 LIMIT $2 FOR UPDATE OF u SKIP LOCKED))";
        const REMOVALS: &str = "DELETE FROM api_key_removals WHERE number = ANY (ARRAY( \
                 SELECT number FROM api_key_removals WHERE removed_at < $1 \
                 LIMIT $2 FOR UPDATE SKIP LOCKED))";
        let now = self.now();
        let mut client = self.database.client().await?;
        let mut purge = async |sql, span: Duration, rows: usize| {
            let rows = i64::try_from(rows).expect("the bound is small");
            client.execute(sql, &[&earlier(now, span), &rows]).await
        };
        let purged = Purged {
            credentials: purge(CREDENTIALS, Duration::ZERO, PURGED_AT_ONCE).await?,
            keys: purge(KEYS, retention.ended_keys, PURGED_KEYS_AT_ONCE).await?,
            usage_days: purge(USAGE, retention.usage, PURGED_AT_ONCE).await?,
            removals: purge(REMOVALS, retention.removals, PURGED_AT_ONCE).await?,
        };
        drop(client);
        if purged.credentials + purged.keys > 0 {
            self.tell();
        }
        Ok(purged)
    }

    /// Seals under the current master key whatever is sealed under an older one. The older one must
    /// still be there; once nothing is left unopened, it can go. Keys serve all the while.
    ///
    /// # Errors
    /// [`Error::Seal`], [`Error::Database`]. What was done stays done; call again.
    pub async fn reseal(&self) -> Result<Resealed, Error> {
        const OLD: &str = "SELECT hash, key, master_key, sealed FROM api_credentials \
             WHERE master_key <> $1 AND hash > $2 ORDER BY hash LIMIT $3";
        const RESEAL: &str = "UPDATE api_credentials SET sealed = $3, master_key = $4 \
             WHERE hash = $1 AND sealed = $2";
        let current = self.master_keys.current();
        let mut done = Resealed::default();
        let mut last: Vec<u8> = Vec::new();
        loop {
            let mut client = self.database.client().await?;
            let rows = client
                .query(OLD, &[&&current[..], &last, &SECRETS_AT_ONCE])
                .await?;
            let Some(end) = rows.last() else {
                break;
            };
            last = end.try_get("hash")?;
            for row in &rows {
                let (hash, sealed): (&[u8], &[u8]) = (row.try_get("hash")?, row.try_get("sealed")?);
                let Ok(key_hash) = KeyHash::try_from(hash) else {
                    done.unopened += 1;
                    continue;
                };
                let place = Place {
                    number: row.try_get::<_, Uuid>("key")?.as_u128(),
                    hash: &key_hash,
                };
                let Ok(secret) = self
                    .master_keys
                    .open(place, row.try_get("master_key")?, sealed)
                else {
                    done.unopened += 1;
                    continue;
                };
                let new = self.master_keys.seal(place, &secret)?;
                done.resealed += client
                    .execute(RESEAL, &[&hash, &sealed, &new.bytes, &&new.master_key[..]])
                    .await?;
            }
        }
        if done.resealed > 0 {
            self.tell();
        }
        Ok(done)
    }
}
