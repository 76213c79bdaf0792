//! One pass over the field lines of a request, and what follows from it: syntax, framing, repeats.
//!
//! HTTP/1 heads pass a stricter gate in the lane before they come here; HTTP/2 heads pass their
//! library. Neither is relied on.

use super::known::{Known, Often, Present, is_token_byte, may_be_dropped};
use crate::head::{Head, Version};
use crate::limits::{CONNECTION_NAMES_MAX, FIELDS_MAX, HEAD_BYTES_MAX, TARGET_LENGTH_MAX};
use crate::reply::{Detail, Reason, Reply};

/// What one pass over the field lines found.
pub(super) struct Seen<'a> {
    present: Present,
    lines: usize,
    bytes: usize,
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    expect: Option<&'a [u8]>,
    fault: Option<Fault>,
}

/// The first thing that is wrong with the field lines.
#[derive(Clone, Copy)]
struct Fault {
    reason: Reason,
    field: Option<Known>,
}

impl<'a> Seen<'a> {
    /// Looks at every line once.
    pub(super) fn of(head: &Head<'a>) -> Self {
        let mut seen = Self {
            present: Present::default(),
            lines: 0,
            bytes: head.method.len() + head.target.len(),
            host: None,
            content_length: None,
            transfer_encoding: None,
            expect: None,
            fault: None,
        };
        let version = head.version;
        head.fields
            .each(&mut |name, value| seen.take(version, name, value));
        seen
    }

    pub(super) const fn host(&self) -> Option<&'a [u8]> {
        self.host
    }

    /// Which fields there are.
    pub(super) const fn present(&self) -> Present {
        self.present
    }

    pub(super) const fn has(&self, known: Known) -> bool {
        self.present.has(known)
    }

    fn take(&mut self, version: Version, name: &'a [u8], value: &'a [u8]) {
        self.lines += 1;
        self.bytes += name.len() + value.len() + ": \r\n".len();
        if self.fault.is_some() {
            return;
        }
        if name.is_empty() || !is_token(name) || !is_value(value) {
            self.fail(Reason::MalformedHeader, None);
            return;
        }
        let Some(known) = self.present.take(name) else {
            return;
        };
        if self.has(known) && known.often() != Often::Many {
            self.fail(repeated(known), Some(known));
            return;
        }
        self.present.known |= known.bit();
        match known {
            Known::Host => self.host = Some(value),
            Known::ContentLength => self.content_length = Some(value),
            Known::TransferEncoding => self.transfer_encoding = Some(value),
            Known::Expect => self.expect = Some(value),
            _ => {}
        }
        if !fits_hop(version, known, value) {
            self.fail(Reason::MalformedHeader, Some(known));
        }
    }

    const fn fail(&mut self, reason: Reason, field: Option<Known>) {
        self.fault = Some(Fault { reason, field });
    }
}

/// Sizes: 414 and 431 (hardening, P8).
pub(super) fn judge_sizes(head: &Head<'_>, seen: &Seen<'_>) -> Result<(), Box<Reply>> {
    let (reason, limit) = if head.target.len() > TARGET_LENGTH_MAX {
        (Reason::TargetTooLong, TARGET_LENGTH_MAX)
    } else if seen.lines > FIELDS_MAX {
        (Reason::TooManyHeaders, FIELDS_MAX)
    } else if seen.bytes > HEAD_BYTES_MAX {
        (Reason::HeaderTooLarge, HEAD_BYTES_MAX)
    } else {
        return Ok(());
    };
    Err(Reply::refuse(reason).with_detail("limit", Detail::Number(limit as u64)))
}

/// Syntax, repeats, fields that belong to one hop. A framing field in doubt ends the connection.
pub(super) fn judge_fields(seen: &Seen<'_>) -> Result<(), Box<Reply>> {
    let Some(fault) = seen.fault else {
        return Ok(());
    };
    let reply = Reply::refuse(fault.reason);
    let Some(field) = fault.field else {
        return Err(reply.closing());
    };
    let reply = reply.with_detail("header", Detail::Name(field.as_str()));
    Err(match field {
        Known::ContentLength | Known::TransferEncoding | Known::Connection | Known::Host => {
            reply.closing()
        }
        _ => reply,
    })
}

