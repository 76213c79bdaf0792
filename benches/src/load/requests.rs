//! The requests of a load, made before they are sent.
//!
//! A request signed for the edge is accepted once, so each is made for one use, with a nonce of its
//! own; should they run out, more are signed while they are needed, and counted, for that costs the
//! generator's core. All others are made once for each partner, or token, and sent in turn. Several
//! recipes take turns, one request each.

use super::recipe::{Credentials, Recipe};
use crate::partners::{Draft, Partner};
use filters::signing::Scheme;
use std::io::Write as _;
use std::sync::Arc;

/// Keys of many that are asked with: enough that none of them is in the processor's caches.
const SAMPLED_KEYS: u32 = 20_000;

/// What requests are made of, beside their recipes.
#[derive(Clone, Debug)]
pub struct Supplies {
    /// The time that signatures carry, Unix seconds.
    pub unix_s: u64,
    /// Bearer tokens.
    pub tokens: Arc<[String]>,
    /// Signed requests that are made beforehand.
    pub signed: usize,
}

/// Requests, ready to be sent.
pub struct Requests {
    recipes: Arc<[Recipe]>,
    rolls: Vec<Roll>,
    turn: usize,
    signed_late: u64,
}

/// The heads of one recipe.
struct Roll {
    /// Its place among them all: a part of its nonces, for the same recipe may come twice.
    place: usize,
    timestamp: String,
    partners: Vec<Partner>,
    tokens: Arc<[String]>,
    /// Heads, one behind the other, and where each ends.
    heads: Vec<u8>,
    ends: Vec<usize>,
}

// === impl Supplies ===

impl Supplies {
    /// Supplies for what needs no tokens and no signatures made beforehand.
    #[must_use]
    pub fn bare(unix_s: u64) -> Self {
        Self {
            unix_s,
            tokens: Arc::default(),
            signed: 0,
        }
    }
}

// === impl Requests ===

impl Requests {
    /// Makes requests by these recipes, in turn.
    ///
    /// # Panics
    /// When there is no recipe.
    #[must_use]
    pub fn prepare(recipes: &[Recipe], supplies: &Supplies) -> Self {
        assert!(!recipes.is_empty(), "a load has something to ask");
        let signed = supplies.signed.div_ceil(recipes.len());
        Self {
            recipes: recipes.into(),
            rolls: recipes
                .iter()
                .enumerate()
                .map(|(place, recipe)| Roll::prepare(place, recipe, supplies, signed))
                .collect(),
            turn: 0,
            signed_late: 0,
        }
    }

    /// The recipes, in the order of [`Self::next`]'s numbers.
    #[must_use]
    pub fn recipes(&self) -> Arc<[Recipe]> {
        Arc::clone(&self.recipes)
    }

    /// Puts the next request behind what is in `out`, but for a large body, and tells by which recipe.
    pub fn next(&mut self, out: &mut Vec<u8>) -> usize {
        let which = self.turn % self.rolls.len();
        let number = self.turn / self.rolls.len();
        self.turn += 1;
        let (roll, recipe) = (&self.rolls[which], &self.recipes[which]);
        if recipe.credentials == Credentials::Signature && number >= roll.ends.len() {
            self.signed_late += 1;
            roll.write_head(recipe, number, out);
        } else {
            out.extend_from_slice(roll.head(number));
        }
        out.extend_from_slice(&recipe.body);
        which
    }

    /// Requests that were signed when they were asked for.
    #[must_use]
    pub const fn signed_late(&self) -> u64 {
        self.signed_late
    }
}

// === impl Roll ===

impl Roll {
    fn prepare(place: usize, recipe: &Recipe, supplies: &Supplies, signed: usize) -> Self {
        let mut roll = Self {
            place,
            timestamp: format!("{:010}", supplies.unix_s),
            partners: match recipe.credentials {
                Credentials::UnknownKey => Partner::unknown(),
                Credentials::ExhaustedKey => Partner::exhausted(),
                Credentials::KeyOf(count) => sampled(count),
                _ => Partner::all(),
            },
            tokens: Arc::clone(&supplies.tokens),
            heads: Vec::new(),
            ends: Vec::new(),
        };
        let count = match recipe.credentials {
            Credentials::None | Credentials::OneToken => 1,
            Credentials::Signature => signed,
            Credentials::Token => supplies.tokens.len(),
            _ => roll.partners.len(),
        };
        let mut heads = Vec::new();
        for number in 0..count {
            roll.write_head(recipe, number, &mut heads);
            roll.ends.push(heads.len());
        }
        roll.heads = heads;
        roll
    }

