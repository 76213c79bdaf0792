//! What makes no sense is refused, with everything else that is wrong, at its place.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is an assertion")]

mod routes;

use super::*;
use crate::config::Report;

const GOOD: &str = "\
listeners:
  - address: 127.0.0.1:8080
    hosts: [api.example.com, b.example.com]
admin: { address: 127.0.0.1:9090 }
tiers:
  free: { hourly: 100/h, burst: 20/min }
upstreams:
  orders: { servers: [127.0.0.1:9000] }
chains:
  open: [hygiene]
routes:
  - name: orders
    path: /api/v1/orders/{id}
    methods: [GET, PATCH]
    chain: open
    upstream: orders
    public: true
";

fn lines(report: &Report) -> Vec<String> {
    let lines = report.mistakes().iter().map(|mistake| {
        let hint = if mistake.hint.is_empty() {
            String::new()
        } else {
            format!(" ({})", mistake.hint)
        };
        format!("{}: {}{hint}", mistake.path, mistake.sentence())
    });
    lines.collect()
}

/// Loads the good file with some of its text replaced.
fn with(edits: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let mut text = GOOD.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    load("test.yaml", &text).map_err(|report| lines(&report))
}

/// Edits of the good file, and what is wrong then.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (edits, expected) in cases {
        let found = with(edits).err().unwrap_or_default();
        assert_eq!(found, *expected, "{edits:?}");
    }
}

const ROUTE: &str = "  - name: orders";

#[test]
fn a_good_file_is_understood() {
    let Loaded { policy, warnings } = load("test.yaml", GOOD).unwrap_or_else(|r| panic!("{r}"));
    assert!(warnings.is_empty(), "{warnings}");
    let listener = &policy.listeners[0];
    assert!(listener.http1 && listener.http2 && listener.tls.is_none());
    assert_eq!(policy.site.hosts, ["api.example.com", "b.example.com"]);
    assert_eq!(policy.site.versions.len(), 1);
    assert!(policy.site.versions[0].current);
    let free = policy.site.tiers["free"].as_deref().unwrap();
    assert_eq!(
        free.iter()
            .map(|(n, rate)| format!("{n} {rate}"))
            .collect::<Vec<_>>(),
        ["hourly 100/h", "burst 20/min"]
    );
    let route = &policy.routes[0];
    assert_eq!(route.version.as_deref(), Some("1"));
    assert_eq!(route.timeout.as_secs(), 60);
    assert_eq!(route.body_max, 1 << 20);
    assert_eq!(policy.upstreams[0].host, "127.0.0.1:9000");
    assert_eq!(policy.settings.drain.as_secs(), 15);
    assert_eq!(policy.settings.connections.per_address, 256);
    assert_eq!(&*policy.chains[policy.unrouted].name, "unrouted");
    assert_eq!(
        policy.chains[policy.unrouted].steps[0].prepared.name,
        "hygiene"
    );
}

#[test]
fn mistakes_of_every_kind_come_together() {
    let found = with(&[
        (
            "127.0.0.1:8080\n",
            "127.0.0.1:8080\n    protocols: [http2]\n",
        ),
        ("127.0.0.1:9090", "203.0.113.1:9090"),
        ("100/h", "100"),
        ("[hygiene]", "[hygeine]"),
        ("/{id}", "/{id"),
        ("[GET, PATCH]", "[get]"),
        ("upstream: orders", "upstream: order"),
        (
            "    public: true",
            "    public: true\n    hosts: [c.example.com]\n    bodymax: 1",
        ),
    ]);
    let expected = [
        "listeners[0].protocols[0]: `http2` without TLS (write `h2c` for HTTP/2 without TLS, or add \
         `tls`)",
        "admin.address: found the public address 203.0.113.1:9090, expected a loopback or private one \
         (write `127.0.0.1:9090`)",
        "tiers.free.hourly: found the number 100, expected a rate, such as 20/s, 100/min, 1000/h, \
         5000/day, or `unlimited` (write `100/min`)",
        "chains.open[0].hygeine: found the unknown filter `hygeine`, expected a known one (did you mean \
         `hygiene`?)",
        "routes[0].path: `{id` in a path (a capture is a whole segment: `/orders/{id}`)",
        "routes[0].methods[0]: found the method `get`, expected one of `GET`, `HEAD`, `POST`, `PUT`, \
         `PATCH`, `DELETE`, `OPTIONS` (did you mean `GET`?)",
        "routes[0].upstream: found the unknown upstream `order`, expected one of the section \
         `upstreams` (did you mean `orders`?)",
        "routes[0].hosts[0]: found the host `c.example.com`, which no listener serves, expected one \
         that is served (did you mean `b.example.com`?)",
        "routes[0].bodymax: found the unknown field `bodymax`, expected a known one (did you mean \
         `body_max`?)",
    ];
    assert_eq!(found.err().unwrap(), expected);
}

