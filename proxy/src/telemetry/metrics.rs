//! Every metric, its name, and the handles that the request path counts with.
//!
//! A metric has one owner and bounded labels: route names come from the plan, statuses and reasons
//! from closed lists, upstream names from the policy file; never a key, a path, a method as sent or
//! an address. What is looked up by name is looked up when a plan is made: a request costs a few
//! additions on atomics ([`RouteMetrics::ended`]).
//!
//! Figures that somebody else holds (open connections, key records) are not mirrored on every
//! change; they are read when the page is asked for ([`Gauges`]).

use super::limits::{ROUTES_MAX, UPSTREAMS_MAX};
use filters::reply::Reason;
use parking_lot::Mutex;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The name of series that belong to no route: refusals before routing.
pub const UNROUTED: &str = "none";

/// The name that stands for all that came after the bound on names.
const OTHER: &str = "other";

/// The media type of [`Metrics::render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the duration buckets, seconds: the contract's 200 ms and 1 s are among them.
const DURATION_BUCKETS_S: [f64; 14] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// Statuses with a series of their own lie in this range; anything else is `other`.
const STATUSES: std::ops::Range<u16> = 100..600;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    refusals: IntCounterVec,
    duration: HistogramVec,
    upstream_duration: HistogramVec,
    connections: IntCounter,
    connections_refused: IntCounterVec,
    upstream_failures: IntCounterVec,
    reloads: IntCounterVec,
    connections_open: IntGauge,
    collected_bytes: IntGauge,
    replay_entries: IntGauge,
    log_dropped: IntGauge,
    keys: IntGauge,
    keys_unopened: IntGauge,
    keys_age: Gauge,
    ready: IntGauge,
    routes: Mutex<HashMap<Arc<str>, Arc<RouteMetrics>>>,
    upstreams: Mutex<HashMap<Box<str>, ()>>,
}

/// The series of one route, looked up beforehand.
pub struct RouteMetrics {
    route: Arc<str>,
    /// Filled as statuses occur, so that a page shows only what happened.
    statuses: Box<[OnceLock<IntCounter>]>,
    reasons: Box<[OnceLock<IntCounter>]>,
    requests: IntCounterVec,
    refusals: IntCounterVec,
    duration: Histogram,
    upstream_duration: Histogram,
}

/// Figures that are read when the page is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Connections of clients that are open.
    pub connections_open: u64,
    /// Bytes of request bodies that are held in memory.
    pub collected_bytes: u64,
    /// Signatures in the replay memory.
    pub replay_entries: u64,
    /// Access log lines dropped since the start.
    pub log_dropped: u64,
    /// Key records in memory.
    pub keys: u64,
    /// Key records whose secret could not be opened.
    pub keys_unopened: u64,
    /// Seconds since the key records were last known to be those of the database.
    pub keys_age_s: Option<f64>,
    /// Whether traffic is served.
    pub ready: bool,
}

// === impl Metrics ===

