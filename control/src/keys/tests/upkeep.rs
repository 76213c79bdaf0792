//! What becomes of keys with time: changes, lists, usage, sealing anew, upkeep.

use super::*;

pub(super) async fn unusable_rows_are_left_out(world: &World) {
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
    assert_eq!(half.record.unwrap().credentials().count(), 1);
    assert_eq!(half.fault, Some(OpenError::Damaged.into()));
    const NONE: &str =
        "DELETE FROM api_credentials WHERE key = (SELECT number FROM api_keys WHERE id = $1)";
    world.sql(NONE, &two.id).await;
    let bare = world.read(&two.id).await;
    assert!(bare.record.is_none() && bare.fault.is_none());
}

pub(super) async fn changes_are_followed_by_mark(world: &World) {
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

pub(super) async fn lists_are_paged(world: &World) {
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

pub(super) async fn usage_adds_up(world: &World) {
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

pub(super) async fn old_secrets_are_sealed_anew(world: &World) {
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
    assert!(record.credential_of(&hash(&issued.key)).is_some());
    assert_eq!(both.reseal().await.unwrap().resealed, 0);
    // Back, for the scenarios that follow.
    world.under(&format!("{OLD},{NEW}")).reseal().await.unwrap();
    assert_eq!(world.secrets(&issued.id).await, [issued.secret.reveal()]);
}

pub(super) async fn upkeep_throws_away_what_is_old(world: &World) {
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
    assert!(!purged.is_empty() && !purged.is_full());
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
pub(super) async fn late_commits_are_found(world: &World) {
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

pub(super) async fn concurrent_writers_leave_no_gap(world: &World) {
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
