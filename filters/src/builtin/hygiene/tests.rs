//! What hygiene refuses, and why, as tables.

use super::*;
use crate::testing::{self, FakeClient, fakes_of, judge, word};

mod edits;

fn filter() -> Hygiene {
    filter_of(&Config::default())
}

fn filter_of(config: &Config) -> Hygiene {
    let site = Site {
        hosts: vec!["api.example".to_owned(), "[2001:db8::1]".to_owned()],
        ..Site::default()
    };
    Hygiene::build(config, &fakes_of(site).env).unwrap()
}

fn get() -> FakeClient {
    FakeClient::get("/api/v1/orders").field("Host", "api.example")
}

fn bare() -> FakeClient {
    FakeClient::get("/api/v1/orders")
}

fn h2() -> FakeClient {
    bare().version(Version::Http2).authority("api.example")
}

#[track_caller]
fn check(case: &str, mut client: FakeClient, expected: &str) {
    let verdict = judge(&filter(), &mut testing::exchange(), &mut client);
    assert_eq!(word(&verdict), expected, "{case}");
}

#[track_caller]
fn check_closing(case: &str, mut client: FakeClient, expected: &str) {
    let verdict = judge(&filter(), &mut testing::exchange(), &mut client);
    assert_eq!(word(&verdict), expected, "{case}");
    assert!(
        verdict.unwrap_err().close,
        "{case} leaves the connection open"
    );
}

#[test]
fn methods_are_judged_as_they_are_spelled() {
    for (method, expected) in [
        ("GET", "ok"),
        ("HEAD", "ok"),
        ("POST", "ok"),
        ("PUT", "ok"),
        ("PATCH", "ok"),
        ("DELETE", "ok"),
        ("OPTIONS", "ok"),
        ("TRACE", "method_not_allowed"),
        ("CONNECT", "method_not_allowed"),
        ("get", "unknown_method"),
        ("Get", "unknown_method"),
        ("trace", "unknown_method"),
        ("PROPFIND", "unknown_method"),
        ("QUERY", "unknown_method"),
        ("PRI", "unknown_method"),
        ("GETT", "unknown_method"),
        ("", "unknown_method"),
    ] {
        let client = FakeClient::new(method, "/a").field("Host", "api.example");
        check(method, client, expected);
    }
    let few = filter_of(&Config {
        methods: vec!["GET".to_owned(), "HEAD".to_owned(), "GET".to_owned()],
    });
    let mut client = FakeClient::post("/a").field("Host", "api.example");
    let reply = judge(&few, &mut testing::exchange(), &mut client).unwrap_err();
    assert_eq!(reply.status, 405);
    assert_eq!(
        reply.fields[0],
        (ALLOW, HeaderValue::from_static("GET, HEAD"))
    );
}

