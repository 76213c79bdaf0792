//! Which targets are let through: byte for byte, nothing is normalised (contract, section 1).
//!
//! The rule is that *one spelling is one resource*: what the routes judge is what the upstream gets,
//! and no decoder behind us can make another path of it. So everything that some decoder somewhere
//! turns into a separator or a dot is refused, and so is every byte outside the grammar of RFC 3986,
//! section 3.3.
//!
//! Queries are looser, because nothing is decided by them: escapes must be whole, and NUL, controls,
//! raw 8-bit bytes, `<`, `>` and `#` are refused.

/// Why a path or a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It does not begin with a slash.
    NoSlash,
    /// Two slashes in a row.
    EmptySegment,
    /// A segment is `.` or `..`.
    DotSegment,
    /// A byte that is no path's: a control, 8 bits, space, backslash, `;`, `#`, `"`, `<`, `[`, …
    Byte,
    /// `%` without two hex digits.
    Escape,
    /// An escape that hides what the path says: a slash, a backslash, a per cent, `;`, a control, or
    /// a character that needs none (letters, digits, `-`, `.`, `_`, `~`).
    HiddenCharacter,
    /// Escapes of 0x80 and above that are no UTF-8: overlong forms, halves of a character.
    Encoding,
}

impl PathFault {
    /// The fault, for the envelope's details.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSlash => "no_leading_slash",
            Self::EmptySegment => "empty_segment",
            Self::DotSegment => "dot_segment",
            Self::Byte => "forbidden_byte",
            Self::Escape => "malformed_escape",
            Self::HiddenCharacter => "forbidden_escape",
            Self::Encoding => "not_utf8",
        }
    }
}

const PATH: u8 = 1;
const QUERY: u8 = 2;
const UNRESERVED: u8 = 4;

/// What a raw byte may be part of.
const BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        // Clients commonly send `[`, `{` and `|` raw in queries; `http`, and so the lanes, send
        // every byte on as it is but these three.
        table[byte] = if matches!(byte as u8, b'#' | b'<' | b'>') {
            0
        } else {
            QUERY
        };
        if (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_' | b'~') {
            table[byte] |= PATH | UNRESERVED;
        }
        byte += 1;
    }
    // pchar of RFC 3986 without `;`, and the slash.
    let others = b"!$&'()*+,=:@/";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] |= PATH;
        at += 1;
    }
    table
};

/// Judges a raw path, as it is sent on.
///
/// # Errors
/// The first fault from the left.
pub fn judge_path(path: &[u8]) -> Result<(), PathFault> {
    if path.first() != Some(&b'/') {
        return Err(PathFault::NoSlash);
    }
    let mut segment = 1;
    let mut at = 1;
    while let Some(&byte) = path.get(at) {
        match byte {
            b'/' => {
                judge_segment(&path[segment..at])?;
                if at == segment {
                    return Err(PathFault::EmptySegment);
                }
                at += 1;
                segment = at;
            }
            b'%' => at = judge_escape(path, at)?,
            _ if BYTES[usize::from(byte)] & PATH != 0 => at += 1,
            _ => return Err(PathFault::Byte),
        }
    }
    judge_segment(&path[segment..])
}

/// Judges a raw query, as it is sent on, without its `?`.
///
/// # Errors
/// The first fault from the left.
pub fn judge_query(query: &[u8]) -> Result<(), PathFault> {
    let mut at = 0;
    while let Some(&byte) = query.get(at) {
        if byte == b'%' {
            match unescape(query, at) {
                None => return Err(PathFault::Escape),
                Some(0) => return Err(PathFault::HiddenCharacter),
                Some(_) => at += 3,
            }
        } else if BYTES[usize::from(byte)] & QUERY != 0 {
            at += 1;
        } else {
            return Err(PathFault::Byte);
        }
    }
    Ok(())
}

fn judge_segment(segment: &[u8]) -> Result<(), PathFault> {
    match segment {
        b"." | b".." => Err(PathFault::DotSegment),
        _ => Ok(()),
    }
}

