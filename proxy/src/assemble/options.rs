//! What a system is started with. Every part that a test wants to hold itself can be handed in.

use super::Inheritance;
use crate::reload::PolicySource;
use crate::telemetry::SystemClock;
use control::keys::Keys as KeyService;
use filters::clock::Clock;
use filters::env::{Keys, LogSink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a start waits for the first snapshot of the key records before it serves without them;
/// requests with a key are refused with 503 until they are in.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(10);

/// What a system is started with.
pub struct SystemOptions {
    /// The policy.
    pub policy: PolicySource,
    /// The clock of every part.
    pub clock: Arc<dyn Clock>,
    /// Where key records come from.
    pub keys: KeySource,
    /// Where access log lines go; `None`: where the policy says.
    pub log: Option<Arc<dyn LogSink>>,
    /// Worker threads of the edge, at least 1.
    pub threads: usize,
    /// Where limits and replay memory are kept from one process to the next; `None`: nowhere.
    pub state: Option<PathBuf>,
    /// What an older process hands over.
    pub inheritance: Inheritance,
    /// How long the start waits for the first snapshot of the key records.
    pub snapshot_patience: Duration,
}

/// Where key records come from.
#[derive(Clone, Default)]
pub enum KeySource {
    /// From the database that the policy names; when it names none, every key is refused with 503.
    #[default]
    Policy,
    /// From this service's database, whatever the policy says.
    Service(KeyService),
    /// From memory.
    Fixed(Arc<dyn Keys>),
}

// === impl SystemOptions ===

impl SystemOptions {
    /// A system by this policy and nothing else: the system's clock, keys and log as the policy says,
    /// one worker thread for each core, no state kept.
    #[must_use]
    pub fn new(policy: PolicySource) -> Self {
        Self {
            policy,
            clock: Arc::new(SystemClock::new()),
            keys: KeySource::Policy,
            log: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            state: None,
            inheritance: Inheritance::default(),
            snapshot_patience: SNAPSHOT_PATIENCE,
        }
    }
}