impl Metrics {
    /// All metrics at zero, and the process's own figures.
    ///
    /// # Panics
    /// Never: the names below are well-formed and told apart, which a test proves.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let process = ProcessCollector::for_self();
        registry
            .register(Box::new(process))
            .expect("the process's metrics are registered once");
        let buckets = DURATION_BUCKETS_S.to_vec();
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(buckets.clone());
            register(&registry, HistogramVec::new(options, &["route"]))
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let gauge = |name: &str, help: &str| register(&registry, IntGauge::new(name, help));
        Arc::new(Self {
            requests: counters(
                "tidegate_requests_total",
                "Requests that ended, by route and by the status the client got (0: none).",
                &["route", "status"],
            ),
            refusals: counters(
                "tidegate_refusals_total",
                "Requests that the edge answered itself, by route and reason.",
                &["route", "reason"],
            ),
            duration: histogram(
                "tidegate_request_duration_seconds",
                "From the complete request head to the end of the exchange.",
            ),
            upstream_duration: histogram(
                "tidegate_upstream_duration_seconds",
                "From choosing an upstream server to its response head.",
            ),
            connections: register(
                &registry,
                IntCounter::new(
                    "tidegate_connections_total",
                    "Connections of clients that were accepted.",
                ),
            ),
            connections_refused: counters(
                "tidegate_connections_refused_total",
                "Connections of clients that were turned away, by reason.",
                &["reason"],
            ),
            upstream_failures: counters(
                "tidegate_upstream_failures_total",
                "Failed attempts at an upstream server, by upstream and kind.",
                &["upstream", "kind"],
            ),
            reloads: counters(
                "tidegate_reloads_total",
                "Attempts to load the policy file anew, by result.",
                &["result"],
            ),
            connections_open: gauge(
                "tidegate_connections_open",
                "Connections of clients that are open.",
            ),
            collected_bytes: gauge(
                "tidegate_collected_bytes",
                "Bytes of request bodies held in memory until their signature is verified.",
            ),
            replay_entries: gauge(
                "tidegate_replay_entries",
                "Signatures remembered against replay.",
            ),
            log_dropped: gauge(
                "tidegate_access_log_dropped",
                "Access log lines dropped since the start, because the writer was too slow.",
            ),
            keys: gauge("tidegate_key_records", "Key records in memory."),
            keys_unopened: gauge(
                "tidegate_key_records_unopened",
                "Key records whose secret no master key opens.",
            ),
            keys_age: register(
                &registry,
                Gauge::new(
                    "tidegate_key_records_age_seconds",
                    "Seconds since the key records were last known to be the database's.",
                ),
            ),
            ready: gauge("tidegate_ready", "1 while traffic is served."),
            routes: Mutex::default(),
            upstreams: Mutex::default(),
            registry,
        })
    }

    /// The series of a route of the plan; the same ones for the same name.
    #[must_use]
    pub fn route(&self, name: &str) -> Arc<RouteMetrics> {
        let mut routes = self.routes.lock();
        let name = if routes.contains_key(name) || routes.len() < ROUTES_MAX {
            name
        } else {
            OTHER
        };
        if let Some(known) = routes.get(name) {
            return Arc::clone(known);
        }
        let route: Arc<str> = name.into();
        let fresh = Arc::new(RouteMetrics {
            statuses: STATUSES.map(|_| OnceLock::new()).collect(),
            reasons: Reason::ALL.iter().map(|_| OnceLock::new()).collect(),
            requests: self.requests.clone(),
            refusals: self.refusals.clone(),
            duration: self.duration.with_label_values(&[name]),
            upstream_duration: self.upstream_duration.with_label_values(&[name]),
            route: Arc::clone(&route),
        });
        routes.insert(route, Arc::clone(&fresh));
        fresh
    }

    /// The series of requests that belong to no route.
    #[must_use]
    pub fn unrouted(&self) -> Arc<RouteMetrics> {
        self.route(UNROUTED)
    }

    /// A client's connection was accepted.
    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    /// A client's connection was turned away; `reason` is fixed in the program.
    pub fn connection_refused(&self, reason: &'static str) {
        self.connections_refused.with_label_values(&[reason]).inc();
    }

    /// An attempt at an upstream server failed; `upstream` is its name in the policy file, `kind`
    /// is fixed in the program.
    pub fn upstream_failed(&self, upstream: &str, kind: &'static str) {
        let mut known = self.upstreams.lock();
        let name = if known.contains_key(upstream) {
            upstream
        } else if known.len() < UPSTREAMS_MAX {
            known.insert(upstream.into(), ());
            upstream
        } else {
            OTHER
        };
        drop(known);
        self.upstream_failures
            .with_label_values(&[name, kind])
            .inc();
    }

    /// The policy file was loaded anew, or could not be.
    pub fn reload(&self, ok: bool) {
        let result = if ok { "ok" } else { "refused" };
        self.reloads.with_label_values(&[result]).inc();
    }

    /// The page for Prometheus.
    #[must_use]
    pub fn render(&self, gauges: &Gauges) -> String {
        let integer = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.connections_open.set(integer(gauges.connections_open));
        self.collected_bytes.set(integer(gauges.collected_bytes));
        self.replay_entries.set(integer(gauges.replay_entries));
        self.log_dropped.set(integer(gauges.log_dropped));
        self.keys.set(integer(gauges.keys));
        self.keys_unopened.set(integer(gauges.keys_unopened));
        self.keys_age.set(gauges.keys_age_s.unwrap_or(f64::NAN));
        self.ready.set(i64::from(gauges.ready));
        let mut text = String::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "the metrics page could not be written");
        }
        text
    }
}

/// Registers what was made of a name and labels that are fixed in this file.
fn register<C>(registry: &Registry, made: prometheus::Result<C>) -> C
where
    C: prometheus::core::Collector + Clone + 'static,
{
    let collector = made.expect("names and labels in this file are well-formed");
    registry
        .register(Box::new(collector.clone()))
        .expect("names in this file are told apart");
    collector
}

// === impl RouteMetrics ===

