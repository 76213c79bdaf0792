//! What has been used of every limit: token buckets (contract, section 5; FR-016 to FR-018).
//!
//! A bucket of N tokens is refilled evenly, N in a window. What is kept is the *used* tokens, so a
//! changed limit, another tier or a reload keeps what was used: the definition of a limit comes with
//! each call, its state lives here and outlives every plan. (A limit that shrinks below what was used
//! leaves an empty bucket, not a debt.)
//!
//! - One call judges all policies of an owner under one lock, never held across an await: a token
//!   comes from every policy or from none, and a refusal costs nothing.
//! - Integers only: one token is `window` nanoseconds' worth of units, every nanosecond gives back
//!   `limit` units. Nothing is ever rounded in the owner's favour or against it.
//! - Bounded: owners whose buckets are whole again are forgotten, which loses nothing. Should more
//!   be in use than may be remembered, newcomers share one bucket of their kind for the time being:
//!   never without a limit, never an outage for those already known.
//!
//! It stops at the process: nodes that share limits build on it.

mod account;
mod decision;
mod table;
#[cfg(test)]
mod tests;

pub use crate::snapshot::SnapshotError;
pub use decision::{Decision, Policies, PoliciesError, PolicyState, is_name};

use crate::address::Neighbourhood;
use crate::clock::Now;
use crate::limits::QUOTA_OWNERS_MAX;
use crate::snapshot::{Reader, Writer};
use account::{Account, Used};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use std::hash::BuildHasher;
use std::net::IpAddr;
use table::{OwnerId, Table};

const SHARDS: usize = 64;

const MARK: [u8; 4] = *b"TGQU";
const VERSION: u8 = 1;

/// The class of all keys; limits by address have the hash of their name.
const KEYS: u64 = 0;

/// Whom a bucket belongs to: never raw text of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A key, by its number; its tokens and its OAuth client draw on the same.
    Key(u128),
    /// A group of addresses under the limit of this name.
    Address(LimitName, Neighbourhood),
}

/// The name of a limit by address, so that several of them do not mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitName(u64);

/// What has been used of every limit.
pub struct Quotas {
    shards: Box<[Mutex<Table>]>,
    hashing: RandomState,
    owners_max: usize,
}

// === impl LimitName ===

impl LimitName {
    /// The limit of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name_hash(name).max(KEYS + 1))
    }
}

// === impl Owner ===

impl Owner {
    fn id(&self) -> OwnerId {
        match self {
            Self::Key(number) => OwnerId {
                class: KEYS,
                number: *number,
            },
            Self::Address(LimitName(class), group) => OwnerId {
                class: *class,
                number: match group.address() {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
                    IpAddr::V6(v6) => v6.into(),
                },
            },
        }
    }
}

// === impl Quotas ===

impl Default for Quotas {
    fn default() -> Self {
        Self::new(QUOTA_OWNERS_MAX)
    }
}

