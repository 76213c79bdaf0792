//! The life of keys on both databases: one start of each, and every scenario on it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use super::*;
use database::{Database, PoolLimits, testing::LocalPostgres};
use filters::key::{Environment, KeyRecord, KeyText, Standing, Used};
use filters::limits::CREDENTIALS_MAX;
use filters::testing::ManualClock;
use filters::units::Rate;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const DAY: Duration = Duration::from_secs(86_400);

/// A service on a database, at a time that can be set.
struct World {
    keys: Keys,
    clock: Arc<ManualClock>,
}

impl World {
    async fn on(database: Database) -> Self {
        let master_keys = Arc::new(MasterKeys::from_text(OLD).unwrap());
        let clock = Arc::new(ManualClock::new());
        let keys = Keys::new(database, master_keys, clock.clone());
        keys.migrate().await.unwrap();
        keys.migrate().await.unwrap();
        Self { keys, clock }
    }

    /// The same tables under other master keys.
    fn under(&self, master_keys: &str) -> Keys {
        let master_keys = Arc::new(MasterKeys::from_text(master_keys).unwrap());
        Keys::new(self.keys.database.clone(), master_keys, self.clock.clone())
    }

    fn pass(&self, span: Duration) {
        self.clock
            .advance_ms(u64::try_from(span.as_millis()).unwrap());
    }

    fn now_s(&self) -> u64 {
        self.clock.now().unix_s()
    }

    async fn issue(&self, consumer: &str) -> Issued {
        self.keys.create(&new_key(consumer)).await.unwrap()
    }

    async fn row(&self, id: &str) -> KeyRow {
        self.keys
            .rows(&[id.to_owned()])
            .await
            .unwrap()
            .pop()
            .unwrap()
    }

    async fn read(&self, id: &str) -> Reading {
        Reader::new(self.keys.master_keys.clone()).read(self.row(id).await)
    }

    async fn record(&self, id: &str) -> KeyRecord {
        self.read(id).await.record.unwrap()
    }

    async fn sql(&self, sql: &'static str, id: &str) -> u64 {
        let mut client = self.keys.database.client().await.unwrap();
        client.execute(sql, &[&id]).await.unwrap()
    }

    /// The secrets of a key as they open, the current one first.
    async fn secrets(&self, id: &str) -> Vec<String> {
        let row = self.row(id).await;
        let open = |credential: &row::CredentialRow| {
            let hash = credential.hash[..].try_into().unwrap();
            let place = Place {
                number: row.number(),
                hash: &hash,
            };
            let (master_key, sealed) = (&credential.master_key, &credential.sealed);
            let text = self
                .keys
                .master_keys
                .open(place, master_key, sealed)
                .unwrap();
            String::from_utf8(text.to_vec()).unwrap()
        };
        row.credentials.iter().map(open).collect()
    }
}

fn new_key(consumer: &str) -> NewKey {
    NewKey::new(consumer, "Orders", Environment::Test, "pro")
}

fn hash(key: &SecretText) -> [u8; 32] {
    KeyText::parse(key.reveal().as_bytes())
        .map_err(|_| ())
        .unwrap()
        .hash()
}

