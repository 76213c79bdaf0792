//! `rate_limit`: how often a caller, or an address, may ask (FR-016 to FR-018; contract, section 5).
//!
//! ```yaml
//! # below `signature`: the caller's own limits, or those of its tier
//! - rate_limit: {}
//!
//! # above `api_key`: everybody behind one address, before it is known who they are
//! - rate_limit:
//!     by: address
//!     name: edge                     # limits of the same name are one limit
//!     policies: { burst: 600/min }
//!     failures: 20/min               # failed authentications
//! ```
//!
//! Token buckets ([`crate::quota`]): one request takes one token from every policy, or none from any;
//! a refused request costs nothing.
//!
//! **By caller.** The bucket is the key's: path, query, method, version and address choose no other,
//! and only proved callers have one, so nobody spends another's. A tier that the policy file declares
//! unlimited is let through without fields. A tier that it does not declare is refused, never
//! unlimited.
//!
//! **By address.** The address is the client's as the trusted proxies tell it, IPv6 by /64. `failures`
//! counts answers of 401 of ours; while that bucket is empty, *every* request of the address is
//! refused before its credentials are looked at, so that guessing gets slower, too. Refused requests
//! are no failures; a token comes back every so often (3 s of 20/min), whoever is quick has it.
//!
//! **Replies.**
//!
//! | what | reply |
//! |---|---|
//! | the policy `burst` has no token | 429 `burst_exceeded` |
//! | another policy has none | 429 `quota_exceeded` |
//! | by address: a policy has none | 429 `address_limit_exceeded` |
//! | too many failures | 429 `too_many_failures` |
//! | the tier is not declared, or the key's own limits make no sense | 503 `tier_unknown`, `Retry-After: 60` |
//!
//! `details` has `policy`, `limit` and `windowSeconds`. `Retry-After` is the time to the next token of
//! the policies that refused: a client that sleeps that long succeeds, if it asks alone.
//!
//! **Fields**, by caller on every answer, the upstream's errors too; by address only on its own 429
//! (nobody's state is shown to strangers); all from one decision:
//! `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix seconds, when all tokens are back) tell of the
//! tightest policy, `RateLimit-Policy` and `RateLimit` of all (draft-ietf-httpapi-ratelimit-headers):
//! `r` is what is left, `t` the seconds to the next token.
//!
//! **Dangers.** Many partners behind one address (an office, a mobile network) share what is limited
//! by address: be generous there. A bucket of N an hour lets just under 2 N pass in its first hour.

mod config;
mod fields;
#[cfg(test)]
mod tests;

pub use config::{By, Config};

use crate::address::Neighbourhood;
use crate::caller::Principal;
use crate::challenge::refuse;
use crate::edits::Value;
use crate::env::Env;
use crate::exchange::{Client, Exchange, Outcome};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::ResponseHead;
use crate::quota::{Decision, LimitName, Owner, Policies, Quotas};
use crate::reply::{Detail, ErrorCode, Reason, Reply};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An answer of 503 says when to come again (contract, section 1): by then whoever mends the key or
/// the policy file is heard of.
const TIER_RETRY_AFTER_S: u32 = 60;

/// The name of the one policy of `failures`.
const FAILURES: &str = "failures";

/// The filter.
pub struct RateLimit {
    quotas: Arc<Quotas>,
    limit: Limit,
}

/// What is limited.
enum Limit {
    Caller(BTreeMap<String, Tier>),
    Address(AddressLimit),
}

/// A tier of the policy file.
enum Tier {
    Unlimited,
    Limited {
        policies: Policies,
        /// `RateLimit-Policy`, which is the same for all of the tier.
        field: Value,
    },
}

/// What everybody behind one address may do.
struct AddressLimit {
    requests: Option<(LimitName, Policies)>,
    failures: Option<(LimitName, Policies)>,
}

impl Build for RateLimit {
    const NAME: &'static str = "rate_limit";
    const SUMMARY: &'static str = "limits how often a caller, or an address, may ask";
    type Config = Config;

