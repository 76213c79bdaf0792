//! Attacks on tokens (hardening, 2.4; A22, A23, A25).

mod keys;

use super::*;
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_NAME_BYTES_MAX};
use crate::testing::{Issuer, START_S, compact};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

fn expected() -> Expected {
    Expected {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["https://api.example".to_owned(), "api".to_owned()],
        types: vec!["at+jwt".to_owned()],
        leeway_s: 30,
        tier_claim: "tier".to_owned(),
    }
}

fn verifier(keys: &str) -> Verifier {
    Verifier::new(KeySet::read(keys).unwrap(), expected())
}

fn outcome(verifier: &Verifier, token: &str, now_s: u64) -> Result<(), TokenError> {
    let parsed = Parsed::of(token.as_bytes())?;
    verifier.verify(&parsed, now_s).map(drop)
}

/// A value with some members changed; `null` takes one away.
fn with(mut value: Value, change: &Value) -> Value {
    for (name, new) in change.as_object().unwrap() {
        match new {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            new => value[name] = new.clone(),
        }
    }
    value
}

#[test]
fn headers_choose_nothing() {
    let issuer = Issuer::new("one");
    let verifier = verifier(&issuer.jwks());
    let payload = Issuer::claims().to_string();
    let attacker = Issuer::new("one");
    for (change, expected) in [
        (json!({}), Ok(())),
        (json!({"typ": "AT+JWT"}), Ok(())),
        (json!({"typ": "application/at+jwt"}), Ok(())),
        (json!({"kid": null}), Ok(())),
        // What would bring a key along is not looked at: the signature is by our key.
        (
            json!({"jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/", "x5c": ["AA"]}),
            Ok(()),
        ),
        (json!({"jwk": attacker.jwk()}), Ok(())),
        (json!({"alg": null}), Err(TokenError::Algorithm)),
        (json!({"alg": "none"}), Err(TokenError::Algorithm)),
        (json!({"alg": "None"}), Err(TokenError::Algorithm)),
        (json!({"alg": "rs256"}), Err(TokenError::Algorithm)),
        (json!({"alg": "RS256 "}), Err(TokenError::Algorithm)),
        (json!({"alg": "RS384"}), Err(TokenError::Algorithm)),
        (json!({"alg": "RS512"}), Err(TokenError::Algorithm)),
        (json!({"alg": "PS256"}), Err(TokenError::Algorithm)),
        (json!({"alg": "HS256"}), Err(TokenError::Algorithm)),
        (json!({"alg": ["RS256"]}), Err(TokenError::Algorithm)),
        (json!({"typ": null}), Err(TokenError::Type)),
        (json!({"typ": "JWT"}), Err(TokenError::Type)),
        (
            json!({"typ": "application/application/at+jwt"}),
            Err(TokenError::Type),
        ),
        (json!({"typ": "dpop+jwt"}), Err(TokenError::Type)),
        (json!({"typ": 1}), Err(TokenError::Type)),
        (json!({"kid": "two"}), Err(TokenError::UnknownKey)),
        (json!({"kid": ""}), Err(TokenError::UnknownKey)),
        (
            json!({"kid": "../../dev/null"}),
            Err(TokenError::UnknownKey),
        ),
        (
            json!({"kid": "one' or '1'='1"}),
            Err(TokenError::UnknownKey),
        ),
        (json!({"kid": 1}), Err(TokenError::UnknownKey)),
        (json!({"crit": []}), Err(TokenError::Critical)),
        (
            json!({"crit": ["exp"], "exp": 1}),
            Err(TokenError::Critical),
        ),
        (
            json!({"crit": ["b64"], "b64": false}),
            Err(TokenError::Critical),
        ),
        (json!({"crit": "alg"}), Err(TokenError::Critical)),
        (json!({"b64": false}), Err(TokenError::Critical)),
        (json!({"b64": true}), Err(TokenError::Critical)),
    ] {
        let header = with(issuer.header(), &change).to_string();
        let token = issuer.sign(&header, &payload);
        assert_eq!(outcome(&verifier, &token, START_S), expected, "{change}");
        // Signed by another, whatever the header says.
        let forged = attacker.sign(&header, &payload);
        assert!(outcome(&verifier, &forged, START_S).is_err(), "{change}");
    }
}

