//! The buckets of one owner, and their arithmetic.

use super::decision::{Decision, Policies, PolicyState};
use super::name_hash;
use crate::limits::QUOTA_WINDOWS_MAX;
use crate::units::Rate;
use smallvec::SmallVec;

const NS_PER_S: u128 = 1_000_000_000;

/// Everything that one owner has used.
#[derive(Clone, Default)]
pub(super) struct Account {
    windows: SmallVec<[Used; 2]>,
}

/// What was used of one policy.
///
/// A token is as many units as the window has nanoseconds; each nanosecond gives `limit` units back.
/// With 32 bits for each, a full bucket has at most 94 bits and a refill at most 96.
#[derive(Clone)]
pub(super) struct Used {
    /// The hash of the policy's name.
    pub(super) policy: u64,
    pub(super) limit: u32,
    pub(super) window_s: u32,
    /// Used units at `at_ns`.
    pub(super) level: u128,
    pub(super) at_ns: u64,
}

// === impl Account ===

impl Account {
    /// Judges all policies at one instant and, if asked and if all agree, takes a token from each.
    pub(super) fn decide(&mut self, policies: &Policies, now_ns: u64, take: bool) -> Decision {
        let mut places: SmallVec<[usize; QUOTA_WINDOWS_MAX]> = SmallVec::new();
        let mut refusing: SmallVec<[bool; QUOTA_WINDOWS_MAX]> = SmallVec::new();
        for (name, rate) in policies.iter() {
            let place = self.place(name_hash(name), rate, now_ns);
            refusing.push(!self.windows[place].has_token());
            places.push(place);
        }
        let allows = !refusing.contains(&true);
        if take && allows {
            for &place in &places {
                self.windows[place].take();
            }
        }
        let states = places.iter().map(|&n| self.windows[n].state()).collect();
        let decision = Decision::new(policies, states, &refusing);
        if self.windows.len() > QUOTA_WINDOWS_MAX {
            self.forget_others(policies);
        }
        decision
    }

    /// As [`Account::decide`], and tells no more than that all agree: `None` when one does not, and then
    /// nothing was taken.
    pub(super) fn pass(&mut self, policies: &Policies, now_ns: u64, take: bool) -> Option<()> {
        let mut places: SmallVec<[usize; QUOTA_WINDOWS_MAX]> = SmallVec::new();
        for (name, rate) in policies.iter() {
            let place = self.place(name_hash(name), rate, now_ns);
            if !self.windows[place].has_token() {
                return None;
            }
            places.push(place);
        }
        for place in places.into_iter().filter(|_| take) {
            self.windows[place].take();
        }
        if self.windows.len() > QUOTA_WINDOWS_MAX {
            self.forget_others(policies);
        }
        Some(())
    }

    /// Whether every bucket is full, so that forgetting the owner loses nothing.
    pub(super) fn is_whole(&self, now_ns: u64) -> bool {
        self.windows.iter().all(|used| {
            let elapsed_ns = u128::from(now_ns.saturating_sub(used.at_ns));
            elapsed_ns * used.rate() >= used.level
        })
    }

    /// The buckets that are not full at this instant.
    pub(super) fn in_use(&mut self, now_ns: u64) -> impl Iterator<Item = &Used> {
        self.windows.iter_mut().filter_map(move |used| {
            used.refill(now_ns);
            (used.level > 0).then_some(&*used)
        })
    }

    /// Adds what was used elsewhere.
    pub(super) fn add(&mut self, other: &Used) {
        let rate = Rate {
            limit: other.limit,
            window_s: other.window_s,
        };
        let place = self.place(other.policy, rate, other.at_ns);
        let used = &mut self.windows[place];
        used.level = used.level.saturating_add(other.level).min(used.full());
    }

    /// The bucket of a policy, refilled and under its present rate.
    fn place(&mut self, policy: u64, rate: Rate, now_ns: u64) -> usize {
        let known = self.windows.iter().position(|used| used.policy == policy);
        if let Some(place) = known {
            let used = &mut self.windows[place];
            used.refill(now_ns);
            used.change(rate);
            return place;
        }
        self.windows.push(Used {
            policy,
            limit: rate.limit,
            window_s: rate.window_s,
            level: 0,
            at_ns: now_ns,
        });
        self.windows.len() - 1
    }

    /// Policies that were renamed or dropped, once they are too many.
    fn forget_others(&mut self, policies: &Policies) {
        self.windows.retain(|used| {
            policies
                .iter()
                .any(|(name, _)| name_hash(name) == used.policy)
        });
    }
}

// === impl Used ===

impl Used {
    /// Nanoseconds of the window: the units of one token.
    fn token(&self) -> u128 {
        u128::from(self.window_s.max(1)) * NS_PER_S
    }

    fn full(&self) -> u128 {
        u128::from(self.limit) * self.token()
    }

    /// Units that a nanosecond gives back; a limit of 0 never lets anything pass anyway.
    fn rate(&self) -> u128 {
        u128::from(self.limit.max(1))
    }

    fn refill(&mut self, now_ns: u64) {
        let elapsed_ns = now_ns.saturating_sub(self.at_ns);
        self.give_back(elapsed_ns.into());
        self.at_ns = self.at_ns.max(now_ns);
    }

    pub(super) fn give_back(&mut self, elapsed_ns: u128) {
        let units = elapsed_ns.saturating_mul(self.rate());
        self.level = self.level.saturating_sub(units);
    }

    /// Goes on under another rate: used tokens stay used, up to a whole bucket.
    fn change(&mut self, rate: Rate) {
        if (rate.limit, rate.window_s) == (self.limit, self.window_s) {
            return;
        }
        let before = self.token();
        self.limit = rate.limit;
        self.window_s = rate.window_s;
        let (tokens, part) = (self.level / before, self.level % before);
        // Rounded up: a fraction of a token is not given away.
        let part = (part * self.token()).div_ceil(before);
        let level = tokens.saturating_mul(self.token()).saturating_add(part);
        self.level = level.min(self.full());
    }

    fn has_token(&self) -> bool {
        self.level.saturating_add(self.token()) <= self.full()
    }

    fn take(&mut self) {
        self.level += self.token();
    }

    fn state(&self) -> PolicyState {
        let free = self.full().saturating_sub(self.level);
        let next = match self.level {
            0 => 0,
            _ => self.token() - free % self.token(),
        };
        PolicyState {
            limit: self.limit,
            window_s: self.window_s,
            remaining: u32::try_from(free / self.token()).unwrap_or(u32::MAX),
            reset_s: self.seconds(self.level),
            next_s: self.seconds(next),
        }
    }

    /// Whole seconds until so many units are given back, rounded up.
    fn seconds(&self, units: u128) -> u64 {
        let seconds = units.div_ceil(self.rate()).div_ceil(NS_PER_S);
        u64::try_from(seconds).unwrap_or(u64::MAX)
    }
}
