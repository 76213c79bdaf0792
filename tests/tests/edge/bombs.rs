//! Bodies that are small on the wire and huge to whoever opens them (A32): the edge neither unpacks nor
//! parses. They pass byte for byte, and what is held for a signature is what was sent and no more.

use super::partner::House;
use filters::signing::Scheme;
use sha2::{Digest, Sha256};
use tests::eventually;
use tests::http2::Http2;
use tests::message::{Framing, Message};
use tests::raw::Raw;
use tests::signer::Draft;

/// Zeros in the bomb, once it is unpacked.
const UNPACKED: usize = 64 * 1024 * 1024;

/// 64 MiB of zeros in 400 KiB of gzip (RFC 1952): one block of fixed codes (RFC 1951, section 3.2.6), a
/// zero, and "the same again, 258 times".
fn gzip_bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    bits.put_code(0b0011_0000, 8);
    let repeats = (UNPACKED - 1) / 258;
    for _ in 0..repeats {
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0b00000, 5);
    }
    bits.put_code(0b000_0000, 7);
    let unpacked = 1 + repeats * 258;
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bomb.extend(bits.bytes);
    bomb.push(u8::try_from(bits.last & 0xff).expect("one byte"));
    bomb.extend(crc32_of_zeros(unpacked).to_le_bytes());
    bomb.extend(u32::try_from(unpacked).expect("below 4 GiB").to_le_bytes());
    bomb
}

/// Bits in DEFLATE's order: the lowest of each byte first, and codes from their highest on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    last: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.last |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.last.to_le_bytes()[0]);
            self.last >>= 8;
            self.count -= 8;
        }
    }

    fn put_code(&mut self, code: u32, count: u32) {
        self.put(code.reverse_bits() >> (32 - count), count);
    }
}

fn crc32_of_zeros(count: usize) -> u32 {
    let mut table = [0u32; 256];
    for (at, entry) in (0u32..).zip(&mut table) {
        *entry = (0..8).fold(at, |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        });
    }
    !(0..count).fold(!0u32, |crc, _| {
        (crc >> 8) ^ table[usize::from(crc.to_le_bytes()[0])]
    })
}

/// What a reader of JSON would go down into, half a million steps deep.
fn deep(open: &str, middle: &str, close: &str) -> Vec<u8> {
    let depth = 900_000 / (open.len() + close.len());
    [&open.repeat(depth), middle, &close.repeat(depth)]
        .concat()
        .into_bytes()
}

fn bombs() -> [(&'static str, Vec<u8>, &'static str); 5] {
    [
        ("gzip", gzip_bomb(), "gzip"),
        (
            "gzip in gzip's name alone",
            vec![0; 300_000],
            "gzip, gzip, br",
        ),
        ("deep lists", deep("[", "", "]"), "identity"),
        ("deep objects", deep("{\"a\":", "1", "}"), "identity"),
        ("lists without end", deep("[", "", ""), "identity"),
    ]
}

fn message(house: &House, number: usize, body: &[u8], coding: &str, signed: bool) -> Message {
    let message = if signed {
        let target = format!("/api/v1/bombs/{number}");
        let draft = Draft {
            body,
            scheme: Scheme::ALL[number % 2],
            ..house.draft("POST", &target, "")
        };
        Message::signed(&house.signer, &draft)
    } else {
        Message::new("POST", &format!("/open/{number}")).body(body)
    };
    message
        .field("Content-Type", "application/json")
        .field("Content-Encoding", coding)
}

#[tokio::test]
async fn what_would_explode_passes_as_it_came() {
    let house = House::start().await;
    let mut number = 0;
    for (name, body, coding) in bombs() {
        for signed in [true, false] {
            for framing in [Framing::Length, Framing::Chunks(8191)] {
                for by_http2 in [false, true] {
                    number += 1;
                    let case = format!("{name} {signed} {framing:?} {by_http2}");
                    let message = message(&house, number, &body, coding, signed).framed(framing);
                    let answer = if by_http2 {
                        let http2 = Http2::connect(house.stage.addresses[1]).await;
                        http2.ask(&message).await
                    } else {
                        let mut raw = Raw::connect(house.stage.address).await;
                        raw.ask(house.wire(&message)).await
                    };
                    assert_eq!(answer.status, 200, "{case}: {answer:?}");
                    let seen = house.witness.last();
                    assert_eq!(seen.length, body.len(), "{case}");
                    assert_eq!(seen.sha256, *Sha256::digest(&body), "{case}");
                    assert_eq!(seen.only("content-encoding"), Some(coding), "{case}");
                }
            }
        }
    }
    eventually("nothing held", async || {
        house.stage.edge.collected_bytes() == 0
    })
    .await;
    house.stage.stop().await;
}

/// What is held is exactly what arrived, up to what was announced; without a signature it is nothing.
#[tokio::test]
async fn what_would_explode_is_held_as_it_came_and_given_back() {
    let house = House::start().await;
    let held = || house.stage.edge.collected_bytes();
    for (number, (name, body, coding)) in bombs().into_iter().enumerate() {
        for signed in [true, false] {
            let message = message(&house, number, &body, coding, signed);
            let wire = house.wire(&message);
            let head = wire.len() - body.len();
            let mut raw = Raw::connect(house.stage.address).await;
            raw.send(&wire[..head]).await;
            let mut sent = 0;
            for part in wire[head..wire.len() - 1].chunks(50_000) {
                raw.send(part).await;
                sent += part.len() as u64;
                if signed {
                    eventually("what was sent", async || held() >= sent).await;
                }
                assert!(held() <= if signed { sent } else { 0 }, "{name} {signed}");
            }
            assert_eq!(held(), if signed { body.len() as u64 - 1 } else { 0 });
            raw.send(&wire[wire.len() - 1..]).await;
            assert_eq!(raw.answer().await.expect("an answer").status, 200, "{name}");
            assert_eq!(
                house.witness.last().sha256,
                *Sha256::digest(&body),
                "{name}"
            );
            eventually("nothing held", async || held() == 0).await;
        }
    }
    house.stage.stop().await;
}
