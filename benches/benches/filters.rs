//! What one request costs in each filter and in whole chains: nanoseconds and allocations.
//!
//! ```text
//! cargo bench -p benches --bench filters
//! ```
//!
//! Each filter is fed with requests that have passed what it needs above it, and is called in four
//! phases: the request is judged, the head that goes upstream edited, the answer's head edited, the
//! end told. Figures are medians over batches, on warm caches: comparisons hold, sums flatter. Clients
//! are fakes (a list of fields in memory), clocks stand still; key records, quotas, replay memory and
//! the policy are real. What the fakes allocate when a body is read, one small block for each piece
//! as the lane does, is counted.

use anyhow::{Context, anyhow, ensure};
use benches::allocations::Counting;
use benches::laps::{Cost, Lap};
use benches::partners::{Draft, Partner, TIER};
use benches::table::Table;
use benches::{proc, shipped};
use filters::catalog;
use filters::chain::Chain;
use filters::clock::Clock;
use filters::env::{Env, LogSink, Site, VersionFacts};
use filters::exchange::{Client, Exchange, Outcome, RouteFacts};
use filters::filter::Filter;
use filters::head::ResponseHead;
use filters::key::KeyRecord;
use filters::signing::Scheme;
use filters::testing::{
    FakeClient, FieldList, Issuer, ManualClock, START_S, exchange_at, fakes_of, finish, judge,
    outcome, word,
};
use filters::units::Rate;
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tidegate::edge::wire::{HeadLimits, Parse, parse_request, request_framing};
use tidegate::keys::Directory;
use tidegate::plan::{Plan, compile};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests in a batch: enough to be timed together, few enough to stay in the cache.
const PIECES: usize = 64;
/// Batches that count.
const BATCHES: usize = 400;
/// Batches before.
const WARM_UP: usize = 40;

/// Where the keys of tokens are.
const KEYS: &str = "file:keys";

const BODY: &[u8] = &[b'a'; 1024];

/// Different tokens.
const TOKENS: usize = 64;

/// A head as a client of an API sends it.
const HEAD: &[u8] = b"GET /api/v1/orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: tidegate\r\nAccept: */*\r\nX-API-Key: ak_live_0000000000000000000000000000012Ab3Cd\r\n\r\n";
const _: () = assert!(HEAD.len() == 146);

/// What is asked.
#[derive(Clone, Copy)]
enum Kind {
    Get,
    /// From a web page.
    GetFromPage,
    /// By a bearer token in place of a key, one of as many as there are partners.
    GetByToken,
    Post,
    PostBodyTimestamp,
}

/// What filters stand on, and who calls them.
struct Bench {
    env: Env,
    clock: Arc<ManualClock>,
    partners: Vec<Partner>,
    tokens: Vec<String>,
    route: Arc<RouteFacts>,
    answer: FieldList,
    made: usize,
}

/// A log whose lines are formatted and forgotten.
#[derive(Default)]
struct Forgetful(Mutex<Vec<u8>>);

impl LogSink for Forgetful {
    fn line(&self, fill: &mut dyn FnMut(&mut Vec<u8>)) {
        let mut line = self.0.lock().expect("nobody panics while holding it");
        line.clear();
        fill(&mut line);
    }
}

