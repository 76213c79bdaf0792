//! Upstreams that answer what is no answer (A42): the client gets our envelope or a cut, never another
//! one's answer, and the connection is not used again.

use std::time::{Duration, Instant};
use tests::envelope::check_refusal;
use tests::hostile::get;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Raw, ask};
use tests::script::{Act, Script};
use tests::stage::{HOSTILE, Stage, with_upstream};

/// The answer of an upstream that has come to its senses.
const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// What an upstream smuggles behind its answer.
const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

async fn set(acts: Vec<Act>) -> (Script, Stage) {
    let script = Script::start(acts).await;
    let policy = with_upstream(HOSTILE, script.address)
        .replace("read_timeout: 10s", "read_timeout: 700ms")
        .replace(
            "timeout: 10s\n    body_max",
            "timeout: 1500ms\n    body_max",
        );
    let stage = Stage::start(&policy).await;
    (script, stage)
}

/// The next request on the same client's connection, and one on another, get their own answers.
async fn check_next(stage: &Stage, raw: &mut Raw, what: &str) {
    let mut other = Raw::connect(stage.address).await;
    let answer = other.ask(get("/open/next")).await;
    assert_eq!(
        (answer.status, &*answer.body),
        (200, &b"good"[..]),
        "{what}: {answer:?}"
    );
    raw.send(get("/open/next")).await;
    if let Some(answer) = raw.answer().await {
        assert_eq!(
            (answer.status, &*answer.body),
            (200, &b"good"[..]),
            "{what}: {answer:?}"
        );
    }
}

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

fn hold(text: &str) -> Act {
    Act::Hold(text.as_bytes().to_vec())
}

