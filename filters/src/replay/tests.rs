//! Windows, shares, races and hand-over of the replay memory.

use super::*;
use std::sync::Barrier;
use std::sync::atomic::AtomicU32;

const NOW: u64 = 1_767_225_600;
const WINDOW: u64 = 300;

fn cache(entries_max: usize, entries_per_key_max: usize, born_s: u64) -> ReplayCache {
    let limits = ReplayLimits {
        entries_max,
        entries_per_key_max,
    };
    ReplayCache::new(limits, WINDOW, born_s)
}

/// The print of the `n`th signature of a key.
fn print(key: u128, n: u32) -> Print {
    let mac = Sha256::digest(n.to_le_bytes()).into();
    Print::new(key, Scheme::V1, &mac, "GET", b"/")
}

#[test]
fn a_print_tells_apart_what_the_scheme_does() {
    let (mac, other) = ([1; 32], [2; 32]);
    // The changed thing, and whether each scheme's print notices.
    for (key, mac2, method, path, v1, body_timestamp) in [
        (7, mac, "POST", "/a", false, false),
        (8, mac, "POST", "/a", true, true),
        (7, other, "POST", "/a", true, true),
        (7, mac, "PUT", "/a", false, true),
        (7, mac, "POST", "/b", false, true),
    ] {
        for (scheme, noticed) in [(Scheme::V1, v1), (Scheme::BodyTimestamp, body_timestamp)] {
            let first = Print::new(7, scheme, &mac, "POST", b"/a");
            let second = Print::new(key, scheme, &mac2, method, path.as_bytes());
            assert_eq!(first != second, noticed, "{key} {method} {path} {scheme:?}");
        }
    }
}

#[test]
fn a_signature_is_admitted_once_for_as_long_as_its_time_counts() {
    // The signature's time; every instant at which it may still be shown.
    for timestamp_s in [NOW - WINDOW, NOW - 1, NOW, NOW + 1, NOW + WINDOW] {
        let cache = cache(100, 100, 0);
        let p = print(1, 0);
        assert_eq!(cache.admit(1, p, timestamp_s, NOW), Admit::First);
        for now in NOW..=timestamp_s + WINDOW {
            // Others come and go meanwhile, so that sweeping has its occasion.
            let busy = print(2, u32::try_from(now - NOW).unwrap());
            cache.admit(2, busy, now, now);
            let again = cache.admit(1, p, timestamp_s, now);
            assert_eq!(again, Admit::Replayed, "{timestamp_s} at {now}");
        }
    }
}

#[test]
fn what_was_forgotten_is_refused_and_what_has_left_the_window_takes_no_room() {
    let cache = cache(100, 100, 0);
    assert_eq!(cache.admit(1, print(1, 0), NOW, NOW), Admit::First);
    assert_eq!(cache.entries(), 1);
    cache.sweep(NOW + WINDOW);
    assert_eq!(cache.entries(), 1);
    cache.sweep(NOW + WINDOW + 16);
    assert_eq!(cache.entries(), 0);
    // The clock went back, or the window grew: the memory does not guess.
    assert_eq!(cache.admit(1, print(1, 0), NOW, NOW), Admit::Forgotten);
    assert_eq!(cache.remembers_since(), NOW + 16);
    cache.cover(2 * WINDOW);
    assert_eq!(
        cache.admit(1, print(1, 0), NOW + 15, NOW + WINDOW + 16),
        Admit::Forgotten
    );
    assert_eq!(
        cache.admit(1, print(1, 1), NOW + 16, NOW + WINDOW + 16),
        Admit::First
    );
    // It now keeps for the longer window, and a shorter one changes nothing.
    cache.cover(1);
    cache.sweep(NOW + 16 + 15 + 2 * WINDOW);
    assert_eq!(cache.entries(), 1);
}

#[test]
fn a_memory_without_a_past_refuses_the_past() {
    let cache = cache(100, 100, NOW);
    for (timestamp_s, expected) in [
        (NOW - WINDOW, Admit::Forgotten),
        (NOW - 1, Admit::Forgotten),
        (NOW, Admit::First),
        (NOW + 1, Admit::First),
    ] {
        let p = print(1, u32::try_from(timestamp_s % 1000).unwrap());
        assert_eq!(
            cache.admit(1, p, timestamp_s, NOW),
            expected,
            "{timestamp_s}"
        );
    }
    assert_eq!(cache.remembers_since(), NOW);
}

#[test]
fn one_client_uses_up_its_own_share_only() {
    let cache = cache(25, 10, 0);
    for n in 0..10 {
        assert_eq!(cache.admit(1, print(1, n), NOW, NOW), Admit::First, "{n}");
    }
    assert_eq!(cache.admit(1, print(1, 10), NOW, NOW), Admit::Full);
    // A replay is a replay, full or not; a refusal is not remembered.
    assert_eq!(cache.admit(1, print(1, 9), NOW, NOW), Admit::Replayed);
    assert_eq!(cache.admit(1, print(1, 10), NOW, NOW), Admit::Full);
    for n in 0..10 {
        assert_eq!(cache.admit(2, print(2, n), NOW, NOW), Admit::First, "{n}");
    }
    for n in 0..5 {
        assert_eq!(cache.admit(3, print(3, n), NOW, NOW), Admit::First, "{n}");
    }
    // All together are bounded too, and nothing was pushed out.
    assert_eq!(cache.admit(3, print(3, 5), NOW, NOW), Admit::Full);
    assert_eq!(cache.entries(), 25);
    assert_eq!(cache.admit(1, print(1, 0), NOW, NOW), Admit::Replayed);
    // Once the window has passed, there is room again.
    let later = NOW + WINDOW + 16;
    assert_eq!(cache.admit(1, print(1, 10), later, later), Admit::First);
    assert_eq!(cache.entries(), 1);
}

