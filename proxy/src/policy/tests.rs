//! What makes no sense is refused, with everything else that is wrong, at its place.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is an assertion")]

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
fn upstreams() {
    let server = "127.0.0.1:9000";
    check(&[
        (
            &[("[127.0.0.1:9000]", "[]")],
            &["upstreams.orders.servers: found no server, expected at least one"],
        ),
        (
            &[(server, "127.0.0.1:9000, 127.0.0.1:9000")],
            &[
                "upstreams.orders.servers[1]: the server 127.0.0.1:9000 a second time (remove one of the \
             two)",
            ],
        ),
        (
            &[(server, "0.0.0.0:80, 127.0.0.1:0")],
            &[
                "upstreams.orders.servers[0]: found 0.0.0.0:80, where nobody can be reached, expected a \
             server's address and port",
                "upstreams.orders.servers[1]: found 127.0.0.1:0, where nobody can be reached, expected a \
             server's address and port",
            ],
        ),
        (
            &[(server, "127.0.0.1:8080")],
            &[
                "upstreams.orders.servers[0]: found 127.0.0.1:8080, where this proxy listens, expected a \
             server behind it (requests would go round in a circle)",
            ],
        ),
        (
            &[
                ("8080", "8080"),
                ("127.0.0.1:8080", "0.0.0.0:8080"),
                (server, "127.0.0.2:8080"),
            ],
            &[
                "upstreams.orders.servers[0]: found 127.0.0.2:8080, where this proxy listens, expected a \
             server behind it (requests would go round in a circle)",
            ],
        ),
        (
            &[(
                "[127.0.0.1:9000]",
                "[127.0.0.1:9000], retries: 7, host: orders.internal",
            )],
            &[],
        ),
        (
            &[(
                "[127.0.0.1:9000]",
                "[127.0.0.1:9000], retries: 8, host: 'a b'",
            )],
            &[
                "upstreams.orders.retries: found the number 8, expected 0 to 7",
                "upstreams.orders.host: found `a b`, expected a host, perhaps with a port, such as \
             orders.internal:8080",
            ],
        ),
        (
            &[(
                "[127.0.0.1:9000]",
                "[127.0.0.1:9000], connect_timeout: 2s, total_timeout: 1s",
            )],
            &[
                "upstreams.orders.total_timeout: a total timeout below the connect timeout (the whole takes \
             at least as long as its first part)",
            ],
        ),
    ]);
}

#[test]
fn routes() {
    let second = |fields: &str| {
        format!("  - {{ name: b, {fields}, chain: open, upstream: orders, public: true }}\n{ROUTE}")
    };
    let like = second("path: '/api/v1/orders/{order}', methods: [PATCH]");
    let other_method = second("path: '/api/v1/orders/{order}', methods: [DELETE]");
    let own_host = second("path: '/api/v1/orders/{id}', methods: [GET], hosts: [b.example.com]");
    let all_hosts = second(
        "path: '/api/v1/orders/{id}', methods: [GET, PATCH], hosts: [b.example.com, api.example.com]",
    );
    check(&[
        (
            &[(ROUTE, &like)],
            &[
                "routes[1].path: `PATCH /api/v1/orders/{id}`, which is also of the route `b` (that route is \
             on line 12)",
            ],
        ),
        (&[(ROUTE, &other_method)], &[]),
        (&[(ROUTE, &own_host)], &[]),
        (
            &[(ROUTE, &all_hosts)],
            &[
                "routes[1].path: `GET /api/v1/orders/{id}`, which other routes take on every host that is \
             served",
            ],
        ),
        (
            &[(ROUTE, &other_method), ("name: b", "name: orders")],
            &[
                "routes[1].name: found the name `orders` a second time, expected every name once (it is \
             also on line 12)",
            ],
        ),
        (
            &[("    public: true\n", "")],
            &[
                "routes[0].chain: a route whose chain `open` proves no caller (add `signature` to the \
             chain, or say `public: true` if anybody may use it)",
            ],
        ),
        (
            &[("[GET, PATCH]", "[GET, GET, TRACE]")],
            &[
                "routes[0].methods[1]: found `GET` a second time, expected every method once",
                "routes[0].methods[2]: found the method `TRACE`, expected one of `GET`, `HEAD`, `POST`, \
             `PUT`, `PATCH`, `DELETE`, `OPTIONS`",
            ],
        ),
        (
            &[("[GET, PATCH]", "[]")],
            &["routes[0].methods: found no method, expected at least one"],
        ),
        (
            &[(
                "    public: true",
                "    public: true\n    body_max: 11GiB\n    timeout: 2h",
            )],
            &[
                "routes[0].body_max: found 11811160064 bytes, expected at most 10737418240",
                "routes[0].timeout: found 7200s, expected at most 3600s",
            ],
        ),
        (
            &[("chain: open", "chain: opne")],
            &[
                "routes[0].chain: found the unknown chain `opne`, expected one of the section `chains` (did \
             you mean `open`?)",
            ],
        ),
        (
            &[("routes:", "unrouted: nowhere\nroutes:")],
            &[
                "unrouted: found the unknown chain `nowhere`, expected one of the section `chains` (known \
             here: `open`)",
            ],
        ),
        (&[("routes:", "unrouted: open\nroutes:")], &[]),
    ]);
}