async fn everything(mut changes: Changes<'_>) -> (Vec<KeyRow>, Vec<u128>, Mark) {
    let (mut rows, mut removed) = (Vec::new(), Vec::new());
    while let Some(page) = changes.next().await.unwrap() {
        match page {
            Page::Rows(page) => rows.extend(page),
            Page::Removed(page) => removed.extend(page),
        }
    }
    (rows, removed, changes.mark())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_on_postgresql() {
    let postgres = LocalPostgres::start().unwrap();
    let database = Database::connect(&postgres.url(), PoolLimits::default())
        .await
        .unwrap();
    let world = World::on(database).await;
    scenarios(&world).await;
    late_commits_are_found(&world).await;
    concurrent_writers_leave_no_gap(&world).await;
    world.keys.database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_on_the_embedded_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(folder.path()).await.unwrap();
    let world = World::on(database).await;
    scenarios(&world).await;
    world.keys.database.close().await;
}

async fn scenarios(world: &World) {
    a_key_is_issued_shown_and_revoked(world).await;
    everything_asked_for_reaches_the_record(world).await;
    rotation_overlaps_and_ends(world).await;
    regeneration_ends_the_old_at_once(world).await;
    what_is_expired_or_unknown_cannot_be_renewed(world).await;
    unusable_rows_are_left_out(world).await;
    changes_are_followed_by_mark(world).await;
    lists_are_paged(world).await;
    usage_adds_up(world).await;
    old_secrets_are_sealed_anew(world).await;
    upkeep_throws_away_what_is_old(world).await;
}

async fn a_key_is_issued_shown_and_revoked(world: &World) {
    let issued = world.issue("life").await;
    let record = world.record(&issued.id).await;
    assert!(record.credentials[0].hash == hash(&issued.key));
    assert_eq!(record.standing(world.now_s()), Standing::Good);
    assert_eq!(world.secrets(&issued.id).await, [issued.secret.reveal()]);

    let view = world.keys.view(&issued.id).await.unwrap();
    assert_eq!(view.credentials.len(), 1);
    assert_eq!(view.credentials[0].prefix, "ak_test_");
    assert!(
        issued
            .key
            .reveal()
            .ends_with(&view.credentials[0].last_four)
    );
    let year = SignedDuration::from_hours(365 * 24);
    assert_eq!(
        view.expires_at.unwrap().duration_since(view.created_at),
        year
    );
    let shown = format!("{view:?}");
    for secret in [&issued.key, &issued.secret] {
        assert!(!shown.contains(secret.reveal()));
    }

    world.keys.revoke(&issued.id).await.unwrap();
    let revoked = world.record(&issued.id).await;
    assert_eq!(revoked.standing(world.now_s()), Standing::Revoked);
    assert!(revoked.version > record.version);
    // Once more changes nothing, not even the time.
    let at = world.keys.view(&issued.id).await.unwrap().revoked_at;
    world.pass(Duration::from_secs(60));
    world.keys.revoke(&issued.id).await.unwrap();
    assert_eq!(world.keys.view(&issued.id).await.unwrap().revoked_at, at);
    let rotated = world.keys.rotate(&issued.id, DAY).await;
    assert!(matches!(rotated, Err(Error::Revoked)));
    let unknown = world.keys.revoke("key_unknown").await;
    assert!(matches!(unknown, Err(Error::NotFound(_))));
    let invalid = world.keys.create(&new_key("")).await;
    assert!(matches!(
        invalid,
        Err(Error::Invalid {
            field: "consumer",
            ..
        })
    ));
}

async fn everything_asked_for_reaches_the_record(world: &World) {
    let rate = |limit, window_s| Rate { limit, window_s };
    let limits = vec![
        ("hourly".to_owned(), rate(10, 3_600)),
        ("burst".to_owned(), rate(2, 45)),
    ];
    let wanted = NewKey {
        scopes: vec!["orders:read".into(), "orders:write".into()],
        roles: vec!["buyer".into()],
        attributes: BTreeMap::from([("region".into(), "eu".into())]),
        networks: vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8::7".parse().unwrap(),
        ],
        limits: Some(limits.clone()),
        expires: Expires::Never,
        environment: Environment::Live,
        ..new_key("full")
    };
    let issued = world.keys.create(&wanted).await.unwrap();
    let record = world.record(&issued.id).await;
    assert_eq!(&*record.id, issued.id);
    assert_eq!(record.id[4..], format!("{:032x}", record.number));
    assert_eq!(
        (&*record.consumer, &*record.name, &*record.tier),
        ("full", "Orders", "pro")
    );
    assert_eq!(record.environment, Environment::Live);
    assert_eq!(&*record.scopes, "orders:read orders:write");
    assert_eq!(record.roles, wanted.roles);
    assert_eq!(record.attributes, wanted.attributes);
    assert_eq!(record.networks, wanted.networks);
    assert_eq!(record.limits.as_deref(), Some(&limits[..]));
    assert_eq!(record.expires_s, None);
    let view = world.keys.view(&issued.id).await.unwrap();
    assert_eq!(view.limits, Some(limits));
    assert_eq!(view.networks, ["10.0.0.0/8", "2001:db8::7"]);

    let short = NewKey {
        expires: Expires::After(Duration::from_secs(10)),
        ..new_key("full")
    };
    let issued = world.keys.create(&short).await.unwrap();
    let record = world.record(&issued.id).await;
    assert_eq!(record.expires_s, Some(world.now_s() + 10));
}

