//! What the callers of a load write down together.

use hdrhistogram::Histogram;
use std::time::Duration;

/// The longest latency that is told from longer ones, microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;

/// Wrong answers after which there is nothing left to measure.
pub(super) const WRONG_MAX: u64 = 1_000;

/// Right and wrong answers.
#[derive(Clone, Debug)]
pub struct Tally {
    /// How long right answers took, microseconds.
    pub latency_us: Histogram<u64>,
    /// Right answers that came within the window, whenever they were due: what the process was paid
    /// for with the CPU time of the window.
    pub answered: u64,
    /// Requests that were due and never answered; they are charged with how long they waited.
    pub unanswered: u64,
    /// Wrong answers.
    pub wrong: u64,
    /// The first of them.
    pub first_wrong: Option<String>,
}

// === impl Tally ===

impl Tally {
    /// An empty one.
    ///
    /// # Panics
    /// Never: the bounds are in order.
    #[must_use]
    pub fn new() -> Self {
        Self {
            latency_us: Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
                .expect("the bounds are in order"),
            answered: 0,
            unanswered: 0,
            wrong: 0,
            first_wrong: None,
        }
    }

    /// A right answer.
    pub fn right(&mut self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latency_us.saturating_record(took_us);
    }

    /// A wrong answer.
    pub fn wrong(&mut self, why: String) {
        self.wrong += 1;
        self.first_wrong.get_or_insert(why);
    }

    /// Requests whose latency is known.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.latency_us.len()
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_answers_are_counted_apart_and_the_first_is_kept() {
        let mut tally = Tally::new();
        tally.right(Duration::from_micros(7));
        tally.right(Duration::MAX);
        tally.wrong("a".to_owned());
        tally.wrong("b".to_owned());
        assert_eq!((tally.answers(), tally.wrong), (2, 2));
        assert_eq!(tally.first_wrong.as_deref(), Some("a"));
        assert_eq!(tally.latency_us.min(), 7);
    }
}
