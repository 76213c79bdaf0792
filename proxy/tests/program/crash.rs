//! A crash of the whole demo in the middle of writes: what was acknowledged is there afterwards.

use crate::client::{Connection, Key};
use crate::demo::Demo;
use database::testing::LocalPostgres;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Connections that write at once.
const WRITERS: usize = 4;

/// Acknowledged writes before the crash.
const WRITES: usize = 60;

/// What was acknowledged: the id and its name.
type Written = (String, String);

#[test]
fn what_was_acknowledged_survives_a_crash_on_the_embedded_database() {
    check(None);
}

#[test]
fn what_was_acknowledged_survives_a_crash_on_postgresql() {
    let postgres = LocalPostgres::start().unwrap();
    check(Some(&postgres.url()));
}

fn check(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), database, &[]);
    let (address, key) = (demo.address, demo.key("enterprise"));
    let (tell, acknowledged) = channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (key, tell) = (key.clone(), tell.clone());
            thread::spawn(move || write(address, &key, writer, &tell))
        })
        .collect();
    drop(tell);
    let mut written: Vec<Written> = acknowledged.iter().take(WRITES).collect();
    demo.process.kill();
    // Acknowledged between the count and the crash.
    written.extend(acknowledged);
    for writer in writers {
        writer.join().unwrap();
    }
    assert!(written.len() >= WRITES, "{}", written.len());

    let demo = Demo::start(folder.path(), database, &[]);
    assert_eq!(
        demo.key("enterprise").key,
        key.key,
        "the keys survive as well"
    );
    let mut connection = Connection::open(demo.address).unwrap();
    for (id, name) in &written {
        let path = format!("/api/v1/products/{id}");
        let answer = connection.signed(&key, "GET", &path, b"").unwrap();
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(&answer.json()["data"]["name"], name);
    }
}

/// Writes until the other side is gone.
fn write(address: SocketAddr, key: &Key, writer: usize, tell: &Sender<Written>) {
    let mut connection = Connection::open(address).unwrap();
    for number in 0.. {
        let name = format!("crash-{writer}-{number}");
        let body = json!({ "sku": name, "name": name, "category": "tests", "price": "12.50" });
        let body = body.to_string();
        let Ok(answer) = connection.signed(key, "POST", "/api/v1/products", body.as_bytes()) else {
            return;
        };
        // Cut off by the crash: the edge may still say that the service is gone.
        if answer.status >= 500 {
            return;
        }
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
        if tell.send((id, name)).is_err() {
            return;
        }
    }
}
