//! Upkeep of the tables of keys, behind the requests: ended keys, key strings whose overlap is over,
//! old usage and old word of deleted keys go after the time that [`Retention`] says.
//!
//! Every proxy does so, each at a time of its own; what one has thrown away is not there for the next.
//! Nothing waits for it: what fails is tried again the next time.

use super::limits::{FIRST_UPKEEP, QUESTION, UPKEEP};
use control::keys::{Keys, Purged, Retention};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

/// Throws away what nobody needs any more.
pub struct Upkeep {
    keys: Keys,
    first: Duration,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error(transparent)]
    Keys(#[from] control::keys::Error),
    #[error("the database did not answer in time")]
    Silent,
}

// === impl Upkeep ===

impl Upkeep {
    /// Upkeep of the tables of these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        let chance = RandomState::new().hash_one(0) % 1_000;
        let chance = u32::try_from(chance).expect("below a thousand");
        Self {
            keys,
            first: FIRST_UPKEEP * chance / 1_000,
        }
    }

    /// The same, beginning at once.
    #[cfg(test)]
    pub(super) fn at_once(self) -> Self {
        let first = Duration::ZERO;
        Self { first, ..self }
    }

    /// Does it at intervals until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = interval_at(Instant::now() + self.first, UPKEEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.round() => {}
            }
        }
    }

    /// Once, until nothing is left to go.
    async fn round(&self) {
        let mut more = true;
        while more {
            match self.purge().await {
                Ok(purged) => {
                    more = purged.is_full();
                    tell(purged);
                }
                Err(error) => {
                    tracing::warn!(%error, "what nobody needs any more stays in the key database for now");
                    return;
                }
            }
        }
    }

    async fn purge(&self) -> Result<Purged, Unfinished> {
        match timeout(QUESTION, self.keys.purge(Retention::default())).await {
            Ok(purged) => Ok(purged?),
            Err(_) => Err(Unfinished::Silent),
        }
    }
}

fn tell(purged: Purged) {
    if !purged.is_empty() {
        tracing::info!(
            keys = purged.keys,
            credentials = purged.credentials,
            usage_days = purged.usage_days,
            removals = purged.removals,
            "thrown away from the key database"
        );
    }
}
