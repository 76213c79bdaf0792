//! The routes: every name resolved, every route reachable, and none open by mistake.

use super::chains::Chain;
use super::judge::Judge;
use super::limits::{BODY_BYTES_MAX, HOSTS_MAX, ROUTER_ENTRIES_MAX, ROUTES_MAX, TIMEOUT_MAX};
use super::listeners::broken;
use super::pattern::Pattern;
use super::upstreams::Found;
use crate::config::{self, Path, Span, Spanned, hint};
use filters::env::Site;
use std::sync::Arc;
use std::time::Duration;

const ROOT: Path<'_> = Path::Root;

/// The methods that routes may have; `hygiene` lets no others through.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Bytes of a request's body where the file does not say.
const BODY_BYTES: u64 = 1 << 20;

/// Which request goes where.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name in the policy file.
    pub name: Arc<str>,
    /// The path.
    pub pattern: Pattern,
    /// The methods.
    pub methods: Vec<&'static str>,
    /// The hosts, in lower case; empty: any that is served.
    pub hosts: Vec<String>,
    /// The chain: an index into the policy's chains.
    pub chain: usize,
    /// The upstream: an index into the policy's upstreams.
    pub upstream: usize,
    /// For the whole exchange.
    pub timeout: Duration,
    /// Bytes of a request's body.
    pub body_max: u64,
    /// The API version that the path names.
    pub version: Option<Arc<str>>,
    /// Passes `Authorization` on.
    pub keep_authorization: bool,
    span: Span,
}

/// The routes of the file.
pub(super) fn routes(
    judge: &mut Judge<'_>,
    site: &Site,
    upstreams: &[Found],
    chains: &[Chain],
) -> Vec<Route> {
    let section = ROOT.field("routes");
    let raw = judge.raw;
    let written = &raw.file.routes;
    if written.is_empty() && !broken(judge, "routes") {
        let span = judge.raw.tree.span(judge.raw.tree.root());
        judge.wrong(span, &section, "no route", "at least one", "");
    }
    judge.count(written.span, &section, written.len(), ROUTES_MAX);
    if written.len() > ROUTES_MAX {
        // Each route is compared with every other: not for more of them than there may be.
        return Vec::new();
    }
    let mut routes: Vec<Route> = Vec::new();
    for (index, route) in written.iter().enumerate() {
        let path = section.element(index);
        if let Some(twin) = written[..index].iter().find(|twin| twin.name == route.name) {
            let found = format!("the name `{}` a second time", route.name);
            let hint = format!("it is also on {}", judge.line(twin.name.span));
            judge.wrong(
                route.name.span,
                &path.field("name"),
                found,
                "every name once",
                hint,
            );
        }
        routes.extend(one(judge, route, &path, (site, upstreams, chains)));
    }
    entries(judge, &routes);
    unreachable(judge, site, &routes);
    unused(judge, upstreams);
    routes
}

type Known<'a> = (&'a Site, &'a [Found], &'a [Chain]);

fn one(
    judge: &mut Judge<'_>,
    written: &Spanned<config::raw::Route>,
    path: &Path<'_>,
    (site, upstreams, chains): Known<'_>,
) -> Option<Route> {
    judge.name(&written.name, &path.field("name"));
    let pattern = pattern(judge, written, path, site);
    let methods = methods(judge, written, path);
    let hosts = hosts(judge, written, path, site);
    let names = chains.iter().map(|chain| &*chain.name);
    let chain = judge.refer("chains", &written.chain, &path.field("chain"), names);
    let names = upstreams.iter().map(|upstream| &*upstream.value.name);
    let upstream = judge.refer(
        "upstreams",
        &written.upstream,
        &path.field("upstream"),
        names,
    );
    if let Some(chain) = chain {
        openness(judge, written, path, &chains[chain]);
    }
    let total = upstream.map_or(Duration::ZERO, |index| upstreams[index].total_timeout);
    let timeout = judge.time(
        written.timeout.as_ref(),
        &path.field("timeout"),
        total,
        TIMEOUT_MAX,
    );
    let body_max = written.body_max.as_ref().map_or(BODY_BYTES, |size| size.0);
    if let Some(size) = written
        .body_max
        .as_ref()
        .filter(|_| body_max > BODY_BYTES_MAX)
    {
        let expected = format!("at most {BODY_BYTES_MAX}");
        judge.wrong(
            size.span,
            &path.field("body_max"),
            format!("{body_max} bytes"),
            expected,
            "",
        );
    }
    let pattern = pattern?;
    Some(Route {
        name: written.name.as_str().into(),
        version: pattern.version().map(Into::into),
        pattern,
        methods,
        hosts,
        chain: chain?,
        upstream: upstream?,
        timeout,
        body_max,
        keep_authorization: written.keep_authorization,
        span: written.path.span,
    })
}