    fn head(&self, number: usize) -> &[u8] {
        let place = number % self.ends.len();
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.heads[start..self.ends[place]]
    }

    fn write_head(&self, recipe: &Recipe, number: usize, out: &mut Vec<u8>) {
        let Recipe {
            method, path, body, ..
        } = recipe;
        let partner = &self.partners[number % self.partners.len()];
        let timestamp = &self.timestamp;
        let mut put = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a vector takes everything");
        };
        put(format_args!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: tidegate-bench\r\nAccept: */*\r\n"
        ));
        match recipe.credentials {
            Credentials::None => {}
            Credentials::Token | Credentials::OneToken => {
                let token = &self.tokens[number % self.tokens.len()];
                put(format_args!("Authorization: Bearer {token}\r\n"));
            }
            _ => put(format_args!("X-API-Key: {}\r\n", partner.key)),
        }
        if recipe.credentials == Credentials::Signature {
            let nonce = format!("{:04x}{number:012x}", self.place);
            let signature = partner.sign(&Draft {
                method,
                path,
                body,
                timestamp,
                nonce: &nonce,
                scheme: Scheme::V1,
            });
            put(format_args!(
                "X-Timestamp: {timestamp}\r\nX-Nonce: {nonce}\r\nX-API-Signature: {signature}\r\n"
            ));
        }
        if recipe.credentials == Credentials::PeerSignature {
            let signature = partner.sign_for_peers(timestamp, body);
            put(format_args!(
                "X-Timestamp: {timestamp}\r\nX-Signature: {signature}\r\n"
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

/// Partners from all over the first `count`.
fn sampled(count: u32) -> Vec<Partner> {
    let step = (count / SAMPLED_KEYS).max(1) as usize;
    (0..count).step_by(step).map(Partner::new).collect()
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
        let supplies = Supplies {
            unix_s: UNIX_S,
            tokens: ["a".to_owned(), "b".to_owned()].into(),
            signed: prepared,
        };
        let mut requests = Requests::prepare(std::slice::from_ref(recipe), &supplies);
        let mut seen = HashSet::new();
        for _ in 0..taken {
            let mut out = Vec::new();
            requests.next(&mut out);
            let head = read_head(&out).unwrap().unwrap();
            assert_eq!(head.body_length, recipe.body.len());
            assert_eq!(out[head.length..], *recipe.body);
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
            (Credentials::KeyOf(3), 0, 7, 3, 0),
            (Credentials::UnknownKey, 0, 2 * partners, partners, 0),
            (Credentials::ExhaustedKey, 0, 40, 4, 0),
            (Credentials::PeerSignature, 0, 2 * partners, partners, 0),
            (Credentials::Token, 0, 5, 2, 0),
            (Credentials::OneToken, 0, 5, 1, 0),
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

    #[test]
    fn recipes_take_turns() {
        let recipes = [
            Recipe::get("/a", Credentials::None),
            Recipe::get("/b", Credentials::Key),
        ];
        let mut requests = Requests::prepare(&recipes, &Supplies::bare(UNIX_S));
        for expected in ["GET /a ", "GET /b ", "GET /a "] {
            let mut out = Vec::new();
            let which = requests.next(&mut out);
            assert!(out.starts_with(expected.as_bytes()), "{expected}");
            assert_eq!(recipes[which].path, &expected[4..6]);
        }
    }

    #[test]
    fn the_same_recipe_twice_signs_different_requests() {
        let recipe = Recipe::get("/a", Credentials::Signature);
        let recipes = [recipe.clone(), recipe];
        let mut requests = Requests::prepare(&recipes, &Supplies::bare(UNIX_S));
        let mut seen = HashSet::new();
        for _ in 0..8 {
            let mut out = Vec::new();
            requests.next(&mut out);
            assert!(seen.insert(out));
        }
    }

    #[test]
    fn keys_of_many_come_from_all_over() {
        assert_eq!(sampled(5).len(), 5);
        assert_eq!(sampled(SAMPLED_KEYS * 2).len(), SAMPLED_KEYS as usize);
    }
}
