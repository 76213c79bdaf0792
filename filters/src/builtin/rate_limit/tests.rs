//! Contract, section 5; hardening 2.6, A28 to A30.

mod address;

use super::*;
use crate::caller::{Caller, Claim, Proof};
use crate::env::Site;
use crate::key::{Environment, KeyRecord};
use crate::testing::{
    self, FakeClient, Fakes, FieldList, START_S, fakes_of, judge, key_record, key_text, word,
};
use crate::units::Rate;
use http::HeaderMap;

type List = Arc<[(String, Rate)]>;

fn list(policies: &[(&str, &str)]) -> List {
    let policy = |&(name, rate): &(&str, &str)| (name.to_owned(), rate.parse().unwrap());
    policies.iter().map(policy).collect()
}

/// The contract's tiers.
fn contract() -> Fakes {
    let tier = |hourly, burst| Some(list(&[("hourly", hourly), ("burst", burst)]));
    let tiers = [
        ("free", tier("100/h", "20/min")),
        ("pro", tier("1000/h", "100/min")),
        ("enterprise", tier("10000/h", "500/min")),
        ("internal", None),
    ];
    fakes_of(Site {
        tiers: tiers.map(|(name, tier)| (name.to_owned(), tier)).into(),
        ..Site::default()
    })
}

fn filter(fakes: &Fakes, config: &str) -> RateLimit {
    let config: Config = serde_json::from_str(config).unwrap();
    RateLimit::build(&config, &fakes.env).unwrap()
}

/// The key of this seed.
fn record(seed: u32, change: impl FnOnce(&mut KeyRecord)) -> Arc<KeyRecord> {
    let mut record = key_record(&key_text(Environment::Live, seed), seed);
    change(&mut record);
    Arc::new(record)
}

/// An exchange of a proved caller.
fn exchange(fakes: &Fakes, record: &Arc<KeyRecord>) -> Exchange {
    let mut x = testing::exchange_at(fakes.env.clock.now());
    x.caller = Caller::Known(Principal::new(Arc::clone(record), &Proof::given()));
    x
}

/// One request and its answer: the judgement, and the fields that the client gets.
fn ask(filter: &RateLimit, x: &mut Exchange, request: &mut FakeClient) -> (Verdict, HeaderMap) {
    let verdict = judge(filter, x, request);
    let status = match &verdict {
        Ok(()) => 502,
        Err(reply) => {
            x.refused = reply.reason;
            reply.status
        }
    };
    let fields = testing::answer(filter, x, status, &FieldList::default());
    filter.on_log(x, &testing::outcome(status));
    (verdict, fields)
}

fn get() -> FakeClient {
    FakeClient::get("/")
}

fn shown(fields: &HeaderMap, name: &str) -> String {
    let value = fields.get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or("-").to_owned()
}

/// How many of `n` requests at one instant pass.
fn passing(fakes: &Fakes, filter: &RateLimit, record: &Arc<KeyRecord>, n: usize) -> usize {
    let pass = |_: &usize| {
        let mut x = exchange(fakes, record);
        ask(filter, &mut x, &mut get()).0.is_ok()
    };
    (0..n).filter(pass).count()
}

#[test]
fn every_tier_has_its_two_policies() {
    // The tier; how many pass at once; each later minute for an hour; in 3 hours in all.
    for (tier, burst, hourly) in [
        ("free", 20, 100),
        ("pro", 100, 1000),
        ("enterprise", 500, 10_000),
    ] {
        let fakes = contract();
        let filter = filter(&fakes, "{}");
        let record = record(1, |record| record.tier = tier.into());
        assert_eq!(
            passing(&fakes, &filter, &record, burst + 1),
            burst,
            "{tier}"
        );
        let mut passed = burst;
        for _ in 0..60 {
            fakes.clock.advance_s(60);
            passed += passing(&fakes, &filter, &record, burst + 1);
        }
        // A bucket of N, refilled N an hour.
        assert!(
            (2 * hourly - 1..=2 * hourly).contains(&passed),
            "{tier}: {passed}"
        );
    }
    let fakes = contract();
    let filter = filter(&fakes, "{}");
    let internal = record(1, |record| record.tier = "internal".into());
    for _ in 0..1000 {
        let mut x = exchange(&fakes, &internal);
        let (verdict, fields) = ask(&filter, &mut x, &mut get());
        assert!(verdict.is_ok() && fields.is_empty() && x.quota.is_none());
    }
}

