//! Times the filters of a policy's chains, batch by batch.
//!
//! One call is shorter than a look at the clock, so batches are timed, and the median of many batches
//! counts: an interrupt falls into few of them.

use super::stand::{Asked, Known, Lines, Stand};
use crate::allocations::Counted;
use crate::config::Files;
use crate::keys::Directory;
use crate::policy::pattern::{Pattern, Segment};
use crate::policy::{Policy, Route};
use crate::telemetry::SystemClock;
use anyhow::Context;
use filters::clock::Clock;
use filters::env::{Env, LogSink, Site};
use filters::exchange::Client;
use filters::exchange::{Exchange, Outcome, RouteFacts};
use filters::filter::{Filter, Step, Verdict};
use filters::head::ResponseHead;
use filters::quota::Quotas;
use filters::replay::ReplayCache;
use filters::signing::Scheme;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

/// Requests in a batch: enough to be timed together, few enough to stay in the cache.
const PIECES: usize = 64;

/// Batches that count.
const BATCHES: usize = 200;

/// Batches before.
const WARM_UP: usize = 20;

/// The tier of the partner that calls, where the file has none.
const NO_TIER: &str = "bench";

/// What one request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) nanoseconds: f64,
    pub(super) allocations: f64,
}

/// What a chain costs.
pub(super) struct ChainCost {
    pub(super) name: String,
    /// What was asked.
    pub(super) asked: String,
    /// Each filter, in order.
    pub(super) filters: Vec<(&'static str, Cost)>,
    /// Who refused, and why.
    pub(super) refused: Option<(&'static str, String)>,
}

/// A log whose lines are formatted and forgotten.
#[derive(Default)]
struct Forgetful(Mutex<Vec<u8>>);

/// One filter while it is measured.
struct Measured {
    name: &'static str,
    filter: Box<dyn Filter>,
    /// Of each batch: nanoseconds and allocations.
    laps: Vec<(u64, u64)>,
}

// === impl ChainCost ===

impl ChainCost {
    /// All its filters together.
    pub(super) fn whole(&self) -> Cost {
        let costs = self.filters.iter().map(|(_, cost)| cost);
        costs.fold(Cost::default(), |sum, cost| Cost {
            nanoseconds: sum.nanoseconds + cost.nanoseconds,
            allocations: sum.allocations + cost.allocations,
        })
    }
}

impl LogSink for Forgetful {
    fn line(&self, fill: &mut dyn FnMut(&mut Vec<u8>)) {
        let mut line = self.0.lock();
        line.clear();
        fill(&mut line);
    }
}

/// Measures every chain that a route uses, by the first route that does.
///
/// # Errors
/// When a filter cannot be built.
pub(super) fn chains(policy: &Policy, allocations: &Counted) -> anyhow::Result<Vec<ChainCost>> {
    let mut costs = Vec::new();
    for (index, _) in policy.chains.iter().enumerate() {
        let Some(route) = policy.routes.iter().find(|route| route.chain == index) else {
            continue;
        };
        let mut cost = chain(policy, route, Scheme::V1, allocations)?;
        if cost
            .refused
            .as_ref()
            .is_some_and(|(name, _)| *name == "signature")
        {
            // It may accept the other scheme alone.
            cost = chain(policy, route, Scheme::BodyTimestamp, allocations)?;
        }
        costs.push(cost);
    }
    Ok(costs)
}

fn chain(
    policy: &Policy,
    route: &Route,
    scheme: Scheme,
    allocations: &Counted,
) -> anyhow::Result<ChainCost> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut stand = Stand::new(clock.now().unix_ms, scheme);
    let site = generous(&policy.site);
    let tier = site.tiers.keys().next().map_or(NO_TIER, String::as_str);
    let keys = Directory::new(Arc::clone(&clock));
    keys.load(std::iter::once(stand.record(tier)?).collect());
    let env = Env {
        clock,
        keys: Arc::new(keys),
        quotas: Arc::new(Quotas::default()),
        replays: Arc::new(ReplayCache::default()),
        log: Arc::new(Forgetful::default()),
        texts: Arc::new(Files),
        site: Arc::new(site),
    };
    let written = &policy.chains[route.chain];
    let filters: anyhow::Result<Vec<Measured>> = written
        .steps
        .iter()
        .map(|step| {
            let name = step.prepared.name;
            Ok(Measured {
                name,
                filter: step.prepared.build(&env).with_context(|| name)?,
                laps: Vec::with_capacity(BATCHES),
            })
        })
        .collect();
    let mut filters = filters?;
    let asked = asked(policy, route);
    let mut refused = None;
    for number in 0..WARM_UP + BATCHES {
        let mut cases: Vec<_> = (0..PIECES).map(|_| stand.next(&asked)).collect();
        let counts = number >= WARM_UP;
        refused = batch(&mut filters, &mut cases, counts, allocations);
        if let Some((at, _)) = &refused {
            // What stands below, and the one that refuses, cannot be measured: the rest goes on.
            filters.truncate(*at);
            filters.iter_mut().for_each(|filter| filter.laps.clear());
            break;
        }
    }
    if refused.is_some() {
        for number in 0..WARM_UP + BATCHES {
            let mut cases: Vec<_> = (0..PIECES).map(|_| stand.next(&asked)).collect();
            let _ = batch(&mut filters, &mut cases, number >= WARM_UP, allocations);
        }
    }
    Ok(ChainCost {
        name: written.name.to_string(),
        asked: format!("{} {}", asked.method, asked.path),
        filters: filters
            .iter()
            .map(|one| (one.name, median(&one.laps)))
            .collect(),
        refused: refused.map(|(at, reason)| (written.steps[at].prepared.name, reason)),
    })
}

/// Takes exchanges through all filters and phases. The first refusal: whose, and why.
fn batch(
    filters: &mut [Measured],
    cases: &mut [(Exchange, Known)],
    counts: bool,
    allocations: &Counted,
) -> Option<(usize, String)> {
    let fields = Lines::of_an_answer();
    let answer = ResponseHead {
        status: 200,
        fields: &fields,
    };
    let mut refused: Option<(usize, String)> = None;
    let mut sums = vec![(0, 0); filters.len()];
    // As the lane does: down the chain with the request, twice, and up again with the answer.
    for phase in 0..4 {
        for place in 0..filters.len() {
            let at = if phase < 2 {
                place
            } else {
                filters.len() - 1 - place
            };
            let filter = &*filters[at].filter;
            let before = allocations.count();
            let begun = Instant::now();
            let mut verdict = Ok(());
            for (x, client) in &mut *cases {
                let one = match phase {
                    0 => judge(filter, x, client),
                    1 => filter.on_upstream_request(x, &client.head()),
                    2 => {
                        filter.on_response(x, &answer);
                        Ok(())
                    }
                    _ => {
                        filter.on_log(x, &OUTCOME);
                        Ok(())
                    }
                };
                if one.is_err() {
                    verdict = one;
                }
            }
            let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            sums[at].0 += nanoseconds;
            sums[at].1 += allocations.count() - before;
            if let Err(reply) = verdict {
                let reason = reply.reason.map_or_else(
                    || reply.status.to_string(),
                    |reason| reason.as_str().to_owned(),
                );
                refused.get_or_insert((at, reason));
                return refused;
            }
        }
    }
    if counts {
        for (filter, sum) in filters.iter_mut().zip(sums) {
            filter.laps.push(sum);
        }
    }
    refused
}

const OUTCOME: Outcome<'static> = Outcome {
    status: 200,
    method: "GET",
    target: b"/api/v1/orders",
    user_agent: Some(b"tidegate-bench"),
    request_bytes: 0,
    response_bytes: 250,
    duration_ns: 1_834_000,
    upstream_ns: Some(1_620_000),
    upstream: None,
    cut: false,
    note: None,
};

