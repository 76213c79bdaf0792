//! The keys that stand against attacks: which sets are taken, and how a token finds its key.

use super::{outcome, verifier, with};
use crate::limits::TOKEN_KEYS_MAX;
use crate::testing::{Issuer, START_S};
use crate::token::{KeySet, KeySetError, TokenError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

#[test]
fn a_kid_looks_up_and_does_nothing_else() {
    let (one, two, stranger) = (Issuer::new("one"), Issuer::new("two"), Issuer::new("three"));
    let both = json!({"keys": [one.jwk(), two.jwk()]}).to_string();
    let of = |issuer: &Issuer, kid: Value| {
        let header = with(issuer.header(), &json!({"kid": kid})).to_string();
        issuer.sign(&header, &Issuer::claims().to_string())
    };
    let unknown = Err(TokenError::UnknownKey);
    for (keys, token, expected) in [
        (&both, of(&one, json!("one")), Ok(())),
        (&both, of(&two, json!("two")), Ok(())),
        (&both, of(&one, json!("two")), Err(TokenError::Signature)),
        (
            &both,
            of(&stranger, json!("one")),
            Err(TokenError::Signature),
        ),
        (&both, of(&one, json!("three")), unknown),
        (&both, of(&one, json!(null)), unknown),
        (&one.jwks(), of(&one, json!(null)), Ok(())),
        (&one.jwks(), of(&one, json!("two")), unknown),
        (&one.pem(), of(&one, json!("whatever")), Ok(())),
        (&one.pem(), of(&one, json!(null)), Ok(())),
        (
            &one.pem(),
            of(&two, json!("one")),
            Err(TokenError::Signature),
        ),
    ] {
        assert_eq!(
            outcome(&verifier(keys), &token, START_S),
            expected,
            "{token}"
        );
    }
}

/// A public key as openssl writes it (RFC 5280's form); its private half was thrown away.
const OPENSSL: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtUK6af5mMLqWXONFgas8\n\
clV/jePhxANKnQVrJJlBQRWLkpK7BxfcV73cfm6KtPp+qdja3gvm3RlwxvhJjTuG\n\
9bbtGrHminA0z8OCn9Bpmxd18ZdQ5o41Umu+unYN9tcM5/XzEzCVTwFaVFgUwGxh\n\
znRRWree0ngHjz7XdwPn8srniCp1gSzFbMjFSiILfbK/tZgh1lEO5JF75aO80UAB\n\
1aQD76N1AeigN/uFr9WQAxGJDfMVbUVUg1Kf3zUbhZI8rR05PbAyoc1S46I4bf+k\n\
xEcZPfcd7pPO2JF/2RaATWmKLz5uZl6VIg8cGXaEGKHDQHnU6gAACsXHU9cXxDS9\n\
5QIDAQAB\n\
-----END PUBLIC KEY-----\n\
";

/// A key of 1024 bits (an odd number; nobody has to have the factors).
fn short_key() -> Value {
    let mut n = [0x5a; 128];
    (n[0], n[127]) = (0xc3, 0x01);
    json!({"kty": "RSA", "kid": "short", "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB"})
}

#[test]
fn a_set_of_keys_is_judged() {
    let issuer = Issuer::new("one");
    let key = issuer.jwk();
    let set = |keys: Vec<Value>| json!({ "keys": keys }).to_string();
    let changed = |change: Value| with(key.clone(), &change);
    let many = |count: usize| {
        set((0..count)
            .map(|n| changed(json!({"kid": n.to_string()})))
            .collect())
    };
    let n = key["n"].as_str().unwrap();
    let signed = [&[0][..], &URL_SAFE_NO_PAD.decode(n).unwrap()].concat();
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned();
    let pem = issuer.pem();
    for (name, text, expected) in [
        ("one", set(vec![key.clone()]), None),
        (
            "without a name",
            set(vec![changed(json!({"kid": null}))]),
            None,
        ),
        (
            "with little said",
            set(vec![changed(json!({"use": null, "alg": null}))]),
            None,
        ),
        (
            "a sign byte",
            set(vec![changed(json!({"n": URL_SAFE_NO_PAD.encode(&signed)}))]),
            None,
        ),
        (
            "beside others",
            set(vec![json!({"kty": "EC", "crv": "P-256"}), key.clone()]),
            None,
        ),
        ("PEM", pem.clone(), None),
        ("PEM of openssl", OPENSSL.to_owned(), None),
        ("PEM with space around", format!("\n{pem}\n\n"), None),
        ("as many as may be", many(TOKEN_KEYS_MAX), None),
        (
            "one more",
            many(TOKEN_KEYS_MAX + 1),
            Some(KeySetError::TooMany),
        ),
        ("none", set(vec![]), Some(KeySetError::None)),
        (
            "for encryption",
            set(vec![changed(json!({"use": "enc"}))]),
            Some(KeySetError::None),
        ),
        (
            "for another algorithm",
            set(vec![changed(json!({"alg": "PS256"}))]),
            Some(KeySetError::None),
        ),
        (
            "private",
            set(vec![changed(json!({"d": "AA"}))]),
            Some(KeySetError::Private),
        ),
        (
            "private beside",
            set(vec![key.clone(), json!({"kty": "EC", "d": "AA"})]),
            Some(KeySetError::Private),
        ),
        (
            "shared",
            set(vec![json!({"kty": "oct", "k": "AA"})]),
            Some(KeySetError::Private),
        ),
        (
            "a name twice",
            set(vec![key.clone(), key.clone()]),
            Some(KeySetError::KeyIds),
        ),
        (
            "two, one without a name",
            set(vec![key.clone(), changed(json!({"kid": null}))]),
            Some(KeySetError::KeyIds),
        ),
        ("short", set(vec![short_key()]), Some(KeySetError::Size)),
        (
            "exponent 1",
            set(vec![changed(json!({"e": "AQ"}))]),
            Some(KeySetError::Key),
        ),
        (
            "even exponent",
            set(vec![changed(json!({"e": "Ag"}))]),
            Some(KeySetError::Key),
        ),
        (
            "no exponent",
            set(vec![changed(json!({"e": ""}))]),
            Some(KeySetError::Key),
        ),
        (
            "no modulus",
            set(vec![changed(json!({"n": null}))]),
            Some(KeySetError::Key),
        ),
        (
            "padded modulus",
            set(vec![changed(json!({"n": format!("{n}==")}))]),
            Some(KeySetError::Key),
        ),
        ("private PEM", private.clone(), Some(KeySetError::Private)),
        (
            "private PEM behind",
            format!("{pem}{private}"),
            Some(KeySetError::Private),
        ),
        ("two PEM", format!("{pem}{pem}"), Some(KeySetError::Form)),
        ("half a PEM", pem[..100].to_owned(), Some(KeySetError::Form)),
        (
            "another PEM",
            pem.replace("RSA PUBLIC KEY", "CERTIFICATE"),
            Some(KeySetError::Form),
        ),
        (
            "wrong DER",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".to_owned(),
            Some(KeySetError::Key),
        ),
        ("empty", String::new(), Some(KeySetError::Form)),
        ("no set", "{}".to_owned(), Some(KeySetError::Form)),
        (
            "keys twice",
            format!("{{\"keys\":[],{}", &set(vec![key.clone()])[1..]),
            Some(KeySetError::Form),
        ),
    ] {
        assert_eq!(KeySet::read(&text).err(), expected, "{name}");
    }
}
