//! Every bound of the telemetry, with its reason.

use std::time::Duration;

/// Route names that get series of their own; a policy that is reloaded under ever new names
/// cannot grow the registry beyond that, and further ones share `other`.
pub const ROUTES_MAX: usize = 4_096;

/// Upstream names that get series of their own; further ones share `other`.
pub const UPSTREAMS_MAX: usize = 1_024;

/// Buffers that access log lines are shared out to, so that two threads seldom meet at one.
pub const LOG_SHARDS: usize = 8;

/// Bytes that wait in one buffer for the writer; beyond that lines are dropped and counted. All
/// together hold a second of full load.
pub const LOG_SHARD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of one buffer after which the writer is woken at once.
pub const LOG_SHARD_BYTES_URGENT: usize = 256 * 1024;

/// How long the writer gathers lines before it writes them in one call.
pub const LOG_GATHER_TIME: Duration = Duration::from_millis(10);

/// How long the last lines may take at shutdown; a reader that does not read must not hold us.
pub const LOG_CLOSE_TIME: Duration = Duration::from_millis(500);

const _: () = assert!(LOG_SHARD_BYTES_URGENT < LOG_SHARD_BYTES_MAX);