fn judge(filter: &dyn Filter, x: &mut Exchange, client: &mut Known) -> Verdict {
    match filter.on_request(x, client) {
        Step::Done(verdict) => verdict,
        Step::Wait(future) => {
            let mut future = pin!(future);
            let mut context = std::task::Context::from_waker(Waker::noop());
            loop {
                // A body in memory never keeps anybody waiting.
                if let Poll::Ready(verdict) = future.as_mut().poll(&mut context) {
                    return verdict;
                }
            }
        }
    }
}

/// The median batch, shared among its pieces.
fn median(laps: &[(u64, u64)]) -> Cost {
    let of = |figure: fn(&(u64, u64)) -> u64| {
        let mut figures: Vec<u64> = laps.iter().map(figure).collect();
        figures.sort_unstable();
        let middle = figures.get(figures.len() / 2).copied().unwrap_or(0);
        middle as f64 / PIECES as f64
    };
    Cost {
        nanoseconds: of(|lap| lap.0),
        allocations: of(|lap| lap.1),
    }
}

/// A request that meets the route: GET where it is allowed.
fn asked(policy: &Policy, route: &Route) -> Asked {
    let get = route.methods.iter().find(|&&method| method == "GET");
    let host = route.hosts.first().or_else(|| policy.site.hosts.first());
    Asked {
        method: get
            .or_else(|| route.methods.first())
            .copied()
            .unwrap_or("GET"),
        path: example(&route.pattern),
        host: host.map_or_else(|| "localhost".to_owned(), Clone::clone),
        facts: Arc::new(RouteFacts {
            name: Arc::clone(&route.name),
            body_max: route.body_max,
            keep_authorization: route.keep_authorization,
            version: route.version.clone(),
        }),
    }
}

/// A path that meets the pattern.
fn example(pattern: &Pattern) -> String {
    let parts = pattern.segments().iter().map(|segment| match segment {
        Segment::Literal(text) => text.as_str(),
        Segment::Capture(_) | Segment::Tail => "1",
    });
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

/// The same site with limits that nobody meets: what a bucket costs does not depend on its size.
fn generous(site: &Site) -> Site {
    let mut site = site.clone();
    for limits in site.tiers.values_mut().flatten() {
        let mut raised = limits.to_vec();
        for (_, rate) in &mut raised {
            rate.limit = u32::MAX;
        }
        *limits = raised.into();
    }
    site
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_is_measured_from_the_first_filter_to_the_last() {
        let text = include_str!("../../../../conf/tidegate.yaml");
        let policy = match crate::policy::load("tidegate.yaml", text) {
            Ok(loaded) => loaded.policy,
            Err(report) => panic!("{report}"),
        };
        let costs = chains(&policy, &Counted::new()).unwrap();
        assert_eq!(costs.len(), 2);
        for cost in costs {
            assert_eq!(cost.refused, None, "{}", cost.name);
            assert!(cost.filters.len() >= 7, "{}", cost.name);
            assert!(cost.whole().nanoseconds > 0.0, "{}", cost.name);
        }
    }

    #[test]
    fn the_middle_lap_counts_and_is_shared_among_its_pieces() {
        let pieces = PIECES as u64;
        let laps = [
            (900 * pieces, 0),
            (100 * pieces, pieces),
            (200 * pieces, 2 * pieces),
        ];
        let expected = Cost {
            nanoseconds: 200.0,
            allocations: 1.0,
        };
        assert_eq!(median(&laps), expected);
        assert_eq!(median(&[]), Cost::default());
    }
}
