//! `ip_allow`: lets requests in by the client's address.
//!
//! ```yaml
//! - ip_allow:
//!     allow: [10.0.0.0/8, 192.0.2.7, "2001:db8::/32"]   # empty: any
//!     deny: [10.6.6.0/24]                               # wins over allow
//! ```
//!
//! The address is the client's: the TCP peer's or, when that is a trusted proxy, the rightmost address
//! of `X-Forwarded-For` that no trusted proxy has. IPv4-mapped IPv6 is IPv4.
//!
//! **Replies.** 403 `address_not_allowed`. The reply does not say which address it saw.
//!
//! **Dangers.** `0.0.0.0/0` holds every IPv4 address and no IPv6 address. Addresses are no proof of
//! who calls; the keys' own lists are judged by `api_key`.

use crate::env::Env;
use crate::exchange::{Client, Exchange};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::limits::NETWORKS_MAX;
use crate::reply::{Reason, Reply};
use crate::units::Network;
use serde::Deserialize;
use std::net::IpAddr;

/// The configuration of `ip_allow`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who may come in; empty: anybody who is not denied.
    pub allow: Vec<Network>,
    /// Who may not, even if allowed.
    pub deny: Vec<Network>,
}

/// The filter.
pub struct IpAllow {
    allow: Box<[Network]>,
    deny: Box<[Network]>,
}

impl Build for IpAllow {
    const NAME: &'static str = "ip_allow";
    const SUMMARY: &'static str = "lets requests in by the client's address";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn warnings(config: &Config) -> Vec<(&'static str, String)> {
        let everything = config.allow.iter().find(|network| network.is_everything());
        everything
            .map(|network| {
                let sentence =
                    format!("ip_allow allows {network}, which is every address of its kind");
                ("address-list-allows-everything", sentence)
            })
            .into_iter()
            .collect()
    }

    fn build(config: &Config, _: &Env) -> Result<Self, BuildError> {
        if config.allow.is_empty() && config.deny.is_empty() {
            return Err(BuildError::new(
                "",
                "neither an address to allow nor one to deny",
                "name networks under allow or deny, or leave ip_allow out",
            ));
        }
        for (field, list) in [("allow", &config.allow), ("deny", &config.deny)] {
            if list.len() > NETWORKS_MAX {
                return Err(BuildError::new(
                    field,
                    format!("{} networks are more than {NETWORKS_MAX}", list.len()),
                    "join them to larger networks",
                ));
            }
        }
        Ok(Self {
            allow: config.allow.clone().into(),
            deny: config.deny.clone().into(),
        })
    }
}

impl Filter for IpAllow {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, _: &'a mut dyn Client) -> Step<'a> {
        Step::Done(self.judge(x.client))
    }
}

impl IpAllow {
    fn judge(&self, client: IpAddr) -> Verdict {
        let holds = |list: &[Network]| list.iter().any(|network| network.contains(client));
        let allowed = self.allow.is_empty() || holds(&self.allow);
        if allowed && !holds(&self.deny) {
            Ok(())
        } else {
            Err(Reply::refuse(Reason::AddressNotAllowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, FakeClient, judge, word};

    fn config(text: &str) -> Config {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn addresses_are_let_in_by_both_lists() {
        let v4 = r#"{"allow": ["10.0.0.0/8", "192.0.2.7"], "deny": ["10.6.6.0/24"]}"#;
        let v6 = r#"{"allow": ["2001:db8::/32"]}"#;
        let deny = r#"{"deny": ["203.0.113.0/24"]}"#;
        let any4 = r#"{"allow": ["0.0.0.0/0"]}"#;
        let mapped = r#"{"allow": ["::ffff:192.0.2.0/120"]}"#;
        for (lists, address, expected) in [
            (v4, "10.0.0.0", "ok"),
            (v4, "10.255.255.255", "ok"),
            (v4, "9.255.255.255", "address_not_allowed"),
            (v4, "11.0.0.0", "address_not_allowed"),
            (v4, "10.6.6.0", "address_not_allowed"),
            (v4, "10.6.6.255", "address_not_allowed"),
            (v4, "10.6.5.255", "ok"),
            (v4, "192.0.2.7", "ok"),
            (v4, "192.0.2.6", "address_not_allowed"),
            (v4, "::ffff:192.0.2.7", "ok"),
            (v4, "::ffff:10.6.6.6", "address_not_allowed"),
            (v4, "::192.0.2.7", "address_not_allowed"),
            (v4, "2001:db8::1", "address_not_allowed"),
            (v6, "2001:db8::", "ok"),
            (v6, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "ok"),
            (v6, "2001:db9::", "address_not_allowed"),
            (v6, "10.0.0.1", "address_not_allowed"),
            (deny, "203.0.113.0", "address_not_allowed"),
            (deny, "203.0.112.255", "ok"),
            (deny, "2001:db8::1", "ok"),
            (any4, "203.0.113.1", "ok"),
            (any4, "2001:db8::1", "address_not_allowed"),
            (mapped, "192.0.2.255", "ok"),
            (mapped, "192.0.3.0", "address_not_allowed"),
        ] {
            let filter = IpAllow::build(&config(lists), &testing::env()).unwrap();
            let mut x = testing::exchange();
            x.client = address.parse().unwrap();
            let verdict = judge(&filter, &mut x, &mut FakeClient::get("/"));
            assert_eq!(word(&verdict), expected, "{lists} {address}");
        }
    }

    #[test]
    fn what_a_client_says_of_itself_counts_for_nothing() {
        let filter = IpAllow::build(&config(r#"{"allow": ["10.0.0.0/8"]}"#), &testing::env());
        let filter = filter.unwrap();
        let mut client = FakeClient::get("/")
            .field("X-Forwarded-For", "10.0.0.1")
            .field("X-Real-IP", "10.0.0.1")
            .field("Forwarded", "for=10.0.0.1");
        let verdict = judge(&filter, &mut testing::exchange(), &mut client);
        assert_eq!(word(&verdict), "address_not_allowed");
    }

    #[test]
    fn lists_that_say_nothing_or_too_much_are_noticed() {
        assert!(IpAllow::build(&config("{}"), &testing::env()).is_err());
        for (count, good) in [(NETWORKS_MAX, true), (NETWORKS_MAX + 1, false)] {
            let lists = Config {
                allow: vec!["192.0.2.1".parse().unwrap(); count],
                deny: Vec::new(),
            };
            assert_eq!(
                IpAllow::build(&lists, &testing::env()).is_ok(),
                good,
                "{count}"
            );
        }
        let warned = |text: &str| !IpAllow::warnings(&config(text)).is_empty();
        assert!(warned(r#"{"allow": ["10.0.0.0/8", "::/0"]}"#));
        assert!(!warned(
            r#"{"allow": ["10.0.0.0/8"], "deny": ["0.0.0.0/0"]}"#
        ));
        assert!(serde_json::from_str::<Config>(r#"{"alow": []}"#).is_err());
    }
}
