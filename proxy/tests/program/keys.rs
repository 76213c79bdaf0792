//! `tidegate keys` beside a running edge: what is made works, and what is revoked stops, in a second.

use crate::client::{Answer, Key, signed};
use crate::process::within;
use crate::site::{Edge, Site, Witness, issued};
use database::testing::LocalPostgres;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A change reaches every edge within this time.
const PUSH_TIME: Duration = Duration::from_secs(1);

/// What comes within this time was pushed all the same: the poll would find it after half a minute.
const PATIENCE: Duration = Duration::from_secs(15);

fn ask(address: SocketAddr, key: &Key) -> Answer {
    signed(address, key, "/api/v1/x").unwrap()
}

/// How long each change took. All come, and on a machine that does other things too, most come in time.
#[derive(Default)]
struct Waits(Vec<Duration>);

impl Waits {
    fn wait(&mut self, edge: &Edge, key: &Key, status: u16, what: &str) -> Answer {
        let begun = Instant::now();
        let answer = within(what, PATIENCE, || {
            let answer = ask(edge.address, key);
            (answer.status == status).then_some(answer)
        });
        self.0.push(begun.elapsed());
        answer
    }

    fn check(&self) {
        let late = self.0.iter().filter(|&&took| took > PUSH_TIME).count();
        assert!(2 * late < self.0.len(), "{:?}", self.0);
    }
}

#[test]
fn keys_come_and_go_while_the_edge_serves() {
    let postgres = LocalPostgres::start().unwrap();
    let witness = Witness::start();
    let site = Site::anywhere(witness.address, &postgres.url());
    let edge = site.serve();
    edge.wait_status("ready");
    let mut waits = Waits::default();

    let (id, first) = site.issue("shop");
    waits.wait(&edge, &first, 200, "a new key works");

    // Both work during the overlap.
    let rotated = site.keys(&["rotate", &id, "--overlap", "1h"]);
    let (same, second) = issued(&rotated);
    assert_eq!(same, id);
    assert_ne!(second.key, first.key);
    waits.wait(&edge, &second, 200, "the rotated key works");
    assert_eq!(ask(edge.address, &first).status, 200);

    // The former ends at once.
    let (_, third) = issued(&site.keys(&["rotate", &id, "--overlap", "0s"]));
    waits.wait(&edge, &third, 200, "the regenerated key works");
    waits.wait(&edge, &second, 401, "the former key is refused");

    let (other, kept) = site.issue("kept");
    waits.wait(&edge, &kept, 200, "another key works");
    site.keys(&["revoke", &id]);
    let refused = waits.wait(&edge, &third, 401, "the revoked key is refused");
    assert_eq!(refused.reason(), "revoked_key", "{refused:?}");
    assert_eq!(ask(edge.address, &kept).status, 200);

    waits.check();

    // Nothing but their makers' answers ever shows a secret.
    for words in [
        &["list"][..],
        &["list", "--consumer", "acme"],
        &["show", &other],
    ] {
        let shown = site.keys(words) + &site.keys_for_people(words);
        assert_eq!(shown.matches(&other).count(), 2, "{shown}");
        for key in [&first, &second, &third, &kept] {
            assert!(
                !shown.contains(&key.key) && !shown.contains(&key.secret),
                "{shown}"
            );
        }
    }
    edge.process.end("TERM", PATIENCE);
}
