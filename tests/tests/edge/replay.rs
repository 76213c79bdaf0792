//! Each signature is accepted once.

use super::partner::House;
use filters::replay::{ReplayCache, ReplayLimits};
use filters::signing::{Scheme, header_value};
use filters::testing::fakes;
use std::sync::Arc;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Answer, Raw, ask};
use tests::signer::{Draft, Signer};
use tests::stage::BEGIN_S;

const ROUNDS: usize = 1000;

fn word(answer: &Answer) -> String {
    match answer.status {
        200 => "ok".to_owned(),
        _ => answer.reason(),
    }
}

async fn send(house: &House, message: &Message) -> String {
    word(
        &ask(house.stage.address, house.wire(message))
            .await
            .expect("an answer"),
    )
}

const REPLAYED: &str = "replayed_signature";

#[tokio::test]
async fn the_same_request_passes_once() {
    let house = House::start().await;
    for scheme in Scheme::ALL {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let draft = Draft {
                scheme,
                ..house.draft(method, "/api/v1/orders/1", "")
            };
            let message = Message::signed(&house.signer, &draft);
            let begun = house.witness.begun();
            assert_eq!(send(&house, &message).await, "ok", "{scheme:?} {method}");
            // Two equal GETs of one second are honest under a scheme that signs neither path nor
            // method.
            let may_again = scheme == Scheme::BodyTimestamp && method == "GET";
            let again = if may_again { "ok" } else { REPLAYED };
            assert_eq!(send(&house, &message).await, again, "{scheme:?} {method}");
            assert_eq!(send(&house, &message).await, again, "{scheme:?} {method}");
            let passed = if may_again { 3 } else { 1 };
            assert_eq!(house.witness.begun(), begun + passed, "{scheme:?} {method}");
        }
    }
    house.stage.stop().await;
}

/// What else is written differently does not make a signature new.
#[tokio::test]
async fn no_other_spelling_makes_a_signature_new() {
    let house = House::start().await;
    let draft = Draft {
        body: b"{}",
        ..house.draft("POST", "/api/v1/orders", "nonce-0001")
    };
    let good = Message::signed(&house.signer, &draft);
    assert_eq!(send(&house, &good).await, "ok");
    let value = good.value("X-API-Signature").to_owned();
    let wrong = format!("v1={}", "0".repeat(64));
    for (name, message) in [
        (
            "a wrong one before",
            good.clone()
                .with("x-api-signature", &format!("{wrong},{value}")),
        ),
        (
            "a wrong one after",
            good.clone()
                .with("X-API-SIGNATURE", &format!("{value}, {wrong}")),
        ),
        (
            "twice in the list",
            good.clone()
                .with("X-API-Signature", &format!("{value},{value}")),
        ),
        ("another id", good.clone().field("X-Request-Id", "another")),
        ("another agent", good.clone().field("User-Agent", "another")),
        (
            "chunked",
            good.clone().framed(tests::message::Framing::Chunks(1)),
        ),
    ] {
        assert_eq!(send(&house, &message).await, REPLAYED, "{name}");
    }
    let http2 = Http2::connect(house.stage.addresses[1]).await;
    assert_eq!(word(&http2.ask(&good).await), REPLAYED, "by HTTP/2");
    let mut proxied = Raw::connect_from([127, 0, 0, 9], house.stage.address).await;
    let message = good.clone().field("X-Forwarded-For", "192.0.2.1");
    let answer = proxied.ask(house.wire(&message)).await;
    assert_eq!(word(&answer), REPLAYED, "from elsewhere");
    assert_eq!(house.witness.begun(), 1);
    house.stage.stop().await;
}

