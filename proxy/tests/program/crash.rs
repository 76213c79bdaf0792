//! A crash of the whole demo in the middle of writes: what was acknowledged is there afterwards.

use crate::client::{Connection, Key};
use crate::demo::Demo;
use database::testing::LocalPostgres;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Connections that write at once.
const WRITERS: usize = 4;

/// Acknowledged writes before the crash.
const WRITES: usize = 60;

const ORDERS: &str = "/api/v1/orders";
const PRODUCTS: &str = "/api/v1/products";

/// What was acknowledged: where it is, and which field says what.
struct Written {
    path: String,
    field: &'static str,
    text: String,
}

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
    for Written { path, field, text } in &written {
        let answer = connection.signed(&key, "GET", path, b"").unwrap();
        assert_eq!(answer.status, 200, "{text}: {answer:?}");
        let data = &answer.json()["data"];
        assert_eq!(&data[field], text);
        if path.starts_with(ORDERS) {
            // An order is several rows: all of them or none.
            assert_eq!(data["items"].as_array().map(Vec::len), Some(2), "{data}");
        }
    }
}

/// The id of some customer, and of two products.
fn known(connection: &mut Connection, key: &Key) -> (Value, Value, Value) {
    let mut list = |path| connection.signed(key, "GET", path, b"").unwrap().json();
    let (orders, products) = (list(ORDERS), list(PRODUCTS));
    let id = |at: usize| products["data"][at]["id"].clone();
    (orders["data"][0]["customerId"].clone(), id(0), id(1))
}

/// Writes until the other side is gone.
fn write(address: SocketAddr, key: &Key, writer: usize, tell: &Sender<Written>) {
    let mut connection = Connection::open(address).unwrap();
    let (customer, one, two) = known(&mut connection, key);
    for number in 0.. {
        let text = format!("crash-{writer}-{number}");
        let (path, field, body) = if number % 2 == 0 {
            let body = json!({ "sku": text, "name": text, "category": "tests", "price": "12.50" });
            (PRODUCTS, "name", body)
        } else {
            let items = json!([
                { "productId": one, "quantity": 1 },
                { "productId": two, "quantity": 2 },
            ]);
            let body = json!({ "customerId": customer, "items": items, "note": text });
            (ORDERS, "note", body)
        };
        let body = body.to_string();
        let Ok(answer) = connection.signed(key, "POST", path, body.as_bytes()) else {
            return;
        };
        // Cut off by the crash: the edge may still say that the service is gone.
        if answer.status >= 500 {
            return;
        }
        assert_eq!(answer.status, 201, "{answer:?}");
        let path = format!("{path}/{}", answer.json()["data"]["id"].as_str().unwrap());
        if tell.send(Written { path, field, text }).is_err() {
            return;
        }
    }
}
