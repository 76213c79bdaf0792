//! PostgreSQL for everything here that keeps data: the control plane and the upstream service.
//!
//! There are two databases behind one type. With an address ([`Database::connect`]) it is a
//! PostgreSQL server, 15 or newer: the only thing that we call production. Without one
//! ([`Database::embedded`], feature `embedded`) it is PostgreSQL 18 compiled to WebAssembly inside
//! our own process, for trying out. Both speak the same protocol to the same driver, so a caller
//! writes one SQL; the floor is PostgreSQL 15.
//!
//! What this crate adds to `tokio-postgres` and `bb8`: a fair and bounded wait for a connection,
//! statements that are prepared once per connection, time limits on every answer, errors that tell
//! *away* from *refused*, migrations that two processes may run at once, and notifications.
//!
//! It stops there: no SQL of anybody's tables lies here, and no request path of the edge waits for
//! it (architecture, never-rule 2).
//!
//! # What differs on the embedded database
//!
//! - One backend: a long transaction stops everybody else's queries. Whoever holds a transaction and
//!   asks for a second client in the same task waits for itself, until [`limits::TURN_WAIT`] ends it.
//! - Session state (`SET`, session advisory locks) is shared: use `SET LOCAL` and
//!   `pg_advisory_xact_lock`. `COPY` from the client is not supported.
//! - `pg_notify` reaches nobody: say [`Database::notify_local`] beside it.

mod address;
mod client;
mod connection;
mod database;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
pub mod limits;
mod listen;
mod migrate;
mod server;
mod statements;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tls;
mod transaction;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use database::Database;
#[cfg(feature = "embedded")]
pub use embedded::cache::embedded_cache;
pub use error::Error;
pub use limits::PoolLimits;
pub use listen::Notifications;
pub use tokio_postgres::types::ToSql;
pub use tokio_postgres::{Row, types};
pub use transaction::Transaction;
