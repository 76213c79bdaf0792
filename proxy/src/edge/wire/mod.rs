//! The strict HTTP/1.1 reader: pure code over bytes, in front of everything else.
//!
//! It reads message heads in place ([`parse_request`], [`parse_response`]), says how a body is framed
//! ([`request_framing`], [`response_framing`]) and walks chunked bodies ([`ChunkedDecoder`]). It is
//! strict where RFC 9112 lets a recipient be lenient: what two readers could understand in two ways is
//! refused with a [`Refusal`], never repaired, so that nothing doubtful is passed on (hardening, parts
//! 1 and 2.1).
//!
//! Two promises hold for every entry:
//!
//! - **Splits do not matter.** A verdict depends on the bytes, not on the reads that brought them: what
//!   is refused for a prefix is refused for the same reason with more bytes after it.
//! - **Cost is linear and memory bounded.** No entry allocates, but for trailers, which are rare and
//!   bounded; a head that drips in is scanned once by [`HeadScan`]. All bounds are in [`limits`].
//!
//! It stops where meaning begins: paths, methods, lists of hosts and everything about who calls belong
//! to the filters; sockets, deadlines and answers belong to the lanes.

mod bytes;
mod chunked;
mod fault;
mod fields;
mod framing;
pub mod limits;
mod parse;
mod refusal;
mod request;
mod response;
mod response_framing;
mod scan;

pub use chunked::{ChunkedDecoder, Step, Walk};
pub use fault::AnswerFault;
pub use fields::{Field, FieldIter, Fields};
pub use framing::{ConnectionOptions, Framing, RequestFraming, connection_names, request_framing};
pub use limits::HeadLimits;
pub use parse::{Parse, Version};
pub use refusal::Refusal;
pub use request::{RequestHead, TargetForm, parse_request};
pub use response::{ResponseHead, parse_response};
pub use response_framing::{AnswerBody, ResponseFraming, response_framing};
pub use scan::HeadScan;

#[cfg(test)]
mod tests;