#[test]
fn a_refusal_tells_what_holds_and_a_client_that_sleeps_succeeds() {
    for (tier, limits, reason, message, policy, limit, window_s, wait_s) in [
        (
            "free",
            None,
            Reason::BurstExceeded,
            "rate limit of 20 requests per minute exceeded",
            "burst",
            20,
            60,
            3,
        ),
        (
            "free",
            Some(list(&[("hourly", "5/h"), ("burst", "20/min")])),
            Reason::QuotaExceeded,
            "rate limit of 5 requests per hour exceeded",
            "hourly",
            5,
            3600,
            720,
        ),
        (
            "gone",
            Some(list(&[("burst", "2/s")])),
            Reason::BurstExceeded,
            "rate limit of 2 requests per second exceeded",
            "burst",
            2,
            1,
            1,
        ),
        (
            "free",
            Some(list(&[("burst", "1/min")])),
            Reason::BurstExceeded,
            "rate limit of 1 request per minute exceeded",
            "burst",
            1,
            60,
            60,
        ),
        (
            "free",
            Some(list(&[("daily", "3/day"), ("burst", "3/min")])),
            Reason::QuotaExceeded,
            "rate limit of 3 requests per day exceeded",
            "daily",
            3,
            86_400,
            28_800,
        ),
    ] {
        let fakes = contract();
        let filter = filter(&fakes, "{}");
        let record = record(1, |record| {
            record.tier = tier.into();
            record.rare.limits = limits;
        });
        assert_eq!(passing(&fakes, &filter, &record, 100), limit as usize);
        let refused = || {
            let mut x = exchange(&fakes, &record);
            ask(&filter, &mut x, &mut get()).0.unwrap_err()
        };
        let reply = refused();
        assert_eq!((reply.status, reply.reason), (429, Some(reason)));
        assert_eq!(reply.message, message);
        assert_eq!(reply.retry_after_s, Some(wait_s));
        let details = [
            ("policy", Detail::Text(policy.to_owned())),
            ("limit", Detail::Number(limit)),
            ("windowSeconds", Detail::Number(window_s)),
        ];
        assert_eq!(reply.details, details);
        // Refusals cost nothing: the wait does not grow with them.
        assert_eq!(refused().retry_after_s, Some(wait_s));
        fakes.clock.advance_ms(u64::from(wait_s) * 1000 - 1);
        // Two a second: the next is there after half of the second that was rounded up to.
        if window_s > 1 {
            assert_eq!(refused().retry_after_s, Some(1));
        }
        fakes.clock.advance_ms(1);
        assert_eq!(passing(&fakes, &filter, &record, 1), 1, "{policy}");
    }
}

