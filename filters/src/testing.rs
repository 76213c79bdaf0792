//! Fakes for tests: a client, a clock, keys, a log. Everything here is plain memory and never waits.
//!
//! ```ignore
//! let fakes = testing::fakes();
//! let filter = SomeFilter::build(&config, &fakes.env).unwrap();
//! let mut client = FakeClient::get("/api/v1/orders").field("Host", "api.example");
//! let mut x = testing::exchange();
//! let verdict = testing::judge(&filter, &mut x, &mut client);
//! ```

mod client;
mod issuer;

pub use client::{FakeClient, FieldList};
pub use issuer::{Issuer, compact};

use crate::clock::{Clock, Now};
use crate::edits::Edits;
use crate::env::{Env, Keys, LogSink, Lookup, Site, Texts};
use crate::exchange::{Client, Exchange, Outcome, RequestId, Scheme};
use crate::filter::{Filter, Step, Verdict};
use crate::head::ResponseHead;
use crate::key::{Credential, Environment, KeyHash, KeyRecord, KeyText, Rare, Usage, checksum};
use crate::quota::Quotas;
use crate::replay::ReplayCache;
use crate::signing::Secret;
use http::HeaderMap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

/// The second at which [`ManualClock::new`] stands: 2026-01-01T00:00:00Z.
pub const START_S: u64 = 1_767_225_600;

/// A clock that moves only when it is told to.
pub struct ManualClock {
    monotonic_ns: AtomicU64,
    unix_ms: AtomicU64,
}

/// Key records that were put in by hand.
#[derive(Default)]
pub struct FixedKeys {
    records: Mutex<HashMap<KeyHash, Arc<KeyRecord>>>,
    down: AtomicBool,
}

/// A log that keeps its lines.
#[derive(Default)]
pub struct Lines {
    lines: Mutex<Vec<Vec<u8>>>,
}

/// Texts that were put in by hand, by their references.
#[derive(Default)]
pub struct FixedTexts {
    texts: Mutex<HashMap<String, String>>,
}

/// An [`Env`] and handles to the fakes in it.
pub struct Fakes {
    /// What a filter is built with.
    pub env: Env,
    /// The clock in it.
    pub clock: Arc<ManualClock>,
    /// The keys in it.
    pub keys: Arc<FixedKeys>,
    /// The log in it.
    pub lines: Arc<Lines>,
    /// The texts in it.
    pub texts: Arc<FixedTexts>,
}

// === impl ManualClock ===

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that stands at [`START_S`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            monotonic_ns: AtomicU64::new(1_000_000_000),
            unix_ms: AtomicU64::new(START_S * 1000),
        }
    }

    /// Both clocks go on.
    pub fn advance_ms(&self, ms: u64) {
        self.monotonic_ns.fetch_add(ms * 1_000_000, Relaxed);
        self.unix_ms.fetch_add(ms, Relaxed);
    }

    /// Both clocks go on.
    pub fn advance_s(&self, seconds: u64) {
        self.advance_ms(seconds * 1000);
    }

    /// Sets the calendar alone, as an operator or NTP may.
    pub fn set_unix_s(&self, seconds: u64) {
        self.unix_ms.store(seconds * 1000, Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now {
            monotonic_ns: self.monotonic_ns.load(Relaxed),
            unix_ms: self.unix_ms.load(Relaxed),
        }
    }
}

// === impl FixedKeys ===

impl FixedKeys {
    /// Puts a record in under every credential that it has.
    pub fn insert(&self, record: KeyRecord) -> Arc<KeyRecord> {
        let record = Arc::new(record);
        for credential in record.credentials() {
            self.records
                .lock()
                .insert(credential.hash, Arc::clone(&record));
        }
        record
    }

    /// From now on no records are loaded, or they are again.
    pub fn set_ready(&self, ready: bool) {
        self.down.store(!ready, Relaxed);
    }
}

impl Keys for FixedKeys {
    fn find(&self, hash: &KeyHash) -> Lookup {
        if self.down.load(Relaxed) {
            return Lookup::NotReady;
        }
        match self.records.lock().get(hash) {
            Some(record) => Lookup::Found(Arc::clone(record)),
            None => Lookup::Unknown,
        }
    }
}

// === impl Lines ===

impl Lines {
    /// Every line so far, without line ends.
    #[must_use]
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.lines.lock().clone()
    }

    /// The last line.
    #[must_use]
    pub fn last(&self) -> Option<Vec<u8>> {
        self.lines.lock().last().cloned()
    }
}

impl LogSink for Lines {
    fn line(&self, fill: &mut dyn FnMut(&mut Vec<u8>)) {
        let mut line = Vec::new();
        fill(&mut line);
        self.lines.lock().push(line);
    }
}

// === impl FixedTexts ===

impl FixedTexts {
    /// Puts a text in, in place of what was there.
    pub fn put(&self, reference: &str, text: impl Into<String>) {
        self.texts.lock().insert(reference.to_owned(), text.into());
    }
}

impl Texts for FixedTexts {
    fn read(&self, reference: &str) -> Result<String, String> {
        let text = self.texts.lock().get(reference).cloned();
        text.ok_or_else(|| format!("there is no {reference}"))
    }
}

