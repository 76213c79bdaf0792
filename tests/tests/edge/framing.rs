//! Bodies whose end is in doubt (hardening, P2 to P4; A1, A2): refused, the connection closed, nothing
//! forwarded, and no byte of a body ever taken for a request.

use filters::signing::Scheme;
use tests::envelope::check_refusal;
use tests::hostile::{NEXT, check_ended, set};
use tests::raw::{Raw, ask};
use tests::signer::Draft;

fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST /open/x HTTP/1.1\r\nHost: edge.example\r\n{lines}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn doubtful_framing_is_refused() {
    let (witness, stage) = set().await;
    let length = "invalid_content_length";
    let both = "length_with_transfer_encoding";
    let coding = "invalid_transfer_encoding";
    let foreign = "unsupported_transfer_encoding";
    for (lines, status, reason) in [
        ("Content-Length: 5, 5\r\n", 400, "duplicate_content_length"),
        ("Content-Length: +5\r\n", 400, length),
        ("Content-Length: -1\r\n", 400, length),
        ("Content-Length: 5 5\r\n", 400, length),
        ("Content-Length: 0x5\r\n", 400, length),
        ("Content-Length: 5.0\r\n", 400, length),
        ("Content-Length:\r\n", 400, length),
        ("Content-Length: 1234567890123456789\r\n", 400, length),
        (
            "Content-Length: 99999999999999999999999999999999\r\n",
            400,
            length,
        ),
        (
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            400,
            "duplicate_content_length",
        ),
        (
            "Content-Length: 5\r\ncontent-length: 6\r\n",
            400,
            "duplicate_content_length",
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            400,
            both,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            400,
            both,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
            400,
            both,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            400,
            coding,
        ),
        ("Transfer-Encoding: chunked, chunked\r\n", 400, coding),
        ("Transfer-Encoding: chunked,\r\n", 400, coding),
        ("Transfer-Encoding: ,chunked\r\n", 400, coding),
        ("Transfer-Encoding: chunked;q=1\r\n", 400, coding),
        ("Transfer-Encoding:\r\n", 400, coding),
        ("Transfer-Encoding: identity\r\n", 501, foreign),
        ("Transfer-Encoding: identity, chunked\r\n", 501, foreign),
        ("Transfer-Encoding: gzip, chunked\r\n", 501, foreign),
        ("Transfer-Encoding: gzip\r\n", 501, foreign),
        ("Transfer-Encoding: xchunked\r\n", 501, foreign),
        ("Transfer-Encoding: \"chunked\"\r\n", 400, coding),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
            400,
            coding,
        ),
        ("Transfer-Encoding : chunked\r\n", 400, "malformed_header"),
        (
            "Transfer-Encoding: chunked\r\n\tgzip\r\n",
            400,
            "obsolete_line_folding",
        ),
        ("Transfer-Encoding:\x0bchunked\r\n", 400, "malformed_header"),
        (
            "X: y\nTransfer-Encoding: chunked\r\n",
            400,
            "bare_line_feed",
        ),
    ] {
        check_ended(&stage, &witness, &post(lines, "0\r\n\r\n"), status, reason).await;
    }
    // HTTP/1.0 knows no transfer coding (CVE-2026-2835).
    let old = b"POST /open/x HTTP/1.0\r\nHost: edge.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check_ended(&stage, &witness, old, 400, coding).await;
    stage.stop().await;
}

