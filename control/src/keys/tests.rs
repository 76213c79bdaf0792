//! The life of keys on both databases: one start of each, and every scenario on it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod upkeep;

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
    upkeep::late_commits_are_found(&world).await;
    upkeep::concurrent_writers_leave_no_gap(&world).await;
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
    upkeep::unusable_rows_are_left_out(world).await;
    upkeep::changes_are_followed_by_mark(world).await;
    upkeep::lists_are_paged(world).await;
    upkeep::usage_adds_up(world).await;
    upkeep::old_secrets_are_sealed_anew(world).await;
    upkeep::upkeep_throws_away_what_is_old(world).await;
}

async fn a_key_is_issued_shown_and_revoked(world: &World) {
    let issued = world.issue("life").await;
    let record = world.record(&issued.id).await;
    assert!(record.credential_of(&hash(&issued.key)).is_some());
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
    assert_eq!(&*record.id(), issued.id);
    assert_eq!((&*record.consumer, &*record.tier), ("full", "pro"));
    assert_eq!(record.environment, Environment::Live);
    assert_eq!(&*record.scopes, "orders:read orders:write");
    assert_eq!(record.rare.roles, wanted.roles);
    assert_eq!(record.rare.attributes, wanted.attributes);
    assert_eq!(record.rare.networks, wanted.networks);
    assert_eq!(record.rare.limits.as_deref(), Some(&limits[..]));
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
    let credentials: Vec<_> = record.credentials().map(|c| (c.hash, c.until_s)).collect();
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
    assert_eq!(record.credentials().count(), 1);
    assert!(record.credential_of(&hash(&last.key)).is_some());
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
