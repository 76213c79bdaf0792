//! What runs: immutable, compiled from a policy, swapped whole.
//!
//! The plan holds wiring and never state (never-rule 6): no counters, keys or connections. Requests
//! pin one plan and keep it to their end. The edge reads these types and nothing of the policy file.

mod compile;
pub mod router;

pub use crate::policy::{Balance, Connections, Lane, Listener, Protocol, TlsFiles, Upstream};
pub use compile::compile;
pub use router::{Found, Router};

use filters::chain::Chain;
use filters::exchange::RouteFacts;
use filters::units::Network;
use std::sync::Arc;
use std::time::Duration;

/// A policy, ready to run.
pub struct Plan {
    /// Where to listen.
    pub listeners: Vec<Listener>,
    /// Proxies whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Bounds of every client's connection.
    pub connections: Connections,
    /// How long requests in flight may take when the process ends.
    pub drain: Duration,
    /// What carries requests.
    pub lane: Lane,
    /// Bytes of bodies that all requests together may hold for signatures.
    pub collected_max: u64,
    /// The base of documentation links, without a slash at the end.
    pub documentation: String,
    /// Finds a route.
    pub router: Router,
    /// The routes; the router tells their index.
    pub routes: Vec<Route>,
    /// The upstreams; a route tells their index.
    pub upstreams: Vec<Upstream>,
    /// Judges what no route wants, before it is refused: hygiene first, as everywhere.
    pub unrouted: Arc<Chain>,
}

/// One route.
pub struct Route {
    /// What filters may know.
    pub facts: Arc<RouteFacts>,
    /// What judges its requests.
    pub chain: Arc<Chain>,
    /// Where they go: an index into the plan's upstreams.
    pub upstream: usize,
    /// For the whole exchange.
    pub timeout: Duration,
}
