//! Request heads: the tables, the parts, the limits from both sides, and properties.

use super::messages::{GOOD, HOSTILE};
use super::*;
use proptest::prelude::*;

const LIMITS: HeadLimits = HeadLimits::STANDARD;

fn read(bytes: &[u8]) -> String {
    show_request(parse_request(bytes, &LIMITS))
}

#[test]
fn good_heads_are_read() {
    for (message, expected) in GOOD {
        assert_eq!(read(message.as_bytes()), *expected, "{message:?}");
        let with_more = format!("{message}GET \0");
        assert_eq!(read(with_more.as_bytes()), *expected, "{with_more:?}");
    }
}

#[test]
fn hostile_heads_are_refused() {
    for (message, expected) in HOSTILE {
        assert_eq!(read(message.as_bytes()), *expected, "{message:?}");
    }
}

#[test]
fn no_control_gets_through_anywhere() {
    let controls = (0..0x20_u8).chain([0x7f]);
    for control in controls {
        for place in 0..8 {
            // The control in every place of the eight that are looked at together.
            let filler = "abcdefgh";
            let (before, after) = filler.split_at(place);
            let control = char::from(control);
            let target = format!("GET /{before}{control}{after} HTTP/1.1\r\n\r\n");
            let name = format!("GET / HTTP/1.1\r\nX{before}{control}{after}: v\r\n\r\n");
            let value = format!("GET / HTTP/1.1\r\nX: v{before}{control}{after}v\r\n\r\n");
            for message in [&target, &name, &value] {
                let is_tab_in_value = control == '\t' && message == &value;
                let outcome = parse_request(message.as_bytes(), &LIMITS);
                assert_eq!(
                    matches!(outcome, Parse::Complete { .. }),
                    is_tab_in_value,
                    "{message:?}"
                );
                assert!(!matches!(outcome, Parse::Partial), "{message:?}");
            }
        }
    }
}

#[test]
fn the_form_of_a_target_is_told() {
    let absolute = |is_https, authority, path_and_query| TargetForm::Absolute {
        is_https,
        authority,
        path_and_query,
    };
    for (method, target, form, path_and_query, authority) in [
        ("GET", "/a?b", TargetForm::Origin, "/a?b", None),
        ("GET", "//a", TargetForm::Origin, "//a", None),
        ("OPTIONS", "*", TargetForm::Asterisk, "*", None),
        ("CONNECT", "a:1", TargetForm::Authority, "a:1", Some("a:1")),
        (
            "GET",
            "http://a:1/b?c",
            absolute(false, b"a:1", b"/b?c"),
            "/b?c",
            Some("a:1"),
        ),
        (
            "GET",
            "HttpS://a",
            absolute(true, b"a", b"/"),
            "/",
            Some("a"),
        ),
        (
            "OPTIONS",
            "http://a",
            absolute(false, b"a", b"*"),
            "*",
            Some("a"),
        ),
    ] {
        let message = format!("{method} {target} HTTP/1.1\r\n\r\n");
        let Parse::Complete { head, .. } = parse_request(message.as_bytes(), &LIMITS) else {
            panic!("{message:?}");
        };
        assert_eq!(head.form, form, "{target}");
        assert_eq!(head.path_and_query(), path_and_query.as_bytes(), "{target}");
        assert_eq!(head.authority(), authority.map(str::as_bytes), "{target}");
    }
}

#[test]
fn fields_are_found_without_regard_to_case() {
    let message = b"GET / HTTP/1.1\r\nA: 1\r\nb: 2\r\na: 3\r\n\r\n";
    let Parse::Complete { head, .. } = parse_request(message, &LIMITS) else {
        panic!("a good head");
    };
    let fields = &head.fields;
    assert_eq!((fields.len(), fields.is_empty()), (3, false));
    assert_eq!(fields.first("a"), Some(&b"1"[..]));
    assert_eq!(fields.nth("A", 1), Some(&b"3"[..]));
    assert_eq!(fields.nth("A", 2), None);
    assert_eq!(fields.first("B"), Some(&b"2"[..]));
    assert_eq!(fields.first("bb"), None);
    assert_eq!(fields.iter().len(), 3);
    assert!(!fields.has_obs_text());
}

