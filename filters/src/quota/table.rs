//! A bounded table of accounts that forgets the idle ones a few at a time.

use super::account::{Account, Used};
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

/// Accounts that are looked at for each newcomer: more than one, so that the idle go faster than
/// newcomers come.
const SWEEP_STEPS: usize = 4;

/// Kinds of limits that have an account for overflow of their own.
const OVERFLOW_CLASSES_MAX: usize = 64;

/// Whom an account belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OwnerId {
    /// The kind of limit.
    pub(super) class: u64,
    pub(super) number: u128,
}

/// Accounts in a row, an index over them, and a hand that goes round.
#[derive(Default)]
pub(super) struct Table {
    index: HashTable<u32>,
    accounts: Vec<(OwnerId, Account)>,
    hand: usize,
    /// Shared by all newcomers of a class while the table is full of accounts in use.
    overflow: HashMap<u64, Account, RandomState>,
}

impl Table {
    /// An account in a row that has just doubled, two windows inside, and its place in the index.
    pub(super) const BYTES_PER_OWNER_MAX: usize =
        2 * size_of::<(OwnerId, Account)>() + 5 * 16 / 7 + 1;

    pub(super) const fn len(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (OwnerId, Account)> {
        self.accounts.iter_mut()
    }

    /// The owner's account, if there is one, or the one that a newcomer would share.
    pub(super) fn find(&self, id: OwnerId, hash: u64, accounts_max: usize) -> Option<&Account> {
        match self.place(id, hash) {
            Some(place) => Some(&self.accounts[place].1),
            None if self.accounts.len() >= accounts_max => self.overflow.get(&id.class),
            None => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn find_mut(
        &mut self,
        id: OwnerId,
        hash: u64,
        accounts_max: usize,
    ) -> Option<&mut Account> {
        match self.place(id, hash) {
            Some(place) => Some(&mut self.accounts[place].1),
            None if self.accounts.len() >= accounts_max => self.overflow.get_mut(&id.class),
            None => None,
        }
    }

    /// The owner's account, made if need be.
    pub(super) fn account(
        &mut self,
        id: OwnerId,
        hash: u64,
        hashing: &RandomState,
        accounts_max: usize,
        now_ns: u64,
    ) -> &mut Account {
        if let Some(place) = self.place(id, hash) {
            return &mut self.accounts[place].1;
        }
        self.sweep(hashing, now_ns);
        if self.accounts.len() >= accounts_max {
            return self.overflow(id.class);
        }
        let place = self.accounts.len();
        let accounts = &self.accounts;
        let number = u32::try_from(place).expect("a table holds less than 2^32 accounts");
        self.index
            .insert_unique(hash, number, |&n| hashing.hash_one(accounts[n as usize].0));
        self.accounts.push((id, Account::default()));
        &mut self.accounts[place].1
    }

    fn place(&self, id: OwnerId, hash: u64) -> Option<usize> {
        self.index
            .find(hash, |&n| self.accounts[n as usize].0 == id)
            .map(|&n| n as usize)
    }

    fn overflow(&mut self, class: u64) -> &mut Account {
        let room = self.overflow.len() < OVERFLOW_CLASSES_MAX;
        let class = if room || self.overflow.contains_key(&class) {
            class
        } else {
            0
        };
        self.overflow.entry(class).or_default()
    }

    /// Looks at the next few accounts and forgets those whose buckets are full again.
    fn sweep(&mut self, hashing: &RandomState, now_ns: u64) {
        for _ in 0..SWEEP_STEPS.min(self.accounts.len()) {
            if self.hand >= self.accounts.len() {
                self.hand = 0;
            }
            match self.accounts.get_mut(self.hand) {
                Some((_, account)) if account.is_whole(now_ns) => self.forget(self.hand, hashing),
                Some(_) => self.hand += 1,
                None => return,
            }
        }
    }

    fn forget(&mut self, place: usize, hashing: &RandomState) {
        let last = self.accounts.len() - 1;
        self.forget_index(place, hashing);
        if place != last {
            let hash = hashing.hash_one(self.accounts[last].0);
            let moved = self.index.find_mut(hash, |&n| n as usize == last);
            *moved.expect("every account is in the index") =
                u32::try_from(place).expect("a place below another is no greater number");
        }
        self.accounts.swap_remove(place);
    }

    fn forget_index(&mut self, place: usize, hashing: &RandomState) {
        let hash = hashing.hash_one(self.accounts[place].0);
        if let Ok(entry) = self.index.find_entry(hash, |&n| n as usize == place) {
            entry.remove();
        }
    }
}

const _: () = assert!(size_of::<Used>() <= 48);
