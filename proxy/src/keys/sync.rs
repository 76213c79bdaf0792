//! Following the table of keys, so that a change works within a second.
//!
//! Subscribe first, then read, then apply what was told meanwhile: no gap. A notification carries an
//! id; ids are gathered for some milliseconds and their rows fetched in one query. Beside that the
//! table is asked at intervals for what changed since the last mark, and now and then compared as a
//! whole. When PostgreSQL fails, the last records serve on, and the following begins anew after a
//! bounded wait.

use super::directory::{Change, Directory, Order};
use super::health::Health;
use super::limits;
use super::records::Snapshot;
use control::keys::{CHANNEL, Fault, KeyRow, Keys, Mark, Page, Reader};
use database::Notifications;
use filters::clock::Clock;
use filters::key::{KeyId, KeyRecord};
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Keeps the directory true.
pub struct KeySync {
    keys: Keys,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    health: Health,
    pace: Pace,
    reader: Reader,
    mark: Mark,
    /// Keys whose rows cannot be used, wholly or in part, by number.
    unopened: BTreeSet<u128>,
}

/// How fast it goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long notifications are gathered.
    pub gather: Duration,
    /// How often changes are asked for without a notification.
    pub poll: Duration,
    /// How often the whole table is compared.
    pub compare: Duration,
    /// The longest wait after a failure.
    pub backoff_max: Duration,
}

/// Why the following broke.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Keys(#[from] control::keys::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
    #[error("the database did not answer within {} s", limits::QUESTION.as_secs())]
    Silent,
    #[error("changes are found that were not told: the listening connection is deaf")]
    Deaf,
}

/// What a batch of notifications asks for.
#[derive(Default)]
struct Told {
    ids: BTreeSet<String>,
    /// Whatever changed: not all of it was told by name.
    more: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gather: limits::GATHER,
            poll: limits::POLL,
            compare: limits::COMPARE,
            backoff_max: limits::BACKOFF_MAX,
        }
    }
}

// === impl KeySync ===

impl KeySync {
    /// Follows these keys into this directory, once it runs.
    #[must_use]
    pub fn new(keys: Keys, directory: Arc<Directory>, clock: Arc<dyn Clock>, pace: Pace) -> Self {
        Self {
            health: Health::new(clock.now()),
            reader: Reader::new(keys.master_keys().clone()),
            mark: Mark::BEGINNING,
            unopened: BTreeSet::new(),
            keys,
            directory,
            clock,
            pace,
        }
    }

