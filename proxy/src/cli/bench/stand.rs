//! The requests of `tidegate bench`: exchanges and their clients, in memory.
//!
//! Each is one that no other is like, so that replay protection lets it through, and comes a minute
//! after the one before, so that no limit is met. The partner that calls is made up.

use anyhow::Context;
use bytes::Bytes;
use filters::clock::Now;
use filters::exchange::{BoxFuture, Client, Exchange, RequestId, RouteFacts, Scheme};
use filters::head::{Fields, Head, Version};
use filters::key::{Credential, Environment, KeyRecord, KeyText, Rare, Usage, checksum};
use filters::reply::Reply;
use filters::signing::{self, Secret, Signed, header_value, mac};
use http::HeaderName;
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Between two requests.
const STEP_MS: u64 = 61_000;

/// Bytes of a body, where a route takes no GET.
const BODY_BYTES: usize = 1024;

const SECRET: &[u8] = b"sk_of_nobody_but_tidegate_bench";

/// What is asked.
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) host: String,
    pub(super) facts: Arc<RouteFacts>,
}

/// Makes requests.
pub(super) struct Stand {
    key: String,
    secret: Secret,
    scheme: signing::Scheme,
    peer: SocketAddr,
    unix_ms: u64,
    made: u64,
}

/// A client whose whole request is known beforehand.
pub(super) struct Known {
    method: &'static str,
    target: String,
    fields: Lines,
    body: Option<Bytes>,
    length: u64,
}

/// Field lines in their order.
pub(super) struct Lines(Vec<(&'static str, String)>);

// === impl Stand ===

impl Stand {
    /// A stand whose first request comes at this time, signed under this scheme.
    pub(super) fn new(unix_ms: u64, scheme: signing::Scheme) -> Self {
        let mut key = format!("{}{:030}", Environment::Live.prefix(), 0).into_bytes();
        let check = checksum(&key);
        key.extend_from_slice(&check);
        Self {
            key: String::from_utf8(key).expect("prefix, digits and base62 are ASCII"),
            secret: Secret::new(SECRET),
            scheme,
            peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
            unix_ms,
            made: 0,
        }
    }

    /// The record of the partner that calls, in this tier.
    pub(super) fn record(&self, tier: &str) -> anyhow::Result<KeyRecord> {
        let key = KeyText::parse(self.key.as_bytes())
            .ok()
            .context("the key that was made is none")?;
        Ok(KeyRecord {
            credential: Some(Credential {
                hash: key.hash(),
                until_s: None,
                secret: self.secret.clone(),
            }),
            number: 1,
            consumer: "bench".into(),
            environment: key.environment(),
            tier: tier.into(),
            scopes: "".into(),
            rare: Rare::default(),
            expires_s: None,
            revoked: false,
            version: 1,
            usage: Arc::new(Usage::default()),
        })
    }

    /// The next request.
    pub(super) fn next(&mut self, asked: &Asked) -> (Exchange, Known) {
        self.made += 1;
        let passed_ms = self.made * STEP_MS;
        let now = Now {
            monotonic_ns: passed_ms * 1_000_000,
            unix_ms: self.unix_ms + passed_ms,
        };
        let nonce = format!("{:016x}", self.made);
        let timestamp = now.unix_s().to_string();
        let mut body = match asked.method {
            "GET" | "HEAD" | "OPTIONS" | "DELETE" => Vec::new(),
            _ => vec![b'a'; BODY_BYTES],
        };
        if self.scheme == signing::Scheme::BodyTimestamp && !body.is_empty() {
            // Nothing but the body makes one request unlike another here.
            body[..nonce.len()].copy_from_slice(nonce.as_bytes());
        }
        let signed = Signed {
            method: asked.method,
            path: asked.path.as_bytes(),
            query: b"",
            timestamp: &timestamp,
            nonce: &nonce,
        };
        let proof = mac(self.scheme, &self.secret, &signed, &body);
        let mut fields = vec![
            ("Host", asked.host.clone()),
            ("User-Agent", "tidegate-bench".to_owned()),
            ("Accept", "*/*".to_owned()),
            ("X-API-Key", self.key.clone()),
            ("X-API-Signature", header_value(self.scheme, &proof)),
            ("X-Timestamp", timestamp.clone()),
            ("X-Nonce", nonce.clone()),
        ];
        if !body.is_empty() {
            fields.push(("Content-Type", "application/json".to_owned()));
            fields.push(("Content-Length", body.len().to_string()));
        }
        let id = RequestId::from_uuid(Uuid::from_u128(self.made.into()));
        let mut exchange = Exchange::new(now, self.peer, Scheme::Https, id);
        exchange.route = Some(Arc::clone(&asked.facts));
        let known = Known {
            method: asked.method,
            target: asked.path.clone(),
            fields: Lines(fields),
            length: body.len() as u64,
            body: (!body.is_empty()).then(|| body.into()),
        };
        (exchange, known)
    }
}

// === impl Known ===

impl Client for Known {
    fn head(&self) -> Head<'_> {
        Head {
            method: self.method,
            target: self.target.as_bytes(),
            authority: None,
            version: Version::Http11,
            fields: &self.fields,
        }
    }

    fn announced_length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn read<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Bytes>, Box<Reply>>> {
        let piece = self.body.take();
        Box::pin(std::future::ready(Ok(piece)))
    }
}

// === impl Lines ===

impl Lines {
    /// The head of an answer.
    pub(super) fn of_an_answer() -> Self {
        let line = |name, value: &str| (name, value.to_owned());
        Self(vec![
            line("Content-Type", "application/json"),
            line("Content-Length", "250"),
            line("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ])
    }
}

impl Fields for Lines {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        let named = self
            .0
            .iter()
            .filter(|(spelled, _)| spelled.eq_ignore_ascii_case(name.as_str()));
        named.map(|(_, value)| value.as_bytes()).nth(n)
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name.as_bytes(), value.as_bytes());
        }
    }
}
