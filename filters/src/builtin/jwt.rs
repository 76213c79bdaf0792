//! `jwt`: proves the caller by a bearer token.
//!
//! ```yaml
//! - jwt:
//!     issuer: https://tidegate.example     # `iss`, exactly
//!     audience: [https://api.example.com]  # `aud` must have one of these, exactly
//!     keys: file:/etc/tidegate/jwks.json   # a JWKS, or PEM of one public key
//!     types: [at+jwt]                      # the header's `typ`; default: at+jwt (RFC 9068)
//!     leeway: 30s                          # between the issuer's clock and ours; at most 60s
//!     tier_claim: tier                     # the claim that names the tier
//!     tier: free                           # for tokens that name none
//!     cache: 32MiB                         # memory for verified tokens; 0B: verify each time
//! ```
//!
//! `Authorization: Bearer`, the scheme in any spelling of case, with one JWT of at most 8 KiB
//! (contract, section 4). Nobody else's credential may stand beside it. What a token must look like:
//! [`crate::token`].
//!
//! **Order of work.** The form; the header: RS256, a `typ` that is accepted, no extension, a known
//! `kid`; the signature; only then the claims: `iss`, `aud`, `exp` (required), `nbf`, `sub`. A token
//! that was proved is remembered whole until newer ones need the room or the policy is read again;
//! `exp` and `nbf` are judged each time.
//!
//! **The caller** is the token's `client_id`, or its `sub` where it has none: buckets belong to that,
//! so that all tokens of a client draw on one. `X-Consumer-Id` is the `sub`; `X-Consumer-Scopes` are
//! `scope` (a text) and `permissions` (a list of texts) together, and any other type of these gives
//! nothing.
//!
//! **Replies.** Each 401 has `WWW-Authenticate: Bearer`, with `error="invalid_token"` when a token came
//! (RFC 6750, section 3.1).
//!
//! | what | reply |
//! |---|---|
//! | no `Authorization`, or another scheme | 401 `missing_token` |
//! | two of them, or `X-API-Key` beside it | 401 `ambiguous_credentials` |
//! | not three parts of plain base64url, or above 8 KiB | 401 `malformed_token` |
//! | a signature that fits, and a time that is over | 401 `expired_token` |
//! | anything else | 401 `invalid_token`; the log's note tells which |
//!
//! **Never used**: the header's `alg` to choose anything, and `jku`, `x5u`, `jwk` and `x5c` at all. A
//! header with `crit` or `b64` is refused.
//!
//! **Dangers.** A token that was stolen works until it expires: issue them for an hour at most. `JWT`
//! among `types` lets other tokens of the issuer in, such as ID tokens; the loader warns. The keys
//! are read when the policy is: after a change of the file, reload.

mod record;
#[cfg(test)]
mod tests;

use crate::caller::{Caller, Principal, Proof};
use crate::challenge::{self, refuse_token};
use crate::env::Env;
use crate::exchange::{Client, Exchange};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::{Head, ResponseHead};
use crate::key::KeyRecord;
use crate::limits::{
    LIST_ENTRIES_MAX, TOKEN_CACHE_BYTES, TOKEN_CACHE_BYTES_MAX, TOKEN_LEEWAY_S, TOKEN_LEEWAY_S_MAX,
};
use crate::names;
use crate::reply::{Reason, Reply};
use crate::token::{Cache, Expected, KeySet, Parsed, TokenError, Verifier};
use crate::units::{Duration, Size};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use record::Records;
use serde::Deserialize;
use std::sync::Arc;

/// The type of an access token (RFC 9068, section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// The configuration of `jwt`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The issuer, as tokens spell it.
    pub issuer: String,
    /// Who we are, as tokens spell it.
    pub audience: Vec<String>,
    /// Where the keys are: `file:PATH`.
    pub keys: String,
    /// The types of tokens that are accepted.
    #[serde(default = "default_types")]
    pub types: Vec<String>,
    /// How far the issuer's clock may be from ours, in whole seconds.
    #[serde(default = "default_leeway")]
    pub leeway: Duration,
    /// The claim that names the tier.
    #[serde(default = "default_tier_claim")]
    pub tier_claim: String,
    /// The tier of tokens that name none.
    #[serde(default)]
    pub tier: String,
    /// Memory for verified tokens.
    #[serde(default = "default_cache")]
    pub cache: Size,
}

/// The filter.
pub struct Jwt {
    verifier: Verifier,
    known: Cache<Arc<KeyRecord>>,
    records: Records,
}

fn default_types() -> Vec<String> {
    vec![ACCESS_TOKEN.to_owned()]
}

const fn default_leeway() -> Duration {
    Duration(std::time::Duration::from_secs(TOKEN_LEEWAY_S))
}

fn default_tier_claim() -> String {
    "tier".to_owned()
}

const fn default_cache() -> Size {
    Size(TOKEN_CACHE_BYTES)
}

