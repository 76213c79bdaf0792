//! HAProxy (`peers/haproxy.cfg`), with one thread.

use super::template::Filled;
use super::{Running, Subject, find, first_line, spawn};
use crate::stage::Stage;
use crate::workloads::{Door, Workload};
use anyhow::Context;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CONFIGURATION: &str = include_str!("../../peers/haproxy.cfg");

/// HAProxy.
pub struct Haproxy {
    program: Option<PathBuf>,
}

// === impl Haproxy ===

impl Haproxy {
    /// The HAProxy of this machine, if there is one.
    #[must_use]
    pub fn find() -> Self {
        Self {
            program: find("haproxy", &["/usr/sbin/haproxy"]),
        }
    }
}

impl Subject for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn version(&self) -> Option<String> {
        let line = first_line(&self.program, "-v")?;
        let version = line.split(' ').find(|word| word.contains('.'))?;
        Some(format!("HAProxy {version}"))
    }

    fn missing(&self) -> Option<String> {
        let hint = "HAProxy is not installed and left out (Debian: apt-get install haproxy)";
        self.program.is_none().then(|| hint.to_owned())
    }

    fn serves(&self, workload: &Workload) -> bool {
        // It verifies tokens, and remembers none of them.
        !workload.is_ours_alone() && workload.door != Door::JwtCached
    }

    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running> {
        let program = self.program.as_ref().context("HAProxy is not installed")?;
        let filled = Filled::from(CONFIGURATION, stage)?;
        let file = stage.room("haproxy")?.join("haproxy.cfg");
        fs::write(&file, &filled.text)?;
        let mut command = Command::new(program);
        // -db: in the foreground, without a master.
        command
            .args(["-q", "-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(Running {
            child: spawn(&mut command, &stage.cores)?,
            address: filled.door(workload.door),
        })
    }
}
