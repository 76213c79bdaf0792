//! Key records in memory against a real table: on PostgreSQL, which is stopped and started, and on
//! the embedded database. One start of each.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use super::*;
use control::keys::{Issued, Keys, MasterKeys, NewKey, SecretText};
use database::{Database, PoolLimits, testing::LocalPostgres};
use filters::clock::Clock;
use filters::env::{Keys as _, Lookup};
use filters::key::{Credential, Environment, Extras, KeyRecord, KeyText, Standing};
use filters::signing::Secret;
use filters::testing::ManualClock;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const DAY: Duration = Duration::from_secs(86_400);

/// What the contract promises for a change.
const SOON: Duration = Duration::from_secs(1);

/// What a database may take to stop, start, and be found again on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A record whose credentials have hashes of one repeated byte each.
pub(super) fn record(number: u128, version: i64, hashes: &[u8]) -> KeyRecord {
    let credential = |byte: &u8| Credential {
        hash: [*byte; 32],
        secret: Secret::new(&[*byte]),
        until_s: None,
    };
    let mut credentials = hashes.iter().map(credential);
    KeyRecord {
        credential: credentials.next(),
        number,
        consumer: "acme".into(),
        environment: Environment::Test,
        tier: "pro".into(),
        scopes: "".into(),
        rare: Extras {
            former: credentials.collect(),
            ..Extras::default()
        }
        .into(),
        expires_s: None,
        revoked: false,
        version,
        usage: Arc::default(),
    }
}

/// Everything that is logged in a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A proxy's key records, following a table.
struct Node {
    directory: Arc<Directory>,
    health: Health,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Node {
    fn start(keys: &Keys, clock: &Arc<ManualClock>, pace: Pace) -> Self {
        let directory = Arc::new(Directory::new(clock.clone()));
        let sync = KeySync::new(keys.clone(), directory.clone(), clock.clone(), pace);
        let stop = CancellationToken::new();
        Self {
            health: sync.health(),
            task: tokio::spawn(sync.run(stop.clone())),
            clock: clock.clone(),
            directory,
            stop,
        }
    }

    fn report(&self) -> HealthReport {
        self.health.report(self.clock.now())
    }

    fn find(&self, key: &SecretText) -> Option<Arc<KeyRecord>> {
        let text = KeyText::parse(key.reveal().as_bytes())
            .map_err(|_| ())
            .unwrap();
        match self.directory.find(&text.hash()) {
            Lookup::Found(record) => Some(record),
            Lookup::Unknown => None,
            Lookup::NotReady => panic!("the records are not ready"),
        }
    }

    fn standing(&self, key: &SecretText) -> Option<Standing> {
        let now_s = self.clock.now().unix_s();
        self.find(key).map(|record| record.standing(now_s))
    }

    /// Waits, without polling, until something holds; fails when it does not in time.
    async fn until(&self, limit: Duration, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        let mut rounds = self.health.rounds();
        while !holds(self) {
            let round = timeout_at(end, rounds.changed()).await;
            assert!(round.is_ok(), "not in time: {what}");
        }
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(SOON, self.task).await.unwrap().unwrap();
    }
}

fn new_key() -> NewKey {
    NewKey::new("acme", "Orders", Environment::Test, "pro")
}

async fn service(database: Database, clock: &Arc<ManualClock>) -> Keys {
    let master_keys = Arc::new(MasterKeys::from_text(OLD).unwrap());
    let keys = Keys::new(database, master_keys, clock.clone());
    keys.migrate().await.unwrap();
    keys
}

async fn sql(keys: &Keys, sql: &'static str) {
    let mut client = keys.database().client().await.unwrap();
    client.execute(sql, &[]).await.unwrap();
}

/// A key made, rotated, regenerated and revoked reaches the records, each time within a second.
async fn changes_arrive_soon(node: &Node, keys: &Keys) -> Vec<Issued> {
    let first = keys.create(&new_key()).await.unwrap();
    node.until(SOON, "created", |n| {
        n.standing(&first.key) == Some(Standing::Good)
    })
    .await;
    let second = keys.rotate(&first.id, DAY).await.unwrap();
    node.until(SOON, "rotated", |n| n.find(&second.key).is_some())
        .await;
    let both = [&first, &second].map(|issued| node.find(&issued.key).unwrap());
    assert!(Arc::ptr_eq(&both[0], &both[1]));
    let third = keys.regenerate(&first.id).await.unwrap();
    node.until(SOON, "regenerated", |n| n.find(&third.key).is_some())
        .await;
    assert!(node.find(&first.key).is_none() && node.find(&second.key).is_none());
    keys.revoke(&first.id).await.unwrap();
    node.until(SOON, "revoked", |n| {
        n.standing(&third.key) == Some(Standing::Revoked)
    })
    .await;
    vec![first, second, third]
}

/// What requests count reaches the table: when asked, and at the end.
async fn usage_is_written(node: &Node, keys: &Keys) -> Vec<Issued> {
    let issued = keys.create(&new_key()).await.unwrap();
    node.until(SOON, "created", |n| n.find(&issued.key).is_some())
        .await;
    let now_s = node.clock.now().unix_s();
    let record = node.find(&issued.key).unwrap();
    record.usage.count(now_s, false);
    record.usage.count(now_s, true);
    let writer = UsageWriter::new(keys.clone(), node.directory.clone());
    assert_eq!(writer.write().await.unwrap(), 1);
    assert_eq!(writer.write().await.unwrap(), 0);
    let counted = async || {
        let days = keys.usage(&issued.id).await.unwrap();
        days.iter()
            .map(|day| (day.requests, day.errors))
            .collect::<Vec<_>>()
    };
    assert_eq!(counted().await, [(2, 1)]);

    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone()));
    record.usage.count(now_s, false);
    stop.cancel();
    timeout(PATIENCE, task).await.unwrap().unwrap();
    assert_eq!(counted().await, [(3, 1)]);
    let last = keys.view(&issued.id).await.unwrap().last_used_at.unwrap();
    assert_eq!(u64::try_from(last.as_second()), Ok(now_s));
    vec![issued]
}

