//! What a run stood on.

use crate::proc::processor;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Machine and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor.
    pub processor: String,
    /// The kernel.
    pub kernel: String,
    /// Cores.
    pub cores: usize,
    /// The commit that was measured; with a mark when the tree differed from it.
    pub commit: String,
    /// The day.
    pub date: String,
}

// === impl Machine ===

impl Machine {
    /// This one at this time, Unix seconds, with the tree at `source`.
    #[must_use]
    pub fn this(source: &Path, unix_s: u64) -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: processor(),
            kernel: format!("Linux {}", kernel.trim()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            commit: commit(source),
            date: date(unix_s),
        }
    }
}

fn commit(source: &Path) -> String {
    let git = |arguments: &[&str]| -> Option<String> {
        let output = Command::new("git")
            .arg("-C")
            .arg(source)
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    // The results themselves are written by the run.
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    let changed = changes
        .lines()
        .any(|line| !line.to_ascii_lowercase().contains("benches/results."));
    if changed {
        format!("{commit} with changes")
    } else {
        commit
    }
}

/// The day in UTC, `2026-01-01`: days to civil, after Howard Hinnant's `civil_from_days`.
fn date(unix_s: u64) -> String {
    let shifted = unix_s / 86_400 + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_tells_what_it_is() {
        let machine = Machine::this(Path::new("/"), 0);
        assert!(machine.cores >= 1);
        assert!(machine.kernel.starts_with("Linux"), "{machine:?}");
        assert_eq!(machine.commit, "unknown");
        assert_eq!(machine.date, "1970-01-01");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (unix_s, expected) in [
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_767_225_599, "2025-12-31"),
            (1_767_225_600, "2026-01-01"),
        ] {
            assert_eq!(date(unix_s), expected);
        }
    }
}
