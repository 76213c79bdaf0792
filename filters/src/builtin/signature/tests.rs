//! Contract, section 3; hardening 2.3, A14, A16 to A21.

use super::*;
use crate::caller::Claim;
use crate::key::{Credential, Environment, KeyRecord};
use crate::replay::ReplayLimits;
use crate::signing::{header_value, mac};
use crate::testing::{self, FakeClient, Fakes, START_S, fakes, judge, key_record, key_text, word};
use http::header::WWW_AUTHENTICATE;

const V1: Scheme = Scheme::V1;
const BT: Scheme = Scheme::BodyTimestamp;
const REFUSED: &str = "invalid_credentials";

/// A request to be signed, and what is done to it afterwards.
#[derive(Clone)]
struct Request {
    schemes: &'static [Scheme],
    secret: &'static str,
    method: &'static str,
    target: &'static str,
    timestamp_s: u64,
    nonce: &'static str,
    body: Vec<u8>,
    chunked: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            schemes: &[V1],
            secret: "sk_1",
            method: "POST",
            target: "/api/v1/orders?a=1",
            timestamp_s: START_S,
            nonce: "",
            body: b"{}".to_vec(),
            chunked: false,
        }
    }
}

impl Request {
    fn signature(&self) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let timestamp = self.timestamp_s.to_string();
        let signed = Signed {
            method: self.method,
            path: path.as_bytes(),
            query: query.as_bytes(),
            timestamp: &timestamp,
            nonce: self.nonce,
        };
        let secret = Secret::new(self.secret.as_bytes());
        let member =
            |&scheme: &Scheme| header_value(scheme, &mac(scheme, &secret, &signed, &self.body));
        self.schemes
            .iter()
            .map(member)
            .collect::<Vec<_>>()
            .join(",")
    }

    /// The request as the client sends it, under this signature.
    fn under(&self, signature: &str) -> FakeClient {
        let mut client = FakeClient::new(self.method, self.target)
            .field("X-API-Key", key_text(Environment::Live, 1))
            .field("X-API-Signature", signature)
            .field("X-Timestamp", self.timestamp_s.to_string());
        if !self.nonce.is_empty() {
            client = client.field("X-Nonce", self.nonce);
        }
        if self.chunked {
            client.chunks(self.body.chunks(1000).map(<[u8]>::to_vec))
        } else if self.body.is_empty() {
            client
        } else {
            client.body(self.body.clone())
        }
    }

    fn signed(&self) -> FakeClient {
        self.under(&self.signature())
    }
}

fn get(schemes: &'static [Scheme]) -> Request {
    Request {
        schemes,
        method: "GET",
        body: Vec::new(),
        ..Request::default()
    }
}

/// A filter and the key that the requests show.
struct Bench {
    fakes: Fakes,
    filter: Signature,
    record: Option<Arc<KeyRecord>>,
}

fn bench_of(config: &str, fakes: Fakes) -> Bench {
    let config: Config = serde_json::from_str(config).unwrap();
    let filter = Signature::build(&config, &fakes.env).unwrap();
    let record = key_record(&key_text(Environment::Live, 1), 1);
    Bench {
        filter,
        fakes,
        record: Some(Arc::new(record)),
    }
}

fn bench(config: &str) -> Bench {
    bench_of(config, fakes())
}

impl Bench {
    fn with(mut self, change: impl FnOnce(&mut KeyRecord)) -> Self {
        let mut record = key_record(&key_text(Environment::Live, 1), 1);
        change(&mut record);
        self.record = Some(Arc::new(record));
        self
    }

    fn judge(&self, client: &mut FakeClient) -> Verdict {
        let mut x = testing::exchange_at(self.fakes.env.clock.now());
        x.caller = Caller::Claimed(Claim {
            record: self.record.clone(),
        });
        let verdict = judge(&self.filter, &mut x, client);
        assert_eq!(x.caller.principal().is_some(), verdict.is_ok());
        if let Err(reply) = &verdict {
            let challenged = reply.fields.iter().any(|(n, _)| *n == WWW_AUTHENTICATE);
            assert_eq!(challenged, reply.status == 401);
        }
        verdict
    }

    fn word(&self, mut client: FakeClient) -> String {
        word(&self.judge(&mut client))
    }

    #[track_caller]
    fn check(&self, client: FakeClient, expected: &str) {
        assert_eq!(self.word(client), expected);
    }
}

