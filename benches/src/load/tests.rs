//! The load against an origin of its own, and against those who hold answers back or give wrong ones.

use super::*;
use crate::origin::Origin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn load(address: SocketAddr, pace: Pace) -> Load {
    Load {
        address,
        connections: 4,
        transport: Transport::Kept,
        pace,
        warm_up: Duration::from_millis(20),
        window: Duration::from_millis(50),
    }
}

fn plain() -> Requests {
    let recipe = Recipe::get("/a", Credentials::None);
    Requests::prepare(&[recipe], &Supplies::bare(0))
}

#[tokio::test]
async fn answers_are_counted_once_each_and_samples_taken_at_both_ends() {
    for pace in [Pace::Saturate, Pace::Fixed { per_second: 2000 }] {
        let origin = Origin::bind().await.unwrap();
        let load = load(origin.address().unwrap(), pace);
        let serving = tokio::spawn(origin.serve());
        let mut samples = 0;
        let measured = run(&load, plain(), || {
            samples += 1;
            Ok(samples)
        })
        .await
        .unwrap();
        serving.abort();
        assert!(measured.tally.answers() > 0 && measured.tally.answered > 0);
        assert_eq!(measured.tally.wrong, 0, "{:?}", measured.tally.first_wrong);
        assert!(measured.elapsed >= load.window);
        assert_eq!(measured.samples, [1, 2]);
    }
}

/// A proxy that holds every answer back until it is told: what was due meanwhile has waited.
#[tokio::test]
async fn at_a_fixed_pace_those_who_wait_for_a_connection_are_counted_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let load = load(
        listener.local_addr().unwrap(),
        Pace::Fixed { per_second: 10_000 },
    );
    let serving = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let measured = run(&load, plain(), || Ok(())).await.unwrap();
    serving.abort();
    // Four connections, and nobody answered: a closed loop would tell of nothing.
    let waited = measured.tally.answers();
    assert!(waited > load.connections as u64, "{waited}");
    let tally = &measured.tally;
    assert_eq!((tally.answered, tally.unanswered), (0, waited));
    assert!(measured.tally.latency_us.min() >= 1_000_000);
}

#[tokio::test]
async fn wrong_answers_are_counted_and_too_many_end_the_measurement() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut load = load(listener.local_addr().unwrap(), Pace::Saturate);
    load.window = Duration::from_secs(30);
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let answer = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno";
            let _ = stream.write_all(answer).await;
        }
    });
    let error = run(&load, plain(), || Ok(())).await.unwrap_err();
    serving.abort();
    let told = format!("{error:#}");
    assert!(told.contains("more than 1000 wrong answers"), "{told}");
    assert!(told.contains("HTTP/1.1 401 No"), "{told}");
}
