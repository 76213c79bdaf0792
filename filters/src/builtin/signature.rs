//! `signature`: proves that the caller holds the secret of the key that `api_key` read.
//!
//! ```yaml
//! - signature: {}
//! # which is short for
//! - signature:
//!     schemes: [v1, body-timestamp]
//!     window: 300s        # how far X-Timestamp may be from our clock, both ways
//!     body_max: 1MiB      # bodies are read whole before an upstream is chosen
//!     replay: true        # each signature is accepted once
//! ```
//!
//! `X-API-Signature` has one to four members, `v1=<hex>` or `sha256=<hex>`; one that fits, of an
//! accepted scheme, is enough. `X-Timestamp` is 10 digits of Unix seconds, `X-Nonce` optional. What is
//! signed: [`crate::signing`]. The MAC is over the bytes as they were received.
//!
//! **Order of work.** Forms of the fields; the timestamp's window; the body, hashed as it arrives; the
//! MAC, in constant time, under every secret of the key, or under a fixed one when there is no such
//! key; only then whether the key has expired or was revoked, and whether it may be used from this
//! address; last the memory of replays, which so costs nobody but the holder of the secret.
//!
//! **Replies.**
//!
//! | what | reply |
//! |---|---|
//! | no `X-API-Signature`; two such fields; a member out of form | 401 `missing_signature`, `ambiguous_credentials`, `malformed_signature` |
//! | no member of an accepted scheme | 401 `unaccepted_scheme` |
//! | timestamp missing, twice or out of form; in milliseconds; outside the window | 401 `malformed_timestamp`, `timestamp_in_milliseconds`, `stale_timestamp` |
//! | nonce twice or out of form | 401 `malformed_nonce` |
//! | body longer than `body_max` | 413 `body_too_large`, before it is read where its length is announced |
//! | unknown key, or no member fits | 401 `invalid_credentials` |
//! | a valid signature of a key that expired or was revoked, or from elsewhere | 401 `expired_key`, `revoked_key`, 403 `address_not_allowed` |
//! | a valid signature for the second time | 401 `replayed_signature` |
//! | a valid signature from before this process remembers | 401 `stale_timestamp` |
//! | the key has used up its share of the memory | 503 `replay_memory_full`, `Retry-After` |
//!
//! **Replays.** Under `v1` for every method. Under `body-timestamp`, which signs neither method nor
//! path, for all but GET, HEAD and OPTIONS: two equal GETs in one second carry the same MAC there. All
//! members that fit are remembered, so that none of a captured request can be used alone.
//!
//! **Sandbox keys** (`ak_test_…`) get an explanation with `invalid_credentials`: the text that we
//! signed, hash and length of the body that we saw. It needs no secret, and so tells nothing of the
//! key. Live keys never do.
//!
//! **Dangers.** A captured `body-timestamp` signature works for any other path until its window ends;
//! the loader warns. `replay: false` lets any captured request be sent again.

mod explain;
#[cfg(test)]
mod tests;

use crate::caller::{Caller, Principal, Proof};
use crate::challenge::refuse;
use crate::env::Env;
use crate::exchange::{Client, Exchange};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::Head;
use crate::key::{KeyRecord, Standing};
use crate::limits::{SIGNATURE_WINDOW_S, SIGNATURE_WINDOW_S_MAX, SIGNED_BODY_BYTES};
use crate::names;
use crate::replay::{Admit, Print, ReplayCache};
use crate::reply::{Detail, Reason, Reply};
use crate::signing::{
    FormError, Mac, Presented, Scheme, Secret, Signed, Verified, Verifier, parse_nonce,
    parse_signatures, parse_timestamp, timestamp_text,
};
use crate::units::{Duration, Size};
use serde::Deserialize;
use std::sync::Arc;

/// A share that is used up gets free as the window passes: a slot of the memory at a time.
const MEMORY_RETRY_AFTER_S: u32 = 16;
/// By then the next process serves.
const HAND_OVER_RETRY_AFTER_S: u32 = 1;

/// The configuration of `signature`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The schemes that are accepted.
    pub schemes: Vec<Scheme>,
    /// How far the timestamp may be from our clock, in whole seconds.
    pub window: Duration,
    /// Bytes of a signed body at most.
    pub body_max: Size,
    /// Whether each signature is accepted once only.
    pub replay: bool,
}

/// The filter.
pub struct Signature {
    schemes: Vec<Scheme>,
    window_s: u64,
    body_max: u64,
    replays: Option<Arc<ReplayCache>>,
    /// Works in place of the secret of a key that does not exist.
    nobody: Secret,
}

