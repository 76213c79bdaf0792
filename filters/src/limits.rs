//! Every bound of this crate, with its reason.

/// Bytes of a request's head, request line and field lines together (hardening, P8).
pub const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Field lines of a request's head (hardening, P8).
pub const FIELDS_MAX: usize = 100;

/// Bytes of a request's target (hardening, P8).
pub const TARGET_LENGTH_MAX: usize = 8 * 1024;

/// Bytes of a Host field: a name of 253, brackets or a colon, and a port.
pub const HOST_LENGTH_MAX: usize = 260;

/// Names that a client's Connection field may list.
pub const CONNECTION_NAMES_MAX: usize = 16;

/// Addresses of `X-Forwarded-For` that are looked at, from the right.
pub const FORWARDED_HOPS_MAX: usize = 32;

/// Bytes of one text of the client's (path, user agent, note) in the access log.
pub const LOGGED_TEXT_BYTES_MAX: usize = 256;

/// Bytes of a path in the access log.
pub const LOGGED_PATH_BYTES_MAX: usize = 2048;

/// Entries in one list of a filter's configuration: origins, methods, names of fields.
pub const LIST_ENTRIES_MAX: usize = 256;

/// Filters in one chain; the depth that an exchange remembers is a byte.
pub const CHAIN_FILTERS_MAX: usize = 64;

/// Characters of a request id that a client may choose (contract, section 1).
pub const REQUEST_ID_LENGTH_MAX: usize = 128;

/// Signature values in one `X-API-Signature` field: both schemes, each under two secrets.
pub const SIGNATURES_MAX: usize = 4;

/// Characters of `X-Nonce` (contract, section 1).
pub const NONCE_LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

/// Bytes of a body under a signature, unless the policy says otherwise (contract, section 3).
pub const SIGNED_BODY_BYTES: u64 = 1024 * 1024;

/// Seconds that a signature's timestamp may differ from our clock, unless the policy says otherwise.
pub const SIGNATURE_WINDOW_S: u64 = 300;

/// Seconds that a policy may ask for as signature window: the replay memory is that long, twice.
pub const SIGNATURE_WINDOW_S_MAX: u64 = 3600;

/// Signatures that the replay memory holds, of all keys. What that costs at worst tells
/// [`crate::replay::ReplayCache::bytes_max`].
pub const REPLAY_ENTRIES_MAX: usize = 8 << 20;

/// Signatures that the replay memory holds of one key, so that one client cannot use up what others
/// need (hardening, A20): some 6,000 signed requests a second over a window of 300 s.
pub const REPLAY_ENTRIES_PER_KEY_MAX: usize = REPLAY_ENTRIES_MAX / 4;

/// Owners (keys, addresses) whose used tokens are remembered at once.
pub const QUOTA_OWNERS_MAX: usize = 1 << 20;

/// Characters of a policy's or a limit's name.
pub const POLICY_NAME_LENGTH_MAX: usize = 32;

/// Policies (windows) in one quota.
pub const QUOTA_WINDOWS_MAX: usize = 8;

/// Credentials of one key: the current one and those in a rotation's overlap.
pub const CREDENTIALS_MAX: usize = 4;

/// Addresses and networks in one list.
pub const NETWORKS_MAX: usize = 1024;

/// Bytes of a bearer token (hardening, 2.4).
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Members of one JSON object in a token.
pub const TOKEN_MEMBERS_MAX: usize = 64;

/// Bytes of a token's subject, client or tier: they become names of buckets, fields and log lines.
pub const TOKEN_NAME_BYTES_MAX: usize = 256;

/// Seconds that an issuer's clock may differ from ours, unless the policy says otherwise.
pub const TOKEN_LEEWAY_S: u64 = 30;

/// Seconds that a policy may ask for as leeway (hardening, 2.4).
pub const TOKEN_LEEWAY_S_MAX: u64 = 60;

/// Keys of one set that verify tokens: a rotation has two at once.
pub const TOKEN_KEYS_MAX: usize = 16;

/// Bits of an RSA key that verifies tokens (RFC 7518, section 3.3).
pub const TOKEN_KEY_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// Bytes of memory for verified tokens of one filter, unless the policy says otherwise: some
/// 16,000 tokens.
pub const TOKEN_CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Bytes that a policy may ask for.
pub const TOKEN_CACHE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Parts of that memory, each under a lock of its own.
pub const TOKEN_CACHE_SHARDS: usize = 16;

const _: () = assert!(TOKEN_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(TOKEN_LEEWAY_S <= TOKEN_LEEWAY_S_MAX);
const _: () = assert!(TARGET_LENGTH_MAX < HEAD_BYTES_MAX);
const _: () = assert!(CHAIN_FILTERS_MAX < u8::MAX as usize);
const _: () = assert!(SIGNATURE_WINDOW_S <= SIGNATURE_WINDOW_S_MAX);
