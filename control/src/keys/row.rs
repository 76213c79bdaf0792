//! A key as its row has it, and the record that the data plane holds of it.
//!
//! [`Reader`] opens the secrets. What cannot be opened or understood is left out: a key that we are
//! not sure of lets nobody in. It never fails as a whole, so that one odd row stops only itself.

use super::error::Error;
use super::master::{MasterKeys, OpenError, Place};
use filters::key::{Credential, Environment, Extras, KeyHash, KeyRecord};
use filters::limits::CREDENTIALS_MAX;
use filters::signing::Secret;
use filters::units::{Network, Rate};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

/// The columns of a key and its credentials; the tail of the statement follows. The current
/// credential comes first, then the one that was replaced last.
macro_rules! select_keys {
    ($tail:literal) => {
        concat!(
            "SELECT k.number, k.id, k.consumer, k.name, k.environment, k.tier, k.scopes, k.roles, \
                    k.attributes, k.networks, k.limits, k.created_at, k.expires_at, k.revoked_at, \
                    k.version, k.changed_by, c.hashes, c.sealed, c.master_keys, c.prefixes, \
                    c.last_fours, c.untils \
             FROM api_keys k LEFT JOIN LATERAL ( \
                 SELECT array_agg(a.hash ORDER BY a.until DESC NULLS FIRST, a.hash) AS hashes, \
                        array_agg(a.sealed ORDER BY a.until DESC NULLS FIRST, a.hash) AS sealed, \
                        array_agg(a.master_key ORDER BY a.until DESC NULLS FIRST, a.hash) AS master_keys, \
                        array_agg(a.prefix ORDER BY a.until DESC NULLS FIRST, a.hash) AS prefixes, \
                        array_agg(a.last_four ORDER BY a.until DESC NULLS FIRST, a.hash) AS last_fours, \
                        array_agg(a.until ORDER BY a.until DESC NULLS FIRST, a.hash) AS untils \
                 FROM api_credentials a WHERE a.key = k.number \
             ) c ON true ",
            $tail
        )
    };
}
pub(super) use select_keys;

/// A key as its row has it; the secrets are sealed.
pub struct KeyRow {
    pub(super) number: Uuid,
    pub(super) id: String,
    pub(super) consumer: String,
    pub(super) name: String,
    pub(super) environment: Environment,
    pub(super) tier: String,
    pub(super) scopes: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) attributes: Value,
    pub(super) networks: Vec<String>,
    pub(super) limits: Option<Value>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) version: i64,
    pub(super) changed_by: i64,
    pub(super) credentials: Vec<CredentialRow>,
}

/// One key string and its sealed secret.
pub(super) struct CredentialRow {
    pub(super) hash: Vec<u8>,
    pub(super) sealed: Vec<u8>,
    pub(super) master_key: Vec<u8>,
    pub(super) prefix: String,
    pub(super) last_four: String,
    pub(super) until: Option<Timestamp>,
}

/// One limit of a key's own, as the table has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StoredLimit {
    pub(super) policy: String,
    pub(super) limit: u32,
    pub(super) window_s: u32,
}

/// Makes records of rows.
pub struct Reader {
    master_keys: Arc<MasterKeys>,
}

/// What came of a row.
pub struct Reading {
    /// The record, if a credential of the key can be used.
    pub record: Option<KeyRecord>,
    /// What is wrong with the row, if anything is. A record beside it lacks a credential.
    pub fault: Option<Fault>,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A secret does not open.
    #[error("its secret cannot be used: {0}")]
    Sealed(#[from] OpenError),
    /// A field cannot be understood.
    #[error("its {0} cannot be understood")]
    Field(&'static str),
}

// === impl KeyRow ===

impl KeyRow {
    /// The key's id, `key_…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id as a number.
    #[must_use]
    pub const fn number(&self) -> u128 {
        self.number.as_u128()
    }

    /// Grows with every change of the row.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.version
    }

    pub(super) fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            number: row.try_get("number")?,
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            name: row.try_get("name")?,
            environment: environment(row.try_get("environment")?),
            tier: row.try_get("tier")?,
            scopes: row.try_get("scopes")?,
            roles: row.try_get("roles")?,
            attributes: row.try_get("attributes")?,
            networks: row.try_get("networks")?,
            limits: row.try_get("limits")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
            version: row.try_get("version")?,
            changed_by: row.try_get("changed_by")?,
            credentials: credentials(row)?,
        })
    }

    /// The limits of its own, if it has any.
    pub(super) fn limits(&self) -> Result<Option<Vec<(String, Rate)>>, Fault> {
        let fault = Fault::Field("limits");
        let Some(value) = &self.limits else {
            return Ok(None);
        };
        let stored = Vec::<StoredLimit>::deserialize(value).map_err(|_| fault)?;
        // None of its own is said by null: an empty list would be read as "no limit".
        let good = |limit: &StoredLimit| limit.limit > 0 && limit.window_s > 0;
        if stored.is_empty() || !stored.iter().all(good) {
            return Err(fault);
        }
        let rate = |stored: StoredLimit| {
            let StoredLimit {
                policy,
                limit,
                window_s,
            } = stored;
            (policy, Rate { limit, window_s })
        };
        Ok(Some(stored.into_iter().map(rate).collect()))
    }

    pub(super) fn networks(&self) -> Result<Vec<Network>, Fault> {
        let networks: Result<_, _> = self.networks.iter().map(|text| text.parse()).collect();
        networks.map_err(|_| Fault::Field("networks"))
    }

    pub(super) fn attributes(&self) -> Result<BTreeMap<String, String>, Fault> {
        BTreeMap::deserialize(&self.attributes).map_err(|_| Fault::Field("attributes"))
    }
}

