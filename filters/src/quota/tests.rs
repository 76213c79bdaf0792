//! Buckets against a slow, obvious model; races; bounds; hand-over.

use super::*;
use crate::units::Rate;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const S: u64 = 1_000_000_000;
const OWNER: Owner = Owner::Key(1);

fn policies(list: &[(&str, u32, u32)]) -> Policies {
    let rate = |limit, window_s| Rate { limit, window_s };
    let list = list
        .iter()
        .map(|&(name, limit, window_s)| (name.to_owned(), rate(limit, window_s)));
    Policies::new(list.collect()).unwrap()
}

fn pro() -> Policies {
    policies(&[("hourly", 1000, 3600), ("burst", 100, 60)])
}

fn left(decision: &Decision) -> Vec<u32> {
    decision.iter().map(|(_, state)| state.remaining).collect()
}

/// How many of `n` pass at one instant.
fn passing(quotas: &Quotas, owner: &Owner, policies: &Policies, now_ns: u64, n: u32) -> u32 {
    let pass = |_: &u32| quotas.take(owner, policies, now_ns).allows();
    u32::try_from((0..n).filter(pass).count()).unwrap()
}

#[test]
fn a_refusal_by_one_policy_takes_nothing_from_the_other() {
    let quotas = Quotas::default();
    assert_eq!(passing(&quotas, &OWNER, &pro(), 0, 150), 100);
    let refused = quotas.take(&OWNER, &pro(), 0);
    assert_eq!(left(&refused), [900, 0]);
    let (name, state) = refused.refused_by().unwrap();
    assert_eq!((name, state.limit, state.window_s), ("burst", 100, 60));
    assert_eq!((state.next_s, state.reset_s), (1, 60));
    assert_eq!(refused.tightest().0, "burst");
    // Ten bursts, a minute each, use the hour up; 10 minutes gave 166 back.
    for minute in 1..10 {
        assert_eq!(passing(&quotas, &OWNER, &pro(), minute * 60 * S, 101), 100);
    }
    let at = 600 * S;
    assert_eq!(left(&quotas.peek(&OWNER, &pro(), at)), [166, 100]);
    assert_eq!(passing(&quotas, &OWNER, &pro(), at, 101), 100);
    assert_eq!(passing(&quotas, &OWNER, &pro(), at + 60 * S, 101), 83);
    let refused = quotas.take(&OWNER, &pro(), at + 60 * S);
    assert_eq!(refused.refused_by().unwrap().0, "hourly");
    assert_eq!(left(&refused), [0, 17]);
}

#[test]
fn states_tell_when_the_next_token_comes_and_when_all_are_back() {
    let five = policies(&[("burst", 5, 60)]);
    // How many were taken at 0, the instant, and then remaining, next and reset.
    for (taken, at_ns, expected) in [
        (0, 0, (5, 0, 0)),
        (1, 0, (4, 12, 12)),
        (5, 0, (0, 12, 60)),
        (5, 1, (0, 12, 60)),
        (5, S, (0, 11, 59)),
        (5, 11 * S, (0, 1, 49)),
        (5, 12 * S - 1, (0, 1, 49)),
        (5, 12 * S, (1, 12, 48)),
        (5, 12 * S + 1, (1, 12, 48)),
        (5, 60 * S - 1, (4, 1, 1)),
        (5, 60 * S, (5, 0, 0)),
        (5, u64::MAX, (5, 0, 0)),
    ] {
        let quotas = Quotas::default();
        assert_eq!(passing(&quotas, &OWNER, &five, 0, taken), taken);
        let decision = quotas.peek(&OWNER, &five, at_ns);
        let (_, state) = decision.tightest();
        let found = (state.remaining, state.next_s, state.reset_s);
        assert_eq!(found, expected, "{taken} taken, at {at_ns}");
    }
}

#[test]
fn a_client_that_sleeps_as_told_succeeds() {
    for list in [
        &[("burst", 1, 1)][..],
        &[("burst", 7, 60)],
        &[("hourly", 100, 3600), ("burst", 20, 60)],
        &[("hourly", 3, 3600), ("burst", 3, 60)],
        &[
            ("daily", 11, 86_400),
            ("hourly", 13, 3600),
            ("burst", 17, 1),
        ],
        &[("fast", u32::MAX, 1), ("burst", 3, 60)],
    ] {
        let (quotas, policies) = (Quotas::default(), policies(list));
        let mut now_ns = 123_456_789;
        for _ in 0..50 {
            let refused = loop {
                let decision = quotas.take(&OWNER, &policies, now_ns);
                if !decision.allows() {
                    break decision;
                }
                now_ns += 1_000_003;
            };
            let (_, state) = refused.refused_by().unwrap();
            assert!(state.next_s >= 1);
            // Earlier is too early, by the second that rounding up may add.
            if state.next_s > 1 {
                let early = now_ns + (state.next_s - 1) * S;
                assert!(!quotas.peek(&OWNER, &policies, early).allows(), "{list:?}");
            }
            now_ns += state.next_s * S;
            let slept = quotas.take(&OWNER, &policies, now_ns);
            assert!(slept.allows(), "{list:?}");
        }
    }
}

