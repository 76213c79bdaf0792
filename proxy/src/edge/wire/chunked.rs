//! A chunked body, walked without copying its payload (RFC 9112, section 7.1).
//!
//! The decoder says which slices of the bytes handed in are payload and where the body ends, and
//! refuses every spelling that another reader could take for something else: spaces or signs around
//! the size, bare line feeds, malformed extensions (hardening, P13). It keeps its state between
//! any two bytes. Trailers are kept, as they are rare and bounded, and reported, not judged: which of
//! them may be passed on is the lane's decision (RFC 9110, section 6.5.1).

use super::bytes;
use super::fields::{FieldIter, Place, parse_line};
use super::limits::{
    CHUNK_EXTENSION_BYTES_MAX, CHUNK_EXTENSIONS_EXCESS_MAX, CHUNK_SIZE_DIGITS_MAX,
    TRAILER_BYTES_MAX, TRAILER_FIELDS_MAX,
};
use super::parse::{Stop, Window};
use super::refusal::Refusal;

/// The state of one chunked body between two reads.
#[derive(Clone)]
pub struct ChunkedDecoder {
    state: State,
    /// The size that is being read, then the bytes of the chunk that are still to come.
    left: u64,
    /// Hex digits of the current size.
    digits: u8,
    /// Bytes of the current chunk's extensions.
    extension: u16,
    /// Bytes of all extensions.
    extensions: u64,
    /// Bytes of payload that were announced by chunk sizes so far.
    payload: u64,
    trailers: Trailers,
}

/// What one step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'b> {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// Payload, the last of these bytes; perhaps empty.
    pub payload: &'b [u8],
    /// Whether the body has ended: what follows belongs to the next message.
    pub is_end: bool,
}

/// What a walk over one read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Bytes of the input that belong to the body; all of them, unless it has ended.
    pub consumed: usize,
    /// Whether the body has ended.
    pub is_end: bool,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A digit of the size; behind the first one also what ends it.
    Size,
    /// The first byte of an extension's name.
    NameStart,
    /// A further one, or what ends it.
    Name,
    /// The first byte of an extension's value.
    ValueStart,
    /// A further one of a token, or what ends it.
    Value,
    /// A byte within quotes.
    Quoted,
    /// The byte behind a backslash within quotes.
    Escaped,
    /// What ends an extension behind its closing quote.
    QuotedEnd,
    /// The line feed behind a size.
    SizeLineFeed,
    /// Payload.
    Payload,
    /// The carriage return behind payload.
    PayloadReturn,
    /// The line feed behind payload.
    PayloadLineFeed,
    /// The first byte of a trailer, or the carriage return of the empty line.
    TrailerStart,
    /// A further byte of a trailer.
    Trailer,
    /// The line feed of the empty line.
    LastLineFeed,
    /// None: the body has ended.
    End,
    /// None: the body was refused.
    Refused(Refusal),
}

/// The trailer section: its bytes, and where its field lines lie in them.
#[derive(Clone, Default)]
struct Trailers {
    bytes: Vec<u8>,
    /// Where the line begins that is being read.
    line: usize,
    places: Vec<Place>,
}

// === impl ChunkedDecoder ===