/// One filter, or many in a chain.
enum Subject<'a> {
    Filter(&'a dyn Filter),
    Chain(&'a Chain),
}

type Case = (Exchange, FakeClient);

fn main() -> anyhow::Result<()> {
    let numbers = ["request", "upstream", "answer", "log", "ns", "allocations"];
    let mut table = Table::new(&[""], &numbers);
    parser(&mut table)?;
    for (label, above, name, config, kind) in filters() {
        let mut bench = Bench::new();
        let above: Result<Vec<_>, _> = above
            .iter()
            .map(|name| bench.build(name, json!({})))
            .collect();
        let filter = bench.build(name, config)?;
        let costs = bench.measure(&Subject::Filter(&*filter), &above?, kind);
        put(&mut table, label, &costs.with_context(|| label.to_owned())?);
    }
    for (label, route, kind) in [
        ("open chain, GET", "health", Kind::Get),
        ("partner chain, GET, v1", "orders", Kind::Get),
        ("partner chain, POST 1 KiB, v1", "orders", Kind::Post),
    ] {
        let mut bench = Bench::new();
        let chain = bench.shipped(route)?;
        let costs = bench.measure(&Subject::Chain(&chain), &[], kind);
        put(&mut table, label, &costs.with_context(|| label.to_owned())?);
    }
    let mut out = std::io::stdout();
    writeln!(
        out,
        "\n{}; medians of {BATCHES} batches of {PIECES}\n",
        proc::processor()
    )?;
    write!(out, "{}", table.aligned())?;
    Ok(())
}

/// Label, filters above, name, configuration, what is asked.
fn filters() -> Vec<(
    &'static str,
    &'static [&'static str],
    &'static str,
    Value,
    Kind,
)> {
    let by_address = json!({"by": "address", "name": "edge", "policies": {"burst": "1000000000/min"}, "failures": "60/min"});
    let tokens = |cache| {
        let audience = ["https://api.example"];
        json!({"issuer": "https://issuer.example", "audience": audience, "keys": KEYS, "cache": cache})
    };
    let networks = json!({"allow": ["10.0.0.0/8", "192.0.2.0/24"]});
    let origins = json!({"origins": ["https://app.example.com"]});
    let signed = &["api_key"][..];
    let proved = &["api_key", "signature"][..];
    vec![
        ("hygiene", &[], "hygiene", json!({}), Kind::Get),
        ("request_id", &[], "request_id", json!({}), Kind::Get),
        ("access_log", proved, "access_log", json!({}), Kind::Get),
        ("ip_allow", &[], "ip_allow", networks, Kind::Get),
        ("cors", &[], "cors", origins, Kind::GetFromPage),
        ("api_version", &[], "api_version", json!({}), Kind::Get),
        ("body_limit", &[], "body_limit", json!({}), Kind::Post),
        (
            "rate_limit, by address",
            &[],
            "rate_limit",
            by_address,
            Kind::Get,
        ),
        ("api_key", &[], "api_key", json!({}), Kind::Get),
        (
            "api_key, key-only",
            &[],
            "api_key",
            json!({"proof": "key-only"}),
            Kind::Get,
        ),
        (
            "signature, GET, v1",
            signed,
            "signature",
            json!({}),
            Kind::Get,
        ),
        (
            "signature, POST 1 KiB, v1",
            signed,
            "signature",
            json!({}),
            Kind::Post,
        ),
        (
            "signature, POST 1 KiB, body",
            signed,
            "signature",
            json!({}),
            Kind::PostBodyTimestamp,
        ),
        (
            "jwt, remembered",
            &[],
            "jwt",
            tokens("32MiB"),
            Kind::GetByToken,
        ),
        ("jwt, verified", &[], "jwt", tokens("0B"), Kind::GetByToken),
        (
            "rate_limit, by caller",
            proved,
            "rate_limit",
            json!({}),
            Kind::Get,
        ),
        (
            "headers, security",
            &[],
            "headers",
            json!({"security": true}),
            Kind::Get,
        ),
    ]
}

// === impl Bench ===