async fn rotation_overlaps_and_ends(world: &World) {
    let first = world.issue("rotation").await;
    let second = world.keys.rotate(&first.id, DAY).await.unwrap();
    assert_eq!(second.id, first.id);
    assert!(second.key.reveal() != first.key.reveal());
    let until_s = world.now_s() + DAY.as_secs();
    let record = world.record(&first.id).await;
    let credentials: Vec<_> = record
        .credentials
        .iter()
        .map(|c| (c.hash, c.until_s))
        .collect();
    let expected = [(hash(&second.key), None), (hash(&first.key), Some(until_s))];
    assert_eq!(credentials, expected);
    assert_eq!(
        world.secrets(&first.id).await,
        [second.secret.reveal(), first.secret.reveal()]
    );
    assert_eq!(record.secrets(until_s - 1).count(), 2);
    assert_eq!(record.secrets(until_s).count(), 1);

    // A later rotation leaves the promise of the first.
    world.keys.rotate(&first.id, DAY * 2).await.unwrap();
    let view = world.keys.view(&first.id).await.unwrap();
    let ends = view
        .credentials
        .iter()
        .map(|c| c.until.map(|until| until.as_second()));
    let now_s = i64::try_from(world.now_s()).unwrap();
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [None, Some(now_s + 2 * 86_400), Some(now_s + 86_400)]
    );

    world.keys.rotate(&first.id, DAY * 2).await.unwrap();
    let full = world.keys.rotate(&first.id, DAY * 2).await;
    assert!(matches!(full, Err(Error::Overlaps(CREDENTIALS_MAX))));
    world.pass(DAY);
    world.keys.rotate(&first.id, DAY * 2).await.unwrap();
    let too_long = world.keys.rotate(&first.id, DAY * 91).await;
    assert!(matches!(
        too_long,
        Err(Error::Invalid {
            field: "overlap",
            ..
        })
    ));
}

async fn regeneration_ends_the_old_at_once(world: &World) {
    let first = world.issue("regeneration").await;
    world.keys.rotate(&first.id, DAY).await.unwrap();
    let last = world.keys.regenerate(&first.id).await.unwrap();
    assert_eq!(last.id, first.id);
    let record = world.record(&first.id).await;
    assert_eq!(record.credentials.len(), 1);
    assert!(record.credentials[0].hash == hash(&last.key));
    assert_eq!(world.secrets(&first.id).await, [last.secret.reveal()]);
}

async fn what_is_expired_or_unknown_cannot_be_renewed(world: &World) {
    let short = NewKey {
        expires: Expires::After(Duration::from_secs(10)),
        ..new_key("expiry")
    };
    let issued = world.keys.create(&short).await.unwrap();
    let record = world.record(&issued.id).await;
    let end = record.expires_s.unwrap();
    assert_eq!(record.standing(end - 1), Standing::Good);
    assert_eq!(record.standing(end), Standing::Expired);
    world.pass(Duration::from_secs(9));
    assert!(world.keys.rotate(&issued.id, DAY).await.is_ok());
    world.pass(Duration::from_secs(1));
    assert!(matches!(
        world.keys.rotate(&issued.id, DAY).await,
        Err(Error::Expired)
    ));
    assert!(matches!(
        world.keys.regenerate(&issued.id).await,
        Err(Error::Expired)
    ));
    let unknown = world.keys.regenerate("key_unknown").await;
    assert!(matches!(unknown, Err(Error::NotFound(_))));
    assert!(matches!(world.keys.view("").await, Err(Error::NotFound(_))));
}

