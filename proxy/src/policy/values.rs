//! A policy's plain values: typed, complete, without a word of how they were written.

use crate::config::units::{LogTarget, SecretRef};
use filters::units::Network;
use http::HeaderValue;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// HTTP/1.1 is spoken.
    pub http1: bool,
    /// HTTP/2 is spoken: by ALPN under TLS, by prior knowledge without.
    pub http2: bool,
    /// Certificate and key.
    pub tls: Option<TlsFiles>,
}

/// Certificate and key, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Bounds of every client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Connections that one address (IPv6: one /64) may have open.
    pub per_address: u32,
    /// From a head's first byte to its last.
    pub head_timeout: Duration,
    /// From one request to the next.
    pub idle_timeout: Duration,
    /// For the whole of a request's body.
    pub body_timeout: Duration,
    /// For each write towards a client that does not read.
    pub write_timeout: Duration,
    /// Requests on one HTTP/1 connection.
    pub requests_per_connection: u32,
}

/// Servers that answer alike.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its name in the policy file.
    pub name: Arc<str>,
    /// Its servers, at least one.
    pub servers: Vec<SocketAddr>,
    /// How they share the work.
    pub balance: Balance,
    /// What they speak.
    pub protocol: Protocol,
    /// `Host` as they get it.
    pub host: HeaderValue,
    /// To connect.
    pub connect_timeout: Duration,
    /// For each read.
    pub read_timeout: Duration,
    /// For each write.
    pub write_timeout: Duration,
    /// How long an unused connection is kept.
    pub keep_alive: Duration,
    /// Attempts beyond the first.
    pub retries: usize,
}

/// How servers share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// In turn.
    #[default]
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastRequests,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS, by prior knowledge.
    H2c,
}

/// What carries requests (architecture, section 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lane {
    /// The straight lane wherever a request is plain, else the other.
    #[default]
    Straight,
    /// Pingora's proxy for every request.
    Pingora,
}

/// What a chain may cost for one request, by the word of `tidegate bench`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Time of all its filters together.
    pub chain: Option<Duration>,
    /// Allocations.
    pub allocations: Option<u32>,
}

/// What the process needs beside the plan: read once at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Proxies whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Bounds of every client's connection.
    pub connections: Connections,
    /// How long requests in flight may take when the process ends.
    pub drain: Duration,
    /// What carries requests.
    pub lane: Lane,
    /// The private listener for metrics and readiness.
    pub admin: Option<SocketAddr>,
    /// Where the access log goes.
    pub access_log: LogTarget,
    /// Where key records come from.
    pub keys: Keys,
    /// How much is remembered.
    pub memory: Memory,
}

/// Where key records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The URL of PostgreSQL; without one, whoever starts the process says.
    pub database: Option<SecretRef>,
    /// The keys under which secrets are sealed; the first seals.
    pub master_keys: Vec<SecretRef>,
    /// How often is asked for what no notification told.
    pub poll: Duration,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Signatures that are remembered against replay.
    pub replay_entries: usize,
    /// Owners of rate limit buckets.
    pub buckets: usize,
    /// Bytes of bodies that all requests together may hold for signatures.
    pub collected: u64,
}
