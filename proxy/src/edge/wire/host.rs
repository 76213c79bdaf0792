//! `Host` and the authority of a target: a name or an address, and perhaps a port (RFC 9110, 7.2).
//!
//! Stricter than the grammar, so that a host has one spelling but for its case: no userinfo, no
//! escapes, no empty port, no dot at the end, and what looks like an IPv4 address must be one.

use super::limits::HOST_BYTES_MAX;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'b> {
    /// The name or address as it was spelled, an IPv6 address with its brackets.
    pub name: &'b str,
    /// The port, if one was named.
    pub port: Option<u16>,
}

// === impl Host ===

impl Host<'_> {
    /// Whether both name the same host and port, without regard to case. A missing port is not the
    /// scheme's default: no client spells the two differently.
    #[must_use]
    pub fn is_same(&self, other: &Host<'_>) -> bool {
        self.port == other.port && self.name.eq_ignore_ascii_case(other.name)
    }
}

/// Reads a host and port; `None` when it is neither.
#[must_use]
pub fn parse_host(value: &[u8]) -> Option<Host<'_>> {
    if value.len() > HOST_BYTES_MAX || !value.is_ascii() {
        return None;
    }
    let end = match value.first()? {
        b'[' => value.iter().position(|&byte| byte == b']')? + 1,
        _ => value
            .iter()
            .position(|&byte| byte == b':')
            .unwrap_or(value.len()),
    };
    let value = std::str::from_utf8(value).ok()?;
    let (name, rest) = value.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some(digits) => Some(parse_port(digits)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let good = match name.strip_prefix('[') {
        // Rust's reader takes no zone, so `%25eth0` is refused.
        Some(inner) => inner.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => is_name_or_ipv4(name),
    };
    good.then_some(Host { name, port })
}

fn parse_port(digits: &str) -> Option<u16> {
    if digits.len() > 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&port| port != 0)
}

fn is_name_or_ipv4(name: &str) -> bool {
    let mut last = 0;
    let bytes = name.as_bytes();
    // Bytes rather than `split`, which searches each label as if it were a text.
    for at in 0..=bytes.len() {
        match bytes.get(at) {
            None | Some(b'.') => {
                if !is_label(&bytes[last..at]) {
                    return false;
                }
                if at < bytes.len() {
                    last = at + 1;
                }
            }
            Some(_) => {}
        }
    }
    let last = &bytes[last..];
    // `127.1` and `0x7f.1` are addresses to some and names to others (WHATWG URL, "ends in a number").
    let ends_in_a_number =
        last.iter().all(u8::is_ascii_digit) || last.starts_with(b"0x") || last.starts_with(b"0X");
    !ends_in_a_number || name.parse::<Ipv4Addr>().is_ok()
}

/// Whether this may stand between two dots. Underscores are no part of host names, and common in
/// container networks.
fn is_label(label: &[u8]) -> bool {
    label.len() <= 63
        && label
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !matches!(label, [] | [b'-', ..] | [.., b'-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        let label = "a".repeat(63);
        let long_label = "a".repeat(64);
        let longest = format!(
            "{}:65535",
            vec!["abcdefghijk"; 22].join(".")[..254].trim_end_matches('.')
        );
        let too_long = format!("{}.a:65535", vec!["abcdefghijk"; 22].join("."));
        for (value, expected) in [
            ("api.example", Some(("api.example", None))),
            ("API.Example:8443", Some(("API.Example", Some(8443)))),
            ("localhost", Some(("localhost", None))),
            ("my_service:80", Some(("my_service", Some(80)))),
            ("a.1a", Some(("a.1a", None))),
            ("192.0.2.1:65535", Some(("192.0.2.1", Some(65_535)))),
            ("[2001:db8::1]", Some(("[2001:db8::1]", None))),
            ("[::1]:1", Some(("[::1]", Some(1)))),
            ("[::ffff:192.0.2.1]", Some(("[::ffff:192.0.2.1]", None))),
            (&label, Some((&label, None))),
            (
                &longest,
                Some((&longest[..longest.len() - 6], Some(65_535))),
            ),
            (&too_long, None),
            (&long_label, None),
            ("", None),
            (".", None),
            ("api.example.", None),
            (".api.example", None),
            ("api..example", None),
            ("-api.example", None),
            ("api-.example", None),
            ("api.example:", None),
            (":80", None),
            ("api.example:0", None),
            ("api.example:65536", None),
            ("api.example:000080", None),
            ("api.example:+80", None),
            ("api.example:80:80", None),
            ("a, b", None),
            ("a,b", None),
            ("a/path", None),
            ("a?x", None),
            ("user@a", None),
            ("a%2eb", None),
            ("a b", None),
            ("ap\u{ef}.example", None),
            ("127.1", None),
            ("0x7f.0.0.1", None),
            ("0X7F000001", None),
            ("192.0.2.256", None),
            ("192.0.02.1", None),
            ("2001:db8::1", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]x", None),
            ("[::1]:", None),
            ("[::g]", None),
            ("[fe80::1%25eth0]", None),
            ("[v1.a]", None),
            ("[]", None),
            ("]", None),
        ] {
            let expected = expected.map(|(name, port)| Host { name, port });
            assert_eq!(parse_host(value.as_bytes()), expected, "{value:?}");
        }
        assert_eq!(parse_host(b"\xff"), None);
        assert_eq!(parse_host(b"a\0"), None);
    }

    #[test]
    fn hosts_are_compared_without_regard_to_case() {
        let host = |text: &'static str| parse_host(text.as_bytes()).unwrap();
        assert!(host("A.Example:80").is_same(&host("a.eXAMPLE:80")));
        assert!(!host("a.example").is_same(&host("a.example:80")));
        assert!(!host("a.example").is_same(&host("b.example")));
    }
}