    fn needs(config: &Config) -> Facts {
        match config.by {
            By::Caller => Facts::HYGIENE | Facts::PRINCIPAL,
            By::Address => Facts::HYGIENE,
        }
    }

    fn build(config: &Config, env: &Env) -> Result<Self, BuildError> {
        let limit = match config.by {
            By::Caller => {
                config.refuse_for_callers()?;
                Limit::Caller(tiers(env)?)
            }
            By::Address => Limit::Address(address_limit(config)?),
        };
        Ok(Self {
            quotas: Arc::clone(&env.quotas),
            limit,
        })
    }
}

impl Filter for RateLimit {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, _: &'a mut dyn Client) -> Step<'a> {
        Step::Done(match &self.limit {
            Limit::Caller(tiers) => self.judge_caller(x, tiers),
            Limit::Address(limit) => self.judge_address(x, limit),
        })
    }

    fn on_response(&self, x: &mut Exchange, _: &ResponseHead<'_>) {
        let by_address = matches!(self.limit, Limit::Address(_));
        if by_address && x.refused != Some(Reason::AddressLimitExceeded) {
            return;
        }
        if let Some(decision) = &x.quota {
            let policy = self.prepared_field(decision);
            fields::set(&mut x.response, decision, policy, x.started);
        }
    }

    fn on_log(&self, x: &mut Exchange, _: &Outcome<'_>) {
        let Limit::Address(AddressLimit {
            failures: Some((name, policies)),
            ..
        }) = &self.limit
        else {
            return;
        };
        let failed = |reason: Reason| reason.code() == ErrorCode::Authentication;
        if x.refused.is_some_and(failed) {
            let owner = Owner::Address(*name, Neighbourhood::of(x.client));
            // An empty bucket takes no more, and need not.
            let _ = self.quotas.take(&owner, policies, x.started.monotonic_ns);
        }
    }
}

impl RateLimit {
    fn judge_caller(&self, x: &mut Exchange, tiers: &BTreeMap<String, Tier>) -> Verdict {
        // The loader sees to it that a filter above proves the caller.
        let Some(principal) = x.caller.principal() else {
            return Err(refuse(Reason::MissingCredentials));
        };
        let owner = Owner::Key(principal.record().number);
        let own;
        let policies = match limits_of(principal, tiers)? {
            Limits::None => return Ok(()),
            Limits::Tier(policies) => policies,
            Limits::Own(policies) => {
                own = policies;
                &own
            }
        };
        let decision = self.quotas.take(&owner, policies, x.started.monotonic_ns);
        let verdict = match decision.refused_by() {
            None => Ok(()),
            Some(("burst", _)) => Err(exceeded(Reason::BurstExceeded, &decision)),
            Some(_) => Err(exceeded(Reason::QuotaExceeded, &decision)),
        };
        x.quota = Some(decision);
        verdict
    }

    fn judge_address(&self, x: &mut Exchange, limit: &AddressLimit) -> Verdict {
        let group = Neighbourhood::of(x.client);
        let now_ns = x.started.monotonic_ns;
        if let Some((name, policies)) = &limit.failures {
            let owner = Owner::Address(*name, group);
            if let Some(decision) = self.quotas.refusal(&owner, policies, now_ns) {
                return Err(exceeded(Reason::TooManyFailures, &decision)
                    .saying(Reason::TooManyFailures.message()));
            }
        }
        if let Some((name, policies)) = &limit.requests {
            let owner = Owner::Address(*name, group);
            if let Err(decision) = self.quotas.pass(&owner, policies, now_ns) {
                let reply = exceeded(Reason::AddressLimitExceeded, &decision);
                x.quota = Some(decision);
                return Err(reply);
            }
        }
        Ok(())
    }

