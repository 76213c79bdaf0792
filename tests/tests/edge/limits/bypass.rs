//! Hardening, A29 and A30: no spelling chooses another bucket, and no stranger spends one.

use super::super::partner::House;
use super::{get, own, told};
use filters::key::{Credential, Environment, KeyText};
use filters::signing::{Scheme, Secret};
use filters::testing::key_text;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Raw, ask};
use tests::signer::{Draft, Signer};

#[tokio::test]
async fn every_spelling_of_a_request_draws_on_one_bucket() {
    let house = House::start().await;
    let (key, second) = (
        key_text(Environment::Live, 500),
        key_text(Environment::Live, 501),
    );
    let hash = |key: &str| KeyText::parse(key.as_bytes()).unwrap().hash();
    let credential = |key: &str| Credential {
        hash: hash(key),
        secret: Secret::new(b"sk_500"),
        until_s: Some(u64::MAX),
    };
    house.stage.key(500, |record| {
        own(record, 1000, 100);
        record.credential = Some(credential(&key));
        record.rare.former = vec![credential(&second)];
    });
    let signer = Signer::new(&key, "sk_500");
    let base = |n| house.get(&signer, "/api/v1/orders", n);
    let respelled = |n, name: &str| {
        let message = base(n);
        let value = message.value("X-API-Key").to_owned();
        message.with(name, &value)
    };
    let of = |method, target, n: usize, scheme| {
        let nonce = format!("nonce-{n:08}");
        let draft = Draft {
            scheme,
            ..house.draft(method, target, &nonce)
        };
        Message::signed(&signer, &draft)
    };
    let messages = vec![
        ("plain", base(0)),
        ("lower case", respelled(1, "x-api-key")),
        ("upper case", respelled(2, "X-API-KEY")),
        ("spaces", base(3).with("X-API-Key", &format!(" \t{key}\t "))),
        (
            "another path",
            of("GET", "/api/v1/products/1", 4, Scheme::V1),
        ),
        (
            "another case of path",
            of("GET", "/API/V1/orders", 5, Scheme::V1),
        ),
        ("a query", of("GET", "/api/v1/orders?a=1", 6, Scheme::V1)),
        (
            "an empty query",
            of("GET", "/api/v1/orders?", 7, Scheme::V1),
        ),
        ("POST", of("POST", "/api/v1/orders", 8, Scheme::V1)),
        ("DELETE", of("DELETE", "/api/v1/orders/1", 9, Scheme::V1)),
        (
            "another scheme",
            of("GET", "/api/v1/orders", 10, Scheme::BodyTimestamp),
        ),
        ("a version", base(11).field("X-API-Version", "1")),
        (
            "another header of version",
            base(12).field("Accept-Version", "1"),
        ),
        ("another key of the record", {
            house.get(&Signer::new(&second, "sk_500"), "/api/v1/orders", 13)
        }),
        ("another agent", base(14).field("User-Agent", "other")),
        ("another id", base(15).field("X-Request-Id", "other")),
        (
            "somebody's address",
            base(16).field("X-Forwarded-For", "192.0.2.77"),
        ),
        (
            "somebody's id",
            base(17).field("X-Consumer-Id", "partner_9"),
        ),
        (
            "somebody's bucket",
            base(18).field("X-RateLimit-Remaining", "1000"),
        ),
    ];
    let mut used = 0;
    let mut check = |case: &str, answer: &tests::raw::Answer| {
        used += 1;
        assert_eq!(answer.status, 200, "{case}: {answer:?}");
        let policies = told(answer).unwrap().policies;
        let left = [policies["hourly"][2], policies["burst"][2]];
        assert_eq!(left, [1000 - used, 100 - used], "{case}");
    };
    for (case, message) in &messages {
        let answer = ask(house.stage.address, house.wire(message)).await.unwrap();
        check(case, &answer);
    }
    let http2 = Http2::connect(house.stage.addresses[1]).await;
    for n in 30..33 {
        check("HTTP/2", &http2.ask(&base(n)).await);
    }
    let mut raw = Raw::connect_from([127, 0, 0, 7], house.stage.address).await;
    check("another address", &raw.ask(house.wire(&base(40))).await);
    let mut raw = Raw::connect_from([127, 0, 0, 9], house.stage.address).await;
    let message = base(41).field("X-Forwarded-For", "192.0.2.78");
    check("by a proxy", &raw.ask(house.wire(&message)).await);
    house.stage.stop().await;
}

#[tokio::test]
async fn streams_and_connections_at_once_draw_on_one_bucket() {
    const TOKENS: u32 = 50;
    let house = House::start().await;
    let signer = house.stage.key(510, |record| own(record, 1000, TOKENS));
    let mut asked = Vec::new();
    for connection in 0..4 {
        let http2 = Http2::connect(house.stage.addresses[1]).await;
        for stream in 0..25 {
            let message = house.get(&signer, "/api/v1/orders", 100 * connection + stream);
            let http2 = http2.clone();
            asked.push(async move { http2.ask(&message).await });
        }
    }
    let answers = futures_util::future::join_all(asked).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(passed, TOKENS as usize);
    assert!(
        answers
            .iter()
            .all(|answer| [200, 429].contains(&answer.status))
    );
    house.stage.stop().await;
}

/// Whatever strangers send under a victim's key, the victim's bucket stays as it was.
#[tokio::test]
async fn forged_requests_spend_nothing_of_the_victim() {
    let house = House::start().await;
    let victim = house.stage.key(520, |record| own(record, 100, 10));
    let left = |answer| told(&answer).unwrap().policies["burst"][2];
    assert_eq!(left(get(&house, &victim, 0).await), 9);
    let captured = house.get(&victim, "/api/v1/orders", 0);
    let good = house.get(&victim, "/api/v1/orders", 1);
    let forger = Signer::new(victim.key.clone(), "sk_guess");
    let mut raw = Raw::connect(house.stage.address).await;
    for n in 0..50 {
        for (message, reason) in [
            (
                house.get(&forger, "/api/v1/orders", n),
                "invalid_credentials",
            ),
            (captured.clone(), "replayed_signature"),
            (
                good.clone().with("X-Nonce", "other-nonce"),
                "invalid_credentials",
            ),
            (good.clone().without("X-API-Signature"), "missing_signature"),
            (
                good.clone().with("X-Timestamp", "1000000000"),
                "stale_timestamp",
            ),
            (
                good.clone().field("X-API-Key", &victim.key),
                "ambiguous_credentials",
            ),
        ] {
            let answer = raw.ask(house.wire(&message)).await;
            assert_eq!((answer.status, answer.reason().as_str()), (401, reason));
        }
    }
    assert_eq!(left(get(&house, &victim, 2).await), 8);
    house.stage.stop().await;
}
