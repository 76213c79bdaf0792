//! Clients that take their time (P9, A33): heads, bodies and answers have theirs, connections and
//! requests are counted, and others are served meanwhile.

use filters::signing::Scheme;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tests::envelope::check_refusal;
use tests::frames::{End, Frame, Frames, PREFACE, headers, kind, request};
use tests::hostile::{check_served, get, set_by, word};
use tests::raw::{Answer, Raw, ask};
use tests::signer::Draft;
use tests::stage::Stage;
use tests::{eventually, within};

/// The time that the policy of these tests gives, for each thing.
const TIME: Duration = Duration::from_millis(1500);

fn short(policy: &str) -> String {
    policy
        .replace("head_timeout: 10s", "head_timeout: 1500ms")
        .replace("idle_timeout: 20s", "idle_timeout: 1500ms")
        .replace("body_timeout: 10s", "body_timeout: 1500ms")
        .replace("write_timeout: 10s", "write_timeout: 1500ms")
        .replace("read_timeout: 10s", "read_timeout: 4s")
}

/// Something took about the time that it was given: not less, and not without end.
fn check_took(what: &str, began: Instant) {
    let took = began.elapsed();
    assert!(
        took > TIME.mul_f64(0.9),
        "{what}: ended early, after {took:?}"
    );
    assert!(took < TIME + Duration::from_secs(13), "{what}: {took:?}");
}

/// Sends a beginning, then one byte more every now and then, until an answer comes.
async fn drip(stage: &Stage, begin: &str, byte: Option<&str>) -> Option<Answer> {
    let mut raw = Raw::connect(stage.address).await;
    raw.send(begin).await;
    match byte {
        Some(byte) => raw.answer_while(byte, Duration::from_millis(50)).await,
        None => raw.answer().await,
    }
}

#[tokio::test]
async fn slow_heads_are_answered_408() {
    let (witness, stage) = set_by(|policy| short(&policy)).await;
    let cases = [
        ("half a line", "GET /open", None),
        ("a dripping line", "GET /open/", Some("x")),
        (
            "half a head",
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\n",
            None,
        ),
        (
            "a dripping field",
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\nX-A: ",
            Some("x"),
        ),
        (
            "dripping fields",
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\n",
            Some("X-A: b\r\n"),
        ),
        (
            "half a line end",
            "GET /open/x HTTP/1.1\r\nHost: edge.example\r\n\r",
            None,
        ),
    ];
    let run = |(what, begin, byte): (&'static str, &'static str, Option<&'static str>)| {
        let stage = &stage;
        async move {
            let began = Instant::now();
            let answer = drip(stage, begin, byte).await.expect("an answer");
            check_took(what, began);
            check_refusal(what, &answer, 408, "request_timeout");
            assert_eq!(answer.only("connection"), Some("close"), "{what}");
        }
    };
    futures_util::future::join_all(cases.map(run)).await;
    check_served(&stage).await;
    // Who says nothing at all is told nothing.
    let began = Instant::now();
    let mut silent = Raw::connect(stage.address).await;
    assert!(silent.is_closed().await);
    check_took("silence", began);
    assert_eq!(witness.begun(), 1);
    stage.stop().await;
}

