//! The router against tables, and against a slow and obvious matcher.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is an assertion")]

use super::*;
use proptest::prelude::*;

/// A route with all that it owns.
#[derive(Clone, Debug)]
struct Owned {
    pattern: Pattern,
    methods: Vec<&'static str>,
    hosts: Vec<String>,
    preflights: bool,
}

impl Owned {
    fn new(pattern: &str, methods: &[&'static str], hosts: &[&str]) -> Self {
        Self {
            pattern: Pattern::read(pattern).unwrap(),
            methods: methods.to_vec(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            preflights: false,
        }
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            pattern: &self.pattern,
            methods: &self.methods,
            hosts: &self.hosts,
            preflights: self.preflights,
        }
    }
}

fn router(routes: &[Owned]) -> Router {
    Router::new(&routes.iter().map(Owned::entry).collect::<Vec<_>>())
}

fn show(found: &Found) -> String {
    match found {
        Found::Route(index) => index.to_string(),
        Found::WrongMethod {
            allow,
            preflight: None,
        } => format!("405 {allow}"),
        Found::WrongMethod {
            allow,
            preflight: Some(route),
        } => format!("405 {allow} ({route})"),
        Found::Nothing => "404".to_owned(),
    }
}

#[test]
fn the_most_exact_path_wins_and_then_the_method() {
    let mut routes = vec![
        Owned::new("/", &["GET"], &[]),
        Owned::new("/orders", &["GET", "POST"], &[]),
        Owned::new("/orders/{id}", &["GET", "PATCH"], &[]),
        Owned::new("/orders/export", &["POST"], &[]),
        Owned::new("/orders/{id}/lines", &["GET"], &[]),
        Owned::new("/files/*", &["GET"], &[]),
        Owned::new("/files/{name}/meta", &["GET"], &[]),
        Owned::new("/dir/", &["GET"], &[]),
        Owned::new("/a/b/d", &["GET"], &[]),
        Owned::new("/a/{x}/c", &["GET"], &[]),
        Owned::new("/a/*", &["GET"], &[]),
        Owned::new("/orders/{order}", &["DELETE"], &[]),
    ];
    routes[1].preflights = true;
    let router = router(&routes);
    for (path, method, expected) in [
        ("/", "GET", "0"),
        ("/", "HEAD", "0"),
        ("/", "POST", "405 GET, HEAD"),
        ("/orders", "POST", "1"),
        ("/orders", "OPTIONS", "405 GET, HEAD, OPTIONS, POST (1)"),
        ("/orders", "PUT", "405 GET, HEAD, OPTIONS, POST"),
        ("/orders", "get", "405 GET, HEAD, OPTIONS, POST"),
        ("/orders/", "GET", "404"),
        ("/Orders", "GET", "404"),
        ("/orders/1", "GET", "2"),
        ("/orders/1", "DELETE", "11"),
        ("/orders/1", "OPTIONS", "405 DELETE, GET, HEAD, PATCH"),
        ("/orders/export", "POST", "3"),
        ("/orders/export", "GET", "405 POST"),
        ("/orders/1/lines", "GET", "4"),
        ("/orders//lines", "GET", "404"),
        ("/orders/1/lines/", "GET", "404"),
        ("/orders%2f1", "GET", "404"),
        ("/files", "GET", "404"),
        ("/files/", "GET", "5"),
        ("/files/a", "GET", "5"),
        ("/files/a/b/c", "GET", "5"),
        ("/files/a/meta", "GET", "6"),
        ("/files/a/meta/b", "GET", "5"),
        ("/dir", "GET", "404"),
        ("/dir/", "GET", "7"),
        ("/a/b/c", "GET", "9"),
        ("/a/b/d", "GET", "8"),
        ("/a/b/e", "GET", "10"),
        ("/a/b", "GET", "10"),
        ("/a", "GET", "404"),
        ("", "GET", "404"),
        ("*", "OPTIONS", "404"),
        ("orders", "GET", "404"),
        ("/\u{e9}", "GET", "404"),
    ] {
        assert_eq!(
            show(&router.find(b"h", path.as_bytes(), method)),
            expected,
            "{method} {path}"
        );
    }
}

#[test]
fn a_hosts_own_routes_go_first() {
    let routes = [
        Owned::new("/a", &["GET"], &[]),
        Owned::new("/a", &["GET", "POST"], &["one.example", "[::1]"]),
        Owned::new("/only", &["GET"], &["two.example"]),
        Owned::new("/*", &["GET"], &["two.example"]),
        Owned::new("/a", &["PUT"], &[]),
    ];
    let router = router(&routes);
    let long = "x".repeat(HOST_BYTES_MAX + 1);
    for (host, path, method, expected) in [
        ("other.example", "/a", "GET", "0"),
        ("", "/a", "GET", "0"),
        (&long, "/a", "GET", "0"),
        ("one.example", "/a", "GET", "1"),
        ("ONE.Example", "/a", "POST", "1"),
        ("one.example", "/a", "PUT", "4"),
        ("one.example", "/a", "DELETE", "405 GET, HEAD, POST, PUT"),
        ("[::1]", "/a", "GET", "1"),
        ("two.example", "/only", "GET", "2"),
        ("two.example", "/a", "GET", "0"),
        ("two.example", "/b", "GET", "3"),
        ("one.example", "/only", "GET", "404"),
        ("one.example.", "/a", "POST", "405 GET, HEAD, PUT"),
    ] {
        let found = router.find(host.as_bytes(), path.as_bytes(), method);
        assert_eq!(show(&found), expected, "{method} {host}{path}");
    }
}

#[test]
fn a_path_beyond_the_deepest_pattern_costs_nothing_and_meets_tails_only() {
    let deepest = "/a".repeat(PATTERN_SEGMENTS_MAX);
    let routes = [
        Owned::new(&deepest, &["GET"], &[]),
        Owned::new("/*", &["GET"], &[]),
    ];
    let router = router(&routes);
    for (segments, expected) in [
        (PATTERN_SEGMENTS_MAX - 1, "1"),
        (PATTERN_SEGMENTS_MAX, "0"),
        (PATTERN_SEGMENTS_MAX + 1, "1"),
        (100_000, "1"),
    ] {
        let path = "/a".repeat(segments);
        assert_eq!(
            show(&router.find(b"", path.as_bytes(), "GET")),
            expected,
            "{segments}"
        );
    }
}

/// How exactly a pattern meets a path: a rank for each segment, smaller is more exact.
fn rank(pattern: &Pattern, path: &str) -> Option<Vec<u8>> {
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let segments = pattern.segments();
    let mut ranks = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        match (segment, parts.get(index)?) {
            (Segment::Tail, _) => {
                ranks.push(2);
                return Some(ranks);
            }
            (Segment::Literal(text), part) if text == part => ranks.push(0),
            (Segment::Capture(_), part) if !part.is_empty() => ranks.push(1),
            _ => return None,
        }
    }
    (parts.len() == segments.len()).then_some(ranks)
}

