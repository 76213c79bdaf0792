//! An upstream's response head, read in place (RFC 9112, sections 4 and 5).
//!
//! As strict as for requests, with one exception: the space behind the status may be missing when there
//! is no reason phrase, as many servers have it.

use super::bytes;
use super::fault::AnswerFault;
use super::fields::Fields;
use super::limits::HeadLimits;
use super::parse::{Parse, Stop, Version, Window};
use super::refusal::Refusal;

/// A response's head.
#[derive(Clone)]
pub struct ResponseHead<'b> {
    /// The version.
    pub version: Version,
    /// The status code: 100 to 599.
    pub status: u16,
    /// The reason phrase, perhaps empty; never to be believed.
    pub phrase: &'b [u8],
    /// The field lines.
    pub fields: Fields<'b>,
}

/// Why reading stops before the end of a response's head.
enum Halt {
    Partial,
    Fault(AnswerFault),
}

/// Reads a response's head from the start of the buffer. The target's limit does not apply; the status
/// line may be as long as a field line.
///
/// Interim responses (1xx) are heads of their own: read them off until another one comes.
#[must_use]
#[inline]
pub fn parse_response<'b>(
    buffer: &'b [u8],
    limits: &HeadLimits,
) -> Parse<ResponseHead<'b>, AnswerFault> {
    let mut head = ResponseHead::blank();
    match head.read(buffer, limits) {
        Parse::Complete { length, .. } => Parse::Complete { head, length },
        Parse::Partial => Parse::Partial,
        Parse::Refuse(fault) => Parse::Refuse(fault),
    }
}

impl<'b> ResponseHead<'b> {
    /// A head of which nothing was read.
    #[must_use]
    #[inline]
    pub fn blank() -> Self {
        Self {
            version: Version::Http11,
            status: 0,
            phrase: &[],
            fields: Fields::blank(),
        }
    }

    /// Reads as [`parse_response`] does, into its place. Of a head that is not
    /// [complete](Parse::Complete) the parts mean nothing.
    #[inline]
    pub fn read(&mut self, buffer: &'b [u8], limits: &HeadLimits) -> Parse<(), AnswerFault> {
        match fill(self, Window::head(buffer, limits), limits) {
            Ok(length) => Parse::Complete { head: (), length },
            Err(Halt::Partial) => Parse::Partial,
            Err(Halt::Fault(fault)) => Parse::Refuse(fault),
        }
    }
}

#[inline]
fn fill<'b>(
    head: &mut ResponseHead<'b>,
    window: Window<'b>,
    limits: &HeadLimits,
) -> Result<usize, Halt> {
    let line = window.up_to(
        limits.field_bytes_max.saturating_add(2),
        Refusal::HeaderTooLarge,
    );
    let (version, at) = line.version(0, Refusal::MalformedRequestLine)?;
    let (status, at) = parse_status(line, at)?;
    let (phrase, at) = parse_phrase(line, at)?;
    if !(100..=599).contains(&status) {
        return Err(Halt::Fault(AnswerFault::InvalidStatus));
    }
    head.version = version;
    head.status = status;
    head.phrase = phrase;
    Ok(head.fields.fill(window, at, limits)?)
}

/// Reads a space and three digits.
fn parse_status(line: Window<'_>, start: usize) -> Result<(u16, usize), Halt> {
    if line.byte(start)? != b' ' {
        return Err(Halt::Fault(AnswerFault::MalformedStatusLine));
    }
    let mut status = 0;
    for place in 1..=3 {
        let digit = line.byte(start + place)?;
        if !digit.is_ascii_digit() {
            return Err(Halt::Fault(AnswerFault::MalformedStatusLine));
        }
        status = status * 10 + u16::from(digit - b'0');
    }
    Ok((status, start + 4))
}

/// Reads the phrase with the space before it, to the end of the line.
fn parse_phrase(line: Window<'_>, start: usize) -> Result<(&[u8], usize), Halt> {
    let start = match line.byte(start)? {
        b' ' => start + 1,
        b'\r' | b'\n' => start,
        _ => return Err(Halt::Fault(AnswerFault::MalformedStatusLine)),
    };
    let end = start
        + line
            .bytes
            .get(start..)
            .map_or(0, |rest| bytes::text(rest).length);
    match line.byte(end)? {
        b'\r' => Ok((&line.bytes[start..end], line.line_feed(end + 1)?)),
        b'\n' => Err(Halt::Fault(AnswerFault::Head(Refusal::BareLineFeed))),
        _ => Err(Halt::Fault(AnswerFault::MalformedStatusLine)),
    }
}

// === impl Halt ===

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Partial => Self::Partial,
            Stop::Refuse(Refusal::MalformedRequestLine) => {
                Self::Fault(AnswerFault::MalformedStatusLine)
            }
            Stop::Refuse(Refusal::UnsupportedHttpVersion) => {
                Self::Fault(AnswerFault::UnsupportedHttpVersion)
            }
            Stop::Refuse(refusal) => Self::Fault(AnswerFault::Head(refusal)),
        }
    }
}
