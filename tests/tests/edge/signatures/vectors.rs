//! The vector file against the running edge: what the samples and the command line produce passes.

use super::super::partner::House;
use super::{INVALID, PASS, check};
use filters::signing::Secret;
use serde_json::Value;
use tests::message::Message;

const VECTORS: &str = include_str!("../../../vectors/signatures.json");

#[tokio::test]
async fn every_vector_passes_and_no_vector_with_another_byte() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 20, "{} vectors", vectors.len());
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let name = text("name");
        // An edge of its own: the vectors' clocks go back and forth.
        let house = House::start().await;
        house
            .stage
            .fakes
            .clock
            .set_unix_s(text("timestamp").parse().unwrap());
        let signer = house.stage.key(30, |record| {
            let credential = record.credential.as_mut().unwrap();
            credential.secret = Secret::new(text("secret").as_bytes());
        });
        let target = match text("query") {
            "" => text("path").to_owned(),
            query => format!("{}?{query}", text("path")),
        };
        let mut message = Message::new(text("method"), &target)
            .body(unbase64(text("bodyBase64")))
            .field("X-API-Key", &signer.key)
            .field("X-Timestamp", text("timestamp"))
            .field("X-API-Signature", text("signature"));
        if !text("nonce").is_empty() {
            message = message.field("X-Nonce", text("nonce"));
        }
        let mut other = message.clone();
        other.body.push(b'\n');
        check(&house, name, &other, INVALID).await;
        check(&house, name, &message, PASS).await;
        let seen = house.witness.last();
        assert_eq!(
            (seen.target, seen.length),
            (target, message.body.len()),
            "{name}"
        );
        house.stage.stop().await;
    }
}

/// Reads base64 with padding (RFC 4648, section 4).
fn unbase64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0u32;
    let mut bytes = Vec::new();
    for (n, byte) in text.trim_end_matches('=').bytes().enumerate() {
        let digit = DIGITS.iter().position(|&d| d == byte).expect("base64");
        bits = (bits << 6) | u32::try_from(digit).expect("a digit of six bits");
        let whole = 6 * (n + 1) / 8;
        if whole > bytes.len() {
            bytes.push((bits >> (6 * (n + 1) % 8)) as u8);
        }
    }
    bytes
}
