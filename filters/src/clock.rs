//! Clocks are handed in.
//!
//! One reading per request: filters take [`Now`] from the exchange and never ask again, so that all
//! of them judge the same instant.

/// One instant on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Nanoseconds on a clock that never goes back; its origin means nothing.
    pub monotonic_ns: u64,
    /// Milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

impl Now {
    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn unix_s(&self) -> u64 {
        self.unix_ms / 1000
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// This instant.
    fn now(&self) -> Now;
}