#[tokio::test]
async fn records_follow_postgresql() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let mut postgres = LocalPostgres::start().unwrap();
    let clock = Arc::new(ManualClock::new());
    let database = Database::connect(&postgres.url(), PoolLimits::default())
        .await
        .unwrap();
    let keys = service(database, &clock).await;
    let early = keys.create(&new_key()).await.unwrap();
    let node = Node::start(&keys, &clock, Pace::default());
    timeout(PATIENCE, node.health.wait_ready()).await.unwrap();
    assert!(node.find(&early.key).is_some());

    let mut issued = changes_arrive_soon(&node, &keys).await;
    issued.extend(usage_is_written(&node, &keys).await);
    issued.extend(a_hand_in_the_database_is_followed(&node, &keys).await);
    issued.extend(what_nobody_needs_goes(&node, &keys).await);
    issued.extend(lost_notifications_are_made_up_for(&keys, &clock).await);
    another_master_key_opens_nothing(&keys, &clock).await;
    issued.extend(an_outage_is_survived(&node, &keys, &mut postgres, &early).await);
    node.end().await;

    issued.push(early);
    let log = String::from_utf8(log.0.lock().clone()).unwrap();
    assert!(
        log.contains("follow the database again"),
        "the log was caught"
    );
    for issued in &issued {
        assert!(!log.contains(issued.key.reveal()));
        assert!(!log.contains(issued.secret.reveal()));
    }
    assert!(!log.contains(OLD) && !log.contains(NEW));
    keys.database().close().await;
}

#[tokio::test]
async fn records_follow_the_embedded_database() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new());
    let database = Database::embedded(folder.path()).await.unwrap();
    let keys = service(database, &clock).await;
    let node = Node::start(&keys, &clock, Pace::default());
    timeout(PATIENCE, node.health.wait_ready()).await.unwrap();
    changes_arrive_soon(&node, &keys).await;
    usage_is_written(&node, &keys).await;
    what_nobody_needs_goes(&node, &keys).await;
    node.end().await;
    keys.database().close().await;
}

