//! How many connections, and how many bytes of collected bodies, each client address holds.
//!
//! An address counts as its neighbourhood: IPv6 by /64. The counts live as long as something is
//! held, so that the table is bounded by what is open.

use super::limits::{ADDRESSES_MAX, COLLECTED_SHARE};
use filters::address::Neighbourhood;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What all clients hold together, and each by itself.
pub(crate) struct Accounts {
    table: Mutex<HashMap<Neighbourhood, Held>>,
    connections: AtomicU64,
    collected: AtomicU64,
}

#[derive(Default, Clone, Copy)]
struct Held {
    connections: u32,
    collected: u64,
}

/// One open connection; gives itself back when dropped.
pub(crate) struct Seat {
    accounts: Arc<Accounts>,
    neighbourhood: Neighbourhood,
}

/// Bytes held for one request's body; given back when dropped.
pub(crate) struct Hold {
    accounts: Arc<Accounts>,
    neighbourhood: Neighbourhood,
    bytes: u64,
}

// === impl Accounts ===

impl Accounts {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(HashMap::new()),
            connections: AtomicU64::new(0),
            collected: AtomicU64::new(0),
        })
    }

    /// Connections that are open.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// Bytes of bodies that are held.
    pub(crate) fn collected(&self) -> u64 {
        self.collected.load(Relaxed)
    }

    /// A seat for one connection more, if the address has one left.
    pub(crate) fn seat(self: &Arc<Self>, address: IpAddr, per_address_max: u32) -> Option<Seat> {
        let neighbourhood = Neighbourhood::of(address);
        let mut table = self.table.lock();
        if !table.contains_key(&neighbourhood) && table.len() >= ADDRESSES_MAX {
            return None;
        }
        let held = table.entry(neighbourhood).or_default();
        if held.connections >= per_address_max {
            if *held == Held::default() {
                table.remove(&neighbourhood);
            }
            return None;
        }
        held.connections += 1;
        drop(table);
        self.connections.fetch_add(1, Relaxed);
        Some(Seat {
            accounts: Arc::clone(self),
            neighbourhood,
        })
    }

    /// An empty hold for one request of this address.
    pub(crate) fn hold(self: &Arc<Self>, address: IpAddr) -> Hold {
        let neighbourhood = Neighbourhood::of(address);
        Hold {
            accounts: Arc::clone(self),
            neighbourhood,
            bytes: 0,
        }
    }

    fn release(&self, neighbourhood: Neighbourhood, connections: u32, bytes: u64) {
        let mut table = self.table.lock();
        if let Some(held) = table.get_mut(&neighbourhood) {
            held.connections = held.connections.saturating_sub(connections);
            held.collected = held.collected.saturating_sub(bytes);
            if *held == Held::default() {
                table.remove(&neighbourhood);
            }
        }
        drop(table);
        self.connections.fetch_sub(u64::from(connections), Relaxed);
        self.collected.fetch_sub(bytes, Relaxed);
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        (self.connections, self.collected) == (other.connections, other.collected)
    }
}

// === impl Hold ===

impl Hold {
    /// Holds `bytes` more, if all together stay below `max` and this address below its share.
    pub(crate) fn grow(&mut self, bytes: u64, max: u64) -> bool {
        let mut table = self.accounts.table.lock();
        let all = self.accounts.collected.load(Relaxed);
        let held = table.entry(self.neighbourhood).or_default();
        let fits = all.saturating_add(bytes) <= max
            && held.collected.saturating_add(bytes) <= (max / COLLECTED_SHARE).max(1);
        if fits {
            held.collected += bytes;
            self.accounts.collected.fetch_add(bytes, Relaxed);
            self.bytes += bytes;
        } else if *held == Held::default() {
            table.remove(&self.neighbourhood);
        }
        fits
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.accounts.release(self.neighbourhood, 0, self.bytes);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.accounts.release(self.neighbourhood, 1, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_seats_and_its_neighbours_of_a_64_share_them() {
        let accounts = Accounts::new();
        let one = accounts.seat(address("2001:db8::1"), 2).unwrap();
        let two = accounts.seat(address("2001:db8::ffff"), 2).unwrap();
        assert!(accounts.seat(address("2001:db8::2"), 2).is_none());
        assert!(accounts.seat(address("2001:db8:0:1::2"), 2).is_some());
        drop(one);
        assert!(accounts.seat(address("2001:db8::2"), 2).is_some());
        drop(two);
        assert_eq!(accounts.connections(), 0);
        assert!(accounts.table.lock().is_empty());
        assert!(accounts.seat(address("192.0.2.1"), 0).is_none());
        assert!(accounts.table.lock().is_empty());
    }

    #[test]
    fn one_address_cannot_hold_all_the_memory() {
        let accounts = Accounts::new();
        let mut greedy = accounts.hold(address("192.0.2.1"));
        assert!(greedy.grow(100, 400));
        assert!(!greedy.grow(1, 400));
        let mut others: Vec<Hold> = (2..5)
            .map(|n| accounts.hold(address(&format!("192.0.2.{n}"))))
            .collect();
        for other in &mut others {
            assert!(other.grow(100, 400));
        }
        let mut late = accounts.hold(address("192.0.2.9"));
        assert!(!late.grow(1, 400));
        drop(greedy);
        assert!(late.grow(1, 400));
        drop((others, late));
        assert_eq!(accounts.collected(), 0);
        assert!(accounts.table.lock().is_empty());
    }
}