/// `body-timestamp` binds no path: method and path count, so that honest requests of one second with
/// equal bodies pass; the query does not.
#[tokio::test]
async fn under_body_timestamp_the_path_counts_and_the_query_does_not() {
    let house = House::start().await;
    let draft = Draft {
        scheme: Scheme::BodyTimestamp,
        ..house.draft("DELETE", "/api/v1/orders/1", "")
    };
    let message = Message::signed(&house.signer, &draft);
    for (method, target, expected) in [
        ("DELETE", "/api/v1/orders/1", "ok"),
        ("DELETE", "/api/v1/orders/1", REPLAYED),
        ("DELETE", "/api/v1/orders/1?force=true", REPLAYED),
        ("DELETE", "/api/v1/orders/2", "ok"),
        ("POST", "/api/v1/orders/1", "ok"),
        ("POST", "/api/v1/orders/1?x", REPLAYED),
        ("GET", "/api/v1/orders/1", "ok"),
        ("GET", "/api/v1/orders/1", "ok"),
        ("DELETE", "/api/v1/orders/2?", REPLAYED),
    ] {
        let mut sent = message.clone();
        (sent.method, sent.target) = (method.to_owned(), target.to_owned());
        assert_eq!(send(&house, &sent).await, expected, "{method} {target}");
    }
    house.stage.stop().await;
}