fn pattern(
    judge: &mut Judge<'_>,
    written: &config::raw::Route,
    path: &Path<'_>,
    site: &Site,
) -> Option<Pattern> {
    let path = path.field("path");
    match Pattern::read(&written.path) {
        Ok(pattern) => {
            let version = pattern.version();
            let unknown = version.filter(|v| !site.versions.iter().any(|known| *known.name == **v));
            if let Some(version) = unknown.filter(|version| !names_version(judge, version)) {
                let found = format!("a path of the unknown API version `{version}`");
                let known = site.versions.iter().map(|version| &*version.name);
                let hint =
                    hint::list(known).map(|list| format!("the section `versions` has {list}"));
                let hint = hint.unwrap_or_default();
                judge.wrong(
                    written.path.span,
                    &path,
                    found,
                    "one that is accepted",
                    hint,
                );
            }
            Some(pattern)
        }
        Err(wrong) => {
            judge.wrong(written.path.span, &path, wrong.problem, "", wrong.hint);
            None
        }
    }
}

/// Whether the file has a version of this name, readable or not.
fn names_version(judge: &Judge<'_>, version: &str) -> bool {
    let tree = &judge.raw.tree;
    let accepted = tree
        .field(tree.root(), "versions")
        .and_then(|v| tree.field(v, "accepted"));
    accepted.is_some_and(|accepted| tree.field(accepted, version).is_some())
}

fn methods(
    judge: &mut Judge<'_>,
    written: &config::raw::Route,
    path: &Path<'_>,
) -> Vec<&'static str> {
    let path = path.field("methods");
    let list = &written.methods;
    if list.is_empty() {
        judge.wrong(list.span, &path, "no method", "at least one", "");
    }
    let mut methods: Vec<&'static str> = Vec::new();
    for (index, method) in list.iter().enumerate() {
        let path = path.element(index);
        match METHODS.into_iter().find(|known| *known == method.value) {
            Some(known) if methods.contains(&known) => {
                let found = format!("`{method}` a second time");
                judge.wrong(method.span, &path, found, "every method once", "");
            }
            Some(known) => methods.push(known),
            None => {
                let found = format!("the method `{method}`");
                let expected = hint::list(METHODS).unwrap_or_default();
                let near = hint::nearest(method, METHODS);
                let hint = near
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_default();
                judge.wrong(
                    method.span,
                    &path,
                    found,
                    format!("one of {expected}"),
                    hint,
                );
            }
        }
    }
    methods
}

fn hosts(
    judge: &mut Judge<'_>,
    written: &config::raw::Route,
    path: &Path<'_>,
    site: &Site,
) -> Vec<String> {
    let Some(list) = &written.hosts else {
        return Vec::new();
    };
    let path = path.field("hosts");
    if list.is_empty() {
        let hint = "leave the field out for every host that is served";
        judge.wrong(list.span, &path, "no host", "at least one", hint);
    }
    judge.count(list.span, &path, list.len(), HOSTS_MAX);
    for (index, host) in list.iter().enumerate() {
        // An empty list serves any host; it is also what a broken one looks like.
        if !site.hosts.is_empty() && !site.hosts.contains(&host.0) {
            let hint = hint::did_you_mean(host.as_str(), site.hosts.iter().map(String::as_str));
            let found = format!("the host `{host}`, which no listener serves");
            judge.wrong(
                host.span,
                &path.element(index),
                found,
                "one that is served",
                hint,
            );
        }
    }
    list.iter().map(|host| host.0.clone()).collect()
}