    /// The field that was made at load, if the decision is one of a tier's policies.
    fn prepared_field(&self, decision: &Decision) -> Option<&Value> {
        let Limit::Caller(tiers) = &self.limit else {
            return None;
        };
        tiers.values().find_map(|tier| match tier {
            Tier::Limited { policies, field } if policies.is_same(decision.policies()) => {
                Some(field)
            }
            _ => None,
        })
    }
}

/// What holds for one caller.
enum Limits<'a> {
    None,
    Tier(&'a Policies),
    Own(Policies),
}

fn limits_of<'a>(
    principal: &Principal,
    tiers: &'a BTreeMap<String, Tier>,
) -> Result<Limits<'a>, Box<Reply>> {
    let record = principal.record();
    if let Some(list) = &record.rare.limits {
        return match Policies::new(Arc::clone(list)) {
            Ok(policies) => Ok(Limits::Own(policies)),
            Err(error) => {
                let note = format!("the limits of {}: {error}", record.id());
                Err(refuse(Reason::TierUnknown)
                    .retry_after(TIER_RETRY_AFTER_S)
                    .noting(note))
            }
        };
    }
    match tiers.get(&*record.tier) {
        Some(Tier::Unlimited) => Ok(Limits::None),
        Some(Tier::Limited { policies, .. }) => Ok(Limits::Tier(policies)),
        None => {
            let note = format!("{} has the tier {:?}", record.id(), record.tier);
            Err(refuse(Reason::TierUnknown)
                .retry_after(TIER_RETRY_AFTER_S)
                .noting(note))
        }
    }
}

/// A 429 that tells which policy refused, and for how long.
fn exceeded(reason: Reason, decision: &Decision) -> Box<Reply> {
    let Some((name, state)) = decision.refused_by() else {
        return refuse(reason);
    };
    let seconds = u32::try_from(state.next_s).unwrap_or(u32::MAX);
    let limit = state.limit.to_string();
    let requests = match state.limit {
        1 => " request per ",
        _ => " requests per ",
    };
    let window = match state.window_s {
        1 => Cow::Borrowed("second"),
        60 => Cow::Borrowed("minute"),
        3600 => Cow::Borrowed("hour"),
        86_400 => Cow::Borrowed("day"),
        other => Cow::Owned(format!("{other} seconds")),
    };
    refuse(reason)
        .saying(["rate limit of ", &limit, requests, &window, " exceeded"].concat())
        .with_detail("policy", Detail::Text(name.to_owned()))
        .with_detail("limit", Detail::Number(state.limit.into()))
        .with_detail("windowSeconds", Detail::Number(state.window_s.into()))
        .retry_after(seconds)
}

fn tiers(env: &Env) -> Result<BTreeMap<String, Tier>, BuildError> {
    let mut tiers = BTreeMap::new();
    for (name, list) in &env.site.tiers {
        let tier = match list {
            None => Tier::Unlimited,
            Some(list) => {
                let policies = Policies::new(Arc::clone(list)).map_err(|error| {
                    BuildError::new("", format!("the tier {name:?}: {error}"), "")
                })?;
                let field = fields::policy_field(&policies);
                Tier::Limited { policies, field }
            }
        };
        tiers.insert(name.clone(), tier);
    }
    Ok(tiers)
}

fn address_limit(config: &Config) -> Result<AddressLimit, BuildError> {
    let policies = config.policies()?;
    let failures = match config.failures {
        None => None,
        Some(rate) => {
            let list = Arc::new([(FAILURES.to_owned(), rate)]);
            let policies = Policies::new(list).expect("one policy of a fixed name is sound");
            // A slash is in no name, so that the two never meet.
            let name = LimitName::new(&format!("{}/{FAILURES}", config.name()?));
            Some((name, policies))
        }
    };
    if policies.is_none() && failures.is_none() {
        return Err(BuildError::new(
            "policies",
            "a limit by address limits nothing",
            "give it policies, such as { burst: 600/min }, or failures: 20/min",
        ));
    }
    let name = LimitName::new(config.name()?);
    Ok(AddressLimit {
        requests: policies.map(|policies| (name, policies)),
        failures,
    })
}
