//! The control plane: it issues and administers what the data plane obeys.
//!
//! At present that is [`keys`]: consumers and their API keys in PostgreSQL. The data plane reads
//! them through [`keys::Changes`] and keeps them in memory; nothing here is on the path of a
//! request. All SQL about keys lies in this crate; connections come from `database`.

pub mod keys;
