//! One message head, as borrowed bytes.
//!
//! A [`Head`] is a view over memory that a lane owns: nothing is copied, nothing is rebuilt. What a
//! filter wants changed it records as an edit ([`crate::edits`]); the lane applies all edits once,
//! while it writes.

use http::HeaderName;

/// The protocol version of a message (RFC 9110, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

/// The field lines of a head, in their order and spelling.
pub trait Fields {
    /// The value of the `n`th line (from 0) whose name equals `name` without regard to case.
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]>;

    /// Shows every field line: its name as it was spelled, and its value.
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8]));
}

/// A request's head.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The method, as sent (RFC 9110, section 9).
    pub method: &'a str,
    /// Path and query exactly as they are sent on; for absolute-form, what follows the authority.
    pub target: &'a [u8],
    /// The authority of an absolute-form target, or of HTTP/2's `:authority`.
    pub authority: Option<&'a [u8]>,
    /// The client's protocol version.
    pub version: Version,
    /// The field lines.
    pub fields: &'a dyn Fields,
}

/// A response's head.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    /// The status code (RFC 9110, section 15).
    pub status: u16,
    /// The field lines.
    pub fields: &'a dyn Fields,
}

/// A field that may be sent once was sent more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

// === impl Head ===

impl<'a> Head<'a> {
    /// The raw path: the target up to the first `?`.
    #[must_use]
    pub fn path(&self) -> &'a [u8] {
        split_target(self.target).0
    }

    /// The raw query: what follows the first `?`, empty when there is none.
    #[must_use]
    pub fn query(&self) -> &'a [u8] {
        split_target(self.target).1
    }

    /// The first value of a field.
    #[must_use]
    pub fn first(&self, name: &HeaderName) -> Option<&'a [u8]> {
        self.fields.nth(name, 0)
    }

    /// The value of a field that may come once.
    ///
    /// # Errors
    /// [`Repeated`] when there are two lines of that name.
    pub fn single(&self, name: &HeaderName) -> Result<Option<&'a [u8]>, Repeated> {
        single(self.fields, name)
    }

    /// Whether a field is present.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.first(name).is_some()
    }
}

// === impl ResponseHead ===

impl<'a> ResponseHead<'a> {
    /// The first value of a field.
    #[must_use]
    pub fn first(&self, name: &HeaderName) -> Option<&'a [u8]> {
        self.fields.nth(name, 0)
    }
}

fn single<'a>(fields: &'a dyn Fields, name: &HeaderName) -> Result<Option<&'a [u8]>, Repeated> {
    match fields.nth(name, 0) {
        None => Ok(None),
        Some(_) if fields.nth(name, 1).is_some() => Err(Repeated),
        found => Ok(found),
    }
}

/// Splits a target at its first `?` into path and query.
#[must_use]
pub fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[]),
    }
}

impl Fields for http::HeaderMap {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        if n == 0 {
            return self.get(name).map(http::HeaderValue::as_bytes);
        }
        self.get_all(name)
            .iter()
            .nth(n)
            .map(http::HeaderValue::as_bytes)
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        for (name, value) in self {
            visit(name.as_str().as_bytes(), value.as_bytes());
        }
    }
}

/// Field lines as they lie in a buffer, for a lane that parses in place and for tests.
impl Fields for [(&[u8], &[u8])] {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        let wanted = name.as_str().as_bytes();
        self.iter()
            .filter(|(spelled, _)| spelled.eq_ignore_ascii_case(wanted))
            .nth(n)
            .map(|&(_, value)| value)
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        for &(name, value) in self {
            visit(name, value);
        }
    }
}

impl<T: Fields + ?Sized> Fields for &T {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        (**self).nth(name, n)
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        (**self).each(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_split_at_its_first_question_mark() {
        for (target, path, query) in [
            ("/a", "/a", ""),
            ("/a?", "/a", ""),
            ("/a?b=1", "/a", "b=1"),
            ("/a?b?c", "/a", "b?c"),
            ("", "", ""),
        ] {
            let split = split_target(target.as_bytes());
            assert_eq!(split, (path.as_bytes(), query.as_bytes()), "{target}");
        }
    }

    #[test]
    fn a_field_is_found_in_any_spelling_and_a_second_line_is_noticed() {
        let lines: &[(&[u8], &[u8])] =
            &[(b"X-API-Key", b"a"), (b"host", b"h"), (b"x-api-KEY", b"b")];
        let fields: &dyn Fields = &lines;
        let key = HeaderName::from_static("x-api-key");
        let host = HeaderName::from_static("host");
        assert_eq!(single(fields, &key), Err(Repeated));
        assert_eq!(single(fields, &host), Ok(Some(&b"h"[..])));
        assert_eq!(single(fields, &HeaderName::from_static("te")), Ok(None));
        assert_eq!(fields.nth(&key, 1), Some(&b"b"[..]));
    }
}
