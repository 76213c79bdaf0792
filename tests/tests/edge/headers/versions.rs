//! Which version served, on every answer; a header only ever agrees.

use super::super::partner::House;
use super::answer_to;
use tests::message::Message;

const VERSIONS: (&str, &str) = (
    "versions: { current: \"1\" }",
    "versions:\n  current: \"1\"\n  accepted:\n    \"1\": {}\n    \"0\":\n      deprecated: 2025-07-01\n      \
     sunset: 2026-02-01\n      guide: https://docs.example/migration\n      successor: \"1\"",
);

/// A route for each version, before the rest.
const ROUTES: (&str, &str) = (
    "routes:\n",
    "routes:\n  - { name: zero, path: /api/v0/open, methods: [GET], chain: open, upstream: orders, public: true }\n  \
     - { name: one, path: /api/v1/open, methods: [GET], chain: open, upstream: orders, public: true }\n",
);

#[tokio::test]
async fn path_and_headers_agree_or_the_request_is_refused() {
    let house = House::start_as(&[VERSIONS, ROUTES]).await;
    for (target, version, accept, expected, served) in [
        ("/open/a", "", "", (200, ""), "1"),
        ("/open/a", "1", "", (200, ""), "1"),
        ("/open/a", "", "1", (200, ""), "1"),
        ("/open/a", "0", "0", (200, ""), "0"),
        ("/open/a", "0", "1", (400, "version_conflict"), "1"),
        ("/open/a", "2", "", (400, "unknown_version"), "1"),
        ("/open/a", "v1", "", (400, "unknown_version"), "1"),
        ("/open/a", "1.0", "", (400, "unknown_version"), "1"),
        ("/open/a", "1, 1", "", (400, "unknown_version"), "1"),
        ("/api/v1/open", "", "", (200, ""), "1"),
        ("/api/v1/open", "1", "1", (200, ""), "1"),
        ("/api/v1/open", "0", "", (400, "version_conflict"), "1"),
        ("/api/v1/open", "", "2", (400, "version_conflict"), "1"),
        ("/api/v0/open", "", "", (200, ""), "0"),
        ("/api/v0/open", "0", "", (200, ""), "0"),
        ("/api/v0/open", "1", "", (400, "version_conflict"), "0"),
    ] {
        let mut message = Message::new("GET", target);
        for (name, value) in [("X-API-Version", version), ("Accept-Version", accept)] {
            if !value.is_empty() {
                message = message.field(name, value);
            }
        }
        let case = format!("{target} {version:?} {accept:?}");
        let answer = answer_to(&house, &message).await;
        let reason = if answer.status == 200 {
            String::new()
        } else {
            answer.reason()
        };
        assert_eq!((answer.status, reason.as_str()), expected, "{case}");
        assert_eq!(answer.only("x-api-version"), Some(served), "{case}");
        let old = served == "0";
        assert_eq!(
            answer.only("deprecation"),
            old.then_some("@1751328000"),
            "{case}"
        );
        let sunset = old.then_some("Sun, 01 Feb 2026 00:00:00 GMT");
        assert_eq!(answer.only("sunset"), sunset, "{case}");
        assert_eq!(
            answer.all("link").join(" ").contains("rel=\"sunset\""),
            old,
            "{case}"
        );
        if answer.status == 200 {
            assert_eq!(
                house.witness.last().only("x-api-version"),
                Some(served),
                "{case}"
            );
        }
    }
    for name in ["X-API-Version", "Accept-Version"] {
        let twice = Message::new("GET", "/open/a")
            .field(name, "1")
            .field(name, "1");
        assert_eq!(answer_to(&house, &twice).await.reason(), "repeated_header");
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn after_its_sunset_a_version_is_gone_and_tells_where_to_go() {
    const SUNSET_S: u64 = 1_769_904_000;
    let house = House::start_as(&[VERSIONS, ROUTES]).await;
    for (now_s, status) in [(SUNSET_S - 1, 200), (SUNSET_S, 410)] {
        house.stage.fakes.clock.set_unix_s(now_s);
        let answer = answer_to(&house, &Message::new("GET", "/api/v0/open")).await;
        assert_eq!(answer.status, status);
        let links = answer.all("link").join(", ");
        for relation in ["deprecation", "sunset", "successor-version"] {
            assert!(links.contains(&format!("rel=\"{relation}\"")), "{links}");
        }
        if status == 410 {
            assert_eq!(answer.reason(), "sunset_version");
            let guide = &answer.json()["error"]["details"]["guide"];
            assert_eq!(guide, "https://docs.example/migration");
        }
        let current = answer_to(&house, &Message::new("GET", "/api/v1/open")).await;
        assert_eq!((current.status, current.all("deprecation").len()), (200, 0));
    }
    house.stage.stop().await;
}

/// Refusals of filters below say which version refused.
#[tokio::test]
async fn refusals_say_the_version_too() {
    let house = House::start().await;
    for (message, status) in [
        (Message::new("GET", "/api/v1/orders"), 401),
        (
            Message::new("POST", "/api/v1/orders").field("X-API-Key", "rubbish"),
            401,
        ),
        (Message::new("GET", "/open/a?status=500"), 500),
        (
            Message::new("POST", "/open/a").body(vec![b'x'; 1024 * 1024 + 1]),
            413,
        ),
    ] {
        let answer = answer_to(&house, &message).await;
        assert_eq!(
            (answer.status, answer.only("x-api-version")),
            (status, Some("1"))
        );
    }
    house.stage.stop().await;
}
