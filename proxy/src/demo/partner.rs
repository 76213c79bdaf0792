//! The sandbox partner: one `test` key, and one `live` key for each tier.
//!
//! The database keeps hashes and sealed secrets only, so the texts are kept beside it, in the demo's
//! folder, to be shown again on the next run. A key that is gone from the database (another database, or
//! revoked) is replaced.

use super::folder;
use anyhow::Context;
use control::keys::{Error, Keys, NewKey};
use filters::clock::Now;
use filters::key::Environment;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The partner's id and name.
const PARTNER: &str = "sandbox";

/// What its keys may do.
const SCOPES: [&str; 4] = [
    "orders:read",
    "orders:write",
    "products:read",
    "products:write",
];

/// Name, tier and environment of each key, in the order in which they are shown.
const KEYS: [(&str, &str, Environment); 4] = [
    ("test", "free", Environment::Test),
    ("free", "free", Environment::Live),
    ("pro", "pro", Environment::Live),
    ("enterprise", "enterprise", Environment::Live),
];

const DAY_S: u64 = 86_400;

/// A key of the sandbox partner, with its secret. It implements neither `Debug` nor `Display`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PartnerKey {
    /// The key's id; not part of what `--json` prints.
    #[serde(default)]
    id: String,
    pub(super) name: String,
    pub(super) tier: String,
    pub(super) env: String,
    pub(super) key: String,
    pub(super) secret: String,
}

/// The partner's keys: those of the last run, or new ones in place of what is gone.
///
/// # Errors
/// When the database or the file cannot be used.
pub(super) async fn keys(service: &Keys, file: &Path, now: Now) -> anyhow::Result<Vec<PartnerKey>> {
    let known: Vec<PartnerKey> = match folder::read(file)? {
        None => Vec::new(),
        Some(text) => serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: start over with --fresh", file.display()))?,
    };
    let mut keys = Vec::new();
    let mut changed = false;
    for (name, tier, environment) in KEYS {
        let fits = |key: &&PartnerKey| {
            key.name == name && key.tier == tier && key.env == environment.as_str()
        };
        let former = known.iter().find(fits);
        let still = match former {
            Some(former) => stands(service, &former.id, now).await?,
            None => false,
        };
        match former.filter(|_| still) {
            Some(former) => keys.push(former.clone()),
            None => {
                changed = true;
                keys.push(issue(service, name, tier, environment).await?);
            }
        }
    }
    if changed {
        folder::write(file, &serde_json::to_string_pretty(&keys)?)?;
    }
    Ok(keys)
}

/// Whether the database still knows the key and lets it in for a day more.
async fn stands(service: &Keys, id: &str, now: Now) -> anyhow::Result<bool> {
    match service.view(id).await {
        Ok(view) => {
            let tomorrow_s = i64::try_from(now.unix_s() + DAY_S).unwrap_or(i64::MAX);
            let lasts = view
                .expires_at
                .is_none_or(|end| end.as_second() > tomorrow_s);
            Ok(view.revoked_at.is_none() && lasts)
        }
        Err(Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error).context("the partner's keys cannot be read"),
    }
}

async fn issue(
    service: &Keys,
    name: &str,
    tier: &str,
    environment: Environment,
) -> anyhow::Result<PartnerKey> {
    let new = NewKey {
        scopes: SCOPES.map(str::to_owned).to_vec(),
        ..NewKey::new(PARTNER, name, environment, tier)
    };
    let issued = service
        .create(&new)
        .await
        .context("the partner's keys cannot be made")?;
    Ok(PartnerKey {
        id: issued.id,
        name: name.to_owned(),
        tier: tier.to_owned(),
        env: environment.as_str().to_owned(),
        key: issued.key.reveal().to_owned(),
        secret: issued.secret.reveal().to_owned(),
    })
}
