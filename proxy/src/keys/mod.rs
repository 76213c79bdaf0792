//! Key records in memory (architecture, section 9).
//!
//! ```text
//! PostgreSQL ──pages──► sync ──► directory ──► the api_key filter
//!      ▲                                          │ counts in the record
//!      └────────── usage ◄────────────────────────┘
//! ```
//!
//! A request looks a key up in the [`Directory`] and waits for nothing. [`KeySync`] keeps it true:
//! it follows the table by notification and by poll. [`UsageWriter`] writes behind the requests what
//! they counted, and [`Upkeep`] throws away what nobody needs any more. When PostgreSQL is away the last records serve on, and [`Health`] says so; at a
//! cold start without it, look-ups answer `NotReady` and the filter fails closed.

mod directory;
mod health;
pub mod limits;
mod records;
mod shard;
mod sync;
mod upkeep;
mod usage;

#[cfg(test)]
mod tests;

pub use directory::{Change, Directory, Order};
pub use health::{Health, HealthReport};
pub use records::Snapshot;
pub use sync::{KeySync, Pace};
pub use upkeep::Upkeep;
pub use usage::UsageWriter;
