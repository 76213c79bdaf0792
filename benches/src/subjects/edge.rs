//! The edge of `tidegate`, as a process of its own: the program that measures, started once more.
//!
//! It is the real edge with the real clock, one worker, the allocator of the program that runs it and
//! `policies/edge.yaml`; only the key records are handed in, so that no database is needed. It tells
//! its address on standard output and ends when its standard input does, so that it never outlives
//! who started it.

use super::{PATIENCE, Running, Subject, spawn};
use crate::cores::Cores;
use crate::partners::Partner;
use anyhow::{Context, anyhow};
use filters::clock::Clock;
use filters::env::Env;
use filters::quota::Quotas;
use filters::replay::{ReplayCache, ReplayLimits};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use tidegate::config::Files;
use tidegate::edge::{Edge, Parts};
use tidegate::keys::Directory;
use tidegate::policy::Policy;
use tidegate::telemetry::{AccessLog, Metrics, SystemClock};
use tokio_util::sync::CancellationToken;

/// The argument that makes a program of the suite an edge; the origin's address follows.
pub const SERVE: &str = "--serve-edge";

const POLICY: &str = include_str!("../../policies/edge.yaml");

/// The edge.
pub struct EdgeProcess;

// === impl EdgeProcess ===

impl Subject for EdgeProcess {
    fn name(&self) -> &'static str {
        "tidegate"
    }

    fn start(&self, cores: &Cores, origin: SocketAddr) -> anyhow::Result<Running> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        command
            .args([SERVE, &origin.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = spawn(&mut command, cores)?;
        let stdout = child.stdout.take().context("its output is not a pipe")?;
        // From here on it is ended whatever happens; the address is put in below.
        let mut running = Running {
            child,
            address: origin,
        };
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            if BufReader::new(stdout).read_line(&mut line).is_ok() {
                // Nobody listens any more when patience is over.
                let _ = tell.send(line);
            }
        });
        let line = told.recv_timeout(PATIENCE).unwrap_or_default();
        running.address = line
            .trim()
            .parse()
            .context("the edge does not tell its address")?;
        Ok(running)
    }
}

/// Is the edge, until standard input ends.
///
/// # Errors
/// When the policy is not good or nothing can be bound.
pub fn serve(origin: SocketAddr) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let text = POLICY.replace("{origin}", &origin.to_string());
    let policy = load(&text)?;
    let keys = Directory::new(Arc::clone(&clock));
    let partners = Partner::all();
    keys.load(partners.iter().map(Partner::record).collect());
    let replay_limits = ReplayLimits {
        entries_max: policy.settings.memory.replay_entries,
        ..ReplayLimits::default()
    };
    let env = Env {
        clock: Arc::clone(&clock),
        keys: Arc::new(keys),
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
    let address = addresses.first().context("the policy has no listener")?;
    writeln!(std::io::stdout(), "{address}")?;
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
    Ok(runtime.block_on(edge.run(stop, drain))?)
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
        let policy = load(&POLICY.replace("{origin}", "127.0.0.1:9")).unwrap();
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
}
