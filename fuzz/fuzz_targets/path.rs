//! The judge of paths: what it lets pass can be read in one way only.

#![no_main]

use filters::builtin::hygiene::target::{judge_path, judge_query};

libfuzzer_sys::fuzz_target!(|path: &[u8]| {
    if judge_path(path).is_ok() {
        assert_eq!(path.first(), Some(&b'/'), "no path");
        let text = std::str::from_utf8(path).expect("a judged path is ASCII");
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "an invisible byte");
        assert!(!text.contains(['\\', ';', '#', '?']), "a separator of another server");
        let mut segments = text[1..].split('/').peekable();
        while let Some(segment) = segments.next() {
            assert!(segment != "." && segment != "..", "a dot segment");
            assert!(!segment.is_empty() || segments.peek().is_none(), "an empty segment");
        }
        let lower = text.to_ascii_lowercase();
        for escape in ["%2e", "%2f", "%5c", "%25", "%00", "%0a", "%1f", "%7f"] {
            assert!(!lower.contains(escape), "{escape} passed");
        }
    }
    if judge_query(path).is_ok() {
        assert!(path.iter().all(u8::is_ascii_graphic), "an invisible byte in a query");
    }
});
