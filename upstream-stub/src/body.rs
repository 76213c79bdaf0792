//! A request's body: JSON within its bounds, or a refusal.

use std::error::Error as _;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::envelope::Refusal;
use crate::limits::{BODY_BYTES_MAX, BODY_TIME};

/// A body that is JSON (FR-010).
pub(crate) struct Json(pub(crate) Value);

/// No body, or an empty one.
pub(crate) struct NoBody;

impl<S: Sync> FromRequest<S> for Json {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be sent with the header Content-Type: application/json",
            ));
        }
        let bytes = read(request.into_body()).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let message = format!(
                "the body is not valid JSON: line {}, column {}",
                error.line(),
                error.column()
            );
            Refusal::new(StatusCode::BAD_REQUEST, "malformed_json", message)
        })
    }
}

impl<S: Sync> FromRequest<S> for NoBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        match read(request.into_body()).await?.is_empty() {
            true => Ok(Self),
            false => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "unexpected_body",
                "this request takes no body",
            )),
        }
    }
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    let whole = async {
        let mut pieces = body.into_data_stream();
        let mut bytes = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| {
                tracing::debug!(cause = ?error.source(), "a body broke off");
                Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "incomplete_body",
                    "the body broke off",
                )
            })?;
            if bytes.len() + piece.len() > BODY_BYTES_MAX {
                let message = format!("the body is larger than {BODY_BYTES_MAX} bytes");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(Refusal::new(status, "body_too_large", message));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    };
    timeout(BODY_TIME, whole).await.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "the body did not arrive in time",
        ))
    })
}

/// `application/json`, with or without parameters; RFC 9110, section 8.3.1: in any case.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}
