//! One shard of the directory: an immutable table from a key's hash to its record.
//!
//! Entries lie in the order of their parts (eight bytes of the hash), each as near as possible to
//! where its part would lie if parts were spread evenly, which they are: SHA-256 spreads them, so
//! nothing is hashed again. Looking up begins at that place and goes on to the first greater part or
//! the first gap. Of every five places one is a gap, so it ends after two or three entries, nearly
//! always within one line of the processor's cache; the record itself is the next one. Sixteen bytes an
//! entry, twenty with the gaps.
//!
//! Nobody can crowd a place: only parts of keys that are *stored* lie in the table, and we make those
//! at random. Who searches for strings whose hashes begin alike chooses which place is looked at, and
//! no more.

use filters::key::{Credential, KeyHash, KeyRecord};
use std::sync::Arc;

/// Places for so many entries, ...
const PLACES: usize = 5;
/// ... of which so many are taken.
const TAKEN: usize = 4;

/// An immutable table from a key's hash to its record.
#[derive(Default)]
pub(super) struct Shard {
    slots: Box<[Option<Entry>]>,
    /// Places that a part leads to; behind them lie only entries that found theirs taken.
    places: usize,
}

/// A key string that leads to a record.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) part: u64,
    pub(super) record: Arc<KeyRecord>,
}

// === impl Shard ===

impl Shard {
    /// A table of these entries.
    pub(super) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.part);
        let places = (entries.len() * PLACES).div_ceil(TAKEN);
        let length = entries
            .iter()
            .fold(0, |end, entry| place(entry.part, places).max(end) + 1);
        let mut slots = Vec::with_capacity(length);
        for entry in entries {
            let gap = place(entry.part, places).saturating_sub(slots.len());
            slots.extend(std::iter::repeat_with(|| None).take(gap));
            slots.push(Some(entry));
        }
        Self {
            slots: slots.into(),
            places,
        }
    }

    /// The record that a hash leads to, and the credential of that hash.
    pub(super) fn find(&self, hash: &KeyHash) -> Option<(&Arc<KeyRecord>, &Credential)> {
        let part = part_of(hash);
        for slot in self.slots.get(place(part, self.places)..)? {
            let entry = slot.as_ref().filter(|entry| entry.part <= part)?;
            if entry.part == part
                && let Some(credential) = entry.record.credential_of(hash)
            {
                return Some((&entry.record, credential));
            }
        }
        None
    }

    /// The same table without the entries that go, and with those that come.
    pub(super) fn edited(&self, go: &[Entry], come: Vec<Entry>) -> Self {
        let mut entries = Vec::with_capacity(self.slots.len() + come.len());
        entries.extend(self.entries().cloned());
        for gone in go {
            let first = entries.partition_point(|entry| entry.part < gone.part);
            if let Some(at) = entries[first..].iter().position(|entry| gone.is(entry)) {
                entries.remove(first + at);
            }
        }
        entries.extend(come);
        Self::new(entries)
    }

    /// All entries. A key in a rotation's overlap may have several.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten()
    }
}

// === impl Entry ===

impl Entry {
    /// Whether both are the same string of the same record.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.part == other.part && Arc::ptr_eq(&self.record, &other.record)
    }
}

/// Eight bytes of a hash that the shard is not chosen by.
pub(super) fn part_of(hash: &KeyHash) -> u64 {
    let bytes = hash[8..].first_chunk().expect("24 bytes begin with 8");
    u64::from_le_bytes(*bytes)
}

