//! What is decided about a request.
//!
//! This crate knows HTTP and the rules of the house, and nothing of sockets, files, databases or
//! clocks: what a filter needs comes in through [`env::Env`]. The data plane (`tidegate`) feeds it
//! heads and bodies and carries out what it decides.
//!
//! Start with [`filter`] (the contract), then [`exchange`] (what is known of one request), then any
//! file of [`builtin`], each of which is a manual page.

pub mod address;
pub mod builtin;
pub mod calendar;
pub mod caller;
pub mod catalog;
pub mod chain;
pub mod challenge;
pub mod clock;
pub mod digits;
pub mod edits;
pub mod env;
pub mod exchange;
pub mod filter;
pub mod forwarded;
pub mod head;
pub mod key;
pub mod limits;
pub mod names;
pub mod quota;
pub mod replay;
pub mod reply;
pub mod signing;
mod snapshot;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;
pub mod units;
