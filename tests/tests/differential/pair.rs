//! Two edges that differ in their lane alone, and conversations that are led with both.

use super::client::converse;
use super::compare::{Difference, Side, compare, judge};
use super::exchange::{Conversation, Exchange};
use super::generate::{conversation, split_at};
use super::upstream::Upstream;
use filters::testing::fakes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tests::signer::Signer;
use tests::stage::Stage;

/// Conversations that are led at once.
const AT_ONCE: usize = 24;

/// Differences after which no more are looked for.
const DIFFERENCES_MAX: usize = 12;

/// Bytes of a message that are shown.
const SHOWN: usize = 500;

/// How often a difference that chance may have made has to come again.
const AGAIN: usize = 3;

/// Two edges, each with its upstream.
pub(crate) struct Pair {
    straight: Lane,
    pingora: Lane,
    signer: Signer,
    now_s: u64,
}

struct Lane {
    name: &'static str,
    stage: Stage,
    upstream: Upstream,
}

// === impl Lane ===

impl Lane {
    async fn start(name: &'static str) -> Self {
        let upstream = Upstream::start().await;
        let policy = include_str!("policy.yaml")
            .replace("{lane}", name)
            .replace("{upstream}", &upstream.address.to_string());
        let stage = Stage::start_with(&policy, fakes()).await;
        Self {
            name,
            stage,
            upstream,
        }
    }

    async fn lead(&self, conversation: &Conversation) -> Side {
        for exchange in &conversation.exchanges {
            self.upstream.expect(exchange.id, &exchange.script);
        }
        let heard = converse(self.stage.address, conversation).await;
        let seen = conversation
            .exchanges
            .iter()
            .map(|exchange| self.upstream.seen(exchange.id))
            .collect();
        for exchange in &conversation.exchanges {
            self.upstream.forget(exchange.id);
        }
        Side { heard, seen }
    }
}

// === impl Pair ===

impl Pair {
    /// Starts both.
    pub(crate) async fn start() -> Self {
        let straight = Lane::start("straight").await;
        let pingora = Lane::start("pingora").await;
        let signer = straight.stage.key(1, |_| {});
        pingora.stage.key(1, |_| {});
        let now_s = straight.stage.now_s();
        Self {
            straight,
            pingora,
            signer,
            now_s,
        }
    }

    /// Leads a conversation with both: what the straight lane did, and the other.
    pub(crate) async fn both(&self, conversation: &Conversation) -> [Side; 2] {
        let (straight, pingora) = (
            self.straight.lead(conversation),
            self.pingora.lead(conversation),
        );
        let (straight, pingora) = tokio::join!(straight, pingora);
        [straight, pingora]
    }

    /// Leads a conversation with both, and compares.
    pub(crate) async fn try_one(&self, conversation: &Conversation) -> Result<(), Difference> {
        let [straight, pingora] = self.both(conversation).await;
        if std::env::var("DIFFERENTIAL_ONLY").is_ok() {
            for (at, exchange) in conversation.exchanges.iter().enumerate() {
                tell(at, exchange, &straight, &pingora);
            }
        }
        judge("straight", conversation, &straight)?;
        judge("pingora", conversation, &pingora)?;
        compare(conversation, &straight, &pingora)
    }

