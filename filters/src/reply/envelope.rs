//! The error envelope: the contract's, section 6, or RFC 9457's for a client that prefers it.

use super::json::{name, number, piece, put, text};
use super::{Detail, Reason, Reply};
use crate::calendar::Civil;
use crate::clock::Now;
use crate::digits::pair;
use crate::exchange::RequestId;
use smallvec::SmallVec;

/// Bytes that are made ready for a body; more are found when they are needed.
const BODY_BYTES_COMMON: usize = 512;

/// What the envelope tells beside the reply itself.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The request's id: nothing in it needs an escape.
    pub request_id: &'a RequestId,
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
///
/// Members stand in the order of the alphabet.
#[must_use]
pub fn render(reply: &Reply, facts: &Facts<'_>) -> Body {
    let Some(reason) = reply.reason else {
        return Body {
            media_type: "application/json",
            bytes: Vec::new(),
        };
    };
    let mut bytes = Vec::with_capacity(BODY_BYTES_COMMON);
    let media_type = if facts.problem {
        write_problem(&mut bytes, reply, reason, facts);
        "application/problem+json"
    } else {
        write_envelope(&mut bytes, reply, reason, facts);
        "application/json"
    };
    Body { media_type, bytes }
}

/// The contract's, section 6.
fn write_envelope(out: &mut Vec<u8>, reply: &Reply, reason: Reason, facts: &Facts<'_>) {
    put(out, r#"{"error":{"code":""#);
    put(out, reason.code().as_str());
    put(out, r#"","details":"#);
    write_details(out, reply, reason);
    put(out, r#","documentationUrl":"#);
    write_link(out, facts, reason);
    put(out, r#","message":"#);
    text(out, &reply.message);
    write_retry_after(out, reply);
    put(out, r#"},"meta":{"requestId":""#);
    out.extend_from_slice(facts.request_id.value().as_bytes());
    put(out, r#"","timestamp":""#);
    out.extend_from_slice(&timestamp(facts.now));
    put(out, r#""}}"#);
}

/// RFC 9457, section 3: `status` equals the real one; what it does not name are extension members.
fn write_problem(out: &mut Vec<u8>, reply: &Reply, reason: Reason, facts: &Facts<'_>) {
    put(out, r#"{"detail":"#);
    text(out, &reply.message);
    put(out, r#","details":"#);
    write_details(out, reply, reason);
    put(out, r#","requestId":""#);
    out.extend_from_slice(facts.request_id.value().as_bytes());
    out.push(b'"');
    write_retry_after(out, reply);
    put(out, r#","status":"#);
    number(out, reply.status.into());
    put(out, r#","timestamp":""#);
    out.extend_from_slice(&timestamp(facts.now));
    put(out, r#"","title":""#);
    put(out, reason.code().as_str());
    put(out, r#"","type":"#);
    write_link(out, facts, reason);
    put(out, "}");
}

/// The reason and what the reply tells beside it; of equal names the last one counts.
fn write_details(out: &mut Vec<u8>, reply: &Reply, reason: Reason) {
    let reason = Detail::Name(reason.as_str());
    let mut members = SmallVec::<[(&'static str, &Detail); 8]>::new();
    members.push(("reason", &reason));
    for (name, detail) in &reply.details {
        // There are few, and a search from the front has the fewest steps.
        let at = members.iter().position(|(other, _)| other >= name);
        match at {
            Some(at) if members[at].0 == *name => members[at].1 = detail,
            Some(at) => members.insert(at, (name, detail)),
            None => members.push((name, detail)),
        }
    }
    let mut before = b'{';
    for (member, detail) in members {
        out.push(before);
        name(out, member);
        match detail {
            Detail::Name(given) => text(out, given),
            Detail::Text(given) => text(out, given),
            Detail::Number(given) => number(out, *given),
        }
        before = b',';
    }
    out.push(b'}');
}

/// The page of a reason, spelled with hyphens as links are.
fn write_link(out: &mut Vec<u8>, facts: &Facts<'_>, reason: Reason) {
    out.push(b'"');
    piece(out, facts.documentation);
    put(out, "/errors/");
    let page = out.len();
    put(out, reason.as_str());
    for byte in &mut out[page..] {
        // Without a branch, so that many bytes are looked at at once.
        *byte = if *byte == b'_' { b'-' } else { *byte };
    }
    out.push(b'"');
}

fn write_retry_after(out: &mut Vec<u8>, reply: &Reply) {
    if let Some(seconds) = reply.retry_after_s {
        put(out, r#","retryAfter":"#);
        number(out, seconds.into());
    }
}

/// RFC 3339 in UTC, whole seconds; of years with four digits.
fn timestamp(now: Now) -> [u8; 20] {
    let date = Civil::of(now);
    let mut text = *b"0000-00-00T00:00:00Z";
    let second = date.second_of_day;
    for (at, number) in [
        (0, date.year / 100),
        (2, date.year),
        (5, date.month),
        (8, date.day),
        (11, second / 3600),
        (14, second / 60 % 60),
        (17, second % 60),
    ] {
        text[at..at + 2].copy_from_slice(&pair(number));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn id(text: &str) -> RequestId {
        RequestId::from_client(text.as_bytes()).unwrap()
    }

    fn facts(request_id: &RequestId, problem: bool) -> Facts<'_> {
        Facts {
            request_id,
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
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let now = Now {
                monotonic_ns: 0,
                unix_ms: unix_s * 1000 + 999,
            };
            assert_eq!(timestamp(now), text.as_bytes());
        }
    }

    #[test]
    fn the_envelope_is_the_contracts() {
        let reply = Reply::refuse(Reason::BurstExceeded)
            .saying("rate limit of 100 requests per minute exceeded")
            .with_detail("policy", Detail::Text("burst".into()))
            .with_detail("limit", Detail::Number(100))
            .retry_after(12);
        let body = render(&reply, &facts(&id("r1"), false));
        let value: Value = serde_json::from_slice(&body.bytes).unwrap();
        let expected = json!({
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
        let body = render(&reply, &facts(&id("r1"), true));
        let value: Value = serde_json::from_slice(&body.bytes).unwrap();
        assert_eq!(value["status"], 404);
        assert_eq!(value["details"]["reason"], "no_route");
        assert_eq!(value["requestId"], "r1");
        assert_eq!(body.media_type, "application/problem+json");
    }

    /// The body as a tree of `serde_json`, whose members stand in the order of the alphabet.
    fn tree(reply: &Reply, facts: &Facts<'_>) -> BTreeMap<&'static str, Value> {
        let reason = reply.reason.unwrap();
        let mut details = BTreeMap::from([("reason", json!(reason.as_str()))]);
        details.extend(reply.details.iter().map(|(name, detail)| {
            let value = match detail {
                Detail::Name(text) => json!(text),
                Detail::Text(text) => json!(text),
                Detail::Number(number) => json!(number),
            };
            (*name, value)
        }));
        let page = reason.as_str().replace('_', "-");
        let page = json!(format!("{}/errors/{page}", facts.documentation));
        let timestamp = json!("2026-01-01T00:00:00Z");
        let mut error = BTreeMap::from([("details", json!(details))]);
        if let Some(seconds) = reply.retry_after_s {
            error.insert("retryAfter", json!(seconds));
        }
        if facts.problem {
            error.extend([
                ("detail", json!(reply.message)),
                ("requestId", json!(facts.request_id.as_str())),
                ("status", json!(reply.status)),
                ("timestamp", timestamp),
                ("title", json!(reason.code().as_str())),
                ("type", page),
            ]);
            return error;
        }
        error.extend([
            ("code", json!(reason.code().as_str())),
            ("documentationUrl", page),
            ("message", json!(reply.message)),
        ]);
        let meta = BTreeMap::from([
            ("requestId", json!(facts.request_id.as_str())),
            ("timestamp", timestamp),
        ]);
        BTreeMap::from([("error", json!(error)), ("meta", json!(meta))])
    }

    fn details() -> impl Strategy<Value = Vec<(&'static str, Detail)>> {
        // Also a name that comes twice, and the reason's own.
        let name = select(vec![
            "limit",
            "policy",
            "reason",
            "windowSeconds",
            "fault",
            "",
        ]);
        let detail = prop_oneof![
            select(vec!["fixed", "fi\\xed"]).prop_map(Detail::Name),
            any::<String>().prop_map(Detail::Text),
            any::<u64>().prop_map(Detail::Number),
        ];
        vec((name, detail), 0..12)
    }

    proptest! {
        #[test]
        fn every_byte_is_that_of_serde_json(
            reason in select(Reason::ALL),
            message in any::<Option<String>>(),
            details in details(),
            retry_after_s in any::<Option<u32>>(),
            request_id in "[A-Za-z0-9._-]{1,128}",
            documentation in any::<String>(),
            problem in any::<bool>(),
        ) {
            let mut reply = Reply::refuse(reason);
            if let Some(message) = message {
                reply = reply.saying(message);
            }
            reply.details = details;
            reply.retry_after_s = retry_after_s;
            let request_id = id(&request_id);
            let facts = Facts {
                documentation: &documentation,
                ..facts(&request_id, problem)
            };
            let expected = serde_json::to_string(&tree(&reply, &facts)).unwrap();
            let body = String::from_utf8(render(&reply, &facts).bytes).unwrap();
            prop_assert_eq!(body, expected);
        }
    }
}
