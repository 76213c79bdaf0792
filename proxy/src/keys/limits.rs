//! Every bound and pace of the key records in memory, with its reason.

use std::time::Duration;

/// Parts that the directory is cut into. A change copies one of them: at a million keys some 250
/// pointers, each with a count in a record that is in no cache, and so some tens of microseconds.
pub const SHARDS: usize = 4_096;

/// Different texts (tiers, lists of scopes, consumers) shared between records.
pub const SHARED_TEXTS_MAX: usize = 65_536;

/// How long notifications are gathered before their keys are fetched in one query. A change takes
/// effect within a second: this is a small part of it.
pub const GATHER: Duration = Duration::from_millis(5);

/// Keys that are fetched by name after notifications; more are cheaper to ask for by mark.
pub const NAMED_KEYS_MAX: usize = 1_000;

/// How often changes are asked for without a notification. A change must take effect within 30 s
/// even where notifications are lost (contract, section 2): this and one query's time.
pub const POLL: Duration = Duration::from_secs(20);

/// How often the whole table is compared: it heals whatever a hand in the database did behind the
/// triggers.
pub const COMPARE: Duration = Duration::from_secs(3_600);

/// Polls in a row that found what no notification had told, until the listening connection is held
/// for deaf and made anew.
pub const UNHEARD_MAX: u32 = 2;

/// The first wait after PostgreSQL failed; it doubles.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);

/// The longest wait after PostgreSQL failed, before chance adds up to half of it.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How long one question to the database may take before it counts as failed.
pub const QUESTION: Duration = Duration::from_secs(15);

/// How often usage is written: the last use is at most 60 s old (contract, section 2).
pub const WRITE_USAGE: Duration = Duration::from_secs(5);

/// How often what nobody needs any more is thrown away: an end comes at most so long after its time.
pub const UPKEEP: Duration = Duration::from_secs(6 * 3_600);

/// Within which chance chooses when a process does so first: a fleet that was started as one does not
/// do the same work at once.
pub const FIRST_UPKEEP: Duration = Duration::from_secs(15 * 60);

/// How long the last writing may take at shutdown.
pub const LAST_WRITE: Duration = Duration::from_secs(2);

const _: () = assert!(SHARDS.is_power_of_two() && SHARDS <= 1 << 16);
const _: () = assert!(POLL.as_secs() + BACKOFF_MAX.as_secs() * 3 / 2 < 30);
const _: () = assert!(WRITE_USAGE.as_secs() * 2 + QUESTION.as_secs() < 60);
const _: () = assert!(NAMED_KEYS_MAX <= control::keys::limits::PAGE_ROWS);