/// `Content-Length` and `Transfer-Encoding` (RFC 9112, section 6.3; hardening, P2 to P4): every
/// refusal closes the connection, because nobody knows where the body ends.
pub(super) fn judge_framing(version: Version, seen: &Seen<'_>) -> Result<(), Box<Reply>> {
    let refuse = |reason| Err(Reply::refuse(reason).closing());
    if let Some(coding) = seen.transfer_encoding {
        if seen.content_length.is_some() {
            return refuse(Reason::LengthWithTransferEncoding);
        }
        if version != Version::Http11 {
            return refuse(Reason::InvalidTransferEncoding);
        }
        if !coding.eq_ignore_ascii_case(b"chunked") {
            let all_chunked = coding
                .split(|&byte| byte == b',')
                .map(<[u8]>::trim_ascii)
                .all(|name| name.is_empty() || name.eq_ignore_ascii_case(b"chunked"));
            return refuse(if all_chunked {
                Reason::InvalidTransferEncoding
            } else {
                Reason::UnsupportedTransferEncoding
            });
        }
    }
    match seen.content_length {
        Some(digits) if !(1..=18).contains(&digits.len()) => refuse(Reason::InvalidContentLength),
        Some(digits) if !digits.iter().all(u8::is_ascii_digit) => {
            refuse(Reason::InvalidContentLength)
        }
        _ => Ok(()),
    }
}

/// `Expect` (RFC 9110, section 10.1.1).
pub(super) fn judge_expect(seen: &Seen<'_>) -> Result<(), Box<Reply>> {
    match seen.expect {
        Some(value) if !value.eq_ignore_ascii_case(b"100-continue") => {
            Err(Reply::refuse(Reason::ExpectationFailed))
        }
        _ => Ok(()),
    }
}

/// One kind of credential (contract, section 1).
pub(super) fn judge_credentials(seen: &Seen<'_>) -> Result<(), Box<Reply>> {
    if seen.has(Known::ApiKey) && seen.has(Known::Authorization) {
        return Err(Reply::refuse(Reason::AmbiguousCredentials));
    }
    Ok(())
}

const fn repeated(known: Known) -> Reason {
    match (known, known.often()) {
        (Known::Host, _) => Reason::MissingHost,
        (Known::ContentLength, _) => Reason::DuplicateContentLength,
        (Known::TransferEncoding, _) => Reason::InvalidTransferEncoding,
        (_, Often::Credential) => Reason::AmbiguousCredentials,
        _ => Reason::RepeatedHeader,
    }
}

/// Fields of one connection: none in HTTP/2 (RFC 9113, section 8.2.2), and in HTTP/1 they may not
/// take away fields that are meant for the other end.
fn fits_hop(version: Version, known: Known, value: &[u8]) -> bool {
    match known {
        Known::Connection if version != Version::Http2 => fits_connection(value),
        Known::Connection
        | Known::KeepAlive
        | Known::ProxyConnection
        | Known::TransferEncoding
        | Known::Upgrade => version != Version::Http2,
        Known::Te => version != Version::Http2 || value.eq_ignore_ascii_case(b"trailers"),
        _ => true,
    }
}

fn fits_connection(value: &[u8]) -> bool {
    let mut names = 0;
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .all(|name| {
            names += 1;
            names <= CONNECTION_NAMES_MAX
                && name.iter().all(|&byte| is_token_byte(byte))
                && (name.is_empty() || name.eq_ignore_ascii_case(b"close") || may_be_dropped(name))
        })
}

/// The names that Connection lists, without the words that are no names.
pub(super) fn connection_names(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|name| {
            !name.is_empty()
                && !name.eq_ignore_ascii_case(b"close")
                && !name.eq_ignore_ascii_case(b"keep-alive")
        })
        .take(CONNECTION_NAMES_MAX)
}

fn is_token(name: &[u8]) -> bool {
    name.iter()
        .fold(true, |fine, &byte| fine & is_token_byte(byte))
}

/// Text, tabs and 8-bit bytes; no other control (RFC 9110, section 5.5).
fn is_value(value: &[u8]) -> bool {
    // Without leaving early, so that many bytes are looked at at once.
    value.iter().fold(true, |fine, &byte| {
        fine & ((byte == b'\t') | ((byte >= b' ') & (byte != 0x7f)))
    })
}
