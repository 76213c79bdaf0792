//! Client addresses, and what counts as one.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4-mapped IPv6 address as the IPv4 address that it stands for; any other as it is.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The group of addresses that one client commonly holds: one IPv4 address, or an IPv6 /64.
/// Limits before authentication belong to it (contract, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// The group that an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match canonical(address) {
            IpAddr::V6(v6) => {
                let bits = u128::from(v6) & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from(bits))
            }
            v4 => v4,
        })
    }

    /// The group's first address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_is_grouped_by_64_bits_and_mapped_addresses_are_ipv4() {
        for (address, group) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            let found = Neighbourhood::of(address.parse().unwrap()).address();
            assert_eq!(found, group.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