#[test]
fn fields_have_their_forms() {
    let hex = "a".repeat(64);
    let good = format!("v1={hex}");
    let other = format!("sha256={hex}");
    let time = START_S.to_string();
    let ms = format!("{time}000");
    let list = [good.as_str(); 5].join(",");
    // Well-formed and wrong is `invalid_credentials`: one step further.
    for (fields, expected) in [
        (
            &[("X-API-Signature", &good[..]), ("X-Timestamp", &time[..])][..],
            REFUSED,
        ),
        (
            &[("x-api-signature", &other), ("x-TIMESTAMP", &time)],
            REFUSED,
        ),
        (&[("X-Timestamp", &time)], "missing_signature"),
        (
            &[("X-API-Signature", ""), ("X-Timestamp", &time)],
            "malformed_signature",
        ),
        (
            &[("X-API-Signature", &hex), ("X-Timestamp", &time)],
            "malformed_signature",
        ),
        (
            &[
                ("X-API-Signature", &good.to_uppercase()),
                ("X-Timestamp", &time),
            ],
            "malformed_signature",
        ),
        (
            &[("X-API-Signature", &list), ("X-Timestamp", &time)],
            "malformed_signature",
        ),
        (
            &[
                ("X-API-Signature", &good),
                ("X-API-Signature", &good),
                ("X-Timestamp", &time),
            ],
            "ambiguous_credentials",
        ),
        (&[("X-API-Signature", &good)], "malformed_timestamp"),
        (
            &[
                ("X-API-Signature", &good),
                ("X-Timestamp", &time),
                ("X-Timestamp", &time),
            ],
            "malformed_timestamp",
        ),
        (
            &[("X-API-Signature", &good), ("X-Timestamp", "0767225600")],
            "malformed_timestamp",
        ),
        (
            &[("X-API-Signature", &good), ("X-Timestamp", &ms)],
            "timestamp_in_milliseconds",
        ),
        (
            &[
                ("X-API-Signature", &good),
                ("X-Timestamp", &time),
                ("X-Nonce", "1234567"),
            ],
            "malformed_nonce",
        ),
        (
            &[
                ("X-API-Signature", &good),
                ("X-Timestamp", &time),
                ("X-Nonce", ""),
            ],
            "malformed_nonce",
        ),
        (
            &[
                ("X-API-Signature", &good),
                ("X-Timestamp", &time),
                ("X-Nonce", "12345678"),
                ("X-Nonce", "12345678"),
            ],
            "malformed_nonce",
        ),
        (
            &[
                ("X-API-Signature", &good),
                ("X-Timestamp", &time),
                ("X-Nonce", "12345678"),
            ],
            REFUSED,
        ),
    ] {
        let mut client = FakeClient::post("/").body("never read before the forms are right");
        for (name, value) in fields {
            client = client.field(name, value);
        }
        let verdict = bench("{}").judge(&mut client);
        assert_eq!(word(&verdict), expected, "{fields:?}");
        assert_eq!(client.reads > 0, expected == REFUSED, "{fields:?}");
    }
}

