//! Refusals of the filters that prove a caller: every 401 carries a challenge (RFC 9110, section
//! 11.6.1), spelled here once.

use crate::reply::{ErrorCode, Reason, Reply};
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;

/// The challenge of an API key: the one spelling of it. The scheme is ours; clients that know none ignore it.
pub const API_KEY: HeaderValue = HeaderValue::from_static("ApiKey realm=\"tidegate\"");

/// The challenge of a bearer token (RFC 6750, section 3).
pub const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"tidegate\"");

/// The same when a token came and is not good.
pub const BEARER_INVALID: HeaderValue =
    HeaderValue::from_static("Bearer error=\"invalid_token\", realm=\"tidegate\"");

/// A refusal; with the challenge when it is a 401.
#[must_use]
pub fn refuse(reason: Reason) -> Box<Reply> {
    challenged(reason, API_KEY)
}

/// The same where a bearer token is asked for. No error is named when no token came (RFC 6750,
/// section 3.1).
#[must_use]
pub fn refuse_token(reason: Reason) -> Box<Reply> {
    let of_token = matches!(
        reason,
        Reason::MalformedToken | Reason::InvalidToken | Reason::ExpiredToken
    );
    challenged(reason, if of_token { BEARER_INVALID } else { BEARER })
}

fn challenged(reason: Reason, challenge: HeaderValue) -> Box<Reply> {
    let reply = Reply::refuse(reason);
    match reason.code() {
        ErrorCode::Authentication => reply.with_field(WWW_AUTHENTICATE, challenge),
        _ => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_401_has_the_challenge_and_nothing_else_has() {
        for &reason in Reason::ALL {
            for refuse in [refuse, refuse_token] {
                let reply = refuse(reason);
                let challenged = reply
                    .fields
                    .iter()
                    .any(|(name, _)| *name == WWW_AUTHENTICATE);
                assert_eq!(challenged, reply.status == 401, "{}", reason.as_str());
            }
        }
    }
}
