//! What answers tell of limits: one truth, in two spellings.

use super::super::partner::House;
use super::{get, own, told};
use tests::raw::ask;

#[tokio::test]
async fn both_families_agree_with_each_other_and_with_the_next_answer() {
    let house = House::start().await;
    for (seed, (hourly, burst)) in (0..).zip([(50, 20), (10, 20), (15, 15)]) {
        let signer = house
            .stage
            .key(400 + seed, |record| own(record, hourly, burst));
        let mut number = 0;
        let mut next = async || {
            number += 1;
            get(&house, &signer, number).await
        };
        let mut left = [u64::from(hourly), u64::from(burst)];
        for _ in 0..hourly.min(burst) + 3 {
            let answer = next().await;
            let refused = left.contains(&0);
            assert_eq!(answer.status, if refused { 429 } else { 200 });
            if !refused {
                left = left.map(|n| n - 1);
            }
            let told = told(&answer).unwrap();
            let [hours, minutes] = ["hourly", "burst"].map(|name| told.policies[name]);
            assert_eq!([hours[0], hours[1]], [u64::from(hourly), 3600]);
            assert_eq!([minutes[0], minutes[1]], [u64::from(burst), 60]);
            assert_eq!([hours[2], minutes[2]], left, "{answer:?}");
            let tight = if left[0] <= left[1] { hours } else { minutes };
            assert_eq!(told.tightest[..2], [tight[0], tight[2]], "{answer:?}");
            let now = house.stage.now_s();
            assert!(
                (now + 1..=now + tight[1]).contains(&told.tightest[2]),
                "{answer:?}"
            );
        }
        // `t` seconds later there is a token more, and not before.
        let before = told(&next().await).unwrap();
        let (name, [_, _, _, wait_s]) = before
            .policies
            .iter()
            .filter(|(_, numbers)| numbers[2] == 0)
            .max_by_key(|(_, numbers)| numbers[3])
            .map(|(name, numbers)| (name.clone(), *numbers))
            .unwrap();
        house.stage.fakes.clock.advance_s(wait_s - 1);
        assert_eq!(told(&next().await).unwrap().policies[&name][2], 0);
        house.stage.fakes.clock.advance_s(1);
        assert_eq!(next().await.status, 200);
        // At the reset the tightest policy is whole again, and not before.
        let [limit, _, reset_s] = told(&next().await).unwrap().tightest;
        let wait_s = reset_s - house.stage.now_s();
        house.stage.fakes.clock.advance_s(wait_s);
        let after = told(&next().await).unwrap();
        assert_eq!(after.tightest[..2], [limit, limit - 1], "{after:?}");
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn every_answer_to_a_proved_caller_tells_the_limits() {
    let house = House::start().await;
    let signer = house.stage.key(410, |record| own(record, 1000, 100));
    for (number, (target, status)) in [
        ("/api/v1/orders?status=200", 200),
        ("/api/v1/orders?status=204", 204),
        ("/api/v1/orders?status=301", 301),
        ("/api/v1/orders?status=304", 304),
        ("/api/v1/orders?status=400", 400),
        ("/api/v1/orders?status=401", 401),
        ("/api/v1/orders?status=404", 404),
        ("/api/v1/orders?status=429", 429),
        ("/api/v1/orders?status=500", 500),
        ("/api/v1/orders?status=503", 503),
        // What the upstream says of limits is not the truth here.
        (
            "/api/v1/orders?field=X-RateLimit-Remaining:7&field=RateLimit:\"x\";r=1;t=1",
            200,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let target = target.replace('"', "%22");
        let message = house.get(&signer, &target, number);
        let answer = ask(house.stage.address, house.wire(&message))
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{target}");
        let burst = told(&answer).expect(&target).policies["burst"];
        assert_eq!(burst[2], 99 - number as u64, "{target}");
    }
    // The upstream is away: a token was spent, and the answer of ours says so.
    house.witness.stop();
    let answer = get(&house, &signer, 90).await;
    assert!([502, 503].contains(&answer.status), "{answer:?}");
    assert!(told(&answer).is_some(), "{answer:?}");
    assert_eq!(
        answer.status == 503,
        answer.only("retry-after").is_some(),
        "{answer:?}"
    );
    // Who is not proved learns nothing of the caller's limits.
    let forged = house
        .get(&signer, "/api/v1/orders", 91)
        .with("X-Nonce", "nonce-other");
    let answer = ask(house.stage.address, house.wire(&forged)).await.unwrap();
    assert_eq!((answer.status, told(&answer)), (401, None));
    house.stage.stop().await;
}
