//! Keys as people may see them: everything but the key string and the secret.

use super::Keys;
use super::error::Error;
use super::limits::{LIST_ROWS_MAX, USAGE_DAYS_SHOWN};
use super::row::{KeyRow, select_keys};
use filters::key::Environment;
use filters::units::Rate;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// A key as people may see it.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// The key's id, `key_…`.
    pub id: String,
    /// The partner it belongs to.
    pub consumer: String,
    /// Its name.
    pub name: String,
    /// Live or sandbox.
    pub environment: Environment,
    /// The tier's name in the policy file.
    pub tier: String,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Attributes.
    pub attributes: BTreeMap<String, String>,
    /// Addresses that it may be used from; empty: any.
    pub networks: Vec<String>,
    /// Limits of its own.
    pub limits: Option<Vec<(String, Rate)>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used; some seconds old.
    pub last_used_at: Option<Timestamp>,
    /// Its key strings: the current one first, then those in a rotation's overlap.
    pub credentials: Vec<CredentialView>,
    /// Grows with every change.
    pub version: i64,
}

/// What people may see of a key string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialView {
    /// `ak_live_` or `ak_test_`.
    pub prefix: String,
    /// Its last four characters.
    pub last_four: String,
    /// When a rotation's overlap ends for it.
    pub until: Option<Timestamp>,
}

/// What a list shall show.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only keys of this consumer.
    pub consumer: Option<String>,
    /// Only keys that were made before this one, `key_…`: the last one of the page before.
    pub before: Option<String>,
    /// At most so many; 0 and anything above the bound stand for the bound.
    pub rows_max: usize,
}

/// What was counted of a key on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageDay {
    /// The day.
    pub day: Date,
    /// Requests.
    pub requests: u64,
    /// Those of them answered with 400 and above.
    pub errors: u64,
    /// The last use on that day.
    pub last_used_at: Timestamp,
}

// === impl Keys ===

impl Keys {
    /// Lists keys, the newest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list(&self, listing: &Listing) -> Result<Vec<KeyView>, Error> {
        const LIST: &str = select_keys!(
            "WHERE ($1::text IS NULL OR k.consumer = $1) \
               AND ($2::text IS NULL OR k.number < (SELECT b.number FROM api_keys b WHERE b.id = $2)) \
             ORDER BY k.number DESC LIMIT $3"
        );
        let rows_max = match listing.rows_max {
            0 => LIST_ROWS_MAX,
            wanted => wanted.min(LIST_ROWS_MAX),
        };
        let rows_max = i64::try_from(rows_max).expect("the bound is small");
        let mut client = self.database.client().await?;
        let rows = client
            .query(LIST, &[&listing.consumer, &listing.before, &rows_max])
            .await?;
        let rows: Vec<KeyRow> = rows
            .iter()
            .map(KeyRow::from_row)
            .collect::<Result<_, _>>()?;
        drop(client);
        let numbers: Vec<Uuid> = rows.iter().map(|row| row.number).collect();
        let mut last_used = self.last_used(&numbers).await?;
        let view = |row: KeyRow| {
            let last_used_at = last_used.remove(&row.number);
            KeyView::new(row, last_used_at)
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// One key.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Database`].
    pub async fn view(&self, id: &str) -> Result<KeyView, Error> {
        let row = self.rows(&[id.to_owned()]).await?.pop();
        let row = row.ok_or_else(|| Error::NotFound(id.to_owned()))?;
        let mut last_used = self.last_used(&[row.number]).await?;
        let last_used_at = last_used.remove(&row.number);
        Ok(KeyView::new(row, last_used_at))
    }

    /// The days of a month on which a key was used, the latest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn usage(&self, id: &str) -> Result<Vec<UsageDay>, Error> {
        const USAGE: &str = "SELECT u.day, u.requests, u.errors, u.last_used_at \
             FROM api_key_usage u JOIN api_keys k ON k.number = u.key \
             WHERE k.id = $1 AND u.day > ($2::timestamptz AT TIME ZONE 'UTC')::date - $3::int \
             ORDER BY u.day DESC";
        let mut client = self.database.client().await?;
        let now = self.now();
        let rows = client.query(USAGE, &[&id, &now, &USAGE_DAYS_SHOWN]).await?;
        let day = |row: &tokio_postgres::Row| {
            Ok(UsageDay {
                day: row.try_get("day")?,
                requests: count(row.try_get("requests")?),
                errors: count(row.try_get("errors")?),
                last_used_at: row.try_get("last_used_at")?,
            })
        };
        rows.iter().map(day).collect()
    }

    async fn last_used(&self, numbers: &[Uuid]) -> Result<HashMap<Uuid, Timestamp>, Error> {
        const LAST: &str = "SELECT DISTINCT ON (u.key) u.key, u.last_used_at \
             FROM api_key_usage u WHERE u.key = ANY ($1) ORDER BY u.key, u.day DESC";
        let mut client = self.database.client().await?;
        let rows = client.query(LAST, &[&numbers]).await?;
        let pair = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(pair).collect()
    }
}

// === impl KeyView ===

impl KeyView {
    fn new(row: KeyRow, last_used_at: Option<Timestamp>) -> Self {
        // A field that cannot be understood keeps the key from being used; a list shows the rest.
        let attributes = row.attributes().unwrap_or_default();
        let limits = row.limits().unwrap_or_default();
        let credential = |row: super::row::CredentialRow| CredentialView {
            prefix: row.prefix,
            last_four: row.last_four,
            until: row.until,
        };
        Self {
            id: row.id,
            consumer: row.consumer,
            name: row.name,
            environment: row.environment,
            tier: row.tier,
            scopes: row.scopes,
            roles: row.roles,
            attributes,
            networks: row.networks,
            limits,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at,
            credentials: row.credentials.into_iter().map(credential).collect(),
            version: row.version,
        }
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
