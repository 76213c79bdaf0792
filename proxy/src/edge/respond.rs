//! The only writer of our own answers, for every lane.
//!
//! A [`Reply`] becomes an [`Answer`]: status, field lines, body. The answer passes `on_response` of
//! the filters that the request had entered, so that a 401 carries its request id and its CORS grant,
//! and a 429 its limits. A lane then writes the answer in its own way.

use bytes::Bytes;
use filters::chain::Chain;
use filters::clock::Now;
use filters::exchange::Exchange;
use filters::head::ResponseHead;
use filters::names;
use filters::reply::{EnvelopeFacts, Reply, render};
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// An answer of ours, ready to be written.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the answer needs to know beside the reply.
pub(crate) struct Setting<'a> {
    pub(crate) now: Now,
    pub(crate) documentation: &'a str,
    /// The client's `Accept`.
    pub(crate) accept: Option<&'a [u8]>,
    /// The request was a HEAD: no body follows.
    pub(crate) head_only: bool,
}

/// Makes the answer to a reply.
pub(crate) fn answer(
    reply: &Reply,
    x: &mut Exchange,
    chain: &Chain,
    setting: &Setting<'_>,
) -> Answer {
    x.refused = reply.reason;
    let facts = EnvelopeFacts {
        request_id: x.request_id.as_str(),
        now: setting.now,
        documentation: setting.documentation,
        problem: prefers_problem(setting.accept),
    };
    let body = render(reply, &facts);
    let mut fields = HeaderMap::with_capacity(16);
    if reply.reason.is_some() {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(body.media_type));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if reply.status != 204 {
        fields.insert(CONTENT_LENGTH, body.bytes.len().into());
    }
    if let Some(seconds) = reply.retry_after_s {
        fields.insert(RETRY_AFTER, seconds.into());
    }
    for (name, value) in &reply.fields {
        fields.append(name.clone(), value.clone());
    }
    // Whatever the chain, every answer names its request.
    fields.insert(names::REQUEST_ID, x.request_id.value().to_header());
    chain.on_response(
        x,
        &ResponseHead {
            status: reply.status,
            fields: &fields,
        },
    );
    x.response.apply(&mut fields);
    let body = if setting.head_only {
        Bytes::new()
    } else {
        body.bytes.into()
    };
    Answer {
        status: reply.status,
        fields,
        body,
    }
}

// === impl Answer ===

impl Answer {
    /// The answer as an HTTP/1.1 message, for a request that never became one.
    pub(crate) fn to_http1(&self, now: Now, close: bool) -> Vec<u8> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut out = Vec::with_capacity(512 + self.body.len());
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(status.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(status.canonical_reason().unwrap_or("").as_bytes());
        out.extend_from_slice(b"\r\n");
        let mut line = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        line(DATE.as_str(), http_date(now.unix_s()).as_bytes());
        for (name, value) in &self.fields {
            line(name.as_str(), value.as_bytes());
        }
        line(
            CONNECTION.as_str(),
            if close { b"close" } else { b"keep-alive" },
        );
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// A second as HTTP writes it (RFC 9110, section 5.6.7).
pub(crate) fn http_date(unix_s: u64) -> String {
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix_s))
}

/// The second that was written last, as HTTP writes it: it is the same for many answers.
#[derive(Default)]
pub(crate) struct Date {
    unix_s: Option<u64>,
    text: String,
}

impl Date {
    /// The text of a second.
    pub(crate) fn of(&mut self, unix_s: u64) -> &[u8] {
        if self.unix_s != Some(unix_s) {
            self.unix_s = Some(unix_s);
            self.text = http_date(unix_s);
        }
        self.text.as_bytes()
    }
}

/// The `Allow` line of a 405.
pub(crate) fn allow(methods: &str) -> (http::HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(methods).unwrap_or(HeaderValue::from_static("GET"));
    (ALLOW, value)
}

/// Whether `Accept` names problem+json and not our own form (RFC 9457, section 3).
fn prefers_problem(accept: Option<&[u8]>) -> bool {
    const PROBLEM: &[u8] = b"application/problem+json";
    accept.is_some_and(|value| {
        value.split(|&byte| byte == b',').any(|range| {
            let kind = range.split(|&byte| byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(PROBLEM)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_json_is_given_to_those_who_name_it() {
        for (accept, problem) in [
            (Some("application/problem+json"), true),
            (Some("text/html, Application/Problem+JSON;q=0.9"), true),
            (Some("application/json"), false),
            (Some("*/*"), false),
            (None, false),
        ] {
            assert_eq!(
                prefers_problem(accept.map(str::as_bytes)),
                problem,
                "{accept:?}"
            );
        }
    }
}
