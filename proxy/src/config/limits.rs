//! Every bound of reading a policy file, with its reason.

/// Bytes of a policy file. The shipped one has a few thousand; a generated one may be long.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a file that a filter's configuration names: a set of public keys has a few thousand.
pub const NAMED_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Values in one file, those behind aliases counted once for each use: a file of a few lines that
/// unfolds into millions of values is refused while it is read.
pub const NODES_MAX: usize = 50_000;

/// Levels of nesting, aliases included. Reading is recursive, so this bounds the stack.
pub const DEPTH_MAX: usize = 32;

/// Uses of `*name` in one file.
pub const ALIASES_MAX: usize = 1_000;

/// Mistakes that one report shows; further ones are only counted.
pub const MISTAKES_MAX: usize = 100;

/// Times that one document is read over to find further mistakes behind the first ones.
pub const PASSES_MAX: usize = 4 * MISTAKES_MAX;

/// Columns of a report.
pub const COLUMNS: usize = 80;

const _: () = assert!(FILE_BYTES_MAX < u32::MAX as usize);
const _: () = assert!(DEPTH_MAX < 128);