#[test]
fn the_window_is_the_same_both_ways() {
    for (config, seconds) in [("{}", 300), (r#"{"window": "1s"}"#, 1)] {
        for schemes in [&[V1][..], &[BT]] {
            for (timestamp_s, expected) in [
                (START_S - seconds - 1, "stale_timestamp"),
                (START_S - seconds, "ok"),
                (START_S, "ok"),
                (START_S + seconds, "ok"),
                (START_S + seconds + 1, "stale_timestamp"),
                (9_999_999_999, "stale_timestamp"),
                (1_000_000_000, "stale_timestamp"),
            ] {
                let request = Request {
                    schemes,
                    timestamp_s,
                    ..Request::default()
                };
                bench(config).check(request.signed(), expected);
            }
        }
    }
}

#[test]
fn bodies_of_every_length_are_verified_and_long_ones_refused_early() {
    const MIB: usize = 1 << 20;
    for schemes in [&[V1][..], &[BT], &[V1, BT]] {
        for length in [0, 1, 999, 1000, 65_535, 65_536, 65_537, MIB, MIB + 1] {
            for chunked in [false, true] {
                let request = Request {
                    schemes,
                    body: vec![b'x'; length],
                    chunked,
                    ..Request::default()
                };
                let mut client = request.signed();
                let expected = if length > MIB { "body_too_large" } else { "ok" };
                let verdict = bench("{}").judge(&mut client);
                assert_eq!(word(&verdict), expected, "{length} {chunked}");
                match (chunked, length) {
                    // Announced and too long, or none: not even asked for.
                    (false, 0 | 1_048_577) => assert_eq!(client.reads, 0),
                    _ => assert!(client.reads > 0),
                }
            }
        }
    }
}

#[test]
fn a_request_without_a_body_is_judged_at_once() {
    let bench = bench("{}");
    let mut x = testing::exchange();
    x.caller = Caller::Claimed(Claim {
        record: bench.record.clone(),
    });
    let mut client = get(&[V1]).signed();
    let step = bench.filter.on_request(&mut x, &mut client);
    assert!(matches!(step, Step::Done(Ok(()))));
}

#[test]
fn a_body_that_ends_badly_ends_the_request() {
    let broken = Reply::refuse(Reason::RequestTimeout);
    let client = Request::default().signed().announcing(None);
    bench("{}").check(client.breaking(broken), "request_timeout");
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    let base = Request {
        nonce: "nonce-0001",
        ..Request::default()
    };
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = base.clone();
        change(&mut request);
        request
    };
    // The change, and what `v1` and `body-timestamp` make of it.
    for (name, sent, v1, bt) in [
        ("nothing", with(&|_| ()), "ok", "ok"),
        (
            "body",
            with(&|r| r.body = b"{} ".to_vec()),
            REFUSED,
            REFUSED,
        ),
        ("no body", with(&|r| r.body = Vec::new()), REFUSED, REFUSED),
        ("time", with(&|r| r.timestamp_s += 1), REFUSED, REFUSED),
        ("method", with(&|r| r.method = "PUT"), REFUSED, "ok"),
        (
            "path",
            with(&|r| r.target = "/api/v1/orderz?a=1"),
            REFUSED,
            "ok",
        ),
        (
            "slash",
            with(&|r| r.target = "/api/v1/orders/?a=1"),
            REFUSED,
            "ok",
        ),
        (
            "query",
            with(&|r| r.target = "/api/v1/orders?a=2"),
            REFUSED,
            "ok",
        ),
        (
            "query gone",
            with(&|r| r.target = "/api/v1/orders"),
            REFUSED,
            "ok",
        ),
        (
            "query escaped",
            with(&|r| r.target = "/api/v1/orders?%61=1"),
            REFUSED,
            "ok",
        ),
        ("nonce", with(&|r| r.nonce = "nonce-0002"), REFUSED, "ok"),
        ("nonce gone", with(&|r| r.nonce = ""), REFUSED, "ok"),
    ] {
        for (schemes, expected) in [(&[V1][..], v1), (&[BT], bt)] {
            let signature = Request {
                schemes,
                ..base.clone()
            }
            .signature();
            let found = bench("{}").word(sent.under(&signature));
            assert_eq!(found, expected, "{name} under {schemes:?}");
        }
    }
    let emptied = Request {
        target: "/api/v1/orders?",
        ..base.clone()
    };
    // `?` alone is an empty query, as none is: the signed text is the same.
    let plain = Request {
        target: "/api/v1/orders",
        ..base
    };
    bench("{}").check(emptied.under(&plain.signature()), "ok");
}

#[test]
fn any_member_of_an_accepted_scheme_suffices() {
    let request = Request::default();
    let of = |schemes| {
        let request = Request {
            schemes,
            ..Request::default()
        };
        request.signature()
    };
    let (v1, bt) = (of(&[V1]), of(&[BT]));
    let wrong = format!("v1={}", "0".repeat(64));
    let crossed = bt.replacen("sha256", "v1", 1);
    let both = r#"{"schemes": ["v1", "body-timestamp"]}"#;
    let only_v1 = r#"{"schemes": ["v1"]}"#;
    let only_bt = r#"{"schemes": ["body-timestamp"]}"#;
    for (config, signature, expected) in [
        (both, v1.clone(), "ok"),
        (both, bt.clone(), "ok"),
        (both, format!("{v1},{bt}"), "ok"),
        (both, format!("{wrong}, {bt}"), "ok"),
        (both, format!("{wrong},{v1}"), "ok"),
        (both, format!("{wrong},{wrong}"), REFUSED),
        (both, crossed, REFUSED),
        (only_v1, v1.clone(), "ok"),
        (only_v1, bt.clone(), "unaccepted_scheme"),
        (only_v1, format!("{bt},{v1}"), "ok"),
        // A member that is not accepted here does not help.
        (only_v1, format!("{bt},{wrong}"), REFUSED),
        (only_bt, v1, "unaccepted_scheme"),
        (only_bt, bt, "ok"),
    ] {
        let found = bench(config).word(request.under(&signature));
        assert_eq!(found, expected, "{config} {signature}");
    }
}