#[test]
fn what_was_used_stays_used_when_limits_change() {
    let of = |limit, window_s| policies(&[("hourly", limit, window_s)]);
    // Before, taken, after, left then.
    for (before, taken, after, expected) in [
        (of(100, 3600), 100, of(1000, 3600), 900),
        (of(1000, 3600), 40, of(100, 3600), 60),
        (of(1000, 3600), 900, of(100, 3600), 0),
        (of(100, 60), 30, of(100, 3600), 70),
        (of(100, 86_400), 30, of(100, 1), 70),
        (of(100, 3600), 0, of(5, 60), 5),
    ] {
        let quotas = Quotas::default();
        assert_eq!(passing(&quotas, &OWNER, &before, 0, taken), taken);
        assert_eq!(left(&quotas.peek(&OWNER, &after, 0)), [expected]);
    }
    // A limit that shrank below what was used leaves an empty bucket, not a debt.
    let quotas = Quotas::default();
    assert_eq!(passing(&quotas, &OWNER, &of(1000, 3600), 0, 1000), 1000);
    let refused = quotas.take(&OWNER, &of(100, 3600), 0);
    assert_eq!(refused.refused_by().unwrap().1.next_s, 36);
    // A policy that comes and goes keeps its own count.
    let other = policies(&[("other", 5, 3600)]);
    assert_eq!(passing(&quotas, &OWNER, &other, 0, 9), 5);
    assert_eq!(left(&quotas.peek(&OWNER, &of(101, 3600), 0)), [1]);
}

#[test]
fn owners_and_limits_do_not_mix() {
    let address = |limit: &str, address: &str| {
        let group = Neighbourhood::of(address.parse().unwrap());
        Owner::Address(LimitName::new(limit), group)
    };
    let one = policies(&[("burst", 1, 3600)]);
    let quotas = Quotas::default();
    for (owner, fresh) in [
        (Owner::Key(1), true),
        (Owner::Key(2), true),
        (Owner::Key(1), false),
        (Owner::Key(0), true),
        (address("edge", "192.0.2.1"), true),
        (address("edge", "::ffff:192.0.2.1"), false),
        (address("edge", "192.0.2.2"), true),
        (address("login", "192.0.2.1"), true),
        (address("edge", "2001:db8::1"), true),
        (address("edge", "2001:db8::2:1"), false),
        (address("edge", "2001:db8:0:1::1"), true),
    ] {
        assert_eq!(quotas.take(&owner, &one, 0).allows(), fresh, "{owner:?}");
    }
}