    /// Leads conversations until so many exchanges were tried.
    pub(crate) async fn run(self, seed: u64, exchanges: u64, only: Option<u64>) {
        let began = std::time::Instant::now();
        let pair = Arc::new(self);
        let (next, tried, excused) = (
            Arc::new(AtomicU64::new(only.unwrap_or(0))),
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicU64::new(0)),
        );
        let found = Arc::new(Mutex::new(Vec::new()));
        let tasks = (0..if only.is_some() { 1 } else { AT_ONCE }).map(|_| {
            let (pair, next, tried, found, excused) = (
                Arc::clone(&pair),
                Arc::clone(&next),
                Arc::clone(&tried),
                Arc::clone(&found),
                Arc::clone(&excused),
            );
            tokio::spawn(async move {
                while tried.load(Relaxed) < exchanges && found.lock().len() < DIFFERENCES_MAX {
                    let number = next.fetch_add(1, Relaxed);
                    let conversation = conversation(seed, number, &pair.signer, pair.now_s);
                    tried.fetch_add(conversation.exchanges.len() as u64, Relaxed);
                    if let Err(difference) = pair.try_one(&conversation).await {
                        let exchange = conversation
                            .exchanges
                            .get(difference.at)
                            .map(|exchange| (exchange.class, exchange.script.class));
                        println!(
                            "conversation {number}, exchange {} {exchange:?}: {}",
                            difference.at,
                            difference.what.chars().take(300).collect::<String>()
                        );
                        match pair.again(seed, number, difference).await {
                            Some(difference) => {
                                found
                                    .lock()
                                    .push(report(number, &conversation, &difference))
                            }
                            None => {
                                excused.fetch_add(1, Relaxed);
                            }
                        }
                    }
                    if only.is_some() {
                        return;
                    }
                }
            })
        });
        for task in join_all(tasks).await {
            task.expect("no panic");
        }
        let tried = tried.load(Relaxed);
        println!(
            "{tried} exchanges in {} conversations, {:.1} s; {} differences came once and not again",
            next.load(Relaxed),
            began.elapsed().as_secs_f64(),
            excused.load(Relaxed)
        );
        let mut found = std::mem::take(&mut *found.lock());
        for lane in [&pair.straight, &pair.pingora] {
            found.extend(
                lane.upstream
                    .findings()
                    .into_iter()
                    .map(|what| format!("{}: {what}", lane.name)),
            );
        }
        assert!(
            found.is_empty(),
            "seed {seed}: {} differences\n\n{}",
            found.len(),
            found.join("\n\n")
        );
    }

    /// Leads short conversations with both, split at each byte: requests and answers.
    pub(crate) async fn split_everywhere(&self, seed: u64, conversations: usize) {
        let mut number = 0;
        let mut tried = 0;
        for _ in 0..conversations {
            let short = loop {
                number += 1;
                let conversation = conversation(seed, number, &self.signer, self.now_s);
                let is_short = |exchange: &Exchange| {
                    exchange.request.len() < 600
                        && exchange.script.pieces.concat().len() < 600
                        && exchange.waits.is_none()
                        && exchange.class != "signed"
                };
                if conversation.exchanges.len() > 1
                    && conversation.exchanges[..2].iter().all(is_short)
                {
                    break conversation;
                }
            };
            let most = short.exchanges[..2].iter().map(|exchange| {
                exchange
                    .request
                    .len()
                    .max(exchange.script.pieces.concat().len())
            });
            for at in 1..most.max().unwrap_or_default() {
                let split = split_at(&short, 2, at);
                tried += 2;
                let mut verdict = self.try_one(&split).await;
                for _ in 0..AGAIN {
                    if !matches!(&verdict, Err(difference) if !difference.is_grave) {
                        break;
                    }
                    verdict = self.try_one(&split).await;
                }
                if let Err(difference) = verdict {
                    panic!(
                        "seed {seed}, split at {at}\n{}",
                        report(number, &split, &difference)
                    );
                }
            }
        }
        println!("{tried} exchanges, split at each byte");
    }

    /// The difference, if it is grave or comes again and again: what a kept connection that ends has
    /// done to one lane is no difference between the lanes.
    async fn again(&self, seed: u64, number: u64, difference: Difference) -> Option<Difference> {
        if difference.is_grave {
            return Some(difference);
        }
        let mut last = difference;
        for turn in 1..=AGAIN as u64 {
            // Signed anew, or it would be a replay.
            let conversation = conversation(seed, number, &self.signer, self.now_s + turn);
            match self.try_one(&conversation).await {
                Ok(()) => return None,
                Err(difference) => last = difference,
            }
        }
        Some(last)
    }
}

/// What one exchange came to, for one who looks at a conversation by itself.
fn tell(at: usize, exchange: &Exchange, straight: &Side, pingora: &Side) {
    let line: Vec<u8> = exchange
        .request
        .iter()
        .copied()
        .take_while(|&byte| byte != b'\r')
        .collect();
    println!(
        "{at}: {} ({} / {}, waits {:?})",
        line.escape_ascii(),
        exchange.class,
        exchange.script.class,
        exchange.waits
    );
    for (name, side) in [("straight", straight), ("pingora", pingora)] {
        let answer = side.heard.answers.get(at).map(|answer| {
            let connection = answer
                .first("connection")
                .unwrap_or_default()
                .escape_ascii()
                .to_string();
            (answer.status, answer.whole, answer.body.len(), connection)
        });
        println!(
            "    {name}: {answer:?}, seen {}, {:?}",
            side.seen[at].len(),
            side.heard.end
        );
    }
}

fn report(number: u64, conversation: &Conversation, difference: &Difference) -> String {
    let Some(exchange) = conversation.exchanges.get(difference.at) else {
        return format!("conversation {number}, at its end: {}", difference.what);
    };
    let show = |bytes: &[u8]| {
        bytes[..bytes.len().min(SHOWN)]
            .escape_ascii()
            .to_string()
            .replace("\\r\\n", "\n    ")
    };
    format!(
        "conversation {number} ({:?}), exchange {} of {}, {} / {}: {}\n  request:\n    {}\n  script (early {}, closes {}):\n    {}",
        conversation.delivery,
        difference.at,
        conversation.exchanges.len(),
        exchange.class,
        exchange.script.class,
        difference.what,
        show(&exchange.request),
        exchange.script.early,
        exchange.script.closes,
        show(&exchange.script.pieces.concat())
    )
}