    /// How well it follows.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Follows until it is told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0;
        loop {
            let broken = tokio::select! {
                () = stop.cancelled() => return,
                broken = self.follow(&mut failures) => broken,
            };
            if self.health.away() || failures == 0 {
                tracing::warn!(error = %broken, "key records cannot follow the database; the last ones serve on");
            } else {
                tracing::debug!(error = %broken, failures, "key records still cannot follow the database");
            }
            let wait = backoff(failures, self.pace.backoff_max);
            failures = failures.saturating_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One subscription's life: it ends only by breaking.
    async fn follow(&mut self, failures: &mut u32) -> Broken {
        match self.try_follow(failures).await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn try_follow(&mut self, failures: &mut u32) -> Result<std::convert::Infallible, Broken> {
        let database = self.keys.database().clone();
        let mut notifications = answer(database.listen(CHANNEL)).await?;
        if self.directory.is_loaded() {
            self.catch_up().await?;
        } else {
            self.load().await?;
            self.catch_up().await?;
        }
        if *failures > 0 {
            tracing::info!(
                keys = self.directory.count(),
                "key records follow the database again"
            );
        }
        *failures = 0;

        let mut poll = tokio::time::interval_at(Instant::now() + self.pace.poll, self.pace.poll);
        let mut compare =
            tokio::time::interval_at(Instant::now() + self.pace.compare, self.pace.compare);
        let (mut heard, mut unheard) = (false, 0);
        loop {
            tokio::select! {
                payload = notifications.next() => {
                    let told = self.gather(payload?, &mut notifications).await?;
                    self.fetch(told).await?;
                    (heard, unheard) = (true, 0);
                }
                _ = poll.tick() => {
                    let news = self.catch_up().await?;
                    unheard += u32::from(news > 0 && !heard);
                    heard = false;
                    if unheard >= limits::UNHEARD_MAX {
                        return Err(Broken::Deaf);
                    }
                }
                _ = compare.tick() => self.compare(Order::Newer).await?,
            }
        }
    }

    /// What is told within a short while, from the first notification on.
    async fn gather(
        &self,
        first: String,
        notifications: &mut Notifications,
    ) -> Result<Told, Broken> {
        let mut told = Told::default();
        told.add(&first);
        let end = Instant::now() + self.pace.gather;
        while let Ok(payload) = timeout_at(end, notifications.next()).await {
            told.add(&payload?);
        }
        Ok(told)
    }

    async fn fetch(&mut self, told: Told) -> Result<(), Broken> {
        if told.more {
            self.catch_up().await?;
            return Ok(());
        }
        let ids: Vec<String> = told.ids.into_iter().collect();
        let rows = answer(self.keys.rows(&ids)).await?;
        let there: HashSet<u128> = rows.iter().map(KeyRow::number).collect();
        let gone = ids
            .iter()
            .filter_map(|id| KeyId::parse(id))
            .filter(|number| !there.contains(number));
        let gone: Vec<u128> = gone.collect();
        self.apply(Page::Removed(gone), Order::Newer);
        self.apply(Page::Rows(rows), Order::Newer);
        self.answered();
        Ok(())
    }

    /// Asks for what changed since the mark; the answer is how much of it was news.
    async fn catch_up(&mut self) -> Result<usize, Broken> {
        let keys = self.keys.clone();
        let mut changes = answer(keys.changed_since(self.mark)).await?;
        if self.mark.is_ahead_of(changes.mark()) {
            tracing::warn!("the database has gone back in time; all keys are read anew");
            self.compare(Order::Now).await?;
            return Ok(0);
        }
        let mut news = 0;
        while let Some(page) = answer(changes.next()).await? {
            news += self.apply(page, Order::Newer);
        }
        self.mark = changes.mark();
        self.answered();
        Ok(news)
    }

    /// Reads the whole table into an empty directory.
    async fn load(&mut self) -> Result<(), Broken> {
        let keys = self.keys.clone();
        let mut changes = answer(keys.snapshot()).await?;
        let mut snapshot = Snapshot::default();
        let mut unopened = Unopened::default();
        self.unopened.clear();
        while let Some(page) = answer(changes.next()).await? {
            if let Page::Rows(rows) = page {
                for row in rows {
                    if let (_, Some(record)) = self.read(row, &mut unopened) {
                        snapshot.add(record);
                    }
                }
            }
        }
        unopened.tell();
        self.directory.load(snapshot);
        self.mark = changes.mark();
        self.answered();
        tracing::info!(keys = self.directory.count(), "key records are loaded");
        Ok(())
    }

    /// Compares the whole table with the directory.
    async fn compare(&mut self, order: Order) -> Result<(), Broken> {
        let keys = self.keys.clone();
        let mut changes = answer(keys.snapshot()).await?;
        let mut there: HashSet<u128> = HashSet::new();
        while let Some(page) = answer(changes.next()).await? {
            if let Page::Rows(rows) = &page {
                there.extend(rows.iter().map(KeyRow::number));
            }
            self.apply(page, order);
        }
        self.directory.keep_only(&there);
        self.unopened.retain(|number| there.contains(number));
        self.mark = changes.mark();
        self.answered();
        Ok(())
    }

    fn apply(&mut self, page: Page, order: Order) -> usize {
        match page {
            Page::Removed(numbers) => {
                for number in &numbers {
                    self.unopened.remove(number);
                }
                self.directory
                    .apply(numbers.into_iter().map(Change::Remove), order)
            }
            Page::Rows(rows) => {
                let mut unopened = Unopened::default();
                let mut changes = Vec::with_capacity(rows.len());
                for row in rows {
                    // Rows come twice by design; opening a secret is what costs.
                    let known = self.directory.version(row.number());
                    if order == Order::Newer && known.is_some_and(|known| known >= row.version()) {
                        continue;
                    }
                    changes.push(match self.read(row, &mut unopened) {
                        (_, Some(record)) => Change::Put(Box::new(record)),
                        ((number, version), None) => Change::Drop { number, version },
                    });
                }
                unopened.tell();
                self.directory.apply(changes, order)
            }
        }
    }

    fn read(&mut self, row: KeyRow, unopened: &mut Unopened) -> ((u128, i64), Option<KeyRecord>) {
        let subject = (row.number(), row.version());
        let id = row.id().to_owned();
        let reading = self.reader.read(row);
        match reading.fault {
            Some(fault) if self.unopened.insert(subject.0) => unopened.add(id, fault),
            Some(_) => {}
            None => {
                self.unopened.remove(&subject.0);
            }
        }
        (subject, reading.record)
    }

    fn answered(&self) {
        let (count, unopened) = (self.directory.count(), self.unopened.len());
        self.health.answered(self.clock.now(), count, unopened);
    }
}

/// Keys that turned out unusable in one batch: told in one line, however many they are.
#[derive(Default)]
struct Unopened {
    first: Option<(String, Fault)>,
    count: usize,
}

impl Unopened {
    fn add(&mut self, id: String, fault: Fault) {
        self.count += 1;
        self.first.get_or_insert((id, fault));
    }

    fn tell(self) {
        if let Some((id, fault)) = self.first {
            tracing::warn!(count = self.count, first = %id, fault = %fault, "keys cannot be used");
        }
    }
}

impl Told {
    fn add(&mut self, payload: &str) {
        let id = payload.split_once(':').map(|(id, _)| id);
        match id.filter(|id| KeyId::parse(id).is_some()) {
            Some(id) if self.ids.len() < limits::NAMED_KEYS_MAX => {
                self.ids.insert(id.to_owned());
            }
            Some(_) | None => self.more = true,
        }
    }
}

/// An answer of the database, in bounded time.
async fn answer<T, E: Into<Broken>>(
    question: impl Future<Output = Result<T, E>>,
) -> Result<T, Broken> {
    match timeout(limits::QUESTION, question).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Broken::Silent),
    }
}

