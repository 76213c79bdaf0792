//! The chunked decoder: tables, limits from both sides, every split, and a slow, obvious model.

use super::*;
use proptest::prelude::*;

/// What walking a body in pieces comes to: the payload, the bytes behind the end, the trailers.
fn walk<'b>(pieces: impl Iterator<Item = &'b [u8]>) -> String {
    let mut decoder = ChunkedDecoder::new();
    let mut payload = Vec::new();
    let mut behind = 0;
    for piece in pieces {
        let mut consumed = 0;
        match decoder.walk(piece, |slice| payload.extend_from_slice(slice)) {
            Ok(walk) => {
                assert_eq!(walk.is_end, decoder.is_end());
                assert!(walk.is_end || walk.consumed == piece.len());
                consumed += walk.consumed;
            }
            Err(refusal) => {
                // Refused once, refused for good.
                assert_eq!(decoder.step(b"0\r\n\r\n"), Err(refusal));
                assert_eq!(decoder.step(b""), Err(refusal));
                return refusal.reason().to_owned();
            }
        }
        behind += piece.len() - consumed;
    }
    if !decoder.is_end() {
        return format!("partial {}", payload.escape_ascii());
    }
    assert_eq!(decoder.payload_announced(), payload.len() as u64);
    format!(
        "end {} +{behind}{}",
        payload.escape_ascii(),
        show_fields(decoder.trailers())
    )
}

fn walk_whole(bytes: &[u8]) -> String {
    walk([bytes].into_iter())
}

/// The same outcome in one piece, in two at any place, and byte by byte.
fn check(bytes: &[u8], expected: &str) {
    let shown = bytes.escape_ascii();
    assert_eq!(walk_whole(bytes), expected, "{shown}");
    assert_eq!(walk(bytes.chunks(1)), expected, "{shown} byte by byte");
    if bytes.len() < 600 {
        for split in 0..=bytes.len() {
            let (first, second) = bytes.split_at(split);
            let outcome = walk([first, second].into_iter());
            assert_eq!(outcome, expected, "{shown} at {split}");
        }
    }
}