async fn unusable_rows_are_left_out(world: &World) {
    let (one, two) = (world.issue("odd").await, world.issue("odd").await);
    let strange = Reader::new(world.under(NEW).master_keys.clone()).read(world.row(&one.id).await);
    assert!(strange.record.is_none());
    assert_eq!(strange.fault, Some(OpenError::UnknownMasterKey.into()));

    // A sealed secret that is moved to another key opens nowhere.
    const MOVE: &str = "UPDATE api_credentials SET sealed = (SELECT o.sealed FROM api_credentials o \
         JOIN api_keys k ON k.number = o.key WHERE k.id <> $1 AND k.consumer = 'odd' LIMIT 1) \
         WHERE key = (SELECT number FROM api_keys WHERE id = $1)";
    let before = world.row(&one.id).await.version();
    assert_eq!(world.sql(MOVE, &one.id).await, 1);
    let moved = world.read(&one.id).await;
    assert!(moved.record.is_none());
    assert_eq!(moved.fault, Some(OpenError::Damaged.into()));
    let after = world.row(&one.id).await.version();
    assert!(after > before, "a credential's change is its key's");

    for (sql, field) in [
        (
            "UPDATE api_keys SET networks = '{everywhere}' WHERE id = $1",
            "networks",
        ),
        (
            "UPDATE api_keys SET networks = '{}', limits = '[]' WHERE id = $1",
            "limits",
        ),
        (
            "UPDATE api_keys SET limits = NULL, attributes = '{\"a\":1}' WHERE id = $1",
            "attributes",
        ),
    ] {
        world.sql(sql, &two.id).await;
        let reading = world.read(&two.id).await;
        assert!(reading.record.is_none(), "{field}");
        assert_eq!(reading.fault, Some(Fault::Field(field)));
        assert!(world.keys.view(&two.id).await.is_ok(), "{field}");
    }
    world
        .sql(
            "UPDATE api_keys SET attributes = '{}' WHERE id = $1",
            &two.id,
        )
        .await;
    assert!(world.read(&two.id).await.record.is_some());

    // One credential of two that does not open: the other one serves.
    world.keys.rotate(&two.id, DAY).await.unwrap();
    const SPOIL: &str = "UPDATE api_credentials SET sealed = 'x' WHERE until IS NOT NULL \
         AND key = (SELECT number FROM api_keys WHERE id = $1)";
    assert_eq!(world.sql(SPOIL, &two.id).await, 1);
    let half = world.read(&two.id).await;
    assert_eq!(half.record.unwrap().credentials.len(), 1);
    assert_eq!(half.fault, Some(OpenError::Damaged.into()));
    const NONE: &str =
        "DELETE FROM api_credentials WHERE key = (SELECT number FROM api_keys WHERE id = $1)";
    world.sql(NONE, &two.id).await;
    let bare = world.read(&two.id).await;
    assert!(bare.record.is_none() && bare.fault.is_none());
}

async fn changes_are_followed_by_mark(world: &World) {
    let kept = world.issue("marks").await;
    let (rows, removed, mark) = everything(world.keys.snapshot().await.unwrap()).await;
    assert!(rows.iter().any(|row| row.id() == kept.id));
    assert!(removed.is_empty());

    let next = world.issue("marks").await;
    let gone = world.issue("marks").await;
    let gone_number = world.row(&gone.id).await.number();
    world.keys.revoke(&kept.id).await.unwrap();
    world
        .sql("DELETE FROM api_keys WHERE id = $1", &gone.id)
        .await;
    let (rows, removed, mark) = everything(world.keys.changed_since(mark).await.unwrap()).await;
    let ids: BTreeSet<&str> = rows.iter().map(KeyRow::id).collect();
    assert!(ids.contains(&*kept.id) && ids.contains(&*next.id) && !ids.contains(&*gone.id));
    assert_eq!(removed, [gone_number]);

    // Use is no change.
    let version = world.row(&next.id).await.version();
    let line = usage_line(world.row(&next.id).await.number(), 1, 0, world.now_s());
    world.keys.write_usage(&[line]).await.unwrap();
    assert_eq!(world.row(&next.id).await.version(), version);
    let (rows, removed, later) = everything(world.keys.changed_since(mark).await.unwrap()).await;
    assert!(rows.is_empty() && removed.is_empty());
    assert!(!mark.is_ahead_of(later));
    assert!(later.is_ahead_of(Mark::BEGINNING));
}