// === what tests commonly do ===

/// An environment of fakes.
#[must_use]
pub fn fakes() -> Fakes {
    fakes_of(Site {
        documentation: "https://docs.example".to_owned(),
        ..Site::default()
    })
}

/// An environment of fakes with these facts of the policy file.
#[must_use]
pub fn fakes_of(site: Site) -> Fakes {
    let clock = Arc::new(ManualClock::new());
    let keys = Arc::new(FixedKeys::default());
    let lines = Arc::new(Lines::default());
    let texts = Arc::new(FixedTexts::default());
    let env = Env {
        clock: Arc::<ManualClock>::clone(&clock),
        keys: Arc::<FixedKeys>::clone(&keys),
        quotas: Arc::new(Quotas::default()),
        replays: Arc::new(ReplayCache::default()),
        log: Arc::<Lines>::clone(&lines),
        texts: Arc::<FixedTexts>::clone(&texts),
        site: Arc::new(site),
    };
    Fakes {
        env,
        clock,
        keys,
        lines,
        texts,
    }
}

/// An environment of fakes, for tests that need no handle to them.
#[must_use]
pub fn env() -> Env {
    fakes().env
}

/// An exchange at [`START_S`], from 192.0.2.10, over TLS, with the request id `test-id`.
#[must_use]
pub fn exchange() -> Exchange {
    exchange_at(ManualClock::new().now())
}

/// The same at another instant.
#[must_use]
pub fn exchange_at(started: Now) -> Exchange {
    let peer = "192.0.2.10:40000".parse().expect("a socket address");
    let id = RequestId::from_client(b"test-id").expect("an id in its form");
    Exchange::new(started, peer, Scheme::Https, id)
}

/// A key's text with a good checksum; another `seed`, another key.
#[must_use]
pub fn key_text(environment: Environment, seed: u32) -> String {
    let mut text = format!("{}{seed:030}", environment.prefix()).into_bytes();
    let check = checksum(&text);
    text.extend_from_slice(&check);
    String::from_utf8(text).expect("prefix, digits and base62 are ASCII")
}

/// A live key's record that stands good for ever: its number `seed + 1`, tier `free`, and the secret
/// `sk_<seed>`.
///
/// # Panics
/// When the text is no key.
#[must_use]
pub fn key_record(text: &str, seed: u32) -> KeyRecord {
    let key = KeyText::parse(text.as_bytes()).expect("a key's text");
    KeyRecord {
        credential: Some(Credential {
            hash: key.hash(),
            until_s: None,
            secret: Secret::new(format!("sk_{seed}").as_bytes()),
        }),
        number: u128::from(seed) + 1,
        consumer: format!("partner_{seed}").into(),
        environment: key.environment(),
        tier: "free".into(),
        scopes: "orders:read orders:write".into(),
        rare: Rare::default(),
        expires_s: None,
        revoked: false,
        version: 1,
        usage: Arc::new(Usage::default()),
    }
}

/// Gives a key a new key string and secret; the one that counted until now counts for an overlap.
pub fn rotate(record: &mut KeyRecord, new: Credential, until_s: u64) {
    let former = record.credential.replace(new).map(|former| Credential {
        until_s: Some(until_s),
        ..former
    });
    record.rare.former.splice(0..0, former);
}

/// Runs a future of fakes to its end; they never wait.
///
/// # Panics
/// When it waits for something that is no fake.
pub fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a future of fakes waits"),
    }
}

/// Asks one filter for its judgement.
pub fn judge(filter: &dyn Filter, x: &mut Exchange, client: &mut dyn Client) -> Verdict {
    match filter.on_request(x, client) {
        Step::Done(verdict) => verdict,
        Step::Wait(future) => finish(future),
    }
}

/// What the upstream would get of these fields.
#[must_use]
pub fn edited(fields: &FieldList, edits: &Edits) -> HeaderMap {
    let mut map = fields.to_map();
    edits.apply(&mut map);
    map
}

/// Shows one filter an answer and tells what the client would get.
pub fn answer(filter: &dyn Filter, x: &mut Exchange, status: u16, fields: &FieldList) -> HeaderMap {
    filter.on_response(x, &ResponseHead { status, fields });
    edited(fields, &x.response)
}

/// How an exchange ended with this status: a GET of `/`, with nothing else to tell.
#[must_use]
pub fn outcome(status: u16) -> Outcome<'static> {
    Outcome {
        status,
        method: "GET",
        target: b"/",
        user_agent: None,
        request_bytes: 0,
        response_bytes: 0,
        duration_ns: 0,
        upstream_ns: None,
        upstream: None,
        cut: false,
        note: None,
    }
}

/// A judgement in one word: `ok`, the reason, or the status of an answer without one.
#[must_use]
pub fn word(verdict: &Verdict) -> String {
    match verdict {
        Ok(()) => "ok".to_owned(),
        Err(reply) => match reply.reason {
            Some(reason) => reason.as_str().to_owned(),
            None => reply.status.to_string(),
        },
    }
}
