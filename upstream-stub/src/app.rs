//! Which request is whose: routes, what nobody wants, and health.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::from_fn;
use axum::routing::{get, patch};
use axum::{Router, http};
use database::Database;
use serde::Serialize;
use tokio::time::timeout;

use crate::envelope::{Refusal, Success, enclose};
use crate::limits::HEALTH_TIME;
use crate::parameters::NoParameters;
use crate::{Options, faults, orders, products};

/// Everything that the service answers. The tables must exist: see [`crate::prepare`].
pub fn router(database: Database, options: &Options) -> Router {
    let mut router = Router::new()
        .route("/api/health", get(health))
        .route(orders::PATH, get(orders::list).post(orders::create))
        .route(
            "/api/v1/orders/{id}",
            get(orders::read)
                .put(orders::replace)
                .patch(orders::change)
                .delete(orders::cancel),
        )
        .route("/api/v1/orders/{id}/status", patch(orders::change_status))
        .route(products::PATH, get(products::list).post(products::create))
        .route(
            "/api/v1/products/{id}",
            get(products::read)
                .put(products::replace)
                .patch(products::change)
                .delete(products::archive),
        );
    if options.faults {
        router = router.merge(faults::router());
    }
    router
        .fallback(no_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(enclose))
        .with_state(database)
}

/// The last segment of a resource's path, as it was sent.
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        // Only a segment that is no UTF-8 comes here: no identifier of ours looks like that.
        path.map(|Path(id)| Self(id))
            .map_err(|_| Refusal::not_found("resource"))
    }
}

/// Who calls, as the edge says; it is kept with what they create.
pub(crate) struct Consumer(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for Consumer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let id = parts.headers.get("x-consumer-id");
        let id = id.and_then(|value: &http::HeaderValue| value.to_str().ok());
        Ok(Self(id.filter(|id| !id.is_empty()).map(str::to_owned)))
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    database: &'static str,
}

/// 200 as long as the process answers; parts that do not work are named (contract, section 9).
async fn health(State(database): State<Database>, _: NoParameters) -> Result<Success, Refusal> {
    let ask = async { database.client().await?.query_one("SELECT 1", &[]).await };
    let health = match timeout(HEALTH_TIME, ask).await {
        Ok(Ok(_)) => Health {
            status: "ok",
            database: "ok",
        },
        _ => Health {
            status: "degraded",
            database: "unavailable",
        },
    };
    Success::of(&health)
}

async fn no_route() -> Refusal {
    let message = "there is nothing at this address";
    Refusal::new(StatusCode::NOT_FOUND, "no_route", message)
}

/// The router itself adds `Allow`.
async fn method_not_allowed() -> Refusal {
    let message = "this address does not take this method";
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}
