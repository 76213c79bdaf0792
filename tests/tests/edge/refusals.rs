//! Every refusal by its face (issue 2, line 4): status, fields and body stand in golden files, the same
//! by HTTP/1.1 and HTTP/2 where it reaches us.

#![allow(clippy::unwrap_used, reason = "a test that fails may do so anywhere")]

use filters::key::KeyRecord;
use filters::signing::Scheme;
use filters::testing::key_text;
use tests::envelope::{check_discreet, check_refusal};
use tests::golden::check_golden;
use tests::hostile::{get, set, set_by};
use tests::http2::Http2;
use tests::message::{Framing, Message};
use tests::raw::{Raw, ask};
use tests::script::{Act, Script};
use tests::signer::{Draft, Signer};
use tests::stage::{HOSTILE, Stage, with_upstream};
use tests::witness::Witness;

/// What the policy of these tests has beside the usual: upstreams that fail, a version past its end,
/// little memory for bodies.
const ROUTES: &str = "
  - { name: rubbish, path: /rubbish, methods: [GET], chain: open, upstream: rubbish, public: true }
  - { name: silent, path: /silent, methods: [GET], chain: open, upstream: silent, public: true }
  - { name: away, path: /away, methods: [GET], chain: open, upstream: away, public: true }
  - { name: old, path: /api/v0/orders, methods: [GET], chain: versioned, upstream: orders, public: true }
";

struct Parts {
    stage: Stage,
    signer: Signer,
    witness: Witness,
    _scripts: [Script; 2],
}