impl Bench {
    fn new() -> Self {
        let rate = |window_s| Rate {
            limit: 1_000_000_000,
            window_s,
        };
        let policies = [
            ("hourly".to_owned(), rate(3600)),
            ("burst".to_owned(), rate(60)),
        ];
        let version = VersionFacts {
            name: "1".into(),
            current: true,
            deprecated_s: None,
            sunset_s: None,
            guide: None,
            successor: None,
        };
        let fakes = fakes_of(Site {
            hosts: vec!["localhost".to_owned()],
            tiers: [(TIER.to_owned(), Some(policies.into()))].into(),
            versions: vec![version],
            documentation: "https://docs.example".to_owned(),
        });
        let partners = Partner::all();
        let keys = Directory::new(Arc::clone(&fakes.env.clock));
        let records: Vec<KeyRecord> = partners.iter().map(Partner::record).collect();
        keys.load(records);
        let issuer = Issuer::new("one");
        fakes.texts.put(KEYS, issuer.jwks());
        let tokens = (0..TOKENS).map(|n| {
            let mut claims = Issuer::claims();
            claims["sub"] = format!("partner_{n}").into();
            issuer.token(&claims)
        });
        let tokens = tokens.collect();
        let mut env = fakes.env;
        env.keys = Arc::new(keys);
        env.log = Arc::new(Forgetful::default());
        Self {
            env,
            clock: fakes.clock,
            partners,
            tokens,
            route: Arc::new(RouteFacts {
                name: "orders".into(),
                body_max: 1 << 20,
                keep_authorization: false,
                version: Some("1".into()),
            }),
            answer: FieldList::of(&[
                ("Content-Type", "application/json"),
                ("Content-Length", "250"),
                ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ]),
            made: 0,
        }
    }

    fn build(&self, name: &str, config: Value) -> anyhow::Result<Box<dyn Filter>> {
        let prepared =
            catalog::prepare(name, config).with_context(|| format!("no filter {name}"))?;
        Ok(prepared?.build(&self.env)?)
    }

    /// The chain of this route of the shipped policy; its facts are those of all that follows.
    fn shipped(&mut self, route: &str) -> anyhow::Result<Arc<Chain>> {
        let policy = shipped::policy()?;
        let plan: Plan = compile(&policy, &self.env).map_err(|report| anyhow!("{report}"))?;
        let route = plan
            .routes
            .iter()
            .find(|known| &*known.facts.name == route)
            .with_context(|| format!("no route {route}"))?;
        self.route = Arc::clone(&route.facts);
        Ok(Arc::clone(&route.chain))
    }

    /// The cost of one request in each of the four phases.
    fn measure(
        &mut self,
        subject: &Subject<'_>,
        above: &[Box<dyn Filter>],
        kind: Kind,
    ) -> anyhow::Result<[Cost; 4]> {
        let mut laps: [Vec<Lap>; 4] = Default::default();
        for batch in 0..WARM_UP + BATCHES {
            let mut cases: Vec<Case> = Vec::with_capacity(PIECES);
            for _ in 0..PIECES {
                let mut case = self.case(kind);
                for filter in above {
                    let verdict = judge(&**filter, &mut case.0, &mut case.1);
                    ensure!(verdict.is_ok(), "refused above: {}", word(&verdict));
                }
                cases.push(case);
            }
            let phases = self.batch(subject, &mut cases)?;
            if batch >= WARM_UP {
                for (laps, lap) in laps.iter_mut().zip(phases) {
                    laps.push(lap);
                }
            }
        }
        Ok(laps.map(|laps| Cost::median(&laps, PIECES)))
    }

    fn batch(&self, subject: &Subject<'_>, cases: &mut [Case]) -> anyhow::Result<[Lap; 4]> {
        let mut refused = None;
        let request = Lap::of(|| {
            for (x, client) in &mut *cases {
                let verdict = match subject {
                    Subject::Filter(filter) => judge(*filter, x, client),
                    Subject::Chain(chain) => finish(chain.on_request(x, client)),
                };
                if verdict.is_err() {
                    refused = Some(verdict);
                }
            }
        });
        let upstream = Lap::of(|| {
            for (x, client) in &mut *cases {
                let verdict = match subject {
                    Subject::Filter(filter) => filter.on_upstream_request(x, &client.head()),
                    Subject::Chain(chain) => chain.on_upstream_request(x, &client.head()),
                };
                if verdict.is_err() {
                    refused = Some(verdict);
                }
            }
        });
        let head = ResponseHead {
            status: 200,
            fields: &self.answer,
        };
        let answer = Lap::of(|| {
            for (x, _) in &mut *cases {
                match subject {
                    Subject::Filter(filter) => filter.on_response(x, &head),
                    Subject::Chain(chain) => chain.on_response(x, &head),
                }
            }
        });
        let outcome = Outcome {
            target: b"/api/v1/orders",
            user_agent: Some(b"tidegate-bench"),
            response_bytes: 250,
            duration_ns: 1_834_000,
            upstream_ns: Some(1_620_000),
            upstream: Some(([127, 0, 0, 1], 9000).into()),
            ..outcome(200)
        };
        let log = Lap::of(|| {
            for (x, _) in &mut *cases {
                match subject {
                    Subject::Filter(filter) => filter.on_log(x, &outcome),
                    Subject::Chain(chain) => chain.on_log(x, &outcome),
                }
            }
        });
        match refused {
            Some(verdict) => Err(anyhow!("refused: {}", word(&verdict))),
            None => Ok([request, upstream, answer, log]),
        }
    }

