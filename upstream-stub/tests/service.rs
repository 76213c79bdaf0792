//! The whole service: one table of requests and answers on both databases, the same over sockets, and
//! the program itself.

#![allow(clippy::unwrap_used, reason = "a test's unwrap is an assertion")]

#[path = "service/cases.rs"]
mod cases;
#[path = "service/misbehaviour.rs"]
mod misbehaviour;
#[path = "service/program.rs"]
mod program;
#[path = "service/resources.rs"]
mod resources;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use database::testing::LocalPostgres;
use database::{Database, PoolLimits};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use upstream_stub::Options;

/// Long enough for the slowest machine, so that a test that hangs says where.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }
}

/// Sends one request into the router, without a socket.
async fn send(router: &Router, request: Request<Body>) -> Answer {
    let service = TowerToHyperService::new(router.clone());
    let answer = tokio::time::timeout(PATIENCE, service.call(request));
    let (head, body) = answer.await.unwrap().unwrap().into_parts();
    let bytes = to_bytes(body, 8 << 20).await.unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

/// A request with a JSON body, or none for null.
async fn ask(router: &Router, method: &str, target: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("x-request-id", "test-1")
        .header("x-consumer-id", "partner-7");
    let request = match body {
        Value::Null => request.body(Body::empty()),
        body => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
    };
    let answer = send(router, request.unwrap()).await;
    // What holds for every answer of ours.
    assert_eq!(
        answer.headers["x-request-id"], "test-1",
        "{method} {target}"
    );
    if method != Method::HEAD && !target.starts_with("/faults") {
        assert_eq!(answer.at("/meta/requestId"), "test-1", "{method} {target}");
        let failed = answer.status.as_u16() >= 400;
        assert_eq!(answer.at("/error").is_object(), failed, "{method} {target}");
        assert_eq!(answer.at("/error/documentationUrl").is_string(), failed);
        assert_eq!(answer.at("/meta/timestamp").is_string(), failed);
    }
    answer
}

async fn filled(database: &Database) -> Router {
    // Twice: a second start finds everything done.
    for _ in 0..2 {
        upstream_stub::prepare(database).await.unwrap();
        upstream_stub::seed(database).await.unwrap();
    }
    upstream_stub::router(database.clone(), &Options { faults: false })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_serves() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(folder.path()).await.unwrap();
    let router = filled(&database).await;
    resources::check(&router, &database).await;
    database.close().await;
    let answer = ask(&router, "GET", "/api/v1/orders/order_789", &Value::Null).await;
    is_unavailable(&answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_serves_and_comes_back() {
    let mut postgres = LocalPostgres::start().unwrap();
    let database = Database::connect(&postgres.url(), PoolLimits::default())
        .await
        .unwrap();
    let router = filled(&database).await;
    resources::check(&router, &database).await;
    postgres.stop().unwrap();
    for (method, target) in [
        ("GET", "/api/v1/orders"),
        ("GET", "/api/v1/products/prod_456"),
        ("DELETE", "/api/v1/orders/order_789"),
    ] {
        is_unavailable(&ask(&router, method, target, &Value::Null).await);
    }
    let health = ask(&router, "GET", "/api/health", &Value::Null).await;
    assert_eq!(health.status, 200);
    assert_eq!(health.at("/data/status"), "degraded");
    postgres.restart().unwrap();
    let answer = ask(&router, "GET", "/api/v1/orders/order_789", &Value::Null).await;
    assert_eq!(answer.status, 200);
}

fn is_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.at("/error/code"), "SERVICE_UNAVAILABLE");
    let seconds = answer.headers["retry-after"].to_str().unwrap();
    assert_eq!(answer.at("/error/retryAfter").to_string(), seconds);
}
