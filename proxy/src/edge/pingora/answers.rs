//! What is not believed of an upstream's answer, though Pingora took it (hardening, A42).
//!
//! Pingora's reader is lenient, and passes on what another reader may understand in another way. The
//! straight lane has a strict reader for answers; these are its refusals, as far as a parsed head can
//! still show their cause. What was repaired before (a bare line feed, a folded line, a length beside
//! chunks) cannot be seen any more, and does no harm.

use super::super::wire::limits::{CONTENT_LENGTH_DIGITS_MAX, FIELDS_MAX, HEAD_BYTES_MAX};
use ::pingora::http::ResponseHeader;
use http::Version;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

/// Why an answer is refused, if it is.
pub(super) fn fault_of(answer: &ResponseHeader) -> Option<&'static str> {
    let status = answer.status;
    if status == 101 {
        // Nobody asked for it: we never forward `Upgrade` (hardening, P10).
        return Some("101 without an upgrade");
    }
    if status.as_u16() > 599 {
        return Some("a status that there is not");
    }
    if (status == 204 || status.is_informational()) && announces_body(answer) {
        return Some("a body behind a status without one");
    }
    if has_doubtful_end(answer) {
        return Some("an answer whose end is in doubt");
    }
    if is_too_large(answer) {
        return Some("an answer with too large a head");
    }
    None
}

/// Whether an answer says more than once where it ends, or in words that are read in more than one
/// way: clients behind us may choose otherwise than we did (RFC 9112, sections 6.1 and 6.3).
fn has_doubtful_end(answer: &ResponseHeader) -> bool {
    let mut lengths = answer.headers.get_all(CONTENT_LENGTH).iter();
    let mut codings = answer.headers.get_all(TRANSFER_ENCODING).iter();
    let doubtful = match (lengths.next(), codings.next()) {
        (None, None) => false,
        (Some(length), None) => !is_length(length.as_bytes()),
        (None, Some(coding)) => answer.version < Version::HTTP_11 || !is_chunked(coding.as_bytes()),
        (Some(_), Some(_)) => true,
    };
    doubtful || lengths.next().is_some() || codings.next().is_some()
}

/// Whether a length has its one spelling (RFC 9110, section 8.6).
fn is_length(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    (1..=CONTENT_LENGTH_DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

fn is_chunked(value: &[u8]) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

/// Whether an answer says that it has a body that is not empty (RFC 9110, section 8.6).
fn announces_body(answer: &ResponseHeader) -> bool {
    let length = answer.headers.get(CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || answer.headers.contains_key(TRANSFER_ENCODING)
}

fn is_too_large(answer: &ResponseHeader) -> bool {
    let lines = answer.headers.iter();
    let bytes: usize = lines
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    answer.headers.len() > FIELDS_MAX || bytes > HEAD_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_read_in_two_ways_are_refused() {
        let long = "a".repeat(HEAD_BYTES_MAX);
        let length = "content-length";
        let coding = "transfer-encoding";
        for (status, lines, good) in [
            (200, &[][..], true),
            (200, &[(length, "5")], true),
            (200, &[(coding, "Chunked")], true),
            (204, &[(length, "0")], true),
            (304, &[(length, "5")], true),
            (599, &[(length, "5")], true),
            (103, &[("link", "</a>")], true),
            (101, &[], false),
            (600, &[(length, "5")], false),
            (204, &[(length, "5")], false),
            (204, &[(coding, "chunked")], false),
            (100, &[(length, "2")], false),
            (103, &[(coding, "chunked")], false),
            (200, &[(length, "5"), (length, "5")], false),
            (200, &[(length, "5, 5")], false),
            (200, &[(length, "+5")], false),
            (200, &[(length, "")], false),
            (200, &[(length, "1234567890123456789")], false),
            (200, &[(length, "5"), (coding, "chunked")], false),
            (200, &[(coding, "chunked"), (coding, "chunked")], false),
            (200, &[(coding, "chunked, chunked")], false),
            (200, &[(coding, "identity")], false),
            (200, &[(coding, "gzip, chunked")], false),
            (200, &[("x-long", &long)], false),
            (200, &[("x-many", "a"); FIELDS_MAX], true),
            (200, &[("x-many", "a"); FIELDS_MAX + 1], false),
        ] {
            let mut answer = ResponseHeader::build(status, None).unwrap();
            for (name, value) in lines {
                answer.append_header((*name).to_owned(), *value).unwrap();
            }
            let shown = &lines[..lines.len().min(3)];
            assert_eq!(fault_of(&answer).is_none(), good, "{status} {shown:?}");
        }
    }

    #[test]
    fn http_1_0_has_no_chunks() {
        let mut answer = ResponseHeader::build(200, None).unwrap();
        answer.append_header(TRANSFER_ENCODING, "chunked").unwrap();
        assert_eq!(fault_of(&answer), None);
        answer.set_version(Version::HTTP_10);
        assert!(fault_of(&answer).is_some());
    }
}
