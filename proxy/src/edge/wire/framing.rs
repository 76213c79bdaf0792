//! How a request's body is framed, to whom it goes, and what becomes of the connection.
//!
//! One walk over the field lines, then verdicts from what was seen (RFC 9112, sections 3.2, 6 and 9;
//! hardening, P1 to P4). Body framing comes first: its faults are the ones that smuggle.

use super::bytes::{elements, is_token_text};
use super::fields::{Fields, RawField};
use super::limits::CONTENT_LENGTH_DIGITS_MAX;
use super::parse::Version;
use super::refusal::Refusal;
use super::request::{RequestHead, TargetForm};
use filters::builtin::hygiene::{HostPort, read_host};

/// How a request's body is framed (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, and no field that announces one.
    None,
    /// As many bytes as `Content-Length` says, perhaps 0.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// What a request's head says about its message and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFraming<'b> {
    /// The body.
    pub body: Framing,
    /// The one Host, which is also the target's authority if that has one.
    pub host: HostPort<'b>,
    /// Whether the client waits for `100 Continue` before it sends a body. False without a body and
    /// in HTTP/1.0, where the expectation is to be ignored (RFC 9110, section 10.1.1).
    pub expects_continue: bool,
    /// What `Connection` lists.
    pub connection: ConnectionOptions,
    /// Whether the client asks, in any way, for another protocol: it has an `Upgrade` field or lists
    /// it in `Connection`.
    pub asks_upgrade: bool,
    /// Whether the client keeps the connection after this exchange (RFC 9112, section 9.3).
    pub is_persistent: bool,
}

/// The connection options with a meaning of their own (RFC 9110, section 7.6.1). For the others, see
/// [`connection_names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `close`.
    pub close: bool,
    /// `keep-alive`.
    pub keep_alive: bool,
    /// `upgrade`.
    pub upgrade: bool,
}

/// The body framing fields of a head, counted, and verdicts about them that both directions share.
#[derive(Clone, Copy, Default)]
pub(super) struct BodyFields<'b> {
    length: Option<&'b [u8]>,
    has_more_lengths: bool,
    codings: Codings,
}

/// What the Transfer-Encoding fields list, taken together in their order.
#[derive(Clone, Copy, Default)]
struct Codings {
    has_field: bool,
    /// Times that `chunked` is listed.
    chunked: u32,
    /// Whether the last one is `chunked`.
    ends_chunked: bool,
    has_other: bool,
    is_malformed: bool,
}

/// How a message announces its body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    Nothing,
    Length(u64),
    Chunked,
}

/// Reads the framing of a request off its head.
///
/// # Errors
/// The refusals of body framing, `Connection`, `Host` and `Expect`, in this order.
pub fn request_framing<'b>(head: &RequestHead<'b>) -> Result<RequestFraming<'b>, Refusal> {
    let mut body = BodyFields::default();
    let mut connection = ConnectionOptions::default();
    let mut connection_verdict = Ok(());
    let mut hosts = Once::default();
    let mut expects = Once::default();
    let mut has_upgrade = false;
    for field in head.fields.raw() {
        match field.name.len() {
            4 if field.is("host") => hosts.take(field.value()),
            6 if field.is("expect") => expects.take(field.value()),
            7 if field.is("upgrade") => has_upgrade = true,
            10 if field.is("connection") => {
                connection_verdict = connection_verdict.and(connection.take(field.value()));
            }
            _ => body.take(field),
        }
    }
    let body = match body.announced(head.version)? {
        Announced::Nothing => Framing::None,
        Announced::Length(length) => Framing::Length(length),
        Announced::Chunked => Framing::Chunked,
    };
    connection_verdict?;
    let host = judge_host(head, hosts)?;
    let expects_continue = judge_expectation(expects)?
        && head.version == Version::Http11
        && !matches!(body, Framing::None | Framing::Length(0));
    Ok(RequestFraming {
        body,
        host,
        expects_continue,
        connection,
        asks_upgrade: has_upgrade || connection.upgrade,
        is_persistent: connection.is_persistent(head.version),
    })
}

/// The names that the Connection fields list, `close` and its like included: the fields of these names
/// are for this connection only (RFC 9110, section 7.6.1).
pub fn connection_names<'a, 'b: 'a>(fields: &'a Fields<'b>) -> impl Iterator<Item = &'b [u8]> + 'a {
    fields
        .raw()
        .filter(|field| field.is("connection"))
        .flat_map(|field| elements(field.value()))
        .filter(|name| !name.is_empty())
}

/// A field that may come once.
#[derive(Clone, Copy, Default)]
struct Once<'b> {
    value: Option<&'b [u8]>,
    is_repeated: bool,
}

