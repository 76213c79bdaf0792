//! What a policy may ask for at most, each with its reason.

use std::time::Duration;

/// Characters of a name: of a route, chain, upstream, tier. Names are labels of metrics.
pub const NAME_LENGTH_MAX: usize = 64;

/// Addresses where clients connect.
pub const LISTENERS_MAX: usize = 64;

/// Hosts of one listener or route; each host gets a table of its own.
pub const HOSTS_MAX: usize = 256;

/// Routes. A metric has a series for each.
pub const ROUTES_MAX: usize = 1024;

/// Hosts with routes of their own, times routes: entries of the router.
pub const ROUTER_ENTRIES_MAX: usize = 65_536;

/// Segments of a path pattern. Matching is recursive, so this bounds the stack.
pub const PATTERN_SEGMENTS_MAX: usize = 32;

/// Bytes of a path pattern.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// Upstreams.
pub const UPSTREAMS_MAX: usize = 256;

/// Servers of one upstream.
pub const SERVERS_MAX: usize = 64;

/// Chains.
pub const CHAINS_MAX: usize = 256;

/// Tiers.
pub const TIERS_MAX: usize = 64;

/// API versions.
pub const VERSIONS_MAX: usize = 32;

/// Attempts beyond the first for one request.
pub const RETRIES_MAX: u32 = 7;

/// Any time limit of a connection or an exchange.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);

/// For requests in flight when the process ends; a supervisor kills it sooner or later.
pub const DRAIN_MAX: Duration = Duration::from_secs(10 * 60);

/// Between two questions for changed keys: a key revoked anywhere stops within 30 seconds at worst
/// (contract, section 2).
pub const POLL_MAX: Duration = Duration::from_secs(30);

/// Connections of one address.
pub const CONNECTIONS_PER_ADDRESS_MAX: u32 = 1_000_000;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: u64 = 10 << 30;

/// Bytes of bodies that are held at once, over all requests.
pub const COLLECTED_BYTES_MAX: u64 = 64 << 30;

/// Master keys: the one that seals, and those of rotations.
pub const MASTER_KEYS_MAX: usize = 16;

/// What a chain may be allowed to cost.
pub const BUDGET_MAX: Duration = Duration::from_secs(1);

/// Allocations that a chain may be allowed.
pub const BUDGET_ALLOCATIONS_MAX: u32 = 1_000_000;
