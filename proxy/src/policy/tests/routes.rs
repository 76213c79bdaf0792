//! Upstreams, routes, and the order of filters.

use super::*;

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
