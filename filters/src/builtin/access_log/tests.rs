//! The access log: every line is one line of JSON, and no secret is in it.

use super::*;
use crate::caller::{Claim, Principal, Proof};
use crate::exchange::{RequestId, RouteFacts};
use crate::key::Environment;
use crate::reply::Reason;
use crate::testing::{self, Fakes, key_record, key_text};
use proptest::prelude::*;
use serde_json::{Value, json};

fn outcome<'a>(target: &'a [u8]) -> Outcome<'a> {
    Outcome {
        status: 200,
        method: "GET",
        target,
        user_agent: None,
        request_bytes: 0,
        response_bytes: 0,
        duration_ns: 0,
        upstream_ns: None,
        upstream: None,
        cut: false,
        note: None,
    }
}

fn log(query: bool, x: &mut Exchange, outcome: &Outcome<'_>) -> Vec<u8> {
    let Fakes { env, lines, .. } = testing::fakes();
    let filter = AccessLog::build(&Config { query }, &env).unwrap();
    filter.on_log(x, outcome);
    let all = lines.all();
    assert_eq!(all.len(), 1);
    all.into_iter().next().unwrap()
}

fn parsed(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap()
}

#[test]
fn a_line_tells_what_is_known() {
    let mut x = testing::exchange();
    x.started.unix_ms += 45;
    x.route = Some(Arc::new(RouteFacts {
        name: "orders".into(),
        body_max: 0,
        keep_authorization: false,
        version: None,
    }));
    x.version = Some("1".into());
    x.refused = Some(Reason::UpstreamTimeout);
    let record = Arc::new(key_record(&key_text(Environment::Live, 7), 7));
    x.caller = Caller::Known(Principal::new(Arc::clone(&record), &Proof::given()));
    let full = Outcome {
        status: 504,
        method: "PATCH",
        user_agent: Some(b"curl/8.5.0"),
        request_bytes: 12,
        response_bytes: 345,
        duration_ns: 1_834_999,
        upstream_ns: Some(1_620_000),
        upstream: Some("[2001:db8::5]:8080".parse().unwrap()),
        cut: true,
        note: Some("no head within 5 s"),
        ..outcome(b"/api/v1/orders/1?a=b")
    };
    let expected = json!({
        "time": "2026-01-01T00:00:00.045Z", "requestId": "test-id", "method": "PATCH",
        "path": "/api/v1/orders/1", "status": 504, "reason": "upstream_timeout", "route": "orders",
        "keyId": "key_00000000000000000000000000000008", "consumer": "partner_7", "tier": "free", "client": "192.0.2.10",
        "version": "1", "bytesIn": 12, "bytesOut": 345, "durationUs": 1834, "upstreamUs": 1620,
        "upstream": "[2001:db8::5]:8080", "userAgent": "curl/8.5.0", "cut": true,
        "note": "no head within 5 s",
    });
    assert_eq!(parsed(&log(false, &mut x, &full)), expected);

    let mut x = testing::exchange();
    x.caller = Caller::Claimed(Claim {
        record: Some(record),
    });
    let expected = json!({
        "time": "2026-01-01T00:00:00.000Z", "requestId": "test-id", "method": "GET", "path": "/",
        "status": 200, "claimedKeyId": "key_00000000000000000000000000000008", "client": "192.0.2.10", "bytesIn": 0,
        "bytesOut": 0, "durationUs": 0,
    });
    assert_eq!(parsed(&log(false, &mut x, &outcome(b"/"))), expected);
}