#[test]
fn bodies_are_walked() {
    for (body, expected) in [
        ("0\r\n\r\n", "end  +0"),
        ("5\r\nhello\r\n0\r\n\r\n", "end hello +0"),
        (
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            "end hello world +0",
        ),
        ("A\r\n0123456789\r\n0\r\n\r\n", "end 0123456789 +0"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "end 0123456789 +0"),
        ("0000000000000002\r\n\r\n\r\n00\r\n\r\n", "end \\r\\n +0"),
        ("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "end x +16"),
        // Extensions (RFC 9112, section 7.1.1).
        ("1;a\r\nx\r\n0;b\r\n\r\n", "end x +0"),
        ("1;a=b;c;d=e\r\nx\r\n0\r\n\r\n", "end x +0"),
        ("1;a=\"b c\t;\\\"\\\\=\r\r", "invalid_chunk"),
        ("1;a=\"b c\t;\\\"\\\\=\"\r\nx\r\n0\r\n\r\n", "end x +0"),
        ("1;a=\"\";b\r\nx\r\n0\r\n\r\n", "end x +0"),
        ("1;!#$%&'*+-.^_`|~=~\r\nx\r\n0\r\n\r\n", "end x +0"),
        // Trailers (RFC 9112, section 7.1.2).
        ("0\r\nA: b\r\n\r\n", "end  +0 [A=b]"),
        (
            "1\r\nx\r\n0\r\nA: b\r\nC:\t d \r\n\r\nmore",
            "end x +4 [A=b] [C=d]",
        ),
        (
            "0\r\nContent-Length: 5\r\n\r\n",
            "end  +0 [Content-Length=5]",
        ),
        // Not yet whole.
        ("", "partial "),
        ("5", "partial "),
        ("5\r", "partial "),
        ("5\r\n", "partial "),
        ("5;a=\"", "partial "),
        ("5\r\nhel", "partial hel"),
        ("5\r\nhello", "partial hello"),
        ("5\r\nhello\r", "partial hello"),
        ("0\r\n", "partial "),
        ("0\r\n\r", "partial "),
        ("0\r\nA: b", "partial "),
        ("0\r\nA: b\r\n", "partial "),
        ("7fffffffffffffff\r\nx", "partial x"),
    ] {
        check(body.as_bytes(), expected);
    }
}

#[test]
fn doubtful_chunks_are_refused() {
    for (body, expected) in [
        // The size (hardening, 2.1).
        ("\r\n", "invalid_chunk"),
        (";a\r\n", "invalid_chunk"),
        ("g\r\n", "invalid_chunk"),
        ("-1\r\n", "invalid_chunk"),
        ("+1\r\n", "invalid_chunk"),
        (" 1\r\n", "invalid_chunk"),
        ("\t1\r\n", "invalid_chunk"),
        ("1 \r\n", "invalid_chunk"),
        ("1\t\r\n", "invalid_chunk"),
        ("0x1\r\n", "invalid_chunk"),
        ("1_0\r\n", "invalid_chunk"),
        ("1.0\r\n", "invalid_chunk"),
        ("1,\r\n", "invalid_chunk"),
        ("1\0\r\n", "invalid_chunk"),
        ("\u{661}\r\n", "invalid_chunk"),
        ("8000000000000000\r\n", "invalid_chunk"),
        ("ffffffffffffffff\r\n", "invalid_chunk"),
        ("10000000000000000\r\n", "invalid_chunk"),
        ("00000000000000001\r\n", "invalid_chunk"),
        // The line ends (hardening, P13).
        ("\n", "bare_line_feed"),
        ("1\n", "bare_line_feed"),
        ("1\nx\n0\n\n", "bare_line_feed"),
        ("1\rx", "bare_line_feed"),
        ("1\r\r\n", "bare_line_feed"),
        ("1;a\n", "bare_line_feed"),
        ("1;a=\"\n\"\r\n", "bare_line_feed"),
        ("1\r\nx\n", "bare_line_feed"),
        ("1\r\nx\r0", "bare_line_feed"),
        ("0\r\n\n", "bare_line_feed"),
        ("0\r\n\rx", "bare_line_feed"),
        ("0\r\nA: b\n", "bare_line_feed"),
        // The size does not fit the payload.
        ("1\r\nxy\r\n", "invalid_chunk"),
        ("2\r\nx\r\n0\r\n\r\n", "bare_line_feed"),
        ("3\r\nx\r\n0\r\n\r\n", "invalid_chunk"),
        ("1\r\nx0\r\n\r\n", "invalid_chunk"),
        // Extensions (hardening, P13).
        ("1;\r\n", "invalid_chunk"),
        ("1;;a\r\n", "invalid_chunk"),
        ("1; a\r\n", "invalid_chunk"),
        ("1 ;a\r\n", "invalid_chunk"),
        ("1;a \r\n", "invalid_chunk"),
        ("1;a =b\r\n", "invalid_chunk"),
        ("1;a= b\r\n", "invalid_chunk"),
        ("1;a=\r\n", "invalid_chunk"),
        ("1;a=;b\r\n", "invalid_chunk"),
        ("1;=b\r\n", "invalid_chunk"),
        ("1;a==b\r\n", "invalid_chunk"),
        ("1;a=b=c\r\n", "invalid_chunk"),
        ("1;a(b\r\n", "invalid_chunk"),
        ("1;a\0\r\n", "invalid_chunk"),
        ("1;a=\"b\r\n", "invalid_chunk"),
        ("1;a=\"b\"c\r\n", "invalid_chunk"),
        ("1;a=b\"c\"\r\n", "invalid_chunk"),
        ("1;a=\"\0\"\r\n", "invalid_chunk"),
        ("1;a=\"\\\0\"\r\n", "invalid_chunk"),
        ("1;a=\"\u{e9}\"\r\n", "invalid_chunk"),
        // Trailers are field lines like any others.
        ("0\r\n A: b\r\n", "obsolete_line_folding"),
        ("0\r\nA: b\r\n c\r\n\r\n", "obsolete_line_folding"),
        ("0\r\nA : b\r\n", "malformed_header"),
        ("0\r\nA\r\n", "malformed_header"),
        ("0\r\n: b\r\n", "malformed_header"),
        ("0\r\nA: \0\r\n", "malformed_header"),
        ("0\r\nA: b\rc\r\n", "bare_line_feed"),
        ("0\r\nGET / HTTP/1.1\r\n", "malformed_header"),
    ] {
        check(body.as_bytes(), expected);
    }
}

#[test]
fn limits_hold_from_both_sides() {
    // From the semicolon on.
    let extension = |n: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(n - 1));
    let max = usize::from(limits::CHUNK_EXTENSION_BYTES_MAX);
    check(extension(max - 1).as_bytes(), "end x +0");
    check(extension(max).as_bytes(), "end x +0");
    check(extension(max + 1).as_bytes(), "invalid_chunk");

    // All extensions together, one byte of payload and eight of extension a chunk.
    let chunks = |n: usize| format!("{}0\r\n\r\n", "1;abcdefg\r\nx\r\n".repeat(n));
    let max = limits::CHUNK_EXTENSIONS_EXCESS_MAX as usize / 7;
    check(
        chunks(max).as_bytes(),
        &format!("end {} +0", "x".repeat(max)),
    );
    check(chunks(max + 1).as_bytes(), "invalid_chunk");

    // Trailer fields, and bytes with the empty line.
    let fields = |n: usize| format!("0\r\n{}\r\n", "A: b\r\n".repeat(n));
    let max = limits::TRAILER_FIELDS_MAX;
    check(
        fields(max - 1).as_bytes(),
        &format!("end  +0{}", " [A=b]".repeat(max - 1)),
    );
    check(
        fields(max).as_bytes(),
        &format!("end  +0{}", " [A=b]".repeat(max)),
    );
    check(fields(max + 1).as_bytes(), "trailers_too_large");
    let bytes = |n: usize| "a".repeat(n - "A: \r\n\r\n".len());
    let trailer = |n: usize| format!("0\r\nA: {}\r\n\r\n", bytes(n));
    let max = limits::TRAILER_BYTES_MAX;
    check(
        trailer(max).as_bytes(),
        &format!("end  +0 [A={}]", bytes(max)),
    );
    check(trailer(max + 1).as_bytes(), "trailers_too_large");
    check(
        format!("0\r\nA: {}", "a".repeat(max)).as_bytes(),
        "trailers_too_large",
    );
}

