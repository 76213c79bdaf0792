//! Filters and chains, fed with exchanges from memory: clients are fakes (a list of fields), clocks
//! stand still; key records, quotas, replay memory and the policy are real.
//!
//! Each exchange is one that no other is like, so that replay protection lets it through, and has
//! passed what its filter needs above it. It is taken through four phases: the request is judged, the
//! head that goes upstream edited, the answer's head edited, the end told.

use crate::partners::{Draft, Partner, TIER};
use crate::shipped;
use anyhow::{Context, anyhow, ensure};
use filters::catalog;
use filters::chain::Chain;
use filters::clock::Clock;
use filters::env::{Env, LogSink, Site, VersionFacts};
use filters::exchange::{Client, Exchange, Outcome, RouteFacts};
use filters::filter::Filter;
use filters::head::ResponseHead;
use filters::signing::Scheme;
use filters::testing::{
    FakeClient, FieldList, Issuer, ManualClock, START_S, exchange_at, fakes_of, finish, judge,
    outcome, word,
};
use filters::units::Rate;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tidegate::keys::Directory;
use tidegate::plan::{Plan, compile};

/// Where the keys of tokens are.
const KEYS: &str = "file:keys";

/// Different tokens.
const TOKENS: usize = 64;

const BODY: &[u8] = &[b'a'; 1024];

/// A head as a client of an API sends it.
pub const HEAD: &[u8] = b"GET /api/v1/orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: tidegate\r\nAccept: */*\r\nX-API-Key: ak_live_0000000000000000000000000000012Ab3Cd\r\n\r\n";
const _: () = assert!(HEAD.len() == 146);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GET.
    Get,
    /// From a web page.
    GetFromPage,
    /// By a bearer token in place of a key, one of as many as there are partners.
    GetByToken,
    /// POST of 1 KiB.
    Post,
    /// POST of 1 KiB, signed under the other scheme.
    PostBodyTimestamp,
}

