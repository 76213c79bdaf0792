//! Quantities as the policy file writes them, with their units: `300s`, `1MiB`, `100/min`,
//! `10.0.0.0/8`. A bare number is refused: a reader should not have to guess.

use ipnet::IpNet;
use serde::de::{self, Deserializer, Visitor};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration as StdDuration;

/// A span of time: `250ms`, `300s`, `15m`, `1h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub StdDuration);

/// A number of bytes: `512B`, `64KiB`, `1MiB`, `2GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// A number of requests in a window: `20/s`, `100/min`, `1000/h`, `5000/day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Requests, at least 1.
    pub limit: u32,
    /// The window, seconds, at least 1.
    pub window_s: u32,
}

/// An address or a network: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. IPv4-mapped IPv6 becomes
/// IPv4, so that both spellings of an address meet the same rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// A quantity that cannot be read: what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitError(pub &'static str);

const DURATION: &str = "a span of time with its unit, such as 250ms, 300s, 15m, 1h";
const SIZE: &str = "a size with its unit, such as 512B, 64KiB, 1MiB";
const RATE: &str = "a rate, such as 20/s, 100/min, 1000/h, 5000/day";
const NETWORK: &str = "an address or a network, such as 192.0.2.7 or 10.0.0.0/8";

// === impl Duration ===

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text).ok_or(UnitError(DURATION))?;
        let ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(UnitError(DURATION)),
        };
        let total = number.checked_mul(ms).ok_or(UnitError(DURATION))?;
        Ok(Self(StdDuration::from_millis(total)))
    }
}

// === impl Size ===

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text).ok_or(UnitError(SIZE))?;
        let factor: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(UnitError(SIZE)),
        };
        number.checked_mul(factor).map(Self).ok_or(UnitError(SIZE))
    }
}

// === impl Rate ===

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = text.split_once('/').ok_or(UnitError(RATE))?;
        let limit: u32 = digits(number)
            .and_then(|n| n.try_into().ok())
            .ok_or(UnitError(RATE))?;
        let window_s = match unit {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            "day" => 86_400,
            _ => return Err(UnitError(RATE)),
        };
        if limit == 0 {
            return Err(UnitError(RATE));
        }
        Ok(Self { limit, window_s })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.window_s {
            1 => "s",
            60 => "min",
            3_600 => "h",
            86_400 => "day",
            other => return write!(f, "{}/{other}s", self.limit),
        };
        write!(f, "{}/{unit}", self.limit)
    }
}

// === impl Network ===

impl Network {
    /// Whether an address lies in it. IPv4-mapped IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether it holds every address.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl FromStr for Network {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        let net: IpNet = text.parse().map_err(|_| UnitError(NETWORK))?;
        if let IpNet::V6(v6) = net
            && let Some(v4) = v6.network().to_ipv4_mapped()
            && v6.prefix_len() >= 96
        {
            let net = ipnet::Ipv4Net::new(v4, v6.prefix_len() - 96)
                .expect("a mapped prefix of 96 to 128 bits leaves 0 to 32");
            return Ok(Self(IpNet::V4(net)));
        }
        if net.trunc() != net {
            return Err(UnitError(
                "a network whose host bits are zero, such as 10.0.0.0/8",
            ));
        }
        Ok(Self(net))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            return self.0.addr().fmt(f);
        }
        self.0.fmt(f)
    }
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl std::error::Error for UnitError {}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    Some((digits(&text[..end])?, &text[end..]))
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

macro_rules! deserialize_from_text {
    ($($type:ty: $expected:expr;)*) => {
        $(impl<'de> de::Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(|_: UnitError| {
                            E::invalid_value(de::Unexpected::Str(text), &self)
                        })
                    }
                }
                deserializer.deserialize_str(Text)
            }
        })*
    };
}

deserialize_from_text! {
    Duration: DURATION;
    Size: SIZE;
    Rate: RATE;
    Network: NETWORK;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units_only() {
        let duration = |text: &str| text.parse::<Duration>().ok().map(|d| d.0.as_millis());
        for (text, ms) in [
            ("250ms", Some(250)),
            ("300s", Some(300_000)),
            ("15m", Some(900_000)),
            ("1h", Some(3_600_000)),
            ("300", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1 s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ] {
            assert_eq!(duration(text), ms, "{text}");
        }
        let size = |text: &str| text.parse::<Size>().ok().map(|s| s.0);
        for (text, bytes) in [
            ("1MiB", Some(1 << 20)),
            ("64KiB", Some(65_536)),
            ("1MB", None),
            ("1024", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
        let rate = |text: &str| text.parse::<Rate>().ok().map(|r| (r.limit, r.window_s));
        for (text, found) in [
            ("100/min", Some((100, 60))),
            ("1000/h", Some((1000, 3600))),
            ("0/s", None),
            ("100", None),
            ("100/m", None),
        ] {
            assert_eq!(rate(text), found, "{text}");
        }
    }

    #[test]
    fn networks_meet_both_spellings_of_an_address() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.0.0.0", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
        ] {
            let net: Network = network.parse().unwrap();
            assert_eq!(
                net.contains(address.parse().unwrap()),
                inside,
                "{network} {address}"
            );
        }
        assert!("10.0.0.1/8".parse::<Network>().is_err());
        assert!("10.0.0.0/33".parse::<Network>().is_err());
    }
}
