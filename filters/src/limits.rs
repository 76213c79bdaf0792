//! Every bound of this crate, with its reason.

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

/// Policies (windows) in one quota.
pub const QUOTA_WINDOWS_MAX: usize = 8;

/// Credentials of one key: the current one and those in a rotation's overlap.
pub const CREDENTIALS_MAX: usize = 4;

/// Addresses and networks in one list.
pub const NETWORKS_MAX: usize = 1024;

const _: () = assert!(CHAIN_FILTERS_MAX < u8::MAX as usize);
const _: () = assert!(SIGNATURE_WINDOW_S <= SIGNATURE_WINDOW_S_MAX);
