//! A plan with what outlives it: the state of each upstream's servers, and the counters of each route.
//!
//! The plan holds wiring and never state, so that dropping it is invisible to clients. What must live
//! on — which server is down, who has how many requests — is found again here by name when a new
//! plan comes.

use super::limits::UPSTREAM_REST;
use super::straight::Lines;
use crate::plan::{Balance, Plan, Protocol, Upstream};
use crate::telemetry::metrics::{Metrics, RouteMetrics};
use pingora::upstreams::peer::{ALPN, HttpPeer};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// A plan, ready to serve.
pub(crate) struct Wiring {
    pub(crate) plan: Arc<Plan>,
    /// By the plan's index of upstreams.
    pub(crate) pools: Vec<Pool>,
    /// By the plan's index of routes.
    pub(crate) route_metrics: Vec<Arc<RouteMetrics>>,
    pub(crate) unrouted_metrics: Arc<RouteMetrics>,
    /// What no exchange may outlast, whatever its route.
    pub(crate) longest_exchange: Duration,
    states: HashMap<(String, SocketAddr), Arc<ServerState>>,
}

/// The servers of one upstream.
pub(crate) struct Pool {
    pub(crate) name: Arc<str>,
    pub(crate) retries: usize,
    pub(crate) host: http::HeaderValue,
    balance: Balance,
    next: AtomicUsize,
    servers: Vec<Server>,
}

/// One server: its prepared peer, and its state.
struct Server {
    address: SocketAddr,
    peer: HttpPeer,
    state: Arc<ServerState>,
}

/// What is known of a server, longer than any plan.
struct ServerState {
    requests: AtomicUsize,
    down_until_ns: AtomicU64,
    /// The straight lane's kept connections.
    lines: Lines,
}

/// A server that was chosen for one attempt; counts as busy until dropped.
pub(crate) struct Chosen {
    pub(crate) address: SocketAddr,
    state: Arc<ServerState>,
}

// === impl Wiring ===

impl Wiring {
    /// Wires a plan, with the state that `before` left.
    pub(crate) fn new(
        plan: Arc<Plan>,
        before: Option<&Self>,
        metrics: &Metrics,
        workers: usize,
    ) -> Self {
        let mut states = HashMap::new();
        let pools = plan
            .upstreams
            .iter()
            .map(|upstream| Pool::new(upstream, &mut states, before, workers))
            .collect();
        let route_metrics = plan
            .routes
            .iter()
            .map(|route| metrics.route(&route.facts.name))
            .collect();
        let unrouted_metrics = metrics.unrouted();
        let exchanges = plan.routes.iter().map(|route| route.timeout).max();
        let longest_exchange = exchanges.unwrap_or_default() + plan.connections.body_timeout;
        Self {
            plan,
            pools,
            route_metrics,
            unrouted_metrics,
            longest_exchange,
            states,
        }
    }

    /// Closes upstream connections that were kept too long.
    pub(crate) fn sweep(&self, now_ns: u64) {
        for (pool, upstream) in self.pools.iter().zip(&self.plan.upstreams) {
            for server in &pool.servers {
                server.state.lines.sweep(now_ns, upstream.keep_alive);
            }
        }
    }
}

// === impl Pool ===

impl Pool {
    fn new(
        upstream: &Upstream,
        states: &mut HashMap<(String, SocketAddr), Arc<ServerState>>,
        before: Option<&Wiring>,
        workers: usize,
    ) -> Self {
        let servers = upstream
            .servers
            .iter()
            .map(|&address| {
                let key = (upstream.name.to_string(), address);
                let known = before.and_then(|wiring| wiring.states.get(&key)).cloned();
                let state = known.unwrap_or_else(|| Arc::new(ServerState::new(workers)));
                states.insert(key, Arc::clone(&state));
                Server {
                    address,
                    peer: prepare(upstream, address),
                    state,
                }
            })
            .collect();
        Self {
            name: Arc::clone(&upstream.name),
            retries: upstream.retries,
            host: upstream.host.clone(),
            balance: upstream.balance,
            next: AtomicUsize::new(0),
            servers,
        }
    }

    /// Chooses a server: round robin or the least busy, passing over those that rest, unless all do.
    pub(crate) fn choose(&self, now_ns: u64) -> Option<Chosen> {
        self.choose_server(now_ns).map(|(chosen, _)| chosen)
    }

    /// As [`Self::choose`], with what Pingora has to know of the server.
    pub(crate) fn choose_peer(&self, now_ns: u64) -> Option<(Chosen, HttpPeer)> {
        let (chosen, server) = self.choose_server(now_ns)?;
        Some((chosen, server.peer.clone()))
    }

