//! As much of PostgreSQL's protocol (version 3, chapter "Frontend/Backend Protocol") as sharing one
//! backend needs: where a message ends, which one ends a batch, and a few answers of our own.

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::MESSAGE_BYTES_MAX;

/// Asks for TLS; we answer no.
const SSL_REQUEST: u32 = 80_877_103;
/// Asks for GSSAPI encryption; we answer no.
const GSS_REQUEST: u32 = 80_877_104;
/// Version 3.0 in a start-up message.
const PROTOCOL_3: u32 = 196_608;

/// The first thing that a driver says, which has no type byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Encryption is wanted first.
    Encryption,
    /// A session is wanted.
    Session,
}

/// One message with its type byte, as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) tag: u8,
    /// Type, length and body.
    pub(super) bytes: Bytes,
}

/// Bytes that are no message, or one beyond the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled;

/// Takes the opening off the front, or waits for more.
pub(super) fn opening(buffer: &mut BytesMut) -> Result<Option<Opening>, Garbled> {
    let Some(length) = length(buffer, 0)? else {
        return Ok(None);
    };
    if length < 8 {
        return Err(Garbled);
    }
    if buffer.len() < length {
        return Ok(None);
    }
    let message = buffer.split_to(length);
    match u32::from_be_bytes([message[4], message[5], message[6], message[7]]) {
        SSL_REQUEST | GSS_REQUEST => Ok(Some(Opening::Encryption)),
        PROTOCOL_3 => Ok(Some(Opening::Session)),
        _ => Err(Garbled),
    }
}

/// Takes one message off the front, or waits for more.
pub(super) fn message(buffer: &mut BytesMut) -> Result<Option<Message>, Garbled> {
    let Some(length) = length(buffer, 1)? else {
        return Ok(None);
    };
    if buffer.len() < 1 + length {
        return Ok(None);
    }
    let bytes = buffer.split_to(1 + length).freeze();
    Ok(Some(Message {
        tag: bytes[0],
        bytes,
    }))
}

fn length(buffer: &[u8], at: usize) -> Result<Option<usize>, Garbled> {
    let Some(&[a, b, c, d]) = buffer.get(at..at + 4) else {
        return Ok(None);
    };
    match u32::from_be_bytes([a, b, c, d]) as usize {
        length if (4..=MESSAGE_BYTES_MAX).contains(&length) => Ok(Some(length)),
        _ => Err(Garbled),
    }
}

impl Message {
    /// Whether the backend answers after this one and then waits: Query, Sync, FunctionCall.
    pub(super) fn ends_batch(&self) -> bool {
        matches!(self.tag, b'Q' | b'S' | b'F')
    }

    /// The statement that a Parse makes, when it has a name.
    pub(super) fn prepares(&self) -> Option<Bytes> {
        (self.tag == b'P').then(|| self.name_from(5)).flatten()
    }

    /// The statement that a Close takes away.
    pub(super) fn forgets(&self) -> Option<Bytes> {
        (self.tag == b'C' && self.bytes.get(5) == Some(&b'S'))
            .then(|| self.name_from(6))
            .flatten()
    }

    fn name_from(&self, at: usize) -> Option<Bytes> {
        let end = at + self.bytes.get(at..)?.iter().position(|&byte| byte == 0)?;
        (end > at).then(|| self.bytes.slice(at..end))
    }
}

/// What a server says once somebody may come in.
pub(super) fn welcome() -> Bytes {
    let mut out = BytesMut::new();
    put(&mut out, b'R', |body| body.put_u32(0));
    for (name, value) in [
        ("server_version", "18.0"),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, MDY"),
        ("TimeZone", "UTC"),
        ("integer_datetimes", "on"),
        ("standard_conforming_strings", "on"),
    ] {
        put(&mut out, b'S', |body| {
            body.put_slice(name.as_bytes());
            body.put_u8(0);
            body.put_slice(value.as_bytes());
            body.put_u8(0);
        });
    }
    // A key to cancel with; nothing here takes cancel requests.
    put(&mut out, b'K', |body| body.put_u64(0));
    ready(&mut out);
    out.freeze()
}

