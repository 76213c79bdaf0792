//! Keys that are not, no longer, or not here.

use super::super::partner::House;
use super::{INVALID, PASS, check, signed};
use filters::key::{Credential, Environment, KeyRecord, KeyText};
use filters::signing::{Scheme, Secret};
use filters::testing::key_text;
use tests::message::Message;
use tests::raw::Raw;
use tests::signer::{Draft, Signer};
use tests::stage::BEGIN_S;

const AMBIGUOUS: (u16, &str) = (401, "ambiguous_credentials");

fn spoilt(message: Message) -> Message {
    let body = [&message.body[..], b" "].concat();
    message.body(body)
}

/// Why a key does not serve is told to whoever holds its secret, and to nobody else.
#[tokio::test]
async fn each_key_has_its_reason_for_the_holder_of_its_secret_alone() {
    type Change = fn(&mut KeyRecord);
    let cases: [(&str, Change, (u16, &str)); 9] = [
        ("good", |_| {}, PASS),
        (
            "expired",
            |r| r.expires_s = Some(BEGIN_S - 1),
            (401, "expired_key"),
        ),
        (
            "expires now",
            |r| r.expires_s = Some(BEGIN_S),
            (401, "expired_key"),
        ),
        ("expires next", |r| r.expires_s = Some(BEGIN_S + 1), PASS),
        ("revoked", |r| r.revoked = true, (401, "revoked_key")),
        (
            "revoked and expired",
            |r| (r.revoked, r.expires_s) = (true, Some(1)),
            (401, "revoked_key"),
        ),
        (
            "elsewhere",
            |r| r.rare.networks = vec!["10.0.0.0/8".parse().unwrap()],
            (403, "address_not_allowed"),
        ),
        (
            "the neighbour",
            |r| r.rare.networks = vec!["127.0.0.2/32".parse().unwrap()],
            (403, "address_not_allowed"),
        ),
        (
            "here",
            |r| r.rare.networks = vec!["127.0.0.1/32".parse().unwrap()],
            PASS,
        ),
    ];
    let house = House::start().await;
    for (seed, (case, change, expected)) in (10..).zip(cases) {
        let signer = house.stage.key(seed, change);
        for scheme in Scheme::ALL {
            let good = signed(&house, &signer, scheme);
            check(&house, case, &spoilt(good.clone()), INVALID).await;
            check(&house, case, &good, expected).await;
        }
    }
    let unknown = Signer::new(key_text(Environment::Live, 99), "sk_99");
    for scheme in Scheme::ALL {
        let good = signed(&house, &unknown, scheme);
        check(&house, "unknown", &good, INVALID).await;
        check(&house, "unknown", &spoilt(good), INVALID).await;
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn a_key_ends_when_its_second_has_come() {
    let house = House::start().await;
    let signer = house
        .stage
        .key(3, |record| record.expires_s = Some(BEGIN_S + 60));
    house.stage.fakes.clock.advance_ms(59_999);
    check(&house, "before", &signed(&house, &signer, Scheme::V1), PASS).await;
    house.stage.fakes.clock.advance_ms(1);
    let message = signed(&house, &signer, Scheme::V1);
    check(&house, "after", &message, (401, "expired_key")).await;
    house.stage.stop().await;
}

#[tokio::test]
async fn a_key_revoked_or_made_while_serving_counts_at_once() {
    let house = House::start().await;
    let signer = Signer::new(key_text(Environment::Live, 4), "sk_4");
    let message = |n: &str| {
        let draft = house.draft("GET", "/api/v1/orders", n);
        Message::signed(&signer, &draft)
    };
    check(&house, "not yet", &message("nonce-01"), INVALID).await;
    house.stage.key(4, |_| {});
    check(&house, "made", &message("nonce-02"), PASS).await;
    house.stage.key(4, |record| record.revoked = true);
    check(
        &house,
        "revoked",
        &message("nonce-03"),
        (401, "revoked_key"),
    )
    .await;
    house.stage.fakes.keys.set_ready(false);
    check(
        &house,
        "not loaded",
        &message("nonce-04"),
        (503, "keys_not_ready"),
    )
    .await;
    house.stage.fakes.keys.set_ready(true);
    check(
        &house,
        "loaded again",
        &message("nonce-05"),
        (401, "revoked_key"),
    )
    .await;
    house.stage.stop().await;
}

#[tokio::test]
async fn the_address_of_a_key_is_the_peers_or_what_a_trusted_proxy_tells() {
    let house = House::start().await;
    let networks = || {
        vec![
            "127.0.0.5/32".parse().unwrap(),
            "198.51.100.0/24".parse().unwrap(),
        ]
    };
    let signer = house
        .stage
        .key(5, |record| record.rare.networks = networks());
    for (number, (source, forwarded, status)) in [
        (5, "", 200),
        (4, "", 403),
        (6, "", 403),
        (4, "127.0.0.5", 403),
        (9, "", 403),
        (9, "127.0.0.5", 200),
        (9, "127.0.0.4", 403),
        (9, "198.51.100.0", 200),
        (9, "198.51.100.255", 200),
        (9, "198.51.101.0", 403),
        (9, "198.51.99.255", 403),
        (9, "::ffff:198.51.100.7", 200),
        (9, "198.51.100.7, 203.0.113.1", 403),
        (9, "203.0.113.1, 198.51.100.7", 200),
        (9, "198.51.100.7, rubbish", 403),
        (9, "127.0.0.5, 127.0.0.9", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let mut message = house.get(&signer, "/api/v1/orders", number);
        if !forwarded.is_empty() {
            message = message.field("X-Forwarded-For", forwarded);
        }
        let mut raw = Raw::connect_from([127, 0, 0, source], house.stage.address).await;
        let answer = raw.ask(house.wire(&message)).await;
        assert_eq!(
            answer.status, status,
            "127.0.0.{source} {forwarded:?}: {answer:?}"
        );
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_any_look_up() {
    const FORM: (u16, &str) = (401, "malformed_key");
    let house = House::start().await;
    // Nothing is looked up: that the records are away is not even noticed.
    house.stage.fakes.keys.set_ready(false);
    let good = signed(&house, &house.signer, Scheme::V1);
    let key = house.signer.key.clone();
    let mut flipped = key.clone().into_bytes();
    let last = flipped.len() - 1;
    flipped[last] = if flipped[last] == b'0' { b'1' } else { b'0' };
    let flipped = String::from_utf8(flipped).unwrap();
    for spelled in [
        flipped,
        key[..key.len() - 1].to_owned(),
        format!("{key}0"),
        format!("{key},{key}"),
        format!("\"{key}\""),
        key.to_uppercase(),
        key.replace("ak_live_", "ak_test_"),
        key.replace("ak_live_", "sk_live_"),
        key.replace("ak_live_", ""),
        "*".to_owned(),
        "ak_live_*".to_owned(),
        "' OR '1'='1".to_owned(),
        "null".to_owned(),
        String::new(),
        "a".repeat(10_000),
        format!("ak_live_{}", "0".repeat(10_000)),
    ] {
        let message = good.clone().with("X-API-Key", &spelled);
        check(&house, &spelled[..spelled.len().min(80)], &message, FORM).await;
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn one_credential_and_in_a_header_only() {
    const MISSING: (u16, &str) = (401, "missing_credentials");
    let house = House::start().await;
    let good = signed(&house, &house.signer, Scheme::V1);
    let key = house.signer.key.clone();
    let other = house.stage.key(2, |_| {}).key;
    for (name, value) in [
        ("X-API-Key", key.as_str()),
        ("x-api-key", &other),
        ("X-API-KEY", "rubbish"),
        ("X-API-Key", ""),
        ("Authorization", "Bearer abc"),
        ("Authorization", "bearer abc"),
        ("Authorization", "Basic YTpi"),
        ("AUTHORIZATION", ""),
    ] {
        let message = good.clone().field(name, value);
        check(&house, &format!("{name}: {value}"), &message, AMBIGUOUS).await;
    }
    let bare = good.clone().without("X-API-Key");
    check(&house, "no key", &bare, MISSING).await;
    for (name, value) in [
        ("Cookie", format!("X-API-Key={key}")),
        ("X_API_Key", key.clone()),
        ("X-Api-Key2", key.clone()),
        ("Authorization", format!("ApiKey {key}")),
        ("Authorization", format!("Bearer {key}")),
        ("Proxy-Authorization", key.clone()),
    ] {
        check(&house, name, &bare.clone().field(name, &value), MISSING).await;
    }
    for query in ["x-api-key", "api_key", "X-API-Key"] {
        let target = format!("/api/v1/orders?{query}={key}");
        let draft = Draft {
            body: b"",
            ..house.draft("GET", &target, "")
        };
        let message = Message::signed(&house.signer, &draft).without("X-API-Key");
        check(&house, query, &message, MISSING).await;
    }
    check(&house, "good", &good, PASS).await;
    house.stage.stop().await;
}

/// Both key strings and both secrets count during a rotation's overlap, and the old ones no longer.
#[tokio::test]
async fn a_rotation_overlaps_until_its_second() {
    let house = House::start().await;
    let (new_key, old_key) = (
        key_text(Environment::Live, 20),
        key_text(Environment::Live, 21),
    );
    let credential = |key: &str, secret: &str, until_s| Credential {
        hash: KeyText::parse(key.as_bytes()).unwrap().hash(),
        secret: Secret::new(secret.as_bytes()),
        until_s,
    };
    house.stage.key(20, |record| {
        record.credential = Some(credential(&new_key, "sk_new", None));
        record.rare.former = vec![credential(&old_key, "sk_old", Some(BEGIN_S + 60))];
    });
    let cases = [
        (&new_key, "sk_new", true),
        (&old_key, "sk_old", false),
        (&new_key, "sk_old", false),
        (&old_key, "sk_new", false),
    ];
    let mut number = 0;
    for (after, step_ms) in [(false, 0), (false, 59_999), (true, 1), (true, 200_000)] {
        house.stage.fakes.clock.advance_ms(step_ms);
        for (key, secret, lasts) in cases {
            number += 1;
            let message = house.get(&Signer::new(key, secret), "/api/v1/orders", number);
            let expected = if lasts || !after { PASS } else { INVALID };
            check(
                &house,
                &format!("{secret} after {step_ms} ms"),
                &message,
                expected,
            )
            .await;
        }
    }
    house.stage.stop().await;
}
