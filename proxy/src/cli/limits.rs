//! Every bound of the command line, with its reason.

use std::time::Duration;

/// Bytes of a request body that `sign` and `request` read: far above any body that an edge would
/// verify, and far below what a mistyped file name could cost.
pub const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Requests of one `request --repeat`; for real load there are load generators.
pub const REPEAT_MAX: u32 = 10_000;

/// How long `request` waits for a whole answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);

/// How long `request` waits for a connection.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
