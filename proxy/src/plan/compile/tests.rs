//! A policy becomes a plan: routes find their chains, and chains are shared.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is an assertion")]

use super::*;
use crate::plan::Found;
use filters::testing::fakes;

const POLICY: &str = "\
listeners:
  - { address: 127.0.0.1:8080, hosts: [a.example, b.example] }
upstreams:
  one: { servers: [127.0.0.1:9000], host: one.internal, total_timeout: 5s }
  two: { servers: [127.0.0.1:9001, 127.0.0.1:9002], balance: least_requests, protocol: h2c }
chains:
  open: [hygiene]
  other: [{ hygiene: { methods: [GET] } }]
routes:
  - { name: a, path: /api/v1/a, methods: [GET], chain: open, upstream: one, public: true }
  - { name: b, path: '/b/{id}', methods: [POST], chain: open, upstream: two, public: true,
      hosts: [b.example], timeout: 2s, body_max: 1KiB, keep_authorization: true }
  - { name: c, path: '/*', methods: [GET], chain: other, upstream: two, public: true }
";

fn plan(text: &str) -> Plan {
    let loaded = policy::load("test.yaml", text).unwrap_or_else(|report| panic!("{report}"));
    compile(&loaded.policy, &fakes().env).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn a_policy_becomes_a_plan() {
    let plan = plan(POLICY);
    for (host, path, method, found) in [
        ("a.example", "/api/v1/a", "GET", Some("a")),
        ("b.example", "/b/1", "POST", Some("b")),
        ("a.example", "/b/1", "GET", Some("c")),
        ("a.example", "/b/1", "POST", None),
    ] {
        let index = match plan.router.find(host.as_bytes(), path.as_bytes(), method) {
            Found::Route(index) => Some(index),
            Found::WrongMethod { .. } | Found::Nothing => None,
        };
        let name = index.map(|index| &*plan.routes[index].facts.name);
        assert_eq!(name, found, "{method} {host}{path}");
    }
    let [a, b, c] = &plan.routes[..] else {
        panic!("three routes")
    };
    assert!(Arc::ptr_eq(&a.chain, &b.chain));
    assert!(!Arc::ptr_eq(&a.chain, &c.chain));
    assert_eq!(a.facts.version.as_deref(), Some("1"));
    assert_eq!(
        (
            a.timeout.as_secs(),
            b.timeout.as_secs(),
            c.timeout.as_secs()
        ),
        (5, 2, 60)
    );
    assert_eq!((a.facts.body_max, b.facts.body_max), (1 << 20, 1024));
    assert_eq!(
        (a.facts.keep_authorization, b.facts.keep_authorization),
        (false, true)
    );
    assert_eq!((a.upstream, b.upstream), (0, 1));
    assert_eq!(plan.upstreams[0].host, "one.internal");
    assert_eq!(plan.unrouted.names().next(), Some("hygiene"));
}

#[test]
fn hygiene_is_first_in_every_chain_though_left_out() {
    let plan = plan(&POLICY.replace("open: [hygiene]", "open: []"));
    assert_eq!(
        plan.routes[0].chain.names().collect::<Vec<_>>(),
        ["hygiene"]
    );
}

#[test]
fn what_a_filter_says_of_its_configuration_is_said_at_its_field() {
    let text = POLICY.replace("{ methods: [GET] }", "{ methods: [TRACE] }");
    let report = policy::load("test.yaml", &text).err().unwrap();
    let [mistake] = report.mistakes() else {
        panic!("{report}")
    };
    assert_eq!(mistake.path, "chains.other[0].hygiene.methods");
    let span = mistake.span.unwrap();
    assert_eq!(&text[span.start as usize..span.end as usize], "[");
}

#[test]
fn a_chain_with_cors_answers_preflights() {
    let text = POLICY
        .replace(
            "open: [hygiene]",
            "open: [{ cors: { origins: [https://app.example] } }]",
        )
        .replace("path: /api/v1/a", "path: /a");
    let plan = plan(&text);
    let preflight =
        |path: &str, method: &str| match plan.router.find(b"a.example", path.as_bytes(), method) {
            Found::WrongMethod { preflight, allow } => (preflight, allow.to_string()),
            found => panic!("{found:?}"),
        };
    assert_eq!(
        preflight("/a", "OPTIONS"),
        (Some(0), "GET, HEAD, OPTIONS".to_owned())
    );
    assert_eq!(
        preflight("/a", "POST"),
        (None, "GET, HEAD, OPTIONS".to_owned())
    );
    assert_eq!(
        preflight("/other", "OPTIONS"),
        (None, "GET, HEAD".to_owned())
    );
}
