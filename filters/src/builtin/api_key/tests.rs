//! Contract, section 2; hardening 2.2, A14 and A15.

use super::*;
use crate::key::{Credential, Environment};
use crate::signing::Secret;
use crate::testing::{self, FakeClient, Fakes, START_S, fakes, judge, key_record, key_text, word};
use http::header::WWW_AUTHENTICATE;

fn filter(fakes: &Fakes, config: &str) -> ApiKey {
    let config: Config = serde_json::from_str(config).unwrap();
    ApiKey::build(&config, &fakes.env).unwrap()
}

const SIGNATURE: &str = "{}";
const KEY_ONLY: &str = r#"{"proof": "key-only"}"#;

/// What comes of these field lines, with the key of seed 1 known.
fn check(fields: &[(&str, &str)], expected: &str) {
    let fakes = fakes();
    let known = key_text(Environment::Live, 1);
    fakes.keys.insert(key_record(&known, 1));
    for config in [SIGNATURE, KEY_ONLY] {
        let filter = filter(&fakes, config);
        let mut client = FakeClient::get("/?x-api-key=ak");
        for (name, value) in fields {
            client = client.field(name, value);
        }
        let mut x = testing::exchange();
        let verdict = judge(&filter, &mut x, &mut client);
        assert_eq!(word(&verdict), expected, "{fields:?} {config}");
        assert_eq!(client.reads, 0);
        if let Err(reply) = verdict {
            assert!(matches!(x.caller, Caller::Anonymous));
            let challenge = reply.fields.iter().find(|(n, _)| *n == WWW_AUTHENTICATE);
            assert_eq!(challenge.unwrap().1, "ApiKey realm=\"tidegate\"");
        }
    }
}

#[test]
fn exactly_one_credential_in_its_form_is_accepted() {
    let key = key_text(Environment::Live, 1);
    let key = key.as_str();
    let other = key_text(Environment::Test, 2);
    let upper = key.to_uppercase();
    let wildcard = format!("{}*", &key[..43]);
    let damaged = key.replacen('1', "2", 1);
    let listed = format!("{key}, {key}");
    let spaced = format!(" {key}");
    let long = "a".repeat(10_000);
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("X-API-Key", key)], "ok"),
        (&[("x-api-KEY", key)], "ok"),
        (&[("X-API-Key", key), ("Authorization", "Basic YTpi")], "ok"),
        // --- none, or in a place where it counts for nothing ---
        (&[], "missing_credentials"),
        (&[("Cookie", key)], "missing_credentials"),
        (&[("X_API_Key", key)], "missing_credentials"),
        (&[("Authorization", "Bearer abc")], "missing_credentials"),
        // --- more than one (A14) ---
        (
            &[("X-API-Key", key), ("X-API-Key", key)],
            "ambiguous_credentials",
        ),
        (
            &[("X-API-Key", key), ("x-api-key", &other)],
            "ambiguous_credentials",
        ),
        (
            &[("X-API-Key", "bad"), ("x-api-key", key)],
            "ambiguous_credentials",
        ),
        (
            &[("X-API-Key", key), ("Authorization", "Bearer abc")],
            "ambiguous_credentials",
        ),
        (
            &[("Authorization", "bEARER abc"), ("X-API-Key", key)],
            "ambiguous_credentials",
        ),
        (
            &[("X-API-Key", key), ("Authorization", "bearer")],
            "ambiguous_credentials",
        ),
        (
            &[
                ("X-API-Key", key),
                ("Authorization", "Basic YTpi"),
                ("Authorization", "Basic YTpi"),
            ],
            "ambiguous_credentials",
        ),
        // --- one that is none (A15) ---
        (&[("X-API-Key", "")], "malformed_key"),
        (&[("X-API-Key", &upper)], "malformed_key"),
        (&[("X-API-Key", &key[..43])], "malformed_key"),
        (&[("X-API-Key", &wildcard)], "malformed_key"),
        (&[("X-API-Key", &damaged)], "malformed_key"),
        (&[("X-API-Key", &listed)], "malformed_key"),
        (&[("X-API-Key", &spaced)], "malformed_key"),
        (&[("X-API-Key", "' OR 1=1 --")], "malformed_key"),
        (&[("X-API-Key", &long)], "malformed_key"),
    ];
    for (fields, expected) in cases {
        check(fields, expected);
    }
}

/// One key's record, changed, and what each proof makes of it.
fn check_record(name: &str, change: impl Fn(&mut KeyRecord), known: bool, key_only: &str) {
    let fakes = fakes();
    let text = key_text(Environment::Live, 1);
    let mut record = key_record(&text, 1);
    change(&mut record);
    fakes.keys.insert(record);
    let request = || FakeClient::get("/").field("X-API-Key", &text);

    let mut x = testing::exchange();
    judge(&filter(&fakes, SIGNATURE), &mut x, &mut request()).unwrap();
    let Caller::Claimed(claim) = &x.caller else {
        panic!("{name}: a key alone is a claim");
    };
    assert_eq!(claim.record.is_some(), known, "{name}");

    let mut x = testing::exchange();
    let verdict = judge(&filter(&fakes, KEY_ONLY), &mut x, &mut request());
    assert_eq!(word(&verdict), key_only, "{name}");
    assert_eq!(x.caller.principal().is_some(), verdict.is_ok(), "{name}");
    if let Err(reply) = verdict {
        // Nothing but the note, which is for the log, tells why.
        assert_eq!(reply.message, reply.reason.unwrap().message());
        assert!(reply.details.is_empty());
    }
}

