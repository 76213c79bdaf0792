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
            let answer =
                Connection::open(address).and_then(|mut c| c.signed(&key, "GET", "/api/v1/x", b""));
            let answer = answer.expect("no request is lost");
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
    let status = edge.process.ended(Duration::from_secs(10));
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
