//! A system from its start to its end, with real sockets, a handed-in clock and fixed keys.

use super::*;
use crate::admin::Readiness;
use crate::reload::{PolicySource, Unloaded};
use filters::replay::{Admit, Print};
use filters::signing::Scheme;
use filters::testing::{FixedKeys, Lines, ManualClock, START_S};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A policy with one open route and one for callers with a key.
fn policy(upstream: SocketAddr, path: &str) -> String {
    format!(
        r#"
listeners: [{{ address: "127.0.0.1:0", hosts: [localhost] }}]
admin: {{ address: "127.0.0.1:0" }}
tiers: {{ free: {{ hourly: 100/h }} }}
upstreams: {{ api: {{ servers: ["{upstream}"] }} }}
chains:
  open: [access_log]
  partners: [access_log, api_key, {{ signature: {{ schemes: [v1] }} }}, rate_limit]
unrouted: open
routes:
  - {{ name: open, path: {path}, methods: [GET], chain: open, upstream: api, public: true }}
  - {{ name: orders, path: /orders, methods: [GET], chain: partners, upstream: api }}
"#
    )
}

struct Stage {
    system: System,
    keys: Arc<FixedKeys>,
    lines: Arc<Lines>,
    upstream: SocketAddr,
}

/// An upstream that answers every request with 204.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                while let Ok(1..) = stream.read(&mut head).await {
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                }
            });
        }
    });
    address
}

fn options(text: String) -> (SystemOptions, Arc<ManualClock>, Arc<FixedKeys>, Arc<Lines>) {
    let (clock, keys, lines) = (
        Arc::new(ManualClock::new()),
        Arc::new(FixedKeys::default()),
        Arc::new(Lines::default()),
    );
    let source = PolicySource::Text {
        name: "test.yaml".to_owned(),
        text,
    };
    let options = SystemOptions {
        clock: Arc::<ManualClock>::clone(&clock),
        keys: KeySource::Fixed(Arc::<FixedKeys>::clone(&keys)),
        log: Some(Arc::<Lines>::clone(&lines)),
        threads: 1,
        ..SystemOptions::new(source)
    };
    (options, clock, keys, lines)
}

async fn stage() -> Stage {
    let upstream = upstream().await;
    let (options, _, keys, lines) = options(policy(upstream, "/open"));
    let system = System::start(options).await.unwrap();
    Stage {
        system,
        keys,
        lines,
        upstream,
    }
}

async fn ask(address: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

async fn status(address: SocketAddr, line: &str) -> u16 {
    let text = ask(address, line).await;
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_serves_tells_of_itself_and_ends() {
    let stage = stage().await;
    let (edge, admin) = (stage.system.addresses()[0], stage.system.admin().unwrap());
    assert_eq!(status(edge, "GET /open").await, 204);
    assert_eq!(status(edge, "GET /orders").await, 401);
    assert_eq!(status(edge, "GET /nowhere").await, 404);
    assert_eq!(stage.system.readiness(), Readiness::Ready);
    let ready = ask(admin, "GET /ready").await;
    assert!(ready.contains(r#""status":"ready""#), "{ready}");
    let metrics = ask(admin, "GET /metrics").await;
    for line in [
        r#"tidegate_requests_total{route="open",status="204"} 1"#,
        r#"tidegate_requests_total{route="orders",status="401"} 1"#,
        r#"tidegate_refusals_total{reason="no_route",route="none"} 1"#,
        "tidegate_ready 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    stage.system.stop(None).await;
    assert_eq!(stage.lines.all().len(), 3);
    assert!(TcpStream::connect(edge).await.is_err());
    assert!(TcpStream::connect(admin).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_takes_over_at_once_or_not_at_all() {
    let stage = stage().await;
    let edge = stage.system.addresses()[0];
    let notes = stage
        .system
        .replace(&policy(stage.upstream, "/fresh"))
        .unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(status(edge, "GET /open").await, 404);
    assert_eq!(status(edge, "GET /fresh").await, 204);
    let broken = policy(stage.upstream, "/fresh").replace("chain: open", "chain: nothing");
    assert!(matches!(
        stage.system.replace(&broken),
        Err(Unloaded::Refused(_))
    ));
    assert_eq!(status(edge, "GET /fresh").await, 204);
    let moved = policy(stage.upstream, "/fresh").replace("admin:", "drain: 1s\nadmin:");
    let notes = stage.system.replace(&moved).unwrap();
    assert_eq!(notes, ["`drain` has changed: it is read at the next start"]);
    // The text that was put in last is the one that is read again.
    assert!(stage.system.reload().unwrap().contains("drain"));
    let metrics = stage.system.metrics();
    assert!(
        metrics.contains(r#"tidegate_reloads_total{result="refused"} 1"#),
        "{metrics}"
    );
    stage.system.stop(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let upstream = upstream().await;
    let print = Print::new(1, Scheme::V1, &[1; 32], "GET", b"/orders");
    for expected in [Admit::First, Admit::Replayed, Admit::Replayed] {
        let (mut options, clock, ..) = options(policy(upstream, "/open"));
        options.state = Some(file.clone());
        let system = System::start(options).await.unwrap();
        let admitted = system.env().replays.admit(1, print, START_S, START_S);
        assert_eq!(admitted, expected);
        assert_eq!(clock_s(&system), START_S);
        clock.advance_s(1);
        assert_eq!(clock_s(&system), START_S + 1);
        system.stop(None).await;
        assert!(file.exists());
    }
}

fn clock_s(system: &System) -> u64 {
    system.env().clock.now().unix_s()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_it_from_starting_is_one_sentence() {
    let upstream = upstream().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let good = policy(upstream, "/open");
    let listener = good.replacen("127.0.0.1:0", &taken, 1);
    let admin = good.replace(
        r#"admin: { address: "127.0.0.1:0" }"#,
        &format!("admin: {{ address: \"{taken}\" }}"),
    );
    let keys = format!(
        "{good}\nkeys: {{ database: env:TIDEGATE_TEST_UNSET, master_keys: [env:TIDEGATE_TEST_UNSET] }}\n"
    );
    for (text, source, part) in [
        (listener, None, "cannot listen on"),
        (admin, None, "(admin)"),
        (
            keys,
            Some(KeySource::Policy),
            "TIDEGATE_TEST_UNSET is not set",
        ),
        (String::new(), None, "test.yaml"),
    ] {
        let (mut options, ..) = options(text);
        if let Some(source) = source {
            options.keys = source;
        }
        let error = match System::start(options).await {
            Ok(_) => panic!("started: {part}"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(part), "{part}: {error}");
    }
    let missing = SystemOptions::new(PolicySource::File("/nowhere/tidegate.yaml".into()));
    let error = System::start(missing)
        .await
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the policy file /nowhere/tidegate.yaml cannot be read"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_not_loaded_fail_closed() {
    let stage = stage().await;
    stage.keys.set_ready(false);
    let key = filters::testing::key_text(filters::key::Environment::Live, 1);
    let edge = stage.system.addresses()[0];
    let line = format!(
        "GET /orders HTTP/1.1\r\nX-API-Key: {key}\r\nX-Timestamp: {START_S}\r\nX-API-Signature: v1={}\r\nX-Ignored:",
        "0".repeat(64)
    );
    assert_eq!(status(edge, &line).await, 503);
    assert_eq!(status(edge, "GET /open").await, 204);
    stage.system.stop(None).await;
}
