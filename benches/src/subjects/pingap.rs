//! pingap (`peers/pingap.toml`), with one thread. It is measured where it is on the path: building it
//! takes longer than everything else here.

use super::template::Filled;
use super::{Running, Subject, find, first_line, spawn};
use crate::partners::Partner;
use crate::stage::Stage;
use crate::workloads::{Carrier, Door, Workload};
use anyhow::Context;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CONFIGURATION: &str = include_str!("../../peers/pingap.toml");

/// pingap.
pub struct Pingap {
    program: Option<PathBuf>,
}

// === impl Pingap ===

impl Pingap {
    /// The pingap of this machine, if there is one.
    #[must_use]
    pub fn find() -> Self {
        Self {
            program: find("pingap", &[]),
        }
    }
}

impl Subject for Pingap {
    fn name(&self) -> &'static str {
        "pingap"
    }

    fn version(&self) -> Option<String> {
        first_line(&self.program, "--version")
    }

    fn missing(&self) -> Option<String> {
        let hint = "pingap is not on the path and left out (cargo install pingap)";
        self.program.is_none().then(|| hint.to_owned())
    }

    fn serves(&self, workload: &Workload) -> bool {
        let door = matches!(workload.door, Door::Pass | Door::Key | Door::Jwt);
        let carrier = matches!(workload.carrier, Carrier::Kept | Carrier::BesideIdle(_));
        // One limit for all keys: nobody's bucket is empty.
        door && carrier && !workload.is_ours_alone() && !workload.exhausts()
    }

    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running> {
        let program = self.program.as_ref().context("pingap is not here")?;
        let filled = Filled::from(CONFIGURATION, stage)?;
        let partners = Partner::all();
        let keys: Vec<&str> = partners.iter().map(|one| one.key.as_str()).collect();
        let text = filled
            .text
            .replace("{keys}", &json!(keys).to_string())
            .replace("{public}", &stage.tokens.pem);
        let folder = stage.room("pingap")?;
        fs::write(folder.join("pingap.toml"), text)?;
        let mut command = Command::new(program);
        command
            .current_dir(&folder)
            .args(["-c", "pingap.toml"])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(Running {
            child: spawn(&mut command, &stage.cores)?,
            address: filled.door(workload.door),
        })
    }
}
