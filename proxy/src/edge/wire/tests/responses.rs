//! Response heads and their framing: good and hostile upstreams (hardening, A42, P10).

use super::heads::headlike;
use super::*;
use proptest::prelude::*;

const LIMITS: HeadLimits = HeadLimits::STANDARD;

#[test]
fn status_lines_are_read_or_refused() {
    for (message, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "Http11 200 OK 19"),
        (
            "HTTP/1.0 404 Not \t Found\r\n\r\n",
            "Http10 404 Not \\t Found 28",
        ),
        ("HTTP/1.1 200 \r\n\r\n", "Http11 200  17"),
        ("HTTP/1.1 200\r\n\r\n", "Http11 200  16"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "Http11 100 Continue 25"),
        (
            "HTTP/1.1 599 \u{e9}\r\nA: b\r\n\r\n",
            "Http11 599 \\xc3\\xa9 [A=b] 25",
        ),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1  200 OK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 20 OK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 2x0 OK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 +20 OK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 200\tOK\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 200 O\0K\r\n\r\n", "malformed_status_line"),
        ("HTTP/1.1 099 OK\r\n\r\n", "invalid_status"),
        ("HTTP/1.1 000 OK\r\n\r\n", "invalid_status"),
        ("HTTP/1.1 600 OK\r\n\r\n", "invalid_status"),
        ("HTTP/1.1 999 OK\r\n\r\n", "invalid_status"),
        ("HTTP/2.0 200 OK\r\n\r\n", "unsupported_http_version"),
        ("HTTP/1.2 200 OK\r\n\r\n", "unsupported_http_version"),
        ("http/1.1 200 OK\r\n\r\n", "malformed_status_line"),
        ("ICY 200 OK\r\n\r\n", "malformed_status_line"),
        ("SSH-2.0-OpenSSH\r\n", "malformed_status_line"),
        ("\0\0\u{12}\u{4}\0\0\0\0\0", "malformed_status_line"),
        ("<html>", "malformed_status_line"),
        ("HTTP/1.1 200 OK\n\n", "bare_line_feed"),
        ("HTTP/1.1 200\n\n", "bare_line_feed"),
        ("HTTP/1.1 200 OK\rX\r\n\r\n", "bare_line_feed"),
        ("HTTP/1.1 200 OK\r\nA: b\n\r\n", "bare_line_feed"),
        ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "bare_line_feed"),
        (
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "obsolete_line_folding",
        ),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "malformed_header"),
        ("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "malformed_header"),
        ("HTTP/1.1 200 OK\r\nTraceback\r\n\r\n", "malformed_header"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n", "partial"),
        ("HTTP/1.1 200", "partial"),
        ("", "partial"),
    ] {
        let shown = show_response(parse_response(message.as_bytes(), &LIMITS));
        assert_eq!(shown, expected, "{message:?}");
    }
}

#[test]
fn limits_hold_from_both_sides() {
    for (message, expected) in [
        (
            format!(
                "HTTP/1.1 200 {}\r\n\r\n",
                "a".repeat(limits::FIELD_BYTES_MAX - 13)
            ),
            "Http11 200 a",
        ),
        (
            format!(
                "HTTP/1.1 200 {}\r\n\r\n",
                "a".repeat(limits::FIELD_BYTES_MAX - 12)
            ),
            "header_too_large",
        ),
        (
            format!(
                "HTTP/1.1 200 OK\r\n{}\r\n",
                "A: b\r\n".repeat(limits::FIELDS_MAX)
            ),
            "Http11 200 OK",
        ),
        (
            format!(
                "HTTP/1.1 200 OK\r\n{}\r\n",
                "A: b\r\n".repeat(limits::FIELDS_MAX + 1)
            ),
            "too_many_headers",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{}", "aaaaaa: b\r\n".repeat(99)),
            "partial",
        ),
        (
            format!(
                "HTTP/1.1 200 OK\r\nA: {}",
                "a".repeat(limits::HEAD_BYTES_MAX)
            ),
            "header_too_large",
        ),
    ] {
        let shown = show_response(parse_response(message.as_bytes(), &LIMITS));
        assert!(shown.starts_with(expected), "{shown}");
    }
}