#[test]
fn shares_hold_over_many_shards() {
    let limits = ReplayLimits {
        entries_max: 1 << 18,
        entries_per_key_max: 1 << 16,
    };
    let cache = ReplayCache::new(limits, WINDOW, 0);
    assert_eq!(cache.shards.len(), 64);
    let admitted = (0..(1 << 16) + 8192)
        .filter(|&n| cache.admit(1, print(1, n), NOW, NOW) == Admit::First)
        .count();
    assert!(admitted <= 1 << 16, "{admitted}");
    assert!(admitted > (1 << 16) * 95 / 100, "{admitted}");
    assert_eq!(cache.admit(2, print(2, 0), NOW, NOW), Admit::First);
    assert!(cache.bytes_max() < 128 * (1 << 18));
}

#[test]
fn of_many_at_once_exactly_one_wins() {
    const THREADS: usize = 16;
    const ROUNDS: u32 = 1000;
    let cache = ReplayCache::default();
    let wins: Vec<AtomicU32> = (0..ROUNDS).map(|_| AtomicU32::new(0)).collect();
    let barrier = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    barrier.wait();
                    if cache.admit(1, print(1, round), NOW, NOW) == Admit::First {
                        wins[round as usize].fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    for (round, won) in wins.iter().enumerate() {
        assert_eq!(won.load(Relaxed), 1, "round {round}");
    }
}

#[test]
fn a_successor_remembers_what_its_predecessor_accepted() {
    let old = cache(1000, 100, NOW - 1000);
    for n in 0..50 {
        for key in [1, 2] {
            let timestamp_s = NOW - u64::from(n) * 5;
            let admitted = old.admit(key, print(key, n), timestamp_s, NOW);
            assert_eq!(admitted, Admit::First);
        }
    }
    // Other limits, so other shards, and signatures of its own meanwhile.
    let new = cache(1 << 16, 1 << 14, NOW);
    assert_eq!(new.admit(1, print(1, 49), NOW - 245, NOW), Admit::Forgotten);
    assert_eq!(new.admit(1, print(1, 99), NOW, NOW), Admit::First);
    assert_eq!(new.load(&old.save()), Ok(100));
    assert_eq!(new.remembers_since(), old.remembers_since());
    for n in (0..50).chain([99]) {
        let timestamp_s = if n == 99 { NOW } else { NOW - u64::from(n) * 5 };
        assert_eq!(new.admit(1, print(1, n), timestamp_s, NOW), Admit::Replayed);
    }
    assert_eq!(new.admit(1, print(1, 50), NOW - 250, NOW), Admit::First);
    assert_eq!(new.entries(), 102);
    new.sweep(NOW + 2 * WINDOW);
    assert_eq!(new.entries(), 0);
}

#[test]
fn a_share_stays_used_up_over_a_hand_over() {
    let old = cache(100, 10, 0);
    for n in 0..10 {
        old.admit(1, print(1, n), NOW, NOW);
    }
    let new = cache(100, 10, NOW);
    assert_eq!(new.load(&old.save()), Ok(10));
    assert_eq!(new.admit(1, print(1, 10), NOW, NOW), Admit::Full);
    assert_eq!(new.admit(2, print(2, 0), NOW, NOW), Admit::First);
}

#[test]
fn damaged_or_too_large_state_is_refused_whole() {
    let old = cache(100, 100, 0);
    for n in 0..20 {
        old.admit(1, print(1, n), NOW, NOW);
    }
    let saved = old.save();
    let new = cache(100, 100, NOW);
    for at in 0..saved.len() {
        let mut bad = saved.clone();
        bad[at] ^= 0x40;
        assert!(new.load(&bad).is_err(), "{at}");
        assert!(new.load(&saved[..at]).is_err(), "{at}");
    }
    let small = cache(19, 19, NOW);
    assert_eq!(small.load(&saved), Err(SnapshotError::TooLarge));
    for refused in [new, small] {
        assert_eq!(refused.entries(), 0);
        assert_eq!(refused.remembers_since(), NOW);
    }
}

/// Whatever was accepted on one side is known on the other, however closely they follow.
#[test]
fn a_sealed_memory_accepts_nothing_that_its_successor_does_not_know() {
    const THREADS: u32 = 4;
    for round in 0..50 {
        let old = cache(1 << 20, 1 << 18, 0);
        let new = cache(1 << 20, 1 << 18, NOW);
        let accepted = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let old = &old;
                    let admits = move |&n: &u32| {
                        old.admit(1, print(1, n * THREADS + thread), NOW, NOW) == Admit::First
                    };
                    scope.spawn(move || (0..).take_while(admits).count())
                })
                .collect();
            while old.entries() < 100 {
                std::hint::spin_loop();
            }
            old.seal(true);
            new.load(&old.save()).unwrap();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum::<usize>()
        });
        assert_eq!(new.entries(), accepted, "round {round}");
    }
    let sealed = cache(100, 100, 0);
    sealed.seal(true);
    assert_eq!(sealed.admit(1, print(1, 1), NOW, NOW), Admit::HandedOver);
    sealed.seal(false);
    assert_eq!(sealed.admit(1, print(1, 1), NOW, NOW), Admit::First);
}