async fn parts() -> Parts {
    let witness = Witness::start().await;
    let rubbish = Script::start(vec![Act::Say(b"rubbish\r\n\r\n".to_vec())]).await;
    let silent = Script::start(vec![Act::Hold(Vec::new())]).await;
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = away.local_addr().unwrap();
    drop(away);
    let upstreams = format!(
        "upstreams:
  rubbish: {{ servers: [\"{}\"], retries: 0 }}
  silent: {{ servers: [\"{}\"], retries: 0, read_timeout: 300ms }}
  away: {{ servers: [\"{nobody}\"], retries: 0 }}
",
        rubbish.address, silent.address
    );
    let versions = "versions:
  current: \"1\"
  accepted:
    \"1\": {}
    \"0\": { deprecated: 2025-01-01, sunset: 2025-06-01, guide: https://docs.example/migration, successor: \"1\" }
memory: { collected: 1MiB }";
    let chains = "chains:
  versioned: [request_id, access_log, api_version]
";
    let tiers = "tiers:
  brief: { hourly: 100/h, burst: 1/min }
  scarce: { hourly: 1/h, burst: 100/min }
";
    let policy = with_upstream(HOSTILE, witness.address)
        .replace("tiers:\n", tiers)
        .replace("upstreams:\n", &upstreams)
        .replace("versions: { current: \"1\" }", versions)
        .replace("chains:\n", chains)
        + ROUTES.trim_start_matches('\n');
    let stage = Stage::start(&policy).await;
    let signer = stage.key(1, |_| {});
    Parts {
        stage,
        signer,
        witness,
        _scripts: [rubbish, silent],
    }
}

/// One request, by both versions: refused alike, and as its file says.
async fn check(parts: &Parts, name: &str, message: &Message, status: u16, reason: &str) {
    let by1 = ask(parts.stage.address, message.to_http1(parts.stage.address)).await;
    let by1 = by1.unwrap_or_else(|| panic!("{name}: no answer"));
    check_refusal(name, &by1, status, reason);
    check_golden(name, &by1);
    assert!(by1.only("date").is_some(), "{name}: no date");
    let by2 = Http2::connect(parts.stage.address).await.ask(message).await;
    check_refusal(name, &by2, status, reason);
    check_golden(name, &by2);
}

impl Parts {
    fn draft(&self) -> Draft<'static> {
        Draft {
            method: "GET",
            target: "/api/v1/orders",
            body: b"",
            timestamp: self.stage.now_s(),
            nonce: "",
            scheme: Scheme::V1,
        }
    }

    fn key(&self, seed: u32, change: impl FnOnce(&mut KeyRecord)) -> Message {
        Message::signed(&self.stage.key(seed, change), &self.draft())
    }
}

#[tokio::test]
async fn refusals_of_the_message_have_their_face() {
    let parts = parts().await;
    let get = |target: &str| Message::new("GET", target);
    let post = |target: &str, body: usize| Message::new("POST", target).body(vec![b'x'; body]);
    let long = format!("/open/{}", "a".repeat(9000));
    let mut crowded = get("/exact");
    for n in 0..101 {
        crowded = crowded.field(&format!("x-{n}"), "a");
    }
    for (name, message, status, reason) in [
        (
            "400_invalid_target",
            get("/open/../exact"),
            400,
            "invalid_target",
        ),
        (
            "400_repeated_header",
            get("/exact").field("Range", "a").field("Range", "b"),
            400,
            "repeated_header",
        ),
        ("404_no_route", get("/nowhere"), 404, "no_route"),
        (
            "405_method_not_allowed",
            Message::new("DELETE", "/exact"),
            405,
            "method_not_allowed",
        ),
        (
            "405_trace",
            Message::new("TRACE", "/exact"),
            405,
            "method_not_allowed",
        ),
        (
            "410_sunset_version",
            get("/api/v0/orders"),
            410,
            "sunset_version",
        ),
        (
            "413_body_too_large",
            post("/small", 11),
            413,
            "body_too_large",
        ),
        ("414_target_too_long", get(&long), 414, "target_too_long"),
        (
            "417_expectation_failed",
            get("/exact").field("Expect", "a-miracle"),
            417,
            "expectation_failed",
        ),
        ("431_too_many_headers", crowded, 431, "too_many_headers"),
        (
            "501_unknown_method",
            Message::new("BREW", "/exact"),
            501,
            "unknown_method",
        ),
    ] {
        check(&parts, name, &message, status, reason).await;
    }
    assert_eq!(parts.witness.begun(), 0);
    parts.stage.stop().await;
}

#[tokio::test]
async fn refusals_of_the_caller_have_their_face() {
    let parts = parts().await;
    let signed = Message::signed(&parts.signer, &parts.draft());
    let stranger = Signer::new(key_text(filters::key::Environment::Live, 77), "sk_77");
    let elsewhere = parts.key(3, |key| {
        key.rare.networks = vec!["10.0.0.0/8".parse().expect("a network")];
    });
    for (name, message, status, reason) in [
        (
            "401_missing_credentials",
            Message::new("GET", "/api/v1/orders"),
            401,
            "missing_credentials",
        ),
        (
            "401_invalid_credentials",
            Message::signed(&stranger, &parts.draft()),
            401,
            "invalid_credentials",
        ),
        (
            "401_expired_key",
            parts.key(2, |key| key.expires_s = Some(1)),
            401,
            "expired_key",
        ),
        (
            "401_malformed_key",
            signed.clone().with("X-API-Key", "ak_live_x"),
            401,
            "malformed_key",
        ),
        (
            "401_ambiguous_credentials",
            signed.field("Authorization", "Bearer x"),
            401,
            "ambiguous_credentials",
        ),
        ("403_key_address", elsewhere, 403, "address_not_allowed"),
        (
            "403_address_not_allowed",
            Message::new("GET", "/denied"),
            403,
            "address_not_allowed",
        ),
    ] {
        check(&parts, name, &message, status, reason).await;
    }
    let limited = Message::new("GET", "/limited");
    let first = ask(parts.stage.address, limited.to_http1(parts.stage.address)).await;
    assert_eq!(first.expect("an answer").status, 200);
    let name = "429_address_limit_exceeded";
    check(&parts, name, &limited, 429, "address_limit_exceeded").await;
    // The one token of each tier is gone.
    for (seed, tier, name, reason) in [
        (4, "brief", "429_burst_exceeded", "burst_exceeded"),
        (5, "scarce", "429_quota_exceeded", "quota_exceeded"),
    ] {
        let signer = parts.stage.key(seed, |key| key.tier = tier.into());
        let message = |nonce: &'static str| {
            let draft = Draft {
                nonce,
                ..parts.draft()
            };
            Message::signed(&signer, &draft)
        };
        let mut raw = Raw::connect(parts.stage.address).await;
        let http1 = |nonce| message(nonce).to_http1(parts.stage.address);
        assert_eq!(raw.ask(http1("nonce-one")).await.status, 200);
        let by1 = raw.ask(http1("nonce-two")).await;
        let http2 = Http2::connect(parts.stage.address).await;
        for answer in [by1, http2.ask(&message("nonce-three")).await] {
            check_refusal(name, &answer, 429, reason);
            check_golden(name, &answer);
        }
    }
    parts.stage.fakes.keys.set_ready(false);
    let message = Message::signed(&parts.signer, &parts.draft());
    check(
        &parts,
        "503_keys_not_ready",
        &message,
        503,
        "keys_not_ready",
    )
    .await;
    parts.stage.stop().await;
}

#[tokio::test]
async fn refusals_on_behalf_of_the_upstream_have_their_face() {
    let parts = parts().await;
    for (name, target, status, reason) in [
        (
            "502_bad_upstream_answer",
            "/rubbish",
            502,
            "bad_upstream_answer",
        ),
        ("503_no_upstream", "/away", 503, "no_upstream"),
        ("504_upstream_timeout", "/silent", 504, "upstream_timeout"),
    ] {
        check(&parts, name, &Message::new("GET", target), status, reason).await;
    }
    // More for one address than its share of what may be held for signatures.
    let body = vec![b'x'; 300_000];
    let draft = Draft {
        method: "POST",
        body: &body,
        ..parts.draft()
    };
    for framing in [Framing::Length, Framing::Chunks(5000)] {
        let message = Message::signed(&parts.signer, &draft).framed(framing);
        check(
            &parts,
            "503_memory_pressure",
            &message,
            503,
            "memory_pressure",
        )
        .await;
    }
    tests::eventually("the memory's return", async || {
        parts.stage.edge.collected_bytes() == 0
    })
    .await;
    assert_eq!(parts.witness.begun(), 0);
    parts.stage.stop().await;
}

/// What only bytes can say, and what the gate says before any route.
#[tokio::test]
async fn refusals_of_raw_bytes_have_their_face() {
    let few = |policy: String| policy.replace("per_address: 256", "per_address: 2");
    let (witness, stage) = set_by(few).await;
    let usual = few(with_upstream(HOSTILE, witness.address));
    let short = usual.replace("head_timeout: 10s", "head_timeout: 300ms");
    for (name, request, status, reason) in [
        (
            "400_malformed_request_line",
            "rubbish\r\n\r\n".to_owned(),
            400,
            "malformed_request_line",
        ),
        (
            "400_malformed_header",
            "GET /exact HTTP/1.1\r\nHost : x\r\n\r\n".to_owned(),
            400,
            "malformed_header",
        ),
        (
            "400_missing_host",
            "GET /exact HTTP/1.1\r\n\r\n".to_owned(),
            400,
            "missing_host",
        ),
        (
            "405_connect",
            "CONNECT edge.example:1 HTTP/1.1\r\nHost: edge.example:1\r\n\r\n".to_owned(),
            405,
            "method_not_allowed",
        ),
        (
            "408_request_timeout",
            "GET /exact HT".to_owned(),
            408,
            "request_timeout",
        ),
        (
            "421_unknown_host",
            get("/exact").replace("edge.example", "other.example"),
            421,
            "unknown_host",
        ),
        (
            "431_header_too_large",
            get("/exact").replace(
                "\r\n\r\n",
                &format!("\r\nX-A: {}\r\n\r\n", "a".repeat(20_000)),
            ),
            431,
            "header_too_large",
        ),
        (
            "501_unsupported_transfer_encoding",
            get("/exact").replace("\r\n\r\n", "\r\nTransfer-Encoding: gzip\r\n\r\n"),
            501,
            "unsupported_transfer_encoding",
        ),
    ] {
        // Only who is to be late has little time.
        stage.reload(if status == 408 { &short } else { &usual });
        let answer = ask(stage.address, request).await.expect("an answer");
        check_refusal(name, &answer, status, reason);
        check_golden(name, &answer);
        assert!(answer.only("date").is_some(), "{name}");
        tests::eventually("a free seat", async || stage.edge.connections() == 0).await;
    }
    // A body that ends before its length says.
    for (name, framing) in [
        ("by length", "Content-Length: 10\r\n\r\nhello"),
        (
            "in chunks",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ),
    ] {
        let mut raw = Raw::connect(stage.address).await;
        raw.send(format!(
            "POST /open/x HTTP/1.1\r\nHost: edge.example\r\n{framing}"
        ))
        .await;
        raw.finish().await;
        let answer = raw.answer().await.expect("an answer");
        check_refusal(name, &answer, 400, "incomplete_body");
        check_golden("400_incomplete_body", &answer);
    }
    assert!(witness.seen().is_empty());
    tests::eventually("free seats", async || stage.edge.connections() == 0).await;
    let (mut one, mut two) = (
        Raw::connect(stage.address).await,
        Raw::connect(stage.address).await,
    );
    for raw in [&mut one, &mut two] {
        assert_eq!(raw.ask(get("/exact")).await.status, 200);
    }
    let answer = Raw::connect(stage.address).await.ask(get("/exact")).await;
    check_refusal("one too many", &answer, 429, "too_many_connections");
    check_golden("429_too_many_connections", &answer);
    drop((one, two));
    stage.stop().await;
}

/// The same facts after RFC 9457, for a client that asks for them.
#[tokio::test]
async fn problems_are_told_to_those_who_ask() {
    let parts = parts().await;
    for (name, target, status, reason) in [
        ("problem_401", "/api/v1/orders", 401, "missing_credentials"),
        ("problem_404", "/nowhere", 404, "no_route"),
        ("problem_503", "/away", 503, "no_upstream"),
    ] {
        let message = Message::new("GET", target).field("Accept", "application/problem+json");
        let by1 = ask(parts.stage.address, message.to_http1(parts.stage.address)).await;
        let by2 = Http2::connect(parts.stage.address)
            .await
            .ask(&message)
            .await;
        for answer in [by1.expect("an answer"), by2] {
            assert_eq!(
                answer.only("content-type"),
                Some("application/problem+json"),
                "{name}"
            );
            let body = answer.json();
            assert_eq!(
                (answer.status, &body["status"]),
                (status, &status.into()),
                "{name}"
            );
            assert_eq!(body["details"]["reason"], reason, "{name}");
            let page = format!("https://docs.example/errors/{}", reason.replace('_', "-"));
            assert_eq!(body["type"], page, "{name}");
            assert_eq!(
                body["requestId"],
                answer.only("x-request-id").unwrap_or_default(),
                "{name}"
            );
            check_discreet(name, &answer);
            check_golden(name, &answer);
        }
    }
    parts.stage.stop().await;
}

/// A HEAD is refused as a GET is, without the body.
#[tokio::test]
async fn a_refused_head_has_no_body() {
    let (_witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    for (target, status) in [("/nowhere", 404), ("/api/v1/orders", 401), ("/denied", 403)] {
        let mut by_get = raw.ask(get(target)).await;
        raw.send(get(target).replace("GET", "HEAD")).await;
        let by_head = raw.any_answer(true).await.expect("an answer");
        assert_eq!((by_head.status, by_get.status), (status, status));
        assert!(by_head.only("x-request-id").is_some());
        by_get.fields.retain(|(name, _)| name != "x-request-id");
        for (name, value) in &by_get.fields {
            if name != "date" {
                assert_eq!(by_head.only(name), Some(value.as_str()), "{target} {name}");
            }
        }
    }
    // Nothing of a body came: the next answer begins where it should.
    assert_eq!(raw.ask(get("/exact")).await.status, 200);
    stage.stop().await;
}
