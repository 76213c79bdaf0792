//! What the private listener shows of a system.

use crate::admin::{House, Readiness};
use crate::edge::Edge;
use crate::keys::Health;
use crate::reload::Reloader;
use crate::telemetry::{AccessLog, Gauges, Metrics};
use filters::env::Env;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How far the life of a system has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Starting = 0,
    Serving = 1,
    Draining = 2,
}

/// A system, as the private listener sees it.
pub(super) struct SystemHouse {
    pub(super) env: Env,
    pub(super) edge: Edge,
    pub(super) metrics: Arc<Metrics>,
    pub(super) reloader: Reloader,
    pub(super) health: Option<Health>,
    /// The log when it is ours; one that was handed in is nobody's business here.
    pub(super) log: Option<Arc<AccessLog>>,
    stage: AtomicU8,
}

// === impl SystemHouse ===

impl SystemHouse {
    pub(super) fn new(
        env: Env,
        edge: Edge,
        metrics: Arc<Metrics>,
        reloader: Reloader,
        health: Option<Health>,
        log: Option<Arc<AccessLog>>,
    ) -> Self {
        Self {
            env,
            edge,
            metrics,
            reloader,
            health,
            log,
            stage: AtomicU8::new(Stage::Starting as u8),
        }
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    pub(super) fn state(&self) -> Readiness {
        let stage = self.stage.load(Ordering::Acquire);
        if stage == Stage::Draining as u8 {
            return Readiness::Draining;
        }
        let report = self
            .health
            .as_ref()
            .map(|health| health.report(self.env.clock.now()));
        match report {
            _ if stage == Stage::Starting as u8 => Readiness::Starting,
            Some(report) if !report.ready => Readiness::Starting,
            Some(report) if report.degraded => Readiness::Degraded,
            Some(_) | None => Readiness::Ready,
        }
    }

    fn gauges(&self) -> Gauges {
        let keys = self
            .health
            .as_ref()
            .map(|health| health.report(self.env.clock.now()));
        Gauges {
            connections_open: self.edge.connections(),
            collected_bytes: self.edge.collected_bytes(),
            replay_entries: self.env.replays.entries() as u64,
            log_dropped: self.log.as_ref().map_or(0, |log| log.dropped()),
            keys: keys.map_or(0, |report| report.count),
            keys_unopened: keys.map_or(0, |report| report.unopened),
            keys_age_s: keys.map(|report| report.age_s as f64),
            ready: self.state().serves(),
        }
    }
}

impl House for SystemHouse {
    fn readiness(&self) -> (Readiness, Value) {
        let mut parts = json!({
            "connections": self.edge.connections(),
            "rateLimitOwners": self.env.quotas.owners(),
        });
        if let Some(health) = &self.health {
            let report = health.report(self.env.clock.now());
            parts["keys"] = json!({
                "loaded": report.ready,
                "following": report.ready && !report.degraded,
                "records": report.count,
                "unopened": report.unopened,
                "ageSeconds": report.age_s,
            });
        }
        (self.state(), parts)
    }

    fn metrics(&self) -> String {
        self.metrics.render(&self.gauges())
    }

    fn reload(&self) -> Result<String, String> {
        if let Some(log) = &self.log {
            log.reopen();
        }
        match self.reloader.reload() {
            Ok(notes) if notes.is_empty() => Ok("the policy is loaded anew\n".to_owned()),
            Ok(notes) => Ok(format!("the policy is loaded anew\n{}\n", notes.join("\n"))),
            Err(error) => Err(format!("{error}\nthe old policy stays in force\n")),
        }
    }
}
