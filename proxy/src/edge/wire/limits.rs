//! Every bound of the reader, with its reason.

/// Bytes of a head, from its first byte to the empty line's line feed (hardening, P8).
pub const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What [`HeadLimits::head_bytes_max`] may be at most: positions in a head are kept in 16 bits.
pub const HEAD_BYTES_CEILING: usize = u16::MAX as usize;

/// Bytes of a request target (hardening, P8; RFC 9112, section 3, asks for 8,000 at least).
pub const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Bytes of one field line, name to value, without its line end.
pub const FIELD_BYTES_MAX: usize = 16 * 1024;

/// Field lines of one head (hardening, P8); their places are kept in the head itself.
pub const FIELDS_MAX: usize = 100;

/// Bytes of a method: the longest registered one (`UPDATEREDIRECTREF`) has 17.
pub const METHOD_BYTES_MAX: usize = 32;

/// Digits of `Content-Length`: all that surely fit 63 bits (hardening, P2).
pub const CONTENT_LENGTH_DIGITS_MAX: usize = 18;

/// Hex digits of a chunk's size; beside that the size must fit 63 bits.
pub const CHUNK_SIZE_DIGITS_MAX: u8 = 16;

/// Bytes of one chunk's extensions, from the semicolon on (hardening, P13).
pub const CHUNK_EXTENSION_BYTES_MAX: u16 = 256;

/// Bytes of chunk extensions in a body beyond the bytes of its payload: so a body cannot consist of
/// extensions, which cost us work and give the upstream nothing (as CVE-2023-39326).
pub const CHUNK_EXTENSIONS_EXCESS_MAX: u64 = 16 * 1024;

/// Bytes of a trailer section, the empty line included.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// Field lines of a trailer section.
pub const TRAILER_FIELDS_MAX: usize = 32;

/// The bounds of one head.
///
/// Any value is fine: what exceeds [`HEAD_BYTES_CEILING`] or [`FIELDS_MAX`] counts as these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head; above: `431`.
    pub head_bytes_max: usize,
    /// Bytes of the request target; above: `414`.
    pub target_bytes_max: usize,
    /// Bytes of one field line without its line end; above: `431`.
    pub field_bytes_max: usize,
    /// Field lines; above: `431`.
    pub fields_max: usize,
}

impl HeadLimits {
    /// The bounds above.
    pub const STANDARD: Self = Self {
        head_bytes_max: HEAD_BYTES_MAX,
        target_bytes_max: TARGET_BYTES_MAX,
        field_bytes_max: FIELD_BYTES_MAX,
        fields_max: FIELDS_MAX,
    };
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self::STANDARD
    }
}

const _: () = assert!(HEAD_BYTES_MAX <= HEAD_BYTES_CEILING);
const _: () = assert!(TARGET_BYTES_MAX + METHOD_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(FIELD_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(TRAILER_BYTES_MAX <= HEAD_BYTES_CEILING);
const _: () = assert!(FIELDS_MAX < u8::MAX as usize);
const _: () = assert!(10_u64.pow(CONTENT_LENGTH_DIGITS_MAX as u32) < i64::MAX as u64);
