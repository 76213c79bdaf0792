//! What is known of one exchange, and its end in the log and the counters.
//!
//! The record tells when it is dropped: so an exchange that is cut in its middle, by a drain or because
//! its task ends, is told like every other.

use super::super::Shared;
use super::super::wire::RequestHead;
use super::fault::Fault;
use crate::telemetry::metrics::RouteMetrics;
use filters::chain::Chain;
use filters::exchange::{Exchange, Outcome};
use filters::head::{Head, Version};
use std::borrow::Cow;
use std::net::SocketAddr;

/// What is known of one exchange.
pub(super) struct Record<'r> {
    pub(super) shared: &'r Shared,
    pub(super) head: &'r RequestHead<'r>,
    pub(super) chain: &'r Chain,
    pub(super) metrics: &'r RouteMetrics,
    pub(super) x: Exchange,
    /// The status that the client got, or is getting; 0 when none.
    pub(super) status: u16,
    /// The client got an interim answer: no other attempt may contradict it.
    pub(super) has_interim: bool,
    /// Bytes of the request's body that arrived.
    pub(super) request_bytes: u64,
    /// Bytes of the answer's body that were sent.
    pub(super) response_bytes: u64,
    pub(super) upstream: Option<SocketAddr>,
    pub(super) upstream_ns: Option<u64>,
    pub(super) note: Option<Cow<'static, str>>,
    /// The answer is through to its end.
    pub(super) is_whole: bool,
}

// === impl Record ===

impl Record<'_> {
    /// Lets the filters edit the head that goes to the upstream, from the client's head again.
    pub(super) fn edit_request(&mut self) -> Result<(), Fault> {
        self.x.upstream.clear();
        let view = view(self.head);
        self.chain
            .on_upstream_request(&mut self.x, &view)
            .map_err(Fault::Reply)
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        let outcome = Outcome {
            status: self.status,
            method: self.head.method,
            target: self.head.target,
            user_agent: self.head.fields.first("user-agent"),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            duration_ns: now.monotonic_ns.saturating_sub(self.x.started.monotonic_ns),
            upstream_ns: self.upstream_ns,
            upstream: self.upstream,
            cut: !self.is_whole,
            note: self.note.as_deref(),
        };
        self.chain.on_log(&mut self.x, &outcome);
        self.metrics.ended(
            self.status,
            self.x.refused,
            outcome.duration_ns,
            outcome.upstream_ns,
        );
    }
}

/// A request's head as filters see it.
pub(super) fn view<'r>(head: &'r RequestHead<'r>) -> Head<'r> {
    Head {
        method: head.method,
        target: head.target,
        authority: None,
        version: Version::Http11,
        fields: &head.fields,
    }
}
