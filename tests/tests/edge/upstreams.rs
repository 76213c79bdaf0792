//! Upstreams that are away, many, or speak HTTP/2 (issue 2, line 7): told in time, found again by
//! themselves, and no request is sent twice that may not be.

use std::time::{Duration, Instant};
use tests::envelope::check_refusal;
use tests::eventually;
use tests::hostile::get;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Answer, Raw, ask};
use tests::script::{Act, Script};
use tests::stage::{HOSTILE, Stage, with_upstream};
use tests::within;
use tests::witness::Witness;

/// The answer of an upstream that has come to its senses.
const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// Only what may be repeated is repeated (RFC 9110, section 9.2.2): POST never, however it failed.
#[tokio::test]
async fn only_idempotent_requests_are_sent_again() {
    for (method, heads, status) in [
        ("GET", 2, 200),
        ("PUT", 2, 200),
        ("DELETE", 2, 200),
        ("POST", 1, 502),
    ] {
        for act in [say(""), say("rubbish\r\n\r\n"), say("HTTP/1.1 200")] {
            let script = Script::start(vec![act, say(GOOD)]).await;
            let policy = with_upstream(HOSTILE, script.address).replace("retries: 0", "retries: 1");
            let stage = Stage::start(&policy).await;
            let length = if method == "GET" {
                ""
            } else {
                "Content-Length: 5\r\n"
            };
            let body = if method == "GET" { "" } else { "hello" };
            let request =
                format!("{method} /open/x HTTP/1.1\r\nHost: edge.example\r\n{length}\r\n{body}");
            let answer = ask(stage.address, request).await.expect("an answer");
            // An answer that is malformed need not be asked for again.
            let sent = script.heads().len();
            if sent == heads {
                assert_eq!(answer.status, status, "{method} {answer:?}");
            } else {
                assert_eq!((sent, answer.status), (1, 502), "{method}");
            }
            stage.stop().await;
        }
    }
}

/// An upstream that is away: told within the time for a connection, and found again by itself.
#[tokio::test]
async fn a_stopped_upstream_is_a_503_and_comes_back() {
    let witness = Witness::start().await;
    let address = witness.address;
    let stage = Stage::start(&with_upstream(HOSTILE, address)).await;
    let mut raw = Raw::connect(stage.address).await;
    assert_eq!(raw.ask(get("/open/x")).await.status, 200);
    witness.stop();
    eventually("the upstream's end", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    for method in ["GET", "POST"] {
        let began = Instant::now();
        let request = format!("{method} /open/x HTTP/1.1\r\nHost: edge.example\r\n\r\n");
        let answer = ask(stage.address, request).await.expect("an answer");
        check_refusal(method, &answer, 503, "no_upstream");
        assert!(answer.only("retry-after").is_some());
        assert!(began.elapsed() < Duration::from_secs(8));
        let http2 = Http2::connect(stage.address).await;
        let answer = http2.ask(&Message::new(method, "/open/x")).await;
        check_refusal(method, &answer, 503, "no_upstream");
    }
    let back = Witness::start_at(address).await;
    let answer = ask(stage.address, get("/open/x")).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(back.begun(), 1);
    stage.stop().await;
}

/// A server that takes no connection, and refuses none.
#[tokio::test]
async fn a_connection_that_never_comes_has_its_time() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Fills the queue that nobody empties.
    let mut waiting = Vec::new();
    loop {
        let connect = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(300), connect).await {
            Ok(tcp) => waiting.push(tcp.unwrap()),
            Err(_) => break,
        }
        assert!(waiting.len() < 64, "the queue has no end");
    }
    let policy =
        with_upstream(HOSTILE, address).replace("connect_timeout: 1s", "connect_timeout: 300ms");
    let stage = Stage::start(&policy).await;
    let began = Instant::now();
    let answer = ask(stage.address, get("/open/x")).await.expect("an answer");
    check_refusal("a full queue", &answer, 503, "no_upstream");
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(250) && took < Duration::from_secs(12),
        "{took:?}"
    );
    stage.stop().await;
}

