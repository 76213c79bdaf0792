//! Fields that are the proxy's to say: what a client sends of them never arrives.

mod ids;
mod versions;

use super::partner::House;
use tests::http2::Http2;
use tests::message::{Framing, Message};
use tests::raw::{Answer, Raw, ask};
use tests::witness::Seen;

async fn answer_to(house: &House, message: &Message) -> Answer {
    let answer = ask(house.stage.address, house.wire(message)).await;
    answer.expect("an answer")
}

/// The fields that arrived, whose names begin so.
fn arrived<'a>(seen: &'a Seen, prefix: &str) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<(&str, &str)> = seen
        .fields
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.sort_unstable();
    fields
}

const CONSUMER: [(&str, &str); 4] = [
    ("x-consumer-env", "live"),
    ("x-consumer-id", "partner_1"),
    ("x-consumer-scopes", "orders:read orders:write"),
    ("x-consumer-tier", "free"),
];

/// Spellings of fields that only the proxy may set.
const OWNED: [&str; 26] = [
    "X-Consumer-Id",
    "x-consumer-id",
    "X-CONSUMER-ID",
    "X-Consumer-Tier",
    "X-Consumer-Scopes",
    "X-Consumer-Env",
    "X-Consumer-Role",
    "x-consumer-",
    "X_Consumer_Id",
    "x_consumer-id",
    "X-Consumer_Id",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-User",
    "X_Forwarded_For",
    "X-Real-IP",
    "X_Real_IP",
    "Forwarded",
    "X-Client-IP",
    "True-Client-IP",
    "X-Cluster-Client-IP",
    "X-HTTP-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Cookie",
];

/// What arrived of a request that carried some spoofed fields.
fn check_owned(case: &str, seen: &Seen, consumer: &[(&str, &str)]) {
    assert_eq!(arrived(seen, "x-consumer-"), consumer, "{case}");
    let forwarded = arrived(seen, "x-forwarded-");
    let names: Vec<&str> = forwarded.iter().map(|(name, _)| *name).collect();
    let expected = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    assert_eq!(names, expected, "{case}: {forwarded:?}");
    for (name, value) in &seen.fields {
        assert!(!name.contains('_'), "{case}: {name}");
        assert!(!value.contains("spoofed"), "{case}: {name}: {value}");
    }
}

