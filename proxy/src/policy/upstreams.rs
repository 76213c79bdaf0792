//! The services behind.

use super::judge::Judge;
use super::limits::{RETRIES_MAX, SERVERS_MAX, TIMEOUT_MAX, UPSTREAMS_MAX};
use super::values::{Balance, Listener, Protocol, Upstream};
use crate::config::raw::{self, UpstreamProtocol};
use crate::config::{Path, Span, Spanned};
use http::HeaderValue;
use std::net::SocketAddr;
use std::time::Duration;

const ROOT: Path<'_> = Path::Root;

const CONNECT: Duration = Duration::from_secs(1);
const READ: Duration = Duration::from_secs(30);
const WRITE: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const RETRIES: u32 = 1;

/// An upstream, with what routes need to know of it.
pub(super) struct Found {
    pub(super) value: Upstream,
    /// For the whole exchange, unless the route says otherwise.
    pub(super) total_timeout: Duration,
    /// Where its name stands.
    pub(super) span: Span,
}

/// The upstreams.
pub(super) fn upstreams(judge: &mut Judge<'_>, listeners: &[Listener]) -> Vec<Found> {
    let section = ROOT.field("upstreams");
    let raw = judge.raw;
    let written = &raw.file.upstreams;
    if let Some((name, _)) = written.0.get(UPSTREAMS_MAX) {
        judge.count(name.span, &section, written.0.len(), UPSTREAMS_MAX);
    }
    let mut upstreams = Vec::new();
    for (name, upstream) in written.iter() {
        let path = section.field(name);
        judge.name(name, &path);
        upstreams.push(one(judge, name, upstream, &path, listeners));
    }
    upstreams
}

fn one(
    judge: &mut Judge<'_>,
    name: &Spanned<String>,
    written: &raw::Upstream,
    path: &Path<'_>,
    listeners: &[Listener],
) -> Found {
    let servers = servers(judge, written, path, listeners);
    let host = host(judge, written, path, &servers);
    let mut time = |value: &Option<_>, name, default| {
        judge.time(value.as_ref(), &path.field(name), default, TIMEOUT_MAX)
    };
    let connect_timeout = time(&written.connect_timeout, "connect_timeout", CONNECT);
    let read_timeout = time(&written.read_timeout, "read_timeout", READ);
    let write_timeout = time(&written.write_timeout, "write_timeout", WRITE);
    let total_timeout = time(&written.total_timeout, "total_timeout", TOTAL);
    let keep_alive = time(&written.keep_alive, "keep_alive", KEEP_ALIVE);
    if let Some(total) = &written.total_timeout
        && total_timeout < connect_timeout
    {
        let hint = "the whole takes at least as long as its first part";
        let found = "a total timeout below the connect timeout";
        judge.wrong(total.span, &path.field("total_timeout"), found, "", hint);
    }
    let retries = judge.number(
        written.retries.as_ref(),
        &path.field("retries"),
        RETRIES,
        0..=RETRIES_MAX,
    );
    let value = Upstream {
        name: name.as_str().into(),
        servers,
        balance: match written.balance.as_ref().map(|balance| balance.value) {
            None | Some(raw::Balance::RoundRobin) => Balance::RoundRobin,
            Some(raw::Balance::LeastRequests) => Balance::LeastRequests,
        },
        protocol: match written.protocol.as_ref().map(|protocol| protocol.value) {
            None | Some(UpstreamProtocol::Http1) => Protocol::Http1,
            Some(UpstreamProtocol::H2c) => Protocol::H2c,
        },
        host,
        connect_timeout,
        read_timeout,
        write_timeout,
        keep_alive,
        retries: retries as usize,
    };
    Found {
        value,
        total_timeout,
        span: name.span,
    }
}

fn servers(
    judge: &mut Judge<'_>,
    written: &raw::Upstream,
    path: &Path<'_>,
    listeners: &[Listener],
) -> Vec<SocketAddr> {
    let path = path.field("servers");
    let list = &written.servers;
    if list.is_empty() {
        judge.wrong(list.span, &path, "no server", "at least one", "");
    }
    judge.count(list.span, &path, list.len(), SERVERS_MAX);
    let mut servers: Vec<SocketAddr> = Vec::new();
    for (index, server) in list.iter().enumerate() {
        let path = path.element(index);
        let address = server.0;
        if address.port() == 0 || address.ip().is_unspecified() {
            let found = format!("{address}, where nobody can be reached");
            judge.wrong(server.span, &path, found, "a server's address and port", "");
        } else if servers.contains(&address) {
            let found = format!("the server {address} a second time");
            judge.wrong(server.span, &path, found, "", "remove one of the two");
        } else if listeners
            .iter()
            .any(|listener| is_ours(listener.address, address))
        {
            let hint = "requests would go round in a circle";
            let found = format!("{address}, where this proxy listens");
            judge.wrong(server.span, &path, found, "a server behind it", hint);
        }
        servers.push(address);
    }
    servers
}

/// Whether an address leads back to a listener.
fn is_ours(listener: SocketAddr, server: SocketAddr) -> bool {
    listener.port() == server.port()
        && (listener.ip() == server.ip()
            || (listener.ip().is_unspecified() && server.ip().is_loopback()))
}

fn host(
    judge: &mut Judge<'_>,
    written: &raw::Upstream,
    path: &Path<'_>,
    servers: &[SocketAddr],
) -> HeaderValue {
    let first = servers.first().map(ToString::to_string);
    let text = written
        .host
        .as_ref()
        .map(|host| host.value.clone())
        .or(first)
        .unwrap_or_default();
    let good = filters::builtin::hygiene::read_host(text.as_bytes()).is_ok();
    if let Some(host) = written.host.as_ref().filter(|_| !good) {
        let expected = "a host, perhaps with a port, such as orders.internal:8080";
        judge.wrong(
            host.span,
            &path.field("host"),
            format!("`{host}`"),
            expected,
            "",
        );
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
