//! One request, of which a test can change any part before it is sent.
//!
//! [`crate::raw`] sends it by HTTP/1.1, [`crate::http2`] by HTTP/2.

use crate::signer::{Draft, Signer};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// One request.
#[derive(Clone, Debug)]
pub struct Message {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The field lines, without those of host and framing.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How the body is framed.
    pub framing: Framing,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its announced length; not at all when it is empty.
    Usual,
    /// By its announced length, even when that is 0.
    Length,
    /// In chunks of so many bytes; by HTTP/2 in frames, without an announced length.
    Chunks(usize),
}

// === impl Message ===

impl Message {
    /// A request without fields and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            body: Vec::new(),
            framing: Framing::Usual,
        }
    }

    /// A signed request.
    #[must_use]
    pub fn signed(signer: &Signer, draft: &Draft<'_>) -> Self {
        let mut message = Self::new(draft.method, draft.target).body(draft.body);
        for (name, value) in signer.fields(draft) {
            message = message.field(name, &value);
        }
        message
    }

    /// The same with another body, under the same fields.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same in another framing.
    #[must_use]
    pub const fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// The same with one field line more.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    /// The same with another value of a field.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).field(name, value)
    }

    /// The value of the first field line of this name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        let mut lines = self.fields.iter();
        let line = lines.find(|(n, _)| n.eq_ignore_ascii_case(name));
        &line.expect("a field of this name").1
    }

    /// The request as HTTP/1.1 bytes (RFC 9112).
    #[must_use]
    pub fn to_http1(&self, host: SocketAddr) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            self.method, self.target
        );
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        match self.framing {
            Framing::Usual if self.body.is_empty() => {}
            Framing::Usual | Framing::Length => {
                let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
            }
            Framing::Chunks(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        let Framing::Chunks(size) = self.framing else {
            bytes.extend_from_slice(&self.body);
            return bytes;
        };
        for chunk in self.body.chunks(size) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}
