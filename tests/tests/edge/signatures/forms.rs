//! Forms of the fields that carry a signature: one spelling each.

use super::super::partner::House;
use super::{INVALID, PASS, check, signed};
use filters::signing::Scheme;
use tests::message::Message;
use tests::signer::Draft;

const MALFORMED: (u16, &str) = (401, "malformed_signature");
const AMBIGUOUS: (u16, &str) = (401, "ambiguous_credentials");

#[tokio::test]
async fn a_signature_has_one_spelling() {
    let house = House::start().await;
    for scheme in Scheme::ALL {
        let good = signed(&house, &house.signer, scheme);
        let value = good.value("X-API-Signature").to_owned();
        let (label, hex) = value.split_once('=').unwrap();
        let other = if label == "v1" { "sha256" } else { "v1" };
        let wrong = "0".repeat(64);
        for (spelled, expected) in [
            (format!("{label}={}", hex.to_uppercase()), MALFORMED),
            (hex.to_owned(), MALFORMED),
            (format!("={hex}"), MALFORMED),
            (format!("{}={hex}", label.to_uppercase()), MALFORMED),
            (format!("v2={hex}"), MALFORMED),
            (format!("sha512={hex}"), MALFORMED),
            (format!("body-timestamp={hex}"), MALFORMED),
            (format!("{label}={}", &hex[..63]), MALFORMED),
            (format!("{label}={}", &hex[..32]), MALFORMED),
            (format!("{label}={hex}0"), MALFORMED),
            (format!("{label}= {hex}"), MALFORMED),
            (format!("{label}=\"{hex}\""), MALFORMED),
            (format!("{label}=0x{}", &hex[2..]), MALFORMED),
            (format!("{label}={hex},"), MALFORMED),
            (format!("{label}={wrong},,{value}"), MALFORMED),
            (format!("{label}={wrong};{value}"), MALFORMED),
            (format!("{value},md5={hex}"), MALFORMED),
            ([value.as_str(); 5].join(","), MALFORMED),
            (String::new(), MALFORMED),
            (format!("{other}={hex}"), INVALID),
            (format!("{label}={wrong}"), INVALID),
            (format!("{label}={wrong},{other}={hex}"), INVALID),
            // Several secrets during a rotation: one that fits is enough.
            (format!("{label}={wrong}, {label}={hex}"), PASS),
        ] {
            let message = good.clone().with("X-API-Signature", &spelled);
            check(&house, &spelled, &message, expected).await;
        }
        let none = good.clone().without("X-API-Signature");
        check(&house, "none", &none, (401, "missing_signature")).await;
        for second in [&value, &format!("{label}={wrong}")] {
            let twice = good.clone().field("x-api-signature", second);
            check(&house, "twice", &twice, AMBIGUOUS).await;
        }
        // No part of another request's signature helps.
        let elsewhere = signed(&house, &house.stage.key(2, |_| {}), scheme);
        let borrowed = good.with("X-API-Signature", elsewhere.value("X-API-Signature"));
        check(&house, "another key's", &borrowed, INVALID).await;
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn a_scheme_that_is_not_named_is_not_accepted() {
    for (accepted, refused) in [
        (Scheme::V1, Scheme::BodyTimestamp),
        (Scheme::BodyTimestamp, Scheme::V1),
    ] {
        let only = format!("schemes: [{}]", accepted.name());
        let house = House::start_as(&[("schemes: [v1, body-timestamp]", &only)]).await;
        let message = signed(&house, &house.signer, refused);
        check(&house, &only, &message, (401, "unaccepted_scheme")).await;
        check(
            &house,
            &only,
            &signed(&house, &house.signer, accepted),
            PASS,
        )
        .await;
        house.stage.stop().await;
    }
}

fn signed_at(house: &House, timestamp: u64, nonce: &str) -> Message {
    let draft = Draft {
        timestamp,
        ..house.draft("GET", "/api/v1/orders", nonce)
    };
    Message::signed(&house.signer, &draft)
}

#[tokio::test]
async fn the_window_is_300_seconds_both_ways() {
    const STALE: (u16, &str) = (401, "stale_timestamp");
    let house = House::start().await;
    let now = house.stage.now_s();
    for (timestamp, expected) in [
        (now, PASS),
        (now - 300, PASS),
        (now - 301, STALE),
        (now + 300, PASS),
        (now + 301, STALE),
        (now - 86_400, STALE),
        (now + 86_400, STALE),
        (1_000_000_000, STALE),
        (9_999_999_999, STALE),
    ] {
        let message = signed_at(&house, timestamp, "");
        check(&house, &timestamp.to_string(), &message, expected).await;
    }
    // Kept for later: it is good when its time has come, and no longer.
    let later = signed_at(&house, now + 400, "");
    check(&house, "too early", &later, STALE).await;
    house.stage.fakes.clock.advance_s(100);
    check(&house, "just in time", &later, PASS).await;
    let late = signed_at(&house, now + 100, "nonce-late");
    house.stage.fakes.clock.advance_ms(300_999);
    check(&house, "the last millisecond", &late, PASS).await;
    let late = signed_at(&house, now + 100, "nonce-later");
    house.stage.fakes.clock.advance_ms(1);
    check(&house, "one more", &late, STALE).await;
    house.stage.stop().await;
}

#[tokio::test]
async fn a_time_is_ten_digits_of_seconds() {
    const FORM: (u16, &str) = (401, "malformed_timestamp");
    let house = House::start().await;
    let good = signed_at(&house, house.stage.now_s(), "");
    let now = house.stage.now_s().to_string();
    for (value, expected) in [
        (format!("{now}000"), (401, "timestamp_in_milliseconds")),
        (format!("{now}000000"), FORM),
        (format!("{now}.0"), FORM),
        (format!("0{now}"), FORM),
        (format!("0{}", &now[1..]), FORM),
        (format!("+{}", &now[1..]), FORM),
        (format!("-{}", &now[1..]), FORM),
        (now[..9].to_owned(), FORM),
        (format!("{}\t{}", &now[..5], &now[6..]), FORM),
        ("0x69560000".to_owned(), FORM),
        ("2026-01-01T00:00:00Z".to_owned(), FORM),
        (format!("{now},{now}"), FORM),
        (String::new(), FORM),
        // White space around a value is no part of it (RFC 9110, section 5.5).
        (format!(" \t{now} "), PASS),
    ] {
        let message = good.clone().with("X-Timestamp", &value);
        check(&house, &format!("{value:?}"), &message, expected).await;
    }
    check(&house, "none", &good.clone().without("X-Timestamp"), FORM).await;
    let twice = good.field("X-TIMESTAMP", &now);
    check(&house, "twice", &twice, AMBIGUOUS).await;
    house.stage.stop().await;
}

#[tokio::test]
async fn a_nonce_is_8_to_64_visible_characters() {
    const FORM: (u16, &str) = (401, "malformed_nonce");
    let house = House::start().await;
    let now = house.stage.now_s();
    let (longest, too_long) = ("n".repeat(64), "n".repeat(65));
    for (nonce, expected) in [
        ("1234567", FORM),
        ("12345678", PASS),
        ("!~#$%&'*", PASS),
        ("\"quoted,;\"", PASS),
        (&longest, PASS),
        (&too_long, FORM),
        ("1234 5678", FORM),
        ("1234\t5678", FORM),
        ("nöncenönce", FORM),
    ] {
        check(&house, nonce, &signed_at(&house, now, nonce), expected).await;
    }
    let good = signed_at(&house, now, "nonce-0001");
    check(&house, "empty", &good.clone().with("X-Nonce", ""), FORM).await;
    let twice = good.field("X-Nonce", "nonce-0001");
    check(&house, "twice", &twice, AMBIGUOUS).await;
    house.stage.stop().await;
}
