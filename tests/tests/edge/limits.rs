//! Limits: exactly as many as there are tokens, whoever asks in whatever way.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod address;
mod bypass;
mod fields;

use super::partner::House;
use filters::key::KeyRecord;
use filters::units::Rate;
use std::collections::BTreeMap;
use tests::raw::{Answer, Raw, ask};

/// The limits of the tier `free` in this policy.
const TIER: &str = "free: { hourly: 100000/h, burst: 50000/min }";

/// Limits of a key's own.
fn own(record: &mut KeyRecord, hourly: u32, burst: u32) {
    let rate = |limit, window_s| Rate { limit, window_s };
    let list = [
        ("hourly".to_owned(), rate(hourly, 3600)),
        ("burst".to_owned(), rate(burst, 60)),
    ];
    record.rare.limits = Some(list.into());
}

/// What an answer tells of limits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`.
    tightest: [u64; 3],
    /// Of each policy: `q`, `w`, `r` and `t`.
    policies: BTreeMap<String, [u64; 4]>,
}

/// Reads all fields about limits; `None` when there is none of them.
fn told(answer: &Answer) -> Option<Told> {
    let names = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ];
    let all = names.into_iter().chain(["ratelimit-policy", "ratelimit"]);
    let count = all.filter(|name| !answer.all(name).is_empty()).count();
    if count == 0 {
        return None;
    }
    assert_eq!(count, 5, "all of them or none: {answer:?}");
    let tightest = names.map(|name| answer.only(name).unwrap().parse().unwrap());
    let limits = list(answer.only("ratelimit-policy").unwrap(), ["q", "w"]);
    let states = list(answer.only("ratelimit").unwrap(), ["r", "t"]);
    assert!(limits.keys().eq(states.keys()), "{answer:?}");
    let policies = limits.into_iter().map(|(name, [q, w])| {
        let [r, t] = states[&name];
        (name, [q, w, r, t])
    });
    let policies = policies.collect();
    Some(Told { tightest, policies })
}

/// A List of Strings with two Integers each (RFC 9651): `"hourly";q=1000;w=3600, "burst";q=100;w=60`.
fn list(value: &str, parameters: [&str; 2]) -> BTreeMap<String, [u64; 2]> {
    let items = value.split(", ").map(|item| {
        let mut parts = item.split(';');
        let name = parts.next().unwrap();
        let name = name
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'))
            .unwrap();
        let numbers = parameters.map(|parameter| {
            let (key, number) = parts.next().unwrap().split_once('=').unwrap();
            assert_eq!(key, parameter, "{value}");
            number.parse().unwrap()
        });
        assert_eq!(parts.next(), None, "{value}");
        (name.to_owned(), numbers)
    });
    items.collect()
}

async fn get(house: &House, signer: &tests::signer::Signer, number: usize) -> Answer {
    let message = house.get(signer, "/api/v1/orders", number);
    ask(house.stage.address, house.wire(&message))
        .await
        .expect("an answer")
}

