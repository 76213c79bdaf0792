//! The data plane: an edge proxy on Pingora, and the command line of `tidegate`.
//!
//! Configuration flows one way: what was written becomes what was meant, and that becomes what
//! runs. Start with `assemble`, the only room that knows every part.

pub mod admin;
pub mod allocations;
pub mod assemble;
pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod edge;
pub mod keys;
pub mod plan;
pub mod policy;
pub mod reload;
pub mod telemetry;
