//! Every method on both databases, through one table of checks; what only one of them does is in
//! [`server`] and [`embedded`].

#[cfg(feature = "embedded")]
mod embedded;
mod server;

use std::sync::Arc;
use std::time::Duration;

use refinery::{Migration, Runner};
use tokio::time::timeout;

use crate::testing::LocalPostgres;
use crate::{Database, Error, PoolLimits};

/// Long enough for the slowest machine, so that a test that hangs says where.
const PATIENCE: Duration = Duration::from_secs(20);

fn runner(sql: &str) -> Runner {
    Runner::new(&[Migration::unapplied("V1__shelves", sql).unwrap()])
}

const SHELVES: &str = "CREATE TABLE shelf (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE book (title text PRIMARY KEY, shelf int NOT NULL REFERENCES shelf);
    INSERT INTO shelf VALUES (1, 'low'), (2, 'high');";

async fn migrates_once_though_asked_twice_at_once(database: &Database) {
    let both = tokio::join!(
        database.migrate(runner(SHELVES), "shelf_history"),
        database.migrate(runner(SHELVES), "shelf_history"),
    );
    assert!(matches!(both, (Ok(()), Ok(()))), "{both:?}");
    let mut client = database.client().await.unwrap();
    let applied: i64 = client
        .query_one("SELECT count(*) FROM shelf_history", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(applied, 1);
    drop(client);
    // Another crate's history knows nothing of it; a changed migration is an error, not a surprise.
    database
        .migrate(runner("SELECT 1"), "other_history")
        .await
        .unwrap();
    let changed = database.migrate(runner("SELECT 2"), "shelf_history").await;
    assert!(
        matches!(changed, Err(Error::Migration { .. })),
        "{changed:?}"
    );
    for name in ["", "Shelf", "a b", "a;b", "a\"b"] {
        let refused = database.migrate(runner(SHELVES), name).await;
        assert!(
            matches!(refused, Err(Error::Configuration { .. })),
            "{name:?}: {refused:?}"
        );
    }
}

async fn answers(database: &Database) {
    let mut client = database.client().await.unwrap();
    for _ in 0..2 {
        let rows = client
            .query("SELECT id, name FROM shelf ORDER BY id", &[])
            .await
            .unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row.get("name")).collect();
        assert_eq!(names, ["low", "high"]);
    }
    let one = "SELECT name FROM shelf WHERE id >= $1";
    for (id, rows) in [(1, 2), (2, 1), (3, 0)] {
        let single = client.query_one(one, &[&id]).await;
        assert_eq!(single.is_ok(), rows == 1, "{id}: {single:?}");
        let optional = client.query_opt(one, &[&id]).await;
        assert_eq!(optional.is_ok(), rows <= 1, "{id}");
        assert_eq!(optional.is_ok_and(|row| row.is_some()), rows == 1, "{id}");
        let built = format!("SELECT name FROM shelf WHERE id >= $1 LIMIT {}", 10 + id);
        assert_eq!(
            client.query_dynamic(&built, &[&id]).await.unwrap().len(),
            rows,
            "{id}"
        );
    }
    let changed = client
        .execute("UPDATE shelf SET name = name", &[])
        .await
        .unwrap();
    assert_eq!(changed, 2);
}

async fn keeps_few_built_statements(database: &Database) {
    let mut client = database.client().await.unwrap();
    for number in 0..=crate::limits::DYNAMIC_STATEMENTS_MAX as i32 {
        let rows = client
            .query_dynamic(&format!("SELECT {number}"), &[])
            .await
            .unwrap();
        assert_eq!(rows[0].get::<_, i32>(0), number);
    }
    let prepared =
        "SELECT count(*) FROM pg_prepared_statements WHERE statement ~ '^SELECT [0-9]+$'";
    let kept: i64 = client.query_one(prepared, &[]).await.unwrap().get(0);
    assert_eq!(kept, crate::limits::DYNAMIC_STATEMENTS_MAX as i64);
}

async fn tells_refusals_apart(database: &Database) {
    let mut client = database.client().await.unwrap();
    let insert = "INSERT INTO book (title, shelf) VALUES ($1, $2)";
    assert_eq!(client.execute(insert, &[&"Momo", &1]).await.unwrap(), 1);
    let cases: [(&'static str, &str, i32, &str, bool); 4] = [
        (insert, "Momo", 1, "23505", true),
        (insert, "Emil", 9, "23503", true),
        ("SELECT $1::text, 1 / $2::int", "x", 0, "22012", false),
        ("SELEKT $1, $2", "x", 0, "42601", false),
    ];
    for (sql, title, shelf, sqlstate, conflict) in cases {
        let error = client.execute(sql, &[&title, &shelf]).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some(sqlstate), "{error}");
        assert_eq!(matches!(error, Error::Conflict { .. }), conflict, "{error}");
        assert!(!error.is_unavailable(), "{error}");
        assert!(
            !format!("{error:?}").contains("Momo"),
            "a row's content in {error:?}"
        );
    }
    client.execute("DELETE FROM book", &[]).await.unwrap();
}

