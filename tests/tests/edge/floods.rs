//! HTTP/2 connections that only cost (A5, A33): floods are bounded, beginnings without end are ended,
//! and others are served meanwhile.

use std::time::{Duration, Instant};
use tests::frames::{
    END_HEADERS, END_STREAM, Frame, Frames, PREFACE, block, headers, kind, request,
};
use tests::hostile::{check_served, set, set_by, word};
use tests::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A client is given so many streams at once, and no more.
#[tokio::test]
async fn streams_are_capped() {
    let (witness, stage) = set().await;
    let mut frames = Frames::connect(stage.address).await;
    let mut announced = None;
    // Our settings come first (RFC 9113, section 3.4).
    let mut raw = Frames::silent(stage.address).await;
    raw.send(PREFACE).await;
    raw.frame(&Frame::new(kind::SETTINGS, 1, 0, [])).await;
    for n in 0..150u32 {
        let head = request("GET", "edge.example", "/open/x?wait", &[]);
        frames.frame(&headers(1 + 2 * n, head, true)).await;
    }
    let mut refused = 0;
    while refused < 50 {
        let frame = within("refused streams", frames.next())
            .await
            .expect("a frame");
        match frame.kind {
            kind::RST_STREAM => {
                assert_eq!(frame.payload, 7u32.to_be_bytes(), "REFUSED_STREAM");
                refused += 1;
            }
            kind::SETTINGS => announced = Some(frame),
            kind::GOAWAY => panic!("{frame:?}"),
            _ => {}
        }
    }
    drop(announced);
    tests::eventually("a hundred requests", async || witness.begun() == 100).await;
    check_served(&stage).await;
    for _ in 0..101 {
        witness.release();
    }
    stage.stop().await;
}

/// Opening and resetting without end (CVE-2023-44487): the connection is ended, and the upstream has
/// seen a bounded number.
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let (witness, stage) = set().await;
    let mut frames = Frames::connect(stage.address).await;
    let mut sent = 0u32;
    let flood = async {
        for n in 0..20_000u32 {
            let stream = 1 + 2 * n;
            let mut bytes = headers(
                stream,
                request("GET", "edge.example", "/open/x?wait", &[]),
                true,
            )
            .to_bytes();
            bytes.extend(Frame::new(kind::RST_STREAM, 0, stream, 8u32.to_be_bytes()).to_bytes());
            if frames.try_send(&bytes).await.is_err() {
                break;
            }
            sent = n;
        }
    };
    tokio::join!(within("the flood's end", flood), check_served(&stage));
    frames.closed().await;
    assert!(witness.begun() < 2_000, "{} of {sent}", witness.begun());
    check_served(&stage).await;
    stage.stop().await;
}

/// Frames that make us reset streams (CVE-2025-8671), or that cost us work and carry nothing.
#[tokio::test]
async fn floods_of_control_frames_end_or_change_nothing() {
    let (witness, stage) = set().await;
    let window = Frame::new(kind::WINDOW_UPDATE, 0, 0, 0u32.to_be_bytes());
    let huge: Vec<u8> = block(&[("x-test", &"a".repeat(8000))]);
    type Make = Box<dyn Fn(u32) -> Vec<u8> + Send>;
    let floods: Vec<(&str, u32, Make)> = vec![
        (
            "MadeYouReset",
            5_000,
            Box::new(|n| {
                let stream = 1 + 2 * n;
                let mut bytes = headers(
                    stream,
                    request("GET", "edge.example", "/open/x?wait", &[]),
                    true,
                )
                .to_bytes();
                bytes.extend(
                    Frame::new(kind::WINDOW_UPDATE, 0, stream, 0u32.to_be_bytes()).to_bytes(),
                );
                bytes
            }),
        ),
        (
            "pings",
            20_000,
            Box::new(|_| Frame::new(kind::PING, 0, 0, [0; 8]).to_bytes()),
        ),
        (
            "settings",
            20_000,
            Box::new(|_| Frame::new(kind::SETTINGS, 0, 0, []).to_bytes()),
        ),
        (
            "empty data",
            20_000,
            Box::new(|n| match n {
                0 => headers(
                    1,
                    request("POST", "edge.example", "/open/x?wait", &[]),
                    false,
                )
                .to_bytes(),
                _ => Frame::new(kind::DATA, 0, 1, []).to_bytes(),
            }),
        ),
        (
            "window of nothing",
            5_000,
            Box::new(move |_| window.to_bytes()),
        ),
        (
            "continuations without end (CVE-2024-27316)",
            5_000,
            Box::new(move |n| match n {
                0 => Frame::new(
                    kind::HEADERS,
                    END_STREAM,
                    1,
                    request("GET", "edge.example", "/open/x", &[]),
                )
                .to_bytes(),
                _ => Frame::new(kind::CONTINUATION, 0, 1, huge.clone()).to_bytes(),
            }),
        ),
        (
            "empty continuations",
            20_000,
            Box::new(|n| match n {
                0 => Frame::new(
                    kind::HEADERS,
                    END_STREAM,
                    1,
                    request("GET", "edge.example", "/open/x", &[]),
                )
                .to_bytes(),
                _ => Frame::new(kind::CONTINUATION, 0, 1, []).to_bytes(),
            }),
        ),
    ];
    for (what, count, make) in floods {
        let mut frames = Frames::connect(stage.address).await;
        let flood = async {
            let mut sent = 0;
            for n in 0..count {
                if frames.try_send(make(n)).await.is_err() {
                    break;
                }
                sent = n;
            }
            sent
        };
        // Nobody reads what comes back: a flood that is answered without bound would stick here.
        let flood = tokio::time::timeout(Duration::from_secs(3), flood);
        let (_, ()) = tokio::join!(flood, check_served(&stage));
        check_served(&stage).await;
        assert!(witness.begun() < 2_000, "{what}: {}", witness.begun());
    }
    stage.stop().await;
}

