//! What operators see: metrics, the access log, messages; and the one clock of the system.
//!
//! Everything here is written to and never read by the request path; nothing here decides.

pub mod clock;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod trace;

pub use clock::SystemClock;
pub use log::{AccessLog, LogTarget};
pub use metrics::{Gauges, Metrics, RouteMetrics};