/// What filters stand on, and who calls them.
pub struct Stand {
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
pub enum Judged<'a> {
    /// One filter.
    Filter(&'a dyn Filter),
    /// Many.
    Chain(&'a Chain),
}

/// An exchange and its client.
pub type Case = (Exchange, FakeClient);

/// What happens to an exchange, in order.
pub const PHASES: [&str; 4] = ["request", "upstream", "answer", "log"];

/// One filter, as it is measured.
pub struct Sample {
    /// What it is called in tables.
    pub label: &'static str,
    /// Filters that have to stand above it.
    pub above: &'static [&'static str],
    /// Its name.
    pub name: &'static str,
    /// Its configuration.
    pub config: Value,
    /// What is asked.
    pub kind: Kind,
}

/// Every filter that can be measured by itself.
#[must_use]
pub fn filters() -> Vec<Sample> {
    let by_address = json!({"by": "address", "name": "edge", "policies": {"burst": "1000000000/min"}, "failures": "60/min"});
    let tokens = |cache| {
        let audience = ["https://api.example"];
        json!({"issuer": "https://issuer.example", "audience": audience, "keys": KEYS, "cache": cache})
    };
    let networks = json!({"allow": ["10.0.0.0/8", "192.0.2.0/24"]});
    let origins = json!({"origins": ["https://app.example.com"]});
    let none: &[&str] = &[];
    let signed = &["api_key"][..];
    let proved = &["api_key", "signature"][..];
    let list = vec![
        ("hygiene", none, "hygiene", json!({}), Kind::Get),
        ("request_id", none, "request_id", json!({}), Kind::Get),
        ("access_log", proved, "access_log", json!({}), Kind::Get),
        ("ip_allow", none, "ip_allow", networks, Kind::Get),
        ("cors", none, "cors", origins, Kind::GetFromPage),
        ("api_version", none, "api_version", json!({}), Kind::Get),
        ("body_limit", none, "body_limit", json!({}), Kind::Post),
        (
            "rate_limit, by address",
            none,
            "rate_limit",
            by_address,
            Kind::Get,
        ),
        ("api_key", none, "api_key", json!({}), Kind::Get),
        (
            "api_key, key-only",
            none,
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
            none,
            "jwt",
            tokens("32MiB"),
            Kind::GetByToken,
        ),
        ("jwt, verified", none, "jwt", tokens("0B"), Kind::GetByToken),
        (
            "rate_limit, by caller",
            proved,
            "rate_limit",
            json!({}),
            Kind::Get,
        ),
        (
            "headers, security",
            none,
            "headers",
            json!({"security": true}),
            Kind::Get,
        ),
    ];
    list.into_iter()
        .map(|(label, above, name, config, kind)| Sample {
            label,
            above,
            name,
            config,
            kind,
        })
        .collect()
}

/// The chains of the shipped policy that are measured: label, route, what is asked.
pub const CHAINS: [(&str, &str, Kind); 3] = [
    ("open chain, GET", "health", Kind::Get),
    ("partner chain, GET, v1", "orders", Kind::Get),
    ("partner chain, POST 1 KiB, v1", "orders", Kind::Post),
];

// === impl Stand ===

impl Stand {
    /// A stand with partners whose limits nobody meets.
    #[must_use]
    pub fn new() -> Self {
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
        keys.load(partners.iter().map(Partner::record).collect());
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

    /// A filter.
    ///
    /// # Errors
    /// When there is none of this name, or its configuration is wrong.
    pub fn build(&self, name: &str, config: Value) -> anyhow::Result<Box<dyn Filter>> {
        let prepared =
            catalog::prepare(name, config).with_context(|| format!("no filter {name}"))?;
        Ok(prepared?.build(&self.env)?)
    }

    /// The chain of this route of the shipped policy; its facts are those of all that follows.
    ///
    /// # Errors
    /// When the policy has no such route.
    pub fn shipped(&mut self, route: &str) -> anyhow::Result<Arc<Chain>> {
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

    /// Exchanges of this kind that passed these filters.
    ///
    /// # Errors
    /// When one of them refuses.
    pub fn cases(
        &mut self,
        count: usize,
        above: &[Box<dyn Filter>],
        kind: Kind,
    ) -> anyhow::Result<Vec<Case>> {
        let mut cases: Vec<Case> = Vec::with_capacity(count);
        for _ in 0..count {
            let mut case = self.case(kind);
            for filter in above {
                let verdict = judge(&**filter, &mut case.0, &mut case.1);
                ensure!(verdict.is_ok(), "refused above: {}", word(&verdict));
            }
            cases.push(case);
        }
        Ok(cases)
    }

    /// Takes every exchange through one phase, of [`PHASES`].
    ///
    /// # Errors
    /// When one is refused.
    pub fn phase(
        &self,
        phase: usize,
        judged: &Judged<'_>,
        cases: &mut [Case],
    ) -> anyhow::Result<()> {
        let mut refused = None;
        let answer = ResponseHead {
            status: 200,
            fields: &self.answer,
        };
        let outcome = Outcome {
            target: b"/api/v1/orders",
            user_agent: Some(b"tidegate-bench"),
            response_bytes: 250,
            duration_ns: 1_834_000,
            upstream_ns: Some(1_620_000),
            upstream: Some(([127, 0, 0, 1], 9000).into()),
            ..outcome(200)
        };
        for (x, client) in cases {
            let verdict = match (phase, judged) {
                (0, Judged::Filter(filter)) => judge(*filter, x, client),
                (0, Judged::Chain(chain)) => finish(chain.on_request(x, client)),
                (1, Judged::Filter(filter)) => filter.on_upstream_request(x, &client.head()),
                (1, Judged::Chain(chain)) => chain.on_upstream_request(x, &client.head()),
                (2, Judged::Filter(filter)) => {
                    filter.on_response(x, &answer);
                    Ok(())
                }
                (2, Judged::Chain(chain)) => {
                    chain.on_response(x, &answer);
                    Ok(())
                }
                (_, Judged::Filter(filter)) => {
                    filter.on_log(x, &outcome);
                    Ok(())
                }
                (_, Judged::Chain(chain)) => {
                    chain.on_log(x, &outcome);
                    Ok(())
                }
            };
            if verdict.is_err() {
                refused = Some(verdict);
            }
        }
        refused.map_or(Ok(()), |verdict| {
            Err(anyhow!("refused: {}", word(&verdict)))
        })
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

impl Default for Stand {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_and_every_chain_goes_through_all_phases() {
        for sample in filters() {
            let mut stand = Stand::new();
            let above: Vec<_> = sample
                .above
                .iter()
                .map(|name| stand.build(name, json!({})).unwrap())
                .collect();
            let filter = stand.build(sample.name, sample.config).unwrap();
            let mut cases = stand.cases(3, &above, sample.kind).unwrap();
            for phase in 0..PHASES.len() {
                let gone = stand.phase(phase, &Judged::Filter(&*filter), &mut cases);
                assert!(gone.is_ok(), "{}: {gone:?}", sample.label);
            }
        }
        for (label, route, kind) in CHAINS {
            let mut stand = Stand::new();
            let chain = stand.shipped(route).unwrap();
            let mut cases = stand.cases(3, &[], kind).unwrap();
            for phase in 0..PHASES.len() {
                let gone = stand.phase(phase, &Judged::Chain(&chain), &mut cases);
                assert!(gone.is_ok(), "{label}: {gone:?}");
            }
        }
    }
}