    fn choose_server(&self, now_ns: u64) -> Option<(Chosen, &Server)> {
        let count = self.servers.len();
        if count == 0 {
            return None;
        }
        let start = self.next.fetch_add(1, Relaxed) % count;
        let in_turn = || (0..count).map(|step| &self.servers[(start + step) % count]);
        let awake = |server: &&Server| server.state.down_until_ns.load(Relaxed) <= now_ns;
        let server = match self.balance {
            Balance::RoundRobin => in_turn().find(awake),
            Balance::LeastRequests => in_turn()
                .filter(awake)
                .min_by_key(|server| server.state.requests.load(Relaxed)),
        }
        .unwrap_or(&self.servers[start]);
        server.state.requests.fetch_add(1, Relaxed);
        let chosen = Chosen {
            address: server.address,
            state: Arc::clone(&server.state),
        };
        Some((chosen, server))
    }
}

// === impl ServerState ===

impl ServerState {
    fn new(workers: usize) -> Self {
        Self {
            requests: AtomicUsize::new(0),
            down_until_ns: AtomicU64::new(0),
            lines: Lines::new(workers),
        }
    }
}

// === impl Chosen ===

impl Chosen {
    /// The straight lane's kept connections to the server.
    pub(crate) fn lines(&self) -> &Lines {
        &self.state.lines
    }

    /// The server could not be reached: it rests.
    pub(crate) fn rest(&self, now_ns: u64) {
        let rest = u64::try_from(UPSTREAM_REST.as_nanos()).unwrap_or(u64::MAX);
        self.state
            .down_until_ns
            .store(now_ns.saturating_add(rest), Relaxed);
    }

    /// The server was reached.
    pub(crate) fn wake(&self) {
        if self.state.down_until_ns.load(Relaxed) != 0 {
            self.state.down_until_ns.store(0, Relaxed);
        }
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.state.requests.fetch_sub(1, Relaxed);
    }
}

fn prepare(upstream: &Upstream, address: SocketAddr) -> HttpPeer {
    let mut peer = HttpPeer::new(address, false, String::new());
    peer.options.connection_timeout = Some(upstream.connect_timeout);
    peer.options.total_connection_timeout = Some(upstream.connect_timeout);
    peer.options.read_timeout = Some(upstream.read_timeout);
    peer.options.write_timeout = Some(upstream.write_timeout);
    peer.options.idle_timeout = Some(upstream.keep_alive);
    match upstream.protocol {
        Protocol::Http1 => peer.options.alpn = ALPN::H1,
        Protocol::H2c => {
            peer.options.set_http_version(2, 2);
            peer.options.max_h2_streams = 100;
        }
    }
    peer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(balance: Balance, servers: usize) -> Pool {
        let upstream = Upstream {
            name: "orders".into(),
            servers: (0..servers)
                .map(|n| SocketAddr::from(([127, 0, 0, 1], 9000 + n as u16)))
                .collect(),
            balance,
            protocol: Protocol::Http1,
            host: http::HeaderValue::from_static("orders"),
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(1),
            keep_alive: Duration::from_secs(1),
            retries: 1,
        };
        Pool::new(&upstream, &mut HashMap::new(), None, 1)
    }

    #[test]
    fn servers_take_turns_and_a_resting_one_is_passed_over() {
        let pool = pool(Balance::RoundRobin, 3);
        let port = |now| pool.choose(now).map(|chosen| chosen.address.port());
        let turns: Vec<_> = (0..4).filter_map(|_| port(0)).collect();
        assert_eq!(turns, [9000, 9001, 9002, 9000]);
        let chosen = pool.choose(0).unwrap();
        assert_eq!(chosen.address.port(), 9001);
        chosen.rest(10);
        let rest = u64::try_from(UPSTREAM_REST.as_nanos()).unwrap();
        let while_resting: Vec<_> = (0..4).filter_map(|_| port(10 + rest - 1)).collect();
        assert!(!while_resting.contains(&9001), "{while_resting:?}");
        let after: Vec<_> = (0..3).filter_map(|_| port(10 + rest)).collect();
        assert!(after.contains(&9001), "{after:?}");
    }

    #[test]
    fn the_least_busy_server_is_chosen_and_all_resting_is_as_none() {
        let pool = pool(Balance::LeastRequests, 2);
        let first = pool.choose(0).unwrap();
        let second = pool.choose(0).unwrap();
        assert_ne!(first.address, second.address);
        drop(first);
        let third = pool.choose(0).unwrap();
        assert_ne!(third.address, second.address);
        third.rest(0);
        second.rest(0);
        assert!(pool.choose(1).is_some());
    }
}
