//! The edge of `tidegate`, as a process of its own: the program that measures, started once more.
//!
//! It is the real edge with the real clock, one worker, the allocator of the program that runs it and
//! `policies/edge.yaml`; only the key records are handed in, so that no database is needed.

use super::template::without;
use super::{Running, Subject, spawn_self};
use crate::partners::{PARTNERS, Partner};
use crate::stage::Stage;
use crate::workloads::{Dialect, Door, Workload};
use anyhow::{Context, anyhow};
use filters::catalog;
use filters::clock::Clock;
use filters::env::Env;
use filters::quota::Quotas;
use filters::replay::{ReplayCache, ReplayLimits};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use tidegate::config::Files;
use tidegate::edge::{Edge, Parts};
use tidegate::keys::Directory;
use tidegate::policy::Policy;
use tidegate::telemetry::{AccessLog, Metrics, SystemClock};
use tokio_util::sync::CancellationToken;

/// The argument that makes a program of the suite an edge; the policy file and a number of keys follow.
pub const SERVE: &str = "--serve-edge";

const POLICY: &str = include_str!("../../policies/edge.yaml");

/// Which lane carries the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneChoice {
    /// The policy file says nothing.
    Usual,
    /// The policy file says `lane: pingora`.
    Pingora,
}

/// The edge.
pub struct EdgeProcess {
    lane: LaneChoice,
}

// === impl EdgeProcess ===

impl EdgeProcess {
    /// The edge with this lane.
    #[must_use]
    pub const fn new(lane: LaneChoice) -> Self {
        Self { lane }
    }

    fn policy(&self, origin: &str, folder: &str) -> String {
        let lane = match self.lane {
            LaneChoice::Usual => "",
            LaneChoice::Pingora => "lane: pingora",
        };
        let text = POLICY
            .replace("{origin}", origin)
            .replace("{folder}", folder)
            .replace("{lane}", lane);
        // Where the keys of tokens are not there to be read, nothing is said of tokens.
        if knows_tokens() && Path::new(folder).is_dir() {
            text
        } else {
            without(&text, "jwt")
        }
    }
}

/// The policy under load, for those who measure its chains by themselves.
///
/// # Errors
/// What is wrong with it.
pub fn policy_without_tokens() -> anyhow::Result<Policy> {
    // No such folder: nothing is said of tokens.
    load(&EdgeProcess::new(LaneChoice::Usual).policy("127.0.0.1:9", "/nowhere"))
}

/// Whether there is a filter for bearer tokens in this build.
fn knows_tokens() -> bool {
    catalog::ENTRIES.iter().any(|entry| entry.name == "jwt")
}

impl Subject for EdgeProcess {
    fn name(&self) -> &'static str {
        match self.lane {
            LaneChoice::Usual => "tidegate",
            LaneChoice::Pingora => "tidegate-pingora-lane",
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Ours
    }

    fn is_compared(&self) -> bool {
        self.lane == LaneChoice::Usual
    }

    fn version(&self) -> Option<String> {
        Some(format!("{} {}", self.name(), env!("CARGO_PKG_VERSION")))
    }

    fn missing(&self) -> Option<String> {
        let policy = self.policy("127.0.0.1:9", "/nowhere");
        let error = load(&policy).err()?;
        let unknown = self.lane == LaneChoice::Pingora;
        Some(if unknown {
            "tidegate-pingora-lane is left out: this build knows no `lane` in a policy file".into()
        } else {
            format!("tidegate is left out: {error:#}")
        })
    }

    fn serves(&self, workload: &Workload) -> bool {
        knows_tokens() || !matches!(workload.door, Door::Jwt | Door::JwtCached)
    }

    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running> {
        let folder = stage.folder.display().to_string();
        let file = stage.room(self.name())?.join("edge.yaml");
        fs::write(&file, self.policy(&stage.origin.to_string(), &folder))?;
        let arguments = [
            SERVE.to_owned(),
            file.display().to_string(),
            workload.keys.unwrap_or(PARTNERS).to_string(),
        ];
        spawn_self(&arguments, stage, usize::from(workload.door == Door::Tls))
    }
}

/// Is the edge, until standard input ends.
///
/// # Errors
/// When the policy is not good or nothing can be bound.
pub fn serve(policy: &Path, keys: u32) -> anyhow::Result<()> {
    // Pingora would choose another provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let policy = load(&fs::read_to_string(policy)?)?;
    let directory = Directory::new(Arc::clone(&clock));
    directory.load(
        (0..keys)
            .map(Partner::new)
            .chain(Partner::exhausted())
            .map(|partner| partner.record())
            .collect(),
    );
    let replay_limits = ReplayLimits {
        entries_max: policy.settings.memory.replay_entries,
        ..ReplayLimits::default()
    };
    let env = Env {
        clock: Arc::clone(&clock),
        keys: Arc::new(directory),
        quotas: Arc::new(Quotas::default()),
        replays: Arc::new(ReplayCache::new(replay_limits, 300, 0)),
        log: Arc::new(AccessLog::off()),
        texts: Arc::new(Files),
        site: Arc::clone(&policy.site),
    };
    let plan = tidegate::plan::compile(&policy, &env).map_err(|report| anyhow!("{report}"))?;
    let drain = plan.drain;
    let edge = Edge::new(Parts {
        plan: Arc::new(plan),
        clock,
        metrics: Metrics::new(),
        threads: 1,
    });
    let addresses = edge.bind(Vec::new())?;
    let told: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    writeln!(std::io::stdout(), "{}", told.join(" "))?;
    let stop = CancellationToken::new();
    let ended = stop.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ended.cancel();
    });
    // Connections are carried by the edge's own worker; this runtime only accepts them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(edge.run(stop, drain))
        .context("the edge ended")
}

fn load(text: &str) -> anyhow::Result<Policy> {
    match tidegate::policy::load("edge.yaml", text) {
        Ok(loaded) => Ok(loaded.policy),
        Err(report) => Err(anyhow!("{report}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_under_load_is_good_and_says_the_chains_of_the_shipped_one() {
        let edge = EdgeProcess::new(LaneChoice::Usual);
        assert_eq!(edge.missing(), None);
        let policy = policy_without_tokens().unwrap();
        let names = |policy: &Policy, name: &str| -> Vec<&str> {
            let route = policy.routes.iter().find(|route| &*route.name == name);
            let steps = &policy.chains[route.unwrap().chain].steps;
            steps.iter().map(|step| step.prepared.name).collect()
        };
        let shipped = include_str!("../../../conf/tidegate.yaml");
        let shipped = tidegate::policy::load("tidegate.yaml", shipped).unwrap();
        let expected = names(&shipped.policy, "orders");
        assert_eq!(names(&policy, "orders"), expected);
        assert_eq!(names(&policy, "pass"), ["hygiene"]);
        let unsigned: Vec<&str> = expected
            .into_iter()
            .filter(|&name| name != "signature")
            .collect();
        assert_eq!(names(&policy, "products"), unsigned);
    }

    #[test]
    fn a_build_that_knows_no_lanes_says_so() {
        let edge = EdgeProcess::new(LaneChoice::Pingora);
        if let Some(told) = edge.missing() {
            assert!(told.contains("knows no `lane`"), "{told}");
        }
    }
}
