//! The form of `X-API-Signature`, `X-Timestamp` and `X-Nonce` (contract, sections 1 and 3).
//!
//! Strict on purpose: one spelling each, so that nobody verifies what another party reads
//! differently. White space is allowed around the commas of a list (RFC 9110, section 5.6.1) and
//! nowhere else; upper-case hex, empty members and unknown labels are refused.

use super::{Mac, Scheme};
use crate::limits::{NONCE_LENGTH, SIGNATURES_MAX};
use smallvec::SmallVec;
use std::fmt;

/// The signatures of one request, in their order.
pub type Presented = SmallVec<[(Scheme, Mac); SIGNATURES_MAX]>;

/// Why a field has not its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// `X-API-Signature` has a member that is no `label=<64 lower-case hex digits>`.
    Signature,
    /// `X-API-Signature` has more than [`SIGNATURES_MAX`] members.
    TooManySignatures,
    /// `X-Timestamp` is not exactly 10 digits, the first not 0.
    Timestamp,
    /// `X-Timestamp` has the 13 digits of milliseconds.
    Milliseconds,
    /// `X-Nonce` is not 8 to 64 visible ASCII characters.
    Nonce,
}

const TIMESTAMP_DIGITS: usize = 10;
const MILLISECOND_DIGITS: usize = 13;

/// Reads the value of `X-API-Signature`.
///
/// # Errors
/// [`FormError::Signature`] or [`FormError::TooManySignatures`].
pub fn parse_signatures(value: &[u8]) -> Result<Presented, FormError> {
    let mut presented = Presented::new();
    for member in value.split(|&byte| byte == b',') {
        if presented.len() == SIGNATURES_MAX {
            return Err(FormError::TooManySignatures);
        }
        presented.push(parse_member(trim(member))?);
    }
    Ok(presented)
}

/// Reads the value of `X-Timestamp`: Unix seconds.
///
/// # Errors
/// [`FormError::Timestamp`] or [`FormError::Milliseconds`].
pub fn parse_timestamp(value: &[u8]) -> Result<u64, FormError> {
    let digits = value.iter().all(u8::is_ascii_digit) && value.first() != Some(&b'0');
    match value.len() {
        TIMESTAMP_DIGITS if digits => Ok(value
            .iter()
            .fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0'))),
        MILLISECOND_DIGITS if digits => Err(FormError::Milliseconds),
        _ => Err(FormError::Timestamp),
    }
}

/// The text that [`parse_timestamp`] read: there is only one for each instant.
#[must_use]
pub fn timestamp_text(unix_s: u64) -> [u8; TIMESTAMP_DIGITS] {
    let mut text = [b'0'; TIMESTAMP_DIGITS];
    let mut rest = unix_s;
    for place in text.iter_mut().rev() {
        *place += u8::try_from(rest % 10).expect("a digit is below 10");
        rest /= 10;
    }
    text
}

/// Reads the value of `X-Nonce`.
///
/// # Errors
/// [`FormError::Nonce`].
pub fn parse_nonce(value: &[u8]) -> Result<&str, FormError> {
    let fits = NONCE_LENGTH.contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(value) {
        Ok(text) if fits => Ok(text),
        _ => Err(FormError::Nonce),
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "not label=<64 lower-case hex digits>",
            Self::TooManySignatures => "too many signatures",
            Self::Timestamp => "not 10 digits of Unix seconds",
            Self::Milliseconds => "milliseconds instead of seconds",
            Self::Nonce => "not 8 to 64 visible ASCII characters",
        })
    }
}

impl std::error::Error for FormError {}

fn parse_member(member: &[u8]) -> Result<(Scheme, Mac), FormError> {
    let (scheme, hex) = Scheme::ALL
        .into_iter()
        .find_map(|scheme| {
            let rest = member.strip_prefix(scheme.label().as_bytes())?;
            Some((scheme, rest.strip_prefix(b"=")?))
        })
        .ok_or(FormError::Signature)?;
    let hex: &[u8; 64] = hex.try_into().map_err(|_| FormError::Signature)?;
    let mut mac = [0; 32];
    for (byte, pair) in mac.iter_mut().zip(hex.as_chunks::<2>().0) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Ok((scheme, mac))
}

const fn nibble(digit: u8) -> Result<u8, FormError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(FormError::Signature),
    }
}

