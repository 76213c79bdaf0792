//! Bearer tokens and the keys that verify them: nothing panics, nothing that nobody signed is proved, and
//! claims that are accepted are what they must be.

#![no_main]

use filters::limits::{TOKEN_BYTES_MAX, TOKEN_NAME_BYTES_MAX};
use filters::token::{Claims, Expected, KeySet, Parsed, Verifier};

/// A public key whose private half was thrown away.
const KEY: &str = "\
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

const NOW_S: u64 = 1_767_225_600;

fn expected() -> Expected {
    Expected {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["https://api.example".to_owned()],
        types: vec!["at+jwt".to_owned(), "JWT".to_owned()],
        leeway_s: 30,
        tier_claim: "tier".to_owned(),
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(parsed) = Parsed::of(bytes) {
        assert!(bytes.len() <= TOKEN_BYTES_MAX);
        assert!(!bytes.contains(&b'=') && !bytes.contains(&b' '), "a second spelling");
        let keys = KeySet::read(KEY).expect("a public key");
        assert!(Verifier::new(keys, expected()).verify(&parsed, NOW_S).is_err(), "a forgery");
    }
    if let Ok(claims) = Claims::read(bytes, &expected(), NOW_S) {
        assert!((1..=TOKEN_NAME_BYTES_MAX).contains(&claims.subject.len()));
        assert!(claims.lifetime.until_s > NOW_S - 30 && claims.lifetime.from_s <= NOW_S + 30);
        let scopes = claims.scopes();
        assert!(scopes.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{scopes:?}");
        assert!(scopes.is_empty() || scopes.split(' ').all(|scope| !scope.is_empty()));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = KeySet::read(text);
    }
});
