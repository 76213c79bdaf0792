//! From a policy file to the plan in force, at the start and again while serving.
//!
//! A reload reads, judges and compiles the whole file before anything changes: the new plan takes over
//! at once, or the old one stays and the report says why. What has been used of limits, accepted
//! signatures, keys and connections live outside the plan and are not touched. Some settings are
//! read at the start only; a reload that changes one says so.

use crate::config::Report;
use crate::config::limits::FILE_BYTES_MAX;
use crate::plan::{self, Plan};
use crate::policy::{self, Listener, Loaded, Policy, Settings};
use crate::telemetry::Metrics;
use filters::env::Env;
use parking_lot::Mutex;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a policy comes from.
#[derive(Clone, Debug)]
pub enum PolicySource {
    /// This file, read again at every reload.
    File(PathBuf),
    /// A text that is there already.
    Text {
        /// What messages call it.
        name: String,
        /// The text.
        text: String,
    },
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum Unloaded {
    /// The file cannot be read: one sentence.
    #[error("{0}")]
    Unreadable(String),
    /// The file can be read and is wrong.
    #[error("{0}")]
    Refused(Report),
}

/// Puts a plan in force.
type Swap = Box<dyn Fn(Arc<Plan>) + Send + Sync>;

/// Loads the policy again and again.
pub struct Reloader {
    source: Mutex<PolicySource>,
    env: Env,
    swap: Swap,
    metrics: Arc<Metrics>,
    /// What was read at the start, and cannot be changed without a new one.
    fixed: Fixed,
}

/// What holds for the life of the process.
struct Fixed {
    listeners: Vec<Listener>,
    settings: Settings,
}

// === impl PolicySource ===

impl PolicySource {
    /// Reads it and makes sense of it.
    ///
    /// # Errors
    /// [`Unloaded`].
    pub fn load(&self) -> Result<Loaded, Unloaded> {
        match self {
            Self::File(path) => {
                let text = read(path)?;
                policy::load(&path.display().to_string(), &text).map_err(Unloaded::Refused)
            }
            Self::Text { name, text } => policy::load(name, text).map_err(Unloaded::Refused),
        }
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text { name, .. } => name.clone(),
        }
    }
}

fn read(path: &Path) -> Result<String, Unloaded> {
    let name = path.display();
    let mut text = String::new();
    // One byte more than allowed, so that the loader sees that it is too long and says so.
    let read = File::open(path).and_then(|file| {
        file.take(FILE_BYTES_MAX as u64 + 1)
            .read_to_string(&mut text)
    });
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Unloaded::Unreadable(format!(
            "the policy file {name} cannot be read: {error}"
        ))),
    }
}

// === impl Reloader ===

impl Reloader {
    /// Reloads; `swap` puts a plan in force, `policy` is the one that was started with.
    #[must_use]
    pub fn new(
        source: PolicySource,
        env: Env,
        swap: impl Fn(Arc<Plan>) + Send + Sync + 'static,
        metrics: Arc<Metrics>,
        policy: &Policy,
    ) -> Self {
        Self {
            source: Mutex::new(source),
            env,
            swap: Box::new(swap),
            metrics,
            fixed: Fixed {
                listeners: policy.listeners.clone(),
                settings: policy.settings.clone(),
            },
        }
    }

    /// Loads the policy and serves by it from the next request on. The answer is what somebody
    /// should know: warnings, and settings that wait for the next start.
    ///
    /// # Errors
    /// [`Unloaded`]; then the old plan stays in force.
    pub fn reload(&self) -> Result<Vec<String>, Unloaded> {
        // Held over the whole: of two reloads at once the later file wins.
        let source = self.source.lock();
        self.take(&source)
    }

    /// The same with another text, which later reloads keep to.
    ///
    /// # Errors
    /// [`Unloaded`]; then the old plan stays in force.
    pub fn replace(&self, text: &str) -> Result<Vec<String>, Unloaded> {
        let mut source = self.source.lock();
        let fresh = PolicySource::Text {
            name: source.name(),
            text: text.to_owned(),
        };
        let notes = self.take(&fresh)?;
        *source = fresh;
        Ok(notes)
    }

    fn take(&self, source: &PolicySource) -> Result<Vec<String>, Unloaded> {
        let name = source.name();
        let compiled = source.load().and_then(|loaded| {
            let plan = compile(&loaded.policy, &self.env)?;
            Ok((loaded, plan))
        });
        match compiled {
            Ok((loaded, plan)) => {
                (self.swap)(plan);
                self.metrics.reload(true);
                let mut notes = self.fixed.unheard(&loaded.policy);
                for note in &notes {
                    tracing::warn!(file = name, "{note}");
                }
                if !loaded.warnings.is_empty() {
                    notes.push(loaded.warnings.to_string());
                }
                tracing::info!(file = name, "the policy is loaded anew");
                Ok(notes)
            }
            Err(error) => {
                self.metrics.reload(false);
                tracing::error!(file = name, %error, "the old policy stays in force");
                Err(error)
            }
        }
    }
}

/// Makes the plan of a policy.
///
/// # Errors
/// [`Unloaded::Refused`].
pub fn compile(policy: &Policy, env: &Env) -> Result<Arc<Plan>, Unloaded> {
    plan::compile(policy, env)
        .map(Arc::new)
        .map_err(Unloaded::Refused)
}

// === impl Fixed ===

impl Fixed {
    /// One sentence for each setting that differs from what the process was started with.
    fn unheard(&self, policy: &Policy) -> Vec<String> {
        let (old, new) = (&self.settings, &policy.settings);
        let differences = [
            ("listeners", self.listeners != policy.listeners),
            ("drain", old.drain != new.drain),
            ("admin", old.admin != new.admin),
            ("log.access", old.access_log != new.access_log),
            ("keys", old.keys != new.keys),
            (
                "memory",
                (old.memory.replay_entries, old.memory.buckets)
                    != (new.memory.replay_entries, new.memory.buckets),
            ),
        ];
        differences
            .iter()
            .filter(|(_, differs)| *differs)
            .map(|(name, _)| format!("`{name}` has changed: it is read at the next start"))
            .collect()
    }
}
