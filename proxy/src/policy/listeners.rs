//! Where clients connect, and which hosts are served there.

use super::judge::Judge;
use super::limits::{HOSTS_MAX, LISTENERS_MAX};
use super::values::{Listener, TlsFiles};
use crate::config::raw::{self, Protocol};
use crate::config::{Path, Spanned};

const ROOT: Path<'_> = Path::Root;

/// The listeners.
pub(super) fn listeners(judge: &mut Judge<'_>) -> Vec<Listener> {
    let section = ROOT.field("listeners");
    let written = &judge.raw.file.listeners;
    if written.is_empty() && !broken(judge, "listeners") {
        judge.wrong(
            written.span,
            &section,
            "no listener",
            "at least one",
            "add `- address: …`",
        );
    }
    judge.count(written.span, &section, written.len(), LISTENERS_MAX);
    let mut listeners: Vec<Listener> = Vec::new();
    for (index, listener) in written.iter().enumerate() {
        let path = section.element(index);
        let address = listener.address.0;
        if address.port() != 0 && listeners.iter().any(|other| other.address == address) {
            let found = format!("the address {address} a second time");
            judge.wrong(listener.address.span, &path.field("address"), found, "", "");
        }
        let (http1, http2) = protocols(judge, listener, &path);
        let tls = listener.tls.as_ref().map(|tls| TlsFiles {
            certificate: tls.certificate.0.clone(),
            key: tls.key.0.clone(),
        });
        listeners.push(Listener {
            address,
            http1,
            http2,
            tls,
        });
    }
    listeners
}

/// Every host that some listener serves; empty: any.
pub(super) fn hosts(judge: &mut Judge<'_>) -> Vec<String> {
    let section = ROOT.field("listeners");
    let written = &judge.raw.file.listeners;
    let mut hosts: Vec<String> = Vec::new();
    for (index, listener) in written.iter().enumerate() {
        let path = section.element(index);
        match (&listener.hosts, *listener.any_host) {
            (Some(_), true) => {
                let found = "`any_host` beside a list of hosts";
                let path = path.field("any_host");
                judge.wrong(
                    listener.any_host.span,
                    &path,
                    found,
                    "",
                    "remove one of the two",
                );
            }
            (None, false) if written_wrongly(judge, index) => {}
            (None, false) => {
                let found = "a listener that does not say which hosts it serves";
                let hint = "add `hosts: [api.example.com]`, or `any_host: true` for every host";
                judge.wrong(listener.span, &path, found, "", hint);
            }
            (Some(list), false) => {
                let path = path.field("hosts");
                if list.is_empty() {
                    judge.wrong(list.span, &path, "no host", "at least one", "");
                }
                judge.count(list.span, &path, list.len(), HOSTS_MAX);
                hosts.extend(list.iter().map(|host| host.0.clone()));
            }
            (None, true) => {}
        }
    }
    // Whom a request is for is judged alike wherever it came in.
    let open = written
        .iter()
        .enumerate()
        .find(|(_, listener)| *listener.any_host);
    if let Some((index, listener)) = open.filter(|_| !hosts.is_empty()) {
        let found = "a listener for every host beside one for some";
        let path = section.element(index);
        let hint = "give every listener its hosts: they are judged for all listeners together";
        judge.wrong(
            listener.any_host.span,
            &path.field("any_host"),
            found,
            "",
            hint,
        );
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

fn protocols(
    judge: &mut Judge<'_>,
    listener: &Spanned<raw::Listener>,
    path: &Path<'_>,
) -> (bool, bool) {
    let Some(list) = &listener.protocols else {
        return (true, true);
    };
    let path = path.field("protocols");
    if list.is_empty() {
        judge.wrong(
            list.span,
            &path,
            "no protocol",
            "at least one",
            "leave the field out for both",
        );
    }
    let (mut http1, mut http2) = (false, false);
    for (index, protocol) in list.iter().enumerate() {
        let path = path.element(index);
        match (protocol.value, listener.tls.is_some()) {
            (Protocol::Http1, _) => http1 = true,
            (Protocol::Http2, true) | (Protocol::H2c, false) => http2 = true,
            (Protocol::Http2, false) => {
                let hint = "write `h2c` for HTTP/2 without TLS, or add `tls`";
                judge.wrong(protocol.span, &path, "`http2` without TLS", "", hint);
            }
            (Protocol::H2c, true) => {
                let hint = "write `http2` for HTTP/2 over TLS";
                judge.wrong(protocol.span, &path, "`h2c` beside `tls`", "", hint);
            }
        }
    }
    (http1, http2)
}

/// Whether a section has entries, of which none could be read.
pub(super) fn broken(judge: &Judge<'_>, section: &str) -> bool {
    let tree = &judge.raw.tree;
    tree.field(tree.root(), section)
        .is_some_and(|section| tree.has_parts(section))
}

/// Whether a listener's hosts were written, and could not be read.
fn written_wrongly(judge: &Judge<'_>, index: usize) -> bool {
    let tree = &judge.raw.tree;
    let section = tree.field(tree.root(), "listeners");
    let listener = section.and_then(|section| tree.element(section, index));
    // Elements that could not be read shift the others: better silent than wrong.
    let shifted =
        section.is_some_and(|s| tree.element(s, judge.raw.file.listeners.len()).is_some());
    shifted
        || listener.is_some_and(|listener| {
            tree.field(listener, "hosts").is_some() || tree.field(listener, "any_host").is_some()
        })
}
