//! What a caller learns of the key (hardening 2.2; contract, sections 2 and 6).

use super::*;

#[test]
fn every_secret_of_an_overlap_verifies() {
    let rotated = |until_s: u64| {
        bench("{}").with(|record| {
            let new = Credential {
                hash: [7; 32],
                until_s: None,
                secret: Secret::new(b"new"),
            };
            testing::rotate(record, new, until_s);
        })
    };
    for schemes in [&[V1][..], &[BT]] {
        for (secret, until_s, expected) in [
            ("new", START_S + 1, "ok"),
            ("sk_1", START_S + 1, "ok"),
            ("sk_2", START_S + 1, REFUSED),
            ("new", START_S, "ok"),
            ("sk_1", START_S, REFUSED),
        ] {
            let request = Request {
                schemes,
                secret,
                ..Request::default()
            };
            rotated(until_s).check(request.signed(), expected);
        }
    }
    // When nothing counts any more, nothing fits, not even what stands in for nobody.
    let none = bench("{}").with(|record| {
        record.credential.as_mut().unwrap().until_s = Some(0);
    });
    none.check(Request::default().signed(), REFUSED);
}

#[test]
fn only_the_holder_of_the_secret_learns_how_the_key_stands() {
    let networks =
        |record: &mut KeyRecord| record.rare.networks = vec!["10.0.0.0/8".parse().unwrap()];
    type Change = fn(&mut KeyRecord);
    let changes: [(Change, &str); 6] = [
        (|_| (), "ok"),
        (|r| r.expires_s = Some(START_S + 1), "ok"),
        (|r| r.expires_s = Some(START_S), "expired_key"),
        (|r| r.revoked = true, "revoked_key"),
        (networks, "address_not_allowed"),
        (
            |r| {
                r.revoked = true;
                r.expires_s = Some(START_S);
            },
            "revoked_key",
        ),
    ];
    for (change, expected) in changes {
        let bench = bench("{}").with(change);
        let stranger = Request {
            secret: "another",
            ..Request::default()
        };
        bench.check(stranger.signed(), REFUSED);
        bench.check(Request::default().signed(), expected);
        // Nothing but a request that passes is remembered.
        let remembered = usize::from(expected == "ok");
        assert_eq!(bench.fakes.env.replays.entries(), remembered);
    }
}

#[test]
fn an_unknown_key_and_a_wrong_signature_get_the_same_answer() {
    for (environment, details) in [(Environment::Live, 0), (Environment::Test, 4)] {
        for schemes in [&[V1][..], &[BT], &[V1, BT]] {
            let stranger = Request {
                schemes,
                secret: "another",
                ..Request::default()
            };
            let answer = |record: Option<Arc<KeyRecord>>| {
                let mut bench = bench("{}");
                bench.record = record;
                let mut client = FakeClient::post(stranger.target)
                    .field("X-API-Key", key_text(environment, 1))
                    .field("X-API-Signature", stranger.signature())
                    .field("X-Timestamp", stranger.timestamp_s.to_string())
                    .body(stranger.body.clone());
                bench.judge(&mut client).unwrap_err()
            };
            let known = answer(bench("{}").record);
            let unknown = answer(None);
            assert_eq!(known.reason, Some(Reason::InvalidCredentials));
            assert_eq!(known.reason, unknown.reason);
            assert_eq!(known.status, unknown.status);
            assert_eq!(known.message, unknown.message);
            assert_eq!(known.details, unknown.details);
            assert_eq!(known.fields, unknown.fields);
            assert_eq!(known.retry_after_s, unknown.retry_after_s);
            let least = if details == 0 { 0 } else { 3 };
            assert!((least..=details).contains(&known.details.len()));
        }
    }
    // Not even the secret that stands in for nobody opens anything.
    let mut nobody = bench("{}");
    nobody.record = None;
    let request = Request {
        secret: "nobody holds this secret, and what it fits is refused",
        ..Request::default()
    };
    nobody.check(request.signed(), REFUSED);
}

#[test]
fn a_sandbox_key_is_told_what_was_signed() {
    let detail = |reply: &Reply, name: &str| {
        let found = reply.details.iter().find(|(n, _)| *n == name);
        match &found.unwrap_or_else(|| panic!("{name}")).1 {
            Detail::Text(text) => text.clone(),
            Detail::Number(number) => number.to_string(),
            Detail::Name(name) => (*name).to_owned(),
        }
    };
    let request = |label: &str| {
        let mut client = FakeClient::post("/a?b=1")
            .field("X-API-Key", key_text(Environment::Test, 1))
            .field("X-API-Signature", format!("{label}={}", "0".repeat(64)))
            .field("X-Timestamp", START_S.to_string())
            .field("X-Nonce", "nonce-0001")
            .body("");
        bench("{}").judge(&mut client).unwrap_err()
    };
    let v1 = request("v1");
    // SHA-256 of nothing.
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!("v1\n{START_S}\nnonce-0001\nPOST\n/a\nb=1\n{hash}");
    assert_eq!(detail(&v1, "stringToSign"), text);
    assert_eq!(detail(&v1, "bodySha256"), hash);
    assert_eq!(detail(&v1, "bodyBytes"), "0");
    let bt = request("sha256");
    let text = format!("<the 0 bytes of the body>{START_S}");
    assert_eq!(detail(&bt, "stringToSign"), text);
}