/// Fields that unpack to more than anybody may send: an index that names one long field again and
/// again (the HPACK bomb).
#[tokio::test]
async fn a_header_list_has_a_bound_after_unpacking() {
    let (witness, stage) = set().await;
    let mut bomb = request("GET", "edge.example", "/open/x", &[]);
    // A literal with incremental indexing (RFC 7541, section 6.2.1): 3 KiB, index 62 from now on.
    let mut long = block(&[("x-bomb", &"a".repeat(3000))]);
    long[0] = 0x40;
    bomb.extend(long);
    bomb.extend([0xbe; 10_000]);
    let mut frames = Frames::connect(stage.address).await;
    let (begin, rest) = bomb.split_at(10_000);
    frames
        .frame(&Frame::new(kind::HEADERS, END_STREAM, 1, begin))
        .await;
    frames
        .frame(&Frame::new(kind::CONTINUATION, END_HEADERS, 1, rest))
        .await;
    let end = frames.end_of(1).await;
    assert_ne!(word(&end), "served", "{end:?}");
    for (fields, expected) in [(100, "too_many_headers"), (500, "too_many_headers")] {
        let mut frames = Frames::connect(stage.address).await;
        let many = vec![("x-a", "b"); fields + 1];
        let head = request("GET", "edge.example", "/open/x", &many);
        frames.frame(&headers(1, head, true)).await;
        assert_eq!(word(&frames.end_of(1).await), expected);
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

/// Connections on which no request ever comes to be end by a deadline, whatever drips in (A33).
#[tokio::test]
async fn dripped_beginnings_end() {
    let (witness, stage) = set_by(|policy| {
        policy
            .replace("head_timeout: 10s", "head_timeout: 1500ms")
            .replace("idle_timeout: 20s", "idle_timeout: 1500ms")
    })
    .await;
    let head = request("GET", "edge.example", "/open/x", &[]);
    let unfinished = Frame::new(kind::HEADERS, END_STREAM, 1, head).to_bytes();
    let settings = Frame::new(kind::SETTINGS, 0, 0, []).to_bytes();
    let cases: [(&str, Vec<u8>, Vec<u8>, bool); 6] = [
        ("half a preface", PREFACE[..10].to_vec(), Vec::new(), true),
        ("a preface alone", PREFACE.to_vec(), Vec::new(), true),
        ("a dripping preface", Vec::new(), PREFACE.to_vec(), true),
        (
            "half a head",
            [PREFACE, &settings, &unfinished].concat(),
            Vec::new(),
            true,
        ),
        (
            "empty continuations",
            [PREFACE, &settings, &unfinished].concat(),
            Frame::new(kind::CONTINUATION, 0, 1, []).to_bytes(),
            false,
        ),
        (
            "pings",
            [PREFACE, &settings].concat(),
            Frame::new(kind::PING, 0, 0, [0; 8]).to_bytes(),
            false,
        ),
    ];
    let mut running = tokio::task::JoinSet::new();
    for (what, begin, drip, piecewise) in cases {
        let address = stage.address;
        running.spawn(async move {
            let began = Instant::now();
            // Not by `Frames`, which would answer settings in the middle of a header block.
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let (mut read, mut write) = tcp.into_split();
            let _ = write.write_all(&begin).await;
            let dripping = async {
                let mut pause = tokio::time::interval(Duration::from_millis(50));
                for piece in drip
                    .chunks(if piecewise { 1 } else { drip.len().max(1) })
                    .cycle()
                {
                    pause.tick().await;
                    if write.write_all(piece).await.is_err() {
                        break;
                    }
                }
                std::future::pending::<()>().await;
            };
            let mut sink = Vec::new();
            let reading = async {
                let _ = read.read_to_end(&mut sink).await;
            };
            within(what, async {
                tokio::select! {
                    () = dripping => {}
                    () = reading => {}
                }
            })
            .await;
            let took = began.elapsed();
            // Some are ended at once, for what they are.
            assert!(took < Duration::from_secs(15), "{what}: {took:?}");
        });
    }
    check_served(&stage).await;
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    assert_eq!(witness.begun(), 1);
    stage.stop().await;
}
