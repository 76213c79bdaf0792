//! What the chain of `key` costs by itself, handed from `filters`, which counts allocations, to `edge`,
//! whose report tells it: a file under `target/bench`.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The chain's cost, all phases together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainCost {
    /// Nanoseconds of a request.
    pub nanoseconds: f64,
    /// Allocations of a request.
    pub allocations: f64,
    /// Its filters, from above, each measured by itself.
    pub steps: Vec<StepCost>,
}

/// A filter's cost, all phases together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCost {
    /// Its name.
    pub filter: String,
    /// Nanoseconds of a request.
    pub nanoseconds: f64,
    /// Allocations of a request.
    pub allocations: f64,
}

// === impl ChainCost ===

impl ChainCost {
    /// The folder where it lies between the two programs.
    #[must_use]
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
    }

    /// Writes it into a folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let path = folder.join(FILE);
        fs::write(&path, serde_json::to_string_pretty(self)?)
            .with_context(|| path.display().to_string())
    }

    /// Reads it from a folder, if it is there.
    ///
    /// # Errors
    /// When it is not as it is written here.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        match fs::read_to_string(folder.join(FILE)) {
            Ok(text) => Ok(Some(serde_json::from_str(&text).context(FILE)?)),
            Err(_) => Ok(None),
        }
    }
}

const FILE: &str = "chain.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_not_there_is_nothing() {
        let folder = std::env::temp_dir().join(format!("tidegate-costs-{}", std::process::id()));
        assert_eq!(ChainCost::read(&folder).unwrap(), None);
        let cost = ChainCost {
            nanoseconds: 700.5,
            allocations: 2.0,
            steps: vec![StepCost {
                filter: "hygiene".to_owned(),
                nanoseconds: 300.0,
                allocations: 1.0,
            }],
        };
        cost.write(&folder).unwrap();
        assert_eq!(ChainCost::read(&folder).unwrap(), Some(cost));
        fs::write(folder.join(FILE), "{}").unwrap();
        assert!(ChainCost::read(&folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