/// The fields of one request that were found in their form.
struct Forms {
    presented: Presented,
    timestamp_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schemes: Scheme::ALL.to_vec(),
            window: Duration(std::time::Duration::from_secs(SIGNATURE_WINDOW_S)),
            body_max: Size(SIGNED_BODY_BYTES),
            replay: true,
        }
    }
}

impl Build for Signature {
    const NAME: &'static str = "signature";
    const SUMMARY: &'static str = "proves that the caller holds the secret of the API key";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE | Facts::CLAIM
    }

    fn gives(_: &Config) -> Facts {
        Facts::PRINCIPAL
    }

    fn warnings(config: &Config) -> Vec<(&'static str, String)> {
        let mut warnings = Vec::new();
        if let Some(scheme) = config.schemes.iter().find(|scheme| !scheme.binds_target()) {
            warnings.push((
                "unbound-signature-scheme",
                format!(
                    "the scheme {} signs neither method nor path: a captured request can be sent \
                     to another path until its window ends",
                    scheme.name()
                ),
            ));
        }
        if !config.replay {
            warnings.push((
                "signature-without-replay-memory",
                "a captured request can be sent again until its window ends".to_owned(),
            ));
        }
        warnings
    }

    fn build(config: &Config, env: &Env) -> Result<Self, BuildError> {
        if config.schemes.is_empty() {
            return Err(BuildError::new(
                "schemes",
                "no scheme is accepted",
                "name v1, body-timestamp or both",
            ));
        }
        let window = config.window.0;
        let whole = window.subsec_nanos() == 0;
        if !whole || !(1..=SIGNATURE_WINDOW_S_MAX).contains(&window.as_secs()) {
            return Err(BuildError::new(
                "window",
                format!("the window is not 1 to {SIGNATURE_WINDOW_S_MAX} whole seconds"),
                format!("the usual is {SIGNATURE_WINDOW_S}s"),
            ));
        }
        let replays = config.replay.then(|| Arc::clone(&env.replays));
        if let Some(replays) = &replays {
            replays.cover(window.as_secs());
        }
        Ok(Self {
            schemes: config.schemes.clone(),
            window_s: window.as_secs(),
            body_max: config.body_max.0,
            replays,
            nobody: Secret::new(b"nobody holds this secret, and what it fits is refused"),
        })
    }
}

impl Filter for Signature {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        let begun = match self.begin(x, client) {
            Ok(begun) => begun,
            Err(reply) => return Step::Done(Err(reply)),
        };
        // Most requests have no body: nothing to wait for, nothing to allocate.
        if client.announced_length() == Some(0) {
            return Step::Done(self.end(x, begun, &client.head()));
        }
        Step::Wait(Box::pin(async move {
            let mut begun = begun;
            while let Some(chunk) = client.read().await? {
                begun.verifier.update(&chunk);
                if begun.verifier.length() > self.body_max {
                    return Err(self.too_large());
                }
            }
            self.end(x, begun, &client.head())
        }))
    }
}

/// What is known before the body.
struct Begun {
    record: Option<Arc<KeyRecord>>,
    timestamp_s: u64,
    verifier: Verifier,
}

impl Signature {
    /// Everything that can be judged by the head alone.
    fn begin(&self, x: &Exchange, client: &dyn Client) -> Result<Begun, Box<Reply>> {
        let record = match &x.caller {
            Caller::Claimed(claim) => claim.record.clone(),
            Caller::Known(principal) => Some(Arc::clone(principal.record())),
            // The loader sees to it that `api_key` stands above.
            Caller::Anonymous => return Err(refuse(Reason::MissingCredentials)),
        };
        let Forms {
            presented,
            timestamp_s,
        } = self.read_forms(&client.head())?;
        let now_s = x.started.unix_s();
        if now_s.abs_diff(timestamp_s) > self.window_s {
            return Err(refuse(Reason::StaleTimestamp)
                .with_detail("windowSeconds", Detail::Number(self.window_s))
                .with_detail("serverTime", Detail::Number(now_s)));
        }
        if client.announced_length() > Some(self.body_max) {
            return Err(self.too_large());
        }
        let verifier = match &record {
            Some(record) if record.secrets(now_s).next().is_some() => {
                Verifier::new(presented, record.secrets(now_s))
            }
            _ => Verifier::new(presented, std::iter::once(&self.nobody)),
        };
        Ok(Begun {
            record,
            timestamp_s,
            verifier,
        })
    }

