//! The only room that knows every part: it makes them, connects them, and ends them in order.
//!
//! [`System`] is an edge with all that belongs to it: key records that follow the database, limits and
//! replay memory, metrics, access log, the private listener. `tidegate serve`, `tidegate demo` and
//! the tests start the same one, with other [`SystemOptions`]: a test hands in its clock, its keys
//! and its log.
//!
//! ```text
//! start:  policy ─► stores ─► keys ─► plan ─► listeners ─► private listener ─► first snapshot ─► edge
//! stop:   not ready ─► drain ─► state saved ─► usage written ─► private listener ─► log flushed
//! ```

mod handover;
mod house;
mod options;
mod records;
pub mod secrets;
pub mod signals;
mod state;
mod system;

pub use handover::{Heir, Inheritance};
pub use options::{KeySource, SystemOptions};
pub use system::{StartError, System};

#[cfg(test)]
mod tests;
