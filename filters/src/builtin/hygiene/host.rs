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

// === impl HostPort ===

impl HostPort<'_> {
    /// Whether both name the same host and port, without regard to case.
    #[must_use]
    pub fn is_same(&self, other: &HostPort<'_>) -> bool {
        self.port == other.port && self.host.eq_ignore_ascii_case(other.host)
    }
}

/// Reads a host and port.
///
/// # Errors
/// [`InvalidHost`].
#[inline]
pub fn read_host(value: &[u8]) -> Result<HostPort<'_>, InvalidHost> {
    if value.len() > HOST_LENGTH_MAX {
        return Err(InvalidHost);
    }
    let end = match value {
        [b'[', ..] => address_length(value)?,
        _ => name_length(value)?,
    };
    let (host, rest) = value.split_at(end);
    let port = match rest {
        [] => None,
        [b':', digits @ ..] => Some(read_port(digits).ok_or(InvalidHost)?),
        _ => return Err(InvalidHost),
    };
    Ok(HostPort { host, port })
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

/// The length of an address in brackets. Rust's reader takes no zone, so `%25eth0` is refused.
fn address_length(value: &[u8]) -> Result<usize, InvalidHost> {
    let end = value.iter().position(|&byte| byte == b']');
    let end = end.ok_or(InvalidHost)?;
    let text = std::str::from_utf8(&value[1..end]).map_err(|_| InvalidHost)?;
    match text.parse::<Ipv6Addr>() {
        Ok(_) => Ok(end + 1),
        Err(_) => Err(InvalidHost),
    }
}

/// What a byte is to a host.
#[derive(Clone, Copy)]
enum Class {
    Letter,
    Digit,
    Dot,
    Colon,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => Class::Digit,
            // Underscores are no part of host names, and common in container networks.
            b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => Class::Letter,
            b'.' => Class::Dot,
            b':' => Class::Colon,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// The length of a name or an IPv4 address: to the colon, or to the end.
#[inline]
fn name_length(value: &[u8]) -> Result<usize, InvalidHost> {
    let mut label = 0;
    let mut only_digits = true;
    let mut end = value.len();
    for (at, &byte) in value.iter().enumerate() {
        match CLASSES[usize::from(byte)] {
            Class::Letter => only_digits = false,
            Class::Digit => {}
            Class::Dot if is_label(&value[label..at]) => {
                label = at + 1;
                only_digits = true;
            }
            Class::Colon => {
                end = at;
                break;
            }
            Class::Dot | Class::Other => return Err(InvalidHost),
        }
    }
    let last = &value[label..end];
    if !is_label(last) {
        return Err(InvalidHost);
    }
    // `127.1` and `0x7f.0.0.1` are addresses to some and names to others (WHATWG URL, "ends in a
    // number").
    let is_number = only_digits || matches!(last, [b'0', b'x' | b'X', ..]);
    if is_number && !is_ipv4(&value[..end]) {
        return Err(InvalidHost);
    }
    Ok(end)
}

/// Whether a label, whose bytes are good each, has a good length and ends.
#[inline]
fn is_label(label: &[u8]) -> bool {
    label.len() <= 63 && !matches!(label, [] | [b'-', ..] | [.., b'-'])
}

fn is_ipv4(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok())
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
            let expected = expected.map(|(host, port): (&str, _)| HostPort {
                host: host.as_bytes(),
                port,
            });
            assert_eq!(read_host(value.as_bytes()).ok(), expected, "{value:?}");
        }
        assert!(read_host(b"\xff").is_err());
        assert!(read_host(b"a\0").is_err());
    }

    #[test]
    fn hosts_are_compared_without_regard_to_case() {
        let host = |text: &'static str| read_host(text.as_bytes()).unwrap();
        assert!(host("A.Example:80").is_same(&host("a.eXAMPLE:80")));
        assert!(!host("a.example").is_same(&host("a.example:80")));
        assert!(!host("a.example").is_same(&host("b.example")));
    }
}