    fn read_forms(&self, head: &Head<'_>) -> Result<Forms, Box<Reply>> {
        let signature = head.single(&names::API_SIGNATURE).map_err(|_| {
            refuse(Reason::AmbiguousCredentials).saying("send X-API-Signature once")
        })?;
        let signature = signature.ok_or_else(|| refuse(Reason::MissingSignature))?;
        let mut presented = parse_signatures(signature).map_err(malformed)?;
        presented.retain(|(scheme, _)| self.schemes.contains(scheme));
        if presented.is_empty() {
            return Err(refuse(Reason::UnacceptedScheme));
        }
        let timestamp = head.single(&names::TIMESTAMP).ok().flatten();
        let timestamp = timestamp.ok_or_else(|| refuse(Reason::MalformedTimestamp))?;
        let timestamp_s = parse_timestamp(timestamp).map_err(malformed)?;
        nonce(head)?;
        Ok(Forms {
            presented,
            timestamp_s,
        })
    }

    /// The body has arrived.
    fn end(&self, x: &mut Exchange, begun: Begun, head: &Head<'_>) -> Verdict {
        let Begun {
            record,
            timestamp_s,
            verifier,
        } = begun;
        let timestamp = timestamp_text(timestamp_s);
        let signed = Signed {
            method: head.method,
            path: head.path(),
            query: head.query(),
            timestamp: std::str::from_utf8(&timestamp).expect("digits are ASCII"),
            nonce: nonce(head)?,
        };
        let verified = verifier.verify(&signed);
        let record = match record {
            Some(record) if !verified.fitting.is_empty() => record,
            record => return Err(invalid(record.is_some(), head, &signed, &verified)),
        };
        match record.standing(x.started.unix_s()) {
            Standing::Good => {}
            Standing::Expired => return Err(refuse(Reason::ExpiredKey)),
            Standing::Revoked => return Err(refuse(Reason::RevokedKey)),
        }
        if !record.admits(x.client) {
            return Err(refuse(Reason::AddressNotAllowed));
        }
        for &(scheme, mac) in &verified.fitting {
            self.admit_once(x, &record, scheme, &mac, timestamp_s, &signed)?;
        }
        x.caller = Caller::Known(Principal::new(record, &Proof::given()));
        Ok(())
    }

    fn admit_once(
        &self,
        x: &Exchange,
        record: &KeyRecord,
        scheme: Scheme,
        mac: &Mac,
        timestamp_s: u64,
        signed: &Signed<'_>,
    ) -> Verdict {
        let Some(replays) = &self.replays else {
            return Ok(());
        };
        if !scheme.binds_target() && matches!(signed.method, "GET" | "HEAD" | "OPTIONS") {
            return Ok(());
        }
        let print = Print::new(record.number, scheme, mac, signed.method, signed.path);
        match replays.admit(record.number, print, timestamp_s, x.started.unix_s()) {
            Admit::First => Ok(()),
            Admit::Replayed => Err(refuse(Reason::ReplayedSignature)),
            Admit::Full => Err(refuse(Reason::ReplayMemoryFull).retry_after(MEMORY_RETRY_AFTER_S)),
            Admit::HandedOver => Err(refuse(Reason::ReplayMemoryFull)
                .saying("this gateway is being replaced by another process: try again")
                .retry_after(HAND_OVER_RETRY_AFTER_S)
                .closing()),
            Admit::Forgotten => Err(refuse(Reason::StaleTimestamp)
                .saying("the gateway does not remember this time: sign again")
                .noting("older than the replay memory")),
        }
    }

    fn too_large(&self) -> Box<Reply> {
        refuse(Reason::BodyTooLarge).with_detail("limit", Detail::Number(self.body_max))
    }
}

/// The nonce, in its form; empty when there is none.
fn nonce<'a>(head: &Head<'a>) -> Result<&'a str, Box<Reply>> {
    match head.single(&names::NONCE) {
        Ok(None) => Ok(""),
        Ok(Some(value)) => parse_nonce(value).map_err(malformed),
        Err(_) => Err(malformed(FormError::Nonce)),
    }
}

fn malformed(error: FormError) -> Box<Reply> {
    refuse(match error {
        FormError::Signature | FormError::TooManySignatures => Reason::MalformedSignature,
        FormError::Timestamp => Reason::MalformedTimestamp,
        FormError::Milliseconds => Reason::TimestampInMilliseconds,
        FormError::Nonce => Reason::MalformedNonce,
    })
}

/// One answer for an unknown key and for a wrong signature; only the log's note differs.
fn invalid(known: bool, head: &Head<'_>, signed: &Signed<'_>, verified: &Verified) -> Box<Reply> {
    let note = if known {
        "wrong signature"
    } else {
        "unknown key"
    };
    let reply = refuse(Reason::InvalidCredentials).noting(note);
    explain::for_sandbox(reply, head, signed, verified)
}
