//! How well the key records in memory follow the database: for `/ready`, metrics, and whoever waits
//! for the first snapshot.

use filters::clock::Now;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::watch;

/// How well the records follow; a clone looks at the same.
#[derive(Clone)]
pub struct Health(Arc<State>);

/// How it stands at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// The first snapshot is in: keys can be judged.
    pub ready: bool,
    /// The database is away: the last records serve, and grow old.
    pub degraded: bool,
    /// Seconds since the database last answered.
    pub age_s: u64,
    /// Keys in memory.
    pub count: u64,
    /// Keys in the database that cannot be used, wholly or in part: sealed under another master
    /// key, or damaged.
    pub unopened: u64,
}

struct State {
    degraded: AtomicBool,
    answered_ns: AtomicU64,
    count: AtomicU64,
    unopened: AtomicU64,
    /// How often records were brought up to date; 0: never.
    rounds: watch::Sender<u64>,
}

// === impl Health ===

impl Health {
    pub(super) fn new(now: Now) -> Self {
        Self(Arc::new(State {
            degraded: AtomicBool::new(true),
            answered_ns: AtomicU64::new(now.monotonic_ns),
            count: AtomicU64::new(0),
            unopened: AtomicU64::new(0),
            rounds: watch::Sender::new(0),
        }))
    }

    /// How it stands.
    #[must_use]
    pub fn report(&self, now: Now) -> HealthReport {
        let age_ns = now
            .monotonic_ns
            .saturating_sub(self.0.answered_ns.load(Relaxed));
        HealthReport {
            ready: *self.0.rounds.borrow() > 0,
            degraded: self.0.degraded.load(Relaxed),
            age_s: age_ns / 1_000_000_000,
            count: self.0.count.load(Relaxed),
            unopened: self.0.unopened.load(Relaxed),
        }
    }

    /// Waits until the first snapshot is in.
    pub async fn wait_ready(&self) {
        let mut rounds = self.rounds();
        // The sender lives in `self`: the channel cannot close under us.
        let _ = rounds.wait_for(|rounds| *rounds > 0).await;
    }

    /// Counts how often the records were brought up to date or their following broke: whoever awaits
    /// a change of them waits for a change of this.
    #[must_use]
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.0.rounds.subscribe()
    }

    pub(super) fn answered(&self, now: Now, count: usize, unopened: usize) {
        self.0.answered_ns.store(now.monotonic_ns, Relaxed);
        self.0.count.store(count as u64, Relaxed);
        self.0.unopened.store(unopened as u64, Relaxed);
        self.0.degraded.store(false, Relaxed);
        self.0.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// The answer is whether it was well before.
    pub(super) fn away(&self) -> bool {
        let was_well = !self.0.degraded.swap(true, Relaxed);
        self.0.rounds.send_if_modified(|rounds| {
            // Before the first snapshot there is nothing to tell: 0 keeps meaning "never".
            *rounds += u64::from(*rounds > 0);
            *rounds > 0
        });
        was_well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_s(seconds: u64) -> Now {
        Now {
            monotonic_ns: seconds * 1_000_000_000,
            unix_ms: 0,
        }
    }

    #[test]
    fn health_tells_readiness_from_freshness() {
        let health = Health::new(at_s(10));
        let report = |seconds| {
            let report = health.report(at_s(seconds));
            (report.ready, report.degraded, report.age_s)
        };
        assert_eq!(report(13), (false, true, 3));
        assert!(!health.away());
        assert_eq!(report(14), (false, true, 4));
        health.answered(at_s(15), 2, 1);
        assert_eq!(report(15), (true, false, 0));
        assert!(health.away());
        assert!(!health.away());
        assert_eq!(report(80), (true, true, 65));
        health.answered(at_s(81), 2, 1);
        assert_eq!(report(81), (true, false, 0));
        let all = health.report(at_s(81));
        assert_eq!((all.count, all.unopened), (2, 1));
    }
}
