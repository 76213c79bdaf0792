//! Paths are judged byte for byte as they are sent on (contract, section 1; P5, A10, A11): no
//! spelling reaches a route whose policy it did not pass.

use tests::envelope::check_refusal;
use tests::frames::{End, Frames, headers, request};
use tests::hostile::set;
use tests::raw::Raw;

/// Targets of which no decoder behind us may ever hear.
const REFUSED: [&str; 59] = [
    // Empty and dot segments.
    "//open/x",
    "/open//x",
    "/open/x//",
    "//",
    "/open/./x",
    "/open/.",
    "/open/..",
    "/open/../exact",
    "/open/x/../../exact",
    "/./exact",
    "/../exact",
    "/open/../api/v1/orders",
    // The same, escaped, once and twice.
    "/open/%2e%2e/exact",
    "/open/%2E%2E/exact",
    "/open/.%2e/exact",
    "/open/%2e./exact",
    "/open/%2e/x",
    "/open/%252e%252e/exact",
    "/open/%25%32%65/x",
    // Escaped separators.
    "/open%2fx",
    "/open/%2F..%2Fapi/v1/orders",
    "/open/%5c..%5cx",
    "/open\\x",
    "/open/..\\x",
    "/open/..%5cexact",
    "/api%2fv1%2forders",
    // Parameters of segments.
    "/open/..;/exact",
    "/open/;/x",
    "/open/x;y=z",
    "/exact;",
    "/open/%3b/x",
    "/open/..;/..;/api/v1/orders",
    // Controls and NUL.
    "/open/%00",
    "/exact%00",
    "/exact%00.css",
    "/open/%0a",
    "/open/%0d%0aX-Consumer-Id:%20root",
    "/open/%1f",
    "/open/%7f",
    // Escapes that are none.
    "/open/%",
    "/open/%2",
    "/open/%zz",
    "/open/%u002e",
    "/open/%u002fx",
    // Escapes of what needs none: another spelling of the same path.
    "/%65xact",
    "/e%78act",
    "/%6Fpen/x",
    "/open/%41",
    "/api/v1/%6frders",
    "/open/%7e",
    // Overlong and broken UTF-8.
    "/open/%c0%ae%c0%ae/exact",
    "/open/%c0%af",
    "/open/%e0%80%af",
    "/open/%ff",
    "/open/%c3",
    // Bytes that are no path's.
    "/open/<x>",
    "/open/\"x\"",
    "/open/[x]",
    "/open/`x`",
];

/// Targets that are well formed, and no route's: none of them may reach the upstream.
const UNROUTED: [&str; 26] = [
    "/",
    "/Exact",
    "/EXACT",
    "/exact/",
    "/exact/x",
    "/exactx",
    "/exac",
    "/exact.",
    "/exact.css",
    "/exact,x",
    "/exact%20",
    "/exact%C2%A0",
    "/open",
    "/opens/x",
    "/Open/x",
    "/open-x",
    "/open:x",
    "/api/v1/orders/",
    "/api/v1/orders/1/",
    "/api/v1/orders/1/2",
    "/api/v1/Orders",
    "/API/v1/orders",
    "/api/V1/orders",
    "/api/v2/orders",
    "/api/v1",
    "/v1/orders",
];

