//! Who signs wrongly is refused before the upstream hears of it, and told no more than is safe.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod forms;
mod keys;
mod secrecy;
mod tampering;
mod vectors;

use super::partner::House;
use filters::signing::Scheme;
use tests::message::Message;
use tests::raw::{Answer, ask};
use tests::signer::{Draft, Signer};

const INVALID: (u16, &str) = (401, "invalid_credentials");
const PASS: (u16, &str) = (200, "");

const BODY: &[u8] = b"{\"customerId\":\"cust_1\",\"quantity\":2}";
const TARGET: &str = "/api/v1/orders/7?state=open&limit=10";

/// A POST with path, query, nonce and body, signed now.
fn signed(house: &House, signer: &Signer, scheme: Scheme) -> Message {
    let draft = Draft {
        body: BODY,
        scheme,
        ..house.draft("POST", TARGET, "nonce-0001")
    };
    Message::signed(signer, &draft)
}

async fn answer_to(house: &House, message: &Message) -> Answer {
    let answer = ask(house.stage.address, house.wire(message)).await;
    answer.expect("an answer")
}

/// Sends one message; what is refused has not reached the upstream, not even its begin.
async fn check(house: &House, case: &str, message: &Message, expected: (u16, &str)) {
    let begun = house.witness.begun();
    let answer = answer_to(house, message).await;
    let found = match answer.status {
        200 => (200, String::new()),
        status => (status, answer.reason()),
    };
    assert_eq!((found.0, found.1.as_str()), expected, "{case}");
    let passed = usize::from(expected == PASS);
    assert_eq!(house.witness.begun(), begun + passed, "{case}");
    if answer.status == 401 {
        let challenge = answer.only("www-authenticate");
        assert_eq!(challenge, Some("ApiKey realm=\"tidegate\""), "{case}");
    }
}
