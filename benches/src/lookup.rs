//! What it takes to find one key among many: its hash, and its record in the directory.

use crate::partners::Partner;
use filters::clock::Clock;
use filters::env::{Keys, Lookup};
use filters::key::KeyText;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use tidegate::keys::Directory;
use tidegate::telemetry::SystemClock;

/// Keys that are asked for again and again: they stay in the caches.
const HOT: u32 = 64;

/// Keys that are asked for once each, from all over.
const COLD: u32 = 100_000;

/// Far apart, and coming round to every key before it comes to one twice.
const STRIDE: u64 = 2_654_435_761;

/// A directory of so many keys.
#[must_use]
pub fn directory(count: u32) -> Directory {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let directory = Directory::new(clock);
    directory.load((0..count).map(|n| Partner::new(n).record()).collect());
    directory
}

/// Nanoseconds of one look-up, hash included: hot, and from cold caches.
#[must_use]
pub fn nanoseconds(count: u32) -> [f64; 2] {
    let directory = directory(count);
    let number = |n: u32| (u64::from(n) * STRIDE % u64::from(count.max(1))) as u32;
    let hot: Vec<String> = (0..HOT).map(|n| Partner::new(number(n)).key).collect();
    let cold: Vec<String> = (0..COLD.min(count))
        .map(|n| Partner::new(number(n)).key)
        .collect();
    let rounds = (COLD / HOT) as usize;
    let _ = time(&directory, &hot, rounds);
    [time(&directory, &hot, rounds), time(&directory, &cold, 1)]
}

fn time(directory: &Directory, keys: &[String], rounds: usize) -> f64 {
    let begun = Instant::now();
    for key in (0..rounds).flat_map(|_| keys) {
        black_box(is_known(directory, black_box(key)));
    }
    begun.elapsed().as_nanos() as f64 / (rounds * keys.len()).max(1) as f64
}

/// As `api_key` does it.
#[must_use]
pub fn is_known(directory: &Directory, key: &str) -> bool {
    let Ok(key) = KeyText::parse(key.as_bytes()) else {
        return false;
    };
    matches!(directory.find(&key.hash()), Lookup::Found(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_found_and_others_are_not() {
        let directory = directory(3);
        for (key, expected) in [
            (Partner::new(0).key, true),
            (Partner::new(2).key, true),
            (Partner::new(3).key, false),
            ("ak_live_x".to_owned(), false),
        ] {
            assert_eq!(is_known(&directory, &key), expected, "{key}");
        }
    }
}
