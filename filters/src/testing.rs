//! Fakes for tests: a client, a clock, keys, a log. Everything here is plain memory and never waits.
//!
//! ```ignore
//! let fakes = testing::fakes();
//! let filter = SomeFilter::build(&config, &fakes.env).unwrap();
//! let mut client = FakeClient::get("/api/v1/orders").field("Host", "api.example");
//! let mut x = testing::exchange();
//! let verdict = testing::judge(&filter, &mut x, &mut client);
//! ```

use crate::clock::{Clock, Now};
use crate::edits::Edits;
use crate::env::{Env, Keys, LogSink, Lookup, Site};
use crate::exchange::{BoxFuture, Client, Exchange, Outcome, RequestId, Scheme};
use crate::filter::{Filter, Step, Verdict};
use crate::head::{Fields, Head, ResponseHead, Version};
use crate::key::{Credential, Environment, KeyHash, KeyRecord, KeyText, Usage, checksum};
use crate::quota::Quotas;
use crate::replay::ReplayCache;
use crate::reply::Reply;
use crate::signing::Secret;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, VecDeque};
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

/// Field lines in their order and spelling.
#[derive(Clone, Debug, Default)]
pub struct FieldList(Vec<(Vec<u8>, Vec<u8>)>);

/// A client whose whole request is known beforehand.
pub struct FakeClient {
    method: String,
    target: Vec<u8>,
    authority: Option<Vec<u8>>,
    version: Version,
    fields: FieldList,
    announced: Option<u64>,
    chunks: VecDeque<Bytes>,
    broken: Option<Box<Reply>>,
    /// How often the body was asked for.
    pub reads: usize,
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
        for credential in &record.credentials {
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

// === impl FieldList ===

impl FieldList {
    /// Lines from pairs.
    #[must_use]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let mut list = Self::default();
        for (name, value) in pairs {
            list.push(name.as_bytes(), value.as_bytes());
        }
        list
    }

    /// One line more, in whatever bytes.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.0.push((name.to_vec(), value.to_vec()));
    }

    /// The lines as a map: those that a map can hold.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.0 {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }
}

impl Fields for FieldList {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        let wanted = name.as_str().as_bytes();
        self.0
            .iter()
            .filter(|(spelled, _)| spelled.eq_ignore_ascii_case(wanted))
            .nth(n)
            .map(|(_, value)| value.as_slice())
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value);
        }
    }
}

// === impl FakeClient ===

impl FakeClient {
    /// A request by HTTP/1.1 without fields and without a body.
    #[must_use]
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            authority: None,
            version: Version::Http11,
            fields: FieldList::default(),
            announced: Some(0),
            chunks: VecDeque::new(),
            broken: None,
            reads: 0,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    /// A POST.
    #[must_use]
    pub fn post(target: impl AsRef<[u8]>) -> Self {
        Self::new("POST", target)
    }

    /// By another version.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// With an absolute-form target or HTTP/2's `:authority`.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = Some(authority.as_bytes().to_vec());
        self
    }

    /// With one field line more.
    #[must_use]
    pub fn field(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.fields.push(name.as_ref(), value.as_ref());
        self
    }

    /// With a body in one piece, its length announced. No field line is added.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.announced = Some(body.len() as u64);
        self.chunks = VecDeque::from([body]);
        self
    }

    /// With a body in pieces whose length was not announced. No field line is added.
    #[must_use]
    pub fn chunks<B: Into<Bytes>>(mut self, chunks: impl IntoIterator<Item = B>) -> Self {
        self.announced = None;
        self.chunks = chunks.into_iter().map(Into::into).collect();
        self
    }

    /// With another announced length than the body has.
    #[must_use]
    pub const fn announcing(mut self, length: Option<u64>) -> Self {
        self.announced = length;
        self
    }

    /// With a body that ends in this reply instead of its end.
    #[must_use]
    pub fn breaking(mut self, reply: Box<Reply>) -> Self {
        self.broken = Some(reply);
        self
    }

    /// The request's field lines.
    #[must_use]
    pub const fn fields(&self) -> &FieldList {
        &self.fields
    }
}

impl Client for FakeClient {
    fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            target: &self.target,
            authority: self.authority.as_deref(),
            version: self.version,
            fields: &self.fields,
        }
    }

    fn announced_length(&self) -> Option<u64> {
        self.announced
    }

    fn read<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Bytes>, Box<Reply>>> {
        self.reads += 1;
        let next = match (self.chunks.pop_front(), self.broken.take()) {
            (Some(chunk), broken) => {
                self.broken = broken;
                Ok(Some(chunk))
            }
            (None, Some(reply)) => Err(reply),
            (None, None) => Ok(None),
        };
        Box::pin(std::future::ready(next))
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
    let env = Env {
        clock: Arc::<ManualClock>::clone(&clock),
        keys: Arc::<FixedKeys>::clone(&keys),
        quotas: Arc::new(Quotas::default()),
        replays: Arc::new(ReplayCache::default()),
        log: Arc::<Lines>::clone(&lines),
        site: Arc::new(site),
    };
    Fakes {
        env,
        clock,
        keys,
        lines,
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

/// A live key's record that stands good for ever: id `key_<seed>`, tier `free`, and the secret
/// `sk_<seed>`.
///
/// # Panics
/// When the text is no key.
#[must_use]
pub fn key_record(text: &str, seed: u32) -> KeyRecord {
    let key = KeyText::parse(text.as_bytes()).expect("a key's text");
    KeyRecord {
        id: format!("key_{seed}").into(),
        number: u128::from(seed) + 1,
        consumer: format!("partner_{seed}").into(),
        name: "test".into(),
        environment: key.environment(),
        tier: "free".into(),
        scopes: "orders:read orders:write".into(),
        roles: Vec::new(),
        attributes: BTreeMap::new(),
        networks: Vec::new(),
        limits: None,
        expires_s: None,
        revoked: false,
        credentials: vec![Credential {
            hash: key.hash(),
            secret: Secret::new(format!("sk_{seed}").as_bytes()),
            until_s: None,
        }],
        version: 1,
        usage: Arc::new(Usage::default()),
    }
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
