//! The fuzz target's seeds, and what chance makes of them: the same property, held by every run of
//! the tests.

use super::Rig;
use std::path::Path;

/// Inputs that chance makes, unless `LANE_MUTATIONS` says how many.
const MUTATIONS: u64 = 6_000;

/// What requests and answers are made of.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b": ",
    b" ",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"HEAD ",
    b"GET /open/a HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    b"POST ",
    b"HTTP/1.0",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"\xfe\xff",
    b"hello",
    b"ffffffffffffffff\r\n",
    b";a=b",
];

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len());
        match self.below(8) {
            0 => input[at] = self.below(256) as u8,
            1 => input[at] ^= 1 << self.below(8),
            2 => drop(input.remove(at)),
            3 => input.truncate(at + 1),
            4 => {
                let from = self.below(other.len());
                input.truncate(at + 1);
                input.extend_from_slice(&other[from..]);
            }
            5 => input[at.min(5)] = self.below(256) as u8,
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                let end = at
                    + if self.below(2) == 0 {
                        0
                    } else {
                        word.len().min(input.len() - at)
                    };
                drop(input.splice(at..end, word.iter().copied()));
            }
        }
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/lane");
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

/// Runs an input, and tells which it was if it fails.
fn check(rig: &Rig, what: &str, input: &[u8]) {
    let run = std::panic::AssertUnwindSafe(|| rig.run(input));
    if std::panic::catch_unwind(run).is_err() {
        panic!("{what}: b\"{}\"", input.escape_ascii());
    }
}

#[test]
fn every_seed_ends_and_ends_well_in_every_way() {
    let rig = Rig::new();
    let seeds = seeds();
    assert!(seeds.len() > 10, "where are they");
    for (name, seed) in seeds {
        for flags in 0..32 {
            for piece in [1, 255] {
                for room in [0, 4, 11] {
                    let mut input = seed.clone();
                    input[..4].copy_from_slice(&[flags, piece, piece, room]);
                    check(&rig, &name, &input);
                }
            }
        }
    }
}

#[test]
fn whatever_chance_makes_of_the_seeds_ends_well() {
    let rig = Rig::new();
    let seeds = seeds();
    let turns = std::env::var("LANE_MUTATIONS").map_or(MUTATIONS, |text| text.parse().unwrap());
    for turn in 0..turns {
        let mut chance = Chance(turn.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let mut input = seeds[chance.below(seeds.len())].1.clone();
        let other = &seeds[chance.below(seeds.len())].1;
        input[0] = chance.below(256) as u8;
        for _ in 0..=chance.below(6) {
            if !input.is_empty() {
                chance.change(&mut input, other);
            }
        }
        check(&rig, &format!("turn {turn}"), &input);
    }
}

/// An upstream that takes nothing is not the client's fault, though the client has more to say.
#[test]
fn an_upstream_that_takes_nothing_is_504() {
    let head = b"POST /open/a HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 60000\r\n\r\n";
    let body = [b'x'; 50_000];
    let length = u16::try_from(head.len() + body.len())
        .unwrap()
        .to_le_bytes();
    let control = [0b1_1000, 255, 255, 0, length[0], length[1]];
    let heard = Rig::new().run(&[&control, &head[..], &body].concat());
    assert!(
        heard.starts_with(b"HTTP/1.1 504 "),
        "{}",
        heard.escape_ascii()
    );
}