/// Without optional white space at both ends (RFC 9110, section 5.6.3).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    #[test]
    fn signatures_have_one_spelling() {
        let (a, b) = (hex('a'), hex('b'));
        let cases: &[(String, Result<&[Scheme], FormError>)] = &[
            (format!("v1={a}"), Ok(&[Scheme::V1])),
            (format!("sha256={a}"), Ok(&[Scheme::BodyTimestamp])),
            (
                format!("v1={a},sha256={b}"),
                Ok(&[Scheme::V1, Scheme::BodyTimestamp]),
            ),
            (format!("v1={a} ,\tv1={b}"), Ok(&[Scheme::V1, Scheme::V1])),
            (format!("v1={a},v1={a},v1={a},v1={a}"), Ok(&[Scheme::V1; 4])),
            (
                format!("v1={a},v1={a},v1={a},v1={a},v1={a}"),
                Err(FormError::TooManySignatures),
            ),
            (String::new(), Err(FormError::Signature)),
            (a.clone(), Err(FormError::Signature)),
            (format!("={a}"), Err(FormError::Signature)),
            (format!("v1{a}"), Err(FormError::Signature)),
            (format!("V1={a}"), Err(FormError::Signature)),
            (format!("v1 ={a}"), Err(FormError::Signature)),
            (format!("v1= {a}"), Err(FormError::Signature)),
            (format!("v2={a}"), Err(FormError::Signature)),
            (format!("md5={a}"), Err(FormError::Signature)),
            (format!("sha512={a}"), Err(FormError::Signature)),
            (format!("body-timestamp={a}"), Err(FormError::Signature)),
            (format!("v1={}", hex('A')), Err(FormError::Signature)),
            (format!("v1={}", hex('g')), Err(FormError::Signature)),
            (format!("v1={}", &a[1..]), Err(FormError::Signature)),
            (format!("v1={a}a"), Err(FormError::Signature)),
            (format!("v1=0x{}", &a[2..]), Err(FormError::Signature)),
            (format!("v1=\"{a}\""), Err(FormError::Signature)),
            (format!("v1={a},"), Err(FormError::Signature)),
            (format!(",v1={a}"), Err(FormError::Signature)),
            (format!("v1={a},,v1={a}"), Err(FormError::Signature)),
            (format!("v1={a};v1={a}"), Err(FormError::Signature)),
            (format!("v1={a},md5={a}"), Err(FormError::Signature)),
        ];
        for (value, expected) in cases {
            let found = parse_signatures(value.as_bytes());
            let schemes = found.map(|list| list.iter().map(|(s, _)| *s).collect::<Vec<_>>());
            assert_eq!(schemes, expected.map(<[Scheme]>::to_vec), "{value:?}");
        }
        let text = "0123456789abcdef".repeat(4);
        let mac = parse_signatures(format!("v1={text}").as_bytes()).unwrap()[0].1;
        assert_eq!(mac[..8], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    }

    #[test]
    fn a_timestamp_is_ten_digits() {
        for (text, expected) in [
            ("1767225600", Ok(1_767_225_600)),
            ("1000000000", Ok(1_000_000_000)),
            ("9999999999", Ok(9_999_999_999)),
            ("0767225600", Err(FormError::Timestamp)),
            ("01767225600", Err(FormError::Timestamp)),
            ("176722560", Err(FormError::Timestamp)),
            ("17672256000", Err(FormError::Timestamp)),
            ("1767225600000", Err(FormError::Milliseconds)),
            ("0767225600000", Err(FormError::Timestamp)),
            ("1767225600000000", Err(FormError::Timestamp)),
            ("+176722560", Err(FormError::Timestamp)),
            ("-176722560", Err(FormError::Timestamp)),
            ("176722560.", Err(FormError::Timestamp)),
            ("1767225 00", Err(FormError::Timestamp)),
            (" 1767225600", Err(FormError::Timestamp)),
            ("1767225600 ", Err(FormError::Timestamp)),
            ("1.76722e+9", Err(FormError::Timestamp)),
            ("0x69560000", Err(FormError::Timestamp)),
            ("١٧٦٧٢", Err(FormError::Timestamp)),
            ("", Err(FormError::Timestamp)),
        ] {
            assert_eq!(parse_timestamp(text.as_bytes()), expected, "{text:?}");
            if let Ok(unix_s) = expected {
                assert_eq!(timestamp_text(unix_s), text.as_bytes());
            }
        }
    }

    #[test]
    fn a_nonce_is_8_to_64_visible_characters() {
        let (longest, too_long) = ("n".repeat(64), "n".repeat(65));
        for (text, good) in [
            ("1234567", false),
            ("12345678", true),
            ("!~#$%&\"'", true),
            (&longest[..], true),
            (&too_long[..], false),
            ("", false),
            ("1234 5678", false),
            ("1234\t5678", false),
            ("1234\n5678", false),
            ("1234567\u{7f}", false),
            ("ääääää", false),
        ] {
            assert_eq!(parse_nonce(text.as_bytes()).is_ok(), good, "{text:?}");
        }
    }
}