#[test]
fn who_holds_only_the_key_learns_nothing_of_it() {
    let rotated = |record: &mut KeyRecord, until_s| {
        let new = Credential {
            hash: [7; 32],
            until_s: None,
            secret: Secret::new(b"new"),
        };
        testing::rotate(record, new, until_s);
    };
    let networks = |record: &mut KeyRecord, list: &[&str]| {
        record.rare.networks = list.iter().map(|net| net.parse().unwrap()).collect();
    };
    let refused = "invalid_credentials";
    // The exchange comes from 192.0.2.10 at START_S.
    check_record("good", |_| (), true, "ok");
    check_record(
        "unknown",
        |r| r.credential.as_mut().unwrap().hash = [0; 32],
        false,
        refused,
    );
    check_record("revoked", |r| r.revoked = true, true, refused);
    check_record("expired", |r| r.expires_s = Some(START_S), true, refused);
    check_record(
        "a second left",
        |r| r.expires_s = Some(START_S + 1),
        true,
        "ok",
    );
    check_record("overlap", |r| rotated(r, START_S + 1), true, "ok");
    check_record("overlap over", |r| rotated(r, START_S), false, refused);
    check_record(
        "inside",
        |r| networks(r, &["10.0.0.0/8", "192.0.2.0/24"]),
        true,
        "ok",
    );
    check_record(
        "outside",
        |r| networks(r, &["10.0.0.0/8", "192.0.2.0/29"]),
        true,
        "address_not_allowed",
    );
    check_record(
        "revoked and outside",
        |r| {
            r.revoked = true;
            networks(r, &["10.0.0.0/8"]);
        },
        true,
        refused,
    );
}

#[test]
fn without_records_nobody_gets_in() {
    let fakes = fakes();
    let text = key_text(Environment::Live, 1);
    fakes.keys.insert(key_record(&text, 1));
    for (ready, key, expected, retry_after_s) in [
        (true, text.as_str(), "ok", None),
        (false, &text, "keys_not_ready", Some(1)),
        (false, "malformed", "malformed_key", None),
    ] {
        fakes.keys.set_ready(ready);
        let mut client = FakeClient::get("/").field("X-API-Key", key);
        let filter = filter(&fakes, SIGNATURE);
        let verdict = judge(&filter, &mut testing::exchange(), &mut client);
        assert_eq!(word(&verdict), expected);
        let wait = verdict.err().and_then(|reply| reply.retry_after_s);
        assert_eq!(wait, retry_after_s);
    }
}

#[test]
fn only_proved_callers_are_counted() {
    let fakes = fakes();
    let text = key_text(Environment::Live, 1);
    let record = fakes.keys.insert(key_record(&text, 1));
    for (config, status, requests, errors) in [
        (SIGNATURE, 401, 0, 0),
        (SIGNATURE, 200, 0, 0),
        (KEY_ONLY, 200, 1, 0),
        (KEY_ONLY, 399, 1, 0),
        (KEY_ONLY, 400, 1, 1),
        (KEY_ONLY, 503, 1, 1),
        (KEY_ONLY, 0, 1, 0),
    ] {
        let filter = filter(&fakes, config);
        let mut x = testing::exchange();
        let mut client = FakeClient::get("/").field("X-API-Key", &text);
        judge(&filter, &mut x, &mut client).unwrap();
        filter.on_log(&mut x, &testing::outcome(status));
        let used = record.usage.take();
        assert_eq!(used.map_or(0, |u| u.requests), requests, "{status}");
        assert_eq!(used.map_or(0, |u| u.errors), errors, "{status}");
        if let Some(used) = used {
            assert_eq!(used.last_s, START_S);
        }
    }
}

#[test]
fn a_proof_has_a_name_and_gives_its_facts() {
    let read = |text: &str| serde_json::from_str::<Config>(text).ok();
    for (text, facts, warned) in [
        ("{}", Some(Facts::CLAIM), false),
        (r#"{"proof": "signature"}"#, Some(Facts::CLAIM), false),
        (KEY_ONLY, Some(Facts::CLAIM | Facts::PRINCIPAL), true),
        (r#"{"proof": "none"}"#, None, false),
        (r#"{"prof": "signature"}"#, None, false),
    ] {
        let config = read(text);
        assert_eq!(config.as_ref().map(ApiKey::gives), facts, "{text}");
        let warnings = config.as_ref().map(ApiKey::warnings).unwrap_or_default();
        assert_eq!(!warnings.is_empty(), warned, "{text}");
    }
}
