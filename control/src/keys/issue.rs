//! Making keys, ending them, and replacing what they consist of.
//!
//! *Rotate* gives a key a new string and secret and lets the old ones count for an overlap;
//! *regenerate* lets them count no longer. The key's id, and with it its limits and its usage, stays.

use super::error::Error;
use super::limits::OVERLAP_MAX;
use super::master::Place;
use super::new_key::NewKey;
use super::row::{StoredLimit, environment};
use super::secret::{Fresh, Issued};
use super::{Keys, later};
use database::Transaction;
use filters::limits::CREDENTIALS_MAX;
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// What becomes of the key strings that count now.
#[derive(Clone, Copy)]
enum Former {
    /// They end at once.
    End,
    /// They count for this long.
    Count(Duration),
}

// === impl Keys ===

impl Keys {
    /// Issues a key. What is returned is all that will ever be seen of it.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Randomness`], [`Error::Seal`], [`Error::Database`].
    pub async fn create(&self, new: &NewKey) -> Result<Issued, Error> {
        const CONSUMER: &str = "INSERT INTO consumers (id, name, created_at) VALUES ($1, $1, $2) \
             ON CONFLICT (id) DO NOTHING";
        const KEY: &str = "INSERT INTO api_keys (number, consumer, name, environment, tier, scopes, \
                 roles, attributes, networks, limits, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id";
        new.validate()?;
        let now = self.now();
        let number = self.number(now)?;
        let expires_at = new.expires.span().map(|span| later(now, span));
        let networks: Vec<String> = new.networks.iter().map(ToString::to_string).collect();
        let limits = new.limits.as_ref().map(|limits| Json(stored(limits)));

        let mut client = self.database.client().await?;
        let mut transaction = client.transaction().await?;
        transaction
            .execute(CONSUMER, &[&new.consumer, &now])
            .await?;
        let row = transaction
            .query_one(
                KEY,
                &[
                    &number,
                    &new.consumer,
                    &new.name,
                    &new.environment.as_str(),
                    &new.tier,
                    &new.scopes,
                    &new.roles,
                    &Json(&new.attributes),
                    &networks,
                    &limits,
                    &now,
                    &expires_at,
                ],
            )
            .await?;
        let id = row.try_get(0)?;
        let fresh = Fresh::make(new.environment)?;
        self.add(
            &mut transaction,
            number,
            &fresh,
            new.environment.prefix(),
            now,
        )
        .await?;
        transaction.commit().await?;
        self.tell();
        Ok(fresh.issued(id))
    }

