//! What a client may offer beside its request: another protocol, to wait for a 100, an older version
//! (hardening, P10; A3; RFC 9110, sections 7.8 and 10.1.1).

use tests::envelope::check_refusal;
use tests::hostile::{NEXT, check_ended, get, set};
use tests::raw::{Answer, Raw};

#[tokio::test]
async fn nobody_leaves_http() {
    let (witness, stage) = set().await;
    for lines in [
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n",
        "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n",
    ] {
        let mut raw = Raw::connect(stage.address).await;
        let upgrade = format!("GET /open/x HTTP/1.1\r\nHost: edge.example\r\n{lines}\r\n");
        raw.send(upgrade).await;
        // Bytes behind it are the next request, never a tunnel (CVE-2026-2833).
        raw.send(get("/exact")).await;
        let answer = raw.any_answer(false).await.expect("an answer");
        assert_eq!(answer.status, 200, "{lines}");
        let answer = raw.any_answer(false).await.expect("an answer");
        assert_eq!(answer.status, 200, "{lines}");
        let seen = witness.seen();
        for one in &seen[seen.len() - 2..] {
            for name in ["upgrade", "connection", "http2-settings"] {
                assert!(one.all(name).is_empty(), "{name} went on: {one:?}");
            }
        }
    }
    stage.stop().await;
}

/// RFC 9110, section 10.1.1.
#[tokio::test]
async fn expectations_are_met_or_refused() {
    let (witness, stage) = set().await;
    let expect = |target: &str, value: &str, length: usize| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: edge.example\r\nContent-Length: {length}\r\n\
             Expect: {value}\r\n\r\n"
        )
    };
    for value in ["100-continue", "100-Continue"] {
        let mut raw = Raw::connect(stage.address).await;
        raw.send(expect("/open/x", value, 5)).await;
        let interim = raw.any_answer(false).await.expect("an interim answer");
        assert_eq!(interim.status, 100, "{value}");
        raw.send("hello").await;
        assert_eq!(raw.any_answer(false).await.expect("an answer").status, 200);
        assert!(witness.last().all("expect").is_empty());
    }
    let before = witness.begun();
    for (target, value, length, status, reason) in [
        ("/open/x", "200-ok", 5, 417, "expectation_failed"),
        ("/open/x", "100-continue, x", 5, 417, "expectation_failed"),
        ("/small", "100-continue", 11, 413, "body_too_large"),
        (
            "/api/v1/orders",
            "100-continue",
            5,
            401,
            "missing_credentials",
        ),
        ("/denied", "100-continue", 5, 403, "address_not_allowed"),
        ("/nowhere", "100-continue", 5, 404, "no_route"),
    ] {
        let mut raw = Raw::connect(stage.address).await;
        raw.send(expect(target, value, length)).await;
        // The refusal comes instead of 100.
        let answer: Answer = raw.any_answer(false).await.expect("an answer");
        check_refusal(&format!("{target} {value}"), &answer, status, reason);
    }
    assert_eq!(witness.begun(), before);
    stage.stop().await;
}

/// HTTP/1.0 is served by its own rules: no Host is still refused, no reuse unless asked for, no
/// interim answer.
#[tokio::test]
async fn http_1_0_is_served_and_closed() {
    let (witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    raw.send("GET /open/x HTTP/1.0\r\nHost: edge.example\r\n\r\n")
        .await;
    raw.send(NEXT).await;
    let answer = raw.any_answer(false).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(raw.is_closed().await);
    assert_eq!(witness.begun(), 1);
    // It cannot wait for a 100 (RFC 9110, section 10.1.1), and gets none.
    let mut raw = Raw::connect(stage.address).await;
    raw.send(
        "POST /open/x HTTP/1.0\r\nHost: edge.example\r\nContent-Length: 5\r\n\
         Expect: 100-continue\r\n\r\nhello",
    )
    .await;
    let answer = raw.any_answer(false).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(raw.is_closed().await);
    check_ended(
        &stage,
        &witness,
        b"GET /open/x HTTP/1.0\r\n\r\n",
        400,
        "missing_host",
    )
    .await;
    stage.stop().await;
}