impl Default for ChunkedDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkedDecoder {
    /// The decoder of a body of which nothing was seen.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Size,
            left: 0,
            digits: 0,
            extension: 0,
            extensions: 0,
            payload: 0,
            trailers: Trailers {
                bytes: Vec::new(),
                line: 0,
                places: Vec::new(),
            },
        }
    }

    /// Goes on to the end of the next stretch of payload, of the input, or of the body.
    ///
    /// Unless the body has ended, at least one byte of an input that is not empty is consumed.
    ///
    /// # Errors
    /// [`Refusal::InvalidChunk`], [`Refusal::BareLineFeed`], [`Refusal::TrailersTooLarge`], and what
    /// a trailer's line is refused for. The same again on every later call.
    pub fn step<'b>(&mut self, input: &'b [u8]) -> Result<Step<'b>, Refusal> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match self.state {
                State::End => break,
                State::Payload => return Ok(self.take_payload(input, at)),
                State::Trailer => match self.trailers.take(&input[at..]) {
                    Ok((taken, next)) => {
                        at += taken;
                        self.state = next;
                    }
                    Err(refusal) => return Err(self.refuse(refusal)),
                },
                _ => match self.take(byte) {
                    Ok(next) => {
                        self.state = next;
                        at += 1;
                    }
                    Err(refusal) => return Err(self.refuse(refusal)),
                },
            }
        }
        if let State::Refused(refusal) = self.state {
            return Err(refusal);
        }
        Ok(Step {
            consumed: at,
            payload: &[],
            is_end: self.is_end(),
        })
    }

    /// Goes over a whole read, showing each stretch of payload.
    ///
    /// # Errors
    /// As [`Self::step`]; payload before the fault was shown.
    pub fn walk<'b>(
        &mut self,
        input: &'b [u8],
        mut show: impl FnMut(&'b [u8]),
    ) -> Result<Walk, Refusal> {
        let mut consumed = 0;
        loop {
            let step = self.step(&input[consumed..])?;
            consumed += step.consumed;
            if !step.payload.is_empty() {
                show(step.payload);
            }
            if step.is_end || consumed == input.len() {
                return Ok(Walk {
                    consumed,
                    is_end: step.is_end,
                });
            }
        }
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.state == State::End
    }

    /// Bytes of payload that the chunk sizes announced so far, those to come of the current chunk
    /// included: so a body that will be too large is known by its size line.
    #[must_use]
    pub fn payload_announced(&self) -> u64 {
        self.payload
    }

    /// The trailers that were read so far; all of them once the body has ended.
    #[must_use]
    pub fn trailers(&self) -> FieldIter<'_, '_> {
        let end = u16::try_from(self.trailers.line).expect("trailers are bounded far below");
        FieldIter::new(&self.trailers.bytes, &self.trailers.places, end)
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        self.state = State::Refused(refusal);
        refusal
    }

    #[inline]
    fn take_payload<'b>(&mut self, input: &'b [u8], at: usize) -> Step<'b> {
        let there = input.len() - at;
        let length = usize::try_from(self.left).map_or(there, |left| left.min(there));
        self.left -= length as u64;
        if self.left == 0 {
            self.state = State::PayloadReturn;
        }
        Step {
            consumed: at + length,
            payload: &input[at..at + length],
            is_end: false,
        }
    }

    /// Takes one byte that is neither payload nor within a trailer; what comes next.
    #[inline]
    fn take(&mut self, byte: u8) -> Result<State, Refusal> {
        match self.state {
            State::Size => self.take_size(byte),
            State::NameStart
            | State::Name
            | State::ValueStart
            | State::Value
            | State::Quoted
            | State::Escaped
            | State::QuotedEnd => self.take_extension(byte),
            State::SizeLineFeed => {
                line_feed(byte)?;
                self.digits = 0;
                self.extension = 0;
                Ok(if self.left == 0 {
                    State::TrailerStart
                } else {
                    State::Payload
                })
            }
            State::PayloadReturn => match byte {
                b'\r' => Ok(State::PayloadLineFeed),
                b'\n' => Err(Refusal::BareLineFeed),
                // The size was smaller than the chunk.
                _ => Err(Refusal::InvalidChunk),
            },
            State::PayloadLineFeed => line_feed(byte).map(|()| State::Size),
            State::TrailerStart => match byte {
                b'\r' => Ok(State::LastLineFeed),
                // Read by the trailer section, which begins with this very byte.
                _ => self.trailers.start(byte),
            },
            State::LastLineFeed => line_feed(byte).map(|()| State::End),
            State::Refused(refusal) => Err(refusal),
            State::Payload | State::Trailer | State::End => {
                unreachable!("these states take more or less than one byte")
            }
        }
    }

    #[inline]
    fn take_size(&mut self, byte: u8) -> Result<State, Refusal> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ if self.digits == 0 => return Err(no_text(byte)),
            _ => {
                self.payload = self.payload.saturating_add(self.left);
                return self.end_size(byte);
            }
        };
        if self.digits == CHUNK_SIZE_DIGITS_MAX {
            return Err(Refusal::InvalidChunk);
        }
        self.digits += 1;
        // Sixteen digits fill 64 bits exactly. The highest one stays free: whoever counts with a sign
        // behind us must not see a negative size.
        self.left = self.left << 4 | u64::from(digit);
        if i64::try_from(self.left).is_err() {
            return Err(Refusal::InvalidChunk);
        }
        Ok(State::Size)
    }

    /// What ends a size or an extension: another extension or the line's end.
    #[inline]
    fn end_size(&mut self, byte: u8) -> Result<State, Refusal> {
        match byte {
            b'\r' => Ok(State::SizeLineFeed),
            b';' => {
                self.count_extension()?;
                Ok(State::NameStart)
            }
            _ => Err(no_text(byte)),
        }
    }

    /// RFC 9112, section 7.1.1, without the white space that it calls bad.
    fn take_extension(&mut self, byte: u8) -> Result<State, Refusal> {
        let next = match (self.state, byte) {
            (State::NameStart | State::Name, _) if bytes::is_token(byte) => State::Name,
            (State::Name, b'=') => State::ValueStart,
            (State::ValueStart, b'"') => State::Quoted,
            (State::ValueStart | State::Value, _) if bytes::is_token(byte) => State::Value,
            (State::Quoted, b'"') => State::QuotedEnd,
            (State::Quoted, b'\\') => State::Escaped,
            (State::Quoted | State::Escaped, _) if bytes::is_quotable(byte) => State::Quoted,
            (State::Name | State::Value | State::QuotedEnd, _) => return self.end_size(byte),
            _ => return Err(no_text(byte)),
        };
        self.count_extension()?;
        Ok(next)
    }

    fn count_extension(&mut self) -> Result<(), Refusal> {
        self.extension += 1;
        self.extensions += 1;
        let excess = self.extensions.saturating_sub(self.payload);
        if self.extension > CHUNK_EXTENSION_BYTES_MAX || excess > CHUNK_EXTENSIONS_EXCESS_MAX {
            return Err(Refusal::InvalidChunk);
        }
        Ok(())
    }
}