#[test]
fn the_fields_agree_with_each_other_and_with_the_next_answer() {
    let fakes = contract();
    let filter = filter(&fakes, "{}");
    let free = record(1, |_| ());
    // Taken before; what the next answer shows.
    for (n, remaining, reset_s, state) in [
        (0, "19", 3, r#""hourly";r=99;t=36, "burst";r=19;t=3"#),
        (1, "18", 6, r#""hourly";r=98;t=36, "burst";r=18;t=3"#),
        (18, "0", 60, r#""hourly";r=80;t=36, "burst";r=0;t=3"#),
        // Refused: nothing has changed.
        (1, "0", 60, r#""hourly";r=80;t=36, "burst";r=0;t=3"#),
    ] {
        let mut last = None;
        for _ in 0..n.max(1) {
            let mut x = exchange(&fakes, &free);
            last = Some(ask(&filter, &mut x, &mut get()).1);
        }
        let fields = last.unwrap();
        assert_eq!(shown(&fields, "x-ratelimit-limit"), "20");
        assert_eq!(shown(&fields, "x-ratelimit-remaining"), remaining);
        let reset = (START_S + reset_s).to_string();
        assert_eq!(shown(&fields, "x-ratelimit-reset"), reset);
        let policy = r#""hourly";q=100;w=3600, "burst";q=20;w=60"#;
        assert_eq!(shown(&fields, "ratelimit-policy"), policy);
        assert_eq!(shown(&fields, "ratelimit"), state);
    }
    // At the second that Reset names, all are back.
    fakes.clock.advance_s(60);
    let mut x = exchange(&fakes, &free);
    let (_, fields) = ask(&filter, &mut x, &mut get());
    assert_eq!(shown(&fields, "x-ratelimit-remaining"), "19");
    // Half a second into a second, the time is rounded up.
    fakes.clock.advance_ms(500);
    let mut x = exchange(&fakes, &free);
    let (_, fields) = ask(&filter, &mut x, &mut get());
    assert_eq!(
        shown(&fields, "x-ratelimit-reset"),
        (START_S + 67).to_string()
    );
}

#[test]
fn the_tightest_policy_is_shown() {
    for (limits, name, limit, remaining) in [
        (
            &[("hourly", "5/h"), ("burst", "20/min")][..],
            "hourly",
            "5",
            "4",
        ),
        (
            &[("hourly", "100/h"), ("burst", "20/min")],
            "burst",
            "20",
            "19",
        ),
        // As few left: the one that takes longer to give one back.
        (&[("burst", "5/min"), ("hourly", "5/h")], "hourly", "5", "4"),
        (&[("hourly", "5/h"), ("burst", "5/min")], "hourly", "5", "4"),
        (
            &[("only", "4294967295/day")],
            "only",
            "4294967295",
            "4294967294",
        ),
    ] {
        let fakes = contract();
        let own = record(1, |record| record.rare.limits = Some(list(limits)));
        let mut x = exchange(&fakes, &own);
        let (_, fields) = ask(&filter(&fakes, "{}"), &mut x, &mut get());
        assert_eq!(shown(&fields, "x-ratelimit-limit"), limit);
        assert_eq!(shown(&fields, "x-ratelimit-remaining"), remaining);
        assert_eq!(x.quota.as_ref().unwrap().tightest().0, name);
    }
}

#[test]
fn nothing_of_a_request_but_its_caller_chooses_the_bucket() {
    let fakes = contract();
    let filter = filter(&fakes, "{}");
    let victim = record(1, |_| ());
    let requests = [
        FakeClient::get("/a"),
        FakeClient::get("/a?b=1"),
        FakeClient::get("/A"),
        FakeClient::post("/a").body("x"),
        FakeClient::get("/a").field("x-api-key", "other"),
        FakeClient::get("/a").field("X-API-Version", "2"),
        FakeClient::get("/a").field("X-Forwarded-For", "198.51.100.1"),
        FakeClient::get("/a").version(crate::head::Version::Http2),
    ];
    for (n, mut request) in requests.into_iter().enumerate() {
        let mut x = exchange(&fakes, &victim);
        x.client = format!("203.0.113.{n}").parse().unwrap();
        let (_, fields) = ask(&filter, &mut x, &mut request);
        assert_eq!(
            shown(&fields, "x-ratelimit-remaining"),
            (19 - n).to_string()
        );
    }
    // A30: whoever only claims the key, and does not prove it, takes nothing.
    for caller in [
        Caller::Anonymous,
        Caller::Claimed(Claim {
            record: Some(Arc::clone(&victim)),
        }),
    ] {
        let mut x = exchange(&fakes, &victim);
        x.caller = caller;
        let (verdict, fields) = ask(&filter, &mut x, &mut get());
        assert_eq!(word(&verdict), "missing_credentials");
        assert!(fields.is_empty());
    }
    assert_eq!(passing(&fakes, &filter, &victim, 20), 12);
    // Another key of the same partner has its own; the rotated key has the same.
    assert_eq!(passing(&fakes, &filter, &record(2, |_| ()), 30), 20);
    let rotated = record(3, |record| record.number = victim.number);
    assert_eq!(passing(&fakes, &filter, &rotated, 1), 0);
}

#[test]
fn limits_that_cannot_be_known_let_nobody_through() {
    for (tier, limits, expected) in [
        ("free", None, "ok"),
        ("Free", None, "tier_unknown"),
        ("", None, "tier_unknown"),
        ("standard", None, "tier_unknown"),
        ("internal", Some(list(&[])), "tier_unknown"),
        ("internal", Some(list(&[("a\"b", "1/s")])), "tier_unknown"),
        (
            "internal",
            Some(list(&[("a", "1/s"), ("a", "2/s")])),
            "tier_unknown",
        ),
        ("internal", Some(list(&[("a", "1/s"); 9])), "tier_unknown"),
        ("internal", Some(list(&[("a", "1/s")])), "ok"),
    ] {
        let fakes = contract();
        let filter = filter(&fakes, "{}");
        let record = record(1, |record| {
            record.tier = tier.into();
            record.rare.limits = limits.clone();
        });
        let (verdict, _) = ask(&filter, &mut exchange(&fakes, &record), &mut get());
        assert_eq!(word(&verdict), expected, "{tier:?} {limits:?}");
        if let Err(reply) = verdict {
            assert_eq!(reply.status, 503);
        }
    }
}

#[test]
fn a_reload_or_another_tier_keeps_what_was_used() {
    let fakes = contract();
    let first = filter(&fakes, "{}");
    let free = record(1, |_| ());
    assert_eq!(passing(&fakes, &first, &free, 30), 20);
    let reloaded = filter(&fakes, "{}");
    assert_eq!(passing(&fakes, &reloaded, &free, 1), 0);
    let pro = record(1, |record| record.tier = "pro".into());
    let mut x = exchange(&fakes, &pro);
    let (_, fields) = ask(&reloaded, &mut x, &mut get());
    let state = r#""hourly";r=979;t=4, "burst";r=79;t=1"#;
    assert_eq!(shown(&fields, "ratelimit"), state);
}

#[test]
fn sixty_four_clients_of_one_key_get_exactly_its_tokens() {
    let fakes = contract();
    let filter = filter(&fakes, "{}");
    let pro = record(1, |record| record.tier = "pro".into());
    let passed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let n = passing(&fakes, &filter, &pro, 5);
                passed.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
            });
        }
    });
    assert_eq!(passed.into_inner(), 100);
}