/// A route that lets anybody in says so; one that says so lets anybody in.
fn openness(
    judge: &mut Judge<'_>,
    written: &Spanned<config::raw::Route>,
    path: &Path<'_>,
    chain: &Chain,
) {
    if chain.broken {
        return;
    }
    match (chain.proves(), *written.public) {
        (false, false) => {
            let found = format!("a route whose chain `{}` proves no caller", chain.name);
            let hint = "add `signature` to the chain, or say `public: true` if anybody may use it";
            judge.wrong(written.chain.span, &path.field("chain"), found, "", hint);
        }
        (true, true) => {
            let found = format!(
                "`public: true` beside the chain `{}`, which proves callers",
                chain.name
            );
            let hint = "remove `public`, or take another chain";
            judge.wrong(written.public.span, &path.field("public"), found, "", hint);
        }
        _ => {}
    }
}

/// Every host with routes of its own has a table of its own.
fn entries(judge: &mut Judge<'_>, routes: &[Route]) {
    let mut hosts: Vec<&String> = routes.iter().flat_map(|route| &route.hosts).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.len() * routes.len() > ROUTER_ENTRIES_MAX {
        let found = format!("{} hosts in {} routes", hosts.len(), routes.len());
        let expected = format!("at most {ROUTER_ENTRIES_MAX} of both multiplied");
        let span = routes.first().map_or(Span::NOWHERE, |route| route.span);
        judge.wrong(span, &ROOT.field("routes"), found, expected, "");
    }
}

/// Routes that another one takes every request from.
fn unreachable(judge: &mut Judge<'_>, site: &Site, routes: &[Route]) {
    let section = ROOT.field("routes");
    for (index, route) in routes.iter().enumerate() {
        let twins: Vec<&Route> = routes
            .iter()
            .enumerate()
            .filter(|(other, twin)| *other != index && twin.pattern.is_like(&route.pattern))
            .map(|(_, twin)| twin)
            .collect();
        for &method in &route.methods {
            // Of two with equal claims the first would win: that is never what was meant.
            let claims = |twin: &&&Route| {
                twin.methods.contains(&method)
                    && twin.span.start < route.span.start
                    && match (twin.hosts.is_empty(), route.hosts.is_empty()) {
                        (true, true) => true,
                        (false, false) => twin.hosts.iter().any(|host| route.hosts.contains(host)),
                        _ => false,
                    }
            };
            if let Some(twin) = twins.iter().find(claims) {
                let found = format!(
                    "`{method} {}`, which is also of the route `{}`",
                    route.pattern, twin.name
                );
                let hint = format!("that route is on {}", judge.line(twin.span));
                judge.wrong(
                    route.span,
                    &section.element(place(judge, route, index)).field("path"),
                    found,
                    "",
                    hint,
                );
                break;
            }
            let taken = |host: &String| {
                twins
                    .iter()
                    .any(|t| t.methods.contains(&method) && t.hosts.contains(host))
            };
            if route.hosts.is_empty() && !site.hosts.is_empty() && site.hosts.iter().all(taken) {
                let found = format!(
                    "`{method} {}`, which other routes take on every host that is served",
                    route.pattern
                );
                judge.wrong(
                    route.span,
                    &section.element(place(judge, route, index)).field("path"),
                    found,
                    "",
                    "",
                );
                break;
            }
        }
    }
}

/// Where a route stands in the file: those that could not be read are counted too.
fn place(judge: &Judge<'_>, route: &Route, index: usize) -> usize {
    let written = &judge.raw.file.routes;
    written
        .iter()
        .position(|other| other.path.span == route.span)
        .unwrap_or(index)
}

fn unused(judge: &mut Judge<'_>, upstreams: &[Found]) {
    let section = ROOT.field("upstreams");
    let written = &judge.raw.file.routes;
    for upstream in upstreams {
        let name = &upstream.value.name;
        if !written.iter().any(|route| *route.upstream.value == **name) {
            let found = format!("the upstream `{name}`, which no route uses");
            judge.warn(upstream.span, &section.field(name), found, "");
        }
    }
}
