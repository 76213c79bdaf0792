//! The error envelope: the contract's, section 6, or RFC 9457's for a client that prefers it.

use super::{Detail, Reply};
use crate::calendar::Civil;
use crate::clock::Now;

/// What the envelope tells beside the reply itself.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// When the reply was made.
    pub now: Now,
    /// The base of documentation links, without a slash at the end.
    pub documentation: &'a str,
    /// The client prefers `application/problem+json`.
    pub problem: bool,
}

/// A rendered body and its media type.
pub struct Body {
    /// `Content-Type`.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Renders a reply's body; empty for a reply that is no error.
#[must_use]
pub fn render(reply: &Reply, facts: &Facts<'_>) -> Body {
    let Some(reason) = reply.reason else {
        return Body {
            media_type: "application/json",
            bytes: Vec::new(),
        };
    };
    let mut details = serde_json::Map::new();
    details.insert("reason".into(), reason.as_str().into());
    for (name, detail) in &reply.details {
        let value = match detail {
            Detail::Name(text) => (*text).into(),
            Detail::Text(text) => text.as_str().into(),
            Detail::Number(number) => (*number).into(),
        };
        details.insert((*name).into(), value);
    }
    let link = format!(
        "{}/errors/{}",
        facts.documentation,
        reason.as_str().replace('_', "-")
    );
    let timestamp = rfc3339(facts.now);
    let mut object = serde_json::Map::new();
    if facts.problem {
        // RFC 9457, section 3: `status` equals the real one; the rest are extension members.
        object.insert("type".into(), link.into());
        object.insert("title".into(), reason.code().as_str().into());
        object.insert("status".into(), reply.status.into());
        object.insert("detail".into(), reply.message.as_ref().into());
        if let Some(seconds) = reply.retry_after_s {
            object.insert("retryAfter".into(), seconds.into());
        }
        object.insert("details".into(), details.into());
        object.insert("requestId".into(), facts.request_id.into());
        object.insert("timestamp".into(), timestamp.into());
        return Body {
            media_type: "application/problem+json",
            bytes: to_bytes(object),
        };
    }
    let mut error = serde_json::Map::new();
    error.insert("code".into(), reason.code().as_str().into());
    error.insert("message".into(), reply.message.as_ref().into());
    if let Some(seconds) = reply.retry_after_s {
        error.insert("retryAfter".into(), seconds.into());
    }
    error.insert("details".into(), details.into());
    error.insert("documentationUrl".into(), link.into());
    let mut meta = serde_json::Map::new();
    meta.insert("requestId".into(), facts.request_id.into());
    meta.insert("timestamp".into(), timestamp.into());
    object.insert("error".into(), error.into());
    object.insert("meta".into(), meta.into());
    Body {
        media_type: "application/json",
        bytes: to_bytes(object),
    }
}

fn to_bytes(object: serde_json::Map<String, serde_json::Value>) -> Vec<u8> {
    serde_json::Value::Object(object).to_string().into_bytes()
}

/// RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn rfc3339(now: Now) -> String {
    Civil::of(now).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Reason;

    fn facts(problem: bool) -> Facts<'static> {
        Facts {
            request_id: "r1",
            now: Now {
                monotonic_ns: 0,
                unix_ms: 1_767_225_600_123,
            },
            documentation: "https://docs.example",
            problem,
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        for (unix_s, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(
                rfc3339(Now {
                    monotonic_ns: 0,
                    unix_ms: unix_s * 1000
                }),
                text
            );
        }
    }

    #[test]
    fn the_envelope_is_the_contracts() {
        let reply = Reply::refuse(Reason::BurstExceeded)
            .saying("rate limit of 100 requests per minute exceeded")
            .with_detail("policy", Detail::Text("burst".into()))
            .with_detail("limit", Detail::Number(100))
            .retry_after(12);
        let body = render(&reply, &facts(false));
        let value: serde_json::Value = serde_json::from_slice(&body.bytes).unwrap();
        let expected = serde_json::json!({
            "error": {
                "code": "RATE_LIMIT_EXCEEDED",
                "message": "rate limit of 100 requests per minute exceeded",
                "retryAfter": 12,
                "details": {"reason": "burst_exceeded", "policy": "burst", "limit": 100},
                "documentationUrl": "https://docs.example/errors/burst-exceeded"
            },
            "meta": {"requestId": "r1", "timestamp": "2026-01-01T00:00:00Z"}
        });
        assert_eq!(value, expected);
        assert_eq!(body.media_type, "application/json");
    }

    #[test]
    fn a_problem_tells_the_same_facts() {
        let reply = Reply::refuse(Reason::NoRoute);
        let body = render(&reply, &facts(true));
        let value: serde_json::Value = serde_json::from_slice(&body.bytes).unwrap();
        assert_eq!(value["status"], 404);
        assert_eq!(value["details"]["reason"], "no_route");
        assert_eq!(value["requestId"], "r1");
        assert_eq!(body.media_type, "application/problem+json");
    }
}
