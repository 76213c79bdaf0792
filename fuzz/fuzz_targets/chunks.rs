//! Chunked bodies: fed whole or byte by byte, the payload and the verdict are the same.

#![no_main]

use tidegate::edge::wire::{ChunkedDecoder, Refusal};

fn decode(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, usize, bool), Refusal> {
    let mut decoder = ChunkedDecoder::new();
    let (mut payload, mut at) = (Vec::new(), 0);
    for part in bytes.chunks(piece) {
        let mut rest = part;
        while !rest.is_empty() && !decoder.is_end() {
            let step = decoder.step(rest)?;
            assert!(step.consumed > 0, "no progress");
            payload.extend_from_slice(step.payload);
            rest = &rest[step.consumed..];
            at += step.consumed;
        }
    }
    Ok((payload, at, decoder.is_end()))
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let whole = decode(bytes, bytes.len().max(1));
    for piece in [1, 2, 7] {
        assert_eq!(decode(bytes, piece), whole, "split every {piece} bytes");
    }
});