/// All members that fit are remembered: none of a captured request can be used alone.
#[tokio::test]
async fn no_part_of_a_captured_list_can_be_used_alone() {
    let house = House::start().await;
    let of = |scheme| {
        let draft = Draft {
            body: b"{}",
            scheme,
            ..house.draft("POST", "/api/v1/orders", "")
        };
        Message::signed(&house.signer, &draft)
    };
    let (v1, plain) = (of(Scheme::V1), of(Scheme::BodyTimestamp));
    let list = format!(
        "{}, {}",
        v1.value("X-API-Signature"),
        plain.value("X-API-Signature")
    );
    let both = v1.clone().with("X-API-Signature", &list);
    assert_eq!(send(&house, &both).await, "ok");
    for message in [&v1, &plain, &both] {
        assert_eq!(send(&house, message).await, REPLAYED);
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn of_two_at_the_same_instant_exactly_one_wins() {
    let house = House::start().await;
    let mut one = Raw::connect(house.stage.address).await;
    let mut two = Raw::connect(house.stage.address).await;
    for round in 0..ROUNDS {
        let request = house.wire(&house.get(&house.signer, "/api/v1/orders", round));
        let (a, b) = tokio::join!(one.ask(&request), two.ask(&request));
        let mut words = [word(&a), word(&b)];
        words.sort_unstable();
        assert_eq!(words, ["ok", REPLAYED], "round {round}");
    }
    assert_eq!(house.witness.begun(), ROUNDS);
    house.stage.stop().await;
}

#[tokio::test]
async fn of_many_streams_and_connections_exactly_one_wins() {
    let house = House::start().await;
    let http2 = Http2::connect(house.stage.addresses[1]).await;
    for round in 0..20 {
        let target = format!("/api/v1/orders/{round}");
        let draft = Draft {
            body: &[b'x'; 70_000],
            scheme: Scheme::BodyTimestamp,
            ..house.draft("POST", &target, "")
        };
        let message = Message::signed(&house.signer, &draft);
        let streams = (0..8).map(|_| http2.ask(&message));
        let connections = (0..8).map(|_| async {
            let request = house.wire(&message);
            ask(house.stage.address, request).await.expect("an answer")
        });
        let (a, b) = tokio::join!(
            futures_util::future::join_all(streams),
            futures_util::future::join_all(connections),
        );
        let won = a
            .iter()
            .chain(&b)
            .filter(|answer| answer.status == 200)
            .count();
        assert_eq!(won, 1, "round {round}");
        let lost = a.iter().chain(&b).filter(|answer| answer.status == 401);
        assert!(lost.clone().all(|answer| answer.reason() == REPLAYED));
        assert_eq!(lost.count(), 15, "round {round}");
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn a_reload_forgets_nothing() {
    let house = House::start().await;
    let message = house.get(&house.signer, "/api/v1/orders", 1);
    assert_eq!(send(&house, &message).await, "ok");
    for changes in [
        &[][..],
        // Another chain, another window: what was accepted stays accepted.
        &[("window: 300s", "window: 600s")],
        &[("window: 300s", "window: 60s")],
        &[("    - rate_limit\n", "")],
    ] {
        house.reload(changes);
        assert_eq!(send(&house, &message).await, REPLAYED, "{changes:?}");
    }
    house.reload(&[]);
    assert_eq!(
        send(&house, &house.get(&house.signer, "/api/v1/orders", 2)).await,
        "ok"
    );
    house.stage.stop().await;
}

#[tokio::test]
async fn it_is_remembered_as_long_as_it_could_be_used() {
    let house = House::start().await;
    let ahead = Draft {
        timestamp: BEGIN_S + 300,
        ..house.draft("GET", "/api/v1/orders", "")
    };
    let message = Message::signed(&house.signer, &ahead);
    assert_eq!(send(&house, &message).await, "ok");
    for (step_s, expected) in [
        (0, REPLAYED),
        (300, REPLAYED),
        (299, REPLAYED),
        (1, REPLAYED),
        (1, "stale_timestamp"),
        (600, "stale_timestamp"),
    ] {
        house.stage.fakes.clock.advance_s(step_s);
        // Others come and go, and sweep as they do.
        let now = house.stage.now_s();
        let other = house.get(
            &house.signer,
            "/api/v1/orders",
            usize::try_from(now).unwrap(),
        );
        assert!(["ok", REPLAYED].contains(&send(&house, &other).await.as_str()));
        assert_eq!(send(&house, &message).await, expected, "{}", now - BEGIN_S);
    }
    // The calendar goes back: what may have been forgotten is refused, not accepted again.
    house.stage.fakes.clock.set_unix_s(BEGIN_S + 300);
    let word = send(&house, &message).await;
    assert!(
        [REPLAYED, "stale_timestamp"].contains(&word.as_str()),
        "{word}"
    );
    house.stage.stop().await;
}

#[tokio::test]
async fn what_is_refused_for_another_reason_is_not_used_up() {
    let house = House::start().await;
    let signer = house.stage.key(2, |record| {
        record.rare.networks = vec!["127.0.0.1/32".parse().unwrap()]
    });
    let message = house.get(&signer, "/api/v1/orders", 1);
    let wrong = message
        .clone()
        .with("X-API-Signature", &header_value(Scheme::V1, &[0; 32]));
    assert_eq!(send(&house, &wrong).await, "invalid_credentials");
    let mut elsewhere = Raw::connect_from([127, 0, 0, 3], house.stage.address).await;
    let answer = elsewhere.ask(house.wire(&message)).await;
    assert_eq!(word(&answer), "address_not_allowed");
    assert_eq!(send(&house, &message).await, "ok");
    house.stage.stop().await;
}

/// Hardening, A20: a client that fills its share is refused alone, and nothing is pushed out.
#[tokio::test]
async fn a_full_share_refuses_its_own_key_alone() {
    const SHARE: usize = 4;
    let mut fakes = fakes();
    let limits = ReplayLimits {
        entries_max: 3 * SHARE,
        entries_per_key_max: SHARE,
    };
    fakes.env.replays = Arc::new(ReplayCache::new(limits, 300, 0));
    let house = House::start_with(&[], fakes).await;
    let other = house.stage.key(2, |_| {});
    let get = |signer: &Signer, n| house.get(signer, "/api/v1/orders", n);
    for n in 0..SHARE {
        assert_eq!(send(&house, &get(&house.signer, n)).await, "ok", "{n}");
    }
    let full = get(&house.signer, SHARE);
    let answer = ask(house.stage.address, house.wire(&full)).await.unwrap();
    assert_eq!(
        (answer.status, word(&answer).as_str()),
        (503, "replay_memory_full")
    );
    let wait_s: u64 = answer.only("retry-after").unwrap().parse().unwrap();
    assert!(wait_s > 0);
    assert_eq!(send(&house, &get(&other, 0)).await, "ok");
    assert_eq!(send(&house, &get(&house.signer, 0)).await, REPLAYED);
    // The windows of the first have passed.
    house.stage.fakes.clock.advance_s(300 + 2 * 16);
    assert_eq!(send(&house, &get(&house.signer, SHARE + 1)).await, "ok");
    house.stage.stop().await;
}
