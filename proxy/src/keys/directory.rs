//! The directory: a key's hash to its record, read by every request.
//!
//! A reader takes no lock: the directory is cut into shards, each an immutable table behind an
//! atomic pointer. A change copies the shards that it touches, edits the copies, and publishes them.
//! The hash itself is compared in the record, which the request is going to read anyway. Key strings
//! are chosen by us at random and hashed by SHA-256, so a part of the hash serves as it is: nobody can
//! aim at a shard.
//!
//! There is one writer at a time. Records are told apart by version, and a record that takes
//! another's place takes over its usage counters.

#[cfg(test)]
mod tests;

use super::limits::SHARDS;
use super::records::{Records, Snapshot};
use super::shard::{Entry, Shard, part_of};
use arc_swap::ArcSwap;
use filters::clock::Clock;
use filters::env::{Keys, Lookup};
use filters::key::{Credential, KeyHash, KeyRecord};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Release};

/// A key's hash to its record.
pub struct Directory {
    shards: Box<[ArcSwap<Shard>]>,
    /// All records by number; only the writer looks here.
    records: Mutex<Records>,
    count: AtomicUsize,
    loaded: AtomicBool,
    clock: Arc<dyn Clock>,
}

/// What shall happen to one key.
pub enum Change {
    /// This is its record now.
    Put(Box<KeyRecord>),
    /// It was changed into something that cannot be used.
    Drop {
        /// The key's number.
        number: u128,
        /// The version of that change.
        version: i64,
    },
    /// It is gone.
    Remove(u128),
}

/// Which record wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one with the greater version.
    Newer,
    /// The one that comes now: the database has gone back, and old versions mean nothing.
    Now,
}

/// The entries of one shard that go and that come.
#[derive(Default)]
struct Edit {
    go: Vec<Entry>,
    come: Vec<Entry>,
}

// === impl Directory ===

impl Keys for Directory {
    fn find(&self, hash: &KeyHash) -> Lookup {
        let shard = self.shards[shard_of(hash)].load();
        match shard.find(hash) {
            Some((record, shown)) if self.counts(shown) => Lookup::Found(record.clone()),
            Some(_) => Lookup::Unknown,
            None if self.is_loaded() => Lookup::Unknown,
            None => Lookup::NotReady,
        }
    }
}

impl Directory {
    /// An empty directory, not loaded yet. The clock tells when a rotation's overlap is over.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let empty = Arc::new(Shard::default());
        Self {
            shards: (0..SHARDS).map(|_| ArcSwap::new(empty.clone())).collect(),
            records: Mutex::default(),
            count: AtomicUsize::new(0),
            loaded: AtomicBool::new(false),
            clock,
        }
    }

    /// Whether the first snapshot is in.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Acquire)
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Acquire)
    }

    /// The version of a key's record.
    #[must_use]
    pub fn version(&self, number: u128) -> Option<i64> {
        self.records
            .lock()
            .find(number)
            .map(|record| record.version)
    }

    /// Fills the directory with a first snapshot, all at once.
    pub fn load(&self, snapshot: Snapshot) {
        let mut records = self.records.lock();
        let mut fresh = snapshot.into_records();
        fresh.inherit(&records);
        let mut shards: Vec<Vec<Entry>> = (0..SHARDS).map(|_| Vec::new()).collect();
        for record in fresh.iter() {
            for (shard, entry) in entries(record) {
                shards[shard].push(entry);
            }
        }
        *records = fresh;
        for (place, entries) in self.shards.iter().zip(shards) {
            place.store(Arc::new(Shard::new(entries)));
        }
        self.count.store(records.count(), Release);
        self.loaded.store(true, Release);
    }

    /// Applies changes; the answer is how many of them were news.
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>, order: Order) -> usize {
        let mut records = self.records.lock();
        let mut edits: BTreeMap<usize, Edit> = BTreeMap::new();
        let mut news = 0;
        for change in changes {
            let (number, version) = change.subject();
            let former = records.find(number).cloned();
            let stale = former
                .as_ref()
                .is_some_and(|former| match (order, version) {
                    (Order::Newer, Some(version)) => former.version >= version,
                    (Order::Newer, None) | (Order::Now, _) => false,
                });
            if stale || (former.is_none() && !matches!(change, Change::Put(_))) {
                continue;
            }
            news += 1;
            if let Some(former) = &former {
                records.remove(number);
                leave(&mut edits, former);
            }
            if let Change::Put(mut record) = change {
                if let Some(former) = former {
                    record.usage = former.usage.clone();
                }
                let record = records.insert(*record);
                for (shard, entry) in entries(&record) {
                    edits.entry(shard).or_default().come.push(entry);
                }
            }
        }
        self.publish(edits);
        self.count.store(records.count(), Release);
        news
    }

    /// Removes every key that is not among these; the answer is how many went.
    pub fn keep_only(&self, numbers: &HashSet<u128>) -> usize {
        let gone: Vec<Change> = {
            let records = self.records.lock();
            let others = records
                .iter()
                .filter(|record| !numbers.contains(&record.number));
            others.map(|record| Change::Remove(record.number)).collect()
        };
        self.apply(gone, Order::Newer)
    }

    /// One of the [`SHARDS`] shards, as it is now.
    pub(super) fn shard(&self, shard: usize) -> Arc<Shard> {
        self.shards[shard].load_full()
    }

    fn publish(&self, edits: BTreeMap<usize, Edit>) {
        for (shard, edit) in edits {
            let place = &self.shards[shard];
            let edited = place.load().edited(&edit.go, edit.come);
            place.store(Arc::new(edited));
        }
    }

    /// Whether the key string that was shown still counts: in a rotation's overlap it has an end.
    fn counts(&self, shown: &Credential) -> bool {
        shown.until_s.is_none() || shown.counts(self.clock.now().unix_s())
    }
}

/// Takes a record's entries out: out of the batch itself when it came in there, else out of the
/// table.
fn leave(edits: &mut BTreeMap<usize, Edit>, record: &Arc<KeyRecord>) {
    for (shard, entry) in entries(record) {
        let edit = edits.entry(shard).or_default();
        let come = edit.come.len();
        edit.come.retain(|new| !new.is(&entry));
        if edit.come.len() == come {
            edit.go.push(entry);
        }
    }
}

fn entries(record: &Arc<KeyRecord>) -> impl Iterator<Item = (usize, Entry)> {
    record.credentials().map(move |credential| {
        let entry = Entry {
            part: part_of(&credential.hash),
            record: record.clone(),
        };
        (shard_of(&credential.hash), entry)
    })
}

fn shard_of(hash: &KeyHash) -> usize {
    usize::from(u16::from_le_bytes([hash[0], hash[1]])) % SHARDS
}

// === impl Change ===

impl Change {
    fn subject(&self) -> (u128, Option<i64>) {
        match self {
            Self::Put(record) => (record.number, Some(record.version)),
            Self::Drop { number, version } => (*number, Some(*version)),
            Self::Remove(number) => (*number, None),
        }
    }
}
