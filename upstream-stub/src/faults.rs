//! Misbehaviour on demand, for tests of what stands before the service. Off unless asked for.
//!
//! | request | answer |
//! |---|---|
//! | `GET`, `POST /faults/echo` | `{"method","target","headers":{name:[value…]},"bodyLength","bodySha256"}`: what arrived |
//! | `GET`, `POST /faults/slow?ms=` | 200 after so many milliseconds |
//! | `GET`, `POST /faults/status?code=` | that status, 200 to 599, from 400 in the envelope |
//! | `GET /faults/cut` | a head that promises 1 MiB, the first 64 KiB of it, and the connection's end |
//! | `GET`, `POST /faults/hang` | nothing, ever |
//! | `GET /faults/large?bytes=` | so many bytes: byte *n* is *n* modulo 251 |

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::envelope::Refusal;
use crate::limits::{ECHO_BYTES_MAX, LARGE_BYTES_MAX, PIECE_BYTES, SLOW_MAX};
use crate::parameters::{NoParameters, Parameters, number};

/// Bytes that `/faults/cut` promises.
const CUT_BYTES: u64 = 1 << 20;

/// The pattern's period: a prime, so that a lost or repeated piece shows.
const PERIOD: u64 = 251;

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/faults/echo", get(echo).post(echo))
        .route("/faults/slow", get(slow).post(slow))
        .route("/faults/status", get(status).post(status))
        .route("/faults/cut", get(cut))
        .route("/faults/hang", get(hang).post(hang))
        .route("/faults/large", get(large))
}

async fn echo(request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str()).or_default().push(value);
    }
    let (mut length, mut hash) = (0, Sha256::new());
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "incomplete_body",
                "the body broke off",
            )
        })?;
        length += piece.len() as u64;
        if length > ECHO_BYTES_MAX {
            let message = format!("the body is larger than {ECHO_BYTES_MAX} bytes");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Refusal::new(status, "body_too_large", message));
        }
        hash.update(&piece);
    }
    let echo = json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "bodyLength": length,
        "bodySha256": hex(&hash.finalize()),
    });
    Ok(Json(echo).into_response())
}

async fn slow(mut parameters: Parameters) -> Result<Response, Refusal> {
    let ms = parameters.take("ms", number(0, SLOW_MAX.as_millis() as u64));
    parameters.finish()?;
    let ms = ms.unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(Json(json!({"sleptMs": ms})).into_response())
}

async fn status(mut parameters: Parameters) -> Result<Response, Refusal> {
    let code = parameters.take("code", number(200, 599));
    parameters.finish()?;
    let code = code.and_then(|code| StatusCode::from_u16(code as u16).ok());
    let code = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(match code.as_u16() {
        400.. => Refusal::new(code, "fault", "failed on purpose").into_response(),
        // RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5: these have no content.
        204 | 205 | 304 => code.into_response(),
        plain => (code, Json(json!({"status": plain}))).into_response(),
    })
}

async fn cut(_: NoParameters) -> Response {
    let pieces = stream::unfold(0, async |step| match step {
        0 => Some((Ok(pattern(0, PIECE_BYTES as u64)), 1)),
        _ => {
            // Giving way once lets the first piece leave before the end.
            tokio::task::yield_now().await;
            Some((Err(io::Error::other("cut on purpose")), 1))
        }
    });
    (
        [(header::CONTENT_LENGTH, CUT_BYTES)],
        Body::from_stream(pieces),
    )
        .into_response()
}

async fn hang() -> Response {
    std::future::pending().await
}

async fn large(mut parameters: Parameters) -> Result<Response, Refusal> {
    let bytes = parameters.take("bytes", number(0, LARGE_BYTES_MAX));
    parameters.finish()?;
    let bytes = bytes.unwrap_or_default();
    let pieces = stream::iter((0..bytes).step_by(PIECE_BYTES))
        .map(move |at| Ok::<_, io::Error>(pattern(at, (bytes - at).min(PIECE_BYTES as u64))));
    let kind = (header::CONTENT_TYPE, "application/octet-stream".to_owned());
    let length = (header::CONTENT_LENGTH, bytes.to_string());
    Ok(([kind, length], Body::from_stream(pieces)).into_response())
}

fn pattern(from: u64, length: u64) -> Bytes {
    (from..from + length)
        .map(|at| (at % PERIOD) as u8)
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
