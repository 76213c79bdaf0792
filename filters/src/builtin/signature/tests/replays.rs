//! Each signature once (hardening A17, A18, A20).

use super::*;

#[test]
fn a_signature_is_accepted_once() {
    // First request; second request under the first's signature; what comes of the second.
    let post = Request::default;
    let of = |schemes, change: &dyn Fn(&mut Request)| {
        let mut request = Request { schemes, ..post() };
        change(&mut request);
        request
    };
    for (first, second, expected) in [
        // v1: every method, and nothing else passes under it.
        (of(&[V1], &|_| ()), of(&[V1], &|_| ()), "replayed_signature"),
        (get(&[V1]), get(&[V1]), "replayed_signature"),
        (of(&[V1], &|_| ()), of(&[V1], &|r| r.target = "/b"), REFUSED),
        (
            of(&[V1], &|_| ()),
            of(&[V1], &|r| r.method = "PUT"),
            REFUSED,
        ),
        // body-timestamp: the unsafe methods; another query does not make it new.
        (of(&[BT], &|_| ()), of(&[BT], &|_| ()), "replayed_signature"),
        (
            of(&[BT], &|r| r.method = "DELETE"),
            of(&[BT], &|r| r.method = "DELETE"),
            "replayed_signature",
        ),
        (
            of(&[BT], &|r| r.target = "/a?b=1"),
            of(&[BT], &|r| r.target = "/a?b=2"),
            "replayed_signature",
        ),
        (
            of(&[BT], &|r| r.target = "/orders/1"),
            of(&[BT], &|r| r.target = "/orders/2"),
            "ok",
        ),
        (get(&[BT]), get(&[BT]), "ok"),
    ] {
        let bench = bench("{}");
        let signature = first.signature();
        bench.check(first.under(&signature), "ok");
        let found = bench.word(second.under(&signature));
        assert_eq!(found, expected, "{} {}", second.method, second.target);
        if expected == "replayed_signature" {
            // It stays so for as long as the timestamp counts, and then the time is stale.
            bench.fakes.clock.advance_s(300);
            bench.check(first.under(&signature), "replayed_signature");
            bench.fakes.clock.advance_s(1);
            bench.check(first.under(&signature), "stale_timestamp");
        }
    }
}

#[test]
fn no_member_of_a_captured_request_can_be_used_alone() {
    let bench = bench("{}");
    let of = |schemes| Request {
        schemes,
        ..Request::default()
    };
    bench.check(of(&[V1, BT]).signed(), "ok");
    for schemes in [&[BT, V1][..], &[V1], &[BT]] {
        bench.check(of(schemes).signed(), "replayed_signature");
    }
}

#[test]
fn another_time_or_nonce_is_another_signature() {
    let bench = bench("{}");
    for (timestamp_s, nonce, expected) in [
        (START_S, "", "ok"),
        (START_S, "nonce-0001", "ok"),
        (START_S, "nonce-0002", "ok"),
        (START_S + 1, "", "ok"),
        (START_S, "nonce-0001", "replayed_signature"),
    ] {
        let request = Request {
            timestamp_s,
            nonce,
            ..Request::default()
        };
        bench.check(request.signed(), expected);
    }
}

#[test]
fn a_reload_forgets_nothing_and_switching_it_off_does() {
    let first = bench("{}");
    first.check(Request::default().signed(), "ok");
    let reloaded = Config::default();
    let second = Bench {
        filter: Signature::build(&reloaded, &first.fakes.env).unwrap(),
        ..bench("{}")
    };
    second.check(Request::default().signed(), "replayed_signature");
    let off = bench(r#"{"replay": false}"#);
    off.check(Request::default().signed(), "ok");
    off.check(Request::default().signed(), "ok");
}

#[test]
fn a_memory_that_is_full_or_has_no_past_refuses() {
    let with = |replays: ReplayCache| {
        let mut fakes = fakes();
        fakes.env.replays = Arc::new(replays);
        bench_of("{}", fakes)
    };
    let limits = ReplayLimits {
        entries_max: 10,
        entries_per_key_max: 1,
    };
    let full = with(ReplayCache::new(limits, 300, 0));
    full.check(Request::default().signed(), "ok");
    let next = Request {
        nonce: "nonce-0001",
        ..Request::default()
    };
    let reply = full.judge(&mut next.signed()).unwrap_err();
    assert_eq!(reply.reason, Some(Reason::ReplayMemoryFull));
    assert_eq!((reply.status, reply.retry_after_s), (503, Some(16)));
    // Only that key: another has its own share; and what needs no memory goes on.
    let other = full.with(|record| record.number = 99);
    other.check(next.signed(), "ok");
    other.check(get(&[BT]).signed(), "ok");

    let young = with(ReplayCache::new(ReplayLimits::default(), 300, START_S));
    for (request, timestamp_s, expected) in [
        (Request::default(), START_S - 1, "stale_timestamp"),
        (Request::default(), START_S, "ok"),
        (get(&[BT]), START_S - 1, "ok"),
    ] {
        let request = Request {
            timestamp_s,
            ..request
        };
        young.check(request.signed(), expected);
    }
}
