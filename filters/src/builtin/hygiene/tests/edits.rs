//! What the upstream and the client get of a head, line by line.

use super::{filter, get, h2};
use crate::builtin::hygiene::belongs_to_edge;
use crate::caller::{Caller, Claim, Principal, Proof};
use crate::exchange::{Client, Exchange, RouteFacts, Scheme};
use crate::filter::Filter;
use crate::key::{Environment, KeyRecord};
use crate::reply::Reason;
use crate::testing::{self, FakeClient, FieldList, answer, edited, judge};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use std::sync::Arc;

fn known(record: KeyRecord) -> Caller {
    Caller::Known(Principal::new(Arc::new(record), &Proof::given()))
}

fn record() -> KeyRecord {
    testing::key_record(&testing::key_text(Environment::Test, 7), 7)
}

fn onward(x: &mut Exchange, client: &FakeClient) -> HeaderMap {
    filter().on_upstream_request(x, &client.head()).unwrap();
    edited(client.fields(), &x.upstream)
}

fn values<'a>(map: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    map.get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

#[test]
fn the_upstream_gets_our_word_for_who_calls_and_nobody_elses() {
    let mut client = get()
        .field("Accept", "text/plain")
        .field("Connection", "client-hop, close");
    for name in [
        "X-Consumer-Id",
        "x-consumer-id",
        "X-CONSUMER-SCOPES",
        "X-Consumer-Admin",
        "x_consumer_id",
        "X_Consumer-Tier",
        "Content_Length",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "Forwarded",
        "X-Real-IP",
        "True-Client-IP",
        "X-API-Key",
        "X-API-Signature",
        "X-Timestamp",
        "X-Nonce",
        "Authorization",
        "Cookie",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-HTTP-Method",
        "X-Original-URL",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
        "Client-Hop",
        "X-Request-Id",
        "X-Forwarded-Proto",
    ] {
        client = client.field(name, "forged");
    }
    let mut x = testing::exchange();
    x.caller = known(record());
    let map = onward(&mut x, &client);
    let mut lines: Vec<String> = map
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept: text/plain",
            "host: api.example",
            "via: 1.1 tidegate",
            "x-consumer-env: test",
            "x-consumer-id: partner_7",
            "x-consumer-scopes: orders:read orders:write",
            "x-consumer-tier: free",
            "x-forwarded-for: 192.0.2.10",
            "x-forwarded-host: api.example",
            "x-forwarded-proto: https",
            "x-request-id: test-id",
        ]
    );
}

#[test]
fn a_claim_is_no_caller_and_an_anonymous_one_has_no_consumer() {
    for caller in [
        Caller::Anonymous,
        Caller::Claimed(Claim {
            record: Some(Arc::new(record())),
        }),
    ] {
        let mut x = testing::exchange();
        x.caller = caller;
        let map = onward(&mut x, &get().field("X-Consumer-Id", "forged"));
        assert!(
            map.keys()
                .all(|name| !name.as_str().starts_with("x-consumer"))
        );
    }
}

#[test]
fn odd_names_of_consumers_cannot_break_a_line() {
    for (text, sent) in [
        ("plain id", "plain id"),
        ("100%", "100%"),
        (
            "a\r\nX-Consumer-Tier: internal",
            "a%0D%0AX-Consumer-Tier: internal",
        ),
        ("M\u{fc}ller 5%", "M%C3%BCller 5%25"),
        ("a\0", "a%00"),
    ] {
        let mut x = testing::exchange();
        x.caller = known(KeyRecord {
            consumer: text.into(),
            ..record()
        });
        let map = onward(&mut x, &get());
        assert_eq!(values(&map, "x-consumer-id"), [sent]);
        assert_eq!(values(&map, "x-consumer-tier"), ["free"]);
    }
}

#[test]
fn authorization_stays_only_where_the_route_says_so() {
    for keep in [false, true] {
        let mut x = testing::exchange();
        x.route = Some(Arc::new(RouteFacts {
            name: "a".into(),
            body_max: 1,
            keep_authorization: keep,
            version: None,
        }));
        let map = onward(&mut x, &get().field("Authorization", "Bearer a"));
        assert_eq!(map.contains_key("authorization"), keep);
    }
}

#[test]
fn what_a_trusted_proxy_tells_is_told_on() {
    let told = |trusted: bool, client_address: &str, fields: &[(&str, &str)]| {
        let mut client = get();
        for (name, value) in fields {
            client = client.field(name, value);
        }
        let mut x = testing::exchange();
        x.scheme = Scheme::Http;
        x.peer_trusted = trusted;
        x.client = client_address.parse().unwrap();
        let map = onward(&mut x, &client);
        ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
            .map(|name| values(&map, name).join("|"))
    };
    let fields = &[
        ("X-Forwarded-For", "6.6.6.6, 203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "public.example"),
    ];
    assert_eq!(
        told(true, "203.0.113.9", fields),
        ["203.0.113.9, 192.0.2.10", "https", "public.example"]
    );
    assert_eq!(
        told(false, "192.0.2.10", fields),
        ["192.0.2.10", "http", "api.example"]
    );
    let odd = &[
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Host", "a/b"),
    ];
    assert_eq!(
        told(true, "192.0.2.10", odd),
        ["192.0.2.10", "http", "api.example"]
    );
}

#[test]
fn via_and_max_forwards_count_the_hops() {
    let mut x = testing::exchange();
    let map = onward(
        &mut x,
        &h2().field("via", "1.1 other").field("max-forwards", "7"),
    );
    assert_eq!(values(&map, "via"), ["1.1 other", "2.0 tidegate"]);
    assert_eq!(values(&map, "max-forwards"), ["6"]);
    let mut x = testing::exchange();
    let map = onward(&mut x, &get().field("Max-Forwards", "many"));
    assert!(!map.contains_key("max-forwards"));
}

#[test]
fn a_trace_goes_on_only_in_its_form() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let zero_trace = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
    let zero_parent = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", "0".repeat(16));
    for (value, good) in [
        (trace, true),
        (&trace.to_uppercase(), false),
        (&zero_trace, false),
        (&zero_parent, false),
        (&trace.replace("00-", "ff-"), false),
        (&trace.replace("00-", "01-"), false),
        (&trace[..54], false),
        (&format!("{trace}-"), false),
        (&trace.replace('-', "_"), false),
        ("", false),
    ] {
        let client = get().field("traceparent", value).field("tracestate", "a=b");
        let map = onward(&mut testing::exchange(), &client);
        assert_eq!(map.contains_key("traceparent"), good, "{value}");
        assert_eq!(map.contains_key("tracestate"), good, "{value}");
    }
    let twice = get()
        .field("traceparent", trace)
        .field("traceparent", trace);
    assert!(!onward(&mut testing::exchange(), &twice).contains_key("traceparent"));
    let alone = get().field("tracestate", "a=b");
    assert!(!onward(&mut testing::exchange(), &alone).contains_key("tracestate"));
}