#[test]
fn every_secret_of_an_overlap_verifies() {
    let rotated = |until_s: u64| {
        bench("{}").with(|record| {
            record.credentials[0].until_s = Some(until_s);
            record.credentials.insert(
                0,
                Credential {
                    hash: [7; 32],
                    secret: Secret::new(b"new"),
                    until_s: None,
                },
            );
        })
    };
    for schemes in [&[V1][..], &[BT]] {
        for (secret, until_s, expected) in [
            ("new", START_S + 1, "ok"),
            ("sk_1", START_S + 1, "ok"),
            ("sk_2", START_S + 1, REFUSED),
            ("new", START_S, "ok"),
            ("sk_1", START_S, REFUSED),
        ] {
            let request = Request {
                schemes,
                secret,
                ..Request::default()
            };
            rotated(until_s).check(request.signed(), expected);
        }
    }
    // When nothing counts any more, nothing fits, not even what stands in for nobody.
    let none = bench("{}").with(|record| record.credentials[0].until_s = Some(0));
    none.check(Request::default().signed(), REFUSED);
}

#[test]
fn only_the_holder_of_the_secret_learns_how_the_key_stands() {
    let networks = |record: &mut KeyRecord| record.networks = vec!["10.0.0.0/8".parse().unwrap()];
    type Change = fn(&mut KeyRecord);
    let changes: [(Change, &str); 6] = [
        (|_| (), "ok"),
        (|r| r.expires_s = Some(START_S + 1), "ok"),
        (|r| r.expires_s = Some(START_S), "expired_key"),
        (|r| r.revoked = true, "revoked_key"),
        (networks, "address_not_allowed"),
        (
            |r| {
                r.revoked = true;
                r.expires_s = Some(START_S);
            },
            "revoked_key",
        ),
    ];
    for (change, expected) in changes {
        let bench = bench("{}").with(change);
        let stranger = Request {
            secret: "another",
            ..Request::default()
        };
        bench.check(stranger.signed(), REFUSED);
        bench.check(Request::default().signed(), expected);
        // Nothing but a request that passes is remembered.
        let remembered = usize::from(expected == "ok");
        assert_eq!(bench.fakes.env.replays.entries(), remembered);
    }
}

#[test]
fn an_unknown_key_and_a_wrong_signature_get_the_same_answer() {
    for (environment, details) in [(Environment::Live, 0), (Environment::Test, 4)] {
        for schemes in [&[V1][..], &[BT], &[V1, BT]] {
            let stranger = Request {
                schemes,
                secret: "another",
                ..Request::default()
            };
            let answer = |record: Option<Arc<KeyRecord>>| {
                let mut bench = bench("{}");
                bench.record = record;
                let mut client = FakeClient::post(stranger.target)
                    .field("X-API-Key", key_text(environment, 1))
                    .field("X-API-Signature", stranger.signature())
                    .field("X-Timestamp", stranger.timestamp_s.to_string())
                    .body(stranger.body.clone());
                bench.judge(&mut client).unwrap_err()
            };
            let known = answer(bench("{}").record);
            let unknown = answer(None);
            assert_eq!(known.reason, Some(Reason::InvalidCredentials));
            assert_eq!(known.reason, unknown.reason);
            assert_eq!(known.status, unknown.status);
            assert_eq!(known.message, unknown.message);
            assert_eq!(known.details, unknown.details);
            assert_eq!(known.fields, unknown.fields);
            assert_eq!(known.retry_after_s, unknown.retry_after_s);
            let least = if details == 0 { 0 } else { 3 };
            assert!((least..=details).contains(&known.details.len()));
        }
    }
    // Not even the secret that stands in for nobody opens anything.
    let mut nobody = bench("{}");
    nobody.record = None;
    let request = Request {
        secret: "nobody holds this secret, and what it fits is refused",
        ..Request::default()
    };
    nobody.check(request.signed(), REFUSED);
}

