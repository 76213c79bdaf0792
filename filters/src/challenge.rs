//! Refusals of the filters that prove a caller: every 401 carries a challenge (RFC 9110, section
//! 11.6.1), spelled here once.

use crate::reply::{ErrorCode, Reason, Reply};
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;

/// The challenge of an API key: the one spelling of it. The scheme is ours; clients that know none ignore it.
pub const API_KEY: HeaderValue = HeaderValue::from_static("ApiKey realm=\"tidegate\"");

/// A refusal; with the challenge when it is a 401.
#[must_use]
pub fn refuse(reason: Reason) -> Box<Reply> {
    let reply = Reply::refuse(reason);
    match reason.code() {
        ErrorCode::Authentication => reply.with_field(WWW_AUTHENTICATE, API_KEY),
        _ => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_401_has_the_challenge_and_nothing_else_has() {
        for &reason in Reason::ALL {
            let reply = refuse(reason);
            let challenged = reply
                .fields
                .iter()
                .any(|(name, _)| *name == WWW_AUTHENTICATE);
            assert_eq!(challenged, reply.status == 401, "{}", reason.as_str());
        }
    }
}
