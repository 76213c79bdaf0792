//! `Host` and `:authority`: a name or an address, and perhaps a port (RFC 9110, section 7.2).
//!
//! Stricter than the grammar: no userinfo, no escapes, no empty port, no dot at the end, and what
//! looks like an IPv4 address must be one, so that a name has one spelling but for its case.

use crate::limits::HOST_LENGTH_MAX;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The two parts of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPort<'a> {
    /// The name or the address, as it was spelled, an IPv6 address with its brackets.
    pub host: &'a [u8],
    /// The port, if one was named.
    pub port: Option<u16>,
}

/// A value that is no host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHost;

/// Reads a host and port.
///
/// # Errors
/// [`InvalidHost`].
pub fn read_host(value: &[u8]) -> Result<HostPort<'_>, InvalidHost> {
    if value.len() > HOST_LENGTH_MAX {
        return Err(InvalidHost);
    }
    let end = match value.first() {
        Some(b'[') => {
            1 + value
                .iter()
                .position(|&byte| byte == b']')
                .ok_or(InvalidHost)?
        }
        _ => value
            .iter()
            .position(|&byte| byte == b':')
            .unwrap_or(value.len()),
    };
    let (host, rest) = value.split_at(end);
    let port = match rest {
        [] => None,
        [b':', digits @ ..] => Some(read_port(digits).ok_or(InvalidHost)?),
        _ => return Err(InvalidHost),
    };
    let good = match host {
        [b'[', inner @ .., b']'] => is_ipv6(inner),
        name => is_name_or_ipv4(name),
    };
    if good {
        Ok(HostPort { host, port })
    } else {
        Err(InvalidHost)
    }
}

/// Whether a request for `host` may come over a connection that was opened for `server_name`: only for
/// the same host, whatever its case (RFC 9110, section 7.4). A client that did not name one, or spoke
/// without TLS, is judged by its `Host` alone.
pub(super) fn is_of_connection(host: &HostPort<'_>, server_name: Option<&str>) -> bool {
    server_name.is_none_or(|name| host.host.eq_ignore_ascii_case(name.as_bytes()))
}

fn read_port(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let port = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (port != 0).then_some(port)
}

fn is_ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn is_name_or_ipv4(name: &[u8]) -> bool {
    let mut last = &[][..];
    for label in name.split(|&byte| byte == b'.') {
        // Underscores are no part of host names, and common in container networks.
        let good = (1..=63).contains(&label.len())
            && label
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && label[0] != b'-'
            && label[label.len() - 1] != b'-';
        if !good {
            return false;
        }
        last = label;
    }
    // `127.1` and `0x7f.0.0.1` are addresses to some and names to others (WHATWG URL, "ends in a
    // number").
    let number = last.iter().all(u8::is_ascii_digit) || last.starts_with(b"0x");
    !number || std::str::from_utf8(name).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        let label = "a".repeat(63);
        let long_label = "a".repeat(64);
        for (value, expected) in [
            ("api.example", Some(("api.example", None))),
            ("API.Example:8443", Some(("API.Example", Some(8443)))),
            ("localhost", Some(("localhost", None))),
            ("my_service:80", Some(("my_service", Some(80)))),
            ("192.0.2.1:65535", Some(("192.0.2.1", Some(65_535)))),
            ("[2001:db8::1]", Some(("[2001:db8::1]", None))),
            ("[::1]:1", Some(("[::1]", Some(1)))),
            (&label, Some((&label, None))),
            (&long_label, None),
            ("", None),
            (".", None),
            ("api.example.", None),
            (".api.example", None),
            ("api..example", None),
            ("-api.example", None),
            ("api-.example", None),
            ("api.example:", None),
            ("api.example:0", None),
            ("api.example:65536", None),
            ("api.example:080800", None),
            ("api.example:+80", None),
            ("api.example:80:80", None),
            ("api.example, other", None),
            ("api.example/path", None),
            ("api.example?x", None),
            ("user@api.example", None),
            ("api%2eexample", None),
            ("api example", None),
            ("ap\u{ef}.example", None),
            ("api.example\0", None),
            ("127.1", None),
            ("0x7f.0.0.1", None),
            ("0x7f000001", None),
            ("192.0.2.256", None),
            ("2001:db8::1", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]x", None),
            ("[::g]", None),
            ("[fe80::1%25eth0]", None),
            ("[]", None),
        ] {
            let expected = expected.map(|(host, port): (&str, _)| HostPort {
                host: host.as_bytes(),
                port,
            });
            assert_eq!(read_host(value.as_bytes()).ok(), expected, "{value:?}");
        }
    }
}