#[test]
fn a_sandbox_key_is_told_what_was_signed() {
    let detail = |reply: &Reply, name: &str| {
        let found = reply.details.iter().find(|(n, _)| *n == name);
        match &found.unwrap_or_else(|| panic!("{name}")).1 {
            Detail::Text(text) => text.clone(),
            Detail::Number(number) => number.to_string(),
            Detail::Name(name) => (*name).to_owned(),
        }
    };
    let request = |label: &str| {
        let mut client = FakeClient::post("/a?b=1")
            .field("X-API-Key", key_text(Environment::Test, 1))
            .field("X-API-Signature", format!("{label}={}", "0".repeat(64)))
            .field("X-Timestamp", START_S.to_string())
            .field("X-Nonce", "nonce-0001")
            .body("");
        bench("{}").judge(&mut client).unwrap_err()
    };
    let v1 = request("v1");
    // SHA-256 of nothing.
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!("v1\n{START_S}\nnonce-0001\nPOST\n/a\nb=1\n{hash}");
    assert_eq!(detail(&v1, "stringToSign"), text);
    assert_eq!(detail(&v1, "bodySha256"), hash);
    assert_eq!(detail(&v1, "bodyBytes"), "0");
    let bt = request("sha256");
    let text = format!("<the 0 bytes of the body>{START_S}");
    assert_eq!(detail(&bt, "stringToSign"), text);
}

#[test]
fn a_signature_is_accepted_once() {
    // First request; second request under the first's signature; what comes of the second.
    let post = Request::default;
    let of = |schemes, change: &dyn Fn(&mut Request)| {
        let mut request = Request { schemes, ..post() };
        change(&mut request);
        request
    };
    for (first, second, expected) in [
        // v1: every method, and nothing else passes under it.
        (of(&[V1], &|_| ()), of(&[V1], &|_| ()), "replayed_signature"),
        (get(&[V1]), get(&[V1]), "replayed_signature"),
        (of(&[V1], &|_| ()), of(&[V1], &|r| r.target = "/b"), REFUSED),
        (
            of(&[V1], &|_| ()),
            of(&[V1], &|r| r.method = "PUT"),
            REFUSED,
        ),
        // body-timestamp: the unsafe methods; another query does not make it new.
        (of(&[BT], &|_| ()), of(&[BT], &|_| ()), "replayed_signature"),
        (
            of(&[BT], &|r| r.method = "DELETE"),
            of(&[BT], &|r| r.method = "DELETE"),
            "replayed_signature",
        ),
        (
            of(&[BT], &|r| r.target = "/a?b=1"),
            of(&[BT], &|r| r.target = "/a?b=2"),
            "replayed_signature",
        ),
        (
            of(&[BT], &|r| r.target = "/orders/1"),
            of(&[BT], &|r| r.target = "/orders/2"),
            "ok",
        ),
        (get(&[BT]), get(&[BT]), "ok"),
    ] {
        let bench = bench("{}");
        let signature = first.signature();
        bench.check(first.under(&signature), "ok");
        let found = bench.word(second.under(&signature));
        assert_eq!(found, expected, "{} {}", second.method, second.target);
        if expected == "replayed_signature" {
            // It stays so for as long as the timestamp counts, and then the time is stale.
            bench.fakes.clock.advance_s(300);
            bench.check(first.under(&signature), "replayed_signature");
            bench.fakes.clock.advance_s(1);
            bench.check(first.under(&signature), "stale_timestamp");
        }
    }
}

#[test]
fn no_member_of_a_captured_request_can_be_used_alone() {
    let bench = bench("{}");
    let of = |schemes| Request {
        schemes,
        ..Request::default()
    };
    bench.check(of(&[V1, BT]).signed(), "ok");
    for schemes in [&[BT, V1][..], &[V1], &[BT]] {
        bench.check(of(schemes).signed(), "replayed_signature");
    }
}

