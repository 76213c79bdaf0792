//! Bodies of every length and framing, both ways, arrive byte for byte, or are refused whole.

use super::partner::House;
use filters::signing::Scheme;
use sha2::{Digest, Sha256};
use tests::http2::Http2;
use tests::message::{Framing, Message};
use tests::pattern;
use tests::raw::{Answer, Raw};
use tests::signer::Draft;

const MIB: usize = 1024 * 1024;

/// Both sides of 64 KiB, where buffers end, and the most that is allowed.
const LENGTHS: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, MIB];

/// What a length may be framed in. The sizes of chunks divide nothing.
const FRAMINGS: [Framing; 3] = [
    Framing::Length,
    Framing::Chunks(8191),
    Framing::Chunks(65_536),
];

const HTTP1: (&str, &str) = ("protocol: http1", "protocol: http1");
const H2C: (&str, &str) = ("protocol: http1", "protocol: h2c");

/// How a request is let through.
#[derive(Clone, Copy, Debug)]
enum Pass {
    Signed(Scheme),
    Open,
}

const PASSES: [Pass; 3] = [
    Pass::Signed(Scheme::V1),
    Pass::Signed(Scheme::BodyTimestamp),
    Pass::Open,
];

/// A POST of its own: no other number makes the same signature.
fn post(house: &House, pass: Pass, number: usize, body: &[u8], framing: Framing) -> Message {
    let message = match pass {
        Pass::Open => Message::new("POST", &format!("/open/{number}")).body(body),
        Pass::Signed(scheme) => {
            let target = format!("/api/v1/bodies/{number}?length={}", body.len());
            let draft = Draft {
                body,
                scheme,
                ..house.draft("POST", &target, "")
            };
            Message::signed(&house.signer, &draft)
        }
    };
    message.framed(framing)
}

/// A client of either kind, on one connection.
enum Client {
    One(Box<Raw>),
    Two(Http2),
}

impl Client {
    async fn both(house: &House) -> [Self; 2] {
        [
            Self::One(Box::new(Raw::connect(house.stage.address).await)),
            Self::Two(Http2::connect(house.stage.addresses[1]).await),
        ]
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::One(_) => "HTTP/1.1",
            Self::Two(_) => "HTTP/2",
        }
    }

    async fn ask(&mut self, house: &House, message: &Message) -> Answer {
        match self {
            Self::One(raw) if message.method == "HEAD" => {
                raw.send(house.wire(message)).await;
                let answer = raw.any_answer(true).await;
                answer.unwrap_or_else(|| panic!("no answer to {message:?}"))
            }
            Self::One(raw) => {
                raw.send(house.wire(message)).await;
                let answer = raw.answer().await;
                answer
                    .unwrap_or_else(|| panic!("no answer to {} {}", message.method, message.target))
            }
            Self::Two(http2) => http2.ask(message).await,
        }
    }
}

async fn check_requests(upstream: (&str, &str)) {
    let house = House::start_as(&[upstream]).await;
    let mut number = 0;
    for client in &mut Client::both(&house).await {
        for (pass, length) in PASSES.iter().flat_map(|&p| LENGTHS.map(|l| (p, l))) {
            let body = pattern(length);
            for framing in FRAMINGS {
                number += 1;
                let message = post(&house, pass, number, &body, framing);
                let answer = client.ask(&house, &message).await;
                let case = format!("{} {pass:?} {length} {framing:?}", client.name());
                assert_eq!(answer.status, 200, "{case}: {answer:?}");
                let seen = house.witness.last();
                assert_eq!(seen.target, message.target, "{case}");
                assert_eq!(seen.length, length, "{case}");
                assert_eq!(seen.sha256, *Sha256::digest(&body), "{case}");
                let lengths = seen.all("content-length");
                assert!(lengths.len() <= 1, "{case}: {lengths:?}");
                assert!(
                    lengths.is_empty() || lengths[0] == length.to_string(),
                    "{case}"
                );
            }
        }
    }
    assert_eq!(house.witness.begun(), number);
    assert_eq!(house.stage.edge.collected_bytes(), 0);
    house.stage.stop().await;
}

#[tokio::test]
async fn every_body_arrives_byte_for_byte_by_http1() {
    check_requests(HTTP1).await;
}

#[tokio::test]
async fn every_body_arrives_byte_for_byte_by_http2() {
    check_requests(H2C).await;
}

