//! Response heads on the wire: where reads split the bytes does not matter, and what is taken says in
//! one way where its body ends.

#![no_main]

use tidegate::edge::wire::{
    AnswerBody, HeadLimits, HeadScan, Parse, parse_response, response_framing,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = HeadLimits::STANDARD;
    let whole = parse_response(bytes, &limits);
    let mut scan = HeadScan::new();
    let mut early = None;
    for end in 1..=bytes.len().min(4096) {
        match scan.parse_response(&bytes[..end], &limits) {
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
    let Parse::Complete { head, .. } = &whole else {
        return;
    };
    assert!((100..=599).contains(&head.status));
    for method in ["GET", "HEAD", "POST"] {
        let Ok(framing) = response_framing(head, method) else {
            continue;
        };
        let count = |name: &str| head.fields.iter().filter(|field| field.is(name)).count();
        let (lengths, codings) = (count("content-length"), count("transfer-encoding"));
        assert!(lengths + codings <= 1, "an answer that says twice where it ends");
        assert_eq!(framing.is_interim, head.status < 200);
        let bodyless = head.status < 200 || matches!(head.status, 204 | 304) || method == "HEAD";
        match framing.body {
            AnswerBody::None => assert!(bodyless, "no body where there is one"),
            _ if bodyless => panic!("a body where there is none"),
            AnswerBody::Length(_) => assert_eq!(lengths, 1),
            AnswerBody::Chunked => assert_eq!(codings, 1),
            AnswerBody::UntilClose => {
                assert_eq!(lengths + codings, 0);
                assert!(!framing.is_persistent, "its end is the connection's");
            }
        }
    }
});
