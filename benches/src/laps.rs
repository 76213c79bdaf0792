//! Times batches, and says what one piece of the middle batch cost.
//!
//! One call of a filter is shorter than a look at the clock, so batches are timed. The median of many
//! batches is what the work costs when nobody disturbs it: an interrupt falls into few of them.

use crate::allocations;
use std::hint::black_box;
use std::time::Instant;

/// What one batch took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lap {
    /// Nanoseconds.
    pub nanoseconds: u64,
    /// Allocations.
    pub allocations: u64,
}

/// What one piece costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Nanoseconds.
    pub nanoseconds: f64,
    /// Allocations.
    pub allocations: f64,
}

// === impl Lap ===

impl Lap {
    /// Times one batch.
    pub fn of<T>(batch: impl FnOnce() -> T) -> Self {
        let before = allocations::count();
        let begun = Instant::now();
        black_box(batch());
        let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Self {
            nanoseconds,
            allocations: allocations::count() - before,
        }
    }
}

// === impl Cost ===

impl Cost {
    /// The median of laps of `pieces` each; nothing for no lap.
    #[must_use]
    pub fn median(laps: &[Lap], pieces: usize) -> Self {
        let of = |figure: fn(&Lap) -> u64| {
            let mut figures: Vec<u64> = laps.iter().map(figure).collect();
            figures.sort_unstable();
            let middle = figures.get(figures.len() / 2).copied().unwrap_or(0);
            middle as f64 / pieces.max(1) as f64
        };
        Self {
            nanoseconds: of(|lap| lap.nanoseconds),
            allocations: of(|lap| lap.allocations),
        }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| Self {
            nanoseconds: sum.nanoseconds + cost.nanoseconds,
            allocations: sum.allocations + cost.allocations,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_lap_counts_and_is_shared_among_its_pieces() {
        let lap = |nanoseconds, allocations| Lap {
            nanoseconds,
            allocations,
        };
        for (laps, nanoseconds, allocations) in [
            (&[][..], 0.0, 0.0),
            (&[lap(100, 20)], 10.0, 2.0),
            (&[lap(900, 0), lap(100, 10), lap(200, 20)], 20.0, 1.0),
        ] {
            let expected = Cost {
                nanoseconds,
                allocations,
            };
            assert_eq!(Cost::median(laps, 10), expected, "{laps:?}");
        }
    }
}
