//! Bearer tokens, end to end: who gets in, what the upstream hears, what is refused and how.

#![allow(clippy::unwrap_used, reason = "a test that fails may do so anywhere")]

use filters::testing::{Issuer, START_S, key_text};
use serde_json::{Value, json};
use tests::envelope::check_refusal;
use tests::golden::check_golden;
use tests::hostile::set_by;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Answer, ask};
use tests::stage::Stage;
use tests::witness::Witness;

const CHAIN: &str = "chains:
  tokens: [request_id, access_log, { jwt: { issuer: \"https://issuer.example\", \
                     audience: [\"https://api.example\"], keys: \"file:{keys}\" } }, rate_limit]
";

const ROUTES: &str = "
  - { name: tokens, path: /tokens, methods: [GET, POST], chain: tokens, upstream: orders }
  - { name: kept, path: /kept, methods: [GET], chain: tokens, upstream: orders, keep_authorization: true }
";

struct Parts {
    issuer: Issuer,
    stage: Stage,
    witness: Witness,
    folder: tempfile::TempDir,
    policy: String,
}

async fn parts() -> Parts {
    let issuer = Issuer::new("one");
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("jwks.json");
    std::fs::write(&keys, issuer.jwks()).unwrap();
    let chain = CHAIN.replace("{keys}", &keys.display().to_string());
    let mut policy = String::new();
    let (witness, stage) = set_by(|text| {
        policy = text
            .replace("chains:\n", &chain)
            .replace("tiers:\n", "tiers:\n  tight: { burst: 3/min }\n")
            + ROUTES.trim_start_matches('\n');
        policy.clone()
    })
    .await;
    Parts {
        issuer,
        stage,
        witness,
        folder,
        policy,
    }
}

impl Parts {
    fn token(&self, change: &Value) -> String {
        let mut claims = Issuer::claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.issuer.token(&claims)
    }

    /// The same request by both versions.
    async fn ask(&self, message: &Message) -> [Answer; 2] {
        let by1 = ask(self.stage.address, message.to_http1(self.stage.address));
        let by1 = by1.await.expect("an answer");
        let by2 = Http2::connect(self.stage.address).await.ask(message).await;
        [by1, by2]
    }
}

fn bearing(target: &str, token: &str) -> Message {
    Message::new("GET", target).field("Authorization", &format!("Bearer {token}"))
}

#[tokio::test]
async fn a_token_proves_its_caller_to_all_that_follows() {
    let parts = parts().await;
    let token = parts.token(&json!({"permissions": ["admin:none"]}));
    for (target, kept) in [
        ("/tokens", None),
        ("/kept", Some(format!("Bearer {token}"))),
    ] {
        let message = bearing(target, &token)
            .field("X-Consumer-Id", "spoofed")
            .field("X-Consumer-Scopes", "admin:all");
        for answer in parts.ask(&message).await {
            assert_eq!(answer.status, 200, "{target}: {answer:?}");
            assert!(answer.only("ratelimit").is_some(), "{target}");
            let seen = parts.witness.last();
            assert_eq!(seen.only("authorization"), kept.as_deref(), "{target}");
            for (name, value) in [
                ("x-consumer-id", "partner_7"),
                ("x-consumer-tier", "free"),
                ("x-consumer-scopes", "orders:read orders:write admin:none"),
                ("x-consumer-env", "live"),
            ] {
                assert_eq!(seen.only(name), Some(value), "{target}: {name}");
            }
        }
    }
    let lines = parts.stage.log(4).await;
    for line in &lines {
        assert_eq!(line["keyId"], "client:client_7");
        assert_eq!(line["consumer"], "partner_7");
        let text = line.to_string();
        assert!(!token.split('.').any(|part| text.contains(part)), "{text}");
    }
    parts.stage.stop().await;
}

#[tokio::test]
async fn what_claims_hold_reaches_upstream_and_log_as_text_only() {
    let parts = parts().await;
    let subject = "a\r\nX-Consumer-Tier: internal\0\"é";
    let token = parts.token(&json!({"sub": subject, "client_id": "mara@example.com"}));
    for answer in parts.ask(&bearing("/tokens", &token)).await {
        assert_eq!(answer.status, 200, "{answer:?}");
        let seen = parts.witness.last();
        let id = "a%0D%0AX-Consumer-Tier: internal%00\"%C3%A9";
        assert_eq!(seen.only("x-consumer-id"), Some(id));
        assert_eq!(seen.only("x-consumer-tier"), Some("free"));
    }
    for line in parts.stage.log(2).await {
        assert_eq!(line["consumer"], subject, "one line, escaped");
        assert_eq!(
            line["keyId"], "***",
            "an e-mail address is nobody's business"
        );
    }
    parts.stage.stop().await;
}

#[tokio::test]
async fn all_tokens_of_a_client_draw_on_one_bucket() {
    let parts = parts().await;
    let of = |sub: &str, client: &str| {
        parts.token(&json!({"sub": sub, "client_id": client, "tier": "tight"}))
    };
    let mut passed = 0;
    for n in 0..6 {
        // Another token each time, and one of them by the key's other holder.
        let token = of(&format!("user_{n}"), "client_1");
        let message = bearing("/tokens", &token).to_http1(parts.stage.address);
        let answer = ask(parts.stage.address, message).await.unwrap();
        match answer.status {
            200 => passed += 1,
            _ => check_refusal("bucket", &answer, 429, "burst_exceeded"),
        }
    }
    assert_eq!(passed, 3);
    let token = of("user_0", "client_2");
    let message = bearing("/tokens", &token).to_http1(parts.stage.address);
    let other = ask(parts.stage.address, message).await.unwrap();
    assert_eq!(other.status, 200);
    parts.stage.stop().await;
}

#[tokio::test]
async fn refused_tokens_have_their_face() {
    let parts = parts().await;
    let good = parts.token(&json!({}));
    let forger = Issuer::new("one");
    let header = |change: &str| {
        let header = parts.issuer.header().to_string();
        header.replace("\"RS256\"", change)
    };
    let claims = Issuer::claims().to_string();
    let none = Issuer::signed(&header("\"none\""), &claims) + ".";
    let key = key_text(filters::key::Environment::Live, 1);
    for (name, message, reason, error) in [
        (
            "401_missing_token",
            Message::new("GET", "/tokens"),
            "missing_token",
            false,
        ),
        (
            "401_missing_token",
            Message::new("GET", &format!("/tokens?access_token={good}")),
            "missing_token",
            false,
        ),
        (
            "401_missing_token",
            Message::new("GET", "/tokens").field("Authorization", "Basic eDp5"),
            "missing_token",
            false,
        ),
        (
            "401_malformed_token",
            bearing("/tokens", "a.b"),
            "malformed_token",
            true,
        ),
        (
            "401_malformed_token",
            bearing("/tokens", &format!("{good}=")),
            "malformed_token",
            true,
        ),
        (
            "401_malformed_token",
            bearing("/tokens", &"a".repeat(8193)),
            "malformed_token",
            true,
        ),
        (
            "401_invalid_token",
            bearing("/tokens", &none),
            "invalid_token",
            true,
        ),
        (
            "401_invalid_token",
            bearing("/tokens", &forger.token(&Issuer::claims())),
            "invalid_token",
            true,
        ),
        (
            "401_invalid_token",
            bearing(
                "/tokens",
                &parts.token(&json!({"aud": "https://other.example"})),
            ),
            "invalid_token",
            true,
        ),
        (
            "401_invalid_token",
            bearing("/tokens", &parts.token(&json!({"nbf": START_S + 31}))),
            "invalid_token",
            true,
        ),
        (
            "401_expired_token",
            bearing("/tokens", &parts.token(&json!({"exp": START_S - 30}))),
            "expired_token",
            true,
        ),
    ] {
        for answer in parts.ask(&message).await {
            check_refusal(name, &answer, 401, reason);
            check_golden(name, &answer);
            let challenge = match error {
                true => "Bearer error=\"invalid_token\", realm=\"tidegate\"",
                false => "Bearer realm=\"tidegate\"",
            };
            assert_eq!(answer.all("www-authenticate"), [challenge], "{name}");
        }
    }
    for message in [
        bearing("/tokens", &good).field("Authorization", &format!("Bearer {good}")),
        bearing("/tokens", &good).field("X-API-Key", &key),
    ] {
        for answer in parts.ask(&message).await {
            check_refusal("two credentials", &answer, 401, "ambiguous_credentials");
        }
    }
    assert_eq!(parts.witness.begun(), 0);
    parts.stage.stop().await;
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_time_and_with_its_key() {
    let parts = parts().await;
    let token = parts.token(&json!({"exp": START_S + 60}));
    let check = async |status: u16, reason: &str| {
        for answer in parts.ask(&bearing("/tokens", &token)).await {
            match status {
                200 => assert_eq!(answer.status, 200, "{answer:?}"),
                _ => check_refusal("remembered", &answer, status, reason),
            }
        }
    };
    check(200, "").await;
    parts.stage.fakes.clock.set_unix_s(START_S + 89);
    check(200, "").await;
    parts.stage.fakes.clock.set_unix_s(START_S + 90);
    check(401, "expired_token").await;
    parts.stage.fakes.clock.set_unix_s(START_S);
    check(200, "").await;
    std::fs::write(
        parts.folder.path().join("jwks.json"),
        Issuer::new("one").jwks(),
    )
    .unwrap();
    check(200, "").await;
    parts.stage.reload(&parts.policy);
    check(401, "invalid_token").await;
    parts.stage.stop().await;
}