#[test]
fn forged_signatures_are_refused() {
    let issuer = Issuer::new("one");
    let verifier = verifier(&issuer.jwks());
    let (header, payload) = (issuer.header().to_string(), Issuer::claims().to_string());
    let good = issuer.sign(&header, &payload);
    assert_eq!(outcome(&verifier, &good, START_S), Ok(()));
    let signed = Issuer::signed(&header, &payload);
    let hs256 = |key: &[u8]| {
        let header = issuer.header().to_string().replace("RS256", "HS256");
        let signed = Issuer::signed(&header, &payload);
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(signed.as_bytes());
        compact(&signed, &mac.finalize().into_bytes())
    };
    let other = Issuer::claims()
        .to_string()
        .replace("partner_7", "partner_8");
    let (_, signature) = good.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let none = issuer.header().to_string().replace("RS256", "none");
    for (name, token, expected) in [
        (
            "none",
            compact(&Issuer::signed(&none, &payload), b""),
            TokenError::Algorithm,
        ),
        ("no signature", compact(&signed, b""), TokenError::Signature),
        (
            "public key as secret",
            hs256(issuer.pem().as_bytes()),
            TokenError::Algorithm,
        ),
        (
            "SHA-384",
            issuer.sign_by_sha384(&header, &payload),
            TokenError::Signature,
        ),
        ("zeros", compact(&signed, &[0; 256]), TokenError::Signature),
        (
            "not below the modulus",
            compact(&signed, &[0xff; 256]),
            TokenError::Signature,
        ),
        (
            "cut",
            compact(&signed, &bytes[..255]),
            TokenError::Signature,
        ),
        (
            "longer",
            compact(&signed, &[&bytes[..], &[0]].concat()),
            TokenError::Signature,
        ),
        (
            "a zero first",
            compact(&signed, &[&[0], &bytes[..]].concat()),
            TokenError::Signature,
        ),
        (
            "of another payload",
            compact(&Issuer::signed(&header, &other), &bytes),
            TokenError::Signature,
        ),
        (
            "header in another spelling",
            compact(&Issuer::signed(&format!(" {header}"), &payload), &bytes),
            TokenError::Signature,
        ),
    ] {
        assert_eq!(outcome(&verifier, &token, START_S), Err(expected), "{name}");
    }
}

#[test]
fn a_token_has_one_spelling() {
    let issuer = Issuer::new("one");
    let verifier = verifier(&issuer.jwks());
    let (header, payload) = (issuer.header().to_string(), Issuer::claims().to_string());
    let good = issuer.sign(&header, &payload);
    let parts: Vec<&str> = good.split('.').collect();
    let [a, b, c] = parts[..] else {
        panic!("three parts")
    };
    let padded = |text: &str| URL_SAFE.encode(text);
    // The last character of 342 carries four bits that must be zero.
    let last = if c.ends_with('A') { 'B' } else { 'C' };
    let loose = format!("{}{last}", &c[..c.len() - 1]);
    for (name, token) in [
        ("empty", String::new()),
        ("two parts", format!("{a}.{b}")),
        ("four parts", format!("{good}.")),
        (
            "five parts, as encrypted ones have",
            format!("{good}.{a}.{b}"),
        ),
        ("a dot first", format!(".{good}")),
        (
            "padding",
            format!("{}.{}.{c}==", padded(&header), padded(&payload)),
        ),
        ("padding behind", format!("{good}==")),
        ("a space first", format!(" {good}")),
        ("a space behind", format!("{good} ")),
        ("a space within", format!("{a}. {b}.{c}")),
        ("a line end", format!("{good}\n")),
        ("a tab", format!("{a}.{b}\t.{c}")),
        (
            "another alphabet",
            format!("{}.{b}.{c}", STANDARD.encode([0xfb, 0xff, 0xbf])),
        ),
        ("a NUL", format!("{good}\0")),
        ("no ASCII", format!("{good}\u{e9}")),
        ("an empty header", format!(".{b}.{c}")),
        ("a header that is no object", issuer.sign("[]", &payload)),
        ("a header that is none", issuer.sign("", &payload)),
        (
            "something behind the header",
            issuer.sign(&format!("{header}x"), &payload),
        ),
        (
            "alg twice",
            issuer.sign(&header.replace('{', "{\"alg\":\"none\","), &payload),
        ),
        ("bits left over", format!("{a}.{b}.{loose}")),
    ] {
        assert_eq!(
            outcome(&verifier, &token, START_S),
            Err(TokenError::Form),
            "{name}"
        );
    }
}

