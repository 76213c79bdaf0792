//! The shape of a policy file, as written: nothing is resolved, nothing is filled in.
//!
//! `conf/tidegate.yaml` is the commented example. What a field means, which default it has and what
//! contradicts it is decided in `policy`; here is only what may be written where.

use super::named::Named;
use super::spanned::Spanned;
use super::tree::{NodeId, Tree};
use super::units::{
    Address, Allowance, Date, Duration, FileRef, HostName, LogTarget, Network, SecretRef,
    ShortTime, Size,
};
use serde::Deserialize;
use std::sync::Arc;

/// A policy file as written.
pub struct Raw {
    /// The whole file, for the places of later mistakes and for the filters' own parts.
    pub tree: Arc<Tree>,
    /// Everything but the chains.
    pub file: File,
    /// The chains, in the order of the file.
    pub chains: Vec<Chain>,
}

/// The outermost mapping.
#[derive(Clone, Debug, Deserialize)]
pub struct File {
    /// Where clients connect.
    pub listeners: Spanned<Vec<Spanned<Listener>>>,
    /// Peers whose `X-Forwarded-For` counts.
    #[serde(default)]
    pub trusted_proxies: Vec<Spanned<Network>>,
    /// What one connection may do.
    #[serde(default)]
    pub connections: Connections,
    /// How long requests in flight may go on after a signal to stop.
    pub drain: Option<Spanned<Duration>>,
    /// What carries requests.
    pub lane: Option<Spanned<Lane>>,
    /// What a chain may cost, for `tidegate bench`.
    #[serde(default)]
    pub budget: Budget,
    /// The private listener for metrics and readiness.
    pub admin: Option<Spanned<Admin>>,
    /// Logs.
    #[serde(default)]
    pub log: Log,
    /// The base of documentation links.
    pub documentation: Option<Spanned<String>>,
    /// The API versions.
    #[serde(default)]
    pub versions: Versions,
    /// Rate limits by tier.
    #[serde(default)]
    pub tiers: Named<Spanned<Tier>>,
    /// Where key records come from.
    pub keys: Option<Spanned<Keys>>,
    /// How much is remembered.
    #[serde(default)]
    pub memory: Memory,
    /// The services behind.
    #[serde(default)]
    pub upstreams: Named<Spanned<Upstream>>,
    /// The chains, read by [`Chain::read`](Chain).
    #[serde(default, rename = "chains")]
    pub(super) chain_items: Named<Spanned<Vec<NodeId>>>,
    /// The chain that judges what no route wants, before that is refused.
    pub unrouted: Option<Spanned<String>>,
    /// Which request goes where.
    #[serde(default)]
    pub routes: Spanned<Vec<Spanned<Route>>>,
}

/// What carries requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// The straight lane wherever a request is plain, else the other.
    Straight,
    /// Pingora's proxy for every request.
    Pingora,
}

/// What a chain may cost.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Budget {
    /// Time of all its filters together, for one request.
    pub chain: Option<Spanned<ShortTime>>,
    /// Allocations, for one request.
    pub allocations: Option<Spanned<u32>>,
}

/// Where clients connect.
#[derive(Clone, Debug, Deserialize)]
pub struct Listener {
    /// The address.
    pub address: Spanned<Address>,
    /// What is spoken there.
    pub protocols: Option<Spanned<Vec<Spanned<Protocol>>>>,
    /// The certificate; without one, plain TCP.
    pub tls: Option<Spanned<Tls>>,
    /// The hosts that are served.
    pub hosts: Option<Spanned<Vec<Spanned<HostName>>>>,
    /// Serves every host.
    #[serde(default)]
    pub any_host: Spanned<bool>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 (and HTTP/1.0).
    Http1,
    /// HTTP/2 over TLS.
    Http2,
    /// HTTP/2 without TLS, with prior knowledge (RFC 9113, section 3.3).
    H2c,
}

/// A certificate.
#[derive(Clone, Debug, Deserialize)]
pub struct Tls {
    /// The certificate chain in PEM.
    pub certificate: Spanned<FileRef>,
    /// The private key in PEM.
    pub key: Spanned<FileRef>,
}

/// What one connection may do.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Connections {
    /// Connections of one address (IPv6: of one /64) at once.
    pub per_address: Option<Spanned<u32>>,
    /// For the whole head of a request.
    pub head_timeout: Option<Spanned<Duration>>,
    /// Between two requests.
    pub idle_timeout: Option<Spanned<Duration>>,
    /// For the whole body of a request.
    pub body_timeout: Option<Spanned<Duration>>,
    /// For a write of the response that makes no progress.
    pub write_timeout: Option<Spanned<Duration>>,
    /// Requests after which a connection ends.
    pub requests_per_connection: Option<Spanned<u32>>,
}

/// The private listener.
#[derive(Clone, Debug, Deserialize)]
pub struct Admin {
    /// The address: loopback or private.
    pub address: Spanned<Address>,
}