#[test]
fn texts_are_escaped_for_json_and_for_eyes() {
    for (agent, written) in [
        (&b"plain"[..], "plain"),
        (b"a\"b\\c", r#"a\"b\\c"#),
        (b"a\r\nb\tc\0", r"a\u000d\u000ab\u0009c\u0000"),
        (b"\x1b[31mred\x7f", r"\u001b[31mred\u007f"),
        ("caf\u{e9} \u{1f30a}".as_bytes(), "caf\u{e9} \u{1f30a}"),
        (
            "\u{85}\u{2028}\u{202e}\u{feff}".as_bytes(),
            r"\u0085\u2028\u202e\ufeff",
        ),
        (b"caf\xe9!", r"caf\\xe9!"),
        (b"\xc0\xaf", r"\\xc0\\xaf"),
    ] {
        let outcome = Outcome {
            user_agent: Some(agent),
            ..outcome(b"/")
        };
        let line = log(false, &mut testing::exchange(), &outcome);
        let line = String::from_utf8(line).unwrap();
        let expected = format!("\"userAgent\":\"{written}\"}}");
        assert!(line.ends_with(&expected), "{line} should end in {expected}");
        serde_json::from_str::<Value>(&line).unwrap();
    }
}

#[test]
fn long_texts_are_cut() {
    for (length, kept) in [(255, 255), (256, 256), (257, 256), (100_000, 256)] {
        let agent = vec![b'a'; length];
        let target = [b"/".as_slice(), &vec![b'b'; length * 10]].concat();
        let outcome = Outcome {
            user_agent: Some(&agent),
            ..outcome(&target)
        };
        let line = parsed(&log(false, &mut testing::exchange(), &outcome));
        assert_eq!(line["userAgent"].as_str().unwrap().len(), kept, "{length}");
        assert!(line["path"].as_str().unwrap().len() <= LOGGED_PATH_BYTES_MAX);
    }
}

#[test]
fn targets_lose_what_is_private() {
    for (target, path, query) in [
        ("/a/b/", "/a/b/", None),
        ("*", "*", None),
        ("", "", None),
        ("/a?", "/a", None),
        ("/a?b=c&d", "/a", Some("b=c&d")),
        ("/a?b=c=d&&", "/a", Some("b=c=d&&")),
        (
            "/customers/jo@example.org/orders",
            "/customers/***/orders",
            None,
        ),
        ("/customers/jo%40example.org", "/customers/***", None),
        ("/keys/ak_live_0123/x", "/keys/***/x", None),
        ("/a?api_key=1&x=2", "/a", Some("api_key=***&x=2")),
        ("/a?API_KEY=1", "/a", Some("API_KEY=***")),
        ("/a?access_token=1", "/a", Some("access_token=***")),
        ("/a?%61pi_key=1", "/a", Some("%61pi_key=***")),
        (
            "/tasks/task_lists/eye/desk_1",
            "/tasks/task_lists/eye/desk_1",
            None,
        ),
        ("/sk_0123", "/***", None),
        (
            "/a?keyword=b&author=c&design=d",
            "/a",
            Some("keyword=b&author=c&design=d"),
        ),
        ("/a?token=", "/a", Some("token=")),
        ("/a?q=jo@example.org", "/a", Some("q=***")),
        ("/a?AK_LIVE_0123", "/a", Some("***")),
        ("/a?q=eyJhbGciOiJSUzI1NiJ9.e30.x", "/a", Some("q=***")),
    ] {
        for keep in [false, true] {
            let line = parsed(&log(
                keep,
                &mut testing::exchange(),
                &outcome(target.as_bytes()),
            ));
            assert_eq!(line["path"], path, "{target}");
            let shown = line.get("query").map(|value| value.as_str().unwrap());
            assert_eq!(shown, query.filter(|_| keep), "{target}");
        }
    }
}

#[test]
fn no_secret_of_a_key_reaches_a_line() {
    let text = key_text(Environment::Live, 4711);
    let secret = "sk_4711";
    let record = Arc::new(key_record(&text, 4711));
    for caller in [
        Caller::Known(Principal::new(Arc::clone(&record), &Proof::given())),
        Caller::Claimed(Claim {
            record: Some(record),
        }),
        Caller::Claimed(Claim { record: None }),
        Caller::Anonymous,
    ] {
        let mut x = testing::exchange();
        x.caller = caller;
        let target = format!("/{text}/{secret}?api_key={text}&s={secret}&{text}#{text}");
        let agent = format!("client with {text}");
        let outcome = Outcome {
            user_agent: Some(agent.as_bytes()),
            ..outcome(target.as_bytes())
        };
        let line = String::from_utf8(log(true, &mut x, &outcome)).unwrap();
        assert!(!line.contains(&text) && !line.contains(secret), "{line}");
        assert!(!line.contains(&text[8..]), "{line}");
    }
}

#[test]
fn only_queries_are_worth_a_warning() {
    assert!(AccessLog::warnings(&Config { query: false }).is_empty());
    assert_eq!(
        AccessLog::warnings(&Config { query: true })[0].0,
        "queries-in-log"
    );
    assert!(serde_json::from_str::<Config>(r#"{"headers": true}"#).is_err());
}

proptest! {
    #[test]
    fn every_line_is_one_line_of_json(
        target in prop::collection::vec(any::<u8>(), 0..300),
        agent in prop::collection::vec(any::<u8>(), 0..300),
        method in "\\PC{0,40}",
        note in ".{0,300}",
        consumer in ".{0,40}",
        query in any::<bool>(),
    ) {
        let mut x = testing::exchange();
        x.request_id = RequestId::from_client(b"id").unwrap();
        let mut record = key_record(&key_text(Environment::Test, 1), 1);
        record.consumer = consumer.as_str().into();
        x.caller = Caller::Known(Principal::new(Arc::new(record), &Proof::given()));
        let outcome = Outcome {
            user_agent: Some(&agent),
            method: &method,
            note: Some(&note),
            ..outcome(&target)
        };
        let line = log(query, &mut x, &outcome);
        let value: Value = serde_json::from_slice(&line).unwrap();
        let shown = if consumer.contains('@') { "***" } else { &consumer };
        prop_assert_eq!(value["consumer"].as_str(), Some(shown));
        prop_assert_eq!(value["status"].as_u64(), Some(200));
        let text = String::from_utf8(line).unwrap();
        prop_assert!(!text.chars().any(char::is_control));
        let separators = ['\u{2028}', '\u{2029}'];
        prop_assert!(!text.contains(separators));
    }
}
