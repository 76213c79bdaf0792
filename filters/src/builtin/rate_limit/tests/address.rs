//! Limits by address, and of failures.

use super::*;

pub(super) const EDGE: &str =
    r#"{"by": "address", "name": "edge", "policies": {"burst": "3/min", "hourly": "100/h"}}"#;

#[test]
fn an_address_has_its_limit_before_anybody_is_known() {
    let fakes = contract();
    let edge = filter(&fakes, EDGE);
    // The client's address, and how many of 4 pass.
    for (client, expected) in [
        ("192.0.2.1", 3),
        ("192.0.2.1", 0),
        ("::ffff:192.0.2.1", 0),
        ("192.0.2.2", 3),
        ("2001:db8::1", 3),
        ("2001:db8::ffff:1", 0),
        ("2001:db8:0:1::1", 3),
    ] {
        let pass = |_: &u32| {
            let mut x = testing::exchange_at(fakes.env.clock.now());
            x.client = client.parse().unwrap();
            let (verdict, fields) = ask(&edge, &mut x, &mut get());
            match &verdict {
                Ok(()) => assert!(fields.is_empty(), "nobody's state is shown"),
                Err(reply) => {
                    assert_eq!(reply.reason, Some(Reason::AddressLimitExceeded));
                    assert_eq!(reply.retry_after_s, Some(20));
                    assert_eq!(shown(&fields, "x-ratelimit-limit"), "3");
                    let policy = r#""burst";q=3;w=60, "hourly";q=100;w=3600"#;
                    assert_eq!(shown(&fields, "ratelimit-policy"), policy);
                }
            }
            verdict.is_ok()
        };
        assert_eq!((0..4).filter(pass).count(), expected, "{client}");
    }
    // Another limit, or a caller's, is another bucket; the same name is the same.
    let request = |filter: &RateLimit| {
        let mut x = testing::exchange();
        x.client = "192.0.2.1".parse().unwrap();
        word(&judge(filter, &mut x, &mut get()))
    };
    let login = filter(&fakes, &EDGE.replace("edge", "login"));
    assert_eq!(request(&login), "ok");
    assert_eq!(request(&filter(&fakes, EDGE)), "address_limit_exceeded");
}

#[test]
fn the_callers_fields_win_over_the_addresss() {
    let fakes = contract();
    let (edge, caller) = (filter(&fakes, EDGE), filter(&fakes, "{}"));
    let mut x = exchange(&fakes, &record(1, |_| ()));
    judge(&edge, &mut x, &mut get()).unwrap();
    judge(&caller, &mut x, &mut get()).unwrap();
    let none = FieldList::default();
    testing::answer(&caller, &mut x, 200, &none);
    let fields = testing::answer(&edge, &mut x, 200, &none);
    assert_eq!(shown(&fields, "x-ratelimit-limit"), "20");
    assert_eq!(fields.len(), 5);
}

#[test]
fn failures_of_an_address_are_limited() {
    let fakes = contract();
    let filter = filter(&fakes, r#"{"by": "address", "failures": "3/min"}"#);
    // One request that is let through ends for this reason; what did the filter say?
    let request = |client: &str, ends: Option<Reason>| {
        let mut x = testing::exchange_at(fakes.env.clock.now());
        x.client = client.parse().unwrap();
        let verdict = judge(&filter, &mut x, &mut get());
        x.refused = match &verdict {
            Ok(()) => ends,
            Err(reply) => reply.reason,
        };
        let status = x.refused.map_or(200, Reason::status);
        filter.on_log(&mut x, &testing::outcome(status));
        verdict
    };
    let (good, bad) = (None, Some(Reason::InvalidCredentials));
    for (client, ends, expected) in [
        ("192.0.2.1", bad, "ok"),
        // Successes and refusals for other reasons are no failures.
        ("192.0.2.1", good, "ok"),
        ("192.0.2.1", Some(Reason::BurstExceeded), "ok"),
        ("192.0.2.1", Some(Reason::AddressNotAllowed), "ok"),
        ("192.0.2.1", Some(Reason::NoUpstream), "ok"),
        ("192.0.2.1", Some(Reason::MalformedKey), "ok"),
        ("192.0.2.1", Some(Reason::ReplayedSignature), "ok"),
        // Used up: nobody behind this address gets to guess, others do.
        ("192.0.2.1", bad, "too_many_failures"),
        ("192.0.2.1", good, "too_many_failures"),
        ("192.0.2.2", good, "ok"),
        ("192.0.2.2", bad, "ok"),
    ] {
        assert_eq!(word(&request(client, ends)), expected, "{client} {ends:?}");
    }
    let reply = request("192.0.2.1", bad).unwrap_err();
    assert_eq!((reply.status, reply.retry_after_s), (429, Some(20)));
    assert_eq!(reply.message, Reason::TooManyFailures.message());
    fakes.clock.advance_ms(19_999);
    assert!(request("192.0.2.1", good).is_err());
    fakes.clock.advance_ms(1);
    assert!(request("192.0.2.1", good).is_ok());
    assert!(request("192.0.2.1", bad).is_ok());
    assert!(request("192.0.2.1", good).is_err());
}