#[test]
fn what_never_reaches_the_upstream_is_told_to_those_who_pass_trailers() {
    for (name, ours) in [
        ("X-Consumer-Id", true),
        ("x-forwarded-anything", true),
        ("x_consumer_id", true),
        ("Authorization", true),
        ("X-Request-Id", true),
        ("grpc-status", false),
        ("content-digest", false),
    ] {
        assert_eq!(belongs_to_edge(name.as_bytes()), ours, "{name}");
    }
}

#[test]
fn the_client_gets_our_word_for_limits_and_ids() {
    let fields = FieldList::of(&[
        ("Content-Type", "text/plain"),
        ("Connection", "keep-alive, Upstream-Hop, content-length"),
        ("Content-Length", "5"),
        ("Keep-Alive", "timeout=5"),
        ("Upstream-Hop", "a"),
        ("Upgrade", "h2c"),
        ("Server", "Upstream/1.0"),
        ("X-Powered-By", "PHP"),
        ("X-Consumer-Id", "partner"),
        ("X-RateLimit-Limit", "1"),
        ("RateLimit", "\"a\";r=1"),
        ("RateLimit-Policy", "\"a\";q=1"),
        ("X-Request-Id", "upstream"),
        ("x-request-id", "again"),
    ]);
    let mut x = testing::exchange();
    // As `rate_limit` does: it stands below hygiene, and so comes before it here.
    x.response.set(
        &crate::names::RATELIMIT_LIMIT,
        &HeaderValue::from_static("100"),
    );
    let map = answer(&filter(), &mut x, 200, &fields);
    let mut lines: Vec<String> = map
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "content-length: 5",
            "content-type: text/plain",
            "x-ratelimit-limit: 100",
            "x-request-id: test-id",
        ]
    );
}

#[test]
fn an_answer_of_ours_keeps_its_fields_and_a_401_tells_how() {
    let mut x = testing::exchange();
    x.refused = Some(Reason::BurstExceeded);
    let ours = FieldList::of(&[("X-RateLimit-Limit", "5"), ("Retry-After", "3")]);
    let map = answer(&filter(), &mut x, 429, &ours);
    assert_eq!(values(&map, "x-ratelimit-limit"), ["5"]);
    assert_eq!(values(&map, "x-request-id"), ["test-id"]);
    assert!(!map.contains_key("www-authenticate"));

    let silent = answer(
        &filter(),
        &mut testing::exchange(),
        401,
        &FieldList::default(),
    );
    assert_eq!(
        values(&silent, "www-authenticate"),
        ["ApiKey realm=\"tidegate\""]
    );
    let said = FieldList::of(&[("WWW-Authenticate", "Bearer")]);
    let map = answer(&filter(), &mut testing::exchange(), 401, &said);
    assert_eq!(values(&map, "www-authenticate"), ["Bearer"]);
    let mut x = testing::exchange();
    x.response.set(
        &http::header::WWW_AUTHENTICATE,
        &HeaderValue::from_static("Bearer"),
    );
    let map = answer(&filter(), &mut x, 401, &FieldList::default());
    assert_eq!(values(&map, "www-authenticate"), ["Bearer"]);
}

proptest! {
    /// What was seen while the request was judged says the same as a second look at every line.
    #[test]
    fn a_second_look_finds_nothing_else(
        names in prop::collection::vec(prop::sample::select(NAMES), 0..8),
        keep_authorization in any::<bool>(),
    ) {
        let mut client = get();
        for name in names {
            let value = match name {
                "Connection" => "close, a-b",
                "Content-Length" => "0",
                _ => "1",
            };
            client = client.field(name, value);
        }
        let mut x = testing::exchange();
        x.route = Some(Arc::new(RouteFacts {
            name: "a".into(),
            body_max: 1,
            keep_authorization,
            version: None,
        }));
        if judge(&filter(), &mut x, &mut client).is_ok() {
            prop_assert!(x.seen.is_some());
            let first = onward(&mut x, &client);
            x.seen = None;
            x.upstream.clear();
            prop_assert_eq!(first, onward(&mut x, &client));
        }
    }
}

const NAMES: &[&str] = &[
    "Accept",
    "A-B",
    "Authorization",
    "Connection",
    "Content-Length",
    "Cookie",
    "Expect_",
    "Forwarded",
    "Max-Forwards",
    "TE",
    "Traceparent",
    "Tracestate",
    "Upgrade",
    "Via",
    "X-API-Key",
    "X-Consumer-Id",
    "x_consumer_id",
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Request-Id",
];
