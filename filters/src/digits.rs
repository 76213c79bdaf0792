//! Numbers, addresses and times as text on the stack: on the path of every request, without the
//! machinery of formatting.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Digits of the greatest `u64`.
const DIGITS_MAX: usize = 20;

/// Bytes of the longest address with its port: `[ffff:…:255.255.255.255%4294967295]:65535`.
const ADDRESS_BYTES_MAX: usize = 64;

/// The two digits of each number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + n as u8 / 10, b'0' + n as u8 % 10];
        n += 1;
    }
    pairs
};

/// A number in decimal digits.
pub struct Digits {
    bytes: [u8; DIGITS_MAX],
    start: usize,
}

/// An address as `std` spells it.
pub(crate) struct Spelled {
    bytes: [u8; ADDRESS_BYTES_MAX],
    length: usize,
}

// === impl Digits ===

impl Digits {
    /// The digits of a number.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let mut bytes = [0; DIGITS_MAX];
        let mut start = DIGITS_MAX;
        let mut rest = number;
        while rest >= 10 {
            start -= 2;
            bytes[start..start + 2].copy_from_slice(&pair(rest % 100));
            rest /= 100;
        }
        if rest > 0 || start == DIGITS_MAX {
            start -= 1;
            bytes[start] = pair(rest)[1];
        }
        Self { bytes, start }
    }

    /// The digits as ASCII, at least one.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// The last two digits of a number.
pub(crate) const fn pair(number: u64) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

// === impl Spelled ===

impl Spelled {
    pub(crate) fn address(address: IpAddr) -> Self {
        let mut spelled = Self::empty();
        spelled.put(address);
        spelled
    }

    pub(crate) fn socket(address: SocketAddr) -> Self {
        let mut spelled = Self::empty();
        match address {
            SocketAddr::V4(v4) => {
                spelled.put(IpAddr::V4(*v4.ip()));
                spelled.push(b":");
                spelled.push(Digits::of(v4.port().into()).as_bytes());
            }
            SocketAddr::V6(v6) => {
                write!(spelled, "{v6}").expect("the longest address fits");
            }
        }
        spelled
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    const fn empty() -> Self {
        Self {
            bytes: [0; ADDRESS_BYTES_MAX],
            length: 0,
        }
    }

    fn put(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => {
                for (n, octet) in v4.octets().into_iter().enumerate() {
                    if n > 0 {
                        self.push(b".");
                    }
                    self.push(Digits::of(octet.into()).as_bytes());
                }
            }
            IpAddr::V6(v6) => write!(self, "{v6}").expect("the longest address fits"),
        }
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }
}

impl std::fmt::Write for Spelled {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.length + text.len() > ADDRESS_BYTES_MAX {
            return Err(std::fmt::Error);
        }
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::SocketAddrV6;

    proptest! {
        #[test]
        fn digits_are_those_of_std(number: u64, shift in 0..64u32) {
            for number in [number >> shift, 10u64.pow(shift % 20), 10u64.pow(shift % 20) - 1] {
                let text = number.to_string();
                let digits = Digits::of(number);
                prop_assert_eq!(digits.as_bytes(), text.as_bytes());
            }
        }

        #[test]
        fn addresses_are_spelled_as_std_spells_them(address: IpAddr, port: u16, scope: u32) {
            let spelled = Spelled::address(address);
            let text = address.to_string();
            prop_assert_eq!(spelled.as_bytes(), text.as_bytes());
            let mut sockets = vec![SocketAddr::new(address, port)];
            if let IpAddr::V6(v6) = address {
                sockets.push(SocketAddrV6::new(v6, port, 0, scope).into());
            }
            for socket in sockets {
                let spelled = Spelled::socket(socket);
                let text = socket.to_string();
                prop_assert_eq!(spelled.as_bytes(), text.as_bytes());
            }
        }
    }

    #[test]
    fn the_longest_address_fits() {
        let v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        let socket = SocketAddr::from(SocketAddrV6::new(v6, 65535, 0, u32::MAX));
        assert_eq!(
            Spelled::socket(socket).as_bytes(),
            socket.to_string().as_bytes()
        );
    }
}
