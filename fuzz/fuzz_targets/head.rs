//! Request heads on the wire: where reads split the bytes does not matter, and the framing of what is
//! taken is one.

#![no_main]

use tidegate::edge::wire::{Framing, HeadLimits, HeadScan, Parse, parse_request, request_framing};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = HeadLimits::STANDARD;
    let whole = parse_request(bytes, &limits);
    let mut scan = HeadScan::new();
    let mut early = None;
    for end in 1..=bytes.len().min(4096) {
        match scan.parse_request(&bytes[..end], &limits) {
            Parse::Partial => {}
            verdict => {
                early = Some(verdict);
                break;
            }
        }
    }
    match (&early, &whole) {
        (Some(Parse::Refuse(early)), Parse::Refuse(whole)) => assert_eq!(early, whole),
        (Some(Parse::Complete { length: early, .. }), Parse::Complete { length: whole, .. }) => {
            assert_eq!(early, whole, "a head ends where it ends");
        }
        (None, Parse::Complete { length, .. }) if *length <= 4096 => {
            panic!("the scan overlooked a whole head")
        }
        (None, _) => {}
        _ => panic!("a split changed the verdict"),
    }
    if let Parse::Complete { head, .. } = &whole
        && let Ok(framing) = request_framing(head)
    {
        let lengths = head.fields.iter().filter(|field| field.is("content-length"));
        match framing.body {
            Framing::Length(_) => assert_eq!(lengths.count(), 1),
            _ => assert_eq!(lengths.count(), 0, "a length that frames nothing"),
        }
    }
});
