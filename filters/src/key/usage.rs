//! How often a key was used: counted on the request path, taken and written behind it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Where counting errors ends until they are taken, so that the counter cannot begin anew: three hours
/// of a hundred thousand a second, with one key and without a database.
const ERRORS_MAX: u32 = 1 << 30;

/// What was counted since it was last taken. Every key has one, so it is kept small.
#[derive(Default)]
pub struct Usage {
    /// Requests.
    requests: AtomicU64,
    /// Requests that were answered with an error of the caller or of ours, 400 and above.
    errors: AtomicU32,
    /// The last use, Unix seconds, which fit until the year 2106.
    last_s: AtomicU32,
}

/// What [`Usage::take`] hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Requests since the last taking.
    pub requests: u64,
    /// Those of them answered with 400 and above.
    pub errors: u64,
    /// The last use, Unix seconds.
    pub last_s: u64,
}

// === impl Usage ===

impl Usage {
    /// Counts one request.
    pub fn count(&self, unix_s: u64, error: bool) {
        self.requests.fetch_add(1, Relaxed);
        if error && self.errors.load(Relaxed) < ERRORS_MAX {
            self.errors.fetch_add(1, Relaxed);
        }
        let unix_s = u32::try_from(unix_s).unwrap_or(u32::MAX);
        self.last_s.fetch_max(unix_s, Relaxed);
    }

    /// Takes what was counted, if anything.
    #[must_use]
    pub fn take(&self) -> Option<Used> {
        // Most of a million keys rest: looking leaves their memory as it is, taking would write to it.
        if self.requests.load(Relaxed) == 0 {
            return None;
        }
        let requests = self.requests.swap(0, Relaxed);
        let errors = self.errors.swap(0, Relaxed);
        let last_s = self.last_s.load(Relaxed);
        (requests > 0).then_some(Used {
            requests,
            errors: errors.into(),
            last_s: last_s.into(),
        })
    }

    /// Puts back what could not be written.
    pub fn give_back(&self, used: Used) {
        self.requests.fetch_add(used.requests, Relaxed);
        let errors = u32::try_from(used.errors).unwrap_or(ERRORS_MAX);
        self.errors.fetch_add(errors.min(ERRORS_MAX), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_gone_until_it_is_given_back() {
        let usage = Usage::default();
        assert_eq!(usage.take(), None);
        usage.count(9, true);
        usage.count(7, false);
        let used = Used {
            requests: 2,
            errors: 1,
            last_s: 9,
        };
        assert_eq!(usage.take(), Some(used));
        assert_eq!(usage.take(), None);
        usage.give_back(used);
        assert_eq!(usage.take(), Some(used));
    }

    #[test]
    fn counters_end_and_never_begin_anew() {
        let usage = Usage::default();
        let most = Used {
            requests: 1,
            errors: u64::MAX,
            last_s: 0,
        };
        usage.give_back(most);
        usage.count(u64::MAX, true);
        let used = usage.take().unwrap();
        assert_eq!(used.requests, 2);
        assert_eq!(used.errors, u64::from(ERRORS_MAX));
        assert_eq!(used.last_s, u64::from(u32::MAX));
    }
}