#[test]
fn a_step_ends_with_payload_or_input() {
    let mut decoder = ChunkedDecoder::default();
    let body = b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\nnext";
    let step = |consumed, payload, is_end| {
        Ok(Step {
            consumed,
            payload,
            is_end,
        })
    };
    assert_eq!(decoder.step(body), step(5, &b"ab"[..], false));
    assert_eq!(decoder.payload_announced(), 2);
    assert_eq!(decoder.step(&body[5..]), step(6, &b"c"[..], false));
    assert_eq!(decoder.step(&body[11..]), step(7, &b""[..], true));
    assert_eq!(decoder.step(&body[18..]), step(0, &b""[..], true));
    assert_eq!(&body[18..], b"next");
}

/// What a body comes to, by looking at lines: slow, and easy to check by eye.
fn model(body: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ()> {
    let line = |from: usize| {
        let rest = &body[from..];
        rest.windows(2)
            .position(|two| two == b"\r\n")
            .map(|at| &rest[..at])
    };
    let token = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    };
    let quoted = |text: &str| {
        let inner = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        inner.is_some_and(|text| {
            text.chars()
                .all(|c| c == '\t' || ((' '..='~').contains(&c) && c != '"'))
        })
    };
    let mut payload = Vec::new();
    let mut at = 0;
    loop {
        let Some(size) = line(at) else {
            return Ok(None);
        };
        at += size.len() + 2;
        let size = str::from_utf8(size).map_err(|_| ())?;
        let (digits, extensions) = match size.find(';') {
            Some(end) => (&size[..end], &size[end..]),
            None => (size, ""),
        };
        // A semicolon within quotes parts nothing. The generator makes no backslashes.
        let mut is_quoted = false;
        let parts = extensions.split(|c| {
            is_quoted ^= c == '"';
            c == ';' && !is_quoted
        });
        for extension in parts.skip(1) {
            let good = match extension.split_once('=') {
                None => token(extension),
                Some((name, value)) => token(name) && (token(value) || quoted(value)),
            };
            if !good {
                return Err(());
            }
        }
        if digits.is_empty()
            || digits.len() > 16
            || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            return Err(());
        }
        let size = i64::from_str_radix(digits, 16).map_err(|_| ())? as usize;
        if size == 0 {
            break;
        }
        if body.len() - at < size {
            return Ok(None);
        }
        payload.extend_from_slice(&body[at..at + size]);
        at += size;
        match &body[at..body.len().min(at + 2)] {
            b"\r\n" => at += 2,
            b"" | b"\r" => return Ok(None),
            _ => return Err(()),
        }
    }
    loop {
        let Some(trailer) = line(at) else {
            return Ok(None);
        };
        at += trailer.len() + 2;
        if trailer.is_empty() {
            return Ok(Some((payload, at)));
        }
        let trailer = String::from_utf8_lossy(trailer);
        let (name, value) = trailer.split_once(':').ok_or(())?;
        if !token(name) || value.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(());
        }
    }
}

