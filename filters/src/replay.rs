//! The memory of accepted signatures: each is accepted once within its window (contract, section 3).
//!
//! A signature is remembered as a [`Print`] of 16 bytes under the time that it carries. A replayed
//! signature carries the same time, so prints lie in slots of 16 seconds *of the signatures' own
//! time*: a look-up needs one slot, and a slot that has left the window goes whole.
//!
//! What it promises, and how:
//!
//! - **Exactly one of n at once wins**: look-up and entry are one step under one lock.
//! - **Bounded**, in all and for each key; a key that has used up its share is refused
//!   ([`Admit::Full`]) and takes nothing from others. Nothing is pushed out to make room.
//! - **It never guesses.** What it may have forgotten it refuses ([`Admit::Forgotten`]): times before
//!   its birth (a start without saved state), and before what was swept, should the window grow or
//!   the clock go back. What no memory can close: after a start *without* saved state, a signature
//!   that an earlier process accepted with a time ahead of the clock; save and load close that too.
//!
//! It stops at the process: other nodes have memories of their own.

mod shard;
#[cfg(test)]
mod tests;

pub use crate::snapshot::SnapshotError;

use crate::limits::{REPLAY_ENTRIES_MAX, REPLAY_ENTRIES_PER_KEY_MAX, SIGNATURE_WINDOW_S};
use crate::signing::{Mac, Scheme};
use crate::snapshot::{Reader, Writer};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use shard::{BYTES_PER_ENTRY_MAX, Shard, Slot};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

const SHARDS_MAX: usize = 64;
/// Below this many prints of one key in a shard, chance alone would fill one shard before others.
const ENTRIES_PER_KEY_AND_SHARD_MIN: usize = 1024;

const MARK: [u8; 4] = *b"TGRP";
const VERSION: u8 = 1;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Signatures of all keys.
    pub entries_max: usize,
    /// Signatures of one key.
    pub entries_per_key_max: usize,
}

/// What a signature is remembered by: 128 bits of a MAC or of SHA-256, which nobody can steer to
/// meet another key's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Print(u128);

/// What the memory says of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// It is new, and remembered from now on.
    First,
    /// It was accepted before.
    Replayed,
    /// It is new, and cannot be remembered: the key's share or the whole is used up.
    Full,
    /// It may have been accepted at a time that is not remembered.
    Forgotten,
    /// Another process remembers from now on: only that one can say.
    HandedOver,
}

/// Signatures that were accepted within their window.
pub struct ReplayCache {
    shards: Box<[Mutex<Shard>]>,
    limits: ReplayLimits,
    window_s: AtomicU64,
    born_s: AtomicU64,
    sealed: AtomicBool,
}

// === impl Print ===

impl Print {
    /// The print of one signature of the key with this number.
    ///
    /// Under `v1` the MAC covers method and target, so the MAC alone tells signatures apart. Under
    /// `body-timestamp` it does not: two honest requests of one second may have equal bodies (two
    /// DELETEs without one), so method and path count too, while another query does not make a
    /// captured signature new.
    #[must_use]
    pub fn new(key: u128, scheme: Scheme, mac: &Mac, method: &str, path: &[u8]) -> Self {
        let digest = match scheme {
            Scheme::V1 => *mac,
            Scheme::BodyTimestamp => Sha256::new()
                .chain_update(mac)
                .chain_update(method)
                .chain_update([0])
                .chain_update(path)
                .finalize()
                .into(),
        };
        let (half, _) = digest
            .split_first_chunk()
            .expect("a digest of 32 bytes has 16");
        // The number keeps keys apart that were given the same secret.
        Self(u128::from_le_bytes(*half) ^ key)
    }
}

// === impl ReplayCache ===

impl Default for ReplayCache {
    /// The usual limits and window, and a birth so long ago that nothing is refused for it: for
    /// tests, and for a process that knows of no earlier one.
    fn default() -> Self {
        Self::new(ReplayLimits::default(), SIGNATURE_WINDOW_S, 0)
    }
}

impl Default for ReplayLimits {
    fn default() -> Self {
        Self {
            entries_max: REPLAY_ENTRIES_MAX,
            entries_per_key_max: REPLAY_ENTRIES_PER_KEY_MAX,
        }
    }
}

