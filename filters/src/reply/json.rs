//! Pieces of JSON, written into a buffer as they come (RFC 8259): no tree, no copy.
//!
//! A text is spelled as `serde_json` spells it, which the tests hold: escaped is what has to be
//! escaped, and nothing else.

use crate::digits::Digits;

/// Bytes that are looked at together.
const STRIDE: usize = 16;

/// Writes what needs no escape: braces, names and numbers of the program.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, plain: &str) {
    out.extend_from_slice(plain.as_bytes());
}

/// Writes the name of a member, which is fixed in the program and needs no escape.
pub(super) fn name(out: &mut Vec<u8>, name: &'static str) {
    debug_assert!(is_plain(name.as_bytes()), "{name} would need an escape");
    out.push(b'"');
    put(out, name);
    put(out, "\":");
}

/// Writes a number.
pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(Digits::of(number).as_bytes());
}

/// Writes a text with its quotation marks.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    piece(out, text);
    out.push(b'"');
}

/// Writes a piece of a text, between the quotation marks.
pub(super) fn piece(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        escape(out, bytes);
    }
}

fn is_plain(bytes: &[u8]) -> bool {
    fn all(bytes: &[u8]) -> bool {
        bytes
            .iter()
            .fold(true, |plain, &byte| plain & is_plain_byte(byte))
    }
    match bytes.last_chunk::<STRIDE>() {
        // The last stride may overlap the one before it: no byte is looked at by itself.
        Some(last) => {
            let (strides, _) = bytes.as_chunks::<STRIDE>();
            strides.iter().all(|stride| all(stride)) && all(last)
        }
        None => all(bytes),
    }
}

/// RFC 8259, section 7: all but the quotation mark, the reverse solidus and controls may stand as it is.
const fn is_plain_byte(byte: u8) -> bool {
    (byte >= b' ') & (byte != b'"') & (byte != b'\\')
}

fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0..=0x1f => {
                put(out, "\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
                continue;
            }
            plain => {
                out.push(plain);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(given: &str) {
        let mut out = Vec::new();
        text(&mut out, given);
        let expected = serde_json::to_string(given).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{given:?}");
    }

    #[test]
    fn every_character_is_escaped_or_not_as_serde_json_does_it() {
        let characters = (0..0x300).chain([0x2028, 0xffff, 0x1_f600]);
        for character in characters.filter_map(char::from_u32) {
            // Alone, and where a stride ends and the next begins.
            for before in [0, 1, STRIDE - 1, STRIDE, STRIDE + 1] {
                check(&format!("{}{character}z", "a".repeat(before)));
            }
        }
        check("");
    }

    proptest! {
        #[test]
        fn texts_are_spelled_as_serde_json_spells_them(given: String, also in "[ -~\\x00-\\x1f]{0,60}") {
            check(&given);
            check(&also);
        }

        #[test]
        fn numbers_are_those_of_serde_json(given: u64) {
            let mut out = Vec::new();
            number(&mut out, given);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&given).unwrap());
        }
    }
}