/// Judges the escape at `at`, with those that complete its character; where to go on.
fn judge_escape(path: &[u8], at: usize) -> Result<usize, PathFault> {
    let byte = unescape(path, at).ok_or(PathFault::Escape)?;
    if byte < 0x80 {
        let hides = byte.is_ascii_control()
            || matches!(byte, b'/' | b'\\' | b'%' | b';')
            || BYTES[usize::from(byte)] & UNRESERVED != 0;
        return if hides {
            Err(PathFault::HiddenCharacter)
        } else {
            Ok(at + 3)
        };
    }
    let length = match byte {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(PathFault::Encoding),
    };
    let mut character = [byte, 0, 0, 0];
    for (n, place) in character.iter_mut().enumerate().take(length).skip(1) {
        *place = unescape(path, at + 3 * n).ok_or(PathFault::Encoding)?;
    }
    match std::str::from_utf8(&character[..length]) {
        Ok(_) => Ok(at + 3 * length),
        Err(_) => Err(PathFault::Encoding),
    }
}

/// The byte that the escape at `at` stands for.
fn unescape(text: &[u8], at: usize) -> Option<u8> {
    let &[b'%', high, low] = text.get(at..at + 3)? else {
        return None;
    };
    Some(hex(high)? << 4 | hex(low)?)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_judged_byte_for_byte() {
        use PathFault::{
            Byte, DotSegment, EmptySegment, Encoding, Escape, HiddenCharacter, NoSlash,
        };
        let mut cases: Vec<(Vec<u8>, Option<PathFault>)> = Vec::new();
        for (path, fault) in [
            ("/", None),
            ("/api/v1/orders", None),
            ("/api/v1/orders/", None),
            ("/.well-known/jwks.json", None),
            ("/a..b/...", None),
            ("/a.b-c_d~e", None),
            ("/!$&'()*+,=:@", None),
            ("/a%20b", None),
            ("/caf%C3%A9", None),
            ("/%e2%82%ac/%F0%9F%8C%8A", None),
            ("/a%3Fb%23c", None),
            ("", Some(NoSlash)),
            ("*", Some(NoSlash)),
            ("api", Some(NoSlash)),
            ("//", Some(EmptySegment)),
            ("//api", Some(EmptySegment)),
            ("/api//v1", Some(EmptySegment)),
            ("/api/", None),
            ("/api//", Some(EmptySegment)),
            ("/.", Some(DotSegment)),
            ("/..", Some(DotSegment)),
            ("/./api", Some(DotSegment)),
            ("/api/../admin", Some(DotSegment)),
            ("/api/..", Some(DotSegment)),
            ("/api/.", Some(DotSegment)),
            ("/api/%2e%2e/admin", Some(HiddenCharacter)),
            ("/api/.%2E/admin", Some(HiddenCharacter)),
            ("/api%2fadmin", Some(HiddenCharacter)),
            ("/api%2Fadmin", Some(HiddenCharacter)),
            ("/api%5cadmin", Some(HiddenCharacter)),
            ("/api%252fadmin", Some(HiddenCharacter)),
            ("/api%00", Some(HiddenCharacter)),
            ("/api%0d%0aX:", Some(HiddenCharacter)),
            ("/api%1f", Some(HiddenCharacter)),
            ("/api%7F", Some(HiddenCharacter)),
            ("/%41pi", Some(HiddenCharacter)),
            ("/a%7e", Some(HiddenCharacter)),
            ("/a%3bb", Some(HiddenCharacter)),
            ("/api/health/..;/v1", Some(Byte)),
            ("/api;jsessionid=1", Some(Byte)),
            ("/api\\admin", Some(Byte)),
            ("/api#fragment", Some(Byte)),
            ("/a b", Some(Byte)),
            ("/a\tb", Some(Byte)),
            ("/a\"b", Some(Byte)),
            ("/a<b", Some(Byte)),
            ("/a[b]", Some(Byte)),
            ("/a{b}", Some(Byte)),
            ("/a|b", Some(Byte)),
            ("/a^b", Some(Byte)),
            ("/a`b", Some(Byte)),
            ("/%", Some(Escape)),
            ("/%4", Some(Escape)),
            ("/%zz", Some(Escape)),
            ("/%4g", Some(Escape)),
            ("/%u002f", Some(Escape)),
            ("/%c0%af", Some(Encoding)),
            ("/%C0%AE%C0%AE/", Some(Encoding)),
            ("/%e0%80%af", Some(Encoding)),
            ("/%ed%a0%80", Some(Encoding)),
            ("/%c3", Some(Encoding)),
            ("/%c3/%a9", Some(Encoding)),
            ("/%80", Some(Encoding)),
            ("/%ff", Some(Encoding)),
        ] {
            cases.push((path.as_bytes().to_vec(), fault));
        }
        for byte in (0..=0x20).chain(0x7f..=0xff) {
            cases.push((vec![b'/', byte], Some(Byte)));
        }
        for (path, fault) in cases {
            assert_eq!(judge_path(&path).err(), fault, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn queries_are_looser() {
        for (query, good) in [
            ("", true),
            ("a=b&c=d", true),
            ("page[number]=1&path=/../a//b", true),
            ("a=%2e%2E%2f%25;b?c", true),
            ("filter={\"a\":1}|^`\\", true),
            ("a=%0a", true),
            ("a=%00", false),
            ("a=%", false),
            ("a=100%25", true),
            ("a=100%", false),
            ("a=%4", false),
            ("a#b", false),
            ("<script>", false),
            ("a b", false),
            ("a\0", false),
            ("caf\u{e9}", false),
            ("\u{7f}", false),
        ] {
            assert_eq!(judge_query(query.as_bytes()).is_ok(), good, "{query:?}");
        }
    }

    /// Any bytes, and bytes that are nearly paths.
    fn pathlike() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec![
                "/", "a", ".", "..", "%2e", "%2F", "%5C", "%25", "%00", "%1f", "%7f", "\\", ";", "#",
                "%41", "%c3%a9", "%C0%AF", "%", "%4", "é", "\u{7f}", " ", "-", "~", "%20", "?",
            ]).prop_map(|text| text.as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| {
            let mut path = vec![b'/'];
            path.extend(pieces.concat());
            path
        })
    }

    /// Whether a decoder, however simple, could see another path in this one.
    fn has_two_readings(path: &[u8]) -> bool {
        let lower = path.to_ascii_lowercase();
        let has = |needle: &[u8]| lower.windows(needle.len()).any(|window| window == needle);
        let dots = path
            .split(|&byte| byte == b'/')
            .any(|segment| segment == b"." || segment == b"..");
        let escaped_letters = (0x21..0x7f_u8)
            .filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte))
            .any(|byte| has(format!("%{byte:02x}").as_bytes()));
        let controls = (0..0x20)
            .chain([0x7f, 0x2e, 0x2f, 0x5c, 0x25, 0x3b])
            .any(|byte: u8| has(format!("%{byte:02x}").as_bytes()));
        has(b"//")
            || dots
            || escaped_letters
            || controls
            || path
                .iter()
                .any(|byte| !(0x21..0x7f).contains(byte) || b"\\;#?".contains(byte))
    }

    /// Decodes once, as an upstream does.
    fn decoded(path: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < path.len() {
            if let Some(byte) = unescape(path, at) {
                out.push(byte);
                at += 3;
            } else {
                out.push(path[at]);
                at += 1;
            }
        }
        out
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_one_reading(path in pathlike()) {
            if judge_path(&path).is_ok() {
                prop_assert!(!has_two_readings(&path), "{}", path.escape_ascii());
                let text = decoded(&path);
                let slashes = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'/').count();
                prop_assert_eq!(slashes(&text), slashes(&path));
                prop_assert!(std::str::from_utf8(&text).is_ok());
                prop_assert!(!text.iter().any(u8::is_ascii_control));
            }
        }

        #[test]
        fn what_is_accepted_is_sent_on_as_it_is(path in pathlike(), query in pathlike()) {
            if judge_path(&path).is_ok() && judge_query(&query).is_ok() {
                let target = [&path[..], b"?", &query[..]].concat();
                let parsed = http::uri::PathAndQuery::try_from(&target[..]).unwrap();
                prop_assert_eq!(parsed.as_str().as_bytes(), &target[..]);
            }
        }

        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = judge_path(&bytes);
            let _ = judge_query(&bytes);
        }
    }
}