/// The table's check leaves only these two.
pub(super) fn environment(text: &str) -> Environment {
    match text {
        "live" => Environment::Live,
        _ => Environment::Test,
    }
}

fn credentials(row: &Row) -> Result<Vec<CredentialRow>, Error> {
    // A key without credentials has nulls here.
    let Some(hashes) = row.try_get::<_, Option<Vec<Vec<u8>>>>("hashes")? else {
        return Ok(Vec::new());
    };
    let sealed: Vec<Vec<u8>> = row.try_get("sealed")?;
    let master_keys: Vec<Vec<u8>> = row.try_get("master_keys")?;
    let prefixes: Vec<String> = row.try_get("prefixes")?;
    let last_fours: Vec<String> = row.try_get("last_fours")?;
    let untils: Vec<Option<Timestamp>> = row.try_get("untils")?;
    let all = hashes.into_iter().zip(sealed).zip(master_keys);
    let all = all.zip(prefixes).zip(last_fours).zip(untils);
    let credential = |(((((hash, sealed), master_key), prefix), last_four), until)| CredentialRow {
        hash,
        sealed,
        master_key,
        prefix,
        last_four,
        until,
    };
    Ok(all.map(credential).collect())
}

// === impl Reader ===

impl Reader {
    /// Opens secrets by these master keys.
    #[must_use]
    pub const fn new(master_keys: Arc<MasterKeys>) -> Self {
        Self { master_keys }
    }

    /// Makes a record of a row, with usage counters that begin at nothing.
    #[must_use]
    pub fn read(&self, row: KeyRow) -> Reading {
        let mut fault = None;
        let mut credentials = self.open(&row, &mut fault).into_iter();
        let Some(current) = credentials.next() else {
            return Reading {
                record: None,
                fault,
            };
        };
        match record(row, current, credentials.collect()) {
            Ok(record) => Reading {
                record: Some(record),
                fault,
            },
            Err(field) => Reading {
                record: None,
                fault: Some(field),
            },
        }
    }

    fn open(&self, row: &KeyRow, fault: &mut Option<Fault>) -> Vec<Credential> {
        let mut credentials = Vec::with_capacity(row.credentials.len().min(CREDENTIALS_MAX));
        for credential in row.credentials.iter().take(CREDENTIALS_MAX) {
            let Ok(hash) = KeyHash::try_from(&credential.hash[..]) else {
                *fault = Some(Fault::Field("hash"));
                continue;
            };
            let place = Place {
                number: row.number(),
                hash: &hash,
            };
            let (master_key, sealed) = (&credential.master_key, &credential.sealed);
            match self.master_keys.open(place, master_key, sealed) {
                Ok(secret) => credentials.push(Credential {
                    hash,
                    secret: Secret::new(&secret),
                    until_s: credential.until.map(seconds),
                }),
                Err(error) => *fault = Some(error.into()),
            }
        }
        credentials
    }
}

fn record(row: KeyRow, current: Credential, former: Vec<Credential>) -> Result<KeyRecord, Fault> {
    let rare = Extras {
        id: None,
        former,
        attributes: row.attributes()?,
        networks: row.networks()?,
        limits: row.limits()?.map(Into::into),
        roles: row.roles,
    };
    Ok(KeyRecord {
        credential: Some(current),
        number: row.number.as_u128(),
        consumer: row.consumer.into(),
        tier: row.tier.into(),
        scopes: row.scopes.join(" ").into(),
        environment: row.environment,
        expires_s: row.expires_at.map(seconds),
        revoked: row.revoked_at.is_some(),
        version: row.version,
        usage: Arc::default(),
        rare: rare.into(),
    })
}

/// Unix seconds, rounded down: a key that ends within a second ends at its beginning.
fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or(0)
}
