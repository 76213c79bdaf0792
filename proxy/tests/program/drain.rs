//! SIGTERM: what is in flight is answered, nothing new is taken, and the process ends in time.

use crate::client::{Connection, plain};
use crate::process::{PATIENCE, until};
use crate::site::{Site, Witness};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// An address where no database is: these tests need no keys.
const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/nothing";

#[test]
fn a_drain_answers_what_is_in_flight_and_refuses_what_is_new() {
    let witness = Witness::start();
    let site = Site::anywhere(witness.address, NOWHERE);
    let mut edge = site.serve();
    let mut idle = Connection::open(edge.address).unwrap();
    idle.send("GET", "/api/open", "", b"").unwrap();
    assert_eq!(idle.receive().unwrap().status, 200);
    let mut slow = Connection::open(edge.address).unwrap();
    slow.send("GET", "/api/slow", "", b"").unwrap();
    witness.arrived.recv_timeout(PATIENCE).unwrap();

    edge.process.signal("TERM");
    until("new connections are refused", || {
        TcpStream::connect(edge.address).is_err().then_some(())
    });
    assert!(idle.is_closed(), "a connection on which nothing is asked");
    // The private listener tells a load balancer to go elsewhere.
    let ready = edge.ready();
    assert_eq!(
        (ready.status, &ready.json()["status"]),
        (503, &"draining".into())
    );

    witness.go_on.send(()).unwrap();
    let answer = slow.receive().unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"well"[..]));
    assert!(slow.is_closed(), "a kept connection ends after its answer");
    let status = edge.process.ended(Duration::from_secs(20));
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}

#[test]
fn a_drain_ends_in_time_whatever_still_hangs_and_a_second_signal_at_once() {
    let witness = Witness::start();
    let text = |site: &Site, drain: &str| {
        let policy = std::fs::read_to_string(site.policy()).unwrap();
        std::fs::write(
            site.policy(),
            policy.replace("drain: 5s", &format!("drain: {drain}")),
        )
        .unwrap();
    };
    for (drain, signals) in [("1s", 1), ("60s", 2)] {
        let site = Site::anywhere(witness.address, NOWHERE);
        text(&site, drain);
        let mut edge = site.serve();
        let address = edge.address;
        let hanging = thread::spawn(move || plain(address, "/api/slow"));
        witness.arrived.recv_timeout(PATIENCE).unwrap();
        for _ in 0..signals {
            edge.process.signal("TERM");
            until("new connections are refused", || {
                TcpStream::connect(edge.address).is_err().then_some(())
            });
        }
        let status = edge.process.ended(Duration::from_secs(20));
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
        assert!(hanging.join().unwrap().is_err());
        witness.go_on.send(()).unwrap();
    }
}
