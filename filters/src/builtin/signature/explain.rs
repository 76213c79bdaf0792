//! Why a sandbox key's signature did not fit (contract, section 6): what we signed, for comparison.
//!
//! Nothing here depends on a secret, or on whether the key exists.

use crate::head::Head;
use crate::key::Environment;
use crate::names;
use crate::reply::{Detail, Reply};
use crate::signing::{Signed, Verified, v1_text};

/// Adds the explanation when the shown key is a sandbox key.
pub(super) fn for_sandbox(
    reply: Box<Reply>,
    head: &Head<'_>,
    signed: &Signed<'_>,
    verified: &Verified,
) -> Box<Reply> {
    let prefix = Environment::Test.prefix().as_bytes();
    let sandbox = head
        .first(&names::API_KEY)
        .is_some_and(|key| key.starts_with(prefix));
    if !sandbox {
        return reply;
    }
    let reply = reply.with_detail("bodyBytes", Detail::Number(verified.body_length));
    match &verified.body_hex {
        Some(body_hex) => {
            let text = String::from_utf8_lossy(&v1_text(signed, body_hex)).into_owned();
            reply
                .with_detail("bodySha256", Detail::Text(lossy(body_hex)))
                .with_detail("stringToSign", Detail::Text(text))
                .with_detail("likelyMistake", Detail::Name(V1_MISTAKES))
        }
        None => {
            let text = format!(
                "<the {} bytes of the body>{}",
                verified.body_length, signed.timestamp
            );
            reply
                .with_detail("stringToSign", Detail::Text(text))
                .with_detail("likelyMistake", Detail::Name(BODY_TIMESTAMP_MISTAKES))
        }
    }
}

const V1_MISTAKES: &str = "compare stringToSign line by line with what you signed: the path and the \
     query are signed as they are sent, the body's hash is over the bytes that are sent, and the \
     secret is used as text";

const BODY_TIMESTAMP_MISTAKES: &str = "sign the bytes that are sent, then the text of X-Timestamp, \
     with nothing between; the secret is used as text";

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