/// Logs.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Log {
    /// One JSON line for each request.
    pub access: Option<Spanned<LogTarget>>,
}

/// The API versions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Versions {
    /// The version that serves a request that names none.
    pub current: Option<Spanned<String>>,
    /// The versions that are served; when left out, the current one alone.
    #[serde(default)]
    pub accepted: Named<Version>,
}

/// One API version.
#[derive(Clone, Debug, Deserialize)]
pub struct Version {
    /// When it was, or will be, deprecated.
    pub deprecated: Option<Spanned<Date>>,
    /// When it ends.
    pub sunset: Option<Spanned<Date>>,
    /// The migration guide.
    pub guide: Option<Spanned<String>>,
    /// The version that follows.
    pub successor: Option<Spanned<String>>,
}

/// Rate limits of one tier: `unlimited`, or policies by name.
#[derive(Clone, Debug)]
pub enum Tier {
    /// No limit.
    Unlimited,
    /// These policies; each must pass.
    Policies(Named<Spanned<Allowance>>),
}

/// Where key records come from.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// The URL of PostgreSQL.
    pub database: Option<Spanned<SecretRef>>,
    /// The keys under which secrets are sealed; the first seals.
    #[serde(default)]
    pub master_keys: Spanned<Vec<Spanned<SecretRef>>>,
    /// How often is asked for what no notification told.
    pub poll: Option<Spanned<Duration>>,
}

/// How much is remembered.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Memory {
    /// Signatures that are remembered against replay.
    pub replay_entries: Option<Spanned<u32>>,
    /// Rate limit buckets.
    pub buckets: Option<Spanned<u32>>,
    /// Bytes of bodies that are held at once, over all requests.
    pub collected: Option<Spanned<Size>>,
}

/// A service behind.
#[derive(Clone, Debug, Deserialize)]
pub struct Upstream {
    /// Its servers.
    pub servers: Spanned<Vec<Spanned<Address>>>,
    /// Which server is next.
    pub balance: Option<Spanned<Balance>>,
    /// What it speaks.
    pub protocol: Option<Spanned<UpstreamProtocol>>,
    /// The Host that it is sent.
    pub host: Option<Spanned<String>>,
    /// For a connection.
    pub connect_timeout: Option<Spanned<Duration>>,
    /// Between two reads.
    pub read_timeout: Option<Spanned<Duration>>,
    /// For a write that makes no progress.
    pub write_timeout: Option<Spanned<Duration>>,
    /// For the whole exchange.
    pub total_timeout: Option<Spanned<Duration>>,
    /// How often another server is tried when a connection fails.
    pub retries: Option<Spanned<u32>>,
    /// How long an idle connection is kept.
    pub keep_alive: Option<Spanned<Duration>>,
}

/// Which server is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastRequests,
}

/// What a service behind speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamProtocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, with prior knowledge.
    H2c,
}

/// Filters in order.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The chain's name.
    pub name: Spanned<String>,
    /// Where the list stands.
    pub filters: Vec<Filter>,
}

/// One filter of a chain.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The filter's name.
    pub name: Spanned<String>,
    /// Its own configuration: a mapping, empty when none was written.
    pub config: NodeId,
    /// The place of its configuration: `chains.public[3].signature`.
    pub path: String,
}

/// Which request goes where.
#[derive(Clone, Debug, Deserialize)]
pub struct Route {
    /// Its name, for logs and metrics.
    pub name: Spanned<String>,
    /// The path pattern.
    pub path: Spanned<String>,
    /// The methods.
    pub methods: Spanned<Vec<Spanned<String>>>,
    /// The hosts; when left out, every host of the listeners.
    pub hosts: Option<Spanned<Vec<Spanned<HostName>>>>,
    /// The chain.
    pub chain: Spanned<String>,
    /// The upstream.
    pub upstream: Spanned<String>,
    /// For the whole exchange with the upstream; when left out, the upstream's.
    pub timeout: Option<Spanned<Duration>>,
    /// Bytes of a request's body.
    pub body_max: Option<Spanned<Size>>,
    /// Says that nobody needs to prove who they are.
    #[serde(default)]
    pub public: Spanned<bool>,
    /// Passes `Authorization` on.
    #[serde(default)]
    pub keep_authorization: bool,
}

// === impl Raw ===

impl Raw {
    /// Whether the file has an entry of this name in a section, readable or not: who refers to it has
    /// made no mistake.
    #[must_use]
    pub fn names(&self, section: &str, name: &str) -> bool {
        let section = self.tree.field(self.tree.root(), section);
        section.is_some_and(|section| self.tree.field(section, name).is_some())
    }
}

// === impl Tier ===

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer};

        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Tier;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`unlimited`, or policies such as { hourly: 100/h, burst: 20/min }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Tier, E> {
                match text {
                    "unlimited" => Ok(Tier::Unlimited),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tier, A::Error> {
                Named::deserialize(MapAccessDeserializer::new(map)).map(Tier::Policies)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