/// A refusal. After an `ERROR` the session goes on, after a `FATAL` it is over.
pub(super) fn refusal(severity: &str, sqlstate: &str, text: &str) -> Bytes {
    let mut out = BytesMut::new();
    put(&mut out, b'E', |body| {
        for (field, value) in [
            (b'S', severity),
            (b'V', severity),
            (b'C', sqlstate),
            (b'M', text),
        ] {
            body.put_u8(field);
            body.put_slice(value.as_bytes());
            body.put_u8(0);
        }
        body.put_u8(0);
    });
    if severity == "ERROR" {
        ready(&mut out);
    }
    out.freeze()
}

/// A batch that drops statements, or rolls back first.
pub(super) fn farewell(statements: impl Iterator<Item = Bytes>) -> BytesMut {
    let mut out = BytesMut::new();
    for name in statements {
        put(&mut out, b'C', |body| {
            body.put_u8(b'S');
            body.put_slice(&name);
            body.put_u8(0);
        });
    }
    put(&mut out, b'S', |_| {});
    out
}

/// `ROLLBACK` as a simple query.
pub(super) fn rollback() -> BytesMut {
    let mut out = BytesMut::new();
    put(&mut out, b'Q', |body| body.put_slice(b"ROLLBACK\0"));
    out
}

/// The state that an answer ends with: `I` idle, `T` in a transaction, `E` in a refused one.
pub(super) fn status(answer: &[u8]) -> Option<u8> {
    match answer {
        [.., b'Z', 0, 0, 0, 5, status @ (b'I' | b'T' | b'E')] => Some(*status),
        _ => None,
    }
}

fn ready(out: &mut BytesMut) {
    put(out, b'Z', |body| body.put_u8(b'I'));
}

fn put(out: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(tag);
    let start = out.len();
    out.put_u32(0);
    body(out);
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_messages_apart_at_any_cut() {
        let mut whole = rollback();
        whole.extend_from_slice(&farewell([Bytes::from_static(b"s1")].into_iter()));
        for cut in 0..=whole.len() {
            let mut buffer = BytesMut::from(&whole[..cut]);
            let mut tags = Vec::new();
            while let Some(message) = message(&mut buffer).unwrap() {
                tags.push(message.tag);
            }
            buffer.extend_from_slice(&whole[cut..]);
            while let Some(message) = message(&mut buffer).unwrap() {
                tags.push(message.tag);
            }
            assert_eq!(tags, b"QCS", "cut at {cut}");
        }
    }

    #[test]
    fn refuses_lengths_that_lie() {
        for length in [0_u32, 3, MESSAGE_BYTES_MAX as u32 + 1, u32::MAX] {
            let mut buffer = BytesMut::from(&b"Q"[..]);
            buffer.put_u32(length);
            assert_eq!(message(&mut buffer), Err(Garbled), "{length}");
        }
        for length in [4_u32, MESSAGE_BYTES_MAX as u32] {
            let mut buffer = BytesMut::from(&b"S"[..]);
            buffer.put_u32(length);
            assert_eq!(message(&mut buffer).unwrap().is_some(), length == 4);
        }
    }

    #[test]
    fn knows_which_statements_come_and_go() {
        let cases: [(&[u8], Option<&str>, Option<&str>); 5] = [
            (b"P\0\0\0\x0as1\0\0\0", Some("s1"), None),
            (b"P\0\0\0\x08\0q\0\0", None, None),
            (b"C\0\0\0\x08Ss1\0", None, Some("s1")),
            (b"C\0\0\0\x08Ps1\0", None, None),
            (b"P\0\0\0\x06s1", None, None),
        ];
        for (bytes, prepares, forgets) in cases {
            let message = Message {
                tag: bytes[0],
                bytes: Bytes::from_static(bytes),
            };
            assert_eq!(
                message.prepares().as_deref(),
                prepares.map(str::as_bytes),
                "{bytes:?}"
            );
            assert_eq!(
                message.forgets().as_deref(),
                forgets.map(str::as_bytes),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn reads_the_state_off_the_end() {
        assert_eq!(status(&welcome()), Some(b'I'));
        assert_eq!(status(&refusal("ERROR", "55P03", "later")), Some(b'I'));
        assert_eq!(status(&refusal("FATAL", "57P01", "over")), None);
        assert_eq!(status(b"Z\0\0\0\x05T"), Some(b'T'));
        assert_eq!(status(b""), None);
    }
}
