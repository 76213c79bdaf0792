//! The envelope around every answer: `data` and `meta`, or `error` and `meta` (contract, sections 6
//! and 7). The service is behind the edge, so the request id is the one that the edge sends; one is
//! made for who comes without.
//!
//! Handlers return [`Success`] or [`Refusal`]. Both ride in the response's extensions until
//! [`enclose`], the outermost layer, renders them: only it knows the request's id.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::limits::{PROBLEMS_MAX, REQUEST_ID_CHARS_MAX, RETRY_AFTER_S};
use crate::page::Place;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where error codes are explained.
const DOCUMENTATION: &str = "https://docs.tidegate.example/errors";

/// An answer that carries data.
#[derive(Debug, Clone)]
pub(crate) struct Success {
    status: StatusCode,
    data: Box<RawValue>,
    place: Option<Place>,
    location: Option<HeaderValue>,
}

/// An answer that refuses.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: Cow<'static, str>,
    problems: Vec<Problem>,
    details: Vec<(&'static str, Value)>,
    retry_after_s: Option<u32>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    #[serde(flatten)]
    pub(crate) place: ProblemPlace,
    pub(crate) message: Cow<'static, str>,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProblemPlace {
    /// A JSON pointer into the body (RFC 6901).
    Pointer(String),
    /// The name of a parameter of the query.
    Parameter(String),
}

#[derive(Clone)]
enum Pending {
    Success(Success),
    Refusal(Refusal),
}

// === impl Success ===

impl Success {
    /// 200 with one resource.
    pub(crate) fn of(data: &impl Serialize) -> Result<Self, Refusal> {
        let data = serde_json::value::to_raw_value(data).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Refusal::internal()
        })?;
        Ok(Self {
            status: StatusCode::OK,
            data,
            place: None,
            location: None,
        })
    }

    /// 201 with the new resource and where it lies.
    pub(crate) fn created(data: &impl Serialize, location: &str) -> Result<Self, Refusal> {
        Ok(Self {
            status: StatusCode::CREATED,
            location: HeaderValue::from_str(location).ok(),
            ..Self::of(data)?
        })
    }

    /// 200 with one page of a list.
    pub(crate) fn page(data: &[Value], place: Place) -> Result<Self, Refusal> {
        Ok(Self {
            place: Some(place),
            ..Self::of(&data)?
        })
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        pending(self.status, Pending::Success(self))
    }
}

// === impl Refusal ===

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        reason: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            reason,
            message: message.into(),
            problems: Vec::new(),
            details: Vec::new(),
            retry_after_s: None,
        }
    }

    /// 400 with everything that is wrong at once.
    pub(crate) fn invalid(mut problems: Vec<Problem>) -> Self {
        problems.truncate(PROBLEMS_MAX);
        let message = match problems.as_slice() {
            [Problem { place, message }] => Cow::Owned(match place {
                ProblemPlace::Pointer(at) if at.is_empty() => format!("the body {message}"),
                ProblemPlace::Pointer(at) => format!("{at} {message}"),
                ProblemPlace::Parameter(name) => format!("the parameter {name} {message}"),
            }),
            many => Cow::Owned(format!("the request has {} mistakes", many.len())),
        };
        Self {
            problems,
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
        }
    }

    /// 404 for a resource.
    pub(crate) fn not_found(what: &'static str) -> Self {
        let message = format!("there is no such {what}");
        Self::new(StatusCode::NOT_FOUND, "no_such_resource", message)
    }

    /// 409.
    pub(crate) fn conflict(reason: &'static str, message: String) -> Self {
        Self::new(StatusCode::CONFLICT, reason, message)
    }

    /// 500; the cause stands in the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong on our side",
        )
    }

    /// A fact for programs beside the reason.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    fn code(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "AUTHENTICATION_ERROR",
            403 => "AUTHORIZATION_ERROR",
            404 | 405 | 410 => "NOT_FOUND",
            409 | 412 => "CONFLICT",
            429 => "RATE_LIMIT_EXCEEDED",
            502..=504 => "SERVICE_UNAVAILABLE",
            500.. => "INTERNAL_ERROR",
            _ => "VALIDATION_ERROR",
        }
    }

    fn body(&self, request_id: &str) -> Value {
        let mut details = Map::new();
        details.insert("reason".to_owned(), self.reason.into());
        for (name, value) in &self.details {
            details.insert((*name).to_owned(), value.clone());
        }
        if !self.problems.is_empty() {
            details.insert("errors".to_owned(), serde_json::json!(self.problems));
        }
        let code = self.code();
        let link = format!(
            "{DOCUMENTATION}#{}",
            code.to_ascii_lowercase().replace('_', "-")
        );
        let mut error = serde_json::json!({
            "code": code,
            "message": self.message,
            "details": details,
            "documentationUrl": link,
        });
        if let Some(seconds) = self.retry_after_s {
            error["retryAfter"] = seconds.into();
        }
        let timestamp = format!("{:.0}", Timestamp::now());
        serde_json::json!({"error": error, "meta": {"requestId": request_id, "timestamp": timestamp}})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        pending(self.status, Pending::Refusal(self))
    }
}

/// The database is away: 503. It says no in a way that nobody foresaw: 500, and the cause in the log.
impl From<database::Error> for Refusal {
    fn from(error: database::Error) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "the database is away");
            return Self {
                retry_after_s: Some(RETRY_AFTER_S),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_unavailable",
                    "the service cannot reach its data for the moment",
                )
            };
        }
        tracing::error!(%error, "the database refused");
        Self::internal()
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        database::Error::from(error).into()
    }
}

// === the layer ===

/// Renders what the handlers said, and names the request in every answer.
pub(crate) async fn enclose(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if let Some(pending) = response.extensions_mut().remove::<Pending>() {
        render(&mut response, pending, &id, is_head);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn pending(status: StatusCode, pending: Pending) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(pending);
    response
}

fn render(response: &mut Response, pending: Pending, id: &str, is_head: bool) {
    #[derive(Serialize)]
    struct Whole<'a> {
        data: &'a RawValue,
        #[serde(flatten)]
        place: Option<&'a Place>,
        meta: Meta<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Meta<'a> {
        request_id: &'a str,
    }
    let headers = response.headers_mut();
    let bytes = match pending {
        Pending::Success(success) => {
            if let Some(location) = success.location {
                headers.insert(header::LOCATION, location);
            }
            let whole = Whole {
                data: &success.data,
                place: success.place.as_ref(),
                meta: Meta { request_id: id },
            };
            serde_json::to_vec(&whole).expect("text, numbers and rendered JSON always serialise")
        }
        Pending::Refusal(refusal) => {
            if let Some(seconds) = refusal.retry_after_s {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            refusal.body(id).to_string().into_bytes()
        }
    };
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    *response.body_mut() = if is_head { Body::empty() } else { bytes.into() };
}

/// The edge's id; a new one when there is none, or what came could break a log line.
fn request_id(headers: &HeaderMap) -> String {
    let mut values = headers.get_all(REQUEST_ID).iter();
    match (
        values.next().and_then(|value| value.to_str().ok()),
        values.next(),
    ) {
        (Some(id), None) if is_request_id(id) => id.to_owned(),
        _ => Uuid::now_v7().to_string(),
    }
}

fn is_request_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(plain)
}
