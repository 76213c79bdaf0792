//! `api_key`: reads the caller's API key and looks it up.
//!
//! ```yaml
//! - api_key: {}                   # a key is a claim; `signature`, further down, proves it
//! - api_key: { proof: key-only }  # whoever holds the key is the caller
//! ```
//!
//! Exactly one `X-API-Key`, in its form, checksum proved before any look-up (contract, section 2).
//! The look-up goes by SHA-256 of the whole key, in memory.
//!
//! **With `proof: signature`** (the usual case) the key is a *claim*, whether it exists or not:
//! whether it is unknown, expired or revoked is told only to whoever proves to hold its secret.
//!
//! **With `proof: key-only`** the key itself proves. It must be known, neither expired nor revoked
//! (else 401 `invalid_credentials`, all alike), and used from an address of its list (else 403
//! `address_not_allowed`).
//!
//! **Replies.**
//!
//! | what | reply |
//! |---|---|
//! | no `X-API-Key` | 401 `missing_credentials` |
//! | two of them, two `Authorization`, or a bearer token beside the key | 401 `ambiguous_credentials` |
//! | not the form of a key, or a wrong checksum | 401 `malformed_key` |
//! | key records are not loaded | 503 `keys_not_ready`, `Retry-After: 1` |
//!
//! Every 401 has `WWW-Authenticate: ApiKey realm="tidegate"`.
//!
//! **Counting.** Requests of proved callers are counted for their key when they end; an answer of 400
//! and above counts as an error. Claims count for nobody.
//!
//! **Dangers.** `key-only` lets everybody who ever sees the key act as the caller: for a sandbox, or
//! for partners who cannot sign. It protects against neither replay nor change.

#[cfg(test)]
mod tests;

use crate::caller::{Caller, Claim, Principal, Proof};
use crate::challenge::refuse;
use crate::env::{Env, Keys, Lookup};
use crate::exchange::{Client, Exchange, Outcome};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::Head;
use crate::key::{KeyRecord, KeyText, Standing};
use crate::names;
use crate::reply::{Reason, Reply};
use http::header::AUTHORIZATION;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;

const KEYS_RETRY_AFTER_S: u32 = 1;

/// The configuration of `api_key`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What proves that the caller is who the key names.
    pub proof: ProofBy,
}

/// What proves that the caller is who the key names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofBy {
    /// A signature, by the filter of that name.
    #[default]
    Signature,
    /// The key itself.
    KeyOnly,
}

/// The filter.
pub struct ApiKey {
    proof: ProofBy,
    keys: Arc<dyn Keys>,
}

impl Build for ApiKey {
    const NAME: &'static str = "api_key";
    const SUMMARY: &'static str = "reads the caller's API key and looks it up";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn gives(config: &Config) -> Facts {
        match config.proof {
            ProofBy::Signature => Facts::CLAIM,
            ProofBy::KeyOnly => Facts::CLAIM | Facts::PRINCIPAL,
        }
    }

    fn warnings(config: &Config) -> Vec<(&'static str, String)> {
        match config.proof {
            ProofBy::Signature => Vec::new(),
            ProofBy::KeyOnly => vec![(
                "key-without-signature",
                "whoever sees the key can act as its owner: requests are neither signed nor \
                 protected against replay"
                    .to_owned(),
            )],
        }
    }

    fn build(config: &Config, env: &Env) -> Result<Self, BuildError> {
        Ok(Self {
            proof: config.proof,
            keys: Arc::clone(&env.keys),
        })
    }
}

impl Filter for ApiKey {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        Step::Done(self.identify(x, &client.head()))
    }

    fn on_log(&self, x: &mut Exchange, outcome: &Outcome<'_>) {
        if let Some(principal) = x.caller.principal() {
            let usage = &principal.record().usage;
            usage.count(x.started.unix_s(), outcome.status >= 400);
        }
    }
}

impl ApiKey {
    fn identify(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        let hash = presented_key(head)?.hash();
        let record = match self.keys.find(&hash) {
            Lookup::Found(record) => Some(record),
            Lookup::Unknown => None,
            Lookup::NotReady => {
                return Err(refuse(Reason::KeysNotReady).retry_after(KEYS_RETRY_AFTER_S));
            }
        };
        // After a rotation's overlap the old key string does not count, even if it is still found.
        let counts = |record: &Arc<KeyRecord>| {
            let shown = record.credential_of(&hash);
            shown.is_some_and(|credential| credential.counts(x.started.unix_s()))
        };
        let record = record.filter(counts);
        x.caller = match self.proof {
            ProofBy::Signature => Caller::Claimed(Claim { record }),
            ProofBy::KeyOnly => Caller::Known(prove(record, x.started.unix_s(), x.client)?),
        };
        Ok(())
    }
}

/// The one key of a request. Exactly one kind of credential, and in fields only (contract, section
/// 1): a key in the query or in a cookie counts for nothing.
fn presented_key<'a>(head: &Head<'a>) -> Result<KeyText<'a>, Box<Reply>> {
    let key = head
        .single(&names::API_KEY)
        .map_err(|_| refuse(Reason::AmbiguousCredentials))?;
    let authorization = head
        .single(&AUTHORIZATION)
        .map_err(|_| refuse(Reason::AmbiguousCredentials))?;
    let Some(key) = key else {
        return Err(refuse(Reason::MissingCredentials));
    };
    if authorization.is_some_and(is_bearer) {
        return Err(refuse(Reason::AmbiguousCredentials));
    }
    KeyText::parse(key).map_err(|_| refuse(Reason::MalformedKey))
}

/// RFC 6750, section 2.1; the scheme without regard to case (RFC 9110, section 11.1).
fn is_bearer(authorization: &[u8]) -> bool {
    let scheme = authorization.split(|&byte| byte == b' ').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

fn prove(
    record: Option<Arc<KeyRecord>>,
    unix_s: u64,
    client: IpAddr,
) -> Result<Principal, Box<Reply>> {
    let Some(record) = record else {
        return Err(refuse(Reason::InvalidCredentials).noting("unknown key"));
    };
    match record.standing(unix_s) {
        Standing::Good => {}
        Standing::Expired => {
            return Err(refuse(Reason::InvalidCredentials).noting("expired key"));
        }
        Standing::Revoked => {
            return Err(refuse(Reason::InvalidCredentials).noting("revoked key"));
        }
    }
    if !record.admits(client) {
        return Err(refuse(Reason::AddressNotAllowed));
    }
    Ok(Principal::new(record, &Proof::given()))
}
