//! One part of the memory, under one lock.

use super::Admit;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;

/// Seconds of the signatures' own time in one slot: they are kept that much longer than need be.
const SLOT_S: u64 = 16;

/// A place in `prints`, and one in each of both `keys`, when each table has just doubled (load 7/16).
pub(super) const BYTES_PER_ENTRY_MAX: usize = (17 + 17 + 17) * 16 / 7 + 1;

#[derive(Default)]
pub(super) struct Shard {
    slots: BTreeMap<u64, Slot>,
    /// How many prints of each key all slots hold.
    keys: HashMap<u64, u32, RandomState>,
    entries: usize,
    /// Signatures of earlier times may have been forgotten.
    forgotten_s: u64,
}

/// The signatures of [`SLOT_S`] seconds.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) prints: HashSet<u128, RandomState>,
    /// How many of them each key has.
    pub(super) keys: HashMap<u64, u32, RandomState>,
}

impl Shard {
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) const fn forgotten_s(&self) -> u64 {
        self.forgotten_s
    }

    /// Drops the oldest slot if all of it has left the window; says whether it did. One slot at a
    /// time bounds the step, and slots go faster than they come.
    pub(super) fn sweep(&mut self, now_s: u64, window_s: u64) -> bool {
        let Some(oldest) = self.slots.first_entry() else {
            return false;
        };
        let end_s = oldest.key().saturating_add(1).saturating_mul(SLOT_S);
        // The last second in the slot is `end_s - 1`; at `end_s - 1 + window_s` it still counts.
        if end_s.saturating_add(window_s) > now_s {
            return false;
        }
        let slot = oldest.remove();
        self.entries -= slot.prints.len();
        self.forgotten_s = self.forgotten_s.max(end_s);
        for (key, gone) in slot.keys {
            if let Some(count) = self.keys.get_mut(&key) {
                *count = count.saturating_sub(gone);
                if *count == 0 {
                    self.keys.remove(&key);
                }
            }
        }
        true
    }

    pub(super) fn admit(
        &mut self,
        key: u64,
        print: u128,
        timestamp_s: u64,
        entries_max: usize,
        entries_per_key_max: usize,
    ) -> Admit {
        let index = timestamp_s / SLOT_S;
        let known = self.slots.get(&index);
        if known.is_some_and(|slot| slot.prints.contains(&print)) {
            return Admit::Replayed;
        }
        let used = self.keys.get(&key).copied().unwrap_or(0);
        if self.entries >= entries_max || used as usize >= entries_per_key_max {
            return Admit::Full;
        }
        let slot = self.slots.entry(index).or_default();
        slot.prints.insert(print);
        *slot.keys.entry(key).or_insert(0) += 1;
        *self.keys.entry(key).or_insert(0) += 1;
        self.entries += 1;
        Admit::First
    }

    pub(super) fn copy_into(&self, slots: &mut BTreeMap<u64, Slot>) {
        for (&index, from) in &self.slots {
            let to = slots.entry(index).or_default();
            to.prints.extend(&from.prints);
            for (&key, &count) in &from.keys {
                *to.keys.entry(key).or_insert(0) += count;
            }
        }
    }

    pub(super) fn add(
        &mut self,
        index: u64,
        prints: &[u128],
        keys: impl Iterator<Item = (u64, u32)>,
    ) {
        if prints.is_empty() {
            return;
        }
        let slot = self.slots.entry(index).or_default();
        let before = slot.prints.len();
        slot.prints.extend(prints);
        self.entries += slot.prints.len() - before;
        for (key, count) in keys {
            *slot.keys.entry(key).or_insert(0) += count;
            *self.keys.entry(key).or_insert(0) += count;
        }
    }
}