#[tokio::test]
async fn a_body_in_pieces_of_one_byte_arrives_whole() {
    let house = House::start().await;
    let mut number = 0;
    for client in &mut Client::both(&house).await {
        // Many small frames are a flood (RFC 9113, section 10.5), and end an HTTP/2 connection.
        let length = if matches!(client, Client::One(_)) {
            20_000
        } else {
            90
        };
        let body = pattern(length);
        for pass in PASSES {
            number += 1;
            let message = post(&house, pass, number, &body, Framing::Chunks(1));
            let answer = client.ask(&house, &message).await;
            assert_eq!(answer.status, 200, "{} {pass:?}: {answer:?}", client.name());
            assert_eq!(house.witness.last().sha256, *Sha256::digest(&body));
        }
    }
    house.stage.stop().await;
}

async fn check_too_long(upstream: (&str, &str)) {
    let house = House::start_as(&[upstream]).await;
    let body = pattern(MIB + 1);
    let mut number = 0;
    for pass in PASSES {
        for framing in [
            Framing::Length,
            Framing::Chunks(8191),
            Framing::Chunks(MIB + 1),
        ] {
            for client in &mut Client::both(&house).await {
                number += 1;
                let (begun, seen) = (house.witness.begun(), house.witness.seen().len());
                let message = post(&house, pass, number, &body, framing);
                let answer = client.ask(&house, &message).await;
                let case = format!("{} {pass:?} {framing:?}", client.name());
                assert_eq!(answer.status, 413, "{case}: {answer:?}");
                assert_eq!(answer.reason(), "body_too_large", "{case}");
                assert_eq!(house.witness.seen().len(), seen, "{case}: it arrived whole");
                if matches!(pass, Pass::Signed(_)) || framing == Framing::Length {
                    assert_eq!(house.witness.begun(), begun, "{case}: it was begun");
                }
                let next = post(&house, Pass::Open, 0, b"next", Framing::Length);
                match client {
                    Client::One(raw) => {
                        raw.send(house.wire(&next)).await;
                        if let Some(answer) = raw.answer().await {
                            assert_eq!(answer.status, 200, "{case}: {answer:?}");
                        }
                    }
                    Client::Two(http2) => assert_eq!(http2.ask(&next).await.status, 200, "{case}"),
                }
            }
        }
    }
    assert_eq!(house.stage.edge.collected_bytes(), 0);
    house.stage.stop().await;
}

#[tokio::test]
async fn one_byte_too_many_is_refused_before_http1() {
    check_too_long(HTTP1).await;
}

#[tokio::test]
async fn one_byte_too_many_is_refused_before_http2() {
    check_too_long(H2C).await;
}

/// A route's `body_max` is a bound by itself: no filter of its chain has to be there for it.
#[tokio::test]
async fn a_routes_limit_holds_whatever_its_chain() {
    const LIMIT: usize = 10 * 1024;
    let house = House::start_as(&[
        ("    body_max: 1MiB\n", "    body_max: 10KiB\n"),
        ("api_version, body_limit]", "api_version]"),
        ("    - body_limit\n", ""),
    ])
    .await;
    let mut number = 0;
    for client in &mut Client::both(&house).await {
        for pass in PASSES {
            for framing in [Framing::Length, Framing::Chunks(1000)] {
                for (length, status) in [(LIMIT, 200), (LIMIT + 1, 413)] {
                    number += 1;
                    let (begun, seen) = (house.witness.begun(), house.witness.seen().len());
                    let message = post(&house, pass, number, &pattern(length), framing);
                    let answer = client.ask(&house, &message).await;
                    let case = format!("{} {pass:?} {framing:?} {length}", client.name());
                    assert_eq!(answer.status, status, "{case}: {answer:?}");
                    let whole = usize::from(status == 200);
                    assert_eq!(house.witness.seen().len(), seen + whole, "{case}");
                    if status == 413 {
                        assert_eq!(answer.reason(), "body_too_large", "{case}");
                        let limit = &answer.json()["error"]["details"]["limit"];
                        assert_eq!(*limit, LIMIT, "{case}");
                        if matches!(pass, Pass::Signed(_)) || framing == Framing::Length {
                            assert_eq!(house.witness.begun(), begun, "{case}: it was begun");
                        }
                    }
                    if let Client::One(raw) = client {
                        **raw = Raw::connect(house.stage.address).await;
                    }
                }
            }
        }
    }
    assert_eq!(house.stage.edge.collected_bytes(), 0);
    house.stage.stop().await;
}

#[tokio::test]
async fn a_body_far_too_long_never_hangs_the_client() {
    let house = House::start().await;
    let body = pattern(8 * MIB);
    for (number, framing) in [Framing::Length, Framing::Chunks(60_001)]
        .into_iter()
        .enumerate()
    {
        for pass in PASSES {
            let mut raw = Raw::connect(house.stage.address).await;
            let message = post(&house, pass, number, &body, framing);
            raw.send(house.wire(&message)).await;
            // Whoever sends on without reading may miss the answer, but never waits in vain.
            if let Some(answer) = raw.answer().await {
                assert_eq!(answer.status, 413, "{pass:?} {framing:?}");
            }
            raw.rest().await;
        }
    }
    assert_eq!(house.stage.edge.collected_bytes(), 0);
    house.stage.stop().await;
}