/// The wait after so many failures: it doubles up to a bound, and chance adds up to half of it, so
/// that a fleet does not come back in step.
fn backoff(failures: u32, max: Duration) -> Duration {
    let doubled = limits::BACKOFF_MIN.saturating_mul(1 << failures.min(16));
    let wait = doubled.min(max);
    let chance = RandomState::new().hash_one(failures) % 1_000;
    wait + wait * u32::try_from(chance).expect("below a thousand") / 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_its_bound() {
        let max = Duration::from_secs(2);
        for (failures, at_least_ms) in [(0, 100), (1, 200), (4, 1_600), (5, 2_000), (99, 2_000)] {
            let wait = backoff(failures, max);
            let least = Duration::from_millis(at_least_ms);
            assert!(
                wait >= least && wait <= least * 3 / 2,
                "{failures}: {wait:?}"
            );
        }
    }

    #[test]
    fn notifications_are_read_by_name_or_as_more() {
        let id = "key_0123456789abcdef0123456789abcdef";
        for (payload, ids, more) in [
            (format!("{id}:17"), 1, false),
            (String::new(), 0, true),
            (id.to_owned(), 0, true),
            ("key_12:1".to_owned(), 0, true),
            ("other:1".to_owned(), 0, true),
        ] {
            let mut told = Told::default();
            told.add(&payload);
            assert_eq!((told.ids.len(), told.more), (ids, more), "{payload}");
        }
        let mut told = Told::default();
        for number in 0..limits::NAMED_KEYS_MAX {
            told.add(&format!("key_{number:032x}:1"));
        }
        assert!(!told.more);
        told.add(&format!("{id}:1"));
        assert!(told.more);
        assert_eq!(told.ids.len(), limits::NAMED_KEYS_MAX);
    }
}
