//! `X-API-Key`: no text makes the reader panic, and what it takes has its checksum.

#![no_main]

use filters::key::{KeyText, checksum};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if let Ok(key) = KeyText::parse(text) {
        let (body, check) = text.split_at(text.len() - 6);
        assert_eq!(checksum(body), check, "a key passed without its checksum");
        assert!(text.starts_with(key.environment().prefix().as_bytes()));
    }
});