#[tokio::test]
async fn who_asks_first_is_told_before_the_body_is_sent() {
    let house = House::start().await;
    for (number, pass) in PASSES.into_iter().enumerate() {
        for (length, expected) in [(MIB, 100), (MIB + 1, 413)] {
            let body = pattern(length);
            let message = post(
                &house,
                pass,
                2 * number + length % 2,
                &body,
                Framing::Length,
            )
            .field("Expect", "100-continue");
            let wire = house.wire(&message);
            let (head, body) = wire.split_at(wire.len() - length);
            let mut raw = Raw::connect(house.stage.address).await;
            raw.send(head).await;
            let answer = raw.any_answer(false).await.expect("an answer");
            assert_eq!(answer.status, expected, "{pass:?} {length}: {answer:?}");
            if expected == 100 {
                assert_eq!(raw.ask(body).await.status, 200, "{pass:?} {length}");
            } else {
                assert!(raw.is_closed().await, "{pass:?} {length}");
            }
        }
    }
    house.stage.stop().await;
}

/// Hardening, A2: a refused request's body is never read as the next request.
#[tokio::test]
async fn an_unread_body_is_no_request() {
    let house = House::start().await;
    let inner = house.wire(&Message::new("GET", "/open/smuggled"));
    for padding in [0, 1000, 65_536, 200_000] {
        for framing in [Framing::Length, Framing::Chunks(70_001)] {
            let mut body = vec![b'x'; padding];
            body.extend_from_slice(&inner);
            let refused = Message::new("POST", "/api/v1/orders")
                .body(body)
                .framed(framing);
            let mut raw = Raw::connect(house.stage.address).await;
            let answer = raw.ask(house.wire(&refused)).await;
            assert_eq!(
                answer.reason(),
                "missing_credentials",
                "{padding} {framing:?}"
            );
            raw.send(house.wire(&Message::new("GET", "/open/next")))
                .await;
            if let Some(answer) = raw.answer().await {
                assert_eq!(answer.status, 200, "{padding} {framing:?}");
            }
        }
    }
    let targets: Vec<String> = house
        .witness
        .seen()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert!(
        !targets.is_empty(),
        "short bodies are dropped, and the connection is kept"
    );
    assert!(
        targets.iter().all(|target| target == "/open/next"),
        "{targets:?}"
    );
    house.stage.stop().await;
}

async fn check_answers(upstream: (&str, &str)) {
    let house = House::start_as(&[upstream]).await;
    for client in &mut Client::both(&house).await {
        for length in LENGTHS {
            for pieces in ["", "&pieces=8191"] {
                let target = format!("/open/a?bytes={length}{pieces}");
                let case = format!("{} {target}", client.name());
                let answer = client.ask(&house, &Message::new("GET", &target)).await;
                assert_eq!(answer.status, 200, "{case}");
                assert!(
                    answer.body == pattern(length),
                    "{case}: {} bytes",
                    answer.body.len()
                );
                let head = client.ask(&house, &Message::new("HEAD", &target)).await;
                assert_eq!((head.status, head.body.len()), (200, 0), "{case}");
                let announced = head.only("content-length").map(str::to_owned);
                assert!(
                    announced.is_none_or(|n| n == length.to_string()),
                    "{case}: {head:?}"
                );
            }
        }
        for (status, bytes) in [(204, 0), (304, 10), (404, 10), (500, 10)] {
            let target = format!("/open/a?status={status}&bytes={bytes}");
            let case = format!("{} {target}", client.name());
            let answer = client.ask(&house, &Message::new("GET", &target)).await;
            let length = if status < 400 { 0 } else { 10 };
            assert_eq!(
                (answer.status, answer.body.len()),
                (status, length),
                "{case}"
            );
            let head = client.ask(&house, &Message::new("HEAD", &target)).await;
            assert_eq!((head.status, head.body.len()), (status, 0), "{case}");
        }
        let answer = client
            .ask(&house, &Message::new("GET", "/open/a?bytes=3"))
            .await;
        assert_eq!(answer.body, pattern(3), "{}", client.name());
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn every_answer_comes_back_whole_by_http1() {
    check_answers(HTTP1).await;
}

#[tokio::test]
async fn every_answer_comes_back_whole_by_http2() {
    check_answers(H2C).await;
}
