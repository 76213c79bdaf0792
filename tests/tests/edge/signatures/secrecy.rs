//! What a refusal tells, and how long it takes: nothing that a stranger could use.

use super::super::partner::House;
use super::{INVALID, answer_to, check, signed};
use filters::key::Environment;
use filters::signing::Scheme;
use filters::testing::key_text;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::message::Message;
use tests::raw::{Answer, Raw};
use tests::signer::{Draft, Signer};
use tests::stage::BEGIN_S;

const ROUNDS: usize = 400;

/// A body in the log and in the answer differs by its request's id and nothing else.
fn without_id(mut answer: Answer) -> (u16, Vec<(String, String)>, serde_json::Value) {
    let mut body = answer.json();
    body["meta"]["requestId"] = json!(null);
    let own = ["x-request-id", "date"];
    answer
        .fields
        .retain(|(name, _)| !own.contains(&name.as_str()));
    (answer.status, answer.fields, body)
}

/// The same request by keys that differ in what we know of them; none has the right secret.
fn strangers(house: &House, environment: Environment) -> Vec<(&'static str, Signer)> {
    let wrong = |signer: &Signer| Signer::new(signer.key.clone(), "sk_wrong");
    let key = |seed, change: fn(&mut filters::key::KeyRecord)| {
        wrong(&house.stage.key_of(environment, seed, change))
    };
    vec![
        ("unknown", Signer::new(key_text(environment, 90), "sk_90")),
        ("known", key(91, |_| {})),
        ("revoked", key(92, |record| record.revoked = true)),
        (
            "expired",
            key(93, |record| record.expires_s = Some(BEGIN_S - 1)),
        ),
        (
            "elsewhere",
            key(94, |r| {
                r.rare.networks = vec!["10.0.0.0/8".parse().unwrap()]
            }),
        ),
        ("no tier", key(95, |record| record.tier = "nowhere".into())),
    ]
}

#[tokio::test]
async fn without_a_signature_nobody_learns_which_keys_exist() {
    let house = House::start().await;
    for environment in [Environment::Live, Environment::Test] {
        for scheme in Scheme::ALL {
            let mut first = None;
            for (name, signer) in strangers(&house, environment) {
                let message = signed(&house, &signer, scheme);
                check(&house, name, &message, INVALID).await;
                let answer = without_id(answer_to(&house, &message).await);
                let first = first.get_or_insert_with(|| answer.clone());
                assert_eq!(answer, *first, "{environment:?} {scheme:?} {name}");
            }
        }
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn sandbox_keys_get_an_explanation_and_live_keys_never() {
    let house = House::start().await;
    let wrong = |environment| {
        let signer = house.stage.key_of(environment, 7, |_| {});
        Signer::new(signer.key, "sk_wrong")
    };
    for scheme in Scheme::ALL {
        let message = signed(&house, &wrong(Environment::Live), scheme);
        let body = answer_to(&house, &message).await.json();
        assert_eq!(
            body["error"]["details"],
            json!({ "reason": "invalid_credentials" })
        );
    }
    let now = house.stage.now_s();
    let message = signed(&house, &wrong(Environment::Test), Scheme::V1);
    let details = &answer_to(&house, &message).await.json()["error"]["details"];
    let hash = String::from_utf8(filters::signing::sha256_hex(super::BODY).to_vec()).unwrap();
    let text =
        format!("v1\n{now}\nnonce-0001\nPOST\n/api/v1/orders/7\nstate=open&limit=10\n{hash}");
    assert_eq!(details["stringToSign"], json!(text));
    assert_eq!(details["bodySha256"], json!(hash));
    assert_eq!(details["bodyBytes"], json!(super::BODY.len()));
    assert!(details["likelyMistake"].is_string(), "{details}");

    let message = signed(&house, &wrong(Environment::Test), Scheme::BodyTimestamp);
    let details = &answer_to(&house, &message).await.json()["error"]["details"];
    assert_eq!(details["bodyBytes"], json!(super::BODY.len()));
    let text = details["stringToSign"].as_str().unwrap();
    assert!(text.ends_with(&now.to_string()), "{text}");

    // A good one needs none.
    let signer = house.stage.key_of(Environment::Test, 8, |_| {});
    check(
        &house,
        "good",
        &signed(&house, &signer, Scheme::V1),
        super::PASS,
    )
    .await;
    assert_eq!(house.witness.last().only("x-consumer-env"), Some("test"));
    house.stage.stop().await;
}

/// What a quarter of the times stays below: what the work costs when nobody interrupts it. Whoever else
/// runs on the machine makes a time longer and never shorter.
fn lower_quartile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 4]
}

/// Hardening, A21. Coarse on purpose: what it would find is a path that skips the work, a look-up
/// in a database or an early end of a comparison over the whole body.
#[tokio::test]
async fn unknown_keys_and_wrong_signatures_take_the_same_time() {
    let house = House::start().await;
    let body = vec![b'x'; 16 * 1024];
    let message = |signer: &Signer, scheme| {
        let draft = Draft {
            body: &body,
            scheme,
            ..house.draft("POST", "/api/v1/orders", "")
        };
        house.wire(&Message::signed(signer, &draft))
    };
    for scheme in Scheme::ALL {
        let mut raw = Raw::connect(house.stage.address).await;
        let requests: Vec<Vec<u8>> = strangers(&house, Environment::Live)[..2]
            .iter()
            .map(|(_, signer)| message(signer, scheme))
            .collect();
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            // Whichever came first the last time comes second now: neither has the warmer caches.
            for at in [round % 2, 1 - round % 2] {
                let begin = Instant::now();
                let answer = raw.ask(&requests[at]).await;
                times[at].push(begin.elapsed());
                assert_eq!(answer.status, 401);
            }
        }
        let [unknown, wrong] = times.map(lower_quartile);
        let close = unknown * 2 < wrong * 3 && wrong * 2 < unknown * 3;
        assert!(close, "{scheme:?}: unknown {unknown:?}, wrong {wrong:?}");
    }
    house.stage.stop().await;
}
