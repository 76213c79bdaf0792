//! The filters that prove and limit, together in the chain that they are made for.

use crate::catalog::prepare;
use crate::chain::{Chain, Link};
use crate::env::Site;
use crate::exchange::Exchange;
use crate::filter::{Facts, Verdict};
use crate::key::Environment;
use crate::signing::{Scheme, Secret, Signed, header_value, mac};
use crate::testing::{self, FakeClient, Fakes, START_S, finish, key_record, key_text, word};
use serde_json::json;

/// The chain of the shipped policy, as far as callers are concerned.
fn chain(fakes: &Fakes) -> Chain {
    let mut facts = Facts::NONE;
    let links = [
        ("hygiene", json!({})),
        ("rate_limit", json!({"by": "address", "failures": "20/min"})),
        ("api_key", json!({})),
        ("signature", json!({})),
        ("rate_limit", json!({})),
    ]
    .map(|(name, config)| {
        let prepared = prepare(name, config).unwrap().unwrap();
        assert_eq!(facts.missing(prepared.needs), Facts::NONE, "{name}");
        facts = facts | prepared.gives;
        Link {
            name: prepared.name,
            filter: prepared.build(&fakes.env).unwrap(),
        }
    });
    Chain::new(links.into()).unwrap()
}

/// One exchange from its head to its log line.
fn run(chain: &Chain, fakes: &Fakes, from: &str, client: &mut FakeClient) -> (Exchange, Verdict) {
    let mut x = testing::exchange_at(fakes.env.clock.now());
    x.client = from.parse().unwrap();
    let verdict = finish(chain.on_request(&mut x, client));
    let mut status = 200;
    if let Err(reply) = &verdict {
        (x.refused, status) = (reply.reason, reply.status);
    }
    chain.on_log(&mut x, &testing::outcome(status));
    (x, verdict)
}

fn request(key: &str, secret: &str, n: u32) -> FakeClient {
    let (timestamp, nonce) = (START_S.to_string(), format!("nonce-{n:04}"));
    let signed = Signed {
        method: "POST",
        path: b"/api/v1/orders",
        query: b"",
        timestamp: &timestamp,
        nonce: &nonce,
    };
    let made = mac(Scheme::V1, &Secret::new(secret.as_bytes()), &signed, b"{}");
    FakeClient::post("/api/v1/orders")
        .field("Host", "api.example")
        .field("Content-Length", "2")
        .field("X-API-Key", key)
        .field("X-API-Signature", header_value(Scheme::V1, &made))
        .field("X-Timestamp", timestamp)
        .field("X-Nonce", nonce)
        .body("{}")
}

#[test]
fn strangers_spend_their_own_tokens_and_nobody_elses() {
    let fakes = testing::fakes_of(Site {
        tiers: [(
            "free".to_owned(),
            Some([("burst".to_owned(), "20/min".parse().unwrap())].into()),
        )]
        .into(),
        ..Site::default()
    });
    let chain = chain(&fakes);
    let key = key_text(Environment::Live, 1);
    let record = fakes.keys.insert(key_record(&key, 1));
    let unknown = key_text(Environment::Live, 2);
    let ask = |from: &str, key: &str, secret: &str, n| {
        let (x, verdict) = run(&chain, &fakes, from, &mut request(key, secret, n));
        let left = x.quota.map(|decision| decision.tightest().1.remaining);
        (word(&verdict), left)
    };
    let answer = |word: &str, left| (word.to_owned(), left);
    let (honest, hostile) = ("192.0.2.1", "203.0.113.1");

    assert_eq!(ask(honest, &key, "sk_1", 0), answer("ok", Some(19)));
    // Forged, of unknown keys and captured: all fail alike, and cost the victim nothing.
    for n in 0..20 {
        let (shown, secret, expected) = match n % 3 {
            0 => (&key, "guess", "invalid_credentials"),
            1 => (&unknown, "sk_1", "invalid_credentials"),
            _ => (&key, "sk_1", "replayed_signature"),
        };
        let nonce = if n % 3 == 2 { 0 } else { n };
        assert_eq!(ask(hostile, shown, secret, nonce), answer(expected, None));
    }
    let tired = answer("too_many_failures", None);
    for n in 20..100 {
        assert_eq!(ask(hostile, &key, "guess", n), tired);
    }
    assert_eq!(ask(hostile, &key, "sk_1", 100), tired);
    for n in 1..20 {
        let left = Some(19 - n);
        assert_eq!(ask(honest, &key, "sk_1", n), answer("ok", left));
    }
    let exceeded = answer("burst_exceeded", Some(0));
    assert_eq!(ask(honest, &key, "sk_1", 20), exceeded);
    // What was refused for the limit is no failure of its address.
    for n in 21..60 {
        assert_eq!(ask(honest, &key, "sk_1", n), exceeded);
    }
    let used = record.usage.take().unwrap();
    assert_eq!((used.requests, used.errors), (60, 40));
}