/// Clients at once on one key, on connections that live through many rounds, and each round another key.
/// (A thousand rounds of the buckets alone are in `filters`.)
#[tokio::test]
async fn of_64_clients_at_once_exactly_as_many_pass_as_there_are_tokens() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 400;
    let house = House::start().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Raw::connect(house.stage.address).await);
    }
    for round in 0..ROUNDS {
        let tokens = [1, 7, 40, 63][round % 4];
        let by_burst = round % 8 < 4;
        let (hourly, burst) = if by_burst {
            (1000, tokens)
        } else {
            (tokens, 1000)
        };
        let seed = 10_000 + u32::try_from(round).unwrap();
        let signer = house.stage.key(seed, |record| own(record, hourly, burst));
        let asked = clients.iter_mut().enumerate().map(|(number, client)| {
            let message = house.get(&signer, "/api/v1/orders", number);
            let request = house.wire(&message);
            async move { client.ask(request).await }
        });
        let answers = futures_util::future::join_all(asked).await;
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, tokens as usize, "round {round}");
        let reason = if by_burst {
            "burst_exceeded"
        } else {
            "quota_exceeded"
        };
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!((refused.status, refused.reason().as_str()), (429, reason));
            // A refusal by one policy takes nothing from the other.
            let policies = told(refused).unwrap().policies;
            let (used_up, other) = if by_burst {
                ("burst", "hourly")
            } else {
                ("hourly", "burst")
            };
            assert_eq!(policies[used_up][2], 0, "round {round}");
            assert_eq!(
                policies[other][2],
                u64::from(1000 - tokens),
                "round {round}"
            );
        }
        let one_more = get(&house, &signer, CLIENTS).await;
        assert_eq!(one_more.status, 429, "round {round}");
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn who_waits_as_told_succeeds_and_not_a_second_earlier() {
    let house = House::start().await;
    for (seed, (hourly, burst)) in (0..).zip([(1000, 20), (100, 20), (3, 1000), (7, 7), (2, 1)]) {
        let signer = house
            .stage
            .key(200 + seed, |record| own(record, hourly, burst));
        let mut number = 0;
        let mut next = async || {
            number += 1;
            get(&house, &signer, number).await
        };
        for _ in 0..hourly.min(burst) {
            assert_eq!(next().await.status, 200, "{hourly} {burst}");
        }
        for round in 0..5 {
            let refused = next().await;
            assert_eq!(refused.status, 429, "{hourly} {burst} {round}");
            let wait_s: u64 = refused.only("retry-after").unwrap().parse().unwrap();
            assert!(wait_s >= 1, "{hourly} {burst} {round}");
            let body = refused.json();
            assert_eq!(body["error"]["retryAfter"], wait_s, "{body}");
            assert_eq!(body["error"]["code"], "RATE_LIMIT_EXCEEDED", "{body}");
            let details = &body["error"]["details"];
            let policy = details["policy"].as_str().unwrap();
            let [limit, window_s, _, next_s] = told(&refused).unwrap().policies[policy];
            assert_eq!(
                (&details["limit"], &details["windowSeconds"]),
                (&limit.into(), &window_s.into())
            );
            assert_eq!(next_s, wait_s, "{body}");
            house.stage.fakes.clock.advance_s(wait_s - 1);
            assert_eq!(
                next().await.status,
                429,
                "{hourly} {burst} {round}: told too long"
            );
            house.stage.fakes.clock.advance_s(1);
            assert_eq!(
                next().await.status,
                200,
                "{hourly} {burst} {round}: told too short"
            );
        }
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn each_caller_has_the_limits_of_its_tier_or_its_own() {
    let tiers = (
        TIER,
        "free: { hourly: 5/h, burst: 3/min }\n  pro: { hourly: 7/h, burst: 4/min }",
    );
    let house = House::start_as(&[tiers]).await;
    type Change = fn(&mut KeyRecord);
    let cases: [(&str, Change, Option<usize>); 5] = [
        ("free", |_| {}, Some(3)),
        ("pro", |record| record.tier = "pro".into(), Some(4)),
        ("internal", |record| record.tier = "internal".into(), None),
        ("its own", |record| own(record, 9, 6), Some(6)),
        (
            "its own, of a tier without",
            |record| {
                record.tier = "internal".into();
                own(record, 2, 9);
            },
            Some(2),
        ),
    ];
    for (seed, (case, change, limit)) in (300..).zip(cases) {
        let signer = house.stage.key(seed, change);
        let mut passed = 0;
        for number in 0..30 {
            let answer = get(&house, &signer, number).await;
            passed += usize::from(answer.status == 200);
            assert_eq!(
                told(&answer).is_none(),
                limit.is_none(),
                "{case}: {answer:?}"
            );
        }
        assert_eq!(passed, limit.unwrap_or(30), "{case}");
    }
    // A missing identity never means unlimited.
    let unknown = house
        .stage
        .key(390, |record| record.tier = "nowhere".into());
    let senseless = house
        .stage
        .key(391, |record| record.rare.limits = Some([].into()));
    for signer in [&unknown, &senseless] {
        let begun = house.witness.begun();
        let answer = get(&house, signer, 1).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (503, "tier_unknown")
        );
        assert!(
            answer.only("retry-after").is_some_and(|s| s != "0"),
            "{answer:?}"
        );
        assert_eq!(house.witness.begun(), begun);
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn a_reload_with_another_limit_keeps_what_was_used() {
    let limits =
        |hourly: u32, burst: u32| format!("free: {{ hourly: {hourly}/h, burst: {burst}/min }}");
    let house = House::start_as(&[(TIER, &limits(100, 50))]).await;
    let mut number = 0;
    let mut remaining = async || {
        number += 1;
        let answer = get(&house, &house.signer, number).await;
        let policies = told(&answer).unwrap().policies;
        (answer.status, policies["hourly"][2], policies["burst"][2])
    };
    for n in 1..=10 {
        assert_eq!(remaining().await, (200, 100 - n, 50 - n));
    }
    for (hourly, burst, expected) in [
        (100, 50, (200, 89, 39)),
        (200, 50, (200, 188, 38)),
        (200, 500, (200, 187, 487)),
        (14, 500, (200, 0, 486)),
        (14, 500, (429, 0, 486)),
        (5, 3, (429, 0, 0)),
        (100, 50, (200, 94, 46)),
    ] {
        house.reload(&[(TIER, &limits(hourly, burst))]);
        assert_eq!(remaining().await, expected, "{hourly} {burst}");
    }
    house.stage.stop().await;
}