#[tokio::test]
async fn slow_bodies_are_answered_408() {
    let (witness, stage) = set_by(|policy| short(&policy)).await;
    let key = stage.key(1, |_| {});
    let draft = Draft {
        method: "POST",
        target: "/api/v1/orders",
        body: b"hello",
        timestamp: stage.now_s(),
        nonce: "",
        scheme: Scheme::V1,
    };
    let mut signed = "POST /api/v1/orders HTTP/1.1\r\nHost: edge.example\r\n".to_owned();
    for (name, value) in key.fields(&draft) {
        let _ = write!(signed, "{name}: {value}\r\n");
    }
    let open = "POST /open/x HTTP/1.1\r\nHost: edge.example\r\n".to_owned();
    let length = "Content-Length: 500\r\n\r\nhel";
    let chunks = "Transfer-Encoding: chunked\r\n\r\n";
    let mut cases = Vec::new();
    for (head, forwarded) in [(open, true), (signed, false)] {
        for (what, rest, byte) in [
            ("a silent body", length, None),
            ("a dripping body", length, Some("x")),
            ("no chunk", chunks, None),
            (
                "half a chunk",
                "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
                None,
            ),
            ("dripping chunks", chunks, Some("1\r\nx\r\n")),
            (
                "a dripping extension",
                "Transfer-Encoding: chunked\r\n\r\n5;x=",
                Some("x"),
            ),
        ] {
            cases.push((what, format!("{head}{rest}"), byte, forwarded));
        }
    }
    let run = |(what, begin, byte, _): (&'static str, String, Option<&'static str>, bool)| {
        let stage = &stage;
        async move {
            let began = Instant::now();
            let answer = drip(stage, &begin, byte).await.expect("an answer");
            check_took(what, began);
            check_refusal(what, &answer, 408, "request_timeout");
        }
    };
    let (forwarded, kept): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.3);
    futures_util::future::join_all(kept.into_iter().map(run)).await;
    assert_eq!(
        witness.begun(),
        0,
        "of a signed body the upstream hears when it is proved"
    );
    futures_util::future::join_all(forwarded.into_iter().map(run)).await;
    assert!(witness.seen().is_empty());
    check_served(&stage).await;
    stage.stop().await;
}

#[tokio::test]
async fn slow_bodies_end_by_http2_too() {
    let (witness, stage) = set_by(|policy| short(&policy)).await;
    for (what, dripping) in [("silent", false), ("dripping", true)] {
        let began = Instant::now();
        let mut frames = Frames::connect(stage.address).await;
        let head = request("POST", "edge.example", "/open/x", &[]);
        frames.frame(&headers(1, head, false)).await;
        let mut end = None;
        if dripping {
            let piece = Frame::new(kind::DATA, 0, 1, *b"x").to_bytes();
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            for _ in 0..60 {
                pause.tick().await;
                if frames.try_send(&piece).await.is_err() {
                    end = Some(End::Closed);
                    break;
                }
            }
        }
        let end = match end {
            Some(end) => end,
            None => frames.end_of(1).await,
        };
        check_took(what, began);
        let word = word(&end);
        assert!(
            ["request_timeout", "reset", "ended"].contains(&word.as_str()),
            "{what}: {word}"
        );
    }
    assert!(witness.seen().is_empty());
    stage.stop().await;
}

/// A client that never reads is ended, by either version, and holds up nobody.
#[tokio::test]
async fn clients_that_never_read_are_ended() {
    let (witness, stage) = set_by(|policy| short(&policy)).await;
    let long = get("/open/x?bytes=16000000");
    let mut raw = Raw::connect(stage.address).await;
    raw.send(&long).await;
    eventually("the request", async || witness.begun() == 1).await;
    check_served(&stage).await;
    eventually("the end of who does not read", async || {
        stage.edge.connections() == 0
    })
    .await;
    let rest = raw.rest().await;
    assert!(rest.len() < 16_000_000, "{}", rest.len());

    let mut frames = Frames::connect(stage.address).await;
    let head = request("GET", "edge.example", "/open/x?bytes=16000000", &[]);
    frames.frame(&headers(1, head, true)).await;
    eventually("the request", async || witness.begun() == 3).await;
    check_served(&stage).await;
    eventually("the end of who opens no window", async || {
        stage.edge.connections() == 0
    })
    .await;
    stage.stop().await;
}

