//! What reading a head comes to, and the window through which it is read.

use super::bytes;
use super::limits::{HEAD_BYTES_CEILING, HeadLimits};
use super::refusal::Refusal;

/// The outcome of reading a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parse<T, E = Refusal> {
    /// The head is whole and good.
    Complete {
        /// The head, borrowed from the buffer.
        head: T,
        /// Its bytes, the empty line included: the body begins there.
        length: usize,
    },
    /// Good so far, but not whole: call again with more bytes.
    Partial,
    /// It will not become good, whatever follows.
    Refuse(E),
}

/// The version of a message that this reader takes (RFC 9112, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Why reading stops before the end of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes that are there are used up.
    Partial,
    /// The head is refused.
    Refuse(Refusal),
}

/// As much of the buffer as one part of a head may reach into.
///
/// Limits are kept by shortening the window rather than by counting afterwards: so the first fault
/// from the left decides, and a verdict does not depend on how many bytes had already arrived.
#[derive(Clone, Copy)]
pub(super) struct Window<'b> {
    /// The bytes, from the start of the buffer.
    pub(super) bytes: &'b [u8],
    /// Why reading stops at the window's end.
    pub(super) end: Stop,
}

// === impl Stop ===

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

// === impl Window ===

impl<'b> Window<'b> {
    /// The window of a whole head.
    #[inline]
    pub(super) fn head(buffer: &'b [u8], limits: &HeadLimits) -> Self {
        let all = Self {
            bytes: buffer,
            end: Stop::Partial,
        };
        all.up_to(
            limits.head_bytes_max.min(HEAD_BYTES_CEILING),
            Refusal::HeaderTooLarge,
        )
    }

    /// The window shortened to end at a position, beyond which is a refusal.
    #[inline]
    pub(super) fn up_to(self, end: usize, refusal: Refusal) -> Self {
        match self.bytes.get(..end) {
            Some(bytes) => Self {
                bytes,
                end: Stop::Refuse(refusal),
            },
            None => self,
        }
    }

    /// The byte at a position.
    #[inline]
    pub(super) fn byte(self, at: usize) -> Result<u8, Stop> {
        self.bytes.get(at).copied().ok_or(self.end)
    }

    /// The position behind the line feed that must stand at `at`, behind a carriage return.
    #[inline]
    pub(super) fn line_feed(self, at: usize) -> Result<usize, Stop> {
        match self.byte(at)? {
            b'\n' => Ok(at + 1),
            _ => Err(Refusal::BareLineFeed.into()),
        }
    }

    /// Reads the version at `at`: the version, and the position behind its eight bytes.
    ///
    /// # Errors
    /// `malformed` when it has not the shape of a version, [`Refusal::UnsupportedHttpVersion`] when
    /// it is another one.
    #[inline]
    pub(super) fn version(self, at: usize, malformed: Refusal) -> Result<(Version, usize), Stop> {
        match self.bytes.get(at..at + 8) {
            Some(b"HTTP/1.1") => Ok((Version::Http11, at + 8)),
            Some(b"HTTP/1.0") => Ok((Version::Http10, at + 8)),
            _ => Err(self.no_version(at, malformed)),
        }
    }

    /// Why the bytes at `at` are not a version of ours.
    #[cold]
    fn no_version(self, at: usize, malformed: Refusal) -> Stop {
        for (place, expected) in b"HTTP/0.0".iter().enumerate() {
            let byte = match self.byte(at + place) {
                Ok(byte) => byte,
                Err(stop) => return stop,
            };
            let fits = match expected {
                b'0' => byte.is_ascii_digit(),
                _ => byte == *expected,
            };
            match byte {
                _ if fits => {}
                b'\n' => return Refusal::BareLineFeed.into(),
                _ => return malformed.into(),
            }
        }
        Refusal::UnsupportedHttpVersion.into()
    }

    /// The number of token bytes from `at` on.
    #[inline]
    pub(super) fn token_length(self, at: usize) -> usize {
        self.bytes.get(at..).map_or(0, bytes::token_length)
    }
}