#[test]
fn bytes_above_ascii_in_values_are_flagged() {
    for (value, expected) in [
        ("plain", false),
        ("caf\u{e9}", true),
        ("\u{e9}aaaaaaaaaaaaaaaa", true),
        ("aaaaaaaaaaaaaaaa\u{e9}", true),
    ] {
        let message = format!("GET / HTTP/1.1\r\nX: {value}\r\nY: plain\r\n\r\n");
        let Parse::Complete { head, .. } = parse_request(message.as_bytes(), &LIMITS) else {
            panic!("{message:?}");
        };
        assert_eq!(head.fields.has_obs_text(), expected, "{value:?}");
    }
    // Of the body only.
    let message = "GET / HTTP/1.1\r\nX: a\r\n\r\n\u{e9}\u{e9}\u{e9}\u{e9}";
    let Parse::Complete { head, .. } = parse_request(message.as_bytes(), &LIMITS) else {
        panic!("{message:?}");
    };
    assert!(!head.fields.has_obs_text());
}

/// What happens with a head of `n` somethings: good below and at the limit, refused above, and never
/// asked for more bytes once the limit is passed.
fn check_limit(limit: usize, refusal: &str, head: impl Fn(usize) -> String) {
    for n in [limit - 1, limit] {
        let shown = read(head(n).as_bytes());
        assert!(shown.starts_with("GET /"), "{n}: {shown}");
    }
    let above = head(limit + 1);
    assert_eq!(read(above.as_bytes()), refusal);
    let endless = above.trim_end_matches(['\r', '\n', ' ']);
    let without_end = [endless, &"a".repeat(limits::HEAD_BYTES_MAX)].concat();
    let shown = read(without_end.as_bytes());
    assert!(shown != "partial", "{shown}");
}

#[test]
fn limits_hold_from_both_sides() {
    check_limit(limits::TARGET_BYTES_MAX, "target_too_long", |n| {
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(n - 1))
    });
    check_limit(limits::FIELD_BYTES_MAX, "header_too_large", |n| {
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(n - 3))
    });
    check_limit(limits::FIELD_BYTES_MAX, "header_too_large", |n| {
        format!("GET / HTTP/1.1\r\n{}:\r\n\r\n", "a".repeat(n - 1))
    });
    check_limit(limits::FIELDS_MAX, "too_many_headers", |n| {
        format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(n))
    });
    check_limit(limits::HEAD_BYTES_MAX, "header_too_large", |n| {
        let line = format!("X: {}\r\n", "a".repeat(n / 4));
        let start = format!("GET / HTTP/1.1\r\n{}Y: ", line.repeat(3));
        let rest = n - start.len() - "\r\n\r\n".len();
        format!("{start}{}\r\n\r\n", "a".repeat(rest))
    });
    let method = "M".repeat(limits::METHOD_BYTES_MAX);
    assert!(read(format!("{method} / HTTP/1.1\r\n\r\n").as_bytes()).starts_with(&method));
    assert_eq!(
        read(format!("M{method} / HTTP/1.1\r\n\r\n").as_bytes()),
        "unknown_method"
    );
    assert_eq!(read(format!("M{method}").as_bytes()), "unknown_method");
    assert_eq!(read(method.as_bytes()), "partial");
}