#[test]
fn there_are_not_too_many_routes() {
    let routes = |count: usize| -> String {
        let one = |n| {
            format!(
                "  - {{ name: r{n}, path: /r{n}, methods: [GET], chain: open, upstream: orders, public: true }}\n"
            )
        };
        (0..count).map(one).collect::<String>() + ROUTE
    };
    let too_many = format!(
        "routes: found {} entries, expected at most 1024",
        limits::ROUTES_MAX + 1
    );
    check(&[
        (&[(ROUTE, &routes(limits::ROUTES_MAX - 1))], &[]),
        (&[(ROUTE, &routes(limits::ROUTES_MAX))], &[&too_many]),
    ]);
}

#[test]
fn what_nobody_uses_is_a_warning() {
    let loaded = with(&[
        (
            "upstreams:",
            "upstreams:\n  spare: { servers: [127.0.0.1:9001] }",
        ),
        ("chains:", "chains:\n  spare: [hygiene]"),
    ]);
    let Ok(loaded) = loaded else {
        panic!("only warnings")
    };
    assert_eq!(
        lines(&loaded.warnings),
        [
            "upstreams.spare: the upstream `spare`, which no route uses",
            "chains.spare: the chain `spare`, which no route uses",
        ]
    );
    assert!(
        loaded
            .warnings
            .to_string()
            .starts_with("warning: test.yaml:8:3: upstreams.spare\n")
    );
}

#[test]
fn the_order_of_filters_is_proved() {
    let chain = |list: &str| format!("open: [{list}]");
    let proving = ("    public: true\n", "");
    let cases: &[(&str, &[&str])] = &[
        ("api_key, signature, rate_limit", &[]),
        ("hygiene, api_key: { proof: key-only }, rate_limit", &[]),
        (
            "request_id, hygiene, api_key, signature",
            &[
                "chains.open[1].hygiene: found `hygiene` below other filters, expected `hygiene` first \
             (move it to the top, or leave it out: it is then put there)",
            ],
        ),
        (
            "rate_limit, api_key, signature",
            &[
                "chains.open[0].rate_limit: found `rate_limit`, which needs a proved caller, expected a \
             filter above it that gives this (move it below `signature`)",
            ],
        ),
        (
            "signature, api_key",
            &[
                "chains.open[0].signature: found `signature`, which needs an API key, expected a filter \
             above it that gives this (move it below `api_key`)",
            ],
        ),
        (
            "signature",
            &[
                "chains.open[0].signature: found `signature`, which needs an API key, expected a filter \
             above it that gives this (put above it what gives that: `api_key`)",
            ],
        ),
        (
            "api_key",
            &[
                "routes[0].chain: a route whose chain `open` proves no caller (add `signature` to the \
             chain, or say `public: true` if anybody may use it)",
            ],
        ),
        // What cannot be read may give anything: nothing is said of those below it.
        (
            "api_key, signatur, rate_limit",
            &[
                "chains.open[1].signatur: found the unknown filter `signatur`, expected a known one (did \
             you mean `signature`?)",
            ],
        ),
        (
            "api_key, signature: { window: 300 }, rate_limit",
            &[
                "chains.open[1].signature.window: found the number 300, expected a span of time with its \
             unit, such as 250ms, 300s, 15m, 1h (write `300s`)",
            ],
        ),
        (
            "api_key, signature: { window: 2h, schemes: [v2] }, rate_limit",
            &[
                "chains.open[1].signature.schemes[0]: found `v2`, expected one of `v1`, `body-timestamp` \
             (did you mean `v1`?)",
            ],
        ),
        (
            "api_key, signature: { window: 2h }, rate_limit",
            &[
                "chains.open[1].signature.window: the window is not 1 to 3600 whole seconds (the usual is 300s)",
            ],
        ),
    ];
    for (list, expected) in cases {
        // A filter with a configuration stands in braces in such a list.
        let list = list.replace(
            "api_key: { proof: key-only }",
            "{ api_key: { proof: key-only } }",
        );
        let found = list.find("signature: {").map(|at| {
            let end = at + list[at..].find('}').unwrap() + 1;
            format!("{}{{ {} }}{}", &list[..at], &list[at..end], &list[end..])
        });
        let list = found.unwrap_or(list);
        let found = with(&[("open: [hygiene]", &chain(&list)), proving])
            .err()
            .unwrap_or_default();
        assert_eq!(found, *expected, "{list}");
    }
    check(&[(
        &[("open: [hygiene]", "open: [api_key, signature]")],
        &[
            "routes[0].public: `public: true` beside the chain `open`, which proves callers (remove \
         `public`, or take another chain)",
        ],
    )]);
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
