//! A request's head, read in place (RFC 9112, sections 3 and 5).
//!
//! Strict where the standard allows either: lines end in CR LF only; one empty line before the request
//! line is skipped (section 2.2), a second is not; parts are parted by one space; no folded lines, no
//! white space before a colon. Which paths, methods and hosts are let through is not decided here.

use super::bytes;
use super::fields::Fields;
use super::limits::{HeadLimits, METHOD_BYTES_MAX};
use super::parse::{Parse, Stop, Version, Window};
use super::refusal::Refusal;
use filters::builtin::hygiene::read_host;

/// A request's head.
///
/// It has no `Debug`: it holds credentials.
#[derive(Clone)]
pub struct RequestHead<'b> {
    /// The method: a token of at most [`METHOD_BYTES_MAX`] bytes, case-sensitive.
    pub method: &'b str,
    /// The request target as it was sent: visible ASCII without `#`.
    pub target: &'b [u8],
    /// Which of the four forms the target has, and its parts.
    pub form: TargetForm<'b>,
    /// The version.
    pub version: Version,
    /// The field lines.
    pub fields: Fields<'b>,
}

/// The form of a request target (RFC 9112, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm<'b> {
    /// A path, and perhaps a query.
    Origin,
    /// A whole URI, as if to a proxy.
    Absolute {
        /// Whether the scheme is `https` rather than `http`.
        is_https: bool,
        /// What stands between `//` and the path: a host and port.
        authority: &'b [u8],
        /// Path and query; `/` (for OPTIONS `*`) when the URI ends with its authority.
        path_and_query: &'b [u8],
    },
    /// A host and port, for CONNECT.
    Authority,
    /// `*`, for OPTIONS.
    Asterisk,
}

// === impl RequestHead ===

impl<'b> RequestHead<'b> {
    /// A head of which nothing was read.
    #[must_use]
    #[inline]
    pub fn blank() -> Self {
        Self {
            method: "",
            target: &[],
            form: TargetForm::Origin,
            version: Version::Http11,
            fields: Fields::blank(),
        }
    }

    /// Reads as [`parse_request`] does, into its place: a head is half a kilobyte. Of a head that is not
    /// [complete](Parse::Complete) the parts mean nothing.
    #[inline]
    pub fn read(&mut self, buffer: &'b [u8], limits: &HeadLimits) -> Parse<()> {
        match fill(self, Window::head(buffer, limits), limits) {
            Ok(length) => Parse::Complete { head: (), length },
            Err(Stop::Partial) => Parse::Partial,
            Err(Stop::Refuse(refusal)) => Parse::Refuse(refusal),
        }
    }

    /// Path and query as they are judged and sent on: the target, but for absolute-form.
    #[must_use]
    pub fn path_and_query(&self) -> &'b [u8] {
        match self.form {
            TargetForm::Absolute { path_and_query, .. } => path_and_query,
            _ => self.target,
        }
    }

    /// The authority that the target names, if it names one.
    #[must_use]
    pub fn authority(&self) -> Option<&'b [u8]> {
        match self.form {
            TargetForm::Absolute { authority, .. } => Some(authority),
            TargetForm::Authority => Some(self.target),
            TargetForm::Origin | TargetForm::Asterisk => None,
        }
    }
}

/// Reads a request's head from the start of the buffer.
///
/// On [`Parse::Partial`], a head that drips in would be read from its start again and again: use
/// [`super::HeadScan::parse_request`] there, which gives the same outcome.
#[must_use]
#[inline]
pub fn parse_request<'b>(buffer: &'b [u8], limits: &HeadLimits) -> Parse<RequestHead<'b>> {
    let mut head = RequestHead::blank();
    match head.read(buffer, limits) {
        Parse::Complete { length, .. } => Parse::Complete { head, length },
        Parse::Partial => Parse::Partial,
        Parse::Refuse(refusal) => Parse::Refuse(refusal),
    }
}