impl ReplayCache {
    /// An empty memory that was born at `born_s` (Unix seconds) and keeps signatures for `window_s`
    /// seconds after their time.
    #[must_use]
    pub fn new(limits: ReplayLimits, window_s: u64, born_s: u64) -> Self {
        let shards = (limits.entries_per_key_max / ENTRIES_PER_KEY_AND_SHARD_MIN)
            .clamp(1, SHARDS_MAX)
            .next_power_of_two();
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            limits,
            window_s: AtomicU64::new(window_s),
            born_s: AtomicU64::new(born_s),
            sealed: AtomicBool::new(false),
        }
    }

    /// From now on signatures are kept for at least this long; never shorter than before.
    pub fn cover(&self, window_s: u64) {
        self.window_s.fetch_max(window_s, Relaxed);
    }

    /// Admits a valid signature that carries the time `timestamp_s`, once. Both times are Unix
    /// seconds; the caller has checked that they differ by no more than the window.
    pub fn admit(&self, key: u128, print: Print, timestamp_s: u64, now_s: u64) -> Admit {
        let window_s = self.window_s.load(Relaxed);
        let mut shard = self.shards[self.place(print.0)].lock();
        // Read under the lock that `save` takes after the seal was set: what is admitted is saved.
        if self.sealed.load(Relaxed) {
            return Admit::HandedOver;
        }
        shard.sweep(now_s, window_s);
        if timestamp_s < self.born_s.load(Relaxed).max(shard.forgotten_s()) {
            return Admit::Forgotten;
        }
        shard.admit(
            fold(key),
            print.0,
            timestamp_s,
            self.share(self.limits.entries_max),
            self.share(self.limits.entries_per_key_max),
        )
    }

    /// Drops what has left the window. [`ReplayCache::admit`] does so in passing; this is for a
    /// process that has become idle.
    pub fn sweep(&self, now_s: u64) {
        let window_s = self.window_s.load(Relaxed);
        for shard in &self.shards {
            while shard.lock().sweep(now_s, window_s) {}
        }
    }

    /// The earliest time (Unix seconds) of which every accepted signature is remembered.
    #[must_use]
    pub fn remembers_since(&self) -> u64 {
        self.shards
            .iter()
            .map(|shard| shard.lock().forgotten_s())
            .fold(self.born_s.load(Relaxed), u64::max)
    }

    /// How many signatures are remembered at this moment.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().entries()).sum()
    }

    /// Bytes of memory at worst: every place taken, each by another key, every table just grown. Of
    /// few keys it is a third.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.limits.entries_max.saturating_mul(BYTES_PER_ENTRY_MAX)
    }

    /// Admits nothing any more, so that whatever [`ReplayCache::save`] tells another process stays the
    /// whole truth; or admits again, when that process did not take over.
    pub fn seal(&self, sealed: bool) {
        self.sealed.store(sealed, Relaxed);
    }

    /// The memory as bytes, for [`ReplayCache::load`] in another process. Save when nothing is
    /// admitted any more, or seal it first: what comes after is not in it.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut slots: BTreeMap<u64, Slot> = BTreeMap::new();
        let since_s = self.remembers_since();
        for shard in &self.shards {
            shard.lock().copy_into(&mut slots);
        }
        let mut out = Writer::new(MARK, VERSION);
        out.put(since_s.to_le_bytes());
        out.put_length(slots.len());
        for (index, slot) in &slots {
            out.put(index.to_le_bytes());
            out.put_length(slot.keys.len());
            for (key, count) in &slot.keys {
                out.put(key.to_le_bytes());
                out.put(count.to_le_bytes());
            }
            out.put_length(slot.prints.len());
            for print in &slot.prints {
                out.put(print.to_le_bytes());
            }
        }
        out.finish()
    }

    /// Adds what another process remembered, up to the moment at which it stopped. From then on this
    /// memory remembers since the earlier of both births. Returns how many signatures came.
    ///
    /// # Errors
    /// [`SnapshotError`]; then nothing was added, and the birth stays.
    pub fn load(&self, bytes: &[u8]) -> Result<usize, SnapshotError> {
        let mut input = Reader::new(bytes, MARK, VERSION)?;
        let since_s = input.u64()?;
        let mut slots: BTreeMap<u64, Slot> = BTreeMap::new();
        let mut count = 0;
        for _ in 0..input.length(24)? {
            let slot = slots.entry(input.u64()?).or_default();
            for _ in 0..input.length(12)? {
                let (key, entries) = (input.u64()?, input.u32()?);
                slot.keys.insert(key, entries);
            }
            for _ in 0..input.length(16)? {
                slot.prints.insert(input.u128()?);
            }
            count += slot.prints.len();
        }
        input.end()?;
        if count.saturating_add(self.entries()) > self.limits.entries_max {
            return Err(SnapshotError::TooLarge);
        }
        for (index, slot) in slots {
            self.add(index, &slot);
        }
        self.born_s.fetch_min(since_s, Relaxed);
        Ok(count)
    }

    /// Which print belongs to which key is not kept; by chance each shard has its part of a key's.
    fn add(&self, index: u64, slot: &Slot) {
        let mut parts: Vec<Vec<u128>> = vec![Vec::new(); self.shards.len()];
        for &print in &slot.prints {
            parts[self.place(print)].push(print);
        }
        let shards = u32::try_from(self.shards.len()).expect("there are at most 64 shards");
        for (shard, prints) in self.shards.iter().zip(parts) {
            let keys = slot.keys.iter().map(|(&key, &n)| (key, n.div_ceil(shards)));
            shard.lock().add(index, &prints, keys);
        }
    }

    fn place(&self, print: u128) -> usize {
        (print % self.shards.len() as u128) as usize
    }

    fn share(&self, of: usize) -> usize {
        of.div_ceil(self.shards.len())
    }
}

/// A key's number for counting: halves of an id of 128 bits, of which the partner chooses none.
const fn fold(key: u128) -> u64 {
    (key >> 64) as u64 ^ key as u64
}
