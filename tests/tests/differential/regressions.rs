//! Differences that were found, each by its name.

use super::exchange::{Conversation, Delivery, Exchange, Onward, Script, id_text};
use super::pair::Pair;

/// A request by `method`, which the upstream answers so, and then closes or keeps the connection.
fn exchange(id: u32, head: &str, method: &str, answer: &str, closes: bool) -> Exchange {
    let target = format!("/open/{}", id_text(id));
    let answer = answer.replace('@', &format!("X-Case: {id}\r\n"));
    Exchange {
        id,
        request: head.replace('@', &target).into_bytes(),
        waits: None,
        method: method.to_owned(),
        onward: Onward::Unknown,
        script: Script {
            pieces: vec![answer.into_bytes()],
            early: false,
            closes,
            class: "regression",
            hostile: false,
        },
        class: "regression",
    }
}

fn in_turn(exchanges: Vec<Exchange>) -> Conversation {
    let pieces = exchanges
        .iter()
        .map(|exchange| vec![exchange.request.clone()])
        .collect();
    Conversation {
        exchanges,
        delivery: Delivery::InTurn,
        pieces,
    }
}

const GET: &str = "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-Request-Id: a\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_in_doubtful_words_are_502_in_both_lanes() {
    let pair = Pair::start().await;
    let many = format!(
        "HTTP/1.1 200 OK\r\n@{}Content-Length: 2\r\n\r\nok",
        "X-A: b\r\n".repeat(100)
    );
    for (id, (name, answer)) in [
        ("coding identity", "HTTP/1.1 200 OK\r\n@Transfer-Encoding: identity\r\n\r\nok"),
        ("coding chunked, chunked", "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("two codings", "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("coding gzip, chunked", "HTTP/1.1 200 OK\r\n@Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("coding in 1.0", "HTTP/1.0 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("status 600", "HTTP/1.1 600 High\r\n@Content-Length: 2\r\n\r\nok"),
        ("length on 100", "HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok"),
        ("length on 103", "HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok"),
        ("many fields", &many),
    ].into_iter().enumerate() {
        let conversation = in_turn(vec![exchange(id as u32, GET, "GET", answer, true)]);
        for side in pair.both(&conversation).await {
            assert_eq!(side.heard.answers.len(), 1, "{name}: {:?}", side.heard);
            assert_eq!(side.heard.answers[0].status, 502, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_attempt_follows_an_interim_answer() {
    let pair = Pair::start().await;
    let conversation = in_turn(vec![
        exchange(
            1,
            GET,
            "GET",
            "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok",
            false,
        ),
        exchange(2, GET, "GET", "HTTP/1.1 103 Early Hints\r\n\r\n", true),
    ]);
    for side in pair.both(&conversation).await {
        assert_eq!(side.heard.answers[1].status, 502);
        assert_eq!(side.heard.answers[1].interims, [103]);
        assert_eq!(side.seen[1].len(), 1, "asked again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_head_request_gets_no_body_behind_an_empty_line_either() {
    let pair = Pair::start().await;
    let head = "\r\nHEAD @ HTTP/1.1\r\nHost: edge.example\r\nX-Request-Id: a\r\nX A: b\r\n\r\n";
    let conversation = in_turn(vec![
        exchange(1, head, "HEAD", "", true),
        exchange(2, GET, "GET", "", true),
    ]);
    for side in pair.both(&conversation).await {
        assert_eq!(side.heard.answers[0].status, 400);
        assert_eq!(side.heard.end, super::client::End::Closed);
    }
}

/// A client that waits for 100 and is refused may go on with another request: it is not taken for the
/// body of the first, nor the body for a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_instead_of_100_closes_the_connection() {
    let pair = Pair::start().await;
    let head = "POST /nowhere HTTP/1.1\r\nHost: edge.example\r\nX-Request-Id: a\r\nExpect: 100-continue\r\n\
        Content-Length: 50\r\n\r\n";
    let conversation = in_turn(vec![
        exchange(1, head, "POST", "", true),
        exchange(
            2,
            GET,
            "GET",
            "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok",
            false,
        ),
    ]);
    for side in pair.both(&conversation).await {
        assert_eq!(side.heard.answers.len(), 1, "{:?}", side.heard);
        assert_eq!(side.heard.answers[0].status, 404);
        assert!(side.heard.answers[0].closes());
        assert!(side.seen[1].is_empty());
    }
}
