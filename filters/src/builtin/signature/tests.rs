//! Contract, section 3; hardening 2.3, A14, A16 to A21.

mod replays;
mod standing;

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
    assert!(Signature::needs(&config).contain(Facts::CLAIM));
    assert_eq!(Signature::gives(&config), Facts::PRINCIPAL);
}