#[test]
fn configurations_are_judged() {
    for (text, builds) in [
        ("{}", Some(true)),
        (r#"{"by": "caller"}"#, Some(true)),
        (r#"{"by": "caller", "failures": "20/min"}"#, Some(false)),
        (r#"{"by": "caller", "name": "edge"}"#, Some(false)),
        (r#"{"policies": {"burst": "20/min"}}"#, Some(false)),
        (r#"{"by": "address"}"#, Some(false)),
        (r#"{"by": "address", "name": "edge"}"#, Some(false)),
        (r#"{"by": "address", "policies": {}}"#, Some(false)),
        (address::EDGE, Some(true)),
        (r#"{"by": "address", "failures": "20/min"}"#, Some(true)),
        (
            r#"{"by": "address", "name": "a/b", "failures": "1/s"}"#,
            Some(false),
        ),
        (
            r#"{"by": "address", "policies": {"a b": "1/s"}}"#,
            Some(false),
        ),
        (
            r#"{"by": "address", "policies": {"a": "1/s", "a": "2/s"}}"#,
            Some(false),
        ),
        (r#"{"by": "address", "policies": {"burst": 20}}"#, None),
        (r#"{"by": "address", "policies": {"burst": "0/s"}}"#, None),
        (r#"{"by": "address", "policies": ["burst"]}"#, None),
        (r#"{"by": "header"}"#, None),
        (r#"{"limit": "20/min"}"#, None),
    ] {
        let config: Option<Config> = serde_json::from_str(text).ok();
        let fakes = contract();
        let built = config.map(|c| RateLimit::build(&c, &fakes.env).is_ok());
        assert_eq!(built, builds, "{text}");
    }
    let config = |text: &str| serde_json::from_str::<Config>(text).unwrap();
    assert!(RateLimit::needs(&config("{}")).contain(Facts::PRINCIPAL));
    assert!(!RateLimit::needs(&config(address::EDGE)).contain(Facts::PRINCIPAL));
}