/// Where a part lies among so many places, if parts are spread evenly.
fn place(part: u64, places: usize) -> usize {
    let scaled = u128::from(part) * places as u128;
    usize::try_from(scaled >> 64).expect("a part of the places is below their number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::record;
    use sha2::{Digest, Sha256};

    /// An entry whose part is that, of a record of its own with that hash.
    fn entry(number: u128, hash: KeyHash) -> Entry {
        let mut record = record(number, 1, &[0]);
        record.credential.as_mut().unwrap().hash = hash;
        Entry {
            part: part_of(&hash),
            record: Arc::new(record),
        }
    }

    fn with_part(part: u64, rest: u8) -> KeyHash {
        let mut hash = [rest; 32];
        hash[8..16].copy_from_slice(&part.to_le_bytes());
        hash
    }

    fn found(shard: &Shard, hash: &KeyHash) -> Option<u128> {
        shard.find(hash).map(|(record, credential)| {
            assert_eq!(credential.hash, *hash);
            record.number
        })
    }

    /// A table of these hashes finds each of them, and none of the others.
    fn check(name: &str, hashes: &[KeyHash], others: &[KeyHash]) {
        let numbered = hashes.iter().zip(0..);
        let shard = Shard::new(numbered.map(|(hash, n)| entry(n, *hash)).collect());
        for (hash, number) in hashes.iter().zip(0..) {
            assert_eq!(found(&shard, hash), Some(number), "{name}");
        }
        for hash in others {
            assert_eq!(found(&shard, hash), None, "{name}");
        }
        assert_eq!(shard.entries().count(), hashes.len(), "{name}");
        let parts: Vec<u64> = shard.entries().map(|entry| entry.part).collect();
        assert!(parts.is_sorted(), "{name}");
    }

    #[test]
    fn every_hash_is_found_and_no_other() {
        let borders = [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX];
        let all: Vec<KeyHash> = borders.map(|part| with_part(part, 1)).into();
        let twins: Vec<KeyHash> = borders.map(|part| with_part(part, 2)).into();
        check("nothing", &[], &all);
        for (n, one) in all.iter().enumerate() {
            let mut others = all.clone();
            others.remove(n);
            check("one", &[*one], &others);
            check("one, and its part in another hash", &[*one], &twins);
        }
        check("the borders", &all, &twins);
        let both: Vec<KeyHash> = all.iter().chain(&twins).copied().collect();
        check("the borders twice", &both, &[with_part(0, 3)]);
        let crowd = |rest| -> Vec<KeyHash> { (0..50).map(|n| with_part(n, rest)).collect() };
        check("all at the beginning", &crowd(1), &crowd(2));
        let crowd =
            |rest| -> Vec<KeyHash> { (0..50).map(|n| with_part(u64::MAX - n * 2, rest)).collect() };
        check("all at the end", &crowd(1), &crowd(2));
        let spread = |from: u32| -> Vec<KeyHash> {
            let numbers = from..from + 2_000;
            numbers
                .map(|n| Sha256::digest(n.to_be_bytes()).into())
                .collect()
        };
        check("spread", &spread(0), &spread(2_000));
    }

    #[test]
    fn editing_takes_out_what_goes_and_puts_in_what_comes() {
        let entries: Vec<Entry> = (0..9).map(|n| entry(n.into(), [n; 32])).collect();
        let shard = Shard::new(entries[..6].to_vec());
        // The same string, of the record that follows.
        let newer = entry(100, [2; 32]);
        let come = vec![newer, entries[7].clone()];
        let edited = shard.edited(&[entries[2].clone(), entries[4].clone()], come);
        for (n, expected) in [
            (1, Some(1)),
            (2, Some(100)),
            (4, None),
            (5, Some(5)),
            (6, None),
            (7, Some(7)),
        ] {
            assert_eq!(found(&edited, &[n; 32]), expected, "{n}");
        }
        // What readers may still hold is as it was.
        assert_eq!(found(&shard, &[2; 32]), Some(2));
        let none = edited.edited(&edited.entries().cloned().collect::<Vec<_>>(), Vec::new());
        assert_eq!(none.entries().count(), 0);
    }

    #[test]
    fn a_table_has_a_fourth_more_places_than_entries() {
        let hash = |n: u32| Sha256::digest(n.to_be_bytes()).into();
        let entries = (0..4_000).map(|n| entry(n.into(), hash(n))).collect();
        let shard = Shard::new(entries);
        assert!((4_900..5_100).contains(&shard.slots.len()));
        assert_eq!(size_of::<Option<Entry>>(), 16);
        // How far an entry lies from its place: the length of a look-up.
        let far = |(at, slot): (usize, &Option<Entry>)| {
            let part = slot.as_ref()?.part;
            Some(at - place(part, shard.places))
        };
        let distances: Vec<usize> = shard.slots.iter().enumerate().filter_map(far).collect();
        assert!(distances.iter().sum::<usize>() < 3 * distances.len());
        assert!(distances.iter().all(|distance| *distance < 64));
    }
}
