//! HTTP/2 as no library sends it (RFC 9113; A4): malformed requests never become requests.

use tests::frames::{END_STREAM, End, Frame, Frames, block, headers, kind, request};
use tests::hostile::{check_served, set, word};

#[tokio::test]
async fn malformed_requests_are_refused_and_nothing_is_forwarded() {
    let (witness, stage) = set().await;
    let usual = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "edge.example"),
        (":path", "/open/x"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&usual[..], more].concat();
    let without = |name: &str| -> Vec<(&'static str, &'static str)> {
        usual.into_iter().filter(|(n, _)| *n != name).collect()
    };
    let first = |more: &[(&'static str, &'static str)]| [more, &usual[..]].concat();
    for (what, fields) in [
        // Names and values (8.2, 8.2.1).
        ("upper-case name", with(&[("X-Test", "a")])),
        ("upper-case pseudo", first(&[(":Method", "GET")])),
        ("space in a name", with(&[("x test", "a")])),
        ("colon in a name", with(&[("x:test", "a")])),
        ("empty name", with(&[("", "a")])),
        ("CR in a value", with(&[("x-test", "a\rb")])),
        (
            "LF in a value",
            with(&[("x-test", "a\nX-Consumer-Id: root")]),
        ),
        (
            "CRLF in a value",
            with(&[("x-test", "a\r\nX-Consumer-Id: root")]),
        ),
        ("NUL in a value", with(&[("x-test", "a\0b")])),
        ("CRLF in a name", with(&[("x\r\nx-consumer-id", "root")])),
        // Fields of one connection (8.2.2).
        ("connection", with(&[("connection", "close")])),
        ("keep-alive", with(&[("keep-alive", "timeout=5")])),
        ("proxy-connection", with(&[("proxy-connection", "close")])),
        (
            "transfer-encoding",
            with(&[("transfer-encoding", "chunked")]),
        ),
        ("upgrade", with(&[("upgrade", "h2c")])),
        ("te gzip", with(&[("te", "gzip")])),
        ("te trailers, gzip", with(&[("te", "trailers, gzip")])),
        // Pseudo-fields (8.3, 8.3.1).
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("no path", without(":path")),
        ("two methods", first(&[(":method", "POST")])),
        ("two paths", first(&[(":path", "/exact")])),
        ("two authorities", first(&[(":authority", "edge.example")])),
        ("two schemes", first(&[(":scheme", "https")])),
        ("an answer's status", first(&[(":status", "200")])),
        ("an unknown one", first(&[(":consumer", "root")])),
        (
            "a late one",
            [
                &without(":path")[..],
                &[("x-test", "a"), (":path", "/open/x")],
            ]
            .concat(),
        ),
        (
            "CRLF in the path",
            [&without(":path")[..], &[(":path", "/open/x\r\nX: y")]].concat(),
        ),
        (
            "space in the path",
            [&without(":path")[..], &[(":path", "/open/x HTTP/1.1")]].concat(),
        ),
        (
            "CRLF in the method",
            [
                &[(":method", "GET / HTTP/1.1\r\nX: y")][..],
                &without(":method"),
            ]
            .concat(),
        ),
        (
            "space in the method",
            [&[(":method", "GET /exact")][..], &without(":method")].concat(),
        ),
        (
            "CRLF in the authority",
            [
                &[(":authority", "edge.example\r\nX: y")][..],
                &without(":authority"),
            ]
            .concat(),
        ),
        // Framing (8.1.1).
        ("a length without a body", with(&[("content-length", "5")])),
        ("a length that is none", with(&[("content-length", "+0")])),
        (
            "two lengths",
            with(&[("content-length", "0"), ("content-length", "5")]),
        ),
    ] {
        let mut frames = Frames::connect(stage.address).await;
        frames.frame(&headers(1, block(&fields), true)).await;
        let end = frames.end_of(1).await;
        let refused = match &end {
            End::Answer(_) => word(&end) != "served",
            End::Reset(_) | End::GoAway(_) | End::Closed => true,
        };
        assert!(refused, "{what}: {end:?}");
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

/// What passes looks like any other request, by HTTP/1.1, to the upstream.
#[tokio::test]
async fn well_formed_requests_are_served() {
    let (witness, stage) = set().await;
    for fields in [
        &[][..],
        &[("te", "trailers")],
        &[("x-test", "a\tb")],
        &[("content-length", "0")],
    ] {
        let mut frames = Frames::connect(stage.address).await;
        let head = request("GET", "edge.example", "/open/x", fields);
        frames.frame(&headers(1, head, true)).await;
        assert_eq!(word(&frames.end_of(1).await), "served", "{fields:?}");
        let seen = witness.last();
        assert_eq!(seen.version, http::Version::HTTP_11);
        assert!(seen.all("te").is_empty());
        assert!(seen.fields.iter().all(|(name, _)| !name.starts_with(':')));
    }
    // Unknown methods and CONNECT.
    for (method, expected) in [
        ("TRACE", "method_not_allowed"),
        ("BREW", "unknown_method"),
        ("get", "unknown_method"),
    ] {
        let mut frames = Frames::connect(stage.address).await;
        frames
            .frame(&headers(
                1,
                request(method, "edge.example", "/open/x", &[]),
                true,
            ))
            .await;
        assert_eq!(word(&frames.end_of(1).await), expected);
    }
    let mut frames = Frames::connect(stage.address).await;
    let connect = block(&[(":method", "CONNECT"), (":authority", "edge.example:443")]);
    frames.frame(&headers(1, connect, false)).await;
    let end = frames.end_of(1).await;
    assert_ne!(word(&end), "served", "{end:?}");
    assert_eq!(witness.begun(), 3 + 1);
    stage.stop().await;
}

/// Content-Length unlike the DATA (RFC 9113, section 8.1.1): the upstream never gets a whole request.
#[tokio::test]
async fn a_length_unlike_the_data_is_malformed() {
    let (witness, stage) = set().await;
    for (length, data) in [
        ("5", &["hell"][..]),
        ("5", &["hello!"]),
        ("5", &["hel", "lo!"]),
        ("0", &["x"]),
        ("5", &[""]),
    ] {
        let mut frames = Frames::connect(stage.address).await;
        let head = request(
            "POST",
            "edge.example",
            "/open/x",
            &[("content-length", length)],
        );
        frames.frame(&headers(1, head, false)).await;
        for (at, piece) in data.iter().enumerate() {
            let flags = if at + 1 == data.len() { END_STREAM } else { 0 };
            frames
                .frame(&Frame::new(kind::DATA, flags, 1, *piece))
                .await;
        }
        let end = frames.end_of(1).await;
        assert_ne!(word(&end), "served", "{length} {data:?}: {end:?}");
        check_served(&stage).await;
        let whole = witness
            .seen()
            .into_iter()
            .filter(|seen| seen.method == "POST")
            .count();
        assert_eq!(whole, 0, "{length} {data:?}");
    }
    stage.stop().await;
}

/// A body that was announced as empty is waited for: an upstream that hears of none would not wait.
#[tokio::test]
async fn a_body_announced_as_empty_is_none_before_the_upstream_hears_of_it() {
    let (witness, stage) = set().await;
    let head = || {
        request(
            "POST",
            "edge.example",
            "/open/x",
            &[("content-length", "0")],
        )
    };
    let mut frames = Frames::connect(stage.address).await;
    frames.frame(&headers(1, head(), false)).await;
    for n in 1..=5 {
        check_served(&stage).await;
        assert_eq!(witness.begun(), n, "only what was to check");
    }
    frames
        .frame(&Frame::new(kind::DATA, END_STREAM, 1, *b"x"))
        .await;
    assert_ne!(word(&frames.end_of(1).await), "served");
    assert_eq!(witness.begun(), 5);
    let mut frames = Frames::connect(stage.address).await;
    frames.frame(&headers(1, head(), false)).await;
    frames
        .frame(&Frame::new(kind::DATA, END_STREAM, 1, []))
        .await;
    assert_eq!(word(&frames.end_of(1).await), "served");
    assert_eq!(witness.last().only("content-length"), Some("0"));
    stage.stop().await;
}

/// Trailers are fields that no policy has judged: none of them ever reaches the upstream (A6).
#[tokio::test]
async fn trailers_are_not_passed_on() {
    let (witness, stage) = set().await;
    for trailer in [
        ("x-consumer-id", "root"),
        ("x-test", "a"),
        (":path", "/exact"),
        ("content-length", "5"),
    ] {
        let mut frames = Frames::connect(stage.address).await;
        let head = request("POST", "edge.example", "/open/x", &[]);
        frames.frame(&headers(1, head, false)).await;
        frames.frame(&Frame::new(kind::DATA, 0, 1, *b"hello")).await;
        frames.frame(&headers(1, block(&[trailer]), true)).await;
        let _ = frames.end_of(1).await;
        check_served(&stage).await;
        for seen in witness.seen() {
            assert!(
                seen.all("x-consumer-id").is_empty() && seen.all("x-test").is_empty(),
                "{seen:?}"
            );
            assert!(seen.target == "/open/x" || seen.target == "/exact" && seen.method == "GET");
        }
    }
    stage.stop().await;
}
