//! Framing of requests: hardening P1 to P4 and 2.1, line by line.

use super::*;

fn check(version: &str, target: &str, fields: &str, expected: &str) {
    let message = format!("POST {target} HTTP/{version}\r\n{fields}\r\n");
    assert_eq!(judge(message.as_bytes()), expected, "{message:?}");
}

/// Judges an HTTP/1.1 request with a good Host and these fields.
fn check_fields(fields: &str, expected: &str) {
    check("1.1", "/", &format!("Host: a\r\n{fields}"), expected);
    // Order makes no difference.
    check("1.1", "/", &format!("{fields}Host: a\r\n"), expected);
}

#[test]
fn a_body_has_one_framing() {
    for (fields, expected) in [
        ("", "none"),
        ("Content-Length: 0\r\n", "length 0"),
        ("content-LENGTH: 5\r\n", "length 5"),
        ("Content-Length:\t 5 \t\r\n", "length 5"),
        ("Content-Length: 00\r\n", "length 0"),
        (
            "Content-Length: 999999999999999999\r\n",
            "length 999999999999999999",
        ),
        ("Transfer-Encoding: chunked\r\n", "chunked"),
        ("TRANSFER-ENCODING:CHUNKED\r\n", "chunked"),
        // Not fields of framing: the filters drop these names (P6).
        ("Content_Length: x\r\nTransfer_Encoding: y\r\n", "none"),
        (
            "Content-Length-X: x\r\nX-Transfer-Encoding: chunked\r\n",
            "none",
        ),
    ] {
        check_fields(fields, expected);
    }
}

#[test]
fn doubtful_lengths_are_refused() {
    for value in [
        "",
        "+5",
        "-5",
        "5 5",
        "5\t5",
        "0x5",
        "5.0",
        "5e1",
        "five",
        "\"5\"",
        "5;",
        "\u{664}",
        "1000000000000000000",
        "0000000000000000005",
        "18446744073709551616",
        "99999999999999999999999999999999999999",
    ] {
        check_fields(
            &format!("Content-Length: {value}\r\n"),
            "invalid_content_length",
        );
    }
    for fields in [
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5,6\r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: ,5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\ncontent-length: 6\r\n",
        "Content-Length: 5\r\nX: y\r\nContent-Length: x\r\n",
        "Content-Length:\r\nContent-Length: 5\r\n",
    ] {
        check_fields(fields, "duplicate_content_length");
    }
}

#[test]
fn doubtful_transfer_codings_are_refused() {
    for (fields, expected) in [
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "length_with_transfer_encoding",
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "length_with_transfer_encoding",
        ),
        (
            "Content-Length: 0\r\nTransfer-Encoding: identity\r\n",
            "length_with_transfer_encoding",
        ),
        (
            "Content-Length: x\r\nTransfer-Encoding:\r\n",
            "length_with_transfer_encoding",
        ),
        (
            "Transfer-Encoding: gzip\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: identity\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: xchunked\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: identity, chunked\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: gzip;q=1, chunked\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked, gzip\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked, gzip, chunked\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked;q=1\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked ;\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked,\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: , chunked\r\n",
            "invalid_transfer_encoding",
        ),
        ("Transfer-Encoding:\r\n", "invalid_transfer_encoding"),
        (
            "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: \"chunked\"\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chun ked\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: chunked\u{a0}\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "Transfer-Encoding: [chunked]\r\n",
            "invalid_transfer_encoding",
        ),
    ] {
        check_fields(fields, expected);
    }
    check(
        "1.0",
        "/",
        "Host: a\r\nTransfer-Encoding: chunked\r\n",
        "invalid_transfer_encoding",
    );
    check(
        "1.0",
        "/",
        "Host: a\r\nTransfer-Encoding: gzip\r\n",
        "invalid_transfer_encoding",
    );
    check(
        "1.0",
        "/",
        "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "length_with_transfer_encoding",
    );
}

#[test]
fn there_is_exactly_one_host() {
    for (target, fields, expected) in [
        ("/", "Host: a\r\n", "none"),
        ("/", "hOST:a.example:8080\r\n", "none"),
        ("*", "Host: a\r\n", "invalid_target"),
        ("/", "", "missing_host"),
        ("/", "X-Host: a\r\n", "missing_host"),
        ("/", "Host:\r\n", "missing_host"),
        ("/", "Host: \t \r\n", "missing_host"),
        ("/", "Host: a\r\nHost: a\r\n", "repeated_header"),
        ("/", "Host: a\r\nX: y\r\nhost: b\r\n", "repeated_header"),
        ("/", "Host:\r\nHost: a\r\n", "repeated_header"),
        ("/", "Host: a, b\r\n", "invalid_host"),
        ("/", "Host: a,b\r\n", "invalid_host"),
        ("/", "Host: a/path\r\n", "invalid_host"),
        ("/", "Host: http://a\r\n", "invalid_host"),
        ("/", "Host: u@a\r\n", "invalid_host"),
        ("/", "Host: a b\r\n", "invalid_host"),
        ("/", "Host: a:b\r\n", "invalid_host"),
        ("/", "Host: a:70000\r\n", "invalid_host"),
        ("/", "Host: a.\r\n", "invalid_host"),
        ("/", "Host: caf\u{e9}\r\n", "invalid_host"),
        ("/", "Host: \"a\"\r\n", "invalid_host"),
        ("http://a/", "Host: a\r\n", "none"),
        ("http://A.Example:80/", "Host: a.eXample:80\r\n", "none"),
        ("https://a", "Host: a\r\n", "none"),
        ("http://a/", "", "missing_host"),
        ("http://a/", "Host: b\r\n", "host_conflict"),
        ("http://a:80/", "Host: a\r\n", "host_conflict"),
        ("http://a/", "Host: a:80\r\n", "host_conflict"),
        ("http://a:80/", "Host: a:81\r\n", "host_conflict"),
    ] {
        check("1.1", target, fields, expected);
        let close = if expected == "none" {
            "none close"
        } else {
            expected
        };
        check("1.0", target, fields, close);
    }
}