async fn lists_are_paged(world: &World) {
    let mut made = Vec::new();
    for _ in 0..3 {
        world.pass(Duration::from_millis(1));
        made.push(world.issue("pages").await.id);
    }
    made.reverse();
    let list = |rows_max, before: Option<&String>| Listing {
        consumer: Some("pages".into()),
        before: before.cloned(),
        rows_max,
    };
    let ids = |views: Vec<KeyView>| views.into_iter().map(|view| view.id).collect::<Vec<_>>();
    let all = ids(world.keys.list(&list(0, None)).await.unwrap());
    assert_eq!(all, made);
    let first = ids(world.keys.list(&list(2, None)).await.unwrap());
    assert_eq!(first, made[..2]);
    let rest = ids(world.keys.list(&list(2, first.last())).await.unwrap());
    assert_eq!(rest, made[2..]);
    let others = world.keys.list(&Listing::default()).await.unwrap();
    assert!(others.len() > made.len());
}

fn usage_line(number: u128, requests: u64, errors: u64, last_s: u64) -> UsageLine {
    let used = Used {
        requests,
        errors,
        last_s,
    };
    UsageLine { number, used }
}

async fn usage_adds_up(world: &World) {
    let issued = world.issue("usage").await;
    let number = world.row(&issued.id).await.number();
    let today = world.now_s();
    let midnight = today - today % 86_400;
    for lines in [
        vec![
            usage_line(number, 5, 1, today),
            usage_line(Uuid::max().as_u128(), 9, 9, today),
        ],
        // An older process writes late: the last use does not go back.
        vec![usage_line(number, 2, 0, today - 1)],
        vec![
            usage_line(number, 3, 0, today),
            usage_line(number, 4, 4, midnight - 1),
        ],
        vec![usage_line(number, 1, 0, midnight)],
        Vec::new(),
    ] {
        world.keys.write_usage(&lines).await.unwrap();
    }
    let days = world.keys.usage(&issued.id).await.unwrap();
    let counted: Vec<_> = days.iter().map(|day| (day.requests, day.errors)).collect();
    assert_eq!(counted, [(11, 1), (4, 4)]);
    let last = Timestamp::from_second(i64::try_from(today).unwrap()).unwrap();
    assert_eq!(days[0].last_used_at, last);
    let view = world.keys.view(&issued.id).await.unwrap();
    assert_eq!(view.last_used_at, Some(last));
}

async fn old_secrets_are_sealed_anew(world: &World) {
    let issued = world.issue("master").await;
    let both = world.under(&format!("{NEW},{OLD}"));
    let new = world.under(NEW);
    let read =
        async |keys: &Keys| Reader::new(keys.master_keys.clone()).read(world.row(&issued.id).await);
    assert!(read(&new).await.record.is_none());
    assert_eq!(new.reseal().await.unwrap().resealed, 0);
    let done = both.reseal().await.unwrap();
    assert!(done.resealed > 0);
    // The secrets that earlier scenarios damaged.
    assert_eq!(done.unopened, 1);
    let record = read(&new).await.record.unwrap();
    assert!(record.credentials[0].hash == hash(&issued.key));
    assert_eq!(both.reseal().await.unwrap().resealed, 0);
    // Back, for the scenarios that follow.
    world.under(&format!("{OLD},{NEW}")).reseal().await.unwrap();
    assert_eq!(world.secrets(&issued.id).await, [issued.secret.reveal()]);
}

async fn upkeep_throws_away_what_is_old(world: &World) {
    let (revoked, rotated) = (world.issue("upkeep").await, world.issue("upkeep").await);
    let number = world.row(&rotated.id).await.number();
    for last_s in [world.now_s() - 86_400, world.now_s()] {
        let line = usage_line(number, 1, 0, last_s);
        world.keys.write_usage(&[line]).await.unwrap();
    }
    world.keys.revoke(&revoked.id).await.unwrap();
    world.keys.rotate(&rotated.id, DAY).await.unwrap();
    let retention = Retention::default();
    world.keys.purge(retention).await.unwrap();
    world.pass(DAY * 2);
    let purged = world.keys.purge(retention).await.unwrap();
    assert!(purged.credentials >= 1);
    assert_eq!(purged.usage_days, 0);
    assert_eq!(world.row(&rotated.id).await.credentials.len(), 1);
    assert!(world.keys.view(&revoked.id).await.is_ok());
    world.pass(DAY * 89);
    assert!(world.keys.purge(retention).await.unwrap().keys >= 1);
    assert!(matches!(
        world.keys.view(&revoked.id).await,
        Err(Error::NotFound(_))
    ));
    assert!(world.keys.view(&rotated.id).await.is_ok());
    let long_ago = Retention {
        usage: Duration::ZERO,
        ..retention
    };
    assert!(world.keys.purge(long_ago).await.unwrap().usage_days >= 1);
    assert!(
        world
            .keys
            .view(&rotated.id)
            .await
            .unwrap()
            .last_used_at
            .is_some()
    );
}