#[tokio::test]
async fn what_is_no_answer_is_a_502() {
    for (what, act) in [
        ("nothing", say("")),
        ("rubbish", say("rubbish\r\n\r\n")),
        ("another protocol", say("SSH-2.0-OpenSSH_9.2p1\r\n")),
        ("half a status line", say("HTTP/1.1 2")),
        ("half a head", say("HTTP/1.1 200 OK\r\nContent-Le")),
        ("no status", say("HTTP/1.1 OK\r\n\r\n")),
        ("a short status", say("HTTP/1.1 20 OK\r\n\r\n")),
        ("a long status", say("HTTP/1.1 2000 OK\r\n\r\n")),
        ("a status with a sign", say("HTTP/1.1 +200 OK\r\n\r\n")),
        (
            "status 99",
            say("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "another version",
            say("HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "101",
            hold("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
        ),
        (
            "two lengths",
            hold("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nevil!"),
        ),
        (
            "a list of lengths",
            hold("HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\nevil!"),
        ),
        (
            "a body on 204",
            hold("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil"),
        ),
        (
            "chunks on 204",
            hold("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "a signed length",
            hold("HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nevil"),
        ),
        (
            "a negative length",
            hold("HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nevil"),
        ),
        (
            "NUL in a field",
            hold("HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "a field without colon",
            hold("HTTP/1.1 200 OK\r\nrubbish\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "a name with a space",
            hold("HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "a head of a megabyte",
            hold(&format!("HTTP/1.1 200 OK\r\nX-A: {}", "a".repeat(1 << 20))),
        ),
        (
            "a thousand fields",
            hold(&format!(
                "HTTP/1.1 200 OK\r\n{}\r\n",
                "X-A: b\r\n".repeat(1000)
            )),
        ),
    ] {
        let (script, stage) = set(vec![act, say(GOOD)]).await;
        let mut raw = Raw::connect(stage.address).await;
        let answer = raw.ask(get("/open/x")).await;
        check_refusal(what, &answer, 502, "bad_upstream_answer");
        check_next(&stage, &mut raw, what).await;
        drop(raw);
        // Asked once: no answer is no reason to ask again.
        let heads = script.heads();
        let asked = heads.iter().filter(|head| head.contains("/open/x"));
        assert_eq!(asked.count(), 1, "{what}");
        stage.stop().await;
    }
}

/// Answers whose end is in doubt: what comes behind them is nobody's answer.
#[tokio::test]
async fn what_follows_an_answer_is_nobodys() {
    for (what, bytes) in [
        (
            "more than announced",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine{EVIL}"),
        ),
        (
            "more than announced, one byte",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine\n".into(),
        ),
        (
            "a body on 204",
            format!("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n{EVIL}"),
        ),
        (
            "a body on 204 without length",
            format!("HTTP/1.1 204 No Content\r\n\r\n{EVIL}"),
        ),
        (
            "a body on 304",
            format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n{EVIL}"),
        ),
        (
            "chunks on 204",
            format!("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n{EVIL}"),
        ),
        (
            "length and chunks",
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n{EVIL}"
            ),
        ),
        (
            "chunks and more",
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n{EVIL}"
            ),
        ),
        (
            "bare line feeds",
            format!("HTTP/1.1 200 OK\nContent-Length: 4\n\nfine{EVIL}"),
        ),
        (
            "equal lengths",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nfine{EVIL}"),
        ),
        (
            "a folded field",
            format!(
                "HTTP/1.1 200 OK\r\nX-A: b\r\n Content-Length: 9\r\nContent-Length: 4\r\n\r\nfine{EVIL}"
            ),
        ),
        (
            "a space before the colon",
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length : 400\r\nContent-Length: 4\r\n\r\nfine{EVIL}"
            ),
        ),
        (
            "a CR in a field",
            format!("HTTP/1.1 200 OK\r\nX-A: a\rX-Evil: b\r\nContent-Length: 4\r\n\r\nfine{EVIL}"),
        ),
    ] {
        let (_script, stage) = set(vec![Act::Hold(bytes.into_bytes()), say(GOOD)]).await;
        let mut raw = Raw::connect(stage.address).await;
        let answer = raw.ask(get("/open/x")).await;
        match answer.status {
            200 => assert_eq!(answer.body, b"fine", "{what}"),
            204 | 304 => assert!(answer.body.is_empty(), "{what}"),
            502 => check_refusal(what, &answer, 502, "bad_upstream_answer"),
            504 => check_refusal(what, &answer, 504, "upstream_timeout"),
            other => panic!("{what}: {other}"),
        }
        assert!(answer.only("x-evil").is_none(), "{what}");
        check_next(&stage, &mut raw, what).await;
        drop(raw);
        stage.stop().await;
    }
    // HEAD has no body, whatever its answer says.
    let (_script, stage) = set(vec![hold(EVIL), say(GOOD)]).await;
    let mut raw = Raw::connect(stage.address).await;
    raw.send("HEAD /open/x HTTP/1.1\r\nHost: edge.example\r\n\r\n")
        .await;
    let answer = raw.any_answer(true).await.expect("an answer");
    assert_eq!(answer.status, 200);
    check_next(&stage, &mut raw, "HEAD").await;
    stage.stop().await;
}

/// Bytes that come while nothing is asked answer nothing.
#[tokio::test]
async fn an_answer_to_no_question_is_dropped() {
    let early = Act::Early(format!("{GOOD}{EVIL}").into_bytes());
    let (_script, stage) = set(vec![early, say(GOOD)]).await;
    let mut raw = Raw::connect(stage.address).await;
    raw.send(get("/open/x")).await;
    let answer = raw.answer().await.expect("an answer");
    assert!(answer.body != b"evil", "{answer:?}");
    check_next(&stage, &mut raw, "early").await;
    stage.stop().await;
    // On a connection that waits in the pool.
    let later = Act::Later(GOOD.into(), EVIL.into());
    let (script, stage) = set(vec![later, say(GOOD)]).await;
    let mut raw = Raw::connect(stage.address).await;
    assert_eq!(raw.ask(get("/open/x")).await.body, b"good");
    script.release();
    script.released().await;
    check_next(&stage, &mut raw, "later").await;
    stage.stop().await;
}

/// A body that ends early ends the client's in the same way: never as if it were whole.
#[tokio::test]
async fn a_cut_body_is_a_cut_body() {
    for (what, bytes) in [
        (
            "by length",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        ),
        (
            "in a chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
        ),
        (
            "between chunks",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ),
        (
            "in a size",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1",
        ),
        (
            "by a bad size",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n0\r\n\r\n",
        ),
        (
            "by a bad chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!0\r\n\r\n",
        ),
    ] {
        for act in [say(bytes), hold(bytes)] {
            let (_script, stage) = set(vec![act, say(GOOD)]).await;
            let mut raw = Raw::connect(stage.address).await;
            raw.send(get("/open/x")).await;
            raw.send(get("/open/next")).await;
            let all = raw.rest().await;
            let text = String::from_utf8_lossy(&all).into_owned();
            if text.starts_with("HTTP/1.1 502") || text.starts_with("HTTP/1.1 504") {
                assert!(text.contains("\"reason\""), "{what}: {text}");
            } else {
                assert!(text.starts_with("HTTP/1.1 200"), "{what}: {text}");
                assert!(!text.ends_with("0\r\n\r\n"), "{what}: {text}");
                assert_eq!(text.matches("HTTP/1.1").count(), 1, "{what}: {text}");
            }
            let http2 = Http2::connect(stage.address).await;
            let answer = http2.ask(&Message::new("GET", "/open/next")).await;
            assert_eq!(answer.body, b"good", "{what}");
            drop((raw, http2));
            stage.stop().await;
            let (_script, stage) = set(vec![say(bytes), say(GOOD)]).await;
            let http2 = Http2::connect(stage.address).await;
            if let Ok(answer) = http2.try_ask(&Message::new("GET", "/open/x")).await {
                assert!(
                    [502, 504].contains(&answer.status),
                    "{what}: whole by HTTP/2"
                );
            }
            stage.stop().await;
        }
    }
}

/// Interim answers without end are no answer.
#[tokio::test]
async fn interim_answers_are_bounded() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    for (count, status) in [(32, 200), (33, 502)] {
        let all = format!("{}{GOOD}", interim.repeat(count));
        let (_script, stage) = set(vec![say(&all), say(GOOD)]).await;
        let mut raw = Raw::connect(stage.address).await;
        raw.send(get("/open/x")).await;
        assert_eq!(raw.answer().await.unwrap().status, status, "{count}");
        drop(raw);
        stage.stop().await;
    }
    let endless = Act::Repeat(interim.as_bytes().to_vec());
    let (_script, stage) = set(vec![endless, say(GOOD)]).await;
    let mut raw = Raw::connect(stage.address).await;
    raw.send(get("/open/x")).await;
    assert_eq!(raw.answer().await.unwrap().status, 502);
    check_next(&stage, &mut raw, "without end").await;
    drop(raw);
    stage.stop().await;
}

/// Silence, a dripping head, a body without end: all have their time.
#[tokio::test]
async fn slow_upstreams_run_out_of_time() {
    let drip = |text: &str| Act::Drip(text.as_bytes().to_vec());
    let mut running = tokio::task::JoinSet::new();
    for (what, act, reason) in [
        ("silence", hold(""), Some("upstream_timeout")),
        (
            "half a head",
            hold("HTTP/1.1 200 OK\r\nX-A: "),
            Some("upstream_timeout"),
        ),
        (
            "a dripping head",
            drip("HTTP/1.1 200 OK\r\nX-A: "),
            Some("upstream_timeout"),
        ),
        (
            "a silent body",
            hold("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
            None,
        ),
        (
            "a dripping body",
            drip("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"),
            None,
        ),
    ] {
        running.spawn(async move {
            let (_script, stage) = set(vec![act, say(GOOD)]).await;
            let began = Instant::now();
            let mut raw = Raw::connect(stage.address).await;
            raw.send(get("/open/x")).await;
            let all = raw.rest().await;
            let took = began.elapsed();
            let text = String::from_utf8_lossy(&all).into_owned();
            if let Some(reason) = reason {
                assert!(text.starts_with("HTTP/1.1 504"), "{what}: {text}");
                assert!(text.contains(reason), "{what}: {text}");
            }
            assert!(took > Duration::from_millis(600), "{what}: {took:?}");
            assert!(took < Duration::from_secs(15), "{what}: {took:?}");
            check_next(&stage, &mut raw, what).await;
            drop(raw);
            stage.stop().await;
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn slow_upstreams_run_out_of_time_by_http2() {
    let drip = |text: &str| Act::Drip(text.as_bytes().to_vec());
    let mut running = tokio::task::JoinSet::new();
    for (what, act) in [
        ("silence", hold("")),
        ("a dripping head", drip("HTTP/1.1 200 OK\r\nX-A: ")),
        (
            "a dripping body",
            drip("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"),
        ),
    ] {
        running.spawn(async move {
            let script = Script::start(vec![act]).await;
            let policy = with_upstream(HOSTILE, script.address)
                .replace(
                    "read_timeout: 10s",
                    "read_timeout: 700ms\n    total_timeout: 2s",
                )
                .replace(
                    "timeout: 10s\n    body_max",
                    "timeout: 1500ms\n    body_max",
                )
                .replace("body_timeout: 10s", "body_timeout: 1s");
            let stage = Stage::start(&policy).await;
            let http2 = Http2::connect(stage.address).await;
            let began = Instant::now();
            let answer = http2.try_ask(&Message::new("GET", "/open/x")).await;
            let took = began.elapsed();
            if let Ok(answer) = answer {
                check_refusal(what, &answer, 504, "upstream_timeout");
            }
            assert!(took > Duration::from_millis(600), "{what}: {took:?}");
            assert!(took < Duration::from_secs(15), "{what}: {took:?}");
            stage.stop().await;
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// What an upstream says of itself is its own business: it passes, but for what only we may say.
#[tokio::test]
async fn an_upstreams_own_errors_pass() {
    let body = "Traceback (most recent call last): orders.py line 7";
    let text = format!(
        "HTTP/1.1 500 Oops\r\nServer: gunicorn\r\nX-Powered-By: x\r\nX-Consumer-Id: root\r\n\
         X-RateLimit-Limit: 9\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-Own: kept\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (_script, stage) = set(vec![say(&text)]).await;
    let answer = ask(stage.address, get("/open/x")).await.expect("an answer");
    assert_eq!((answer.status, &*answer.body), (500, body.as_bytes()));
    assert_eq!(answer.only("x-own"), Some("kept"));
    for name in [
        "server",
        "x-powered-by",
        "x-consumer-id",
        "x-ratelimit-limit",
        "x-hop",
    ] {
        assert!(answer.only(name).is_none(), "{name}: {answer:?}");
    }
    assert!(answer.only("x-request-id").is_some());
    // An interim answer goes before the real one.
    let hints = format!("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{GOOD}");
    let (_script, stage2) = set(vec![say(&hints)]).await;
    let answer = ask(stage2.address, get("/open/x"))
        .await
        .expect("an answer");
    assert_eq!((answer.status, &*answer.body), (200, &b"good"[..]));
    stage.stop().await;
    stage2.stop().await;
}