#[tokio::test]
async fn a_client_sets_no_field_of_the_proxys_in_any_spelling() {
    let house = House::start().await;
    let http2 = Http2::connect(house.stage.addresses[1]).await;
    for (number, name) in OWNED.into_iter().enumerate() {
        let once = house
            .get(&house.signer, "/api/v1/orders", 3 * number)
            .field(name, "spoofed");
        let twice = house
            .get(&house.signer, "/api/v1/orders", 3 * number + 1)
            .field(name, "spoofed")
            .field(&name.to_lowercase(), "spoofed-too");
        for message in [once, twice] {
            let answer = answer_to(&house, &message).await;
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            check_owned(name, &house.witness.last(), &CONSUMER);
        }
        let message = house.get(&house.signer, "/api/v1/orders", 3 * number + 2);
        let answer = http2.ask(&message.field(name, "spoofed")).await;
        assert_eq!(answer.status, 200, "{name} by HTTP/2: {answer:?}");
        check_owned(name, &house.witness.last(), &CONSUMER);
        // Where nobody is proved, nobody is named.
        let open = Message::new("GET", "/open/a").field(name, "spoofed");
        assert_eq!(answer_to(&house, &open).await.status, 200, "{name}");
        check_owned(name, &house.witness.last(), &[]);
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn a_name_that_could_be_read_in_two_ways_is_refused() {
    let house = House::start().await;
    for name in [
        "X-Consumer-Id ",
        "X-Consumer-Id\t",
        " X-Consumer-Id",
        "X-Consumer-Id\0",
        "",
        "ä",
    ] {
        let message = Message::new("GET", "/open/a").field(name, "spoofed");
        let answer = answer_to(&house, &message).await;
        assert_eq!(answer.status, 400, "{name:?}: {answer:?}");
    }
    assert_eq!(house.witness.begun(), 0);
    house.stage.stop().await;
}

/// Hardening, A7: `Connection` takes away nothing that the proxy set.
#[tokio::test]
async fn connection_takes_away_only_what_is_for_one_hop() {
    let house = House::start().await;
    for (number, (named, status)) in [
        ("close", 200),
        ("keep-alive", 200),
        ("Keep-Alive, client-hop", 200),
        ("client-hop", 200),
        ("X-Consumer-Id", 400),
        ("x-consumer-id, close", 400),
        ("close, X-CONSUMER-TIER", 400),
        ("X-Forwarded-For", 400),
        ("X-Request-Id", 400),
        ("X-API-Key", 400),
        ("Authorization", 400),
        ("Host", 400),
        ("Content-Length", 400),
        ("Transfer-Encoding", 400),
        ("Via", 400),
        ("traceparent", 400),
        ("x_consumer_id", 400),
    ]
    .into_iter()
    .enumerate()
    {
        let begun = house.witness.begun();
        let message = house
            .get(&house.signer, "/api/v1/orders", number)
            .field("Connection", named)
            .field("Client-Hop", "one hop");
        let answer = answer_to(&house, &message).await;
        assert_eq!(answer.status, status, "{named}: {answer:?}");
        assert_eq!(
            house.witness.begun(),
            begun + usize::from(status == 200),
            "{named}"
        );
        if status == 200 {
            let seen = house.witness.last();
            check_owned(named, &seen, &CONSUMER);
            let hop = named.contains("client-hop");
            assert_eq!(seen.all("client-hop").is_empty(), hop, "{named}");
        }
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn fields_of_one_hop_and_credentials_end_here() {
    let house = House::start().await;
    let mut message = house.get(&house.signer, "/api/v1/orders", 1);
    for (name, value) in [
        ("Connection", "keep-alive, te, upgrade"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic YTpi"),
        ("TE", "trailers"),
        ("Trailer", "X-Consumer-Id"),
        ("Upgrade", "websocket"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
        ("Cookie", "a=b"),
    ] {
        message = message.field(name, value);
    }
    let answer = answer_to(&house, &message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let names: Vec<String> = house
        .witness
        .last()
        .fields
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let expected = [
        "host",
        "via",
        "x-api-version",
        "x-consumer-env",
        "x-consumer-id",
        "x-consumer-scopes",
        "x-consumer-tier",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
    ];
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    house.stage.stop().await;
}

/// What exactly arrives of a signed request, by either version on either side.
#[tokio::test]
async fn this_arrives_and_nothing_else() {
    for upstream in ["protocol: http1", "protocol: h2c"] {
        let house = House::start_as(&[("protocol: http1", upstream)]).await;
        let http2 = Http2::connect(house.stage.addresses[1]).await;
        for (number, by_http2) in [false, true].into_iter().enumerate() {
            let signed = house.get(&house.signer, "/api/v1/orders?a=1", number);
            let message = signed
                .field("Accept", "application/json")
                .field("Accept-Encoding", "gzip")
                .field("Content-Type", "application/json")
                .field("Idempotency-Key", "\"1\"")
                .field("User-Agent", "partner/1.0")
                .field("X-Partners-Own", "1")
                .field("X-Partners-Own", "2")
                .field("X-Request-Id", "partners-id");
            let (answer, listener) = if by_http2 {
                (http2.ask(&message).await, house.stage.addresses[1])
            } else {
                (answer_to(&house, &message).await, house.stage.address)
            };
            assert_eq!(answer.status, 200, "{answer:?}");
            let seen = house.witness.last();
            let mut fields: Vec<(&str, &str)> = arrived(&seen, "");
            let listener = listener.to_string();
            let via = if by_http2 {
                "2.0 tidegate"
            } else {
                "1.1 tidegate"
            };
            let mut expected = vec![
                ("accept", "application/json"),
                ("accept-encoding", "gzip"),
                ("content-type", "application/json"),
                ("idempotency-key", "\"1\""),
                ("user-agent", "partner/1.0"),
                ("via", via),
                ("x-api-version", "1"),
                ("x-consumer-env", "live"),
                ("x-consumer-id", "partner_1"),
                ("x-consumer-scopes", "orders:read orders:write"),
                ("x-consumer-tier", "free"),
                ("x-forwarded-for", "127.0.0.1"),
                ("x-forwarded-host", &listener),
                ("x-forwarded-proto", "http"),
                ("x-partners-own", "1"),
                ("x-partners-own", "2"),
                ("x-request-id", "partners-id"),
            ];
            // By HTTP/2 the host is no field (RFC 9113, section 8.3.1).
            fields.retain(|(name, _)| upstream == "protocol: http1" || *name != "host");
            if upstream == "protocol: http1" {
                expected.push(("host", "orders.internal"));
                expected.sort_unstable();
            }
            assert_eq!(fields, expected, "{upstream} {by_http2}");
        }
        house.stage.stop().await;
    }
}

#[tokio::test]
async fn the_chain_of_addresses_is_the_trusted_proxies() {
    let house = House::start().await;
    let cases = [
        (1, &[][..], "127.0.0.1"),
        (7, &["192.0.2.1"], "127.0.0.7"),
        (7, &["192.0.2.1, 127.0.0.9"], "127.0.0.7"),
        (9, &[], "127.0.0.9"),
        (9, &["192.0.2.1"], "192.0.2.1, 127.0.0.9"),
        (9, &["spoofed, 192.0.2.1"], "192.0.2.1, 127.0.0.9"),
        (9, &["203.0.113.5, 192.0.2.1"], "192.0.2.1, 127.0.0.9"),
        (9, &["203.0.113.5", "192.0.2.1"], "192.0.2.1, 127.0.0.9"),
        (
            9,
            &["192.0.2.1, 127.0.0.9"],
            "192.0.2.1, 127.0.0.9, 127.0.0.9",
        ),
        (9, &["2001:db8::1"], "2001:db8::1, 127.0.0.9"),
        (9, &["192.0.2.1, rubbish"], "127.0.0.9"),
    ];
    for (number, (source, lines, expected)) in cases.into_iter().enumerate() {
        let mut message = Message::new("GET", "/open/a");
        for line in lines {
            message = message.field("X-Forwarded-For", line);
        }
        let mut raw = Raw::connect_from([127, 0, 0, source], house.stage.address).await;
        assert_eq!(raw.ask(house.wire(&message)).await.status, 200);
        let seen = house.witness.last();
        assert_eq!(
            seen.only("x-forwarded-for"),
            Some(expected),
            "{source} {lines:?}"
        );
        let line = house.stage.log(number + 1).await.pop().unwrap();
        let client = expected.split(',').next().unwrap();
        assert_eq!(line["client"], client, "{source} {lines:?}: {line}");
    }
    // Scheme and host, too, are told by trusted proxies alone.
    for (source, proto, host) in [(7, "http", None), (9, "https", Some("api.example"))] {
        let message = Message::new("GET", "/open/a")
            .field("X-Forwarded-Proto", "https")
            .field("X-Forwarded-Host", "api.example");
        let mut raw = Raw::connect_from([127, 0, 0, source], house.stage.address).await;
        assert_eq!(raw.ask(house.wire(&message)).await.status, 200);
        let seen = house.witness.last();
        let own = house.stage.address.to_string();
        assert_eq!(seen.only("x-forwarded-proto"), Some(proto), "{source}");
        assert_eq!(
            seen.only("x-forwarded-host"),
            Some(host.unwrap_or(&own)),
            "{source}"
        );
    }
    house.stage.stop().await;
}

/// Trailers come after the upstream has judged the head: no field of ours may come so late.
#[tokio::test]
async fn trailers_carry_no_field() {
    let house = House::start().await;
    let message = Message::new("POST", "/open/a")
        .body(*b"abc")
        .framed(Framing::Chunks(3));
    let mut wire = house.wire(&message);
    wire.truncate(wire.len() - 2);
    wire.extend_from_slice(b"X-Consumer-Id: spoofed\r\n\r\n");
    let answer = ask(house.stage.address, wire).await.expect("an answer");
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (400, "invalid_chunk")
    );
    assert!(
        house
            .witness
            .seen()
            .iter()
            .all(|seen| seen.all("x-consumer-id").is_empty())
    );
    house.stage.stop().await;
}

/// What the upstream says in the proxy's name does not reach the client.
#[tokio::test]
async fn an_upstream_says_nothing_in_the_proxys_name() {
    let house = House::start().await;
    for (name, kept) in [
        ("X-Consumer-Id", false),
        ("X-RateLimit-Limit", false),
        ("RateLimit", false),
        ("RateLimit-Policy", false),
        ("Server", false),
        ("X-Powered-By", false),
        ("Keep-Alive", false),
        ("Proxy-Authenticate", false),
        ("Upgrade", false),
        ("ETag", true),
        ("X-Services-Own", true),
    ] {
        let target = format!("/open/a?field={name}:upstreams");
        let answer = answer_to(&house, &Message::new("GET", &target)).await;
        assert_eq!(answer.status, 200, "{name}");
        let expected = if kept { vec!["upstreams"] } else { vec![] };
        assert_eq!(answer.all(&name.to_lowercase()), expected, "{name}");
    }
    house.stage.stop().await;
}