#[test]
fn what_cannot_be_read_draws_no_further_mistakes() {
    check(&[
        (
            &[("servers: [127.0.0.1:9000]", "servers: 127.0.0.1")],
            &["upstreams.orders.servers: found `127.0.0.1`, expected a list (write `[127.0.0.1]`)"],
        ),
        (
            &[("orders: { servers: [127.0.0.1:9000] }", "orders: 5")],
            &[
                "upstreams.orders: found the number 5, expected a mapping with `servers`, `balance`, \
             `protocol`, `host`, `connect_timeout`, `read_timeout`, `write_timeout`, `total_timeout`, \
             `retries`, `keep_alive`",
            ],
        ),
        (
            &[("open: [hygiene]", "open: 5")],
            &["chains.open: found the number 5, expected a list (write `[5]`)"],
        ),
        (
            &[("hosts: [api.example.com, b.example.com]", "hosts: 5")],
            &["listeners[0].hosts: found the number 5, expected a list (write `[5]`)"],
        ),
        (
            &[(
                "  - address: 127.0.0.1:8080\n    hosts: [api.example.com, b.example.com]",
                "  - 5",
            )],
            &[
                "listeners[0]: found the number 5, expected a mapping with `address`, `protocols`, `tls`, \
             `hosts`, `any_host`",
            ],
        ),
        (
            &[("    path: /api/v1/orders/{id}\n", "")],
            &["routes[0]: the field `path` is missing (add `path: …`)"],
        ),
        (
            &[("    chain: open\n", "")],
            &["routes[0]: the field `chain` is missing (add `chain: …`)"],
        ),
        (
            &[("    methods: [GET, PATCH]\n", "")],
            &["routes[0]: the field `methods` is missing (add `methods: …`)"],
        ),
        (
            &[("listeners:", "listener:")],
            &[
                "listener: found the unknown field `listener`, expected a known one (did you mean \
             `listeners`?)",
                ": the field `listeners` is missing (add `listeners: …`)",
            ],
        ),
    ]);
}

#[test]
fn listeners_and_settings() {
    check(&[
        (
            &[("    hosts: [api.example.com, b.example.com]\n", "")],
            &[
                "listeners[0]: a listener that does not say which hosts it serves (add `hosts: \
             [api.example.com]`, or `any_host: true` for every host)",
            ],
        ),
        (
            &[(
                "    hosts: [api.example.com, b.example.com]\n",
                "    any_host: true\n",
            )],
            &[],
        ),
        (
            &[("    hosts:", "    any_host: true\n    hosts:")],
            &["listeners[0].any_host: `any_host` beside a list of hosts (remove one of the two)"],
        ),
        (
            &[(
                "    hosts:",
                "    protocols: [h2c]\n    tls: { certificate: file:a, key: file:b }\n    hosts:",
            )],
            &["listeners[0].protocols[0]: `h2c` beside `tls` (write `http2` for HTTP/2 over TLS)"],
        ),
        (
            &[(
                "admin:",
                "  - { address: 127.0.0.1:8080, hosts: [a] }\nadmin:",
            )],
            &["listeners[1].address: the address 127.0.0.1:8080 a second time"],
        ),
        (
            &[(
                "admin:",
                "  - { address: 127.0.0.1:8081, any_host: true }\nadmin:",
            )],
            &[
                "listeners[1].any_host: a listener for every host beside one for some (give every listener \
             its hosts: they are judged for all listeners together)",
            ],
        ),
        (
            &[("9090", "8080")],
            &[
                "admin.address: found the address 127.0.0.1:8080 of a listener for clients, expected one of \
             its own",
            ],
        ),
        (&[("127.0.0.1:9090", "10.1.2.3:9090")], &[]),
        (&[("127.0.0.1:9090", "'[::1]:9090'")], &[]),
        (
            &[("127.0.0.1:9090", "'[::ffff:203.0.113.1]:9090'")],
            &[
                "admin.address: found the public address [::ffff:203.0.113.1]:9090, expected a loopback or \
             private one (write `127.0.0.1:9090`)",
            ],
        ),
        (
            &[("127.0.0.1:9090", "0.0.0.0:9090")],
            &[
                "admin.address: found the public address 0.0.0.0:9090, expected a loopback or private one \
             (write `127.0.0.1:9090`)",
            ],
        ),
        (
            &[("tiers:", "trusted_proxies: [10.0.0.0/8, '::/0']\ntiers:")],
            &[
                "trusted_proxies[1]: everybody as a trusted proxy (name the proxies: whoever is trusted \
             says who its clients are)",
            ],
        ),
        (&[("tiers:", "drain: 0s\ntiers:")], &[]),
        (&[("tiers:", "drain: 10m\ntiers:")], &[]),
        (
            &[("tiers:", "drain: 601s\ntiers:")],
            &["drain: found 601s, expected at most 600s"],
        ),
        (
            &[(
                "tiers:",
                "connections: { head_timeout: 0s, per_address: 0 }\ntiers:",
            )],
            &[
                "connections.head_timeout: found no time at all, expected at least 1ms",
                "connections.per_address: found the number 0, expected 1 to 1000000",
            ],
        ),
        (
            &[(
                "tiers:",
                "keys: { poll: 30s, master_keys: [env:A, env:B] }\ntiers:",
            )],
            &[],
        ),
        (
            &[(
                "tiers:",
                "keys: { poll: 31s, master_keys: [env:A, env:A] }\ntiers:",
            )],
            &[
                "keys.poll: found 31s, expected at most 30s",
                "keys.master_keys[1]: the master key env:A a second time (remove one of the two)",
            ],
        ),
        (
            &[(
                "tiers:",
                "memory: { replay_entries: 0, collected: 1MiB }\ntiers:",
            )],
            &["memory.replay_entries: found the number 0, expected 1 to 8388608"],
        ),
        (
            &[("tiers:", "memory: { collected: 1048575B }\ntiers:")],
            &[
                "memory.collected: found 1048575 bytes, expected 1048576 to 68719476736 (one signed body \
             must find room, and all of them together the machine's memory)",
            ],
        ),
        (
            &[("tiers:", "documentation: docs\ntiers:")],
            &[
                "documentation: found `docs`, expected a URL without query, such as \
             https://docs.example.com/api",
            ],
        ),
    ]);
}

