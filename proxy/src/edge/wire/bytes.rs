//! Which byte may stand where, and how to find the first that may not, eight at a time.
//!
//! Targets and values are long, so they are searched by words; names are short, so by table.

const TOKEN: u8 = 1;
const EXTENSION_TEXT: u8 = 2;

/// What a byte may be part of.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        let is_token = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        table[byte] = EXTENSION_TEXT | if is_token { TOKEN } else { 0 };
        byte += 1;
    }
    table[b'\t' as usize] = EXTENSION_TEXT;
    table
};

/// Whether a byte is a `tchar` (RFC 9110, section 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    CLASSES[byte as usize] & TOKEN != 0
}

/// Whether a byte may stand in a chunk extension's quoted string. Bytes above ASCII are left out: no
/// extension in use needs them.
pub(super) const fn is_quotable(byte: u8) -> bool {
    CLASSES[byte as usize] & EXTENSION_TEXT != 0
}

/// Whether all of it is one token.
pub(super) fn is_token_text(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token(byte))
}

/// The number of token bytes at the front.
#[inline]
pub(super) fn token_length(text: &[u8]) -> usize {
    text.iter()
        .position(|&byte| !is_token(byte))
        .unwrap_or(text.len())
}

/// The number of bytes at the front that may stand in a request target: visible ASCII, but for `#`,
/// as a target has no fragment (RFC 9112, section 3.2).
#[inline]
pub(super) fn target_length(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (at, &word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(word);
        let stops = controls(word, 0x21) | equal(word, b'#') | (word & HIGH);
        if stops != 0 {
            return at * 8 + first(stops);
        }
    }
    let searched = text.len() - rest.len();
    rest.iter()
        .position(|&byte| !byte.is_ascii_graphic() || byte == b'#')
        .map_or(text.len(), |at| searched + at)
}

/// A stretch of bytes that may stand in a field value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// Its length in bytes.
    pub(super) length: usize,
    /// Whether it has bytes of 0x80 and above (`obs-text`, RFC 9110, section 5.5).
    pub(super) has_obs_text: bool,
}

/// The bytes at the front that may stand in a field value: all but controls, HTAB excepted.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Text {
    let mut text = text_without_tabs(bytes);
    while bytes.get(text.length) == Some(&b'\t') {
        let behind = text.length + 1;
        let more = text_without_tabs(&bytes[behind..]);
        text.length = behind + more.length;
        text.has_obs_text |= more.has_obs_text;
    }
    text
}

#[inline]
fn text_without_tabs(bytes: &[u8]) -> Text {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut high = 0;
    for (at, &word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(word);
        let stops = controls(word, 0x20);
        if stops != 0 {
            let length = first(stops);
            // Only the bytes before the stop belong to the text.
            high |= word & !(u64::MAX << (length * 8));
            return Text {
                length: at * 8 + length,
                has_obs_text: high & HIGH != 0,
            };
        }
        high |= word;
    }
    let mut has_obs_text = high & HIGH != 0;
    let mut length = bytes.len() - rest.len();
    for &byte in rest {
        if byte.is_ascii_control() {
            break;
        }
        has_obs_text |= byte >= 0x80;
        length += 1;
    }
    Text {
        length,
        has_obs_text,
    }
}

/// White space around list elements and values (`OWS`, RFC 9110, section 5.6.3).
#[inline]
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The text without white space at either end.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// The elements of a comma-separated list, trimmed, empty ones included (RFC 9110, section 5.6.1).
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(trim)
}

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// High bits of the bytes of `word` that are below `bound`, which is at most 0x7f, or DEL.
///
/// No byte's sum reaches into the next one. The shorter formula, with a subtraction, borrows from the
/// next byte, and so finds fault with a space behind a control.
#[inline]
const fn controls(word: u64, bound: u8) -> u64 {
    let low = word & !HIGH;
    let reaches = low + ONES * (0x80 - bound) as u64;
    let is_del = low + ONES;
    (!reaches | is_del) & !word & HIGH
}

/// High bits of the bytes of `word` that equal `byte`.
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    let is_not = (difference & !HIGH) + !HIGH;
    !(is_not | difference) & HIGH
}

/// The place of the first marked byte.
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_found_in_every_place_of_a_word() {
        for byte in 0..=u8::MAX {
            for place in 0..24 {
                let mut bytes = [b'a'; 24];
                bytes[place] = byte;
                check(&bytes);
                check(&bytes[..place + 1]);
                // A control or a tab just before: borrows run from it into the next byte.
                for before in [b'\t', 0, 0x1f, 0x7f, 0xff] {
                    if place > 0 {
                        bytes[place - 1] = before;
                        check(&bytes);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn words_see_what_bytes_see(bytes in prop::collection::vec(prop_oneof![
            4 => 0x20..0x7f_u8,
            1 => any::<u8>(),
            1 => prop::sample::select(vec![b'\t', b'\n', b'\r', 0x08, 0x0a, 0x7f, 0x80, 0x89, 0xff]),
        ], 0..40)) {
            check(&bytes);
        }
    }

    fn check(bytes: &[u8]) {
        let length = |good: &dyn Fn(u8) -> bool| {
            bytes
                .iter()
                .position(|&byte| !good(byte))
                .unwrap_or(bytes.len())
        };
        let shown = bytes.escape_ascii();
        let value = length(&|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f));
        assert_eq!(text(bytes).length, value, "{shown}");
        let high = bytes[..value].iter().any(|&byte| byte >= 0x80);
        assert_eq!(text(bytes).has_obs_text, high, "{shown}");
        let target = length(&|byte| (0x21..0x7f).contains(&byte) && byte != b'#');
        assert_eq!(target_length(bytes), target, "{shown}");
        let token =
            length(&|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        assert_eq!(token_length(bytes), token, "{shown}");
    }

    #[test]
    fn lists_are_split_and_trimmed() {
        let split = |list: &'static [u8]| elements(list).collect::<Vec<_>>();
        assert_eq!(split(b"a"), [b"a"]);
        assert_eq!(split(b" a ,\tb\t"), [b"a", b"b"]);
        assert_eq!(split(b""), [b""]);
        assert_eq!(split(b"a,,b"), [&b"a"[..], b"", b"b"]);
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(trim(b"a b"), b"a b");
    }
}
