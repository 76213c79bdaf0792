//! The parts whose regression has to be seen on noisy machines: each can be made ready for so many
//! pieces of work, and then do them, with nothing else in between.
//!
//! `parts` times them by criterion, `counts` counts their instructions under callgrind.

use crate::chains::{ANSWER, HEAD, Judged, Kind, Stand};
use crate::lookup;
use crate::partners::Partner;
use crate::samples::{CHAINS, filters};
use anyhow::{Context, anyhow};
use filters::chain::Chain;
use filters::filter::Filter;
use filters::key::KeyText;
use filters::quota::{Owner, Policies, Quotas};
use filters::signing::{Scheme, Secret, Signed, mac};
use filters::testing::START_S;
use filters::units::Rate;
use serde_json::json;
use std::hint::black_box;
use tidegate::edge::wire::{HeadLimits, Parse, parse_request, parse_response, request_framing};
use tidegate::keys::Directory;
use tidegate::plan::Router;
use tidegate::plan::router::Entry;
use tidegate::policy::pattern::Pattern;

/// Keys of the large directory.
const KEYS: u32 = 1_000_000;

/// Work that can be made ready, and done.
pub trait Work {
    /// Makes so many pieces ready.
    ///
    /// # Errors
    /// When they cannot be made.
    fn ready(&mut self, pieces: usize) -> anyhow::Result<()>;

    /// Does them.
    ///
    /// # Errors
    /// When one of them went wrong.
    fn run(&mut self) -> anyhow::Result<()>;
}

/// A part by its name.
pub struct Part {
    /// The name, as in `counts.json`.
    pub name: String,
    make: Box<dyn Fn() -> anyhow::Result<Box<dyn Work>>>,
}

/// The same thing again and again.
struct Same<F> {
    pieces: usize,
    piece: F,
}

/// A filter, or a chain, on exchanges that are made ready.
struct Filtering {
    stand: Stand,
    above: Vec<Box<dyn Filter>>,
    judged: Either,
    kind: Kind,
    cases: Vec<crate::chains::Case>,
}

enum Either {
    Filter(Box<dyn Filter>),
    Chain(std::sync::Arc<Chain>),
}

/// Every part.
#[must_use]
pub fn all() -> Vec<Part> {
    let mut parts = vec![
        Part::new("head/parse 146 B", || {
            let limits = HeadLimits::STANDARD;
            Ok(same(move || {
                black_box(parse_request(black_box(HEAD), &limits));
            }))
        }),
        Part::new("head/framing", || {
            let Parse::Complete { head, .. } = parse_request(HEAD, &HeadLimits::STANDARD) else {
                return Err(anyhow!("the head is not read"));
            };
            Ok(same(move || {
                let _ = black_box(request_framing(black_box(&head)));
            }))
        }),
        Part::new("head/parse an answer of 125 B", || {
            let limits = HeadLimits::STANDARD;
            Ok(same(move || {
                black_box(parse_response(black_box(ANSWER), &limits));
            }))
        }),
        Part::new("signature/v1 over 1 KiB", || Ok(signature())),
        Part::new("bucket/two policies", bucket),
        Part::new("keys/look-up among 64", || Ok(look_up(64))),
        Part::new("keys/look-up among 1,000,000", || Ok(look_up(KEYS))),
    ];
    for routes in [10, 1_000, 10_000] {
        let name = format!("router/{routes} routes");
        parts.push(Part::new(name, move || router(routes)));
    }
    for chained in CHAINS {
        let name = format!("chain/{}", chained.label);
        parts.push(Part::new(name, move || {
            let mut stand = Stand::new();
            let chain = stand.chain(&chained)?;
            let (above, judged) = (Vec::new(), Either::Chain(chain));
            Ok(Filtering::boxed(stand, above, judged, chained.kind))
        }));
    }
    // The log line is `access_log`'s, the token's two parts are `jwt`'s.
    for number in 0..filters().len() {
        let name = format!("filter/{}", filters()[number].label);
        parts.push(Part::new(name, move || filter(number)));
    }
    parts
}

// === impl Part ===

impl Part {
    fn new(
        name: impl Into<String>,
        make: impl Fn() -> anyhow::Result<Box<dyn Work>> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            make: Box::new(make),
        }
    }

    /// Sets it up.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn make(&self) -> anyhow::Result<Box<dyn Work>> {
        (self.make)().with_context(|| self.name.clone())
    }
}

// === impl Same ===

fn same(piece: impl FnMut() + 'static) -> Box<dyn Work> {
    Box::new(Same { pieces: 0, piece })
}

