//! Request heads that no honest client sends (hardening, P1, P5, P8, P13, 2.1; A1, A12): each
//! refused with its reason, the connection closed, nothing forwarded, and what was sent behind it
//! never served.

use tests::envelope::check_refusal;
use tests::hostile::{check_ended, set};
use tests::raw::ask;

#[tokio::test]
async fn malformed_heads_are_refused_and_end_the_connection() {
    let (witness, stage) = set().await;
    let host = "Host: edge.example\r\n";
    for (request, status, reason) in [
        // Request lines (RFC 9112, section 3).
        (
            format!("GET  /open/x HTTP/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET /open/x  HTTP/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET /open/x HTTP/1.1 \r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!(" GET /open/x HTTP/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET\t/open/x\tHTTP/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET /open/x\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (format!("GET\r\n{host}\r\n"), 400, "malformed_request_line"),
        (
            format!("GET /open/x HTTP/1.10\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET /open/x http/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET /open/x HTTP/2.0\r\n{host}\r\n"),
            400,
            "unsupported_http_version",
        ),
        (
            format!("GET /open/x HTTP/0.9\r\n{host}\r\n"),
            400,
            "unsupported_http_version",
        ),
        (
            format!("GET /open/x HTTP/1.2\r\n{host}\r\n"),
            400,
            "unsupported_http_version",
        ),
        (
            format!("G\u{ef}T /open/x HTTP/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET(x) /open/x HTTP/1.1\r\n{host}\r\n"),
            400,
            "malformed_request_line",
        ),
        (
            format!("GET open/x HTTP/1.1\r\n{host}\r\n"),
            400,
            "invalid_target",
        ),
        (
            format!("GET * HTTP/1.1\r\n{host}\r\n"),
            400,
            "invalid_target",
        ),
        (
            format!("GET edge.example:80 HTTP/1.1\r\n{host}\r\n"),
            400,
            "invalid_target",
        ),
        (
            format!("GET ftp://edge.example/open/x HTTP/1.1\r\n{host}\r\n"),
            400,
            "invalid_target",
        ),
        (
            format!("GET /open/x#y HTTP/1.1\r\n{host}\r\n"),
            400,
            "invalid_target",
        ),
        // Line ends (RFC 9112, section 2.2; P13).
        (
            format!("GET /open/x HTTP/1.1\n{host}\r\n"),
            400,
            "bare_line_feed",
        ),
        (
            "GET /open/x HTTP/1.1\r\nHost: edge.example\n\r\n".into(),
            400,
            "bare_line_feed",
        ),
        (
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\nX-A: b\n\n".into(),
            400,
            "bare_line_feed",
        ),
        (
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\n\n".into(),
            400,
            "bare_line_feed",
        ),
        (
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\nX-A: b\rc\r\n\r\n".into(),
            400,
            "bare_line_feed",
        ),
        (
            "GET /open/x HTTP/1.1\rHost: edge.example\r\n\r\n".into(),
            400,
            "bare_line_feed",
        ),
        // Field lines (RFC 9112, section 5).
        (
            format!("GET /open/x HTTP/1.1\r\n{host} folded: x\r\n\r\n"),
            400,
            "obsolete_line_folding",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X-A: b\r\n\tc\r\n\r\n"),
            400,
            "obsolete_line_folding",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n X-A: b\r\n{host}\r\n"),
            400,
            "obsolete_line_folding",
        ),
        (
            "GET /open/x HTTP/1.1\r\nHost : edge.example\r\n\r\n".into(),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X-A\t: b\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X A: b\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}: b\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}no colon\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X-A: b\0c\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X-A: \u{7f}\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X-\u{e9}: b\r\n\r\n"),
            400,
            "malformed_header",
        ),
        (
            format!("GET /open/x HTTP/1.1\r\n{host}X\0A: b\r\n\r\n"),
            400,
            "malformed_header",
        ),
    ] {
        check_ended(&stage, &witness, request.as_bytes(), status, reason).await;
    }
    stage.stop().await;
}

#[tokio::test]
async fn hosts_that_are_missing_or_malformed_are_refused() {
    let (witness, stage) = set().await;
    let get = |lines: &str| format!("GET /open/x HTTP/1.1\r\n{lines}\r\n").into_bytes();
    for (lines, reason) in [
        ("", "missing_host"),
        ("Host:\r\n", "missing_host"),
        ("Host: \t \r\n", "missing_host"),
        ("Host: edge.example, other\r\n", "invalid_host"),
        ("Host: edge.example/path\r\n", "invalid_host"),
        ("Host: user@edge.example\r\n", "invalid_host"),
        ("Host: edge.example:\r\n", "invalid_host"),
        ("Host: edge.example:0\r\n", "invalid_host"),
        ("Host: edge.example:65536\r\n", "invalid_host"),
        ("Host: edge.example.\r\n", "invalid_host"),
        ("Host: edge%2eexample\r\n", "invalid_host"),
        ("Host: edge example\r\n", "invalid_host"),
        ("Host: [::1\r\n", "invalid_host"),
        ("Host: 127.1\r\n", "invalid_host"),
        (
            "Host: edge.example\r\nHost: edge.example\r\n",
            "repeated_header",
        ),
        (
            "Host: edge.example\r\nhost: other.example\r\n",
            "repeated_header",
        ),
    ] {
        check_ended(&stage, &witness, &get(lines), 400, reason).await;
    }
    let absolute =
        |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\n{host}\r\n").into_bytes();
    for (target, host, reason) in [
        (
            "http://other.example/open/x",
            "Host: edge.example\r\n",
            "host_conflict",
        ),
        (
            "http://edge.example:81/open/x",
            "Host: edge.example\r\n",
            "host_conflict",
        ),
        (
            "http://edge.example/open/x",
            "Host: other.example\r\n",
            "host_conflict",
        ),
        ("http://edge.example/open/x", "", "missing_host"),
        ("http:///open/x", "Host: edge.example\r\n", "invalid_target"),
        (
            "http://a@edge.example/open/x",
            "Host: edge.example\r\n",
            "invalid_target",
        ),
    ] {
        check_ended(&stage, &witness, &absolute(target, host), 400, reason).await;
    }
    stage.stop().await;
}