async fn a_hand_in_the_database_is_followed(node: &Node, keys: &Keys) -> Vec<Issued> {
    let issued = keys.create(&new_key()).await.unwrap();
    node.until(SOON, "created", |n| n.find(&issued.key).is_some())
        .await;
    sql(keys, "UPDATE api_keys SET tier = 'enterprise'").await;
    let tier = |n: &Node| n.find(&issued.key).map(|record| record.tier.to_string());
    node.until(SOON, "changed", |n| {
        tier(n).as_deref() == Some("enterprise")
    })
    .await;

    // What is not understood is not used.
    sql(
        keys,
        "UPDATE api_keys SET networks = '{everywhere}' WHERE tier = 'enterprise'",
    )
    .await;
    node.until(SOON, "spoilt", |n| n.find(&issued.key).is_none())
        .await;
    assert!(node.report().unopened > 0);
    sql(
        keys,
        "UPDATE api_keys SET networks = '{}' WHERE tier = 'enterprise'",
    )
    .await;
    node.until(SOON, "mended", |n| n.find(&issued.key).is_some())
        .await;
    node.until(SOON, "counted", |n| n.report().unopened == 0)
        .await;

    let gone = keys
        .create(&NewKey::new("gone", "Gone", Environment::Live, "pro"))
        .await
        .unwrap();
    node.until(SOON, "created", |n| n.find(&gone.key).is_some())
        .await;
    sql(keys, "DELETE FROM api_keys WHERE consumer = 'gone'").await;
    node.until(SOON, "deleted", |n| n.find(&gone.key).is_none())
        .await;
    vec![issued, gone]
}

/// Upkeep deletes what has ended long ago, and the records follow.
async fn what_nobody_needs_goes(node: &Node, keys: &Keys) -> Vec<Issued> {
    let ended = keys.create(&new_key()).await.unwrap();
    let rotated = keys.create(&new_key()).await.unwrap();
    let current = keys.rotate(&rotated.id, DAY).await.unwrap();
    keys.revoke(&ended.id).await.unwrap();
    node.until(SOON, "revoked", |n| {
        n.standing(&ended.key) == Some(Standing::Revoked)
    })
    .await;
    node.until(SOON, "rotated", |n| n.find(&current.key).is_some())
        .await;
    let strings = |n: &Node| {
        n.find(&current.key)
            .map(|record| record.credentials().count())
    };
    assert_eq!(strings(node), Some(2));

    node.clock.advance_s(91 * 86_400);
    let stop = CancellationToken::new();
    let task = tokio::spawn(Upkeep::new(keys.clone()).at_once().run(stop.clone()));
    node.until(PATIENCE, "purged", |n| {
        n.find(&ended.key).is_none() && strings(n) == Some(1)
    })
    .await;
    stop.cancel();
    timeout(SOON, task).await.unwrap().unwrap();
    assert!(keys.view(&ended.id).await.is_err());
    assert_eq!(keys.view(&rotated.id).await.unwrap().credentials.len(), 1);
    vec![ended, rotated, current]
}