async fn transactions_are_whole(database: &Database) {
    let count = "SELECT count(*) FROM book";
    let insert = "INSERT INTO book (title, shelf) VALUES ($1, 1)";
    let mut client = database.client().await.unwrap();

    let mut dropped = client.transaction().await.unwrap();
    dropped.execute(insert, &[&"a"]).await.unwrap();
    assert_eq!(
        dropped
            .query_one(count, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        1
    );
    drop(dropped);
    assert_eq!(
        client.query_one(count, &[]).await.unwrap().get::<_, i64>(0),
        0
    );

    let mut refused = client.transaction().await.unwrap();
    refused.execute(insert, &[&"a"]).await.unwrap();
    refused.execute(insert, &[&"a"]).await.unwrap_err();
    // PostgreSQL answers such a COMMIT without an error.
    let outcome = refused.commit().await.unwrap_err();
    assert_eq!(outcome.sqlstate(), Some("25P02"));
    assert_eq!(
        client.query_one(count, &[]).await.unwrap().get::<_, i64>(0),
        0
    );

    let mut kept = client.transaction().await.unwrap();
    kept.execute(insert, &[&"a"]).await.unwrap();
    assert!(
        kept.query_opt("SELECT 1 FROM book", &[])
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        kept.query("SELECT 1 FROM book", &[]).await.unwrap().len(),
        1
    );
    assert_eq!(
        kept.query_dynamic("SELECT 1 FROM book", &[])
            .await
            .unwrap()
            .len(),
        1
    );
    kept.commit().await.unwrap();
    assert_eq!(
        client.query_one(count, &[]).await.unwrap().get::<_, i64>(0),
        1
    );
    client.execute("DELETE FROM book", &[]).await.unwrap();
}

async fn a_dropped_future_leaves_the_connection_usable(database: &Database) {
    for _ in 0..20 {
        let mut client = database.client().await.unwrap();
        // Polled once, so that the statement is under way, then dropped.
        let mut asking = Box::pin(client.query("SELECT generate_series(1, 100)", &[]));
        assert!(futures_util::poll!(asking.as_mut()).is_pending());
        drop(asking);
        let mut beginning = Box::pin(client.transaction());
        assert!(futures_util::poll!(beginning.as_mut()).is_pending());
        drop(beginning);
        assert_eq!(
            client
                .query_one("SELECT 7", &[])
                .await
                .unwrap()
                .get::<_, i32>(0),
            7
        );
    }
}

async fn many_at_once_lose_nothing(database: &Database) {
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                let mut client = database.client().await?;
                let mut transaction = client.transaction().await?;
                let name: String = transaction
                    .query_one("SELECT name FROM shelf WHERE id = 1 FOR UPDATE", &[])
                    .await?
                    .get(0);
                let longer = format!("{name}+");
                transaction
                    .execute("UPDATE shelf SET name = $1 WHERE id = 1", &[&longer])
                    .await?;
                transaction.commit().await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut client = database.client().await.unwrap();
    let row = client
        .query_one("SELECT name FROM shelf WHERE id = 1", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), format!("low{}", "+".repeat(40)));
}

async fn listeners_wake(database: &Database) {
    let mut keys = database.listen("keys").await.unwrap();
    let mut odd = database.listen("odd \" name").await.unwrap();
    let mut client = database.client().await.unwrap();
    let say = "SELECT pg_notify($1, $2)";
    client.query(say, &[&"elsewhere", &"no"]).await.unwrap();
    client.query(say, &[&"keys", &"41"]).await.unwrap();
    database.notify_local("elsewhere");
    database.notify_local("keys");
    let heard = timeout(PATIENCE, keys.next()).await.unwrap().unwrap();
    assert_eq!(heard, if database.is_embedded() { "" } else { "41" });
    // Nothing was said on the other channel: it does not wake.
    assert!(futures_util::poll!(Box::pin(odd.next())).is_pending());
    client.query(say, &[&"odd \" name", &"42"]).await.unwrap();
    database.notify_local("odd \" name");
    timeout(PATIENCE, odd.next()).await.unwrap().unwrap();
}

async fn closes(database: &Database) {
    timeout(Duration::from_secs(1), database.close())
        .await
        .expect("closing takes under a second");
    let error = database
        .client()
        .await
        .err()
        .expect("nobody gets in after closing");
    assert!(error.is_unavailable(), "{error}");
}

async fn check(database: Database) {
    migrates_once_though_asked_twice_at_once(&database).await;
    answers(&database).await;
    keeps_few_built_statements(&database).await;
    tells_refusals_apart(&database).await;
    transactions_are_whole(&database).await;
    a_dropped_future_leaves_the_connection_usable(&database).await;
    many_at_once_lose_nothing(&database).await;
    listeners_wake(&database).await;
    closes(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_on_a_server() {
    let postgres = LocalPostgres::start().unwrap();
    check(
        Database::connect(&postgres.url(), PoolLimits::default())
            .await
            .unwrap(),
    )
    .await;
}

#[cfg(feature = "embedded")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_on_the_embedded_database() {
    let folder = tempfile::tempdir().unwrap();
    check(Database::embedded(folder.path()).await.unwrap()).await;
}

/// Whoever waits is served in the order of coming; nobody waits longer than the limit.
async fn serves_in_order(database: Database) {
    let served = Arc::new(std::sync::Mutex::new(Vec::new()));
    let first = database.client().await.unwrap();
    let mut waiters = Vec::new();
    for number in 0..50 {
        let (database, served) = (database.clone(), served.clone());
        waiters.push(tokio::spawn(async move {
            let mut client = database.client().await.unwrap();
            served.lock().unwrap().push(number);
            client.query("SELECT 1", &[]).await.unwrap();
        }));
        // One thread: the new task runs until it waits.
        tokio::task::yield_now().await;
    }
    drop(first);
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), (0..50).collect::<Vec<_>>());
}