impl Build for Jwt {
    const NAME: &'static str = "jwt";
    const SUMMARY: &'static str = "proves the caller by a bearer token";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn gives(_: &Config) -> Facts {
        Facts::PRINCIPAL
    }

    fn warnings(config: &Config) -> Vec<(&'static str, String)> {
        let other = config
            .types
            .iter()
            .find(|kind| !kind.eq_ignore_ascii_case(ACCESS_TOKEN));
        other
            .map(|other| {
                let sentence = format!(
                    "the type {other} is not that of access tokens alone: other tokens of the \
                     issuer may pass"
                );
                ("token-of-any-type", sentence)
            })
            .into_iter()
            .collect()
    }

    fn build(config: &Config, env: &Env) -> Result<Self, BuildError> {
        let leeway_s = judge(config)?;
        let wrong = |problem| {
            let hint = "name a JWKS, or PEM of one public key: `keys: file:PATH`";
            BuildError::new("keys", problem, hint)
        };
        let text = env.texts.read(&config.keys).map_err(wrong)?;
        let keys = KeySet::read(&text).map_err(|error| wrong(error.to_string()))?;
        let expected = Expected {
            issuer: config.issuer.clone(),
            audiences: config.audience.clone(),
            types: config.types.clone(),
            leeway_s,
            tier_claim: config.tier_claim.clone(),
        };
        Ok(Self {
            verifier: Verifier::new(keys, expected),
            known: Cache::new(config.cache.0),
            records: Records::new(&config.issuer, &config.tier),
        })
    }
}

impl Filter for Jwt {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        Step::Done(self.identify(x, &client.head()))
    }

    /// A 401 of the service behind tells how to authenticate, as ours do (RFC 9110, section 11.6.1).
    fn on_response(&self, x: &mut Exchange, head: &ResponseHead<'_>) {
        if head.status == 401 && head.first(&WWW_AUTHENTICATE).is_none() {
            x.response.set(&WWW_AUTHENTICATE, &challenge::BEARER);
        }
    }
}

impl Jwt {
    fn identify(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        let token = presented(head)?;
        let now_s = x.started.unix_s();
        let record = match self.known.find(token) {
            Some((lifetime, record)) => lifetime
                .judge(now_s, self.verifier.leeway_s())
                .map(|()| record),
            None => self.prove(token, now_s),
        };
        let record = record.map_err(refusal)?;
        x.caller = Caller::Known(Principal::new(record, &Proof::given()));
        Ok(())
    }

    fn prove(&self, token: &[u8], now_s: u64) -> Result<Arc<KeyRecord>, TokenError> {
        let parsed = Parsed::of(token)?;
        let claims = self.verifier.verify(&parsed, now_s)?;
        let record = Arc::new(self.records.of(&claims));
        self.known.put(token, claims.lifetime, Arc::clone(&record));
        Ok(record)
    }
}

/// What is wrong with a configuration that can be read; gives the leeway in seconds.
fn judge(config: &Config) -> Result<u64, BuildError> {
    let lists = [("audience", &config.audience), ("types", &config.types)];
    for (field, list) in lists {
        if list.is_empty() || list.len() > LIST_ENTRIES_MAX || list.iter().any(String::is_empty) {
            let problem = format!("not 1 to {LIST_ENTRIES_MAX} texts");
            return Err(BuildError::new(field, problem, ""));
        }
    }
    if config.issuer.is_empty() {
        return Err(BuildError::new(
            "issuer",
            "no issuer",
            "write it as `iss` has it",
        ));
    }
    let leeway = config.leeway.0;
    if leeway.subsec_nanos() != 0 || leeway.as_secs() > TOKEN_LEEWAY_S_MAX {
        return Err(BuildError::new(
            "leeway",
            format!("the leeway is not 0 to {TOKEN_LEEWAY_S_MAX} whole seconds"),
            format!("the usual is {TOKEN_LEEWAY_S}s"),
        ));
    }
    if config.cache.0 > TOKEN_CACHE_BYTES_MAX {
        return Err(BuildError::new(
            "cache",
            format!("more than {TOKEN_CACHE_BYTES_MAX} bytes"),
            "the usual is 32MiB",
        ));
    }
    Ok(leeway.as_secs())
}

/// The one token of a request (RFC 6750, section 2.1), in the field and nowhere else.
fn presented<'a>(head: &Head<'a>) -> Result<&'a [u8], Box<Reply>> {
    let authorization = head
        .single(&AUTHORIZATION)
        .map_err(|_| refuse_token(Reason::AmbiguousCredentials))?;
    let missing = || refuse_token(Reason::MissingToken);
    let authorization = authorization.ok_or_else(missing)?;
    if head.has(&names::API_KEY) {
        return Err(refuse_token(Reason::AmbiguousCredentials));
    }
    let end = authorization.iter().position(|&byte| byte == b' ');
    let (scheme, rest) = authorization.split_at(end.unwrap_or(authorization.len()));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(missing());
    }
    let start = rest.iter().take_while(|byte| **byte == b' ').count();
    Ok(&rest[start..])
}

/// One answer for most faults; only the log's note differs.
fn refusal(error: TokenError) -> Box<Reply> {
    let reason = match error {
        TokenError::TooLong | TokenError::Form => Reason::MalformedToken,
        TokenError::Expired => Reason::ExpiredToken,
        _ => Reason::InvalidToken,
    };
    refuse_token(reason).noting(error.as_str())
}
