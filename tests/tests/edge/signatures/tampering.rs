//! One byte changed anywhere in what is signed.

use super::super::partner::House;
use super::{BODY, INVALID, PASS, TARGET, check, signed};
use filters::signing::Scheme;

/// The text with one byte changed, for each of its bytes, to another that may stand in a target.
fn each_changed(text: &str) -> Vec<String> {
    let places = text.char_indices();
    let changed = places.map(|(at, old)| {
        let new = if old == 'z' { 'y' } else { 'z' };
        format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..])
    });
    changed.collect()
}

#[tokio::test]
async fn one_byte_of_the_body_changed_is_refused() {
    let house = House::start().await;
    for scheme in Scheme::ALL {
        let good = signed(&house, &house.signer, scheme);
        for at in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[at] ^= 1;
            let case = format!("{scheme:?} body {at}");
            check(&house, &case, &good.clone().body(body), INVALID).await;
        }
        let (shorter, longer) = (&BODY[..BODY.len() - 1], [BODY, b"\n"].concat());
        let doubled = [BODY, BODY].concat();
        for (name, body) in [
            ("shorter", shorter),
            ("longer", &longer),
            ("doubled", &doubled),
            ("empty", b""),
        ] {
            let case = format!("{scheme:?} body {name}");
            check(&house, &case, &good.clone().body(body), INVALID).await;
        }
        check(&house, "nothing changed", &good, PASS).await;
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn one_byte_of_path_query_method_nonce_or_time_changed_is_refused_under_v1() {
    let house = House::start().await;
    let good = signed(&house, &house.signer, Scheme::V1);
    let (path, query) = TARGET.split_once('?').unwrap();
    let mut targets: Vec<String> = Vec::new();
    for changed in each_changed(&path[1..]) {
        targets.push(format!("/{changed}?{query}"));
    }
    for changed in each_changed(query) {
        targets.push(format!("{path}?{changed}"));
    }
    for other in [
        format!("{path}?"),
        path.to_owned(),
        format!("{path}/?{query}"),
        format!("{path}?{query}&"),
        format!("{path}?{query}&x=1"),
        format!("{path}??{query}"),
        format!("{path}?limit=10&state=open"),
        format!("{path}?st%61te=open&limit=10"),
        format!("{path}?STATE=open&limit=10"),
        format!("/API/v1/orders/7?{query}"),
    ] {
        targets.push(other);
    }
    for target in targets {
        let mut message = good.clone();
        message.target.clone_from(&target);
        check(&house, &target, &message, INVALID).await;
    }
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let mut message = good.clone();
        method.clone_into(&mut message.method);
        check(&house, method, &message, INVALID).await;
    }
    let now = house.stage.now_s();
    for timestamp in [now - 300, now - 1, now + 1, now + 9, now + 300] {
        let message = good.clone().with("X-Timestamp", &timestamp.to_string());
        check(&house, &format!("time {timestamp}"), &message, INVALID).await;
    }
    for nonce in ["nonce-0002", "nonce-00010", "Nonce-0001"] {
        let message = good.clone().with("X-Nonce", nonce);
        check(&house, nonce, &message, INVALID).await;
    }
    check(
        &house,
        "no nonce",
        &good.clone().without("X-Nonce"),
        INVALID,
    )
    .await;
    check(&house, "nothing changed", &good, PASS).await;
    house.stage.stop().await;
}

/// The customer's scheme binds body and time and nothing else: the loader warns of it.
#[tokio::test]
async fn body_timestamp_binds_body_and_time_alone() {
    let house = House::start().await;
    let good = signed(&house, &house.signer, Scheme::BodyTimestamp);
    let now = house.stage.now_s();
    for timestamp in [now - 300, now - 1, now + 1, now + 300] {
        let message = good.clone().with("X-Timestamp", &timestamp.to_string());
        check(&house, &format!("time {timestamp}"), &message, INVALID).await;
    }
    // What moves from the time into the body leaves no time of ten digits.
    let mut moved = good.clone().with("X-Timestamp", &now.to_string()[1..]);
    moved.body.push(now.to_string().as_bytes()[0]);
    check(&house, "moved", &moved, (401, "malformed_timestamp")).await;
    for (method, target) in [("POST", "/api/v1/other"), ("PUT", TARGET), ("GET", TARGET)] {
        let mut message = good.clone().without("X-Nonce");
        (message.method, message.target) = (method.to_owned(), target.to_owned());
        check(&house, &format!("{method} {target}"), &message, PASS).await;
    }
    house.stage.stop().await;
}
