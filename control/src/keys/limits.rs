//! Every bound of key administration, with its reason.

use std::time::Duration;

/// Master keys at once: the current one, and those that old secrets are still sealed under.
pub const MASTER_KEYS_MAX: usize = 8;

/// Days that a key lives unless said otherwise (contract, section 2).
pub const LIFE: Duration = Duration::from_secs(365 * 86_400);

/// The longest life that can be asked for; longer ones are what `Never` is for.
pub const LIFE_MAX: Duration = Duration::from_secs(20 * 365 * 86_400);

/// The longest overlap of a rotation: two strings for one key are a transition, not a state.
pub const OVERLAP_MAX: Duration = Duration::from_secs(90 * 86_400);

/// Characters of a consumer's id: it is a header's value upstream.
pub const CONSUMER_LENGTH_MAX: usize = 128;

/// Characters of a key's name, of a tier, a scope, a role, an attribute's name.
pub const WORD_LENGTH_MAX: usize = 128;

/// Characters of an attribute's value.
pub const ATTRIBUTE_LENGTH_MAX: usize = 256;

/// Scopes of one key; they travel upstream in one header.
pub const SCOPES_MAX: usize = 64;

/// Roles of one key.
pub const ROLES_MAX: usize = 32;

/// Attributes of one key.
pub const ATTRIBUTES_MAX: usize = 32;

/// Addresses and networks of one key: they are scanned on each of its requests.
pub const NETWORKS_MAX: usize = 64;

/// Rows fetched at once by whoever follows the changes.
pub const PAGE_ROWS: usize = 5_000;

/// Keys in one list.
pub const LIST_ROWS_MAX: usize = 1_000;

/// Days of usage that a view shows.
pub const USAGE_DAYS_SHOWN: i32 = 31;

/// Rows of each kind that upkeep throws away in one statement: some tens of milliseconds.
pub const PURGED_AT_ONCE: usize = 5_000;

/// Keys that upkeep throws away in one statement: each takes its usage along, a row for each day.
pub const PURGED_KEYS_AT_ONCE: usize = 250;

/// Keys in one statement that writes usage.
pub const USAGE_LINES_MAX: usize = 5_000;

const _: () = assert!(NETWORKS_MAX <= filters::limits::NETWORKS_MAX);
const _: () = assert!(LIFE.as_secs() <= LIFE_MAX.as_secs());
