//! Filters and chains, fed with exchanges from memory: clients are fakes (a list of fields), clocks
//! stand still; key records, quotas, replay memory and the policy are real.
//!
//! Each exchange is one that no other is like, so that replay protection lets it through, and has
//! passed what its filter needs above it. It is taken through four phases: the request is judged, the
//! head that goes upstream edited, the answer's head edited, the end told.

use crate::partners::{Draft, Partner, TIER};
use crate::samples::{Chained, Source};
use crate::shipped;
use crate::subjects::edge;
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
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tidegate::keys::Directory;
use tidegate::plan::{Plan, compile};
use tidegate::policy::Policy;
use tidegate::telemetry::AccessLog;

/// Where the keys of tokens are.
pub(crate) const KEYS: &str = "file:keys";

/// Different tokens.
const TOKENS: usize = 64;

const BODY: &[u8] = &[b'a'; 1024];

/// A head as a client of an API sends it.
pub const HEAD: &[u8] = b"GET /api/v1/orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: tidegate\r\nAccept: */*\r\nX-API-Key: ak_live_0000000000000000000000000000012Ab3Cd\r\n\r\n";
const _: () = assert!(HEAD.len() == 146);

/// A head as a service answers with it.
pub const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 250\r\nServer: origin\r\n\r\n";
const _: () = assert!(ANSWER.len() == 125);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GET.
    Get,
    /// From a web page.
    GetFromPage,
    /// With a key, and nothing signed.
    GetByKey,
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

    /// The chain of this route of its policy; its facts are those of all that follows.
    ///
    /// # Errors
    /// When the policy has no such route.
    pub fn chain(&mut self, chained: &Chained) -> anyhow::Result<Arc<Chain>> {
        let policy = self.policy(chained)?;
        let plan: Plan = compile(&policy, &self.env).map_err(|report| anyhow!("{report}"))?;
        let route = plan
            .routes
            .iter()
            .find(|known| &*known.facts.name == chained.route)
            .with_context(|| format!("no route {}", chained.route))?;
        self.route = Arc::clone(&route.facts);
        Ok(Arc::clone(&route.chain))
    }

    /// The filters of this chain, one by one, from above.
    ///
    /// # Errors
    /// When the policy has no such route.
    pub fn steps(
        &mut self,
        chained: &Chained,
    ) -> anyhow::Result<Vec<(&'static str, Box<dyn Filter>)>> {
        self.chain(chained)?;
        let policy = self.policy(chained)?;
        let route = policy
            .routes
            .iter()
            .find(|known| &*known.name == chained.route)
            .with_context(|| format!("no route {}", chained.route))?;
        let steps = policy.chains[route.chain].steps.iter();
        steps
            .map(|step| Ok((step.prepared.name, step.prepared.build(&self.env)?)))
            .collect()
    }

    /// Its policy. Under load nothing is logged, here as there.
    fn policy(&mut self, chained: &Chained) -> anyhow::Result<Policy> {
        match chained.source {
            Source::Shipped => shipped::policy(),
            Source::UnderLoad => {
                self.env.log = Arc::new(AccessLog::off());
                edge::policy_without_tokens()
            }
        }
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
            Kind::Get | Kind::GetFromPage | Kind::GetByKey | Kind::GetByToken => {
                ("GET", &b""[..], Scheme::V1)
            }
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
        client = match kind {
            Kind::GetByToken => {
                let token = &self.tokens[self.made % self.tokens.len()];
                client.field("Authorization", format!("Bearer {token}"))
            }
            Kind::GetByKey => client.field("X-API-Key", &partner.key),
            _ => client
                .field("X-API-Key", &partner.key)
                .field("X-Timestamp", timestamp)
                .field("X-Nonce", nonce)
                .field("X-API-Signature", signature),
        };
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