#[test]
fn a_token_has_8_kib_at_most() {
    let issuer = Issuer::new("one");
    let verifier = verifier(&issuer.jwks());
    // Unpadded base64url has lengths that no token of whole bytes meets: parts differ in length.
    let token = |length: usize| {
        // Near enough for few tries; what is left over is found by the header's length.
        let least = (length - 343) * 3 / 4 - 600;
        (0..2000).find_map(|n| {
            let pad = "x".repeat(least + n % 500);
            let head = "y".repeat(n / 500);
            let header = with(issuer.header(), &json!({"pad": head})).to_string();
            let payload = with(Issuer::claims(), &json!({"pad": pad})).to_string();
            let signed = Issuer::signed(&header, &payload);
            (signed.len() + 1 + 342 == length).then(|| issuer.sign(&header, &payload))
        })
    };
    for (length, expected) in [
        (TOKEN_BYTES_MAX - 1, Ok(())),
        (TOKEN_BYTES_MAX, Ok(())),
        (TOKEN_BYTES_MAX + 1, Err(TokenError::TooLong)),
    ] {
        let token = token(length).expect("a token of this length");
        assert_eq!(outcome(&verifier, &token, START_S), expected, "{length}");
    }
}

#[test]
fn claims_are_judged() {
    let issuer = Issuer::new("one");
    let verifier = verifier(&issuer.pem());
    let longest = "s".repeat(TOKEN_NAME_BYTES_MAX);
    let too_long = "s".repeat(TOKEN_NAME_BYTES_MAX + 1);
    let end = START_S + 30;
    for (change, expected) in [
        (json!({}), Ok(())),
        (json!({"aud": "api"}), Ok(())),
        (json!({"aud": ["x", "api"]}), Ok(())),
        (json!({"aud": null}), Err(TokenError::Audience)),
        (json!({"aud": []}), Err(TokenError::Audience)),
        (
            json!({"aud": "https://api.example/"}),
            Err(TokenError::Audience),
        ),
        (
            json!({"aud": "https://api.example.org"}),
            Err(TokenError::Audience),
        ),
        (json!({"aud": "API"}), Err(TokenError::Audience)),
        (json!({"aud": ["api", 1]}), Err(TokenError::Audience)),
        (json!({"aud": {"api": "api"}}), Err(TokenError::Audience)),
        (json!({"iss": null}), Err(TokenError::Issuer)),
        (
            json!({"iss": "https://issuer.example/"}),
            Err(TokenError::Issuer),
        ),
        (
            json!({"iss": "HTTPS://issuer.example"}),
            Err(TokenError::Issuer),
        ),
        (
            json!({"iss": ["https://issuer.example"]}),
            Err(TokenError::Issuer),
        ),
        (json!({"exp": null}), Err(TokenError::Payload)),
        (json!({"exp": "9999999999"}), Err(TokenError::Payload)),
        (json!({"exp": true}), Err(TokenError::Payload)),
        (
            json!({"exp": [9_999_999_999_u64]}),
            Err(TokenError::Payload),
        ),
        (json!({"exp": u64::MAX}), Ok(())),
        (json!({"exp": 1e300}), Ok(())),
        (json!({"exp": START_S as f64 + 0.5}), Ok(())),
        (json!({"exp": 0}), Err(TokenError::Expired)),
        (json!({"exp": -1}), Err(TokenError::Expired)),
        (json!({"exp": START_S - 29}), Ok(())),
        (json!({"exp": START_S - 30}), Err(TokenError::Expired)),
        (json!({"exp": START_S - 31}), Err(TokenError::Expired)),
        (json!({"nbf": end - 1}), Ok(())),
        (json!({"nbf": end}), Ok(())),
        (json!({"nbf": end + 1}), Err(TokenError::Early)),
        (json!({"nbf": "0"}), Err(TokenError::Payload)),
        (json!({"nbf": {}}), Err(TokenError::Payload)),
        (json!({"sub": null}), Err(TokenError::Payload)),
        (json!({"sub": ""}), Err(TokenError::Payload)),
        (json!({"sub": 7}), Err(TokenError::Payload)),
        (json!({"sub": longest}), Ok(())),
        (json!({"sub": too_long}), Err(TokenError::Payload)),
        (json!({"client_id": null}), Ok(())),
        (json!({"client_id": ["client_7"]}), Err(TokenError::Payload)),
        (json!({"tier": 1}), Err(TokenError::Payload)),
        (
            json!({"scope": {"admin": true}, "permissions": {"x": 1}}),
            Ok(()),
        ),
    ] {
        let token = issuer.token(&with(Issuer::claims(), &change));
        assert_eq!(outcome(&verifier, &token, START_S), expected, "{change}");
    }
    let header = issuer.header().to_string();
    let claims = Issuer::claims().to_string();
    for payload in [
        "",
        "[]",
        "null",
        "\"x\"",
        &format!("{claims} {{}}"),
        &claims.replacen('{', "{\"exp\":9999999999,", 1),
        &claims.replacen('{', "{\"\\u0065xp\":9999999999,", 1),
        &claims.replacen('{', "{\"x\":{\"a\":1,\"a\":2},", 1),
    ] {
        let token = issuer.sign(&header, payload);
        assert_eq!(
            outcome(&verifier, &token, START_S),
            Err(TokenError::Payload),
            "{payload}"
        );
    }
    // Issuers that escape slashes mean the same text.
    let escaped = claims.replace('/', "\\/");
    assert_eq!(
        outcome(&verifier, &issuer.sign(&header, &escaped), START_S),
        Ok(())
    );
}

/// Whatever is changed of a token, nothing else than the token itself is proved.
#[test]
fn no_change_of_a_token_is_proved() {
    let issuer = Issuer::new("one");
    let verifier = verifier(&issuer.jwks());
    let good = issuer.token(&Issuer::claims()).into_bytes();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    let config = ProptestConfig::with_cases(64);
    proptest!(config, |(changes in proptest::collection::vec(change, 64))| {
        // Each is tried alone, then on top of those before.
        let mut heap = good.clone();
        for (place, byte, kind) in changes {
            let mut alone = good.clone();
            for token in [&mut alone, &mut heap] {
                let at = place.index(token.len());
                match kind {
                    0 => token[at] = byte,
                    1 => token[at] ^= 1 << (byte % 8),
                    2 => token.insert(at, byte),
                    _ => drop(token.remove(at)),
                }
                let proved = Parsed::of(token)
                    .is_ok_and(|parsed| verifier.verify(&parsed, START_S).is_ok());
                prop_assert!(!proved || *token == good, "{}", String::from_utf8_lossy(token));
            }
        }
    });
}
