//! Limits by address, before anybody is known.

use super::super::partner::House;
use super::told;
use tests::eventually;
use tests::message::Message;
use tests::raw::{Answer, Raw};

/// By address, above the key.
fn by_address(limit: &str) -> String {
    format!("    - rate_limit: {{ by: address, {limit} }}\n    - api_key\n")
}

async fn ask_from(house: &House, source: u8, message: &Message) -> Answer {
    let mut raw = Raw::connect_from([127, 0, 0, source], house.stage.address).await;
    raw.ask(house.wire(message)).await
}

#[tokio::test]
async fn each_address_has_its_own_requests() {
    let limit = by_address("name: edge, policies: { burst: 5/min }");
    let house = House::start_as(&[("    - api_key\n", &limit)]).await;
    let mut number = 0;
    let mut next = || {
        number += 1;
        house.get(&house.signer, "/api/v1/orders", number)
    };
    for source in [1, 2] {
        for _ in 0..5 {
            let answer = ask_from(&house, source, &next()).await;
            assert_eq!(answer.status, 200, "{source}");
            // What is told is the caller's limit, not the address's.
            assert_eq!(told(&answer).unwrap().policies["burst"][0], 50_000);
        }
        // What a stranger claims of its address counts for nothing.
        for forwarded in ["", "192.0.2.1", "127.0.0.3"] {
            let mut message = next();
            if !forwarded.is_empty() {
                message = message
                    .field("X-Forwarded-For", forwarded)
                    .field("Forwarded", "for=192.0.2.1");
            }
            let answer = ask_from(&house, source, &message).await;
            assert_eq!(
                (answer.status, answer.reason().as_str()),
                (429, "address_limit_exceeded")
            );
            assert_eq!(answer.only("retry-after"), Some("12"), "{answer:?}");
            assert_eq!(answer.json()["error"]["retryAfter"], 12);
            assert_eq!(told(&answer).unwrap().policies["burst"], [5, 60, 0, 12]);
        }
    }
    // A trusted proxy tells whose requests they are.
    for (forwarded, status) in [
        ("127.0.0.1", 429),
        ("198.51.100.1", 200),
        ("198.51.100.2", 200),
        ("127.0.0.2, 198.51.100.3", 200),
        ("198.51.100.3, 127.0.0.2", 429),
        ("2001:db8::1", 200),
        ("2001:db8::2", 200),
        ("2001:db8::3:1", 200),
        ("2001:db8:0:0:ffff::1", 200),
        ("[2001:db8::4]:443", 200),
        // The sixth of a /64, and the first of its neighbour.
        ("2001:db8::5", 429),
        ("2001:db8:0:1::5", 200),
    ] {
        let message = next().field("X-Forwarded-For", forwarded);
        let answer = ask_from(&house, 9, &message).await;
        assert_eq!(answer.status, status, "{forwarded}: {answer:?}");
    }
    house.stage.fakes.clock.advance_s(11);
    assert_eq!(ask_from(&house, 1, &next()).await.status, 429);
    house.stage.fakes.clock.advance_s(1);
    assert_eq!(ask_from(&house, 1, &next()).await.status, 200);
    assert_eq!(ask_from(&house, 1, &next()).await.status, 429);
    house.stage.stop().await;
}

/// Guessing gets slow: failed authentications are counted, and while they are used up not even the
/// right secret is tried.
#[tokio::test]
async fn failures_of_an_address_are_limited() {
    let limit = by_address("failures: 5/min");
    let house = House::start_as(&[("    - api_key\n", &limit)]).await;
    let good = |n| house.get(&house.signer, "/api/v1/orders", n);
    let wrong = |n| good(n).with("X-Nonce", "other-nonce");
    for n in 0..20 {
        assert_eq!(
            ask_from(&house, 1, &good(n)).await.status,
            200,
            "no failure is none"
        );
    }
    for n in 20..25 {
        assert_eq!(ask_from(&house, 1, &wrong(n)).await.status, 401);
    }
    // An answer is on its way before its failure is counted; a good request costs nothing here.
    let mut number = 1000;
    let mut counted = async || {
        eventually("the count of failures", async || {
            number += 1;
            ask_from(&house, 1, &good(number)).await.status == 429
        })
        .await;
    };
    counted().await;
    for message in [wrong(25), good(25), Message::new("GET", "/api/v1/orders")] {
        let answer = ask_from(&house, 1, &message).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (429, "too_many_failures")
        );
        assert_eq!(answer.only("retry-after"), Some("12"));
    }
    assert_eq!(
        ask_from(&house, 2, &good(26)).await.status,
        200,
        "another address"
    );
    house.stage.fakes.clock.advance_s(12);
    assert_eq!(ask_from(&house, 1, &good(27)).await.status, 200);
    assert_eq!(ask_from(&house, 1, &wrong(28)).await.status, 401);
    counted().await;
    house.stage.stop().await;
}