#[test]
fn tiers_and_versions() {
    check(&[
        (
            &[("{ hourly: 100/h, burst: 20/min }", "{}")],
            &[
                "tiers.free: found a tier without policies, expected at least one (write `unlimited` if \
             that is meant)",
            ],
        ),
        (&[("{ hourly: 100/h, burst: 20/min }", "unlimited")], &[]),
        (
            &[("free:", "'fr ee':")],
            &[
                "tiers.fr ee: found the name `fr ee`, expected 1 to 64 of letters, digits, `_`, `-` and `.`",
            ],
        ),
        (
            &[("tiers:", "versions: { current: 2 }\ntiers:")],
            &[
                "routes[0].path: found a path of the unknown API version `1`, expected one that is accepted \
             (the section `versions` has `2`)",
            ],
        ),
        (
            &[(
                "tiers:",
                "versions: { current: 2, accepted: { 1: {}, 2: {} } }\ntiers:",
            )],
            &[],
        ),
        (
            &[(
                "tiers:",
                "versions: { current: 3, accepted: { 1: {}, 2: {} } }\ntiers:",
            )],
            &[
                "versions.current: found the current version `3`, expected one of the accepted versions",
            ],
        ),
        (
            &[(
                "tiers:",
                "versions: { accepted: { 1: { deprecated: 2026-02-01, sunset: 2026-01-01 } } }\ntiers:",
            )],
            &["versions.accepted.1.sunset: a sunset before the deprecation"],
        ),
        (
            &[(
                "tiers:",
                "versions: { accepted: { 1: { sunset: 2026-01-01, guide: a, successor: 1 } } }\ntiers:",
            )],
            &[
                "versions.accepted.1.sunset: a sunset without a deprecation (say since when the version is \
             deprecated: `deprecated: 2026-01-31`)",
                "versions.accepted.1.guide: found `a`, expected a URL, such as \
             https://docs.example.com/migration",
                "versions.accepted.1.successor: found version `1` as its own successor, expected another \
             version",
            ],
        ),
    ]);
}

#[test]
fn the_shipped_files_are_good() {
    for (name, text) in [
        ("tidegate.yaml", include_str!("../../../conf/tidegate.yaml")),
        ("minimal.yaml", include_str!("../../../conf/minimal.yaml")),
        ("strict.yaml", include_str!("../../../conf/strict.yaml")),
    ] {
        let loaded = load(name, text).unwrap_or_else(|report| panic!("{report}"));
        for route in &loaded.policy.routes {
            let open = &*route.name == "health";
            assert_ne!(
                loaded.policy.chains[route.chain].proves(),
                open,
                "{name}: {}",
                route.name
            );
        }
        // The shipped file accepts the customer's scheme, which binds no path: the loader says so.
        let warned = lines(&loaded.warnings)
            .iter()
            .any(|line| line.contains("body-timestamp"));
        assert_eq!(warned, name != "strict.yaml", "{name}: {}", loaded.warnings);
    }
}
