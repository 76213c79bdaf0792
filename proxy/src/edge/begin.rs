//! How an exchange begins, in every lane: who, when, by which id, and the host that decides the route.

use super::message::Connection;
use super::wiring::Wiring;
use filters::clock::Now;
use filters::exchange::{Exchange, RequestId, Scheme};
use filters::forwarded::client_of;
use filters::head::Head;
use filters::names;
use http::header::HOST;
use std::sync::atomic::Ordering::Relaxed;

/// The exchange at its begin: when, who, and by which id.
#[inline]
pub(crate) fn begin(
    head: &Head<'_>,
    connection: &Connection,
    wiring: &Wiring,
    now: Now,
) -> Exchange {
    let id = head
        .single(&names::REQUEST_ID)
        .ok()
        .flatten()
        .and_then(RequestId::from_client)
        .unwrap_or_else(|| RequestId::fresh(now.unix_ms));
    let mut x = Exchange::new(now, connection.peer, connection.scheme, id);
    x.server_name.clone_from(&connection.server_name);
    let trusted = &wiring.plan.trusted_proxies;
    (x.client, x.peer_trusted) = client_of(connection.peer.ip(), trusted, head.fields);
    if x.peer_trusted && head.first(&names::FORWARDED_PROTO) == Some(b"https") {
        x.scheme = Scheme::Https;
    }
    let head_ns = connection.head_ns.load(Relaxed);
    if head_ns != 0 {
        x.started.monotonic_ns = head_ns;
    }
    x
}

/// The host that a request is routed by, without its port. Whether it is well-formed and one of ours
/// is hygiene's to judge.
pub(crate) fn host_of<'a>(head: &Head<'a>) -> &'a [u8] {
    let host = head
        .authority
        .or_else(|| head.first(&HOST))
        .unwrap_or_default();
    if host.first() == Some(&b'[') {
        let end = host
            .iter()
            .position(|&byte| byte == b']')
            .map_or(host.len(), |at| at + 1);
        return &host[..end];
    }
    host.split(|&byte| byte == b':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use filters::head::Version;

    #[test]
    fn requests_are_routed_by_host_without_port() {
        for (host, expected) in [
            ("example.com", "example.com"),
            ("example.com:8080", "example.com"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            let lines: &[(&[u8], &[u8])] = &[(b"Host", host.as_bytes())];
            let head = Head {
                method: "GET",
                target: b"/",
                authority: None,
                version: Version::Http11,
                fields: &lines,
            };
            assert_eq!(host_of(&head), expected.as_bytes(), "{host}");
        }
    }
}
