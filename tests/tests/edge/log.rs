//! The access log (A34, A35): one line of JSON for every request, refused ones too, whatever is in it;
//! and no secret in any.

use filters::signing::Scheme;
use serde_json::Value;
use tests::hostile::{get, set, set_by};
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Raw, ask};
use tests::script::{Act, Script};
use tests::signer::{Draft, Signer};
use tests::stage::{HOSTILE, Stage, with_upstream};

/// The one line of a stage that has had one request.
async fn only_line(stage: &Stage) -> Value {
    let lines = stage.log(1).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

#[tokio::test]
async fn every_request_has_one_line_refused_or_not() {
    let short = |policy: String| {
        policy
            .replace("head_timeout: 10s", "head_timeout: 300ms")
            .replace("body_timeout: 10s", "body_timeout: 300ms")
    };
    for (request, status, reason, method) in [
        (get("/open/x"), 200, None, "GET"),
        (get("/nowhere"), 404, Some("no_route"), "GET"),
        (
            get("/api/v1/orders"),
            401,
            Some("missing_credentials"),
            "GET",
        ),
        (get("/open/../x"), 400, Some("invalid_target"), "GET"),
        (get("/denied"), 403, Some("address_not_allowed"), "GET"),
        (
            "GET /open/x HTTP/1.1\r\n\r\n".to_owned(),
            400,
            Some("missing_host"),
            "GET",
        ),
        (
            "rubbish\r\n\r\n".to_owned(),
            400,
            Some("malformed_request_line"),
            "rubbish",
        ),
        (
            get("/open/x").replace("GET", "TRACE"),
            405,
            Some("method_not_allowed"),
            "TRACE",
        ),
        (
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned(),
            405,
            Some("method_not_allowed"),
            "CONNECT",
        ),
        (
            "GET /open/x HT".to_owned(),
            408,
            Some("request_timeout"),
            "",
        ),
        (
            "POST /open/x HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 5\r\n\r\nx".to_owned(),
            408,
            Some("request_timeout"),
            "POST",
        ),
    ] {
        // Only those that are to be late have little time.
        let (_witness, stage) =
            set_by(|policy| if status == 408 { short(policy) } else { policy }).await;
        let answer = ask(stage.address, &request).await.expect("an answer");
        assert_eq!(answer.status, status, "{request:?}");
        let line = only_line(&stage).await;
        assert_eq!(line["status"], status, "{request:?} {line}");
        assert_eq!(line["reason"].as_str(), reason, "{request:?} {line}");
        assert_eq!(line["method"], method, "{request:?} {line}");
        assert_eq!(
            line["requestId"].as_str(),
            answer.only("x-request-id"),
            "{line}"
        );
        assert_eq!(line["client"], "127.0.0.1");
        assert!(
            line["time"]
                .as_str()
                .is_some_and(|time| time.starts_with("2026-01-01T")),
            "{line}"
        );
        stage.stop().await;
    }
    // Upstreams that fail, by either version.
    for (act, status, reason) in [
        (
            Act::Say(b"rubbish\r\n\r\n".to_vec()),
            502,
            "bad_upstream_answer",
        ),
        (Act::Hold(Vec::new()), 504, "upstream_timeout"),
        (
            Act::Drip(b"HTTP/1.1 200 OK\r\nX-A: ".to_vec()),
            504,
            "upstream_timeout",
        ),
    ] {
        let script = Script::start(vec![act]).await;
        let policy = with_upstream(HOSTILE, script.address)
            .replace("read_timeout: 10s", "read_timeout: 500ms")
            .replace("timeout: 10s\n    body_max", "timeout: 1s\n    body_max");
        let stage = Stage::start(&policy).await;
        let answer = ask(stage.address, get("/open/x")).await.expect("an answer");
        assert_eq!((answer.status, answer.reason().as_str()), (status, reason));
        let line = only_line(&stage).await;
        assert_eq!(
            (&line["status"], &line["reason"]),
            (&status.into(), &reason.into()),
            "{line}"
        );
        assert_eq!(
            (&line["method"], &line["path"]),
            (&"GET".into(), &"/open/x".into()),
            "{line}"
        );
        assert_eq!(
            line["requestId"].as_str(),
            answer.only("x-request-id"),
            "{line}"
        );
        stage.stop().await;
    }
    // A cut answer says so.
    let cut = Act::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello".to_vec());
    let script = Script::start(vec![cut]).await;
    let stage = Stage::start(&with_upstream(HOSTILE, script.address)).await;
    let mut raw = Raw::connect(stage.address).await;
    raw.send(get("/open/x")).await;
    let _ = raw.rest().await;
    let line = only_line(&stage).await;
    assert_eq!(
        (&line["status"], &line["cut"]),
        (&200.into(), &true.into()),
        "{line}"
    );
    drop(raw);
    stage.stop().await;
}

/// Many requests on many connections and streams: as many lines.
#[tokio::test]
async fn as_many_lines_as_requests() {
    let (_witness, stage) = set().await;
    let mut raw = Raw::connect(stage.address).await;
    let http2 = Http2::connect(stage.address).await;
    for n in 0..20 {
        let target = ["/exact", "/nowhere", "/api/v1/orders", "/denied"][n % 4];
        raw.ask(get(target)).await;
        http2.ask(&Message::new("GET", target)).await;
    }
    let lines = stage.log(40).await;
    assert_eq!(lines.len(), 40);
    let mut ids: Vec<_> = lines
        .iter()
        .map(|line| line["requestId"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    stage.stop().await;
}

/// Whatever a client says stays inside its line.
#[tokio::test]
async fn nothing_a_client_says_makes_a_line() {
    let (_witness, stage) = set().await;
    let forged = "\\\"}\\n{\\\"status\\\":200}";
    let mut sent = 0;
    for (target, agent, id) in [
        ("/open/x", "a\"},{\"status\":1", "good-id"),
        ("/open/x", "\\u000a\\n{}", "x\"y"),
        ("/open/x", "tab\tand \u{e9}\u{2028}", "\u{e9}"),
        ("/open/%22%7D", forged, "a b"),
        ("/nowhere/\"}", "x", "{}"),
        ("/nowhere/\u{1b}[31m", "x", "y"),
        ("/nowhere?a=\"}&b=\u{7f}", "x", "y"),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: edge.example\r\nUser-Agent: {agent}\r\nX-Request-Id: {id}\r\n\r\n"
        );
        let answer = ask(stage.address, request).await.expect("an answer");
        sent += 1;
        let lines = stage.log(sent).await;
        assert_eq!(lines.len(), sent, "{target} {agent}");
        let line = lines.last().expect("a line");
        assert_eq!(line["status"], answer.status, "{line}");
        assert_eq!(line["requestId"].as_str(), answer.only("x-request-id"));
    }
    // Raw controls, by which a reader's terminal or a second line could be made.
    for bytes in [
        &b"GET /open/\n{\"status\":200} HTTP/1.1\r\nHost: edge.example\r\n\r\n"[..],
        b"GET /\xff\xfe\x00\x1b HTTP/1.1\r\nHost: edge.example\r\n\r\n",
        b"{\"status\":200}\r\n\r\n",
        b"GET /open/x HTTP/1.1\r\nHost: edge.example\r\nUser-Agent: a\x01b\r\n\r\n",
    ] {
        ask(stage.address, bytes).await.expect("an answer");
        sent += 1;
        assert_eq!(stage.log(sent).await.len(), sent);
    }
    for line in stage.fakes.lines.all() {
        assert!(line.iter().all(|byte| !byte.is_ascii_control()), "{line:?}");
        assert!(std::str::from_utf8(&line).is_ok(), "{line:?}");
        assert!(line.len() < 8 * 1024);
    }
    stage.stop().await;
}

/// No key, secret, signature, token or cookie stands in any line, whichever way it was sent.
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let (_witness, stage) = set().await;
    let known = stage.key(1, |_| {});
    let stranger = Signer::new(
        filters::testing::key_text(filters::key::Environment::Live, 9),
        "sk_9canary",
    );
    let bearer = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJlY2FuYXJ5";
    let secret = format!("sk_{}", "Canary7".repeat(7).split_at(43).0);
    let draft = |target| Draft {
        method: "GET",
        target,
        body: b"",
        timestamp: stage.now_s(),
        nonce: "canary-nonce",
        scheme: Scheme::V1,
    };
    let mut needles = vec![
        known.key.clone(),
        stranger.key.clone(),
        bearer.to_owned(),
        secret.clone(),
        "canary-nonce".to_owned(),
        "cookiecanary".to_owned(),
    ];
    let good = Message::signed(&known, &draft("/api/v1/orders"));
    let bad = Message::signed(&stranger, &draft("/api/v1/orders"));
    for message in [&good, &bad] {
        let signature = message.value("X-API-Signature");
        needles.push(signature.trim_start_matches("v1=").to_owned());
    }
    let key = &known.key;
    let messages = [
        good.clone(),
        good.clone(),
        bad,
        good.clone().with("X-API-Key", "ak_live_broken"),
        good.field("Authorization", &format!("Bearer {bearer}")),
        Message::new("GET", "/api/v1/orders").field("Authorization", &format!("Bearer {bearer}")),
        Message::new("GET", "/open/x").field("Cookie", "session=cookiecanary"),
        Message::new("GET", &format!("/open/{key}")),
        Message::new("GET", &format!("/open/{secret}/x")),
        Message::new("GET", &format!("/open/x?api_key={key}&token={bearer}")),
        Message::new("GET", "/open/x").field("User-Agent", &format!("curl {key}")),
        Message::new("GET", "/open/x").field("Referer", &format!("http://x/?k={key}")),
        Message::new("GET", &format!("/open/../{key}")),
        Message::new("GET", &format!("/nowhere/{bearer}")),
    ];
    let http2 = Http2::connect(stage.address).await;
    let mut sent = 0;
    for message in &messages {
        ask(stage.address, message.to_http1(stage.address))
            .await
            .expect("an answer");
        http2.ask(message).await;
        sent += 2;
    }
    // Refused by the gate, with the key in the very bytes that are wrong.
    for request in [
        format!("GET /{key}\\ HTTP/1.1\r\nHost: edge.example\r\n\r\n"),
        format!("{key} / HTTP/1.1\r\n\r\n"),
        format!("GET /open/x HTTP/1.1\r\nHost: {key}\r\n\r\n"),
        format!("GET /open/x HTTP/1.1\r\nX-API-Key : {key}\r\n\r\n"),
        format!("GET /open/x?k={key} HTTP/3.0\r\n\r\n"),
    ] {
        ask(stage.address, request).await.expect("an answer");
        sent += 1;
    }
    let lines = stage.log(sent).await;
    assert_eq!(lines.len(), sent);
    for line in &lines {
        let text = line.to_string();
        for needle in &needles {
            assert!(!text.contains(needle), "{needle} in {text}");
        }
    }
    assert!(
        lines
            .iter()
            .any(|line| line["keyId"] == "key_00000000000000000000000000000002"),
        "the key's id is there"
    );
    stage.stop().await;
}