/// Bytes that are a chunked body, or nearly so.
fn bodylike() -> impl Strategy<Value = Vec<u8>> {
    let extension = prop_oneof![
        8 => Just(""),
        1 => Just(";a"),
        1 => Just(";a=b"),
        1 => Just(";a=\"b\""),
        1 => Just(";a=b;c"),
    ];
    let payload = prop::collection::vec(
        prop_oneof![any::<u8>(), prop::sample::select(b"\r\n0;".to_vec())],
        1..20,
    );
    let chunk = (extension, payload, any::<bool>()).prop_map(|(extension, payload, is_padded)| {
        let size = payload.len();
        let size = if is_padded {
            format!("00{size:X}")
        } else {
            format!("{size:x}")
        };
        [
            size.as_bytes(),
            extension.as_bytes(),
            b"\r\n",
            &payload,
            b"\r\n",
        ]
        .concat()
    });
    let end = prop::sample::select(vec![
        "0\r\n\r\n",
        "000\r\n\r\nnext",
        "0;a=b\r\n\r\n",
        "0\r\nA: b\r\n\r\n",
        "0\r\nA: b\r\nC:\td\r\n\r\nnext",
    ]);
    (prop::collection::vec(chunk, 0..5), end)
        .prop_map(|(chunks, end)| [&chunks.concat(), end.as_bytes()].concat())
}

/// The same with a few bytes changed, added or taken away.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"\r\n \t;=0a5fg\0:\x80".to_vec());
    let damage = prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, byte), 0..3);
    (bodylike(), damage).prop_map(|(mut body, damage)| {
        for (place, kind, byte) in damage {
            if body.is_empty() {
                break;
            }
            let place = place.index(body.len());
            match kind {
                0 => body[place] = byte,
                1 => body.insert(place, byte),
                _ => {
                    body.remove(place);
                }
            }
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn good_bodies_are_read_as_the_model_reads_them(body in bodylike()) {
        let (payload, length) = model(&body).unwrap().unwrap();
        let expected = format!("end {} +{}", payload.escape_ascii(), body.len() - length);
        prop_assert!(walk_whole(&body).starts_with(&expected));
    }

    #[test]
    fn damaged_bodies_are_read_as_the_model_reads_them(body in damaged(), sizes in prop::collection::vec(1..9_usize, 1..9)) {
        let outcome = walk_whole(&body);
        match model(&body) {
            Ok(Some((payload, length))) => {
                let expected = format!("end {} +{}", payload.escape_ascii(), body.len() - length);
                prop_assert!(outcome.starts_with(&expected), "{} instead of {}", outcome, expected);
            }
            // The model sees faults line by line, the decoder byte by byte.
            Ok(None) => prop_assert!(!outcome.starts_with("end"), "{}", outcome),
            Err(()) => prop_assert!(!outcome.starts_with("end") && !outcome.starts_with("partial"), "{}", outcome),
        }
        // Pieces of any sizes, again and again.
        let mut rest = &body[..];
        let pieces = sizes.iter().cycle().map_while(|&size| {
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            rest = behind;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(walk(pieces), outcome);
    }

    #[test]
    fn nothing_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = walk(body.chunks(3));
    }
}