    /// A request that no other is like, from a partner.
    fn case(&mut self, kind: Kind) -> Case {
        self.made += 1;
        let partner = &self.partners[self.made % self.partners.len()];
        let path = "/api/v1/orders";
        let (method, body, scheme) = match kind {
            Kind::Get | Kind::GetFromPage | Kind::GetByToken => ("GET", &b""[..], Scheme::V1),
            Kind::Post => ("POST", BODY, Scheme::V1),
            Kind::PostBodyTimestamp => ("POST", BODY, Scheme::BodyTimestamp),
        };
        let nonce = format!("{:016x}", self.made);
        let mut body = body.to_vec();
        if scheme == Scheme::BodyTimestamp {
            // Nothing but the body makes one request unlike another here.
            body[..nonce.len()].copy_from_slice(nonce.as_bytes());
        }
        let timestamp = START_S.to_string();
        let signature = partner.sign(&Draft {
            method,
            path,
            body: &body,
            timestamp: &timestamp,
            nonce: &nonce,
            scheme,
        });
        let mut client = FakeClient::new(method, path)
            .field("Host", "localhost")
            .field("User-Agent", "tidegate-bench")
            .field("Accept", "*/*");
        if matches!(kind, Kind::GetByToken) {
            let token = &self.tokens[self.made % self.tokens.len()];
            client = client.field("Authorization", format!("Bearer {token}"));
        } else {
            client = client
                .field("X-API-Key", &partner.key)
                .field("X-Timestamp", timestamp)
                .field("X-Nonce", nonce)
                .field("X-API-Signature", signature);
        }
        if matches!(kind, Kind::GetFromPage) {
            client = client.field("Origin", "https://app.example.com");
        }
        if !body.is_empty() {
            client = client
                .field("Content-Type", "text/plain")
                .field("Content-Length", body.len().to_string())
                .body(body);
        }
        let mut x = exchange_at(self.clock.now());
        x.route = Some(Arc::clone(&self.route));
        (x, client)
    }
}

/// The strict reader of heads, which stands before every chain.
fn parser(table: &mut Table) -> anyhow::Result<()> {
    let limits = HeadLimits::STANDARD;
    let time = |mut work: Box<dyn FnMut()>| {
        let laps: Vec<Lap> = (0..WARM_UP + BATCHES)
            .map(|_| Lap::of(|| (0..PIECES).for_each(|_| work())))
            .collect();
        let mut costs = [Cost::default(); 4];
        costs[0] = Cost::median(&laps[WARM_UP..], PIECES);
        costs
    };
    let Parse::Complete { head, .. } = parse_request(HEAD, &limits) else {
        return Err(anyhow!("the head is not read"));
    };
    let parsing = time(Box::new(move || {
        black_box(parse_request(black_box(HEAD), &limits));
    }));
    put(table, "head of 146 bytes, read", &parsing);
    let framing = time(Box::new(move || {
        let _ = black_box(request_framing(black_box(&head)));
    }));
    put(table, "its framing", &framing);
    Ok(())
}

fn put(table: &mut Table, label: &str, costs: &[Cost; 4]) {
    let whole: Cost = costs.iter().copied().sum();
    let mut cells = vec![label.to_owned()];
    cells.extend(costs.iter().map(|cost| format!("{:.0}", cost.nanoseconds)));
    cells.push(format!("{:.0}", whole.nanoseconds));
    cells.push(format!("{:.1}", whole.allocations));
    table.row(cells);
}
