//! The system's clock: the one place of the data plane that asks the machine for the time.

use filters::clock::{Clock, Now};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The machine's clocks.
pub struct SystemClock {
    /// The origin of the monotonic clock.
    origin: Instant,
}

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
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that is handed to everybody else"
    )]
    fn now(&self) -> Now {
        // A machine before 1970 stands at 0; a signature's window refuses everything there.
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            monotonic_ns: u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
            unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
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
