//! Heads on their way: copied line by line, with the filters' edits applied while they are copied.
//!
//! A line of the message survives unless an edit removes or replaces its name; what the edits set or
//! append stands behind them, unless a later edit takes it away again. The fields that frame the body
//! and those of one connection are never copied: the lane writes its own (RFC 9112, section 6).

use super::super::respond::Date;
use super::super::wire::{AnswerBody, Fields, Framing};
use bytes::{BufMut, BytesMut};
use filters::digits::Digits;
use filters::edits::Edits;
use http::{HeaderName, StatusCode};

/// Bytes that a head takes beside the lines that are copied, roughly.
const HEAD_ROOM: usize = 512;

impl filters::head::Fields for Fields<'_> {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        Fields::nth(self, name.as_str(), n)
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        for field in self {
            visit(field.name, field.value);
        }
    }
}

/// Writes a request's head for the upstream.
pub(super) fn write_request(
    out: &mut BytesMut,
    method: &str,
    target: &[u8],
    fields: &Fields<'_>,
    edits: &Edits,
    host: &[u8],
    body: Framing,
) {
    out.reserve(HEAD_ROOM + target.len());
    out.put_slice(method.as_bytes());
    out.put_u8(b' ');
    out.put_slice(target);
    out.put_slice(b" HTTP/1.1\r\nHost: ");
    out.put_slice(host);
    out.put_slice(b"\r\n");
    copy(out, fields, edits, |name| {
        is_framing(name) || name.eq_ignore_ascii_case(b"host")
    });
    match body {
        Framing::None => {}
        Framing::Length(length) => write_length(out, length),
        Framing::Chunked => out.put_slice(CHUNKED),
    }
    out.put_slice(b"\r\n");
}

/// How an answer's body goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onward<'a> {
    /// None; with the length that a body would have had, if the upstream told it.
    None(Option<&'a [u8]>),
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

impl<'a> Onward<'a> {
    /// How the body of an answer with this head and status goes on.
    pub(super) fn of(body: AnswerBody, status: u16, fields: &Fields<'a>) -> Self {
        match body {
            // RFC 9110, section 8.6: no length with these.
            AnswerBody::None if status < 200 || status == 204 => Self::None(None),
            AnswerBody::None => Self::None(fields.first("content-length")),
            AnswerBody::Length(length) => Self::Length(length),
            AnswerBody::Chunked | AnswerBody::UntilClose => Self::Chunked,
        }
    }
}

/// Writes an answer's head for the client.
pub(super) fn write_answer(
    out: &mut BytesMut,
    status: u16,
    fields: &Fields<'_>,
    edits: &Edits,
    body: Onward<'_>,
    (date, unix_s): (&mut Date, u64),
    close: bool,
) {
    write_status(out, status);
    if fields.first("date").is_none() {
        // RFC 9110, section 6.6.1.
        out.put_slice(b"Date: ");
        out.put_slice(date.of(unix_s));
        out.put_slice(b"\r\n");
    }
    copy(out, fields, edits, is_framing);
    match body {
        Onward::None(None) => {}
        Onward::None(Some(length)) => {
            out.put_slice(b"Content-Length: ");
            out.put_slice(length);
            out.put_slice(b"\r\n");
        }
        Onward::Length(length) => write_length(out, length),
        Onward::Chunked => out.put_slice(CHUNKED),
    }
    if close {
        out.put_slice(b"Connection: close\r\n");
    }
    out.put_slice(b"\r\n");
}

/// Writes an interim answer's head (RFC 9110, section 15.2).
pub(super) fn write_interim(out: &mut BytesMut, status: u16, fields: &Fields<'_>) {
    write_status(out, status);
    copy(out, fields, &Edits::default(), |name| {
        is_framing(name) || name.eq_ignore_ascii_case(b"server")
    });
    out.put_slice(b"\r\n");
}

/// Puts a chunk around a payload, which is not empty.
pub(super) fn write_chunk(out: &mut BytesMut, payload: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - payload.len().leading_zeros()).div_ceil(4);
    out.reserve(payload.len() + 20);
    for place in (0..digits).rev() {
        out.put_u8(HEX[payload.len() >> (4 * place) & 15]);
    }
    out.put_slice(b"\r\n");
    out.put_slice(payload);
    out.put_slice(b"\r\n");
}

/// The end of a chunked body.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

const CHUNKED: &[u8] = b"Transfer-Encoding: chunked\r\n";

