//! CORS as tables: who is granted what, and what is refused at load.

use super::*;
use crate::testing::{self, FakeClient, FieldList, edited, judge, word};
use http::HeaderMap;

const NAMED: &str = r#"{"origins": ["https://app.example", "http://localhost:5173"]}"#;
const WITH_CREDENTIALS: &str = r#"{"origins": ["https://app.example"], "credentials": true, "max_age": "1h", "methods": ["GET"]}"#;
const ANY: &str = r#"{"origins": ["*"]}"#;

fn filter(config: &str) -> Cors {
    Cors::build(&serde_json::from_str(config).unwrap(), &testing::env()).unwrap()
}

/// The verdict, and what the client gets on top of these fields of the answer.
fn ask(config: &str, mut client: FakeClient, answer: &[(&str, &str)]) -> (String, HeaderMap) {
    let mut x = testing::exchange();
    let verdict = judge(&filter(config), &mut x, &mut client);
    let mut fields = FieldList::of(answer);
    if let Err(reply) = &verdict {
        for (name, value) in &reply.fields {
            fields.push(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    (word(&verdict), edited(&fields, &x.response))
}

fn preflight(origin: &str) -> FakeClient {
    FakeClient::new("OPTIONS", "/")
        .field("Origin", origin)
        .field("Access-Control-Request-Method", "DELETE")
        .field("Access-Control-Request-Headers", "x-evil")
}

fn value<'a>(map: &'a HeaderMap, name: &str) -> Option<&'a str> {
    map.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn an_origin_is_granted_by_exact_match() {
    for (config, origin, grant, varies) in [
        (
            NAMED,
            "https://app.example",
            Some("https://app.example"),
            true,
        ),
        (
            NAMED,
            "http://localhost:5173",
            Some("http://localhost:5173"),
            true,
        ),
        (NAMED, "http://localhost:5174", None, true),
        (NAMED, "http://app.example", None, true),
        (NAMED, "https://app.example:443", None, true),
        (NAMED, "https://app.example:8443", None, true),
        (NAMED, "https://app.example.evil", None, true),
        (NAMED, "https://evilapp.example", None, true),
        (NAMED, "https://a.app.example", None, true),
        (NAMED, "https://APP.example", None, true),
        (NAMED, "https://app.example/", None, true),
        (
            NAMED,
            "https://app.example, https://evil.example",
            None,
            true,
        ),
        (NAMED, "null", None, true),
        (NAMED, "*", None, true),
        (NAMED, "", None, true),
        (ANY, "https://any.example", Some("*"), false),
        (ANY, "null", None, false),
    ] {
        let client = FakeClient::get("/").field("Origin", origin);
        let (verdict, map) = ask(config, client, &[]);
        assert_eq!(verdict, "ok", "{origin}");
        assert_eq!(
            value(&map, "access-control-allow-origin"),
            grant,
            "{origin}"
        );
        assert_eq!(
            map.contains_key("access-control-expose-headers"),
            grant.is_some()
        );
        assert_eq!(value(&map, "vary"), varies.then_some("Origin"), "{origin}");

        let (verdict, map) = ask(config, preflight(origin), &[]);
        let expected = if grant.is_some() {
            "204"
        } else {
            "origin_not_allowed"
        };
        assert_eq!(verdict, expected, "{origin}");
        assert_eq!(
            value(&map, "access-control-allow-origin"),
            grant,
            "{origin}"
        );
        assert_eq!(
            map.contains_key("access-control-allow-methods"),
            grant.is_some()
        );
    }
}

#[test]
fn a_preflight_gets_the_configured_lists_and_never_an_echo() {
    let (_, map) = ask(WITH_CREDENTIALS, preflight("https://app.example"), &[]);
    assert_eq!(value(&map, "access-control-allow-methods"), Some("GET"));
    let headers = value(&map, "access-control-allow-headers").unwrap();
    assert!(headers.contains("Authorization") && !headers.contains("evil"));
    assert_eq!(value(&map, "access-control-max-age"), Some("3600"));
    assert_eq!(
        value(&map, "access-control-allow-credentials"),
        Some("true")
    );
    let (_, map) = ask(NAMED, preflight("https://app.example"), &[]);
    assert_eq!(value(&map, "access-control-max-age"), Some("600"));
    assert!(!map.contains_key("access-control-allow-credentials"));
}

#[test]
fn other_requests_pass_and_the_upstream_has_no_say() {
    let upstream = &[
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-Secret"),
        ("Vary", "Accept"),
    ];
    let (verdict, map) = ask(NAMED, FakeClient::get("/"), upstream);
    assert_eq!(verdict, "ok");
    assert!(
        !map.keys()
            .any(|name| name.as_str().starts_with("access-control"))
    );
    let vary: Vec<_> = map.get_all(VARY).iter().collect();
    assert_eq!(vary, ["Accept", "Origin"]);

    let client = FakeClient::get("/").field("Origin", "https://app.example");
    let (_, map) = ask(NAMED, client, upstream);
    assert_eq!(map.get_all("access-control-allow-origin").iter().count(), 1);
    assert!(!map.contains_key("access-control-allow-credentials"));
    let exposed = value(&map, "access-control-expose-headers").unwrap();
    for name in ["X-RateLimit-Limit", "Retry-After", "X-Request-Id"] {
        assert!(exposed.contains(name), "{name}");
    }

    // OPTIONS that asks for no method is nobody's preflight.
    let plain = FakeClient::new("OPTIONS", "/").field("Origin", "https://app.example");
    assert_eq!(ask(NAMED, plain, &[]).0, "ok");
    let no_origin = FakeClient::new("OPTIONS", "/").field("Access-Control-Request-Method", "GET");
    assert_eq!(ask(NAMED, no_origin, &[]).0, "ok");
}

#[test]
fn what_would_open_too_much_is_refused_at_load() {
    for (config, field) in [
        (r#"{"origins": []}"#, "origins"),
        (r#"{"origins": ["*"], "credentials": true}"#, "origins"),
        (r#"{"origins": ["*", "https://a.example"]}"#, "origins"),
        (r#"{"origins": ["null"]}"#, "origins"),
        (r#"{"origins": ["a.example"]}"#, "origins"),
        (r#"{"origins": ["https://a.example/"]}"#, "origins"),
        (r#"{"origins": ["https://A.example"]}"#, "origins"),
        (r#"{"origins": ["https://*.example"]}"#, "origins"),
        (r#"{"origins": ["https://a.example:443"]}"#, "origins"),
        (r#"{"origins": ["https://u@a.example"]}"#, "origins"),
        (
            r#"{"origins": ["https://a.example"], "methods": ["get"]}"#,
            "methods",
        ),
        (
            r#"{"origins": ["https://a.example"], "headers": ["*"]}"#,
            "headers",
        ),
        (
            r#"{"origins": ["https://a.example"], "headers": ["a b"]}"#,
            "headers",
        ),
        (
            r#"{"origins": ["https://a.example"], "expose": ["a,b"]}"#,
            "expose",
        ),
        (
            r#"{"origins": ["https://a.example"], "max_age": "25h"}"#,
            "max_age",
        ),
    ] {
        let built = Cors::build(&serde_json::from_str(config).unwrap(), &testing::env());
        assert_eq!(
            built.err().map(|error| error.field),
            Some(field),
            "{config}"
        );
    }
    assert!(serde_json::from_str::<Config>("{}").is_err());
    assert!(serde_json::from_str::<Config>(r#"{"origins": ["*"], "origin": 1}"#).is_err());
}
