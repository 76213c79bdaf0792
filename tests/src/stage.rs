//! An edge with its policy, keys and clock, on a free port.
//!
//! The edge is the real one, with real sockets; keys and clock are handed in, so that no test needs a
//! database or the wall clock. What needs those is tested through the program itself.

use crate::lane::in_lane;
use crate::signer::Signer;
use crate::{eventually, within};
use filters::key::{Environment, KeyRecord};
use filters::testing::{Fakes, START_S, fakes, key_record, key_text};
use std::net::SocketAddr;
use std::sync::Arc;
use tidegate::config::Files;
use tidegate::edge::{Edge, Parts};
use tidegate::telemetry::metrics::Metrics;
use tokio_util::sync::CancellationToken;

/// An edge on a free port.
pub struct Stage {
    /// Where it listens: the policy's first listener.
    pub address: SocketAddr,
    /// All its listeners.
    pub addresses: Vec<SocketAddr>,
    /// The clock, the keys, the log.
    pub fakes: Fakes,
    /// The edge itself.
    pub edge: Edge,
    /// Its counters.
    pub metrics: Arc<Metrics>,
    stop: CancellationToken,
    done: tokio::task::JoinHandle<()>,
}

// === impl Stage ===

impl Stage {
    /// Starts an edge by a policy's text.
    ///
    /// # Panics
    /// When the policy is not good.
    pub async fn start(policy: &str) -> Self {
        Self::start_with(policy, fakes()).await
    }

    /// Starts an edge by a policy's text with these surroundings.
    ///
    /// # Panics
    /// When the policy is not good.
    pub async fn start_with(policy: &str, fakes: Fakes) -> Self {
        let plan = plan(policy, &fakes);
        let drain = plan.drain;
        let metrics = Metrics::new();
        let parts = Parts {
            plan,
            clock: Arc::clone(&fakes.env.clock),
            metrics: Arc::clone(&metrics),
            threads: 2,
        };
        let edge = Edge::new(parts);
        let addresses = edge.bind(Vec::new()).unwrap();
        let stop = CancellationToken::new();
        let (running, token) = (edge.clone(), stop.clone());
        let done = tokio::spawn(async move { running.run(token, drain).await.unwrap() });
        Self {
            address: addresses[0],
            addresses,
            fakes,
            edge,
            metrics,
            stop,
            done,
        }
    }

    /// Serves by another policy from now on.
    pub fn reload(&self, policy: &str) {
        self.edge.swap(plan(policy, &self.fakes));
    }

    /// The present second.
    #[must_use]
    pub fn now_s(&self) -> u64 {
        self.fakes.env.clock.now().unix_s()
    }

    /// Puts in a live key of tier `free`; `change` may make it another.
    pub fn key(&self, seed: u32, change: impl FnOnce(&mut KeyRecord)) -> Signer {
        self.key_of(Environment::Live, seed, change)
    }

    /// Puts in a key.
    pub fn key_of(
        &self,
        environment: Environment,
        seed: u32,
        change: impl FnOnce(&mut KeyRecord),
    ) -> Signer {
        let text = key_text(environment, seed);
        let mut record = key_record(&text, seed);
        change(&mut record);
        self.fakes.keys.insert(record);
        Signer::new(text, &format!("sk_{seed}"))
    }

    /// The URL of a target.
    #[must_use]
    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// The log's lines, once there are at least so many.
    pub async fn log(&self, lines: usize) -> Vec<serde_json::Value> {
        eventually("the log", async || self.fakes.lines.all().len() >= lines).await;
        self.fakes
            .lines
            .all()
            .iter()
            .map(|line| serde_json::from_slice(line).expect("a log line is JSON"))
            .collect()
    }

    /// Begins to drain, without waiting for its end.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Drains to the end.
    pub async fn stop(self) {
        self.stop.cancel();
        within("the drain's end", self.done).await.unwrap();
    }
}

fn plan(policy: &str, fakes: &Fakes) -> Arc<tidegate::plan::Plan> {
    let loaded = match tidegate::policy::load("test.yaml", &in_lane(policy)) {
        Ok(loaded) => loaded,
        Err(report) => panic!("{}", report),
    };
    // Policies of tests name files of their own.
    let mut env = fakes.env.clone();
    env.texts = Arc::new(Files);
    match tidegate::plan::compile(&loaded.policy, &env) {
        Ok(plan) => Arc::new(plan),
        Err(report) => panic!("{}", report),
    }
}

/// The second at which every test's clock begins.
pub const BEGIN_S: u64 = START_S;

/// A policy with one upstream: hygiene, a log, a signature by either scheme, and limits that no test
/// meets by accident. `{upstream}` is put in for the address.
pub const SIGNED: &str = include_str!("signed.yaml");

/// A policy without authentication.
pub const OPEN: &str = include_str!("open.yaml");

/// A policy for hostile clients: a list of hosts, open, denied, limited and signed routes, timeouts
/// that no test meets by accident.
pub const HOSTILE: &str = include_str!("hostile.yaml");

/// A policy's text with its upstream's address.
#[must_use]
pub fn with_upstream(policy: &str, upstream: SocketAddr) -> String {
    policy.replace("{upstream}", &upstream.to_string())
}