/// Requests without end, and no answer read: bounded by what fits the socket.
#[tokio::test]
async fn pipelining_without_reading_is_bounded() {
    let (witness, stage) = set_by(|policy| short(&policy)).await;
    let mut raw = Raw::connect(stage.address).await;
    let many = get("/open/x?bytes=1000000").repeat(500);
    raw.send(&many).await;
    check_served(&stage).await;
    eventually("the connection's end", async || {
        stage.edge.connections() == 0
    })
    .await;
    assert!(witness.begun() < 50, "{}", witness.begun());
    stage.stop().await;
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let (_witness, stage) = set_by(|policy| short(&policy)).await;
    // From before the answer on: the edge's time may begin long before this thread goes on.
    let began = Instant::now();
    let mut raw = Raw::connect(stage.address).await;
    assert_eq!(raw.ask(get("/exact")).await.status, 200);
    assert!(raw.is_closed().await);
    check_took("HTTP/1.1", began);
    let began = Instant::now();
    let mut frames = Frames::connect(stage.address).await;
    let head = request("GET", "edge.example", "/exact", &[]);
    frames.frame(&headers(1, head, true)).await;
    assert_eq!(word(&frames.end_of(1).await), "served");
    frames.closed().await;
    check_took("HTTP/2", began);
    stage.stop().await;
}

/// So many connections of one address, HTTP/2 or not; one more is told so, and a seat that is free
/// again is given again.
#[tokio::test]
async fn connections_of_one_address_are_counted() {
    let (witness, stage) =
        set_by(|policy| policy.replace("per_address: 256", "per_address: 4")).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect(stage.address).await;
        assert_eq!(raw.ask(get("/exact")).await.status, 200);
        held.push(raw);
    }
    let mut frames = Frames::connect(stage.address).await;
    let head = request("GET", "edge.example", "/exact", &[]);
    frames.frame(&headers(1, head, true)).await;
    assert_eq!(word(&frames.end_of(1).await), "served");
    for _ in 0..3 {
        let mut raw = Raw::connect(stage.address).await;
        raw.send(get("/exact")).await;
        let answer = raw.answer().await.expect("an answer");
        check_refusal("one too many", &answer, 429, "too_many_connections");
        assert!(answer.only("retry-after").is_some());
        assert!(raw.is_closed().await);
    }
    // Another address has seats of its own.
    let mut other = Raw::connect_from([127, 0, 0, 2], stage.address).await;
    assert_eq!(other.ask(get("/exact")).await.status, 200);
    assert_eq!(witness.begun(), 5);
    held.pop();
    eventually("a free seat", async || stage.edge.connections() == 4).await;
    let answer = ask(stage.address, get("/exact")).await.expect("an answer");
    assert_eq!(answer.status, 200);
    drop((held, other, frames));
    stage.stop().await;
}

/// A connection ends after its share of requests, in order.
#[tokio::test]
async fn requests_of_one_connection_are_counted() {
    let (witness, stage) = set_by(|policy| {
        policy.replace(
            "per_address: 256",
            "per_address: 256\n  requests_per_connection: 3",
        )
    })
    .await;
    let mut raw = Raw::connect(stage.address).await;
    raw.send(get("/exact").repeat(5)).await;
    for last in [false, false, true] {
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.only("connection") == Some("close"),
            last,
            "{answer:?}"
        );
    }
    assert!(raw.is_closed().await);
    assert_eq!(witness.begun(), 3);
    let mut frames = Frames::connect(stage.address).await;
    let mut stream = 1;
    // Requests that are under way when it is told to leave are served (RFC 9113, section 6.8).
    let goodbye = within("a farewell", async {
        loop {
            let head = request("GET", "edge.example", "/exact", &[]);
            if frames
                .try_send(headers(stream, head, true).to_bytes())
                .await
                .is_err()
            {
                return;
            }
            match frames.end_of(stream).await {
                End::Answer(_) => stream += 2,
                _ => return,
            }
        }
    });
    goodbye.await;
    assert!((5..60).contains(&stream), "{stream}");
    stage.stop().await;
}

/// Connections that say half a preface count as connections, and end as such.
#[tokio::test]
async fn many_slow_connections_hold_up_nobody() {
    let (_witness, stage) = set_by(|policy| short(&policy)).await;
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut raw = Raw::connect(stage.address).await;
        raw.send(if n % 2 == 0 {
            &PREFACE[..9]
        } else {
            b"GET /exact HT"
        })
        .await;
        slow.push(raw);
    }
    check_served(&stage).await;
    eventually("their end", async || stage.edge.connections() == 0).await;
    check_served(&stage).await;
    drop(slow);
    stage.stop().await;
}