#[tokio::test]
async fn no_second_spelling_of_a_path_is_served() {
    let (witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    for target in REFUSED {
        for query in ["", "?a=b"] {
            let request = format!("GET {target}{query} HTTP/1.1\r\nHost: edge.example\r\n\r\n");
            raw.send(request).await;
            let answer = match raw.answer().await {
                Some(answer) => answer,
                None => panic!("no answer: {target}"),
            };
            check_refusal(target, &answer, 400, "invalid_target");
            if answer.only("connection") == Some("close") {
                raw = Raw::connect(stage.address).await;
            }
        }
    }
    // Raw bytes that a text cannot hold.
    for target in [
        &b"/open/\xff"[..],
        b"/open/\xc3\xa9",
        b"/open/\x80",
        b"/open/\x00",
        b"/open/\x01x",
        b"/open/\x7f",
        b"/open/\tx",
    ] {
        let mut bytes = b"GET ".to_vec();
        bytes.extend_from_slice(target);
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: edge.example\r\n\r\n");
        let answer = tests::raw::ask(stage.address, bytes)
            .await
            .expect("an answer");
        let what = String::from_utf8_lossy(target);
        let reason = answer.reason();
        assert!(
            ["invalid_target", "malformed_request_line"].contains(&reason.as_str()),
            "{what} {reason}"
        );
        check_refusal(&what, &answer, 400, &reason);
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

#[tokio::test]
async fn a_path_that_is_almost_a_route_is_none() {
    let (witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    for target in UNROUTED {
        let request = format!("GET {target} HTTP/1.1\r\nHost: edge.example\r\n\r\n");
        raw.send(request).await;
        let answer = raw.answer().await.expect("an answer");
        check_refusal(target, &answer, 404, "no_route");
    }
    assert_eq!(witness.begun(), 0);
    // An open route next to a guarded one lends it nothing.
    for target in [
        "/api/v1/orders",
        "/api/v1/orders?/open/x",
        "/api/v1/orders/open",
        "/api/v1/orders/1",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: edge.example\r\n\r\n");
        raw.send(request).await;
        let answer = raw.answer().await.expect("an answer");
        check_refusal(target, &answer, 401, "missing_credentials");
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

#[tokio::test]
async fn what_passes_arrives_byte_for_byte() {
    let (witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    for target in [
        "/exact",
        "/exact?",
        "/exact?a=b&a=c",
        "/exact?x=/open/../y//z",
        "/exact?%2e%2E%2f&a[]=b{c}|d",
        "/exact?a=%20+b;c",
        "/open/x",
        "/open/x/",
        "/open/a/b/c.d-e_f~g",
        "/open/%20",
        "/open/%C3%A9",
        "/open/%c3%a9",
        "/open/...",
        "/open/..x",
        "/open/x..",
        "/open/!$&'()*+,=:@",
    ] {
        raw.send(format!(
            "GET {target} HTTP/1.1\r\nHost: edge.example\r\n\r\n"
        ))
        .await;
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(answer.status, 200, "{target} {answer:?}");
        assert_eq!(witness.last().target, target);
    }
    stage.stop().await;
}

#[tokio::test]
async fn queries_hide_nothing_either() {
    let (witness, stage) = set().await;
    for query in ["%", "a=%zz", "a=%00", "a=b#c", "a=<b>", "a=\u{e9}", "%2"] {
        let request = format!("GET /exact?{query} HTTP/1.1\r\nHost: edge.example\r\n\r\n");
        let answer = tests::raw::ask(stage.address, request)
            .await
            .expect("an answer");
        check_refusal(query, &answer, 400, "invalid_target");
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

/// The same by HTTP/2: refused in our form, or by the library, never served.
#[tokio::test]
async fn http2_paths_are_judged_alike() {
    let (witness, stage) = set().await;
    let mut stream = 1;
    let mut frames = Frames::connect(stage.address).await;
    let (mut told, mut reset) = (0, 0);
    let more = [
        "",
        "*",
        "open/x",
        "http://edge.example/open/x",
        "/open/ x",
        "/open/\u{e9}",
    ];
    for (target, reason) in REFUSED
        .iter()
        .chain(&more)
        .map(|target| (*target, "invalid_target"))
        .chain(UNROUTED.map(|target| (target, "no_route")))
    {
        if stream > 40 {
            // Malformed streams are counted: a connection has a budget for them.
            frames = Frames::connect(stage.address).await;
            stream = 1;
        }
        let head = request("GET", "edge.example", target, &[]);
        frames.frame(&headers(stream, head, true)).await;
        match frames.end_of(stream).await {
            End::Answer(body) if body.is_empty() => reset += 1,
            End::Answer(body) => {
                let body: serde_json::Value = serde_json::from_slice(&body).expect("an envelope");
                assert_eq!(body["error"]["details"]["reason"], reason, "{target}");
                told += 1;
            }
            End::Reset(_) => reset += 1,
            end => panic!("{target}: {end:?}"),
        }
        stream += 2;
    }
    assert_eq!(witness.begun(), 0);
    // The library takes a fragment away before anybody sees it: what is left is judged, and sent on.
    let mut frames = Frames::connect(stage.address).await;
    frames
        .frame(&headers(
            1,
            request("GET", "edge.example", "/open/x#/../y", &[]),
            true,
        ))
        .await;
    assert!(matches!(frames.end_of(1).await, End::Answer(_)));
    assert_eq!(witness.last().target, "/open/x");
    assert!(told > 70, "most are told why: {told}, and {reset} not");
    stage.stop().await;
}
