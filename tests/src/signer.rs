//! A client that signs.

use filters::signing::{Scheme, Secret, Signed, header_value, mac};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// A key and its secret.
#[derive(Clone)]
pub struct Signer {
    /// The key, as `X-API-Key` carries it.
    pub key: String,
    secret: Secret,
}

/// One request, before it is signed.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// Unix seconds.
    pub timestamp: u64,
    /// The nonce; empty for none.
    pub nonce: &'a str,
    /// The scheme.
    pub scheme: Scheme,
}

// === impl Signer ===

impl Signer {
    /// A signer with this key and this secret.
    #[must_use]
    pub fn new(key: impl Into<String>, secret: &str) -> Self {
        Self {
            key: key.into(),
            secret: Secret::new(secret.as_bytes()),
        }
    }

    /// The fields that a signed request carries.
    #[must_use]
    pub fn fields(&self, draft: &Draft<'_>) -> Vec<(&'static str, String)> {
        let (path, query) = draft.target.split_once('?').unwrap_or((draft.target, ""));
        let timestamp = draft.timestamp.to_string();
        let signed = Signed {
            method: draft.method,
            path: path.as_bytes(),
            query: query.as_bytes(),
            timestamp: &timestamp,
            nonce: draft.nonce,
        };
        let proof = mac(draft.scheme, &self.secret, &signed, draft.body);
        let mut fields = vec![
            ("X-API-Key", self.key.clone()),
            ("X-Timestamp", timestamp.clone()),
            ("X-API-Signature", header_value(draft.scheme, &proof)),
        ];
        if !draft.nonce.is_empty() {
            fields.push(("X-Nonce", draft.nonce.to_owned()));
        }
        fields
    }

    /// The whole request as HTTP/1.1 bytes, with a length.
    #[must_use]
    pub fn message(&self, host: SocketAddr, draft: &Draft<'_>) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            draft.method, draft.target
        );
        for (name, value) in self.fields(draft) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !draft.body.is_empty() {
            let _ = write!(head, "Content-Length: {}\r\n", draft.body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(draft.body);
        bytes
    }

    /// The whole request as HTTP/1.1 bytes, in chunks of `size`.
    #[must_use]
    pub fn chunked(&self, host: SocketAddr, draft: &Draft<'_>, size: usize) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            draft.method, draft.target
        );
        for (name, value) in self.fields(draft) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("Transfer-Encoding: chunked\r\n\r\n");
        let mut bytes = head.into_bytes();
        for chunk in draft.body.chunks(size) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}