#[test]
fn sixty_four_at_once_get_exactly_the_tokens_there_are() {
    const THREADS: u32 = 64;
    const ROUNDS: u32 = 1000;
    // The tighter policy takes turns: N tokens of one, plenty of the other.
    let tables = [
        policies(&[("hourly", 1000, 3600), ("burst", 40, 60)]),
        policies(&[("hourly", 40, 3600), ("burst", 1000, 60)]),
    ];
    let quotas = Quotas::default();
    let passed: Vec<AtomicU32> = (0..ROUNDS).map(|_| AtomicU32::new(0)).collect();
    let barrier = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let owner = Owner::Key(round.into());
                    barrier.wait();
                    let table = &tables[round as usize % 2];
                    if quotas.take(&owner, table, 7 * S).allows() {
                        passed[round as usize].fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    for round in 0..ROUNDS {
        let (owner, turn) = (Owner::Key(round.into()), round as usize % 2);
        assert_eq!(passed[round as usize].load(Relaxed), 40, "round {round}");
        let expected = [[960, 0], [0, 960]][turn];
        let found = left(&quotas.peek(&owner, &tables[turn], 7 * S));
        assert_eq!(found, expected, "round {round}");
    }
}

/// The obvious model: every taken token has its own instant of return, one interval after the one
/// before it. Slow, and it shares no arithmetic with the buckets.
struct Model {
    limit: usize,
    interval_ns: u64,
    returns: Vec<u64>,
}

impl Model {
    fn left(&self, now_ns: u64) -> usize {
        self.limit - self.returns.iter().filter(|&&at| at > now_ns).count()
    }

    fn take(&mut self, now_ns: u64) {
        let last = self.returns.iter().copied().max().unwrap_or(0);
        self.returns.push(last.max(now_ns) + self.interval_ns);
    }

    fn next_s(&self, now_ns: u64) -> u64 {
        let away = self.returns.iter().filter(|&&at| at > now_ns);
        away.min().map_or(0, |at| (at - now_ns).div_ceil(S))
    }

    fn reset_s(&self, now_ns: u64) -> u64 {
        let away = self.returns.iter().filter(|&&at| at > now_ns);
        away.max().map_or(0, |at| (at - now_ns).div_ceil(S))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn buckets_do_what_the_model_does(
        // Limits that divide their window, so that the model's interval is whole nanoseconds.
        hourly in prop::sample::select(vec![1u32, 2, 3, 5, 10, 36, 100]),
        burst in prop::sample::select(vec![1u32, 2, 3, 5, 10, 20]),
        start_ns in prop::sample::select(vec![0, 1, 12_345_678_901, u64::MAX / 2]),
        // The waits between requests: nanoseconds, seconds, minutes.
        waits in prop::collection::vec(
            prop_oneof![0..3u64, 0..5 * S, 0..400 * S, Just(12 * S), Just(12 * S - 1)], 1..120,
        ),
    ) {
        let table = policies(&[("hourly", hourly, 3600), ("burst", burst, 60)]);
        let quotas = Quotas::default();
        // Who asks for no more than whether it may pass gets the same.
        let brief = Quotas::default();
        let model = |limit: u32, window_s: u64| Model {
            limit: limit as usize,
            interval_ns: window_s * S / u64::from(limit),
            returns: Vec::new(),
        };
        let mut models = [model(hourly, 3600), model(burst, 60)];
        let mut now_ns = start_ns;
        for wait in waits {
            now_ns += wait;
            let may = models.iter().all(|m| m.left(now_ns) > 0);
            if may {
                models.iter_mut().for_each(|m| m.take(now_ns));
            }
            let foreseen = brief.refusal(&OWNER, &table, now_ns);
            prop_assert_eq!(foreseen.is_none(), may);
            let decision = quotas.take(&OWNER, &table, now_ns);
            prop_assert_eq!(decision.allows(), may);
            match brief.pass(&OWNER, &table, now_ns) {
                Ok(()) => prop_assert!(may),
                Err(refusal) => prop_assert_eq!(refusal.refused_by(), decision.refused_by()),
            }
            prop_assert_eq!(left(&brief.peek(&OWNER, &table, now_ns)), left(&decision));
            for ((_, state), m) in decision.iter().zip(&models) {
                prop_assert_eq!(state.remaining as usize, m.left(now_ns));
                prop_assert_eq!(state.next_s, m.next_s(now_ns));
                prop_assert_eq!(state.reset_s, m.reset_s(now_ns));
            }
        }
    }

    /// Hardening 2.6: over any span at most the capacity, what the span gives back, and one.
    #[test]
    fn no_span_admits_more_than_its_bound(
        limit in 1..50u32,
        waits in prop::collection::vec(0..3 * S, 1..300),
    ) {
        let table = policies(&[("burst", limit, 60)]);
        let quotas = Quotas::default();
        let mut now_ns = 0;
        let mut passed = Vec::new();
        for wait in waits {
            now_ns += wait;
            if quotas.take(&OWNER, &table, now_ns).allows() {
                passed.push(now_ns);
            }
        }
        for (first, from) in passed.iter().enumerate() {
            for (last, to) in passed.iter().enumerate().skip(first) {
                let given_back = u128::from(to - from) * u128::from(limit) / u128::from(60 * S);
                let bound = u128::from(limit) + given_back + 1;
                prop_assert!((last - first) as u128 <= bound);
            }
        }
    }
}

#[test]
fn late_and_extreme_instants_are_judged_soundly() {
    let one = policies(&[("burst", 1, 60)]);
    let quotas = Quotas::default();
    assert!(quotas.take(&OWNER, &one, 100 * S).allows());
    // A thread that read the clock earlier neither gains nor sets the bucket back.
    assert!(!quotas.take(&OWNER, &one, 0).allows());
    assert!(!quotas.take(&OWNER, &one, 159 * S).allows());
    assert!(quotas.take(&OWNER, &one, 160 * S).allows());
    let most = policies(&[("burst", u32::MAX, u32::MAX)]);
    for now_ns in [0, u64::MAX - 1, u64::MAX, u64::MAX] {
        let decision = quotas.take(&Owner::Key(u128::MAX), &most, now_ns);
        assert!(decision.allows());
        assert!(decision.tightest().1.remaining >= u32::MAX - 3);
    }
    // Neither can be read from a policy file; neither is a way round a limit.
    for (limit, window_s) in [(0, 60), (0, 0)] {
        let none = policies(&[("none", limit, window_s)]);
        assert!(!quotas.take(&OWNER, &none, u64::MAX).allows());
    }
}

#[test]
fn idle_owners_are_forgotten_and_a_full_memory_still_limits() {
    let one = policies(&[("burst", 1, 60)]);
    let quotas = Quotas::new(100);
    for n in 0..100 {
        assert!(quotas.take(&Owner::Key(n), &one, 0).allows(), "{n}");
    }
    // Newcomers share one bucket now; the known keep theirs.
    assert!(quotas.take(&Owner::Key(100), &one, 0).allows());
    assert!(!quotas.take(&Owner::Key(101), &one, 0).allows());
    assert!(!quotas.peek(&Owner::Key(102), &one, 0).allows());
    assert!(!quotas.take(&Owner::Key(5), &one, 0).allows());
    let limit = Owner::Address(
        LimitName::new("edge"),
        Neighbourhood::of([192, 0, 2, 1].into()),
    );
    assert!(quotas.take(&limit, &one, 0).allows());
    assert_eq!(quotas.owners(), 100);
    // Whole again, they make room; those that took meanwhile stay, with what they used.
    assert!(quotas.take(&Owner::Key(7), &one, 60 * S).allows());
    for n in 200..230 {
        assert!(quotas.take(&Owner::Key(n), &one, 60 * S).allows(), "{n}");
    }
    assert!(quotas.owners() < 100, "{}", quotas.owners());
    for n in (200..230).chain([7]) {
        assert!(!quotas.take(&Owner::Key(n), &one, 60 * S).allows(), "{n}");
    }
}

#[test]
fn a_peek_leaves_no_trace() {
    let quotas = Quotas::default();
    for n in 0..10 {
        assert!(quotas.peek(&Owner::Key(n), &pro(), 0).allows());
        assert!(quotas.refusal(&Owner::Key(n), &pro(), 0).is_none());
    }
    assert_eq!(quotas.owners(), 0);
    assert!(quotas.bytes_max() < 512 * QUOTA_OWNERS_MAX);
}

#[test]
fn a_successor_goes_on_where_its_predecessor_stopped() {
    let at = |monotonic_ns, unix_s: u64| Now {
        monotonic_ns,
        unix_ms: unix_s * 1000,
    };
    let old = Quotas::default();
    let group = Neighbourhood::of("2001:db8::1".parse().unwrap());
    let address = Owner::Address(LimitName::new("edge"), group);
    for owner in [OWNER, address] {
        assert_eq!(passing(&old, &owner, &pro(), 50 * S, 100), 100);
    }
    // 30 s later by the calendar, and a clock of its own that has just begun.
    let saved = old.save(at(50 * S, 1_767_225_600));
    let new = Quotas::new(100);
    assert!(new.take(&OWNER, &pro(), 0).allows());
    assert_eq!(new.load(&saved, at(0, 1_767_225_630)), Ok(4));
    assert_eq!(left(&new.peek(&OWNER, &pro(), 0)), [907, 49]);
    assert_eq!(left(&new.peek(&address, &pro(), 0)), [908, 50]);
    // A calendar that went back gives nothing back, and a whole bucket is the most that is used.
    let again = Quotas::new(100);
    for _ in 0..2 {
        assert_eq!(again.load(&saved, at(0, 1_767_225_000)), Ok(4));
    }
    assert_eq!(left(&again.peek(&OWNER, &pro(), 0)), [800, 0]);
    // What was whole is not worth a byte.
    let idle = old.save(at(u64::MAX, 1_767_300_000));
    assert_eq!(again.load(&idle, at(0, 0)), Ok(0));
    for cut in 0..saved.len() {
        assert!(again.load(&saved[..cut], at(0, 0)).is_err(), "{cut}");
    }
}

#[test]
fn policies_are_checked_once() {
    let make = |names: &[&str]| {
        let rate = Rate {
            limit: 1,
            window_s: 1,
        };
        let list: Arc<[_]> = names.iter().map(|&name| (name.to_owned(), rate)).collect();
        Policies::new(list).err()
    };
    let long = "n".repeat(33);
    let name = |name: &str| Some(PoliciesError::Name(name.to_owned()));
    for (names, expected) in [
        (&["burst"][..], None),
        (&["per-day_2.0", "B"], None),
        (&["1", "2", "3", "4", "5", "6", "7", "8"], None),
        (
            &["1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Some(PoliciesError::TooMany),
        ),
        (&[], Some(PoliciesError::Empty)),
        (&["a", "b", "a"], Some(PoliciesError::Twice("a".to_owned()))),
        (&[""], name("")),
        (&["a\"b"], name("a\"b")),
        (&["a b"], name("a b")),
        (&["ä"], name("ä")),
        (&[&long], name(&long)),
    ] {
        assert_eq!(make(names), expected, "{names:?}");
    }
}