#[test]
fn answers_are_framed() {
    for (method, status, fields, expected) in [
        ("GET", "200", "", "UntilClose close"),
        ("GET", "200", "Content-Length: 5\r\n", "Length(5)"),
        (
            "GET",
            "200",
            "Content-Length: 5\r\nConnection: close\r\n",
            "Length(5) close",
        ),
        ("GET", "200", "Content-Length: 0\r\n", "Length(0)"),
        ("GET", "200", "Transfer-Encoding: chunked\r\n", "Chunked"),
        ("HEAD", "200", "", "None"),
        ("HEAD", "200", "Content-Length: 5\r\n", "None"),
        ("HEAD", "200", "Transfer-Encoding: chunked\r\n", "None"),
        ("GET", "304", "Content-Length: 5\r\n", "None"),
        ("GET", "304", "Transfer-Encoding: chunked\r\n", "None"),
        ("GET", "204", "", "None"),
        ("GET", "204", "Content-Length: 0\r\n", "None"),
        ("GET", "204", "Content-Length: 5\r\n", "forbidden_body"),
        (
            "GET",
            "204",
            "Transfer-Encoding: chunked\r\n",
            "forbidden_body",
        ),
        ("HEAD", "204", "Content-Length: 5\r\n", "forbidden_body"),
        ("GET", "205", "Content-Length: 0\r\n", "Length(0)"),
        ("POST", "100", "", "None interim"),
        ("GET", "103", "Link: a\r\n", "None interim"),
        ("POST", "100", "Content-Length: 5\r\n", "forbidden_body"),
        (
            "POST",
            "100",
            "Transfer-Encoding: chunked\r\n",
            "forbidden_body",
        ),
        (
            "GET",
            "101",
            "Upgrade: websocket\r\nConnection: upgrade\r\n",
            "unasked_switch",
        ),
        (
            "GET",
            "200",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "duplicate_content_length",
        ),
        (
            "GET",
            "200",
            "Content-Length: 5, 5\r\n",
            "duplicate_content_length",
        ),
        (
            "GET",
            "200",
            "Content-Length: -1\r\n",
            "invalid_content_length",
        ),
        (
            "HEAD",
            "200",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "duplicate_content_length",
        ),
        (
            "GET",
            "304",
            "Content-Length: x\r\n",
            "invalid_content_length",
        ),
        (
            "GET",
            "200",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "length_with_transfer_encoding",
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: gzip\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: gzip, chunked\r\n",
            "unsupported_transfer_encoding",
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: chunked, chunked\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "GET",
            "200",
            "Transfer-Encoding: chunked, gzip\r\n",
            "invalid_transfer_encoding",
        ),
        (
            "GET",
            "200",
            "Content-Length: 5\r\nConnection: a b\r\n",
            "malformed_header",
        ),
    ] {
        let message = format!("HTTP/1.1 {status} x\r\n{fields}\r\n");
        assert_eq!(frame(&message, method), expected, "{method} {message:?}");
    }
    for (fields, expected) in [
        ("Content-Length: 5\r\n", "Length(5) close"),
        (
            "Content-Length: 5\r\nConnection: keep-alive\r\n",
            "Length(5)",
        ),
        ("Connection: keep-alive\r\n", "UntilClose close"),
        (
            "Transfer-Encoding: chunked\r\n",
            "invalid_transfer_encoding",
        ),
    ] {
        let message = format!("HTTP/1.0 200 x\r\n{fields}\r\n");
        assert_eq!(frame(&message, "GET"), expected, "{message:?}");
    }
}

fn frame(message: &str, method: &str) -> String {
    let Parse::Complete { head, .. } = parse_response(message.as_bytes(), &LIMITS) else {
        panic!("{message:?}");
    };
    match response_framing(&head, method) {
        Err(fault) => fault.reason().to_owned(),
        Ok(framing) => format!(
            "{:?}{}{}",
            framing.body,
            if framing.is_interim { " interim" } else { "" },
            if framing.is_persistent { "" } else { " close" },
        ),
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(rest in headlike(), method in "GET|HEAD") {
        let bytes = [b"HTTP/1.1 200 OK\r\n", &rest[..]].concat();
        if let Parse::Complete { head, .. } = parse_response(&bytes, &LIMITS) {
            let _ = response_framing(&head, &method);
        }
    }
}
