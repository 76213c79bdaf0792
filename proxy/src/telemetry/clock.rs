//! The system's clock: the one place of the data plane that asks the machine for the time.

use filters::clock::{Clock, Now};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The machine's clocks.
///
/// The system is asked for the date only now and then, and what the monotonic clock has gone since is
/// added: one question is saved for each reading. A date that somebody sets is known [`SYNC_NS`] later.
pub struct SystemClock {
    /// The origin of the monotonic clock.
    origin: Instant,
    /// The date at the origin, nanoseconds since the Unix epoch, as far as the system said last.
    epoch_ns: AtomicU64,
    /// When the system is asked again, on the monotonic clock.
    sync_at_ns: AtomicU64,
}

/// How long a date is reckoned on.
const SYNC_NS: u64 = 10_000_000;

// === impl SystemClock ===

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemClock {
    /// A clock whose monotonic part begins at zero now.
    #[must_use]
    pub fn new() -> Self {
        let clock = Self {
            origin: Instant::now(),
            epoch_ns: AtomicU64::new(0),
            sync_at_ns: AtomicU64::new(0),
        };
        // Nobody may see a clock that does not know the date.
        clock.sync(0);
        clock
    }

    /// Asks the system for the date.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that is handed to everybody else"
    )]
    fn sync(&self, monotonic_ns: u64) {
        // A machine before 1970 stands at 0; a signature's window refuses everything there.
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let unix_ns = u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX);
        self.epoch_ns
            .store(unix_ns.saturating_sub(monotonic_ns), Relaxed);
        self.sync_at_ns.store(monotonic_ns + SYNC_NS, Relaxed);
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let monotonic_ns = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if monotonic_ns >= self.sync_at_ns.load(Relaxed) {
            self.sync(monotonic_ns);
        }
        let unix_ns = self.epoch_ns.load(Relaxed).saturating_add(monotonic_ns);
        Now {
            monotonic_ns,
            unix_ms: unix_ns / 1_000_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back_and_lives_in_this_century() {
        let clock = SystemClock::new();
        let first = clock.now();
        let second = clock.now();
        assert!(second.monotonic_ns >= first.monotonic_ns);
        assert!(first.unix_s() > 1_700_000_000, "{}", first.unix_s());
        assert!(first.unix_s() < 4_102_444_800, "{}", first.unix_s());
    }
}
