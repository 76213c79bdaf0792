//! Who the client is when proxies of ours stand before us: `X-Forwarded-For` of trusted peers.
//!
//! The field is read from its right end, because only the right end was written by someone we trust:
//! each trusted proxy appended the address that it saw. The rightmost address that is not itself a
//! trusted proxy is the client. An entry that cannot be read ends the walk: whatever stands left of
//! it may be invented. From a peer that is not trusted the field means nothing.
//!
//! This module reads. What is written towards the upstream is `builtin::hygiene`'s.

use crate::address::canonical;
use crate::digits::Spelled;
use crate::edits::Value;
use crate::head::Fields;
use crate::limits::FORWARDED_HOPS_MAX;
use crate::names::FORWARDED_FOR;
use crate::units::Network;
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};

/// The client's address, and whether the peer is a trusted proxy. Both addresses in canonical form:
/// never IPv4-mapped.
#[must_use]
pub fn client_of(peer: IpAddr, trusted: &[Network], fields: &dyn Fields) -> (IpAddr, bool) {
    let peer = canonical(peer);
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return (peer, false);
    }
    let mut client = peer;
    walk(fields, |hop| {
        client = hop;
        is_trusted(hop)
    });
    (client, true)
}

/// The chain of addresses from `client` to `peer`, as `X-Forwarded-For` says it: what stands left of
/// the client, who could have invented it, is left out.
///
/// `client` is what [`client_of`] found for this peer and these fields.
#[must_use]
pub fn chain_of(client: IpAddr, peer: IpAddr, fields: &dyn Fields) -> Value {
    let peer = canonical(peer);
    let mut text: SmallVec<[u8; 64]> = SmallVec::new();
    let mut put = |address: IpAddr| {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        text.extend_from_slice(Spelled::address(address).as_bytes());
    };
    if client != peer {
        let mut hops = [client; FORWARDED_HOPS_MAX];
        let mut count = 0;
        walk(fields, |hop| {
            if hop == client {
                return false;
            }
            hops[count] = hop;
            count += 1;
            true
        });
        put(client);
        for hop in hops[..count].iter().rev() {
            put(*hop);
        }
    }
    put(peer);
    Value::from_bytes(&text).expect("addresses and commas are a value")
}

/// Shows the addresses from right to left, until `go_on` says no, one cannot be read, or there were
/// [`FORWARDED_HOPS_MAX`].
fn walk(fields: &dyn Fields, mut go_on: impl FnMut(IpAddr) -> bool) {
    let mut lines = 0;
    while fields.nth(&FORWARDED_FOR, lines).is_some() {
        lines += 1;
    }
    let mut hops = 0;
    for line in (0..lines).rev() {
        let Some(value) = fields.nth(&FORWARDED_FOR, line) else {
            return;
        };
        for entry in value.rsplit(|&byte| byte == b',') {
            hops += 1;
            if hops > FORWARDED_HOPS_MAX {
                return;
            }
            let Some(address) = read_entry(entry) else {
                return;
            };
            if !go_on(address) {
                return;
            }
        }
    }
}

/// One entry: an address, in brackets or not, with a port or not, as proxies write them.
fn read_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(socket) = text.parse::<SocketAddr>() {
        socket.ip()
    } else {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        IpAddr::V6(inner.parse().ok()?)
    };
    Some(canonical(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FieldList;

    fn lines(values: &[&str]) -> FieldList {
        let mut list = FieldList::default();
        for value in values {
            list.push(b"X-Forwarded-For", value.as_bytes());
        }
        list
    }

    #[test]
    fn the_rightmost_untrusted_address_counts_and_only_from_trusted_peers() {
        let trusted: Vec<Network> = ["10.0.0.0/8", "2001:db8:aaaa::/48"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let deep = vec!["10.0.0.9"; FORWARDED_HOPS_MAX].join(",");
        let too_deep = format!("198.51.100.7,{deep}");
        let just_deep = format!("198.51.100.7,{}", &deep["10.0.0.9,".len()..]);
        for (peer, values, client, peer_trusted, chain) in [
            // Nobody between: the peer, whatever the field says.
            ("203.0.113.5", &[][..], "203.0.113.5", false, "203.0.113.5"),
            (
                "203.0.113.5",
                &["127.0.0.1"],
                "203.0.113.5",
                false,
                "203.0.113.5",
            ),
            (
                "::ffff:203.0.113.5",
                &["10.0.0.1"],
                "203.0.113.5",
                false,
                "203.0.113.5",
            ),
            // A trusted peer.
            ("10.0.0.1", &[], "10.0.0.1", true, "10.0.0.1"),
            (
                "::ffff:10.0.0.1",
                &["198.51.100.7"],
                "198.51.100.7",
                true,
                "198.51.100.7, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["127.0.0.1, 198.51.100.7"],
                "198.51.100.7",
                true,
                "198.51.100.7, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["198.51.100.7, 10.0.0.2"],
                "198.51.100.7",
                true,
                "198.51.100.7, 10.0.0.2, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["192.0.2.1", "198.51.100.7,\t10.0.0.2 ", "10.0.0.3"],
                "198.51.100.7",
                true,
                "198.51.100.7, 10.0.0.2, 10.0.0.3, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["::ffff:198.51.100.7"],
                "198.51.100.7",
                true,
                "198.51.100.7, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["198.51.100.7:4711"],
                "198.51.100.7",
                true,
                "198.51.100.7, 10.0.0.1",
            ),
            (
                "2001:db8:aaaa::1",
                &["[2001:db8::7]:4711"],
                "2001:db8::7",
                true,
                "2001:db8::7, 2001:db8:aaaa::1",
            ),
            (
                "10.0.0.1",
                &["[2001:db8::7]"],
                "2001:db8::7",
                true,
                "2001:db8::7, 10.0.0.1",
            ),
            // Everybody is trusted: the leftmost.
            (
                "10.0.0.1",
                &["10.0.0.3, 10.0.0.2"],
                "10.0.0.3",
                true,
                "10.0.0.3, 10.0.0.2, 10.0.0.1",
            ),
            // What cannot be read ends the walk, and what is left of it counts for nothing.
            (
                "10.0.0.1",
                &["198.51.100.7, unknown"],
                "10.0.0.1",
                true,
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["198.51.100.7, rubbish, 10.0.0.2"],
                "10.0.0.2",
                true,
                "10.0.0.2, 10.0.0.1",
            ),
            ("10.0.0.1", &["198.51.100.7,"], "10.0.0.1", true, "10.0.0.1"),
            ("10.0.0.1", &["0x7f.1"], "10.0.0.1", true, "10.0.0.1"),
            ("10.0.0.1", &["010.0.0.1"], "10.0.0.1", true, "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1", true, "10.0.0.1"),
        ] {
            let peer: IpAddr = peer.parse().unwrap();
            let fields = lines(values);
            let found = client_of(peer, &trusted, &fields);
            assert_eq!(
                found,
                (client.parse().unwrap(), peer_trusted),
                "{peer} {values:?}"
            );
            let said = chain_of(found.0, peer, &fields);
            if peer_trusted {
                assert_eq!(said.as_bytes(), chain.as_bytes(), "{peer} {values:?}");
            }
        }
        let peer = "10.0.0.1".parse().unwrap();
        let found = |text: &str| client_of(peer, &trusted, &lines(&[text])).0.to_string();
        assert_eq!(found(&just_deep), "198.51.100.7");
        assert_eq!(found(&too_deep), "10.0.0.9");
    }
}