async fn lost_notifications_are_made_up_for(keys: &Keys, clock: &Arc<ManualClock>) -> Vec<Issued> {
    let pace = Pace {
        poll: Duration::from_millis(20),
        ..Pace::default()
    };
    let node = Node::start(keys, clock, pace);
    timeout(PATIENCE, node.health.wait_ready()).await.unwrap();
    sql(keys, "ALTER TABLE api_keys DISABLE TRIGGER api_key_tell").await;
    let mut issued = Vec::new();
    // Often enough for the listening connection to be held for deaf, and made anew.
    for _ in 0..4 {
        let polled = NewKey::new("polled", "Orders", Environment::Live, "pro");
        let key = keys.create(&polled).await.unwrap();
        node.until(PATIENCE, "polled", |n| n.find(&key.key).is_some())
            .await;
        issued.push(key);
    }
    const BARE: &str = "DELETE FROM api_credentials WHERE key IN \
         (SELECT number FROM api_keys WHERE consumer = 'polled')";
    sql(keys, BARE).await;
    let last = issued.last().unwrap();
    node.until(PATIENCE, "polled", |n| n.find(&last.key).is_none())
        .await;
    sql(keys, "ALTER TABLE api_keys ENABLE TRIGGER api_key_tell").await;
    node.end().await;

    // Behind every trigger's back: only comparing finds it.
    let pace = Pace {
        compare: Duration::from_millis(50),
        ..Pace::default()
    };
    let hidden = NewKey::new("hidden", "Orders", Environment::Live, "pro");
    let hidden = keys.create(&hidden).await.unwrap();
    let node = Node::start(keys, clock, pace);
    timeout(PATIENCE, node.health.wait_ready()).await.unwrap();
    assert!(node.find(&hidden.key).is_some());
    sql(keys, "ALTER TABLE api_keys DISABLE TRIGGER USER").await;
    sql(keys, "DELETE FROM api_keys WHERE consumer = 'hidden'").await;
    sql(keys, "ALTER TABLE api_keys ENABLE TRIGGER USER").await;
    node.until(PATIENCE, "compared", |n| n.find(&hidden.key).is_none())
        .await;
    issued.push(hidden);
    node.end().await;
    issued
}

async fn another_master_key_opens_nothing(keys: &Keys, clock: &Arc<ManualClock>) {
    let master_keys = Arc::new(MasterKeys::from_text(NEW).unwrap());
    let other = Keys::new(keys.database().clone(), master_keys, clock.clone());
    let node = Node::start(&other, clock, Pace::default());
    timeout(PATIENCE, node.health.wait_ready()).await.unwrap();
    let report = node.report();
    assert!(report.ready && !report.degraded);
    assert_eq!(report.count, 0);
    assert!(report.unopened > 1);
    node.end().await;
}

async fn an_outage_is_survived(
    node: &Node,
    keys: &Keys,
    postgres: &mut LocalPostgres,
    early: &Issued,
) -> Vec<Issued> {
    let issued = keys.create(&new_key()).await.unwrap();
    node.until(SOON, "created", |n| n.find(&issued.key).is_some())
        .await;
    let writer = UsageWriter::new(keys.clone(), node.directory.clone());
    writer.write().await.unwrap();
    postgres.stop().unwrap();
    node.until(PATIENCE, "degraded", |n| n.report().degraded)
        .await;
    node.clock.advance_s(60);
    let report = node.report();
    assert!(report.ready && report.age_s >= 60);

    // The last records serve on, and what they count is kept.
    let record = node.find(&issued.key).unwrap();
    record.usage.count(node.clock.now().unix_s(), false);
    assert!(writer.write().await.is_err());
    assert_eq!(writer.failures(), 1);

    // Who starts now knows nothing, and says so.
    let cold = Node::start(keys, &node.clock, Pace::default());
    assert!(matches!(cold.directory.find(&[0; 32]), Lookup::NotReady));
    assert!(!cold.report().ready);

    postgres.restart().unwrap();
    node.until(PATIENCE, "well again", |n| !n.report().degraded)
        .await;
    cold.until(PATIENCE, "ready", |n| n.report().ready).await;
    assert_eq!(node.report().age_s, 0);
    let after = keys.create(&new_key()).await.unwrap();
    for node in [node, &cold] {
        node.until(SOON, "created", |n| n.find(&after.key).is_some())
            .await;
        assert!(node.find(&early.key).is_some());
    }
    assert!(writer.write().await.unwrap() >= 1);
    assert_eq!(keys.usage(&issued.id).await.unwrap()[0].requests, 1);
    cold.end().await;
    vec![issued, after]
}
