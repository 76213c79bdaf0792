//! The directory: a key's hash to its record, read by every request.
//!
//! A reader takes no lock: the directory is cut into shards, each an immutable table behind an
//! atomic pointer. A change copies the shards that it touches, edits the copies, and publishes them.
//! An entry is sixteen bytes, a pointer and a part of the hash; the hash itself is compared in the
//! record, which the request is going to read anyway. Key strings are chosen by us at random and
//! hashed by SHA-256, so a part of the hash serves as it is: nobody can aim at a shard.
//!
//! There is one writer at a time. Records are told apart by version, and a record that takes
//! another's place takes over its usage counters.

use super::limits::SHARDS;
use arc_swap::ArcSwap;
use filters::clock::Clock;
use filters::env::{Keys, Lookup};
use filters::key::{KeyHash, KeyRecord};
use foldhash::quality::FixedState;
use hashbrown::HashTable;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
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

type Shard = HashTable<Entry>;

#[derive(Clone)]
struct Entry {
    part: u64,
    record: Arc<KeyRecord>,
}

#[derive(Default)]
struct Records(HashTable<Arc<KeyRecord>>);

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
        let part = part_of(hash);
        let found = shard.find(part, |entry| {
            entry.part == part && holds(&entry.record, hash)
        });
        match found {
            Some(entry) if self.counts(&entry.record, hash) => Lookup::Found(entry.record.clone()),
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
        Self {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
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
    pub fn load(&self, snapshot: Vec<KeyRecord>) {
        let mut records = self.records.lock();
        let mut shards: Vec<Shard> = (0..SHARDS).map(|_| Shard::new()).collect();
        let mut fresh = Records::with_capacity(snapshot.len());
        for mut record in snapshot {
            if let Some(former) = records.find(record.number) {
                record.usage = former.usage.clone();
            }
            let record = Arc::new(record);
            for (shard, entry) in entries(&record) {
                shards[shard].insert_unique(entry.part, entry, |entry| entry.part);
            }
            fresh.insert(record);
        }
        *records = fresh;
        for (place, mut shard) in self.shards.iter().zip(shards) {
            shard.shrink_to_fit(|entry| entry.part);
            place.store(Arc::new(shard));
        }
        self.count.store(records.0.len(), Release);
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
                let record = Arc::new(*record);
                for (shard, entry) in entries(&record) {
                    edits.entry(shard).or_default().come.push(entry);
                }
                records.insert(record);
            }
        }
        self.publish(edits);
        self.count.store(records.0.len(), Release);
        news
    }

    /// Removes every key that is not among these; the answer is how many went.
    pub fn keep_only(&self, numbers: &HashSet<u128>) -> usize {
        let gone: Vec<Change> = {
            let records = self.records.lock();
            let others = records
                .0
                .iter()
                .filter(|record| !numbers.contains(&record.number));
            others.map(|record| Change::Remove(record.number)).collect()
        };
        self.apply(gone, Order::Newer)
    }

    /// The records of one of the [`SHARDS`] shards. A key in a rotation's overlap may be found in
    /// more than one.
    pub(super) fn shard(&self, shard: usize) -> impl Iterator<Item = Arc<KeyRecord>> {
        let table = self.shards[shard].load_full();
        let records: Vec<Arc<KeyRecord>> = table.iter().map(|e| e.record.clone()).collect();
        records.into_iter()
    }

    fn publish(&self, edits: BTreeMap<usize, Edit>) {
        for (shard, edit) in edits {
            let place = &self.shards[shard];
            let mut table = Shard::clone(&place.load());
            for gone in edit.go {
                let same = |entry: &Entry| {
                    entry.part == gone.part && Arc::ptr_eq(&entry.record, &gone.record)
                };
                if let Ok(entry) = table.find_entry(gone.part, same) {
                    entry.remove();
                }
            }
            for entry in edit.come {
                table.insert_unique(entry.part, entry, |entry| entry.part);
            }
            place.store(Arc::new(table));
        }
    }

    /// Whether the key string that was shown still counts: in a rotation's overlap it has an end.
    fn counts(&self, record: &KeyRecord, hash: &KeyHash) -> bool {
        let shown = record
            .credentials
            .iter()
            .find(|credential| credential.hash == *hash);
        match shown.and_then(|credential| credential.until_s) {
            None => true,
            Some(until_s) => self.clock.now().unix_s() < until_s,
        }
    }
}

