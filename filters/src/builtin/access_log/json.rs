//! A flat JSON object, written into a buffer as it comes: no tree, no copy.
//!
//! The names are fixed in the program; the values are whatever clients send. Nothing that is not
//! printable reaches the line: controls (C0, DEL and C1), line and paragraph separators, and the marks
//! that turn the direction of text are escaped, so that neither a log's reader nor a terminal can be
//! deceived.

use crate::digits::Digits;
use std::io::Write;

/// One object that is being written.
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Line<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// A text that a client or an operator chose.
    pub(super) fn text(&mut self, name: &'static str, value: &[u8]) {
        self.open(name);
        self.piece(value);
        self.close();
    }

    /// A value whose form never needs escapes: an address, a date.
    pub(super) fn put(&mut self, name: &'static str, value: &[u8]) {
        self.open(name);
        self.out.extend_from_slice(value);
        self.close();
    }

    pub(super) fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        self.out.extend_from_slice(Digits::of(value).as_bytes());
    }

    pub(super) fn truth(&mut self, name: &'static str) {
        self.name(name);
        self.out.extend_from_slice(b"true");
    }

    /// Begins a text that comes in pieces.
    pub(super) fn open(&mut self, name: &'static str) {
        self.name(name);
        self.out.push(b'"');
    }

    pub(super) fn close(&mut self) {
        self.out.push(b'"');
    }

    /// A piece of a text, escaped.
    pub(super) fn piece(&mut self, value: &[u8]) {
        // Most texts need no second look, and this one is quick.
        if value
            .iter()
            .fold(true, |plain, &byte| plain & is_plain_byte(byte))
        {
            self.out.extend_from_slice(value);
            return;
        }
        for chunk in value.utf8_chunks() {
            self.characters(chunk.valid());
            for byte in chunk.invalid() {
                write!(self.out, "\\\\x{byte:02x}").expect("a vector takes every byte");
            }
        }
    }

    fn name(&mut self, name: &'static str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn characters(&mut self, text: &str) {
        let mut plain = 0;
        for (at, character) in text.char_indices() {
            if is_plain(character) {
                continue;
            }
            self.out.extend_from_slice(&text.as_bytes()[plain..at]);
            plain = at + character.len_utf8();
            match character {
                '"' => self.out.extend_from_slice(b"\\\""),
                '\\' => self.out.extend_from_slice(b"\\\\"),
                // What is not plain lies in the basic plane, so that four digits suffice.
                _ => write!(self.out, "\\u{:04x}", u32::from(character))
                    .expect("a vector takes every byte"),
            }
        }
        self.out.extend_from_slice(&text.as_bytes()[plain..]);
    }
}

/// What stands for itself, whatever stands beside it.
const fn is_plain_byte(byte: u8) -> bool {
    (byte >= b' ') & (byte <= b'~') & (byte != b'"') & (byte != b'\\')
}

fn is_plain(character: char) -> bool {
    match character {
        '"' | '\\' => false,
        ' '..='~' => true,
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => false,
        other => !other.is_control(),
    }
}