/// Chunks that break the grammar: on a route that passes bodies on, the upstream never gets a whole
/// request; under a signature it hears nothing at all.
#[tokio::test]
async fn malformed_chunks_never_make_a_whole_request() {
    let (witness, stage) = set().await;
    let key = stage.key(1, |_| {});
    let signed = |body: &str| {
        let draft = Draft {
            method: "POST",
            target: "/api/v1/orders",
            body: b"hello",
            timestamp: stage.now_s(),
            nonce: "",
            scheme: Scheme::V1,
        };
        let mut head = "POST /api/v1/orders HTTP/1.1\r\nHost: edge.example\r\n".to_owned();
        for (name, value) in key.fields(&draft) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}").into_bytes()
    };
    let cases = [
        ("5\nhello\r\n0\r\n\r\n", "bare_line_feed"),
        ("5\r\nhello\n0\r\n\r\n", "bare_line_feed"),
        ("5\r\nhello0\r\n\r\n", "invalid_chunk"),
        ("5\r\nhelloX\r\n0\r\n\r\n", "invalid_chunk"),
        ("5 \r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        (" 5\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("+5\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("0x5\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("5;\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("5;a b\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "bare_line_feed"),
        ("g\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("-5\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        (
            "5\r\nhello\r\n0\r\nX-Consumer-Id: root\r\n\r\n",
            "invalid_chunk",
        ),
        (
            "5\r\nhello\r\n0\r\nX-Consumer-Id : root\r\n\r\n",
            "malformed_header",
        ),
        ("5\r\nhello\r\n0\r\nX: a\nY: b\r\n\r\n", "bare_line_feed"),
    ];
    for (body, reason) in cases {
        check_ended(&stage, &witness, &signed(body), 400, reason).await;
    }
    for (body, reason) in cases {
        let whole = witness.seen().len();
        let mut raw = Raw::connect(stage.address).await;
        raw.send(post("Transfer-Encoding: chunked\r\n", body)).await;
        raw.send(NEXT).await;
        let answer = raw.answer().await;
        let answer = answer.unwrap_or_else(|| panic!("no answer: {body:?}"));
        check_refusal(body, &answer, 400, reason);
        assert!(raw.is_closed().await, "{body:?}");
        assert_eq!(witness.seen().len(), whole, "{body:?}");
    }
    stage.stop().await;
}

/// Extensions that keep to the grammar mean nothing (RFC 9112, section 7.1.1).
#[tokio::test]
async fn chunks_of_the_grammar_pass_and_the_next_request_too() {
    let (witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    for body in [
        "5\r\nhello\r\n0\r\n\r\n",
        "5;a=b;c\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b;c\"\r\nhello\r\n000\r\n\r\n",
        "2\r\nhe\r\n03\r\nllo\r\n0\r\n\r\n",
    ] {
        raw.send(post("Transfer-Encoding: chunked\r\n", body)).await;
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(answer.status, 200, "{body:?} {answer:?}");
        assert_eq!(witness.last().length, 5, "{body:?}");
        assert_eq!(witness.last().target, "/open/x");
    }
    stage.stop().await;
}

/// A refusal before the body was read: the body is drained or the connection ends, and a request that
/// lies in the body is never served (A2, CVE-2025-4366).
#[tokio::test]
async fn an_unread_body_is_never_taken_for_a_request() {
    let (witness, stage) = set().await;
    // Uses up the one token of the limited route.
    let first = ask(
        stage.address,
        "GET /limited HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    )
    .await;
    assert_eq!(first.expect("an answer").status, 200);
    let begun = witness.begun();
    for (target, status, reason) in [
        ("/api/v1/orders", 401, "missing_credentials"),
        ("/denied", 403, "address_not_allowed"),
        ("/nowhere", 404, "no_route"),
        ("/small", 413, "body_too_large"),
        ("/limited", 429, "burst_exceeded"),
    ] {
        let long = NEXT.repeat(3000);
        for (framing, body) in [
            (format!("Content-Length: {}", NEXT.len()), NEXT.to_owned()),
            (
                "Transfer-Encoding: chunked".to_owned(),
                format!("{:x}\r\n{NEXT}\r\n0\r\n\r\n", NEXT.len()),
            ),
            (format!("Content-Length: {}", long.len()), long.clone()),
            (
                "Transfer-Encoding: chunked".to_owned(),
                format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len()),
            ),
        ] {
            let what = format!("{target} {framing}");
            let head = format!("POST {target} HTTP/1.1\r\nHost: edge.example\r\n{framing}\r\n\r\n");
            let mut raw = Raw::connect(stage.address).await;
            raw.send(head + &body).await;
            raw.send("GET /exact?last HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n")
                .await;
            let answer = raw
                .answer()
                .await
                .unwrap_or_else(|| panic!("no answer: {what}"));
            let reason = match answer.reason().as_str() {
                "quota_exceeded" | "address_limit_exceeded" if status == 429 => answer.reason(),
                _ => reason.to_owned(),
            };
            check_refusal(&what, &answer, status, &reason);
            // Either the connection ends, or the next answer is that of the request behind the body.
            if let Some(next) = raw.answer().await {
                assert_eq!(next.status, 200, "{what}");
                assert_eq!(witness.last().target, "/exact?last", "{what}");
                assert!(raw.is_closed().await, "{what}");
            }
        }
    }
    let smuggled = witness
        .seen()
        .iter()
        .any(|seen| seen.target.contains("smuggled"));
    assert!(
        !smuggled && witness.begun() > begun,
        "the short bodies were drained"
    );
    stage.stop().await;
}