fn write_status(out: &mut BytesMut, status: u16) {
    out.reserve(HEAD_ROOM);
    if status == 200 {
        out.put_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(code.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(code.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
}

fn write_length(out: &mut BytesMut, length: u64) {
    out.put_slice(b"Content-Length: ");
    out.put_slice(Digits::of(length).as_bytes());
    out.put_slice(b"\r\n");
}

/// The fields that say where a body ends, and those of one connection (RFC 9110, section 7.6.1).
fn is_framing(name: &[u8]) -> bool {
    let is = |text: &[u8]| name.eq_ignore_ascii_case(text);
    match name.len() {
        2 => is(b"te"),
        7 => is(b"trailer") || is(b"upgrade"),
        10 => is(b"connection") || is(b"keep-alive"),
        14 => is(b"content-length"),
        16 => is(b"proxy-connection"),
        17 => is(b"transfer-encoding"),
        _ => false,
    }
}

fn copy(out: &mut BytesMut, fields: &Fields<'_>, edits: &Edits, skip: impl Fn(&[u8]) -> bool) {
    for field in fields {
        if !skip(field.name) && !edits.takes(field.name) {
            line(out, field.name, field.value);
        }
    }
    for added in edits.added() {
        // The lane frames the message, whatever anybody sets.
        if !skip(added.name) {
            out.extend_from_slice(added.line);
        }
    }
}

fn line(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::{HeadLimits, Parse, parse_request, parse_response};
    use super::*;
    use http::HeaderValue;
    use http::header::{ACCEPT, HOST, SERVER, VIA};

    fn written(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn lines_survive_or_go_by_the_edits_in_their_order() {
        let text = b"POST /a?b HTTP/1.1\r\nHost: edge\r\nAccept: x\r\nX-Consumer-Id: forged\r\n\
            x_consumer_id: forged\r\nContent-Length: 3\r\nConnection: close\r\nVia: 1.0 a\r\n\r\n";
        let Parse::Complete { head, .. } = parse_request(text, &HeadLimits::STANDARD) else {
            panic!("a good head");
        };
        let mut edits = Edits::default();
        edits.set(&HOST, &HeaderValue::from_static("not this"));
        edits.append(&VIA, &HeaderValue::from_static("1.1 tidegate"));
        edits.append(&SERVER, &HeaderValue::from_static("gone"));
        edits.remove(&SERVER);
        edits.set(&ACCEPT, &HeaderValue::from_static("first"));
        edits.set(&ACCEPT, &HeaderValue::from_static("y"));
        edits.remove_prefix("x-consumer-");
        edits.remove_underscored();
        edits.append(
            &HeaderName::from_static("x-consumer-id"),
            &HeaderValue::from_static("42"),
        );
        for (body, framing) in [
            (Framing::None, ""),
            (Framing::Length(0), "Content-Length: 0\r\n"),
            (
                Framing::Length(1_234_567_890),
                "Content-Length: 1234567890\r\n",
            ),
            (Framing::Chunked, "Transfer-Encoding: chunked\r\n"),
        ] {
            let out = written(|out| {
                write_request(out, "POST", b"/a?b", &head.fields, &edits, b"orders", body);
            });
            let expected = format!(
                "POST /a?b HTTP/1.1\r\nHost: orders\r\nVia: 1.0 a\r\nvia: 1.1 tidegate\r\n\
                accept: y\r\nx-consumer-id: 42\r\n{framing}\r\n"
            );
            assert_eq!(out, expected, "{body:?}");
        }
    }

    #[test]
    fn answers_are_framed_by_the_lane() {
        let text = b"HTTP/1.1 201 Whatever\r\nContent-Length: 7\r\nKeep-Alive: timeout=5\r\n\
            Transfer-Encoding: gzip\r\nETag: \"a\"\r\n\r\n";
        let Parse::Complete { head, .. } = parse_response(text, &HeadLimits::STANDARD) else {
            panic!("a good head");
        };
        for (body, close, framing) in [
            (Onward::None(None), false, ""),
            (Onward::None(Some(b"7")), false, "Content-Length: 7\r\n"),
            (
                Onward::Length(7),
                true,
                "Content-Length: 7\r\nConnection: close\r\n",
            ),
            (Onward::Chunked, false, "Transfer-Encoding: chunked\r\n"),
        ] {
            let out = written(|out| {
                let edits = Edits::default();
                write_answer(
                    out,
                    201,
                    &head.fields,
                    &edits,
                    body,
                    (&mut Date::default(), 0),
                    close,
                );
            });
            let expected = format!(
                "HTTP/1.1 201 Created\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"a\"\r\n{framing}\r\n"
            );
            assert_eq!(out, expected, "{body:?}");
        }
    }

    #[test]
    fn chunks_have_their_size_in_hex() {
        for (length, size) in [(1, "1"), (15, "f"), (16, "10"), (255, "ff"), (4096, "1000")] {
            let payload = vec![b'x'; length];
            let out = written(|out| write_chunk(out, &payload));
            assert_eq!(out, format!("{size}\r\n{}\r\n", "x".repeat(length)));
        }
    }
}
