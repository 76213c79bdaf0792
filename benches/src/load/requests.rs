//! The requests of a load, made before they are sent.
//!
//! A signed request is accepted once, so each is made for one use, with a nonce of its own; should
//! they run out, more are signed while they are needed, and counted, for that costs the generator's
//! core. All others are made once for each partner and sent in turn.

use crate::partners::{Draft, Partner};
use filters::signing::Scheme;
use std::io::Write as _;

/// What a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// An API key.
    Key,
    /// An API key, and a signature of scheme `v1` under its secret.
    Signature,
}

/// How requests are made.
#[derive(Clone, Debug)]
pub struct Recipe {
    method: &'static str,
    path: &'static str,
    body: Vec<u8>,
    credentials: Credentials,
}

/// Requests, ready to be sent.
pub struct Requests {
    recipe: Recipe,
    partners: Vec<Partner>,
    timestamp: String,
    /// Heads, one behind the other, and where each ends.
    heads: Vec<u8>,
    ends: Vec<usize>,
    turn: usize,
    signed_late: u64,
}

// === impl Recipe ===

impl Recipe {
    /// GET requests.
    #[must_use]
    pub const fn get(path: &'static str, credentials: Credentials) -> Self {
        Self {
            method: "GET",
            path,
            body: Vec::new(),
            credentials,
        }
    }

    /// POST requests with a body of so many bytes.
    #[must_use]
    pub fn post(path: &'static str, credentials: Credentials, bytes: usize) -> Self {
        Self {
            method: "POST",
            path,
            body: (b'a'..=b'z').cycle().take(bytes).collect(),
            credentials,
        }
    }
}

// === impl Requests ===

impl Requests {
    /// Makes requests, `count` of them where each can be used once only; `unix_s` is the time that
    /// signatures carry.
    #[must_use]
    pub fn prepare(recipe: &Recipe, count: usize, unix_s: u64) -> Self {
        let mut requests = Self {
            recipe: recipe.clone(),
            partners: Partner::all(),
            timestamp: format!("{unix_s:010}"),
            heads: Vec::new(),
            ends: Vec::new(),
            turn: 0,
            signed_late: 0,
        };
        let count = match recipe.credentials {
            Credentials::None => 1,
            Credentials::Key => requests.partners.len(),
            Credentials::Signature => count,
        };
        let mut heads = Vec::new();
        for number in 0..count {
            requests.write_head(number, &mut heads);
            requests.ends.push(heads.len());
        }
        requests.heads = heads;
        requests
    }

    /// Puts the next request behind what is in `out`.
    pub fn next(&mut self, out: &mut Vec<u8>) {
        let turn = self.turn;
        self.turn += 1;
        if self.recipe.credentials == Credentials::Signature && turn >= self.ends.len() {
            self.signed_late += 1;
            self.write_head(turn, out);
        } else {
            let place = turn % self.ends.len();
            let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
            out.extend_from_slice(&self.heads[start..self.ends[place]]);
        }
        out.extend_from_slice(&self.recipe.body);
    }

    /// Requests that were signed when they were asked for.
    #[must_use]
    pub const fn signed_late(&self) -> u64 {
        self.signed_late
    }

    fn write_head(&self, number: usize, out: &mut Vec<u8>) {
        let Recipe {
            method,
            path,
            body,
            credentials,
        } = &self.recipe;
        let partner = &self.partners[number % self.partners.len()];
        let mut put = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a vector takes everything");
        };
        put(format_args!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: tidegate-bench\r\nAccept: */*\r\n"
        ));
        if *credentials != Credentials::None {
            put(format_args!("X-API-Key: {}\r\n", partner.key));
        }
        if *credentials == Credentials::Signature {
            let nonce = format!("{number:016x}");
            let signature = partner.sign(&Draft {
                method,
                path,
                body,
                timestamp: &self.timestamp,
                nonce: &nonce,
                scheme: Scheme::V1,
            });
            let timestamp = &self.timestamp;
            put(format_args!(
                "X-Timestamp: {timestamp}\r\nX-Nonce: {nonce}\r\nX-API-Signature: {signature}\r\n"
            ));
        }
        if !body.is_empty() {
            put(format_args!(
                "Content-Type: text/plain\r\nContent-Length: {}\r\n",
                body.len()
            ));
        }
        put(format_args!("\r\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::read_head;
    use crate::partners::PARTNERS;
    use std::collections::HashSet;

    const UNIX_S: u64 = 1_767_225_600;

    /// Takes so many requests; how many of them differ, and how many were signed late.
    fn check(recipe: &Recipe, prepared: usize, taken: usize) -> (usize, u64) {
        let mut requests = Requests::prepare(recipe, prepared, UNIX_S);
        let mut seen = HashSet::new();
        for _ in 0..taken {
            let mut out = Vec::new();
            requests.next(&mut out);
            let head = read_head(&out).unwrap().unwrap();
            assert_eq!(head.body_length, recipe.body.len());
            assert_eq!(&out[head.length..], recipe.body);
            seen.insert(out);
        }
        (seen.len(), requests.signed_late())
    }

    #[test]
    fn signed_requests_come_once_and_others_again_and_again() {
        let partners = PARTNERS as usize;
        for (credentials, prepared, taken, different, late) in [
            (Credentials::None, 0, 5, 1, 0),
            (Credentials::Key, 0, 2 * partners, partners, 0),
            (Credentials::Signature, 5, 5, 5, 0),
            (
                Credentials::Signature,
                5,
                2 * partners,
                2 * partners,
                2 * PARTNERS as u64 - 5,
            ),
            (Credentials::Signature, 0, 1, 1, 1),
        ] {
            let get = Recipe::get("/a", credentials);
            let post = Recipe::post("/a", credentials, 1024);
            for recipe in [get, post] {
                let found = check(&recipe, prepared, taken);
                assert_eq!(found, (different, late), "{recipe:?}");
            }
        }
    }
}
