//! The metrics page grows by what we do, never by what clients say (A35): unknown keys, paths, hosts,
//! methods, statuses and ids make no series of their own.

use filters::key::Environment;
use filters::testing::key_text;
use std::collections::BTreeSet;
use tests::hostile::{get, set};
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::ask;
use tests::stage::Stage;
use tidegate::telemetry::metrics::Gauges;

/// Name and labels of every series.
fn series(stage: &Stage) -> BTreeSet<String> {
    let page = stage.metrics.render(&Gauges::default());
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series.to_owned())
        .collect()
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
    let before = series(&stage);
    assert!(!before.is_empty());
    for n in 2..12 {
        round(&stage, n).await;
    }
    let after = series(&stage);
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