/// The line feed that must follow a carriage return.
#[inline]
fn line_feed(byte: u8) -> Result<(), Refusal> {
    match byte {
        b'\n' => Ok(()),
        _ => Err(Refusal::BareLineFeed),
    }
}

/// Why a byte may not stand in a size line.
#[cold]
fn no_text(byte: u8) -> Refusal {
    match byte {
        b'\n' => Refusal::BareLineFeed,
        _ => Refusal::InvalidChunk,
    }
}

// === impl Trailers ===

impl Trailers {
    /// Takes the first byte of a line, which is not a carriage return.
    fn start(&mut self, byte: u8) -> Result<State, Refusal> {
        if byte == b'\n' {
            return Err(Refusal::BareLineFeed);
        }
        if self.places.len() == TRAILER_FIELDS_MAX {
            return Err(Refusal::TrailersTooLarge);
        }
        self.push(&[byte])?;
        Ok(State::Trailer)
    }

    /// Takes bytes to the end of the line, if it is there: how many, and what comes next.
    fn take(&mut self, input: &[u8]) -> Result<(usize, State), Refusal> {
        let end = input.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(input.len(), |end| end + 1);
        self.push(&input[..taken])?;
        if end.is_none() {
            return Ok((taken, State::Trailer));
        }
        let window = Window {
            bytes: &self.bytes,
            end: Stop::Refuse(Refusal::InvalidChunk),
        };
        match parse_line(window, self.line, TRAILER_BYTES_MAX) {
            Ok(line) => {
                self.places.push(line.place);
                self.line = line.next;
                Ok((taken, State::TrailerStart))
            }
            Err(Stop::Refuse(refusal)) => Err(refusal),
            Err(Stop::Partial) => unreachable!("the window ends in a refusal"),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        // The empty line behind them counts, too.
        if self.bytes.len() + bytes.len() + 2 > TRAILER_BYTES_MAX {
            return Err(Refusal::TrailersTooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