impl RouteMetrics {
    /// A request ended. `status` is what the client got (0: nothing), `reason` that of our own
    /// answer, times in nanoseconds.
    pub fn ended(
        &self,
        status: u16,
        reason: Option<Reason>,
        duration_ns: u64,
        upstream_ns: Option<u64>,
    ) {
        let place = status.checked_sub(STATUSES.start).map(usize::from);
        match place.and_then(|place| self.statuses.get(place)) {
            Some(counter) => counter
                .get_or_init(|| self.series(&self.requests, &status.to_string()))
                .inc(),
            None if status == 0 => self.series(&self.requests, "0").inc(),
            None => self.series(&self.requests, OTHER).inc(),
        }
        if let Some(reason) = reason
            && let Some(counter) = self.reasons.get(reason as usize)
        {
            counter
                .get_or_init(|| self.series(&self.refusals, reason.as_str()))
                .inc();
        }
        self.duration.observe(seconds(duration_ns));
        if let Some(upstream_ns) = upstream_ns {
            self.upstream_duration.observe(seconds(upstream_ns));
        }
    }

    fn series(&self, counters: &IntCounterVec, label: &str) -> IntCounter {
        counters.with_label_values(&[&*self.route, label])
    }
}

/// Exact up to 2^53 ns, a hundred days.
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(page: &str, line: &str) {
        assert!(page.lines().any(|l| l == line), "{line}\n--\n{page}");
    }

    #[test]
    fn what_is_counted_is_on_the_page() {
        let metrics = Metrics::new();
        let orders = metrics.route("orders");
        orders.ended(200, None, 1_500_000, Some(1_000_000));
        orders.ended(200, None, 150_000_000, Some(140_000_000));
        orders.ended(429, Some(Reason::BodyTooLarge), 10_000, None);
        orders.ended(0, None, 10_000, None);
        metrics
            .unrouted()
            .ended(404, Some(Reason::NoRoute), 1, None);
        metrics.connection_opened();
        metrics.connection_refused("per_address");
        metrics.upstream_failed("shop", "connect");
        metrics.reload(true);
        metrics.reload(false);
        metrics.reload(false);
        let page = metrics.render(&Gauges {
            connections_open: 3,
            collected_bytes: 65_536,
            keys: 4,
            keys_age_s: Some(1.5),
            ready: true,
            ..Gauges::default()
        });
        for line in [
            r#"tidegate_requests_total{route="orders",status="200"} 2"#,
            r#"tidegate_requests_total{route="orders",status="429"} 1"#,
            r#"tidegate_requests_total{route="orders",status="0"} 1"#,
            r#"tidegate_requests_total{route="none",status="404"} 1"#,
            r#"tidegate_refusals_total{reason="body_too_large",route="orders"} 1"#,
            r#"tidegate_refusals_total{reason="no_route",route="none"} 1"#,
            r#"tidegate_request_duration_seconds_bucket{route="orders",le="0.2"} 4"#,
            r#"tidegate_request_duration_seconds_bucket{route="orders",le="0.1"} 3"#,
            r#"tidegate_upstream_duration_seconds_count{route="orders"} 2"#,
            "tidegate_connections_total 1",
            r#"tidegate_connections_refused_total{reason="per_address"} 1"#,
            r#"tidegate_upstream_failures_total{kind="connect",upstream="shop"} 1"#,
            r#"tidegate_reloads_total{result="ok"} 1"#,
            r#"tidegate_reloads_total{result="refused"} 2"#,
            "tidegate_connections_open 3",
            "tidegate_collected_bytes 65536",
            "tidegate_key_records 4",
            "tidegate_key_records_age_seconds 1.5",
            "tidegate_ready 1",
        ] {
            has(&page, line);
        }
        assert!(page.contains("process_resident_memory_bytes"));
    }

    #[test]
    fn a_route_has_one_handle_whatever_plan_asks() {
        let metrics = Metrics::new();
        assert!(Arc::ptr_eq(&metrics.route("a"), &metrics.route("a")));
        assert!(!Arc::ptr_eq(&metrics.route("a"), &metrics.route("b")));
    }

    #[test]
    fn names_are_bounded() {
        let metrics = Metrics::new();
        for n in 0..ROUTES_MAX {
            assert_eq!(&*metrics.route(&n.to_string()).route, n.to_string());
        }
        assert_eq!(&*metrics.route("late").route, OTHER);
        assert_eq!(&*metrics.route("0").route, "0");
        for n in 0..=UPSTREAMS_MAX {
            metrics.upstream_failed(&n.to_string(), "connect");
        }
        let page = metrics.render(&Gauges::default());
        has(
            &page,
            r#"tidegate_upstream_failures_total{kind="connect",upstream="other"} 1"#,
        );
    }

    #[test]
    fn odd_statuses_open_no_series_of_their_own() {
        let metrics = Metrics::new();
        for status in [99, 600, u16::MAX] {
            metrics.unrouted().ended(status, None, 1, None);
        }
        let page = metrics.render(&Gauges::default());
        has(
            &page,
            r#"tidegate_requests_total{route="none",status="other"} 3"#,
        );
    }
}
