//! The report: what was measured, on what, and whether it is what was aimed at.
//!
//! `results.json` is for programs, `RESULTS.md` for reading in the tree, `results.html` for looking at:
//! one file, no other host, light and dark.

mod goals;
mod html;
mod machine;
mod markdown;
mod svg;

pub use goals::{Finding, GOALS, Goal, Verdict};
pub use machine::Machine;

use crate::costs::ChainCost;
use crate::results::{Row, json};
use anyhow::Context;
use std::fs;
use std::path::Path;

/// All that is told of a run.
pub struct Report {
    /// What it ran on.
    pub machine: Machine,
    /// What each target calls its version.
    pub versions: Vec<String>,
    /// How it was measured, in a sentence.
    pub terms: String,
    /// The command that did it.
    pub command: String,
    /// The medians.
    pub rows: Vec<Row>,
    /// What the chain of `key` costs by itself, where that was measured.
    pub chain: Option<ChainCost>,
    /// Saturation over connections.
    pub throughputs: Vec<Row>,
    /// Latency over the rate.
    pub latencies: Vec<Row>,
    /// Who failed, and how.
    pub failures: Vec<String>,
    /// What a reader should know of the circumstances.
    pub notes: Vec<String>,
}

// === impl Report ===

impl Report {
    /// Writes the three files.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())
        };
        put("results.json", json(&self.rows)?)?;
        put("RESULTS.md", markdown::page(self))?;
        put("results.html", html::page(self))
    }

    /// The tables of all rows and goals, for a terminal.
    #[must_use]
    pub fn summary(&self) -> String {
        let rows = markdown::rows(&self.rows).aligned();
        format!("{rows}\n{}", markdown::goals(&self.rows).aligned())
    }
}

/// The row of this workload and target.
fn find<'a>(rows: &'a [Row], workload: &str, target: &str) -> Option<&'a Row> {
    rows.iter()
        .find(|row| row.workload == workload && row.target == target)
}

/// Workloads, or targets, in the order in which they first come.
fn distinct<'a>(rows: &'a [Row], of: impl Fn(&'a Row) -> &'static str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in rows.iter().map(of) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests;