impl<F: FnMut()> Work for Same<F> {
    fn ready(&mut self, pieces: usize) -> anyhow::Result<()> {
        self.pieces = pieces;
        Ok(())
    }

    fn run(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.pieces {
            (self.piece)();
        }
        Ok(())
    }
}

// === impl Filtering ===

impl Filtering {
    fn boxed(
        stand: Stand,
        above: Vec<Box<dyn Filter>>,
        judged: Either,
        kind: Kind,
    ) -> Box<dyn Work> {
        Box::new(Self {
            stand,
            above,
            judged,
            kind,
            cases: Vec::new(),
        })
    }
}

impl Work for Filtering {
    fn ready(&mut self, pieces: usize) -> anyhow::Result<()> {
        self.cases = self.stand.cases(pieces, &self.above, self.kind)?;
        Ok(())
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let judged = match &self.judged {
            Either::Filter(filter) => Judged::Filter(&**filter),
            Either::Chain(chain) => Judged::Chain(chain),
        };
        for phase in 0..crate::chains::PHASES.len() {
            self.stand.phase(phase, &judged, &mut self.cases)?;
        }
        Ok(())
    }
}

fn filter(number: usize) -> anyhow::Result<Box<dyn Work>> {
    let sample = filters().swap_remove(number);
    let stand = Stand::new();
    let above: anyhow::Result<Vec<_>> = sample
        .above
        .iter()
        .map(|name| stand.build(name, json!({})))
        .collect();
    let filter = stand.build(sample.name, sample.config)?;
    Ok(Filtering::boxed(
        stand,
        above?,
        Either::Filter(filter),
        sample.kind,
    ))
}

fn signature() -> Box<dyn Work> {
    let secret = Secret::new(b"sk_0");
    let body = [b'a'; 1024];
    let timestamp = START_S.to_string();
    same(move || {
        let signed = Signed {
            method: "POST",
            path: b"/api/v1/orders",
            query: b"",
            timestamp: &timestamp,
            nonce: "0123456789abcdef",
        };
        black_box(mac(Scheme::V1, &secret, &signed, black_box(&body)));
    })
}

fn bucket() -> anyhow::Result<Box<dyn Work>> {
    let rate = |window_s| Rate {
        limit: 1_000_000_000,
        window_s,
    };
    let list = [
        ("hourly".to_owned(), rate(3600)),
        ("burst".to_owned(), rate(60)),
    ];
    let policies = Policies::new(list.into()).map_err(|error| anyhow!("{error}"))?;
    let quotas = Quotas::default();
    let owner = Owner::Key(1);
    let mut now_ns = 1_000_000_000;
    Ok(same(move || {
        now_ns += 1000;
        black_box(quotas.take(&owner, &policies, now_ns));
    }))
}

fn look_up(count: u32) -> Box<dyn Work> {
    let directory: Directory = lookup::directory(count);
    let keys: Vec<String> = (0..64)
        .map(|n| Partner::new(n * (count / 64)).key)
        .collect();
    debug_assert!(
        keys.iter()
            .all(|key| KeyText::parse(key.as_bytes()).is_ok())
    );
    let mut turn = 0;
    same(move || {
        turn += 1;
        black_box(lookup::is_known(&directory, &keys[turn % keys.len()]));
    })
}

fn router(routes: usize) -> anyhow::Result<Box<dyn Work>> {
    let texts: Vec<String> = (0..routes)
        .map(|n| format!("/api/v1/r{n:05}/{{id}}"))
        .collect();
    let patterns: Result<Vec<Pattern>, _> = texts.iter().map(|text| Pattern::read(text)).collect();
    let patterns = patterns.map_err(|_| anyhow!("a path that is none"))?;
    let entries: Vec<Entry<'_>> = patterns
        .iter()
        .map(|pattern| Entry {
            pattern,
            methods: &["GET"],
            hosts: &[],
            preflights: false,
        })
        .collect();
    let router = Router::new(&entries);
    let wanted = format!("/api/v1/r{:05}/42", routes / 3);
    Ok(same(move || {
        black_box(router.find(b"localhost", black_box(wanted.as_bytes()), "GET"));
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_part_has_its_own_name_and_works() {
        let mut names = HashSet::new();
        for part in all() {
            assert!(names.insert(part.name.clone()), "{} twice", part.name);
            // A million keys take a while to make.
            if part.name.contains("1,000,000") {
                continue;
            }
            let mut work = part.make().unwrap();
            work.ready(2).unwrap();
            work.run().unwrap();
        }
    }
}
