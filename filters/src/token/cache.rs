//! Tokens whose signature was proved, remembered with what they say.
//!
//! A look-up compares the whole token, byte for byte, and never a part of it (hardening, 2.4 and A23).
//! That it is found says only that its signature and its fixed claims were good: whether it counts at
//! this instant is for the caller to judge, each time, by the [`Lifetime`] kept with it.
//!
//! **Bounded** in bytes. Each shard has two generations: newcomers go to the young one; when that is
//! full it becomes the old one, and what the old one held is forgotten. What is asked for again in
//! the old one moves to the young one, so that tokens in use stay.
//!
//! A cache belongs to one filter of one plan: with new keys comes a new plan, and it begins empty.

use super::Lifetime;
use crate::limits::TOKEN_CACHE_SHARDS;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use parking_lot::Mutex;
use std::hash::BuildHasher;

/// Verified tokens, each with a value.
pub struct Cache<T> {
    shards: Box<[Mutex<Shard<T>>]>,
    hashing: RandomState,
    generation_bytes_max: usize,
}

struct Shard<T> {
    young: Generation<T>,
    old: Generation<T>,
}

struct Generation<T> {
    entries: HashTable<Entry<T>>,
    bytes: usize,
}

struct Entry<T> {
    hash: u64,
    token: Box<[u8]>,
    lifetime: Lifetime,
    value: T,
}

// === impl Cache ===

impl<T: Clone> Cache<T> {
    /// Bytes that an entry costs at most beside its token and the texts of its claims.
    const ENTRY_BYTES_MAX: usize = 640;

    /// A cache of so many bytes at most; none at all for 0.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let shard = || {
            Mutex::new(Shard {
                young: Generation::default(),
                old: Generation::default(),
            })
        };
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self {
            shards: (0..TOKEN_CACHE_SHARDS).map(|_| shard()).collect(),
            hashing: RandomState::default(),
            generation_bytes_max: bytes_max / TOKEN_CACHE_SHARDS / 2,
        }
    }

    /// What was kept with this very token.
    #[must_use]
    pub fn find(&self, token: &[u8]) -> Option<(Lifetime, T)> {
        let hash = self.hashing.hash_one(token);
        let mut shard = self.shard(hash).lock();
        if let Some(entry) = shard.young.find(hash, token) {
            return Some((entry.lifetime, entry.value.clone()));
        }
        let entry = shard.old.take(hash, token)?;
        let found = (entry.lifetime, entry.value.clone());
        let forgotten = shard.put(entry, self.generation_bytes_max);
        drop(shard);
        drop(forgotten);
        Some(found)
    }

    /// Keeps a token. One that alone is larger than a share of the memory is not kept.
    pub fn put(&self, token: &[u8], lifetime: Lifetime, value: T) {
        if Self::cost(token) > self.generation_bytes_max {
            return;
        }
        let hash = self.hashing.hash_one(token);
        let entry = Entry {
            hash,
            token: token.into(),
            lifetime,
            value,
        };
        let mut shard = self.shard(hash).lock();
        // Two threads may have proved the same token at once.
        let forgotten = match shard.young.find(hash, token) {
            Some(_) => None,
            None => shard.put(entry, self.generation_bytes_max),
        };
        drop(shard);
        // Freeing thousands of entries keeps nobody waiting for the lock.
        drop(forgotten);
    }

    /// Tokens that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = |shard: &Mutex<Shard<T>>| {
            let shard = shard.lock();
            shard.young.entries.len() + shard.old.entries.len()
        };
        self.shards.iter().map(count).sum()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard<T>> {
        // The table within uses the other end of the hash.
        &self.shards[(hash >> 32) as usize % TOKEN_CACHE_SHARDS]
    }

    /// Every text of the claims comes out of the token, and is kept once.
    const fn cost(token: &[u8]) -> usize {
        2 * token.len() + Self::ENTRY_BYTES_MAX
    }
}

// === impl Shard ===

impl<T: Clone> Shard<T> {
    /// Puts an entry among the young; gives a generation that is to be forgotten.
    fn put(&mut self, entry: Entry<T>, bytes_max: usize) -> Option<Generation<T>> {
        let cost = Cache::<T>::cost(&entry.token);
        let mut forgotten = None;
        if self.young.bytes + cost > bytes_max {
            let young = std::mem::take(&mut self.young);
            forgotten = Some(std::mem::replace(&mut self.old, young));
        }
        self.young.bytes += cost;
        self.young
            .entries
            .insert_unique(entry.hash, entry, |entry| entry.hash);
        forgotten
    }
}

// === impl Generation ===

impl<T> Default for Generation<T> {
    fn default() -> Self {
        Self {
            entries: HashTable::new(),
            bytes: 0,
        }
    }
}

impl<T: Clone> Generation<T> {
    fn find(&self, hash: u64, token: &[u8]) -> Option<&Entry<T>> {
        self.entries.find(hash, |entry| entry.is(hash, token))
    }

    fn take(&mut self, hash: u64, token: &[u8]) -> Option<Entry<T>> {
        let place = self.entries.find_entry(hash, |entry| entry.is(hash, token));
        let (entry, _) = place.ok()?.remove();
        self.bytes -= Cache::<T>::cost(&entry.token);
        Some(entry)
    }
}

// === impl Entry ===

impl<T> Entry<T> {
    /// The hash is keyed and unknown outside: how far two tokens agree cannot be told by time.
    fn is(&self, hash: u64, token: &[u8]) -> bool {
        self.hash == hash && *self.token == *token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Lifetime = Lifetime {
        from_s: 1,
        until_s: 2,
    };

    #[test]
    fn a_token_is_found_by_all_of_its_bytes() {
        let cache = Cache::new(1 << 20);
        cache.put(b"a.b.c", LIFETIME, 1);
        cache.put(b"a.b.c", LIFETIME, 2);
        assert_eq!(cache.find(b"a.b.c"), Some((LIFETIME, 1)));
        for other in [&b"a.b.d"[..], b"a.b.", b"a.b.cc", b"A.b.c", b""] {
            assert_eq!(cache.find(other), None);
        }
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn nothing_is_kept_where_nothing_may_be() {
        let cost = Cache::<()>::cost(b"a.b.c") as u64;
        let share = 2 * TOKEN_CACHE_SHARDS as u64;
        for (bytes_max, kept) in [(0, 0), (cost * share - 1, 0), (cost * share, 1)] {
            let cache = Cache::new(bytes_max);
            cache.put(b"a.b.c", LIFETIME, ());
            assert_eq!(cache.len(), kept, "{bytes_max}");
        }
    }

    #[test]
    fn many_tokens_stay_within_the_bound_and_those_in_use_stay() {
        let cost = Cache::<usize>::cost(b"token-00000");
        let bytes_max = cost * 2 * TOKEN_CACHE_SHARDS * 8;
        let cache = Cache::new(bytes_max as u64);
        cache.put(b"token-in-use", LIFETIME, usize::MAX);
        for n in 0..10_000 {
            cache.put(format!("token-{n:05}").as_bytes(), LIFETIME, n);
            assert!(cache.find(b"token-in-use").is_some(), "{n}");
        }
        let last = cache.find(b"token-09999");
        assert_eq!(last, Some((LIFETIME, 9_999)));
        assert_eq!(cache.find(b"token-00000"), None);
        assert!(cache.len() * cost <= bytes_max + cost, "{}", cache.len());
    }
}
