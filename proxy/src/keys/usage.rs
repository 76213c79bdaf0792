//! Writing behind the requests what they counted in the records.
//!
//! Every few seconds and at shutdown the counters are taken and added to the table in one statement
//! a batch. What cannot be written is put back and goes with the next round: PostgreSQL being away
//! loses nothing. The grace period may count on after the stop; whoever waits for its end calls
//! [`UsageWriter::write`] once more.

use super::directory::Directory;
use super::limits::{LAST_WRITE, QUESTION, SHARDS, WRITE_USAGE};
use control::keys::limits::USAGE_LINES_MAX;
use control::keys::{Keys, UsageLine};
use filters::key::{KeyRecord, Used};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Shards that are walked through before others get their turn on the thread.
const SHARDS_AT_ONCE: usize = 64;

/// Writes usage. A clone writes the same.
#[derive(Clone)]
pub struct UsageWriter {
    keys: Keys,
    directory: Arc<Directory>,
    interval: Duration,
    failures: Arc<AtomicU64>,
}

/// Counters that were taken, and where they go back to if they cannot be written. Dropped unwritten,
/// they go back by themselves: a future can be dropped at any await.
#[derive(Default)]
struct Taken(Vec<(Arc<KeyRecord>, Used)>);

// === impl UsageWriter ===

impl UsageWriter {
    /// Writes what is counted in the records of this directory.
    #[must_use]
    pub fn new(keys: Keys, directory: Arc<Directory>) -> Self {
        Self {
            keys,
            directory,
            interval: WRITE_USAGE,
            failures: Arc::default(),
        }
    }

    /// How often writing has failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Writes at intervals until it is told to stop, then once more.
    pub async fn run(self, stop: CancellationToken) {
        let first = tokio::time::Instant::now() + self.interval;
        let mut tick = tokio::time::interval_at(first, self.interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while tokio::select! {
            () = stop.cancelled() => false,
            _ = tick.tick() => true,
        } {
            // Not broken off by the stop: what was sent had better be known to be written.
            let _ = self.write_within(QUESTION).await;
        }
        let _ = self.write_within(LAST_WRITE).await;
    }

    /// Writes everything that was counted, in bounded time; the answer is how many keys it was.
    ///
    /// # Errors
    /// When not everything could be written. What was not written is counted still.
    pub async fn write(&self) -> Result<usize, UsageError> {
        self.write_within(LAST_WRITE).await
    }

    async fn write_within(&self, limit: Duration) -> Result<usize, UsageError> {
        let written = timeout(limit, self.write_all()).await;
        let written = written.unwrap_or(Err(UsageError::Silent));
        if let Err(error) = &written
            && self.failures.fetch_add(1, Relaxed).is_multiple_of(100)
        {
            tracing::warn!(error = %error, "usage could not be written; it is kept for the next time");
        }
        written
    }

    async fn write_all(&self) -> Result<usize, UsageError> {
        let mut taken = Taken::default();
        let mut written = 0;
        for shard in 0..SHARDS {
            let shard_now = self.directory.shard(shard);
            for entry in shard_now.entries() {
                taken.take(&entry.record);
                if taken.0.len() == USAGE_LINES_MAX {
                    written += self.flush(&mut taken).await?;
                }
            }
            if shard % SHARDS_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(written + self.flush(&mut taken).await?)
    }

    async fn flush(&self, taken: &mut Taken) -> Result<usize, UsageError> {
        let line = |(record, used): &(Arc<KeyRecord>, Used)| UsageLine {
            number: record.number,
            used: *used,
        };
        let lines: Vec<UsageLine> = taken.0.iter().map(line).collect();
        self.keys.write_usage(&lines).await?;
        taken.0.clear();
        Ok(lines.len())
    }
}

/// Why usage could not be written.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The database refused.
    #[error(transparent)]
    Keys(#[from] control::keys::Error),
    /// The database did not answer in time.
    #[error("the database did not answer in time")]
    Silent,
}

// === impl Taken ===

impl Taken {
    fn take(&mut self, record: &Arc<KeyRecord>) {
        if let Some(used) = record.usage.take() {
            self.0.push((record.clone(), used));
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        for (record, used) in self.0.drain(..) {
            record.usage.give_back(used);
        }
    }
}