#[test]
fn only_methods_that_can_be_allowed_can_be_configured() {
    for method in ["TRACE", "get", ""] {
        let config = Config {
            methods: vec![method.to_owned()],
        };
        let error = Hygiene::build(&config, &testing::env()).err().unwrap();
        assert_eq!(error.field, "methods", "{method}");
    }
    assert!(serde_json::from_str::<Config>(r#"{"method": ["GET"]}"#).is_err());
    assert!(serde_json::from_str::<Config>("{}").is_ok());
}

#[test]
fn targets_are_judged_by_path_and_query() {
    for (method, target, expected) in [
        ("GET", "/", "ok"),
        ("GET", "/a?page[number]=1&x=%2e%2e/", "ok"),
        ("GET", "/a?", "ok"),
        ("OPTIONS", "*", "ok"),
        ("GET", "*", "invalid_target"),
        ("OPTIONS", "*?a", "invalid_target"),
        ("GET", "", "invalid_target"),
        ("GET", "?a=b", "invalid_target"),
        ("GET", "a", "invalid_target"),
        ("GET", "//api.example/a", "invalid_target"),
        ("GET", "/api/health/..;/v1/orders", "invalid_target"),
        ("GET", "/api/%2e%2e/admin", "invalid_target"),
        ("GET", "/a#b", "invalid_target"),
        ("GET", "/a?b#c", "invalid_target"),
        ("GET", "/a?b=%zz", "invalid_target"),
        ("GET", "/a?b=%00", "invalid_target"),
        ("GET", "/a?b c", "invalid_target"),
    ] {
        let client = FakeClient::new(method, target).field("Host", "api.example");
        check(target, client, expected);
    }
}

#[test]
fn exactly_one_host_that_is_served_and_agrees() {
    let host = |value: &str| bare().field("Host", value);
    for (case, client, expected) in [
        ("plain", host("api.example"), "ok"),
        ("port", host("api.example:8080"), "ok"),
        ("case", host("API.Example"), "ok"),
        ("ipv6", host("[2001:DB8::1]:443"), "ok"),
        ("none", bare(), "missing_host"),
        (
            "http/1.0 without",
            bare().version(Version::Http10),
            "missing_host",
        ),
        ("empty", host(""), "missing_host"),
        ("two", get().field("host", "api.example"), "missing_host"),
        ("two unlike", get().field("HOST", "other"), "missing_host"),
        ("list", host("api.example, b"), "invalid_host"),
        ("path", host("api.example/x"), "invalid_host"),
        ("userinfo", host("u@api.example"), "invalid_host"),
        ("trailing dot", host("api.example."), "invalid_host"),
        ("absolute, same", get().authority("API.example"), "ok"),
        (
            "absolute, other",
            get().authority("other.example"),
            "host_conflict",
        ),
        (
            "absolute, other port",
            get().authority("api.example:81"),
            "host_conflict",
        ),
        (
            "absolute, no Host",
            bare().authority("api.example"),
            "missing_host",
        ),
        ("h2 authority", h2(), "ok"),
        ("h2 both", h2().field("host", "API.EXAMPLE"), "ok"),
        ("h2 unlike", h2().field("host", "other"), "host_conflict"),
        (
            "h2 host alone",
            host("api.example").version(Version::Http2),
            "ok",
        ),
        ("h2 neither", bare().version(Version::Http2), "missing_host"),
    ] {
        if expected == "ok" {
            check(case, client, expected);
        } else {
            check_closing(case, client, expected);
        }
    }
    check("foreign", host("evil.example"), "unknown_host");
    check("suffix", host("xapi.example"), "unknown_host");
    check("subdomain", host("a.api.example"), "unknown_host");
    let any = Hygiene::build(&Config::default(), &testing::env()).unwrap();
    let verdict = judge(&any, &mut testing::exchange(), &mut host("what.ever"));
    assert_eq!(word(&verdict), "ok");
}

#[test]
fn over_tls_the_host_is_the_one_that_the_connection_was_opened_for() {
    let host = |value: &str| bare().field("Host", value);
    for (server_name, trusted, client, expected) in [
        (None, false, get(), "ok"),
        (Some("api.example"), false, get(), "ok"),
        (Some("api.example"), false, host("API.example:1"), "ok"),
        (Some("API.example"), false, h2(), "ok"),
        (Some("www.example"), false, get(), "unknown_host"),
        (Some("www.example"), false, h2(), "unknown_host"),
        (Some("api.exampl"), false, get(), "unknown_host"),
        (Some("api.example.a"), false, get(), "unknown_host"),
        (Some("www.example"), false, host("evil"), "unknown_host"),
        (Some("www.example"), false, bare(), "missing_host"),
        (Some("www.example"), true, get(), "ok"),
        (Some("www.example"), true, host("evil"), "unknown_host"),
        (
            Some("api.example"),
            false,
            host("[2001:db8::1]"),
            "unknown_host",
        ),
    ] {
        let case = format!("{server_name:?} {trusted}");
        let mut x = testing::exchange();
        x.server_name = server_name.map(Into::into);
        x.peer_trusted = trusted;
        let mut client = client;
        let verdict = judge(&filter(), &mut x, &mut client);
        assert_eq!(word(&verdict), expected, "{case}");
    }
}

#[test]
fn framing_in_doubt_is_refused_and_closes() {
    let cl = |value: &str| get().field("Content-Length", value);
    let te = |value: &str| get().field("Transfer-Encoding", value);
    for (case, client) in [
        ("0", cl("0")),
        ("18 digits", cl("999999999999999999")),
        ("chunked", te("chunked")),
        ("Chunked", te("Chunked")),
    ] {
        check(case, client, "ok");
    }
    for (case, client, expected) in [
        (
            "19 digits",
            cl("1000000000000000000"),
            "invalid_content_length",
        ),
        ("empty", cl(""), "invalid_content_length"),
        ("sign", cl("+5"), "invalid_content_length"),
        ("negative", cl("-5"), "invalid_content_length"),
        ("hex", cl("0x5"), "invalid_content_length"),
        ("space", cl("5 "), "invalid_content_length"),
        ("list", cl("5, 5"), "invalid_content_length"),
        (
            "twice",
            cl("5").field("content-length", "5"),
            "duplicate_content_length",
        ),
        (
            "twice unlike",
            cl("5").field("content-length", "6"),
            "duplicate_content_length",
        ),
        (
            "both",
            cl("5").field("transfer-encoding", "chunked"),
            "length_with_transfer_encoding",
        ),
        (
            "both, other order",
            te("chunked").field("Content-Length", "5"),
            "length_with_transfer_encoding",
        ),
        (
            "te twice",
            te("chunked").field("Transfer-Encoding", "chunked"),
            "invalid_transfer_encoding",
        ),
        (
            "te list",
            te("chunked, chunked"),
            "invalid_transfer_encoding",
        ),
        ("te empty", te(""), "invalid_transfer_encoding"),
        ("te comma", te("chunked,"), "invalid_transfer_encoding"),
        (
            "te identity",
            te("identity"),
            "unsupported_transfer_encoding",
        ),
        (
            "te identity, chunked",
            te("identity, chunked"),
            "unsupported_transfer_encoding",
        ),
        ("te gzip", te("gzip"), "unsupported_transfer_encoding"),
        (
            "te xchunked",
            te("xchunked"),
            "unsupported_transfer_encoding",
        ),
        (
            "te parameter",
            te("chunked;a=b"),
            "unsupported_transfer_encoding",
        ),
        (
            "te on 1.0",
            te("chunked").version(Version::Http10),
            "invalid_transfer_encoding",
        ),
        ("te control", te("\u{b}chunked"), "malformed_header"),
    ] {
        check_closing(case, client, expected);
    }
}

#[test]
fn fields_of_one_connection_do_not_belong_in_http_2() {
    for (name, value, expected) in [
        ("connection", "close", "malformed_header"),
        ("keep-alive", "timeout=5", "malformed_header"),
        ("proxy-connection", "close", "malformed_header"),
        ("transfer-encoding", "chunked", "malformed_header"),
        ("upgrade", "h2c", "malformed_header"),
        ("te", "gzip", "malformed_header"),
        ("te", "trailers, gzip", "malformed_header"),
        ("te", "trailers", "ok"),
    ] {
        check(name, h2().field(name, value), expected);
    }
}

#[test]
fn field_lines_are_judged_by_their_bytes() {
    for (case, name, value, expected) in [
        ("text", &b"x-a"[..], &b"a b\tc"[..], "ok"),
        ("8 bits", b"x-a", b"caf\xe9", "ok"),
        ("empty", b"x-a", b"", "ok"),
        ("CR", b"x-a", b"a\rb", "malformed_header"),
        ("LF", b"x-a", b"a\nb", "malformed_header"),
        ("CRLF", b"x-a", b"a\r\nX-Consumer-Id: b", "malformed_header"),
        ("NUL", b"x-a", b"a\0b", "malformed_header"),
        ("DEL", b"x-a", b"a\x7fb", "malformed_header"),
        ("ESC", b"x-a", b"\x1b[31m", "malformed_header"),
        ("name with a space", b"x-a ", b"a", "malformed_header"),
        ("name with a colon", b"x:a", b"a", "malformed_header"),
        ("no name", b"", b"a", "malformed_header"),
        ("8-bit name", b"x-\xe9", b"a", "malformed_header"),
    ] {
        check(case, get().field(name, value), expected);
    }
}

#[test]
fn a_connection_field_cannot_take_away_what_is_meant_for_the_other_end() {
    for (value, expected) in [
        ("close", "ok"),
        ("keep-alive, Upgrade, HTTP2-Settings", "ok"),
        ("TE, client-hop", "ok"),
        (" , close", "ok"),
        ("x-consumer-id", "malformed_header"),
        ("close, X-Consumer-Id", "malformed_header"),
        ("x_consumer_id", "malformed_header"),
        ("x-request-id", "malformed_header"),
        ("authorization", "malformed_header"),
        ("host", "malformed_header"),
        ("content-length", "malformed_header"),
        ("Transfer-Encoding", "malformed_header"),
        ("x-api-key", "malformed_header"),
        ("a b", "malformed_header"),
        ("a;b", "malformed_header"),
    ] {
        check(value, get().field("Connection", value), expected);
    }
    let names = |count: usize| vec!["hop"; count].join(",");
    check("16", get().field("Connection", names(16)), "ok");
    check(
        "17",
        get().field("Connection", names(17)),
        "malformed_header",
    );
    let late = get()
        .field("Connection", "close")
        .field("connection", "x-tier");
    check("second line", late, "malformed_header");
}

#[test]
fn what_may_come_once_comes_once() {
    for (name, expected) in [
        ("X-API-Key", "ambiguous_credentials"),
        ("X-API-Signature", "ambiguous_credentials"),
        ("X-Timestamp", "ambiguous_credentials"),
        ("X-Nonce", "ambiguous_credentials"),
        ("Authorization", "ambiguous_credentials"),
        ("Content-Type", "repeated_header"),
        ("X-Request-Id", "repeated_header"),
        ("X-API-Version", "repeated_header"),
        ("Accept-Version", "repeated_header"),
        ("Idempotency-Key", "repeated_header"),
        ("Origin", "repeated_header"),
        ("User-Agent", "repeated_header"),
        ("Accept", "ok"),
        ("Cookie", "ok"),
        ("X-Forwarded-For", "ok"),
        ("X-Consumer-Id", "ok"),
        ("X-Anything", "ok"),
    ] {
        let twice = get().field(name, "a").field(name.to_lowercase(), "a");
        check(name, twice, expected);
        check(name, get().field(name, "a"), "ok");
    }
    check(
        "a key beside a token",
        get()
            .field("X-API-Key", "a")
            .field("Authorization", "Bearer b"),
        "ambiguous_credentials",
    );
    check(
        "a credential in the query counts for nothing",
        FakeClient::get("/a?api_key=x&access_token=y").field("Host", "api.example"),
        "ok",
    );
}

#[test]
fn sizes_end_at_their_limits() {
    use crate::limits::{FIELDS_MAX, HEAD_BYTES_MAX, TARGET_LENGTH_MAX};
    let target = |length: usize| {
        FakeClient::get(format!("/{}", "a".repeat(length - 1))).field("Host", "api.example")
    };
    check("target", target(TARGET_LENGTH_MAX), "ok");
    check(
        "target + 1",
        target(TARGET_LENGTH_MAX + 1),
        "target_too_long",
    );
    let fields = |count: usize| (1..count).fold(get(), |client, _| client.field("a", ""));
    check("fields", fields(FIELDS_MAX), "ok");
    check("fields + 1", fields(FIELDS_MAX + 1), "too_many_headers");
    let rest = "GET/api/v1/ordersHost: api.example\r\na: \r\n".len();
    let head = |bytes: usize| get().field("a", "b".repeat(bytes - rest));
    check("head", head(HEAD_BYTES_MAX), "ok");
    check("head + 1", head(HEAD_BYTES_MAX + 1), "header_too_large");
    check(
        "a key of 10 kB",
        get().field("X-API-Key", "a".repeat(10_000)),
        "ok",
    );
}

#[test]
fn expectations_and_hops() {
    check("continue", get().field("Expect", "100-Continue"), "ok");
    check(
        "other",
        get().field("Expect", "200-ok"),
        "expectation_failed",
    );
    check("empty", get().field("Expect", ""), "expectation_failed");
    let options = |hops: &str| {
        FakeClient::new("OPTIONS", "/a")
            .field("Host", "api.example")
            .field("Max-Forwards", hops)
    };
    check("no hop left", options("0"), "204");
    check("one hop left", options("1"), "ok");
    check("not a number", options("-0"), "ok");
    check("GET ignores it", get().field("Max-Forwards", "0"), "ok");
}
