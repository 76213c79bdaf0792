//! `X-API-Signature`, `X-Timestamp` and `X-Nonce`: what is taken has one spelling only.

#![no_main]

use filters::limits::SIGNATURES_MAX;
use filters::signing::{header_value, parse_nonce, parse_signatures, parse_timestamp, timestamp_text};

libfuzzer_sys::fuzz_target!(|value: &[u8]| {
    if let Ok(presented) = parse_signatures(value) {
        assert!(!presented.is_empty() && presented.len() <= SIGNATURES_MAX);
        let spelled: Vec<String> =
            presented.iter().map(|(scheme, mac)| header_value(*scheme, mac)).collect();
        let tight: Vec<u8> =
            value.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
        assert_eq!(spelled.join(",").as_bytes(), tight, "two spellings of one signature");
    }
    if let Ok(unix_s) = parse_timestamp(value) {
        assert_eq!(timestamp_text(unix_s), value, "two spellings of one instant");
    }
    if let Ok(nonce) = parse_nonce(value) {
        assert_eq!(nonce.as_bytes(), value);
    }
});
