//! However the bytes of a head arrive, the verdict is the same, and each byte is scanned once.

use super::heads::headlike;
use super::messages::{GOOD, HOSTILE};
use super::*;
use proptest::prelude::*;

const LIMITS: HeadLimits = HeadLimits::STANDARD;

/// Reads a head of which ever more is there; the first verdict, or `partial`.
fn drip(bytes: &[u8], ends: impl Iterator<Item = usize>, limits: &HeadLimits) -> String {
    let mut scan = HeadScan::new();
    for end in ends {
        let shown = show_request(scan.parse_request(&bytes[..end], limits));
        if shown != "partial" {
            return shown;
        }
    }
    "partial".to_owned()
}

fn drip_response(bytes: &[u8], ends: impl Iterator<Item = usize>, limits: &HeadLimits) -> String {
    let mut scan = HeadScan::new();
    for end in ends {
        let shown = show_response(scan.parse_response(&bytes[..end], limits));
        if shown != "partial" {
            return shown;
        }
    }
    "partial".to_owned()
}

fn check(bytes: &[u8], limits: &HeadLimits) {
    let whole = show_request(parse_request(bytes, limits));
    let answer = show_response(parse_response(bytes, limits));
    let shown = bytes.escape_ascii();
    let all = bytes.len();
    for split in 0..=all {
        // A verdict about a prefix is the verdict about the whole.
        let prefix = show_request(parse_request(&bytes[..split], limits));
        assert!(
            prefix == "partial" || prefix == whole,
            "{shown} at {split}: {prefix}"
        );
        let prefix = show_response(parse_response(&bytes[..split], limits));
        assert!(
            prefix == "partial" || prefix == answer,
            "{shown} at {split}: {prefix}"
        );
    }
    // A fault may wait for the end of its head, so these go on to a good one.
    let bytes = [bytes, b"\r\n\r\n"].concat();
    let all = bytes.len();
    let whole = show_request(parse_request(&bytes, limits));
    let answer = show_response(parse_response(&bytes, limits));
    // The gate takes such bytes for a whole head, without looking at them.
    assert!(bytes[0] == b'\r' || whole != "partial", "{shown}");
    for split in 0..=all {
        let ends = [split, all];
        assert_eq!(
            drip(&bytes, ends.into_iter(), limits),
            whole,
            "{shown} at {split}"
        );
        let dripped = drip_response(&bytes, ends.into_iter(), limits);
        assert_eq!(dripped, answer, "{shown} at {split}");
    }
    assert_eq!(drip(&bytes, 0..=all, limits), whole, "{shown}");
    assert_eq!(drip_response(&bytes, 0..=all, limits), answer, "{shown}");
}

const SMALL: HeadLimits = HeadLimits {
    head_bytes_max: 48,
    target_bytes_max: 6,
    field_bytes_max: 12,
    fields_max: 2,
};

#[test]
fn every_split_of_every_message_has_the_same_outcome() {
    for (message, _) in GOOD.iter().chain(HOSTILE) {
        check(message.as_bytes(), &LIMITS);
        check(message.as_bytes(), &SMALL);
        let as_answer = message.replacen("GET / HTTP/1.1", "HTTP/1.1 200 OK", 1);
        check(as_answer.as_bytes(), &LIMITS);
        check(as_answer.as_bytes(), &SMALL);
    }
}

proptest! {
    #[test]
    fn splits_do_not_matter(bytes in headlike()) {
        check(&bytes, &LIMITS);
        check(&bytes, &SMALL);
    }
}
