//! Orders and products: the table of requests and answers, and what takes more than one request.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use database::Database;
use serde_json::{Value, json};

use super::cases::cases;
use super::{ask, send};

pub(crate) async fn check(router: &Router, database: &Database) {
    let mut wrong = Vec::new();
    for (method, target, body, status, expected) in cases() {
        let answer = ask(router, method, target, &body).await;
        let differs = |(pointer, value): &&(&str, Value)| answer.at(pointer) != value;
        let different: Vec<_> = expected.iter().filter(differs).collect();
        if answer.status != status || !different.is_empty() {
            let found = (answer.status, &answer.body);
            wrong.push(format!(
                "{method} {target}: {found:?} instead of {status}, {different:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    orders_go_their_way(router).await;
    products_go_their_way(router).await;
    pages_hold_everything_once(router).await;
    bodies_are_bounded(router).await;
    heads_and_methods(router).await;
    racing_changes_leave_one_state(router).await;
    seeding_leaves_changes_alone(router, database).await;
}

async fn orders_go_their_way(router: &Router) {
    // The customer's own example: FR-005, section 6.2.
    let new = json!({
        "customerId": "cust_123",
        "items": [{"productId": "prod_456", "quantity": 2, "price": 29.99}],
        "shippingAddress": {"street": "123 Main St", "city": "New York", "state": "NY", "zip": "10001"},
    });
    let made = ask(router, "POST", "/api/v1/orders", &new).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/v1/orders/{}", made.at("/data/id").as_str().unwrap());
    assert_eq!(made.headers["location"], path.as_str());
    assert_eq!(made.at("/data/total"), "59.98");
    assert_eq!(made.at("/data/createdBy"), "partner-7");
    let read = ask(router, "GET", &path, &Value::Null).await;
    assert_eq!(read.at("/data"), made.at("/data"));

    let status = format!("{path}/status");
    let two =
        json!([{"productId": "prod_456", "quantity": 1}, {"productId": "prod_401", "quantity": 3}]);
    let whole =
        json!({"customerId": "cust_124", "items": [{"productId": "prod_401", "quantity": 1}]});
    let to = |status: &str| json!({"status": status});
    let steps = [
        (
            "PATCH",
            &path,
            json!({"note": "ring twice"}),
            200,
            "/data/total",
            json!("59.98"),
        ),
        (
            "PATCH",
            &path,
            json!({"items": two}),
            200,
            "/data/total",
            json!("44.96"),
        ),
        (
            "PATCH",
            &path,
            json!({}),
            200,
            "/data/note",
            json!("ring twice"),
        ),
        (
            "PATCH",
            &path,
            json!({"items": [{"productId": "prod_999", "quantity": 1}]}),
            400,
            "/data",
            json!(null),
        ),
        (
            "GET",
            &path,
            json!(null),
            200,
            "/data/items/1/productId",
            json!("prod_401"),
        ),
        ("PUT", &path, whole, 200, "/data/items/1", json!(null)),
        ("GET", &path, json!(null), 200, "/data/note", json!(null)),
        (
            "PATCH",
            &status,
            to("shipped"),
            409,
            "/error/details/status",
            json!("pending"),
        ),
        (
            "PATCH",
            &status,
            to("processing"),
            200,
            "/data/status",
            json!("processing"),
        ),
        (
            "PATCH",
            &status,
            to("processing"),
            200,
            "/data/status",
            json!("processing"),
        ),
        (
            "PATCH",
            &path,
            json!({"note": "late"}),
            409,
            "/error/details/status",
            json!("processing"),
        ),
        (
            "PATCH",
            &status,
            to("pending"),
            409,
            "/error/details/status",
            json!("processing"),
        ),
        (
            "DELETE",
            &path,
            json!(null),
            200,
            "/data/status",
            json!("cancelled"),
        ),
        (
            "PATCH",
            &status,
            to("processing"),
            409,
            "/error/details/status",
            json!("cancelled"),
        ),
    ];
    for (method, target, body, status, pointer, value) in steps {
        let answer = ask(router, method, target, &body).await;
        assert_eq!(
            answer.status, status,
            "{method} {target} {body}: {}",
            answer.body
        );
        assert_eq!(answer.at(pointer), &value, "{method} {target} {body}");
    }
    let first = ask(router, "DELETE", &path, &Value::Null).await;
    let second = ask(router, "DELETE", &path, &Value::Null).await;
    assert!(first.at("/data/cancelledAt").is_string());
    assert_eq!(
        first.at("/data"),
        second.at("/data"),
        "a second cancel changed something"
    );
}

async fn products_go_their_way(router: &Router) {
    let new = json!({"sku": "NEW-1", "name": "Mug", "category": "kitchen", "price": "7.5", "currency": "EUR",
                     "description": "blue"});
    let made = ask(router, "POST", "/api/v1/products", &new).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.at("/data/id").clone();
    let path = format!("/api/v1/products/{}", id.as_str().unwrap());
    assert_eq!(made.headers["location"], path.as_str());
    let mixed = json!({"customerId": "cust_101", "items": [
        {"productId": "prod_456", "quantity": 1}, {"productId": id, "quantity": 1}]});
    let alone = json!({"customerId": "cust_101", "items": [{"productId": id, "quantity": 10_000}]});
    let whole =
        json!({"sku": "NEW-1", "name": "Cup", "category": "kitchen", "price": "999999999.99"});
    let orders = "/api/v1/orders".to_owned();
    let steps = [
        (
            "POST",
            &orders,
            mixed,
            400,
            "/error/details/errors/0/pointer",
            json!("/items/1/productId"),
        ),
        (
            "POST",
            &orders,
            alone.clone(),
            201,
            "/data/currency",
            json!("EUR"),
        ),
        (
            "PATCH",
            &path,
            json!({"price": "8"}),
            200,
            "/data/price",
            json!("8.00"),
        ),
        (
            "PATCH",
            &path,
            json!({"name": "Jug"}),
            200,
            "/data/description",
            json!("blue"),
        ),
        (
            "PATCH",
            &path,
            json!({"description": null}),
            200,
            "/data/description",
            json!(null),
        ),
        (
            "PATCH",
            &path,
            json!({"description": "red"}),
            200,
            "/data/name",
            json!("Jug"),
        ),
        ("PUT", &path, whole, 200, "/data/description", json!(null)),
        (
            "POST",
            &orders,
            alone.clone(),
            201,
            "/data/total",
            json!("9999999999900.00"),
        ),
        (
            "DELETE",
            &path,
            json!(null),
            200,
            "/data/status",
            json!("archived"),
        ),
        (
            "DELETE",
            &path,
            json!(null),
            200,
            "/data/status",
            json!("archived"),
        ),
        (
            "POST",
            &orders,
            alone,
            400,
            "/error/details/errors/0/message",
            json!("names a product that is archived"),
        ),
        (
            "GET",
            &path,
            json!(null),
            200,
            "/data/status",
            json!("archived"),
        ),
        (
            "PATCH",
            &path,
            json!({"status": "active"}),
            200,
            "/data/status",
            json!("active"),
        ),
    ];
    for (method, target, body, status, pointer, value) in steps {
        let answer = ask(router, method, target, &body).await;
        assert_eq!(
            answer.status, status,
            "{method} {target} {body}: {}",
            answer.body
        );
        assert_eq!(answer.at(pointer), &value, "{method} {target} {body}");
    }
}

async fn pages_hold_everything_once(router: &Router) {
    // Nine in ten orders share their status with others: the order must not depend on that.
    let mut next = json!("/api/v1/orders?sort=status&perPage=17&fields=id");
    let mut seen = std::collections::HashSet::new();
    let mut total = 0;
    while let Some(target) = next.as_str() {
        let answer = ask(router, "GET", target, &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for order in answer.at("/data").as_array().unwrap() {
            assert!(seen.insert(order["id"].clone()), "{order} is there twice");
        }
        total = answer.at("/pagination/total").as_u64().unwrap();
        next = answer.at("/links/next").clone();
    }
    assert_eq!(seen.len() as u64, total);
    assert!(total > 120, "{total}");
}

async fn bodies_are_bounded(router: &Router) {
    let max = upstream_stub::limits::BODY_BYTES_MAX;
    let padded = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    for (kind, body, status) in [
        ("application/json", padded(max), 400),
        ("application/json", padded(max + 1), 413),
        ("Application/JSON; charset=utf-8", "{}".into(), 400),
        ("application/json", "{".into(), 400),
        ("application/json", String::new(), 400),
        ("application/json", "[".repeat(100_000), 400),
        ("text/plain", "{}".into(), 415),
        ("application/jsonp", "{}".into(), 415),
    ] {
        let length = body.len();
        let request = Request::post("/api/v1/orders").header("content-type", kind);
        let answer = send(router, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            answer.status, status,
            "{kind}, {length} bytes: {}",
            answer.body
        );
        assert_eq!(answer.at("/error/code"), "VALIDATION_ERROR");
        // Nobody sent an id, so there is one of our own.
        let id = answer.at("/meta/requestId").as_str().unwrap();
        assert_eq!(answer.headers["x-request-id"], id);
        assert_eq!(id.len(), 36);
    }
}

async fn heads_and_methods(router: &Router) {
    let get = ask(router, "GET", "/api/v1/orders/order_788", &Value::Null).await;
    let head = ask(router, "HEAD", "/api/v1/orders/order_788", &Value::Null).await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.headers["content-length"],
        get.headers["content-length"]
    );
    assert_eq!(head.body, Value::Null);
    for (method, target, allow) in [
        ("DELETE", "/api/v1/orders", ["GET", "POST"].as_slice()),
        (
            "POST",
            "/api/v1/orders/order_788",
            &["GET", "PUT", "PATCH", "DELETE"],
        ),
        ("GET", "/api/v1/orders/order_788/status", &["PATCH"]),
        ("POST", "/api/health", &["GET"]),
    ] {
        let answer = ask(router, method, target, &Value::Null).await;
        assert_eq!(answer.status, 405, "{method} {target}");
        assert_eq!(answer.at("/error/code"), "NOT_FOUND");
        let found = answer.headers["allow"].to_str().unwrap();
        for method in allow {
            assert!(
                found.split(',').any(|one| one.trim() == *method),
                "{target}: {found}"
            );
        }
    }
    for id in ["", "a b", "a/b", &"a".repeat(129)] {
        let request = Request::get("/api/health").header("x-request-id", id);
        let answer = send(router, request.body(Body::empty()).unwrap()).await;
        assert_ne!(answer.headers["x-request-id"], id, "{id:?} was kept");
    }
}

async fn racing_changes_leave_one_state(router: &Router) {
    let path = "/api/v1/orders/order_706";
    let items = |quantity: u32| json!({"items": [{"productId": "prod_456", "quantity": quantity}]});
    let (three, four, off) = (items(3), items(4), Value::Null);
    let (a, b, c) = tokio::join!(
        ask(router, "PATCH", path, &three),
        ask(router, "PATCH", path, &four),
        ask(router, "DELETE", path, &off),
    );
    assert_eq!(c.status, 200);
    for change in [a, b] {
        assert!(
            [200, 409].contains(&change.status.as_u16()),
            "{}",
            change.body
        );
    }
    let read = ask(router, "GET", path, &Value::Null).await;
    assert_eq!(read.at("/data/status"), "cancelled");
    // Whoever won, the total is that of the items.
    let cents = |text: &Value| {
        text.as_str()
            .unwrap()
            .replace('.', "")
            .parse::<u64>()
            .unwrap()
    };
    let lines = read.at("/data/items").as_array().unwrap();
    let sum: u64 = lines
        .iter()
        .map(|line| line["quantity"].as_u64().unwrap() * cents(&line["price"]))
        .sum();
    assert_eq!(cents(read.at("/data/total")), sum);
}

async fn seeding_leaves_changes_alone(router: &Router, database: &Database) {
    let path = "/api/v1/orders/order_701";
    let change = json!({"items": [{"productId": "prod_456", "quantity": 1}], "note": "mine"});
    let changed = ask(router, "PATCH", path, &change).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    upstream_stub::seed(database).await.unwrap();
    let read = ask(router, "GET", path, &Value::Null).await;
    assert_eq!(read.at("/data"), changed.at("/data"));
}