async fn two(change: &str) -> (Witness, Witness, Stage) {
    let (first, second) = (Witness::start().await, Witness::start().await);
    let servers = format!(
        "[\"{}\", \"{}\"]\n    {change}",
        first.address, second.address
    );
    let policy = HOSTILE.replace("[\"{upstream}\"]", &servers);
    let stage = Stage::start(&policy).await;
    (first, second, stage)
}

#[tokio::test]
async fn servers_take_turns() {
    let (first, second, stage) = two("balance: round_robin").await;
    let mut raw = Raw::connect(stage.address).await;
    for _ in 0..10 {
        assert_eq!(raw.ask(get("/open/x")).await.status, 200);
    }
    assert_eq!((first.begun(), second.begun()), (5, 5));
    stage.stop().await;
}

#[tokio::test]
async fn the_least_busy_server_is_asked() {
    let (first, second, stage) = two("balance: least_requests").await;
    let mut busy = Raw::connect(stage.address).await;
    busy.send(get("/open/x?wait")).await;
    eventually("the first request", async || {
        first.begun() + second.begun() == 1
    })
    .await;
    let (idle, held) = if first.begun() == 1 {
        (&second, &first)
    } else {
        (&first, &second)
    };
    let mut raw = Raw::connect(stage.address).await;
    for _ in 0..6 {
        assert_eq!(raw.ask(get("/open/x")).await.status, 200);
    }
    assert_eq!((idle.begun(), held.begun()), (6, 1));
    held.release();
    assert_eq!(busy.answer().await.expect("an answer").status, 200);
    stage.stop().await;
}

/// One of two is down: nobody notices, whatever the method, and it is asked again when it is back.
#[tokio::test]
async fn a_server_that_is_down_is_passed_over() {
    let (first, second, stage) = two("balance: round_robin").await;
    let address = first.address;
    stage.reload(
        &HOSTILE
            .replace(
                "[\"{upstream}\"]",
                &format!("[\"{address}\", \"{}\"]", second.address),
            )
            .replace("retries: 0", "retries: 1"),
    );
    first.stop();
    eventually("the server's end", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    let mut raw = Raw::connect(stage.address).await;
    for _ in 0..6 {
        for method in ["GET", "POST"] {
            let request = format!("{method} /open/x HTTP/1.1\r\nHost: edge.example\r\n\r\n");
            assert_eq!(raw.ask(request).await.status, 200);
        }
    }
    assert_eq!(second.begun(), 12);
    let back = Witness::start_at(address).await;
    stage.fakes.clock.advance_s(3);
    for _ in 0..6 {
        assert_eq!(raw.ask(get("/open/x")).await.status, 200);
    }
    assert_eq!(back.begun(), 3);
    stage.stop().await;
}

#[tokio::test]
async fn an_upstream_may_speak_http2() {
    let witness = Witness::start().await;
    let policy = with_upstream(HOSTILE, witness.address).replace(
        "host: orders.internal",
        "host: orders.internal\n    protocol: h2c",
    );
    let stage = Stage::start(&policy).await;
    let body = tests::pattern(200_000);
    let message = Message::new("POST", "/open/x?bytes=150000").body(body.clone());
    let mut raw = Raw::connect(stage.address).await;
    let by1 = raw.ask(message.to_http1(stage.address)).await;
    let by2 = Http2::connect(stage.address).await.ask(&message).await;
    for answer in [by1, by2] {
        let answer: Answer = answer;
        assert_eq!((answer.status, answer.body.len()), (200, 150_000));
        let seen = witness.last();
        assert_eq!(
            (seen.version, seen.length),
            (http::Version::HTTP_2, body.len())
        );
        assert!(seen.all("transfer-encoding").is_empty() && seen.all("connection").is_empty());
    }
    // One that speaks no HTTP/2 after all.
    let script = Script::start(vec![say("HTTP/1.1 400 Bad Request\r\n\r\n")]).await;
    stage.reload(&with_upstream(HOSTILE, script.address).replace(
        "host: orders.internal",
        "host: orders.internal\n    protocol: h2c",
    ));
    let answer = within("a refusal", raw.ask(get("/open/x"))).await;
    assert!([502, 503].contains(&answer.status), "{answer:?}");
    check_refusal("no HTTP/2", &answer, answer.status, &answer.reason());
    stage.stop().await;
}
