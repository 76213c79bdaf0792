//! The metrics page grows by what we do, never by what clients say (A35): unknown keys, paths, hosts,
//! methods, statuses and ids make no series of their own.

use filters::key::Environment;
use filters::testing::key_text;
use std::collections::{BTreeMap, BTreeSet};
use tests::eventually;
use tests::hostile::{get, set};
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::ask;
use tests::stage::Stage;
use tidegate::telemetry::metrics::Gauges;

/// Counts each request once, when it is over.
const COUNTER: &str = "tidegate_requests_total";

/// What one [`round`] asks.
const ROUND: u64 = 14;

/// Every series by name and labels, with its value.
fn page(stage: &Stage) -> BTreeMap<String, String> {
    let page = stage.metrics.render(&Gauges::default());
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, value)| (series.to_owned(), value.to_owned()))
        .collect()
}

/// Name and labels of every series, once so many requests were counted: an answer is on its way
/// before it is counted.
async fn series(stage: &Stage, requests: u64) -> BTreeSet<String> {
    eventually("the count", async || {
        let page = page(stage);
        let counts = page.iter().filter(|(name, _)| name.starts_with(COUNTER));
        let counted: u64 = counts
            .map(|(_, count)| count.parse::<u64>().expect("a count"))
            .sum();
        counted == requests
    })
    .await;
    page(stage).into_keys().collect()
}

async fn round(stage: &Stage, n: u32) {
    let key = key_text(Environment::Live, 1000 + n);
    let http2 = Http2::connect(stage.address).await;
    for message in [
        Message::new("GET", &format!("/open/{n}?q={n}")),
        Message::new("GET", &format!("/nowhere/{n}")),
        Message::new("GET", "/open/x?status=404").field("X-Request-Id", &format!("id-{n}")),
        Message::new("GET", &format!("/api/v1/orders/{n}")).field("X-API-Key", &key),
        Message::new(&format!("BREW{n}"), "/exact"),
        Message::new("GET", "/open/x").field("User-Agent", &format!("agent-{n}")),
    ] {
        ask(stage.address, message.to_http1(stage.address)).await;
        http2.ask(&message).await;
    }
    for request in [
        get("/exact").replace("edge.example", &format!("host-{n}.example")),
        format!("rubbish-{n}\r\n\r\n"),
    ] {
        ask(stage.address, request).await;
    }
}

#[tokio::test]
async fn what_clients_say_makes_no_series() {
    let (_witness, stage) = set().await;
    round(&stage, 1).await;
    let before = series(&stage, ROUND).await;
    assert!(!before.is_empty());
    for n in 2..12 {
        round(&stage, n).await;
    }
    let after = series(&stage, 11 * ROUND).await;
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:?}");
    for one in &after {
        for said in [
            "nowhere", "host-", "BREW", "rubbish", "agent-", "ak_live", "id-1",
        ] {
            assert!(!one.contains(said), "{said} in {one}");
        }
    }
    stage.stop().await;
}

/// What the private listener shows is nothing to clients (A36), whatever they call it.
#[tokio::test]
async fn what_is_private_is_nothing_outside() {
    let (witness, stage) = set().await;
    for path in [
        "/metrics",
        "/ready",
        "/live",
        "/reload",
        "/debug/pprof",
        "/admin",
        "/.env",
    ] {
        for method in ["GET", "POST"] {
            let request = get(path).replace("GET", method);
            let answer = ask(stage.address, request).await.unwrap();
            let refused = [(404, "no_route"), (400, "invalid_target")];
            let found = (answer.status, answer.reason());
            assert!(
                refused.contains(&(found.0, found.1.as_str())),
                "{path}: {found:?}"
            );
        }
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}
