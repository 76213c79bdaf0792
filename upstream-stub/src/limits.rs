//! Every bound of this service, with its reason.

use std::time::Duration;

/// Bytes of a request's body; the edge signs no more.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes of a body that `/faults/echo` counts and hashes.
pub const ECHO_BYTES_MAX: u64 = 64 << 20;

/// Bytes that `/faults/large` sends.
pub const LARGE_BYTES_MAX: u64 = 1 << 30;

/// Bytes of one piece of an answer that is sent piecewise.
pub const PIECE_BYTES: usize = 64 << 10;

/// How long `/faults/slow` waits.
pub const SLOW_MAX: Duration = Duration::from_secs(60);

/// Items on a page when the request does not say (FR-012).
pub const PAGE_SIZE: u32 = 20;

/// Items on a page at most (FR-012).
pub const PAGE_SIZE_MAX: u32 = 100;

/// The last page that can be asked for: PostgreSQL walks over everything before it.
pub const PAGE_MAX: u32 = 100_000;

/// Values in one parameter, separated by commas.
pub const VALUES_MAX: usize = 20;

/// Parameters of one request.
pub const PARAMETERS_MAX: usize = 50;

/// Problems that one refusal lists.
pub const PROBLEMS_MAX: usize = 50;

/// Items of one order.
pub const ITEMS_MAX: usize = 100;

/// Pieces of one item.
pub const QUANTITY_MAX: i64 = 10_000;

/// Hundredths of a currency in one price: 999,999,999.99.
pub const PRICE_MAX: i64 = 99_999_999_999;

/// Characters of a short text: a name, a city.
pub const SHORT_CHARS_MAX: usize = 255;

/// Characters of a long text: a description, a note.
pub const LONG_CHARS_MAX: usize = 1000;

/// Characters of an identifier after its prefix; the tables hold the same.
pub const ID_CHARS_MAX: usize = 64;

/// Characters of a request id that is kept.
pub const REQUEST_ID_CHARS_MAX: usize = 128;

/// Connections open at once; more wait in the kernel's line.
pub const CONNECTIONS_MAX: usize = 8192;

/// HTTP/2 streams of one connection.
pub const STREAMS_MAX: u32 = 256;

/// How long a head may take to arrive.
pub const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a body may take to arrive.
pub const BODY_TIME: Duration = Duration::from_secs(30);

/// How long requests under way may go on once the service is told to stop.
pub const DRAIN_TIME: Duration = Duration::from_secs(1);

/// How long the database may take to answer a health check.
pub const HEALTH_TIME: Duration = Duration::from_millis(500);

/// Seconds after which a client may try again when the database is away.
pub const RETRY_AFTER_S: u32 = 2;

/// How long accepting rests when the system has no file descriptors left.
pub const ACCEPT_REST: Duration = Duration::from_millis(50);

// The largest total fits, so sums of an order need no check.
const _: () =
    assert!(PRICE_MAX as i128 * QUANTITY_MAX as i128 * (ITEMS_MAX as i128) < i64::MAX as i128);