/// A version number alone would lose this one: drawn early, committed late.
async fn late_commits_are_found(world: &World) {
    let late = world.issue("late").await;
    let mut client = world.keys.database.client().await.unwrap();
    let mut transaction = client.transaction().await.unwrap();
    const RENAME: &str = "UPDATE api_keys SET name = 'late' WHERE id = $1";
    transaction.execute(RENAME, &[&late.id]).await.unwrap();
    let early = world.issue("late").await;
    let (rows, _, mark) = everything(world.keys.snapshot().await.unwrap()).await;
    assert!(rows.iter().any(|row| row.id() == early.id));
    let seen = rows.iter().find(|row| row.id() == late.id).unwrap();
    assert_eq!(seen.name, "Orders");
    transaction.commit().await.unwrap();
    drop(client);
    let (rows, ..) = everything(world.keys.changed_since(mark).await.unwrap()).await;
    let seen = rows.iter().find(|row| row.id() == late.id).unwrap();
    assert_eq!(seen.name, "late");
}

async fn concurrent_writers_leave_no_gap(world: &World) {
    const WRITERS: usize = 4;
    const KEYS_EACH: usize = 25;
    let write = |keys: Keys, writer: usize| async move {
        for turn in 0..KEYS_EACH {
            let issued = keys.create(&new_key("crowd")).await.unwrap();
            match (writer + turn) % 4 {
                0 => keys.revoke(&issued.id).await.unwrap(),
                1 => drop(keys.rotate(&issued.id, DAY).await.unwrap()),
                2 => drop(keys.regenerate(&issued.id).await.unwrap()),
                _ => {
                    let mut client = keys.database.client().await.unwrap();
                    let sql = "DELETE FROM api_keys WHERE id = $1";
                    client.execute(sql, &[&issued.id]).await.unwrap();
                }
            }
        }
    };
    let (rows, _, mut mark) = everything(world.keys.snapshot().await.unwrap()).await;
    let mut memory: BTreeMap<u128, i64> = rows
        .iter()
        .map(|row| (row.number(), row.version()))
        .collect();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(world.keys.clone(), writer));
    }
    loop {
        let done = writers.is_empty();
        let (rows, removed, next) = everything(world.keys.changed_since(mark).await.unwrap()).await;
        for number in removed {
            memory.remove(&number);
        }
        for row in rows {
            let version = memory.entry(row.number()).or_default();
            *version = row.version().max(*version);
        }
        mark = next;
        if done {
            break;
        }
        while let Some(end) = writers.try_join_next() {
            end.unwrap();
        }
    }
    let (rows, ..) = everything(world.keys.snapshot().await.unwrap()).await;
    let table: BTreeMap<u128, i64> = rows
        .iter()
        .map(|row| (row.number(), row.version()))
        .collect();
    assert_eq!(memory, table);
}

#[test]
fn nothing_secret_can_be_formatted() {
    // Compiles only while the type implements neither: two implementations would be ambiguous.
    trait Unformatted<Marker> {
        fn holds() {}
    }
    struct Debugged;
    struct Displayed;
    impl<T: ?Sized> Unformatted<()> for T {}
    impl<T: ?Sized + std::fmt::Debug> Unformatted<Debugged> for T {}
    impl<T: ?Sized + std::fmt::Display> Unformatted<Displayed> for T {}
    <Issued as Unformatted<_>>::holds();
    <SecretText as Unformatted<_>>::holds();
    <MasterKeys as Unformatted<_>>::holds();
    <KeyRow as Unformatted<_>>::holds();
    <Sealed as Unformatted<_>>::holds();
}