#[test]
fn the_host_is_handed_out() {
    let message = b"GET / HTTP/1.1\r\nHost: A.example:81\r\n\r\n";
    let Parse::Complete { head, .. } = parse_request(message, &HeadLimits::STANDARD) else {
        panic!("a good head");
    };
    let host = request_framing(&head).unwrap().host;
    assert_eq!((host.host, host.port), (&b"A.example"[..], Some(81)));
}

#[test]
fn only_continue_is_expected() {
    for (fields, expected) in [
        (
            "Content-Length: 5\r\nExpect: 100-continue\r\n",
            "length 5 continue",
        ),
        (
            "Transfer-Encoding: chunked\r\nexpect: 100-Continue\r\n",
            "chunked continue",
        ),
        ("Content-Length: 0\r\nExpect: 100-continue\r\n", "length 0"),
        ("Expect: 100-continue\r\n", "none"),
        ("Expect:\r\n", "expectation_failed"),
        (
            "Expect: 100-continue, 100-continue\r\n",
            "expectation_failed",
        ),
        (
            "Expect: 100-continue\r\nExpect: 100-continue\r\n",
            "expectation_failed",
        ),
        ("Expect: 100-continue;q=1\r\n", "expectation_failed"),
        ("Expect: 200-ok\r\n", "expectation_failed"),
        ("Expect: 100-continue, x\r\n", "expectation_failed"),
    ] {
        check_fields(fields, expected);
    }
    let fields = "Host: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n";
    check("1.0", "/", fields, "length 5 close");
}

#[test]
fn the_connection_is_kept_or_closed() {
    for (fields, in_11, in_10) in [
        ("", "none", "none close"),
        ("Connection: close\r\n", "none close", "none close"),
        ("Connection: keep-alive\r\n", "none", "none"),
        ("CONNECTION: Keep-Alive\r\n", "none", "none"),
        (
            "Connection: keep-alive, CLOSE\r\n",
            "none close",
            "none close",
        ),
        (
            "Connection: x\r\nConnection: ,close,\r\n",
            "none close",
            "none close",
        ),
        ("Connection: closed\r\n", "none", "none close"),
        ("Connection:\r\n", "none", "none close"),
        ("Proxy-Connection: close\r\n", "none", "none close"),
        ("Proxy-Connection: keep-alive\r\n", "none", "none close"),
        (
            "Connection: close x\r\n",
            "malformed_header",
            "malformed_header",
        ),
        (
            "Connection: \"close\"\r\n",
            "malformed_header",
            "malformed_header",
        ),
        (
            "Connection: x\r\nConnection: @\r\n",
            "malformed_header",
            "malformed_header",
        ),
        (
            "Connection: Upgrade\r\nUpgrade: h2c\r\n",
            "none upgrade",
            "none upgrade close",
        ),
        (
            "Upgrade: websocket\r\n",
            "none upgrade",
            "none upgrade close",
        ),
        (
            "Connection: upgrade\r\n",
            "none upgrade",
            "none upgrade close",
        ),
    ] {
        let fields = format!("Host: a\r\n{fields}");
        check("1.1", "/", &fields, in_11);
        check("1.0", "/", &fields, in_10);
    }
}

#[test]
fn connection_names_are_listed() {
    let message =
        b"GET / HTTP/1.1\r\nConnection: close, X-A ,,\r\nHost: a\r\nconnection: x-b\r\n\r\n";
    let Parse::Complete { head, .. } = parse_request(message, &HeadLimits::STANDARD) else {
        panic!("a good head");
    };
    let names: Vec<_> = connection_names(&head.fields).collect();
    assert_eq!(names, [&b"close"[..], b"X-A", b"x-b"]);
}

#[test]
fn framing_is_judged_before_host() {
    check(
        "1.1",
        "/",
        "Content-Length: x\r\nExpect: y\r\n",
        "invalid_content_length",
    );
    check("1.1", "/", "Expect: y\r\n", "missing_host");
    for (framing, is_empty) in [
        (Framing::None, true),
        (Framing::Length(0), true),
        (Framing::Length(1), false),
        (Framing::Chunked, false),
    ] {
        assert_eq!(framing.is_empty(), is_empty);
    }
}
