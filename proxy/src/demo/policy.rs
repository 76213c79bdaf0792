//! The demo's policy: `conf/demo.yaml`, with the addresses of this run.

use std::net::SocketAddr;

const TEXT: &str = include_str!("../../../conf/demo.yaml");
const LISTENER: &str = "\"127.0.0.1:8080\"";
const UPSTREAM: &str = "\"127.0.0.1:9000\"";

/// What messages call it.
pub(super) const NAME: &str = "conf/demo.yaml";

/// The policy's text. An address's own form holds nothing that could end a quoted text of YAML.
pub(super) fn text(listener: SocketAddr, upstream: SocketAddr) -> String {
    // Cut at the one place, then filled: an address put in is never taken for the other's place.
    let (before, after) = TEXT.split_once(UPSTREAM).expect("a test counts the places");
    let before = before.replace(LISTENER, &format!("\"{listener}\""));
    format!("{before}\"{upstream}\"{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;

    #[test]
    fn the_policy_is_good_as_it_stands_and_with_other_addresses() {
        assert_eq!(TEXT.matches(LISTENER).count(), 1);
        assert_eq!(TEXT.matches(UPSTREAM).count(), 1);
        assert!(policy::load(NAME, TEXT).is_ok());
        for (listener, upstream) in [
            ("0.0.0.0:1", "127.0.0.1:65535"),
            ("[::1]:8080", "[::1]:9000"),
            // One is where the other was.
            ("127.0.0.1:9000", "127.0.0.1:8080"),
        ] {
            let (listener, upstream) = (listener.parse().unwrap(), upstream.parse().unwrap());
            let loaded = policy::load(NAME, &text(listener, upstream));
            let policy = loaded.unwrap_or_else(|report| panic!("{report}")).policy;
            assert_eq!(policy.listeners[0].address, listener);
            assert_eq!(policy.upstreams[0].servers, [upstream]);
        }
    }
}