#[tokio::test]
async fn heads_have_bounds() {
    let (witness, stage) = set().await;
    let target = |length: usize| format!("/open/{}", "a".repeat(length - "/open/".len()));
    let line = |target: &str, more: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: edge.example\r\n{more}\r\n").into_bytes()
    };
    let fields = |count: usize| "X-A: b\r\n".repeat(count - 1);
    let field = |length: usize| format!("X-A: {}\r\n", "a".repeat(length - "X-A: ".len()));
    // A head of exactly so many bytes: two long fields and one that fills up.
    let head = |length: usize| {
        let long = field(15_000).replace("X-A", "X-B") + &field(15_000);
        let so_far = line("/open/x", &long).len();
        line("/open/x", &(long + &field(length - so_far - 2)))
    };
    let byte = |from: &[u8]| from.len();
    assert_eq!(byte(&head(32 * 1024)), 32 * 1024);
    for good in [
        line(&target(8192), ""),
        line("/open/x", &field(16 * 1024)),
        head(32 * 1024),
    ] {
        let answer = ask(stage.address, &good).await.expect("an answer");
        assert_eq!(answer.status, 200, "{} bytes {answer:?}", good.len());
    }
    // The most that may be, on a path where no upstream has bounds of its own.
    let answer = ask(stage.address, line("/nowhere", &fields(100))).await;
    assert_eq!(answer.expect("an answer").status, 404);
    let endless = format!("GET /open/{}", "a".repeat(64 * 1024)).into_bytes();
    for (bad, status, reason) in [
        (line(&target(8193), ""), 414, "target_too_long"),
        (endless, 414, "target_too_long"),
        (line("/open/x", &fields(101)), 431, "too_many_headers"),
        (
            line("/open/x", &field(16 * 1024 + 1)),
            431,
            "header_too_large",
        ),
        (head(32 * 1024 + 1), 431, "header_too_large"),
        (
            line("/open/x", &"X-A: b\r\n".repeat(5000)),
            431,
            "too_many_headers",
        ),
        (
            format!("{} / HTTP/1.1\r\n", "A".repeat(33)).into_bytes(),
            501,
            "unknown_method",
        ),
    ] {
        check_ended(&stage, &witness, &bad, status, reason).await;
    }
    stage.stop().await;
}

#[tokio::test]
async fn methods_are_a_closed_list() {
    let (witness, stage) = set().await;
    let all = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    for (line, status, reason, allow) in [
        ("TRACE /open/x", 405, "method_not_allowed", Some(all)),
        (
            "CONNECT edge.example:443",
            405,
            "method_not_allowed",
            Some(all),
        ),
        (
            "PATCH /open/x",
            405,
            "method_not_allowed",
            Some("DELETE, GET, HEAD, OPTIONS, POST, PUT"),
        ),
        (
            "DELETE /exact",
            405,
            "method_not_allowed",
            Some("GET, HEAD, POST"),
        ),
        ("get /open/x", 501, "unknown_method", None),
        ("Get /open/x", 501, "unknown_method", None),
        ("PROPFIND /open/x", 501, "unknown_method", None),
        ("BREW /open/x", 501, "unknown_method", None),
        ("PRI *", 400, "invalid_target", None),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: edge.example\r\n\r\n");
        let answer = ask(stage.address, &request).await.expect("an answer");
        check_refusal(line, &answer, status, reason);
        let sorted = |value: &str| {
            let mut words: Vec<String> = value.split(',').map(|m| m.trim().to_owned()).collect();
            words.sort();
            words
        };
        assert_eq!(
            answer.only("allow").map(sorted),
            allow.map(sorted),
            "{line}"
        );
    }
    // What is said in a field changes nothing: the request line's method counts (A12).
    for field in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        let request =
            format!("GET /open/x HTTP/1.1\r\nHost: edge.example\r\n{field}: DELETE\r\n\r\n");
        let answer = ask(stage.address, &request).await.expect("an answer");
        assert_eq!(answer.status, 200, "{field}");
        let seen = witness.last();
        assert_eq!(seen.method, "GET");
        assert!(seen.all(&field.to_ascii_lowercase()).is_empty(), "{field}");
    }
    stage.stop().await;
}