/// Looks at every route: slow, and plain to see.
fn slowly(routes: &[Owned], host: &str, path: &str, method: &str) -> Found {
    let here = |route: &Owned| {
        route.hosts.is_empty() || route.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    };
    let ranked = routes.iter().enumerate().filter(|(_, route)| here(route));
    let ranked: Vec<_> = ranked
        .filter_map(|(i, route)| Some((rank(&route.pattern, path)?, i, route)))
        .collect();
    let Some(best) = ranked.iter().map(|(rank, ..)| rank).min() else {
        return Found::Nothing;
    };
    let mut exact: Vec<_> = ranked.iter().filter(|(rank, ..)| rank == best).collect();
    exact.sort_by_key(|(_, index, route)| (route.hosts.is_empty(), *index));
    let allows = |wanted: &str| {
        exact
            .iter()
            .find(|(_, _, route)| route.methods.contains(&wanted))
            .map(|(_, i, _)| *i)
    };
    let get = allows("GET");
    if let Some(route) = allows(method).or(get.filter(|_| method == "HEAD")) {
        return Found::Route(route);
    }
    let preflight = exact
        .iter()
        .find(|(_, _, route)| route.preflights)
        .map(|(_, i, _)| *i);
    let all = ["DELETE", "GET", "HEAD", "OPTIONS", "POST"];
    let allowed = all.into_iter().filter(|method| match *method {
        "HEAD" => allows("HEAD").or(get).is_some(),
        "OPTIONS" => allows("OPTIONS").or(preflight).is_some(),
        method => allows(method).is_some(),
    });
    Found::WrongMethod {
        allow: allowed.collect::<Vec<_>>().join(", ").into(),
        preflight: preflight.filter(|_| method == "OPTIONS"),
    }
}

fn any_route() -> impl Strategy<Value = Owned> {
    let segment = prop_oneof![Just("a"), Just("b"), Just("{x}"), Just("{y}")];
    let end = prop_oneof![4 => Just(""), 1 => Just("/"), 2 => Just("/*")];
    let methods =
        proptest::sample::subsequence(vec!["GET", "HEAD", "POST", "OPTIONS", "DELETE"], 1..3);
    let hosts = proptest::sample::subsequence(vec!["one", "two"], 0..=2);
    (
        proptest::collection::vec(segment, 0..4),
        end,
        methods,
        hosts,
        any::<bool>(),
    )
        .prop_filter_map(
            "a pattern",
            |(segments, end, methods, hosts, preflights)| {
                let path: String = segments
                    .iter()
                    .map(|segment| format!("/{segment}"))
                    .collect();
                let pattern = Pattern::read(&format!("{path}{end}")).ok()?;
                let hosts = hosts.into_iter().map(ToOwned::to_owned).collect();
                Some(Owned {
                    pattern,
                    methods,
                    hosts,
                    preflights,
                })
            },
        )
}

proptest! {
    /// Whatever the routes and the request, the router finds what a look at every route finds.
    #[test]
    fn the_router_agrees_with_the_obvious_matcher(
        routes in proptest::collection::vec(any_route(), 0..12),
        host in prop_oneof![Just("one"), Just("TWO"), Just("three")],
        path in "(/(a|b|c|A|)){0,5}",
        method in prop_oneof![Just("GET"), Just("HEAD"), Just("POST"), Just("OPTIONS"), Just("PUT")],
    ) {
        let found = router(&routes).find(host.as_bytes(), path.as_bytes(), method);
        prop_assert_eq!(found, slowly(&routes, host, &path, method));
    }
}