fn judge_host<'b>(head: &RequestHead<'b>, hosts: Once<'b>) -> Result<HostPort<'b>, Refusal> {
    let value = match hosts {
        Once {
            is_repeated: true, ..
        } => return Err(Refusal::RepeatedHost),
        Once {
            value: None | Some([]),
            ..
        } => return Err(Refusal::MissingHost),
        Once {
            value: Some(value), ..
        } => value,
    };
    let host = read_host(value).map_err(|_| Refusal::InvalidHost)?;
    // RFC 9112, section 3.2.2, lets the target win; no honest client sends two hosts (hardening, 2.1).
    // For CONNECT, curl and others send the same, too.
    if let TargetForm::Absolute { authority, .. } = head.form
        && !read_host(authority).is_ok_and(|named| named.is_same(&host))
    {
        return Err(Refusal::HostConflict);
    }
    Ok(host)
}

/// Whether `100-continue` is expected (RFC 9110, section 10.1.1).
fn judge_expectation(expects: Once<'_>) -> Result<bool, Refusal> {
    match expects.value {
        None => Ok(false),
        Some(value) if !expects.is_repeated && value.eq_ignore_ascii_case(b"100-continue") => {
            Ok(true)
        }
        Some(_) => Err(Refusal::ExpectationFailed),
    }
}

// === impl Framing ===

impl Framing {
    /// Whether no byte of a body follows the head.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Length(0))
    }
}

// === impl ConnectionOptions ===

impl ConnectionOptions {
    /// Takes the options of one Connection field. Empty elements are ignored (RFC 9110, 5.6.1.2).
    pub(super) fn take(&mut self, value: &[u8]) -> Result<(), Refusal> {
        for option in elements(value) {
            match option.len() {
                0 => continue,
                5 if option.eq_ignore_ascii_case(b"close") => self.close = true,
                7 if option.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                _ if is_token_text(option) => {}
                _ => return Err(Refusal::MalformedHeader),
            }
        }
        Ok(())
    }

    /// Whether the sender keeps the connection (RFC 9112, section 9.3).
    pub(super) fn is_persistent(self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

// === impl BodyFields ===

impl<'b> BodyFields<'b> {
    /// Takes a field if it is one of body framing.
    #[inline]
    pub(super) fn take(&mut self, field: RawField<'b>) {
        match field.name.len() {
            14 if field.is("content-length") => {
                self.has_more_lengths |= self.length.is_some();
                self.length = Some(field.value());
            }
            17 if field.is("transfer-encoding") => self.codings.take(field.value()),
            _ => {}
        }
    }

    /// How the message announces its body.
    pub(super) fn announced(&self, version: Version) -> Result<Announced, Refusal> {
        if self.codings.has_field {
            if self.length.is_some() {
                return Err(Refusal::LengthWithTransferEncoding);
            }
            self.codings.judge(version)?;
            return Ok(Announced::Chunked);
        }
        match self.length {
            None => Ok(Announced::Nothing),
            Some(_) if self.has_more_lengths => Err(Refusal::DuplicateContentLength),
            Some(value) => parse_length(value).map(Announced::Length),
        }
    }
}

// === impl Codings ===

impl Codings {
    fn take(&mut self, value: &[u8]) {
        self.has_field = true;
        for coding in elements(value) {
            // A parameter makes `chunked` malformed (RFC 9112, section 7.1), and another coding no
            // better.
            let name = coding.split(|&byte| byte == b';').next().unwrap_or(coding);
            let name = super::bytes::trim(name);
            let is_chunked = name.eq_ignore_ascii_case(b"chunked");
            self.is_malformed |= !is_token_text(name) || (is_chunked && name.len() != coding.len());
            self.ends_chunked = is_chunked;
            self.has_other |= !is_chunked;
            self.chunked += u32::from(is_chunked);
        }
    }

    /// Whether this is `chunked`, once and alone (RFC 9112, sections 6.1 and 6.3).
    fn judge(&self, version: Version) -> Result<(), Refusal> {
        let is_last_if_listed = self.chunked == 0 || self.ends_chunked;
        if version == Version::Http10 || self.is_malformed || self.chunked > 1 || !is_last_if_listed
        {
            return Err(Refusal::InvalidTransferEncoding);
        }
        if self.has_other {
            return Err(Refusal::UnsupportedTransferEncoding);
        }
        Ok(())
    }
}

// === impl Once ===

impl<'b> Once<'b> {
    fn take(&mut self, value: &'b [u8]) {
        self.is_repeated |= self.value.is_some();
        self.value = Some(value);
    }
}

fn parse_length(value: &[u8]) -> Result<u64, Refusal> {
    if value.contains(&b',') {
        return Err(Refusal::DuplicateContentLength);
    }
    if !(1..=CONTENT_LENGTH_DIGITS_MAX).contains(&value.len())
        || !value.iter().all(u8::is_ascii_digit)
    {
        return Err(Refusal::InvalidContentLength);
    }
    Ok(value
        .iter()
        .fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}
