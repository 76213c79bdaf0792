//! SIGQUIT: a new process takes over, no request is lost, and what was used stays used.

use crate::client::Connection;
use crate::process::{free_address, signal, until};
use crate::site::{Site, Witness};
use database::testing::LocalPostgres;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The process that takes over, ended with the test: nobody else knows it.
enum Heir {
    /// Not named yet: whatever this process has started.
    Of(u32),
    Is(u32),
}

impl Drop for Heir {
    fn drop(&mut self) {
        match self {
            Self::Is(id) => signal(*id, "KILL"),
            Self::Of(parent) => {
                let threads = std::fs::read_dir(format!("/proc/{parent}/task"));
                for thread in threads.into_iter().flatten().flatten() {
                    let children = std::fs::read_to_string(thread.path().join("children"));
                    for child in children.unwrap_or_default().split_whitespace() {
                        signal(child.parse().unwrap(), "KILL");
                    }
                }
            }
        }
    }
}

#[test]
fn a_hand_over_loses_no_request_and_forgets_no_signature() {
    let postgres = LocalPostgres::start().unwrap();
    let witness = Witness::start();
    // The heir reads the same policy and finds its listeners by their addresses: no port 0 here.
    let site = Site::new(
        free_address(),
        free_address(),
        witness.address,
        &postgres.url(),
    );
    let (_, key) = site.issue("shop");
    let mut edge = site.serve();
    edge.wait_status("ready");
    let used = key.lines("GET", "/api/v1/x", b"");
    let once = |lines: &str| {
        let mut connection = Connection::open(edge.address).unwrap();
        connection.send("GET", "/api/v1/x", lines, b"").unwrap();
        connection.receive().unwrap()
    };
    assert_eq!(once(&used).status, 200);

    let served = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let (count, end, address) = (Arc::clone(&served), Arc::clone(&stop), edge.address);
    let load = thread::spawn(move || {
        while !end.load(Ordering::Relaxed) {
            // A connection of its own for each request: every one is accepted by somebody.
            let lines = key.lines("GET", "/api/v1/x", b"");
            let answer = loop {
                let mut connection = Connection::open(address).unwrap();
                connection.send("GET", "/api/v1/x", &lines, b"").unwrap();
                let answer = connection.receive().expect("no request is lost");
                // One that was on its way when the memory went over is asked to come again.
                if answer.reason() != "replay_memory_full" {
                    break answer;
                }
            };
            assert_eq!(answer.status, 200, "{answer:?}");
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let more = || {
        let before = served.load(Ordering::Relaxed);
        until("requests", || {
            (served.load(Ordering::Relaxed) > before + 50).then_some(())
        });
    };
    more();
    let mut heir = Heir::Of(edge.process.id());
    edge.process.signal("QUIT");
    let message = edge.process.message("the new process serves; draining", 0);
    let id = u32::try_from(message["process"].as_u64().unwrap()).unwrap();
    assert_ne!(id, edge.process.id());
    // The former guard must not look for children that are guarded by name now.
    std::mem::forget(std::mem::replace(&mut heir, Heir::Is(id)));
    let status = edge.process.ended(Duration::from_secs(20));
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    more();
    stop.store(true, Ordering::Relaxed);
    load.join().unwrap();

    let again = once(&used);
    assert_eq!(
        (again.status, &*again.reason()),
        (401, "replayed_signature"),
        "{again:?}"
    );
    assert_eq!(edge.ready().json()["status"], "ready");
}

/// Tokens of the key that has few; the next one would come after three minutes.
const TOKENS: usize = 20;

/// A48: at no moment of a hand-over is a signature accepted twice or a token given twice. Every signed
/// request is sent once more as soon as it is answered, by whichever process is there; and somebody
/// draws on an all but empty bucket all the while.
#[test]
fn a_hand_over_leaves_no_window_for_replays_or_limits() {
    let postgres = LocalPostgres::start().unwrap();
    let witness = Witness::start();
    let site = Site::new(
        free_address(),
        free_address(),
        witness.address,
        &postgres.url(),
    );
    let (_, key) = site.issue("shop");
    let (_, poor) = site.issue_with("poor", &["--limit", "hourly=20/h"]);
    let mut edge = site.serve();
    edge.wait_status("ready");
    let address = edge.address;
    let once = move |lines: &str| {
        let mut connection = Connection::open(address).unwrap();
        connection.send("GET", "/api/v1/x", lines, b"").unwrap();
        let answer = connection.receive().expect("no request is lost");
        (answer.status, answer.reason())
    };
    // Who is still on its way when the memory goes over is asked to come again.
    let insisting = move |lines: &str| loop {
        let answer = once(lines);
        if answer != (503, "replay_memory_full".to_owned()) {
            return answer;
        }
    };
    let drawn = move || insisting(&poor.lines("GET", "/api/v1/x", b""));
    let mut passed = (0..TOKENS / 2).filter(|_| drawn().0 == 200).count();
    assert_eq!(passed, TOKENS / 2);

    let (served, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut loads = Vec::new();
    for _ in 0..3 {
        let (count, end, key) = (Arc::clone(&served), Arc::clone(&stop), key.clone());
        loads.push(thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let lines = key.lines("GET", "/api/v1/x", b"");
                assert_eq!(insisting(&lines), (200, String::new()));
                assert_eq!(insisting(&lines), (401, "replayed_signature".to_owned()));
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let more = || {
        let before = served.load(Ordering::Relaxed);
        until("requests", || {
            let failed = loads.iter().any(thread::JoinHandle::is_finished);
            (failed || served.load(Ordering::Relaxed) > before + 30).then_some(())
        });
    };
    more();
    let mut heir = Heir::Of(edge.process.id());
    edge.process.signal("QUIT");
    let handed = loop {
        match drawn() {
            (200, _) => passed += 1,
            refused => assert_eq!(refused, (429, "quota_exceeded".to_owned())),
        }
        let errors = edge.process.errors();
        let serving = errors
            .lines()
            .find(|line| line.contains("the new process serves"));
        if let Some(line) = serving {
            break line.to_owned();
        }
        assert!(
            edge.process.ended(Duration::ZERO).is_none(),
            "ended: {errors}"
        );
    };
    let message: serde_json::Value = serde_json::from_str(&handed).unwrap();
    let id = u32::try_from(message["process"].as_u64().unwrap()).unwrap();
    std::mem::forget(std::mem::replace(&mut heir, Heir::Is(id)));
    let status = edge.process.ended(Duration::from_secs(20));
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    more();
    stop.store(true, Ordering::Relaxed);
    for load in loads {
        load.join().unwrap();
    }
    // Whatever was left came from one bucket, and now it is empty.
    passed += (0..TOKENS).filter(|_| drawn().0 == 200).count();
    assert_eq!(passed, TOKENS);
}