#[inline]
fn fill<'b>(
    head: &mut RequestHead<'b>,
    window: Window<'b>,
    limits: &HeadLimits,
) -> Result<usize, Stop> {
    let start = skip_empty_line(window)?;
    let (method, at) = parse_method(window, start)?;
    let (target, at) = parse_target(window, at, limits.target_bytes_max)?;
    let (version, at) = window.version(at, Refusal::MalformedRequestLine)?;
    let at = parse_line_end(window, at)?;
    // The form is judged behind the version, so that HTTP/2's preface is told its version is wrong.
    head.form = target_form(method, target).ok_or(Refusal::InvalidTarget)?;
    head.method = method;
    head.target = target;
    head.version = version;
    head.fields.fill(window, at, limits)
}

/// The position behind one empty line, if there is one: old clients send it after a body.
#[inline]
fn skip_empty_line(window: Window<'_>) -> Result<usize, Stop> {
    match window.byte(0)? {
        b'\r' => window.line_feed(1),
        b'\n' => Err(Refusal::BareLineFeed.into()),
        _ => Ok(0),
    }
}

#[inline]
fn parse_method<'b>(window: Window<'b>, start: usize) -> Result<(&'b str, usize), Stop> {
    let window = window.up_to(start + METHOD_BYTES_MAX + 1, Refusal::UnknownMethod);
    let end = start + window.token_length(start);
    match window.byte(end)? {
        b' ' if end > start => {}
        b'\n' => return Err(Refusal::BareLineFeed.into()),
        _ => return Err(Refusal::MalformedRequestLine.into()),
    }
    let method = match &window.bytes[start..end] {
        b"GET" => "GET",
        b"POST" => "POST",
        other => std::str::from_utf8(other).expect("a token is ASCII"),
    };
    Ok((method, end + 1))
}

#[inline]
fn parse_target(
    window: Window<'_>,
    start: usize,
    target_bytes_max: usize,
) -> Result<(&[u8], usize), Stop> {
    let window = window.up_to(
        start.saturating_add(target_bytes_max).saturating_add(1),
        Refusal::TargetTooLong,
    );
    let end = start + window.bytes.get(start..).map_or(0, bytes::target_length);
    match window.byte(end)? {
        b' ' if end > start => Ok((&window.bytes[start..end], end + 1)),
        b'\n' => Err(Refusal::BareLineFeed.into()),
        // Two spaces, or a line that ends behind the target as HTTP/0.9 had it.
        b' ' | b'\r' => Err(Refusal::MalformedRequestLine.into()),
        _ => Err(Refusal::InvalidTarget.into()),
    }
}

#[inline]
fn parse_line_end(window: Window<'_>, at: usize) -> Result<usize, Stop> {
    match window.byte(at)? {
        b'\r' => window.line_feed(at + 1),
        b'\n' => Err(Refusal::BareLineFeed.into()),
        _ => Err(Refusal::MalformedRequestLine.into()),
    }
}

/// The form of a target, which is not empty; `None` when it has none, or not with this method.
#[inline]
fn target_form<'b>(method: &str, target: &'b [u8]) -> Option<TargetForm<'b>> {
    if method == "CONNECT" {
        // RFC 9112, section 3.2.3: the port must be there.
        let has_port = read_host(target).is_ok_and(|host| host.port.is_some());
        return has_port.then_some(TargetForm::Authority);
    }
    match target {
        [b'/', ..] => Some(TargetForm::Origin),
        b"*" => (method == "OPTIONS").then_some(TargetForm::Asterisk),
        _ => absolute_form(method, target),
    }
}

fn absolute_form<'b>(method: &str, target: &'b [u8]) -> Option<TargetForm<'b>> {
    let after = |scheme: &[u8]| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let (is_https, rest) = match after(b"http://") {
        Some(rest) => (false, rest),
        None => (true, after(b"https://")?),
    };
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (authority, path_and_query) = rest.split_at(end);
    // No userinfo (RFC 9110, section 4.2.4), no empty host.
    read_host(authority).ok()?;
    let path_and_query: &[u8] = match path_and_query {
        [] if method == "OPTIONS" => b"*",
        [] => b"/",
        [b'/', ..] => path_and_query,
        // A query without a path: to send it on, a slash would have to be made up.
        _ => return None,
    };
    Some(TargetForm::Absolute {
        is_https,
        authority,
        path_and_query,
    })
}