impl Quotas {
    /// An empty memory for this many owners.
    #[must_use]
    pub fn new(owners_max: usize) -> Self {
        let shards = if owners_max < SHARDS * SHARDS {
            1
        } else {
            SHARDS
        };
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            hashing: RandomState::default(),
            owners_max,
        }
    }

    /// Takes one token from every policy of the owner, or none from any.
    ///
    /// `now_ns` is read from a clock that never goes back; of calls that arrive out of order the
    /// later instant counts.
    pub fn take(&self, owner: &Owner, policies: &Policies, now_ns: u64) -> Decision {
        let id = owner.id();
        let hash = self.hashing.hash_one(id);
        let mut table = self.shard(hash).lock();
        let account = table.account(id, hash, &self.hashing, self.share(), now_ns);
        account.decide(policies, now_ns, true)
    }

    /// The same for a caller who wants to know more only of a refusal.
    ///
    /// # Errors
    /// The decision that refuses.
    pub fn pass(&self, owner: &Owner, policies: &Policies, now_ns: u64) -> Result<(), Decision> {
        let id = owner.id();
        let hash = self.hashing.hash_one(id);
        let mut table = self.shard(hash).lock();
        let account = table.account(id, hash, &self.hashing, self.share(), now_ns);
        account
            .pass(policies, now_ns, true)
            .ok_or_else(|| account.decide(policies, now_ns, false))
    }

    /// Whether [`Quotas::take`] would refuse, and how, without taking.
    #[must_use]
    pub fn refusal(&self, owner: &Owner, policies: &Policies, now_ns: u64) -> Option<Decision> {
        let id = owner.id();
        let hash = self.hashing.hash_one(id);
        let mut table = self.shard(hash).lock();
        // Who is not known has used nothing, and is not remembered for being asked about.
        let mut nobody = Account::default();
        let account = table
            .find_mut(id, hash, self.share())
            .unwrap_or(&mut nobody);
        match account.pass(policies, now_ns, false) {
            Some(()) => None,
            None => Some(account.decide(policies, now_ns, false)),
        }
    }

    /// What [`Quotas::take`] would find, without taking.
    #[must_use]
    pub fn peek(&self, owner: &Owner, policies: &Policies, now_ns: u64) -> Decision {
        let id = owner.id();
        let hash = self.hashing.hash_one(id);
        let known = {
            let table = self.shard(hash).lock();
            table.find(id, hash, self.share()).cloned()
        };
        let mut account = known.unwrap_or_default();
        account.decide(policies, now_ns, false)
    }

    /// How many owners are remembered at this moment.
    #[must_use]
    pub fn owners(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Bytes of memory at worst, for owners of two policies each.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.owners_max.saturating_mul(Table::BYTES_PER_OWNER_MAX)
    }

    /// What is used at this instant, as bytes, for [`Quotas::load`] in another process.
    #[must_use]
    pub fn save(&self, now: Now) -> Vec<u8> {
        let mut out = Writer::new(MARK, VERSION);
        out.put(now.unix_ms.to_le_bytes());
        for shard in &self.shards {
            let mut table = shard.lock();
            for (id, account) in table.iter_mut() {
                for used in account.in_use(now.monotonic_ns) {
                    out.put([1]);
                    out.put(id.class.to_le_bytes());
                    out.put(id.number.to_le_bytes());
                    out.put(used.policy.to_le_bytes());
                    out.put(used.limit.to_le_bytes());
                    out.put(used.window_s.to_le_bytes());
                    out.put(used.level.to_le_bytes());
                }
            }
        }
        out.put([0]);
        out.finish()
    }

    /// Adds what another process used, less what has been refilled since it was saved. Returns how
    /// many buckets came.
    ///
    /// # Errors
    /// [`SnapshotError`]; then nothing was added.
    pub fn load(&self, bytes: &[u8], now: Now) -> Result<usize, SnapshotError> {
        let mut input = Reader::new(bytes, MARK, VERSION)?;
        let saved_ms = input.u64()?;
        // The calendar may have gone back; then nothing is refilled.
        let elapsed_ns = u128::from(now.unix_ms.saturating_sub(saved_ms)) * 1_000_000;
        let mut all = Vec::new();
        while input.take::<1>()? == [1] {
            let id = OwnerId {
                class: input.u64()?,
                number: input.u128()?,
            };
            let mut used = Used {
                policy: input.u64()?,
                limit: input.u32()?,
                window_s: input.u32()?,
                level: input.u128()?,
                at_ns: now.monotonic_ns,
            };
            used.give_back(elapsed_ns);
            all.push((id, used));
        }
        input.end()?;
        let count = all.len();
        for (id, used) in all {
            let hash = self.hashing.hash_one(id);
            let mut table = self.shard(hash).lock();
            let now_ns = now.monotonic_ns;
            let account = table.account(id, hash, &self.hashing, self.share(), now_ns);
            account.add(&used);
        }
        Ok(count)
    }

    fn shard(&self, hash: u64) -> &Mutex<Table> {
        // The table itself goes by the lowest and the highest bits.
        let n = (hash >> 32) as usize % self.shards.len();
        &self.shards[n]
    }

    fn share(&self) -> usize {
        self.owners_max.div_ceil(self.shards.len()).max(1)
    }
}

/// FNV-1a, 64 bits: the same in every process, for names that the operator chose.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