#[test]
fn configured_limits_hold_and_have_a_ceiling() {
    let small = HeadLimits {
        head_bytes_max: 64,
        target_bytes_max: 4,
        field_bytes_max: 8,
        fields_max: 2,
    };
    let huge = HeadLimits {
        head_bytes_max: usize::MAX,
        target_bytes_max: usize::MAX,
        field_bytes_max: usize::MAX,
        fields_max: usize::MAX,
    };
    let fields = |n| format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(n));
    let target = |n| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(n));
    let check = |message: String, limits: &HeadLimits, expected: &str| {
        let shown = show_request(parse_request(message.as_bytes(), limits));
        assert!(shown.starts_with(expected), "{shown}");
    };
    check(fields(2), &small, "GET / ");
    check(fields(3), &small, "too_many_headers");
    check(target(3), &small, "GET /aaa ");
    check(target(4), &small, "target_too_long");
    check(
        "GET / HTTP/1.1\r\nX: aaaaa\r\n\r\n".into(),
        &small,
        "GET / ",
    );
    check(
        "GET / HTTP/1.1\r\nX: aaaaaa\r\n\r\n".into(),
        &small,
        "header_too_large",
    );
    check(fields(limits::FIELDS_MAX), &huge, "GET / ");
    check(fields(limits::FIELDS_MAX + 1), &huge, "too_many_headers");
    let ceiling = limits::HEAD_BYTES_CEILING;
    let around = target(0).len();
    check(target(ceiling - around), &huge, "GET /a");
    check(target(ceiling - around + 1), &huge, "header_too_large");
    check("a".repeat(ceiling), &huge, "unknown_method");
    check(
        format!("GET /{}", "a".repeat(ceiling)),
        &huge,
        "header_too_large",
    );
    let none = HeadLimits {
        head_bytes_max: 0,
        target_bytes_max: 0,
        field_bytes_max: 0,
        fields_max: 0,
    };
    check(target(0), &none, "header_too_large");
}

/// Bytes that are nearly a request's head.
pub(super) fn headlike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "GET ", "POST ", "OPTIONS ", "/", "/a?b", "*", "http://a", " HTTP/1.1\r\n", "HTTP/1.0\r\n",
            "\r\n", "\r\n\r\n", "\n", "\r", ":", ": ", " ", "\t", "Host", "Host: a\r\n", "X: b\r\n",
            "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "\0",
            "\u{e9}", "a", "HTTP/1.1 200 OK\r\n", "#", "Expect: 100-continue\r\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let start = prop::sample::select(vec![
        "",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
    ]);
    (start, prop::collection::vec(piece, 0..12))
        .prop_map(|(start, pieces)| [start.as_bytes(), &pieces.concat()].concat())
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = judge(&bytes);
        let _ = parse_response(&bytes, &LIMITS);
        let _ = filters::builtin::hygiene::read_host(&bytes);
    }

    #[test]
    fn what_is_read_is_what_was_sent(bytes in headlike()) {
        if let Parse::Complete { head, length } = parse_request(&bytes, &LIMITS) {
            // Written down again from its parts it differs in white space around values only.
            let mut lines = vec![format!(
                "{} {} {}",
                head.method,
                head.target.escape_ascii(),
                if head.version == Version::Http10 { "HTTP/1.0" } else { "HTTP/1.1" },
            )];
            lines.extend(head.fields.iter().map(|field| {
                format!("{}:{}", field.name.escape_ascii(), field.value.escape_ascii())
            }));
            let sent = &bytes[..length];
            let sent = sent.strip_prefix(b"\r\n").unwrap_or(sent);
            let sent = sent.strip_suffix(b"\r\n\r\n").unwrap();
            let expected: Vec<String> = sent
                .split(|&byte| byte == b'\n')
                .enumerate()
                .map(|(n, line)| {
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    prop_assert!(!line.iter().any(|byte| b"\r\0".contains(byte)));
                    if n == 0 {
                        return Ok(line.escape_ascii().to_string());
                    }
                    let colon = line.iter().position(|&byte| byte == b':').unwrap();
                    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
                    let value = &line[colon + 1..];
                    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
                    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |at| at + 1);
                    let value = &value[start..end];
                    Ok(format!("{}:{}", line[..colon].escape_ascii(), value.escape_ascii()))
                })
                .collect::<Result<_, TestCaseError>>()?;
            prop_assert_eq!(lines, expected);
        }
    }
}
