//! What the lane keeps of one request between Pingora's phases.

use super::super::Shared;
use super::super::message::Connection;
use super::super::wiring::{Chosen, Wiring};
use crate::plan::Route;
use crate::telemetry::metrics::RouteMetrics;
use ::pingora::http::RequestHeader;
use filters::chain::Chain;
use filters::exchange::{Exchange, Outcome};
use filters::reply::{Reason, Reply};
use http::Method;
use http::uri::PathAndQuery;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What the lane keeps of one request.
pub(super) struct Context {
    /// The plan that this request keeps to its end.
    pub(super) wiring: Arc<Wiring>,
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Option<Arc<Connection>>,
    pub(super) x: Option<Exchange>,
    /// The matched route, by the plan's index.
    pub(super) route: Option<usize>,
    pub(super) chosen: Option<Chosen>,
    pub(super) attempts: usize,
    /// Interim answers (1xx) of the upstream.
    pub(super) interims: u32,
    /// When the first attempt began, monotonic nanoseconds.
    pub(super) upstream_began_ns: u64,
    pub(super) upstream_ns: Option<u64>,
    /// A reply that a later phase decided on; `fail_to_proxy` gives it.
    pub(super) reply: Option<Box<Reply>>,
    pub(super) note: Option<String>,
    pub(super) status: u16,
    pub(super) request_bytes: u64,
    /// When it began, by the runtime's clock.
    pub(super) began: Instant,
    /// How long the whole exchange may take, once a route says so.
    pub(super) time: Option<Duration>,
    /// It counts as a stream of its connection.
    is_stream: bool,
    /// What was asked, for the log of an exchange that is dropped in its middle.
    asked: Option<(Method, PathAndQuery)>,
    /// The length of a body that was collected, for the head that goes upstream.
    pub(super) collected: Option<u64>,
    logged: bool,
}

// === impl Context ===

impl Context {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            wiring: shared.wiring(),
            shared,
            connection: None,
            x: None,
            route: None,
            chosen: None,
            attempts: 0,
            interims: 0,
            upstream_began_ns: 0,
            upstream_ns: None,
            reply: None,
            note: None,
            status: 0,
            request_bytes: 0,
            began: Instant::now(),
            time: None,
            is_stream: false,
            asked: None,
            collected: None,
            logged: false,
        }
    }

    /// The exchange belongs to this connection from now on; a stream of HTTP/2 keeps it busy.
    pub(super) fn enter(&mut self, connection: Arc<Connection>, head: &RequestHeader) {
        self.is_stream = head.version == http::Version::HTTP_2;
        if self.is_stream {
            connection.streams.begin();
        }
        self.connection = Some(connection);
        // Both are shared with the head, not copied.
        let target = head.uri.path_and_query().cloned();
        self.asked = target.map(|target| (head.method.clone(), target));
    }

    /// What is left of the time for the whole exchange; `None` without a route.
    pub(super) fn time_left(&self) -> Option<Duration> {
        Some(self.time?.saturating_sub(self.began.elapsed()))
    }

    /// The matched route.
    pub(super) fn route(&self) -> Option<&Route> {
        self.route.map(|index| &self.wiring.plan.routes[index])
    }

    /// The chain that judges this request.
    pub(super) fn chain(&self) -> Arc<Chain> {
        match self.route() {
            Some(route) => Arc::clone(&route.chain),
            None => Arc::clone(&self.wiring.plan.unrouted),
        }
    }

    fn metrics(&self) -> &RouteMetrics {
        match self.route {
            Some(index) => &self.wiring.route_metrics[index],
            None => &self.wiring.unrouted_metrics,
        }
    }

    /// Tells filters and counters how it ended. Once.
    pub(super) fn log(&mut self, parts: &LogParts<'_>) {
        if std::mem::replace(&mut self.logged, true) {
            return;
        }
        let chain = self.chain();
        let Some(mut x) = self.x.take() else { return };
        let now = self.shared.clock.now();
        let note = self.note.take();
        let outcome = Outcome {
            status: self.status,
            method: parts.method,
            target: parts.target,
            user_agent: parts.user_agent,
            request_bytes: self.request_bytes,
            response_bytes: parts.response_bytes,
            duration_ns: now.monotonic_ns.saturating_sub(x.started.monotonic_ns),
            upstream_ns: self.upstream_ns,
            upstream: self.chosen.as_ref().map(|chosen| chosen.address),
            cut: parts.cut,
            note: note.as_deref(),
        };
        chain.on_log(&mut x, &outcome);
        self.metrics().ended(
            self.status,
            x.refused,
            outcome.duration_ns,
            outcome.upstream_ns,
        );
    }
}

/// What only the session knows at the end.
pub(super) struct LogParts<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a [u8],
    pub(super) user_agent: Option<&'a [u8]>,
    pub(super) response_bytes: u64,
    pub(super) cut: bool,
}

/// An exchange that was dropped in its middle, by its deadline or a drain, is logged all the same.
impl Drop for Context {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if self.is_stream {
            connection.streams.end();
        }
        if self.logged {
            return;
        }
        let late = connection.expired() || self.time_left().is_some_and(|left| left.is_zero());
        let mut cut = true;
        if let Some(x) = &mut self.x {
            connection.keep_id(x.request_id.clone());
            if late && self.status == 0 {
                // The gate answers this by HTTP/1; a stream of HTTP/2 is reset.
                x.refused = Some(Reason::UpstreamTimeout);
                self.status = Reason::UpstreamTimeout.status();
                cut = self.is_stream;
            }
        }
        let asked = self.asked.take();
        self.log(&LogParts {
            method: asked.as_ref().map_or("", |(method, _)| method.as_str()),
            target: asked
                .as_ref()
                .map_or(b"", |(_, target)| target.as_str().as_bytes()),
            user_agent: None,
            response_bytes: 0,
            cut,
        });
    }
}
