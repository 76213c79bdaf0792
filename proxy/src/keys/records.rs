//! All records by number, as the directory's writer sees them; and a first snapshot while it is
//! gathered.
//!
//! Records that come in share the texts that many of them have in common: tiers, lists of scopes,
//! consumers.

use super::limits::SHARED_TEXTS_MAX;
use filters::key::KeyRecord;
use foldhash::quality::FixedState;
use hashbrown::HashTable;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

/// All records by number.
#[derive(Default)]
pub(super) struct Records {
    by_number: HashTable<Arc<KeyRecord>>,
    texts: HashSet<Arc<str>>,
}

/// A first snapshot, gathered page by page: what is held meanwhile is what the directory will hold.
#[derive(Default)]
pub struct Snapshot(Records);

// === impl Records ===

impl Records {
    pub(super) fn count(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<KeyRecord>> {
        self.by_number.iter()
    }

    pub(super) fn find(&self, number: u128) -> Option<&Arc<KeyRecord>> {
        self.by_number
            .find(mix(number), |record| record.number == number)
    }

    pub(super) fn remove(&mut self, number: u128) {
        let found = self
            .by_number
            .find_entry(mix(number), |record| record.number == number);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    /// Puts in a record of a number that is not there.
    pub(super) fn insert(&mut self, mut record: KeyRecord) -> Arc<KeyRecord> {
        for text in [&mut record.consumer, &mut record.tier, &mut record.scopes] {
            self.share(text);
        }
        let record = Arc::new(record);
        let hash = mix(record.number);
        self.by_number
            .insert_unique(hash, record.clone(), |record| mix(record.number));
        record
    }

    /// Lets records that nobody has seen yet count on where those of the same key have counted.
    pub(super) fn inherit(&mut self, former: &Self) {
        if former.count() == 0 {
            return;
        }
        for record in &mut self.by_number {
            if let Some(former) = former.find(record.number) {
                let record = Arc::get_mut(record).expect("a snapshot is its records' only holder");
                record.usage = former.usage.clone();
            }
        }
    }

    fn share(&mut self, text: &mut Arc<str>) {
        if let Some(known) = self.texts.get(text) {
            *text = known.clone();
            return;
        }
        if self.texts.len() >= SHARED_TEXTS_MAX {
            // Starting anew costs some doubles; never starting anew would keep what is long gone.
            self.texts.clear();
        }
        self.texts.insert(text.clone());
    }
}

fn mix(number: u128) -> u64 {
    FixedState::default().hash_one(number)
}

// === impl Snapshot ===

impl Snapshot {
    /// Adds a record. A key that changes while the pages are read comes twice: the newer record stays.
    pub fn add(&mut self, record: KeyRecord) {
        match self.0.find(record.number) {
            Some(known) if known.version >= record.version => return,
            Some(_) => self.0.remove(record.number),
            None => {}
        }
        self.0.insert(record);
    }

    pub(super) fn into_records(self) -> Records {
        self.0
    }
}

impl FromIterator<KeyRecord> for Snapshot {
    fn from_iter<I: IntoIterator<Item = KeyRecord>>(records: I) -> Self {
        let mut snapshot = Self::default();
        for record in records {
            snapshot.add(record);
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::record;

    #[test]
    fn records_share_the_texts_they_have_in_common() {
        let mut records = Records::default();
        let all: Vec<_> = (0..3)
            .map(|n| {
                let mut record = record(n, 1, &[1]);
                record.consumer = format!("partner {n}").into();
                records.insert(record)
            })
            .collect();
        for one in &all[1..] {
            assert!(Arc::ptr_eq(&one.tier, &all[0].tier));
            assert!(Arc::ptr_eq(&one.scopes, &all[0].scopes));
            assert_ne!(one.consumer, all[0].consumer);
        }
        assert_eq!(records.texts.len(), 5);
    }

    #[test]
    fn shared_texts_are_bounded() {
        let mut records = Records::default();
        let mut share = |n: usize| {
            let mut text: Arc<str> = n.to_string().into();
            records.share(&mut text);
            records.texts.len()
        };
        assert_eq!(
            (0..SHARED_TEXTS_MAX).map(&mut share).max(),
            Some(SHARED_TEXTS_MAX)
        );
        assert_eq!(share(0), SHARED_TEXTS_MAX);
        assert_eq!(share(SHARED_TEXTS_MAX), 1);
    }

    #[test]
    fn the_newer_of_two_records_of_a_key_stays() {
        for versions in [[1, 2], [2, 1], [2, 2]] {
            let both = versions.map(|version| record(7, version, &[1]));
            let records = Snapshot::from_iter(both).into_records();
            assert_eq!(records.count(), 1);
            assert_eq!(records.find(7).unwrap().version, 2);
        }
    }
}
