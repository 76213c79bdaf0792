//! The facts of one request, and the client's side of it.

use crate::caller::Caller;
use crate::clock::Now;
use crate::edits::{Edits, Value};
use crate::head::Head;
use crate::limits::REQUEST_ID_LENGTH_MAX;
use crate::quota::Decision;
use crate::reply::{Reason, Reply};
use bytes::Bytes;
use rand::Rng as _;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future, for the few filters that must wait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The scheme that the client used towards us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// What the matched route says, as far as filters are concerned.
#[derive(Debug)]
pub struct RouteFacts {
    /// The route's name in the policy file.
    pub name: Arc<str>,
    /// Bytes that a request's body may have.
    pub body_max: u64,
    /// The route passes `Authorization` on to the upstream.
    pub keep_authorization: bool,
    /// The API version that the route's path names (`/api/v1/…`), if any.
    pub version: Option<Arc<str>>,
}

/// A request id: the client's own, or one of ours (contract, section 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Value);

/// The facts of one request. Filters read and write the named fields; what a single filter keeps
/// for itself goes to `extensions`.
pub struct Exchange {
    /// When the head was complete.
    pub started: Now,
    /// The TCP peer.
    pub peer: SocketAddr,
    /// The client's address: the peer's, or what trusted proxies say. Canonical: never IPv4-mapped.
    pub client: IpAddr,
    /// Whether the peer is one of the trusted proxies.
    pub peer_trusted: bool,
    /// The client's scheme.
    pub scheme: Scheme,
    /// The server's name as the client's TLS handshake gave it (RFC 6066, section 3); `None`
    /// without TLS, and when none was given.
    pub server_name: Option<Arc<str>>,
    /// The request's id; set by the lane before the chain runs, so that every answer has one.
    pub request_id: RequestId,
    /// The matched route; `None` for refusals before routing.
    pub route: Option<Arc<RouteFacts>>,
    /// Who calls.
    pub caller: Caller,
    /// What the rate limit decided.
    pub quota: Option<Decision>,
    /// The API version that serves the request.
    pub version: Option<Arc<str>>,
    /// What hygiene saw in the client's head.
    pub(crate) seen: Option<crate::builtin::hygiene::Present>,
    /// Edits of the request's head towards the upstream.
    pub upstream: Edits,
    /// Edits of the response's head towards the client.
    pub response: Edits,
    /// The reason of our own answer, if we gave one: for the log and the metrics.
    pub refused: Option<Reason>,
    /// How many filters of the chain have been entered.
    pub depth: u8,
    /// What single filters keep for themselves.
    pub extensions: http::Extensions,
}

/// How a request ended; for logs and counters.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The status that the client got; 0 when it got none.
    pub status: u16,
    /// The method, as sent.
    pub method: &'a str,
    /// The raw target.
    pub target: &'a [u8],
    /// The client's `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// Bytes of the request's body that arrived.
    pub request_bytes: u64,
    /// Bytes of the response's body that were sent.
    pub response_bytes: u64,
    /// From the complete head to the end, nanoseconds.
    pub duration_ns: u64,
    /// The upstream's part: from choosing it to its head, nanoseconds.
    pub upstream_ns: Option<u64>,
    /// The upstream server's address.
    pub upstream: Option<SocketAddr>,
    /// The exchange was cut before its end.
    pub cut: bool,
    /// The cause, for the log.
    pub note: Option<&'a str>,
}

/// The client's side of the exchange, as far as a filter may see it.
pub trait Client: Send {
    /// The request's head.
    fn head(&self) -> Head<'_>;

    /// The body's length if the client announced one; `Some(0)` when there is none.
    fn announced_length(&self) -> Option<u64>;

    /// The next piece of the body; `None` at its end. What is read is kept for the upstream. The
    /// lane bounds the time, and the memory of all requests together; the caller bounds the length.
    ///
    /// # Errors
    /// The reply to give: 400, 408 or 503.
    fn read<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Bytes>, Box<Reply>>>;
}

// === impl RequestId ===

impl RequestId {
    /// A client's id, if it is 1–128 of `[A-Za-z0-9._-]`.
    #[must_use]
    pub fn from_client(value: &[u8]) -> Option<Self> {
        let fits = (1..=REQUEST_ID_LENGTH_MAX).contains(&value.len())
            && value
                .iter()
                .all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !fits {
            return None;
        }
        Value::from_bytes(value).ok().map(Self)
    }

    /// A fresh UUIDv7 of this instant (RFC 9562, section 5.7), random but for its time.
    #[must_use]
    pub fn fresh(unix_ms: u64) -> Self {
        let mut random = [0; 10];
        rand::rng().fill_bytes(&mut random);
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// An id that is a UUID.
    #[must_use]
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // RFC 9562, section 4: groups of 4, 2, 2, 2 and 6 octets.
        let mut text = *b"00000000-0000-0000-0000-000000000000";
        let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        for (octet, at) in id.into_bytes().into_iter().zip(places) {
            text[at] = DIGITS[usize::from(octet >> 4)];
            text[at + 1] = DIGITS[usize::from(octet & 15)];
        }
        Self(Value::ascii(text))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// The id as a field value.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.0
    }
}

// === impl Exchange ===

impl Exchange {
    /// An exchange at its begin: no route, no caller, nothing edited.
    #[must_use]
    #[inline]
    pub fn new(started: Now, peer: SocketAddr, scheme: Scheme, request_id: RequestId) -> Self {
        Self {
            started,
            peer,
            client: crate::address::canonical(peer.ip()),
            peer_trusted: false,
            scheme,
            server_name: None,
            request_id,
            route: None,
            caller: Caller::Anonymous,
            quota: None,
            version: None,
            seen: None,
            upstream: Edits::default(),
            response: Edits::default(),
            refused: None,
            depth: 0,
            extensions: http::Extensions::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_request_id_is_kept_only_in_its_form() {
        let longest = "a".repeat(128);
        let too_long = "a".repeat(129);
        for (text, kept) in [
            ("a", true),
            ("A-z_0.9", true),
            (&longest[..], true),
            (&too_long[..], false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("ä", false),
            ("a\r\nb", false),
        ] {
            assert_eq!(
                RequestId::from_client(text.as_bytes()).is_some(),
                kept,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_uuid_keeps_its_text() {
        for bits in [
            0x0199_0000_0000_7000_8000_0000_0000_0001,
            0x0123_4567_89ab_cdef_fedc_ba98_7654_3210,
            u128::MAX,
        ] {
            let id = uuid::Uuid::from_u128(bits);
            assert_eq!(RequestId::from_uuid(id).as_str(), id.to_string());
        }
    }

    #[test]
    fn a_fresh_id_tells_its_time_and_no_other_is_like_it() {
        let unix_ms = 1_767_225_600_123;
        let ids: std::collections::HashSet<String> = (0..1000)
            .map(|_| RequestId::fresh(unix_ms).as_str().to_owned())
            .collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let id: uuid::Uuid = id.parse().unwrap();
            let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
            let told_ms = seconds * 1000 + u64::from(nanoseconds) / 1_000_000;
            assert_eq!(
                (id.get_version_num(), id.get_variant(), told_ms),
                (7, uuid::Variant::RFC4122, unix_ms)
            );
        }
    }
}
