//! The directory: what is found, by whom, and what a change leaves.

use super::*;
use crate::keys::tests::record;
use filters::testing::ManualClock;
use std::sync::atomic::AtomicU64;

fn directory() -> (Directory, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    (Directory::new(clock.clone()), clock)
}

fn snapshot(records: impl IntoIterator<Item = KeyRecord>) -> Snapshot {
    records.into_iter().collect()
}

fn put(record: KeyRecord) -> Change {
    Change::Put(Box::new(record))
}

/// The version of what a hash leads to; 0: unknown; -1: not ready.
fn look(directory: &Directory, hash: u8) -> i64 {
    match directory.find(&[hash; 32]) {
        Lookup::Found(record) => record.version,
        Lookup::Unknown => 0,
        Lookup::NotReady => -1,
    }
}

#[test]
fn nothing_is_unknown_before_the_first_snapshot() {
    let (directory, _) = directory();
    assert_eq!(look(&directory, 1), -1);
    directory.load(snapshot([record(1, 5, &[1])]));
    assert_eq!((look(&directory, 1), look(&directory, 2)), (5, 0));
    assert_eq!(directory.count(), 1);
}

#[test]
fn a_key_that_changes_while_the_snapshot_is_read_is_there_once() {
    let (directory, _) = directory();
    directory.load(snapshot([record(1, 5, &[1]), record(1, 6, &[1])]));
    assert_eq!((look(&directory, 1), directory.count()), (6, 1));
    directory.apply([Change::Remove(1)], Order::Newer);
    assert_eq!(look(&directory, 1), 0);
}

#[test]
fn changes_are_ordered_by_version() {
    let (directory, _) = directory();
    directory.load(snapshot([record(1, 5, &[1])]));
    let dropped = |version| Change::Drop { number: 1, version };
    for (name, change, order, news, found) in [
        ("older", put(record(1, 4, &[1])), Order::Newer, 0, 5),
        ("the same", put(record(1, 5, &[1])), Order::Newer, 0, 5),
        ("newer", put(record(1, 6, &[1])), Order::Newer, 1, 6),
        ("an older drop", dropped(5), Order::Newer, 0, 6),
        ("gone back", put(record(1, 2, &[1])), Order::Now, 1, 2),
        ("a newer drop", dropped(3), Order::Newer, 1, 0),
        ("dropped again", dropped(4), Order::Newer, 0, 0),
        ("back", put(record(1, 5, &[1])), Order::Newer, 1, 5),
        ("removed", Change::Remove(1), Order::Newer, 1, 0),
        ("removed again", Change::Remove(1), Order::Newer, 0, 0),
    ] {
        assert_eq!(directory.apply([change], order), news, "{name}");
        assert_eq!(look(&directory, 1), found, "{name}");
        assert_eq!(directory.count(), usize::from(found > 0), "{name}");
    }
}

#[test]
fn a_rotated_key_is_found_by_both_strings_until_the_overlap_ends() {
    let (directory, clock) = directory();
    directory.load(snapshot([record(1, 1, &[1])]));
    let mut rotated = record(1, 2, &[2, 1]);
    rotated.rare.former[0].until_s = Some(100);
    directory.apply([put(rotated)], Order::Newer);
    for (now_s, new, old) in [(99, 2, 2), (100, 2, 0)] {
        clock.set_unix_s(now_s);
        assert_eq!(
            (look(&directory, 2), look(&directory, 1)),
            (new, old),
            "{now_s}"
        );
    }
    directory.apply([put(record(1, 3, &[2]))], Order::Newer);
    clock.set_unix_s(0);
    assert_eq!((look(&directory, 2), look(&directory, 1)), (3, 0));
}

#[test]
fn several_changes_of_one_key_in_one_batch_leave_the_last() {
    let (directory, _) = directory();
    directory.load(Snapshot::default());
    let batch = [
        put(record(1, 1, &[1])),
        put(record(1, 2, &[1, 2])),
        put(record(1, 3, &[2])),
        put(record(2, 4, &[3])),
        Change::Remove(2),
    ];
    assert_eq!(directory.apply(batch, Order::Newer), 5);
    assert_eq!(
        (
            look(&directory, 1),
            look(&directory, 2),
            look(&directory, 3)
        ),
        (0, 3, 0)
    );
    let entries: usize = (0..SHARDS)
        .map(|shard| directory.shard(shard).entries().count())
        .sum();
    assert_eq!(entries, 1);
}

#[test]
fn usage_goes_on_in_the_record_that_follows() {
    let (directory, _) = directory();
    directory.load(snapshot([record(1, 1, &[1])]));
    let Lookup::Found(old) = directory.find(&[1; 32]) else {
        panic!("the key is there");
    };
    old.usage.count(7, false);
    directory.apply([put(record(1, 2, &[1]))], Order::Newer);
    // A request that began before the change counts after it.
    old.usage.count(8, true);
    directory.load(snapshot([record(1, 3, &[1])]));
    let Lookup::Found(new) = directory.find(&[1; 32]) else {
        panic!("the key is there");
    };
    let used = new.usage.take().unwrap();
    assert_eq!((used.requests, used.errors, used.last_s), (2, 1, 8));
}

#[test]
fn comparing_removes_what_is_not_there_any_more() {
    let (directory, _) = directory();
    directory.load((1..=9).map(|n| record(n.into(), 1, &[n])).collect());
    let kept = (1..=9).filter(|n| n % 2 == 0).collect();
    assert_eq!(directory.keep_only(&kept), 5);
    for n in 1..=9 {
        assert_eq!(look(&directory, n), i64::from(n % 2 == 0), "{n}");
    }
}

#[test]
fn readers_never_miss_a_key_while_it_is_replaced() {
    let (directory, _) = directory();
    directory.load((0..64).map(|n| record(n.into(), 1, &[n])).collect());
    let seen = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut newest = 0;
            while !done.load(Acquire) {
                let version = look(&directory, 9);
                assert!(version >= newest.max(1), "{version} after {newest}");
                newest = version;
                seen.fetch_add(1, Release);
            }
        });
        while seen.load(Acquire) == 0 {
            std::thread::yield_now();
        }
        for version in 2..2_000 {
            directory.apply([put(record(9, version, &[9]))], Order::Newer);
        }
        done.store(true, Release);
        reader.join().unwrap();
    });
    assert_eq!(look(&directory, 9), 1_999);
}
