//! Every bound of the edge that the policy file does not set, with its reason.

use std::time::Duration;

/// Bytes of a connection's buffer for heads and for what arrives while nobody reads.
pub(super) const INBOX_BYTES_MAX: usize = 64 * 1024;

/// Bytes asked of the socket at once.
pub(super) const READ_BYTES: usize = 16 * 1024;

/// How long a TLS handshake may take at most; a shorter time for heads is the time for it too.
pub(super) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// An unread body that is announced to be at most this long is read and dropped after an early
/// answer, so that the connection stays usable; a longer one ends the connection.
pub(super) const DRAIN_BYTES_MAX: u64 = 64 * 1024;

/// How long an unread body is waited for, and how long a closing connection lingers so that the
/// client can read our answer before a reset overtakes it.
pub(super) const LINGER_TIME: Duration = Duration::from_millis(1000);

/// Bytes dropped of a lingering connection.
pub(super) const LINGER_BYTES_MAX: usize = 1024 * 1024;

/// Streams that one HTTP/2 client may have open at once.
pub(super) const HTTP2_STREAMS_MAX: u32 = 100;

/// Bytes of an HTTP/2 header list after decoding.
pub(super) const HTTP2_HEAD_BYTES_MAX: u32 = 32 * 1024;

/// Streams that a client may reset before they were accepted, at once (CVE-2023-44487).
pub(super) const HTTP2_PENDING_RESETS_MAX: usize = 20;

/// Streams that we reset for protocol errors on one connection (CVE-2025-8671).
pub(super) const HTTP2_LOCAL_RESETS_MAX: usize = 64;

/// How long an upstream server that could not be connected to is passed over, while others remain.
pub(super) const UPSTREAM_REST: Duration = Duration::from_secs(2);

/// Attempts for one request at most, whatever the policy says.
pub(super) const ATTEMPTS_MAX: usize = 8;

/// Address groups that are accounted for at once; beyond that, connections are refused.
pub(super) const ADDRESSES_MAX: usize = 1 << 20;

/// The share of the memory for collected bodies that one address group may hold, as a divisor.
pub(super) const COLLECTED_SHARE: u64 = 4;

/// Pieces of a collected body below this length are gathered, because each costs some 50 bytes more.
pub(super) const SMALL_PIECE_BYTES: usize = 512;

/// What small pieces are gathered to.
pub(super) const GATHERED_BYTES: usize = 16 * 1024;

/// How long a connection that was accepted just before the process began to drain is given to show
/// its first request.
pub(super) const FIRST_REQUEST_TIME: Duration = Duration::from_millis(500);

/// The farthest that a connection's timer is set ahead when nothing is waited for.
pub(super) const TIMER_FAR: Duration = Duration::from_secs(3600);

/// Free room in a buffer from which on it is read into directly; else the bytes take a way over the
/// stack, so that ten thousand idle connections hold no buffers.
pub(super) const SPARE_BYTES_MIN: usize = 4 * 1024;

/// Kept connections to one upstream server that one worker holds; more are closed.
pub(super) const UPSTREAM_IDLE_MAX: usize = 512;

/// How often kept upstream connections are looked through for those that were kept too long.
pub(super) const UPSTREAM_SWEEP: Duration = Duration::from_secs(1);

/// Interim answers (1xx) that one exchange passes on; one more makes it a bad answer.
pub(super) const INTERIM_ANSWERS_MAX: u32 = 32;

/// Bytes of a collected body that are put beside the head into one write.
pub(super) const JOINED_BYTES_MAX: usize = 32 * 1024;

/// What is left of an answer's body from which on it is read in large pieces.
pub(super) const LARGE_BODY_BYTES: u64 = 8 * 1024;

/// Bytes of one such piece.
pub(super) const LARGE_READ_BYTES: usize = 64 * 1024;

/// Bytes that are made ready for a head with what goes beside it; more are found when they are needed.
pub(super) const HEAD_BYTES_COMMON: usize = 1024;

/// Bytes of an empty buffer that a connection keeps between two requests.
pub(super) const KEPT_BYTES_MAX: usize = 4 * 1024;
