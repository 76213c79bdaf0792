//! PostgreSQL stopped under load: known keys go on, the edge says so, and recovers by itself.

use crate::client::Connection;
use crate::process::until;
use crate::site::{Site, Witness};
use database::testing::LocalPostgres;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Requests that must have gone through during each part of the test.
const REQUESTS: u64 = 200;

#[test]
fn an_outage_of_postgresql_stops_nobody_whose_key_is_known() {
    let mut postgres = LocalPostgres::start().unwrap();
    let witness = Witness::start();
    let site = Site::anywhere(witness.address, &postgres.url());
    let (_, key) = site.issue("shop");
    let edge = site.serve();
    edge.wait_status("ready");

    let served = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..2)
        .map(|_| {
            let (served, stop) = (Arc::clone(&served), Arc::clone(&stop));
            let (address, key) = (edge.address, key.clone());
            thread::spawn(move || {
                let mut connection = Connection::open(address).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    let answer = connection.signed(&key, "GET", "/api/v1/x", b"").unwrap();
                    assert_eq!(answer.status, 200, "{answer:?}");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let more = |what: &str| {
        let before = served.load(Ordering::Relaxed);
        until(what, || {
            (served.load(Ordering::Relaxed) >= before + REQUESTS).then_some(())
        });
    };

    more("requests before the outage");
    postgres.stop().unwrap();
    edge.wait_status("degraded");
    assert_eq!(edge.ready().status, 200, "degraded is still in service");
    more("requests during the outage");
    postgres.restart().unwrap();
    edge.wait_status("ready");
    more("requests after the outage");
    stop.store(true, Ordering::Relaxed);
    for thread in load {
        thread.join().unwrap();
    }
    // It follows the database again: a key that is made now works.
    let (_, later) = site.issue("later");
    until("the new key", || {
        let answer = Connection::open(edge.address)
            .and_then(|mut c| c.signed(&later, "GET", "/api/v1/x", b""));
        (answer.unwrap().status == 200).then_some(())
    });
    edge.process.end("TERM", Duration::from_secs(20));
}

#[test]
fn an_edge_that_starts_in_an_outage_says_so_and_catches_up() {
    let mut postgres = LocalPostgres::start().unwrap();
    let witness = Witness::start();
    let site = Site::anywhere(witness.address, &postgres.url());
    let (_, key) = site.issue("shop");
    postgres.stop().unwrap();
    // It waits ten seconds for the records before it serves without them.
    let edge = site.serve();
    let ready = edge.ready();
    assert_eq!(
        (ready.status, &ready.json()["status"]),
        (503, &"starting".into())
    );
    let mut connection = Connection::open(edge.address).unwrap();
    let answer = connection.signed(&key, "GET", "/api/v1/x", b"").unwrap();
    assert_eq!(
        (answer.status, &*answer.reason()),
        (503, "keys_not_ready"),
        "{answer:?}"
    );
    assert!(
        answer.head.to_ascii_lowercase().contains("retry-after:"),
        "{answer:?}"
    );
    postgres.restart().unwrap();
    edge.wait_status("ready");
    let answer = connection.signed(&key, "GET", "/api/v1/x", b"").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}