/// Takes a record's entries out: out of the batch itself when it came in there, else out of the
/// table.
fn leave(edits: &mut BTreeMap<usize, Edit>, record: &Arc<KeyRecord>) {
    for (shard, entry) in entries(record) {
        let edit = edits.entry(shard).or_default();
        let come = edit.come.len();
        edit.come
            .retain(|new| !Arc::ptr_eq(&new.record, record) || new.part != entry.part);
        if edit.come.len() == come {
            edit.go.push(entry);
        }
    }
}

fn entries(record: &Arc<KeyRecord>) -> impl Iterator<Item = (usize, Entry)> {
    record.credentials.iter().map(move |credential| {
        let entry = Entry {
            part: part_of(&credential.hash),
            record: record.clone(),
        };
        (shard_of(&credential.hash), entry)
    })
}

fn holds(record: &KeyRecord, hash: &KeyHash) -> bool {
    record
        .credentials
        .iter()
        .any(|credential| credential.hash == *hash)
}

fn shard_of(hash: &KeyHash) -> usize {
    usize::from(u16::from_le_bytes([hash[0], hash[1]])) % SHARDS
}

/// Eight bytes that the shard is not chosen by.
fn part_of(hash: &KeyHash) -> u64 {
    let bytes = hash[8..].first_chunk().expect("24 bytes begin with 8");
    u64::from_le_bytes(*bytes)
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

// === impl Records ===

impl Records {
    fn with_capacity(capacity: usize) -> Self {
        Self(HashTable::with_capacity(capacity))
    }

    fn find(&self, number: u128) -> Option<&Arc<KeyRecord>> {
        self.0.find(mix(number), |record| record.number == number)
    }

    fn remove(&mut self, number: u128) {
        let found = self
            .0
            .find_entry(mix(number), |record| record.number == number);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    fn insert(&mut self, record: Arc<KeyRecord>) {
        let hash = mix(record.number);
        self.0
            .insert_unique(hash, record, |record| mix(record.number));
    }
}

fn mix(number: u128) -> u64 {
    FixedState::default().hash_one(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::record;
    use filters::testing::ManualClock;
    use std::sync::atomic::AtomicU64;

    fn directory() -> (Directory, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        (Directory::new(clock.clone()), clock)
    }

    fn put(record: KeyRecord) -> Change {
        Change::Put(Box::new(record))
    }

    /// The version of what a hash leads to; 0: unknown; -1: not ready.
    fn look(directory: &Directory, hash: u8) -> i64 {
        match directory.find(&[hash; 32]) {
            Lookup::Found(record) => record.version,
            Lookup::Unknown => 0,
            Lookup::NotReady => -1,
        }
    }

    #[test]
    fn nothing_is_unknown_before_the_first_snapshot() {
        let (directory, _) = directory();
        assert_eq!(look(&directory, 1), -1);
        directory.load(vec![record(1, 5, &[1])]);
        assert_eq!((look(&directory, 1), look(&directory, 2)), (5, 0));
        assert_eq!(directory.count(), 1);
    }

    #[test]
    fn changes_are_ordered_by_version() {
        let (directory, _) = directory();
        directory.load(vec![record(1, 5, &[1])]);
        let dropped = |version| Change::Drop { number: 1, version };
        for (name, change, order, news, found) in [
            ("older", put(record(1, 4, &[1])), Order::Newer, 0, 5),
            ("the same", put(record(1, 5, &[1])), Order::Newer, 0, 5),
            ("newer", put(record(1, 6, &[1])), Order::Newer, 1, 6),
            ("an older drop", dropped(5), Order::Newer, 0, 6),
            ("gone back", put(record(1, 2, &[1])), Order::Now, 1, 2),
            ("a newer drop", dropped(3), Order::Newer, 1, 0),
            ("dropped again", dropped(4), Order::Newer, 0, 0),
            ("back", put(record(1, 5, &[1])), Order::Newer, 1, 5),
            ("removed", Change::Remove(1), Order::Newer, 1, 0),
            ("removed again", Change::Remove(1), Order::Newer, 0, 0),
        ] {
            assert_eq!(directory.apply([change], order), news, "{name}");
            assert_eq!(look(&directory, 1), found, "{name}");
            assert_eq!(directory.count(), usize::from(found > 0), "{name}");
        }
    }

    #[test]
    fn a_rotated_key_is_found_by_both_strings_until_the_overlap_ends() {
        let (directory, clock) = directory();
        directory.load(vec![record(1, 1, &[1])]);
        let mut rotated = record(1, 2, &[2, 1]);
        rotated.credentials[1].until_s = Some(100);
        directory.apply([put(rotated)], Order::Newer);
        for (now_s, new, old) in [(99, 2, 2), (100, 2, 0)] {
            clock.set_unix_s(now_s);
            assert_eq!(
                (look(&directory, 2), look(&directory, 1)),
                (new, old),
                "{now_s}"
            );
        }
        directory.apply([put(record(1, 3, &[2]))], Order::Newer);
        clock.set_unix_s(0);
        assert_eq!((look(&directory, 2), look(&directory, 1)), (3, 0));
    }

    #[test]
    fn several_changes_of_one_key_in_one_batch_leave_the_last() {
        let (directory, _) = directory();
        directory.load(Vec::new());
        let batch = [
            put(record(1, 1, &[1])),
            put(record(1, 2, &[1, 2])),
            put(record(1, 3, &[2])),
            put(record(2, 4, &[3])),
            Change::Remove(2),
        ];
        assert_eq!(directory.apply(batch, Order::Newer), 5);
        assert_eq!(
            (
                look(&directory, 1),
                look(&directory, 2),
                look(&directory, 3)
            ),
            (0, 3, 0)
        );
        let entries: usize = (0..SHARDS)
            .map(|shard| directory.shard(shard).count())
            .sum();
        assert_eq!(entries, 1);
    }

    #[test]
    fn usage_goes_on_in_the_record_that_follows() {
        let (directory, _) = directory();
        directory.load(vec![record(1, 1, &[1])]);
        let Lookup::Found(old) = directory.find(&[1; 32]) else {
            panic!("the key is there");
        };
        old.usage.count(7, false);
        directory.apply([put(record(1, 2, &[1]))], Order::Newer);
        // A request that began before the change counts after it.
        old.usage.count(8, true);
        directory.load(vec![record(1, 3, &[1])]);
        let Lookup::Found(new) = directory.find(&[1; 32]) else {
            panic!("the key is there");
        };
        let used = new.usage.take().unwrap();
        assert_eq!((used.requests, used.errors, used.last_s), (2, 1, 8));
    }

    #[test]
    fn comparing_removes_what_is_not_there_any_more() {
        let (directory, _) = directory();
        directory.load((1..=9).map(|n| record(n.into(), 1, &[n])).collect());
        let kept = (1..=9).filter(|n| n % 2 == 0).collect();
        assert_eq!(directory.keep_only(&kept), 5);
        for n in 1..=9 {
            assert_eq!(look(&directory, n), i64::from(n % 2 == 0), "{n}");
        }
    }

    #[test]
    fn readers_never_miss_a_key_while_it_is_replaced() {
        let (directory, _) = directory();
        directory.load((0..64).map(|n| record(n.into(), 1, &[n])).collect());
        let seen = AtomicU64::new(0);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut newest = 0;
                while !done.load(Acquire) {
                    let version = look(&directory, 9);
                    assert!(version >= newest.max(1), "{version} after {newest}");
                    newest = version;
                    seen.fetch_add(1, Release);
                }
            });
            while seen.load(Acquire) == 0 {
                std::thread::yield_now();
            }
            for version in 2..2_000 {
                directory.apply([put(record(9, version, &[9]))], Order::Newer);
            }
            done.store(true, Release);
            reader.join().unwrap();
        });
        assert_eq!(look(&directory, 9), 1_999);
    }
}
