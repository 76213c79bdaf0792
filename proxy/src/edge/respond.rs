//! The only writer of our own answers, for every lane.
//!
//! A [`Reply`] becomes status, field lines and body. It passes `on_response` of the filters that the
//! request had entered, so that a 401 carries its request id and its CORS grant, and a 429 its limits.
//! Where HTTP/1.1 is spoken, [`message`] writes all of it into one buffer, for one write; a lane that
//! has its own way of writing takes an [`Answer`].

mod lines;

use bytes::Bytes;
use filters::chain::Chain;
use filters::clock::Now;
use filters::digits::Digits;
use filters::edits::Edits;
use filters::exchange::Exchange;
use filters::head::ResponseHead;
use filters::reply::{EnvelopeFacts, Reply, render};
use http::header::ALLOW;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lines::Lines;

/// Bytes that are made ready for a head; more are found when they are needed.
const HEAD_BYTES_COMMON: usize = 1024;

/// An answer of ours, ready to be written.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer of ours as an HTTP/1.1 message.
pub(crate) struct Message {
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
    /// How many of the bytes are the body's.
    pub(crate) body_bytes: u64,
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
    compose(reply, x, chain, setting, |lines, edits, body| Answer {
        status: reply.status,
        fields: lines.to_map(edits),
        body: body.into(),
    })
}

/// Makes the answer to a reply, and writes it as an HTTP/1.1 message. `date` is the `Date` of now.
pub(crate) fn message(
    reply: &Reply,
    x: &mut Exchange,
    chain: &Chain,
    setting: &Setting<'_>,
    date: &[u8],
    close: bool,
) -> Message {
    compose(reply, x, chain, setting, |lines, edits, body| {
        let status =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut out = Vec::with_capacity(HEAD_BYTES_COMMON + body.len());
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(status.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(status.canonical_reason().unwrap_or("").as_bytes());
        out.extend_from_slice(b"\r\ndate: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
        lines.write(edits, &mut out);
        out.extend_from_slice(if close {
            b"connection: close\r\n\r\n"
        } else {
            b"connection: keep-alive\r\n\r\n"
        });
        out.extend_from_slice(&body);
        Message {
            status: reply.status,
            bytes: out,
            body_bytes: body.len() as u64,
        }
    })
}

/// Gathers what the answer says: hands its lines, what the filters edit of them, and the body to
/// `finish`.
fn compose<T>(
    reply: &Reply,
    x: &mut Exchange,
    chain: &Chain,
    setting: &Setting<'_>,
    finish: impl FnOnce(&Lines<'_>, &Edits, Vec<u8>) -> T,
) -> T {
    x.refused = reply.reason;
    let facts = EnvelopeFacts {
        request_id: &x.request_id,
        now: setting.now,
        documentation: setting.documentation,
        problem: prefers_problem(setting.accept),
    };
    let body = render(reply, &facts);
    let length = Digits::of(body.bytes.len() as u64);
    let seconds = reply
        .retry_after_s
        .map(|seconds| Digits::of(seconds.into()));
    let id = x.request_id.value().clone();
    let mut lines = Lines::default();
    if reply.reason.is_some() {
        lines.push("content-type", body.media_type.as_bytes());
        lines.push("cache-control", b"no-store");
    }
    if reply.status != 204 {
        lines.push("content-length", length.as_bytes());
    }
    if let Some(seconds) = &seconds {
        lines.push("retry-after", seconds.as_bytes());
    }
    for (name, value) in &reply.fields {
        lines.push(name.as_str(), value.as_bytes());
    }
    // Whatever the chain, every answer names its request.
    lines.push("x-request-id", id.as_bytes());
    let head = ResponseHead {
        status: reply.status,
        fields: &lines,
    };
    chain.on_response(x, &head);
    let body = if setting.head_only {
        Vec::new()
    } else {
        body.bytes
    };
    finish(&lines, &x.response, body)
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
pub(crate) fn allow(methods: &str) -> (HeaderName, HeaderValue) {
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