    /// Ends a key for good. A key that is revoked already stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Database`].
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        const REVOKE: &str =
            "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        const EXISTS: &str = "SELECT 1 FROM api_keys WHERE id = $1";
        let now = self.now();
        let mut client = self.database.client().await?;
        if client.execute(REVOKE, &[&id, &now]).await? == 0 {
            let known = client.query_opt(EXISTS, &[&id]).await?;
            return known
                .map(|_| ())
                .ok_or_else(|| Error::NotFound(id.to_owned()));
        }
        self.tell();
        Ok(())
    }

    /// Gives a key a new string and a new secret; the old ones count for `overlap`, at most 90 days,
    /// and never beyond the key's own end. An earlier rotation's overlap stays what it was.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Revoked`], [`Error::Expired`], [`Error::Overlaps`],
    /// [`Error::Invalid`], [`Error::Randomness`], [`Error::Seal`], [`Error::Database`].
    pub async fn rotate(&self, id: &str, overlap: Duration) -> Result<Issued, Error> {
        if overlap > OVERLAP_MAX {
            let days = OVERLAP_MAX.as_secs() / 86_400;
            return Err(Error::invalid("overlap", format!("at most {days} days")));
        }
        self.replace(id, Former::Count(overlap)).await
    }

    /// Gives a key a new string and a new secret; the old ones end at once.
    ///
    /// # Errors
    /// As [`Keys::rotate`], except [`Error::Overlaps`] and [`Error::Invalid`].
    pub async fn regenerate(&self, id: &str) -> Result<Issued, Error> {
        self.replace(id, Former::End).await
    }

    async fn replace(&self, id: &str, former: Former) -> Result<Issued, Error> {
        const KEY: &str = "SELECT number, environment, expires_at, revoked_at FROM api_keys \
             WHERE id = $1 FOR UPDATE";
        let now = self.now();
        let mut client = self.database.client().await?;
        let mut transaction = client.transaction().await?;
        let row = transaction.query_opt(KEY, &[&id]).await?;
        let row = row.ok_or_else(|| Error::NotFound(id.to_owned()))?;
        let number: Uuid = row.try_get("number")?;
        let environment = environment(row.try_get("environment")?);
        if row.try_get::<_, Option<Timestamp>>("revoked_at")?.is_some() {
            return Err(Error::Revoked);
        }
        let expires_at: Option<Timestamp> = row.try_get("expires_at")?;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Error::Expired);
        }
        settle(&mut transaction, number, former, now).await?;
        let fresh = Fresh::make(environment)?;
        self.add(&mut transaction, number, &fresh, environment.prefix(), now)
            .await?;
        transaction.commit().await?;
        self.tell();
        Ok(fresh.issued(id.to_owned()))
    }

    async fn add(
        &self,
        transaction: &mut Transaction<'_>,
        number: Uuid,
        fresh: &Fresh,
        prefix: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        const CREDENTIAL: &str = "INSERT INTO api_credentials \
                 (hash, key, sealed, master_key, prefix, last_four, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let hash = fresh.hash();
        let place = Place {
            number: number.as_u128(),
            hash: &hash,
        };
        let secret = fresh.secret.reveal().as_bytes();
        let sealed = self.master_keys.seal(place, secret)?;
        transaction
            .execute(
                CREDENTIAL,
                &[
                    &&hash[..],
                    &number,
                    &sealed.bytes,
                    &&sealed.master_key[..],
                    &prefix,
                    &fresh.last_four(),
                    &now,
                ],
            )
            .await?;
        Ok(())
    }

    /// A UUIDv7 of the clock that was handed in.
    fn number(&self, now: Timestamp) -> Result<Uuid, Error> {
        let mut random = [0; 10];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Error::Randomness)?;
        let ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    }
}

impl Fresh {
    fn issued(self, id: String) -> Issued {
        Issued {
            id,
            key: self.key,
            secret: self.secret,
        }
    }
}

/// Settles what becomes of a key's strings before a new one joins them.
async fn settle(
    transaction: &mut Transaction<'_>,
    number: Uuid,
    former: Former,
    now: Timestamp,
) -> Result<(), Error> {
    const END: &str = "DELETE FROM api_credentials WHERE key = $1";
    const ENDED: &str = "DELETE FROM api_credentials WHERE key = $1 AND until <= $2";
    const COUNT: &str = "SELECT count(*) FROM api_credentials WHERE key = $1";
    const OVERLAP: &str = "UPDATE api_credentials SET until = $2 WHERE key = $1 AND until IS NULL";
    let overlap = match former {
        Former::End => {
            transaction.execute(END, &[&number]).await?;
            return Ok(());
        }
        Former::Count(overlap) => overlap,
    };
    transaction.execute(ENDED, &[&number, &now]).await?;
    let row = transaction.query_one(COUNT, &[&number]).await?;
    let count = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
    if count >= CREDENTIALS_MAX {
        return Err(Error::Overlaps(count));
    }
    let until = later(now, overlap);
    transaction.execute(OVERLAP, &[&number, &until]).await?;
    Ok(())
}

fn stored(limits: &[(String, filters::units::Rate)]) -> Vec<StoredLimit> {
    let stored = |(policy, rate): &(String, filters::units::Rate)| StoredLimit {
        policy: policy.clone(),
        limit: rate.limit,
        window_s: rate.window_s,
    };
    limits.iter().map(stored).collect()
}