#[test]
fn another_time_or_nonce_is_another_signature() {
    let bench = bench("{}");
    for (timestamp_s, nonce, expected) in [
        (START_S, "", "ok"),
        (START_S, "nonce-0001", "ok"),
        (START_S, "nonce-0002", "ok"),
        (START_S + 1, "", "ok"),
        (START_S, "nonce-0001", "replayed_signature"),
    ] {
        let request = Request {
            timestamp_s,
            nonce,
            ..Request::default()
        };
        bench.check(request.signed(), expected);
    }
}

#[test]
fn a_reload_forgets_nothing_and_switching_it_off_does() {
    let first = bench("{}");
    first.check(Request::default().signed(), "ok");
    let reloaded = Config::default();
    let second = Bench {
        filter: Signature::build(&reloaded, &first.fakes.env).unwrap(),
        ..bench("{}")
    };
    second.check(Request::default().signed(), "replayed_signature");
    let off = bench(r#"{"replay": false}"#);
    off.check(Request::default().signed(), "ok");
    off.check(Request::default().signed(), "ok");
}

#[test]
fn a_memory_that_is_full_or_has_no_past_refuses() {
    let with = |replays: ReplayCache| {
        let mut fakes = fakes();
        fakes.env.replays = Arc::new(replays);
        bench_of("{}", fakes)
    };
    let limits = ReplayLimits {
        entries_max: 10,
        entries_per_key_max: 1,
    };
    let full = with(ReplayCache::new(limits, 300, 0));
    full.check(Request::default().signed(), "ok");
    let next = Request {
        nonce: "nonce-0001",
        ..Request::default()
    };
    let reply = full.judge(&mut next.signed()).unwrap_err();
    assert_eq!(reply.reason, Some(Reason::ReplayMemoryFull));
    assert_eq!((reply.status, reply.retry_after_s), (503, Some(16)));
    // Only that key: another has its own share; and what needs no memory goes on.
    let other = full.with(|record| record.number = 99);
    other.check(next.signed(), "ok");
    other.check(get(&[BT]).signed(), "ok");

    let young = with(ReplayCache::new(ReplayLimits::default(), 300, START_S));
    for (request, timestamp_s, expected) in [
        (Request::default(), START_S - 1, "stale_timestamp"),
        (Request::default(), START_S, "ok"),
        (get(&[BT]), START_S - 1, "ok"),
    ] {
        let request = Request {
            timestamp_s,
            ..request
        };
        young.check(request.signed(), expected);
    }
}

#[test]
fn nobody_without_a_claim_passes() {
    let bench = bench("{}");
    let mut x = testing::exchange();
    let verdict = judge(&bench.filter, &mut x, &mut Request::default().signed());
    assert_eq!(word(&verdict), "missing_credentials");
}

#[test]
fn configurations_are_judged_and_warned_of() {
    // Whether it is read, builds, and the ids of its warnings.
    for (text, builds, warnings) in [
        ("{}", Some(true), &["unbound-signature-scheme"][..]),
        (r#"{"schemes": ["v1"]}"#, Some(true), &[]),
        (
            r#"{"schemes": ["body-timestamp"], "replay": false}"#,
            Some(true),
            &[
                "unbound-signature-scheme",
                "signature-without-replay-memory",
            ],
        ),
        (r#"{"schemes": []}"#, Some(false), &[]),
        (r#"{"schemes": ["v1"], "window": "1h"}"#, Some(true), &[]),
        (
            r#"{"schemes": ["v1"], "window": "3601s"}"#,
            Some(false),
            &[],
        ),
        (r#"{"schemes": ["v1"], "window": "0s"}"#, Some(false), &[]),
        (
            r#"{"schemes": ["v1"], "window": "1500ms"}"#,
            Some(false),
            &[],
        ),
        (r#"{"schemes": ["sha256"]}"#, None, &[]),
        (r#"{"window": 300}"#, None, &[]),
        (r#"{"skew": "300s"}"#, None, &[]),
    ] {
        let config: Option<Config> = serde_json::from_str(text).ok();
        let built = config
            .as_ref()
            .map(|c| Signature::build(c, &fakes().env).is_ok());
        assert_eq!(built, builds, "{text}");
        let ids = config
            .iter()
            .flat_map(Signature::warnings)
            .map(|(id, _)| id);
        assert_eq!(ids.collect::<Vec<_>>(), warnings, "{text}");
    }
    let config = Config::default();
    assert_eq!(Signature::needs(&config), Facts::CLAIM);
    assert_eq!(Signature::gives(&config), Facts::PRINCIPAL);
}
