//! What only a server does: a pool of one, crashes, silence, addresses that cannot work.

use super::*;

fn limits() -> PoolLimits {
    PoolLimits {
        connections: 1,
        wait: Duration::from_secs(10),
        statement_timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_millis(800),
    }
}

#[tokio::test]
async fn waiting_is_fair_and_bounded() {
    let postgres = LocalPostgres::start().unwrap();
    serves_in_order(Database::connect(&postgres.url(), limits()).await.unwrap()).await;

    let hasty = PoolLimits {
        wait: Duration::from_millis(30),
        ..limits()
    };
    let database = Database::connect(&postgres.url(), hasty).await.unwrap();
    let mut held = database.client().await.unwrap();
    let refused = timeout(PATIENCE, database.client()).await.unwrap();
    assert!(matches!(refused, Err(Error::Exhausted)));

    // The server's own limit on a statement, and its word for it.
    let slow = held.query("SELECT pg_sleep(60)", &[]).await.unwrap_err();
    assert!(slow.is_unavailable(), "{slow}");
    assert_eq!(
        held.query_one("SELECT 1", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        1
    );
    drop(held);
    assert!(database.client().await.is_ok());
}

#[tokio::test]
async fn two_processes_may_migrate_at_once() {
    let postgres = LocalPostgres::start().unwrap();
    let one = Database::connect(&postgres.url(), limits()).await.unwrap();
    let other = Database::connect(&postgres.url(), limits()).await.unwrap();
    // Slower than the statement timeout: migrations have limits of their own.
    let slow = "CREATE TABLE t (id int); SELECT pg_sleep(0.4)";
    let both = tokio::join!(
        one.migrate(runner(slow), "h"),
        other.migrate(runner(slow), "h")
    );
    assert!(matches!(both, (Ok(()), Ok(()))), "{both:?}");
}

#[tokio::test]
async fn comes_back_after_a_crash_and_after_silence() {
    let mut postgres = LocalPostgres::start().unwrap();
    let limits = PoolLimits {
        connections: 3,
        ..limits()
    };
    let database = Database::connect(&postgres.url(), limits.clone())
        .await
        .unwrap();
    let ask = async || {
        database
            .client()
            .await?
            .query_one("SELECT 1", &[])
            .await
            .map(drop)
    };
    let mut ears = database.listen("keys").await.unwrap();

    ask().await.unwrap();
    postgres.stop().unwrap();
    for _ in 0..5 {
        let error = timeout(PATIENCE, ask()).await.unwrap().unwrap_err();
        assert!(error.is_unavailable(), "{error}");
    }
    let lost = timeout(PATIENCE, ears.next()).await.unwrap();
    assert!(lost.is_err_and(|error| error.is_unavailable()));
    assert!(ears.next().await.is_err(), "still away");

    postgres.restart().unwrap();
    timeout(PATIENCE, ask()).await.unwrap().unwrap();
    let gap = timeout(PATIENCE, ears.next()).await.unwrap().unwrap();
    assert_eq!(gap, "", "what was said meanwhile is unknown");
    let mut client = database.client().await.unwrap();
    client
        .query("SELECT pg_notify('keys', 'new')", &[])
        .await
        .unwrap();
    assert_eq!(
        timeout(PATIENCE, ears.next()).await.unwrap().unwrap(),
        "new"
    );

    // It hangs: neither the connection that is open nor a new one waits for ever.
    postgres.pause().unwrap();
    let silent = timeout(PATIENCE, client.query("SELECT 2", &[]))
        .await
        .unwrap()
        .unwrap_err();
    assert!(silent.is_unavailable(), "{silent}");
    let fresh = timeout(PATIENCE, Database::connect(&postgres.url(), limits))
        .await
        .unwrap();
    assert!(fresh.is_err_and(|error| error.is_unavailable()));
    postgres.resume().unwrap();
    drop(client);
    timeout(PATIENCE, ask()).await.unwrap().unwrap();
}

#[tokio::test]
async fn says_in_one_sentence_why_it_cannot_connect() {
    let mut postgres = LocalPostgres::start().unwrap();
    let with = |tail: &str| {
        postgres
            .url_of(tail)
            .replace("postgres@", "postgres:hunter2@")
    };
    let port = postgres
        .url()
        .rsplit(':')
        .next()
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let mut cases = vec![
        (with("nowhere"), "database \"nowhere\" does not exist"),
        (
            with("postgres?sslmode=require"),
            "server does not support TLS",
        ),
        (
            with("postgres?sslmode=require&sslrootcert=/nowhere.pem"),
            "/nowhere.pem cannot be read",
        ),
        ("hunter2".to_owned(), "cannot be read"),
    ];
    let away = with("postgres");
    for (url, wanted) in cases.drain(..) {
        let error = Database::connect(&url, limits())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
        assert!(
            !error.contains("hunter2") && !error.contains('\n'),
            "{error}"
        );
    }
    postgres.stop().unwrap();
    let error = Database::connect(&away, limits()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("PostgreSQL at 127.0.0.1:{port}")),
        "{text}"
    );
    assert!(
        text.contains("refused") && !text.contains("hunter2"),
        "{text}"
    );
    // Lazily nothing is asked, so nothing is wrong yet.
    let lazy = Database::lazy(&away, limits()).unwrap();
    assert!(
        lazy.client()
            .await
            .err()
            .expect("still away")
            .is_unavailable()
    );
    postgres.restart().unwrap();
    lazy.client().await.unwrap();
}

#[tokio::test]
async fn speaks_tls_as_the_address_asks() {
    let certified = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (own, stranger) = (certified("127.0.0.1"), certified("127.0.0.1"));
    let misnamed = certified("db.example");
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str, certified: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        let file = folder.path().join(name);
        std::fs::write(&file, certified.cert.pem()).unwrap();
        file.display().to_string()
    };
    let mut postgres = LocalPostgres::start().unwrap();
    postgres
        .restart_with_tls(&own.cert.pem(), &own.signing_key.serialize_pem())
        .unwrap();

    let trusted = root("own.pem", &own);
    let cases = [
        // parameters, whether it connects, whether by TLS
        (String::new(), true, true),
        ("sslmode=disable".to_owned(), true, false),
        ("sslmode=prefer".to_owned(), true, true),
        (format!("sslmode=require&sslrootcert={trusted}"), true, true),
        (
            format!("sslmode=verify-full&sslrootcert={trusted}"),
            true,
            true,
        ),
        (
            format!(
                "sslmode=require&sslrootcert={}",
                root("stranger.pem", &stranger)
            ),
            false,
            true,
        ),
    ];
    for (parameters, connects, by_tls) in cases {
        let url = postgres.url_of(&format!("postgres?{parameters}"));
        let database = match Database::connect(&url, limits()).await {
            Ok(database) => database,
            Err(error) => {
                assert!(!connects && error.is_unavailable(), "{parameters}: {error}");
                assert!(error.to_string().contains("certificate"), "{error}");
                continue;
            }
        };
        assert!(connects, "{parameters}: a stranger's certificate was taken");
        let mut client = database.client().await.unwrap();
        let ask = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let ssl: bool = client.query_one(ask, &[]).await.unwrap().get(0);
        assert_eq!(ssl, by_tls, "{parameters}");
    }
    // Signed by whom we trust, for somebody else.
    postgres
        .restart_with_tls(&misnamed.cert.pem(), &misnamed.signing_key.serialize_pem())
        .unwrap();
    let misnamed = root("misnamed.pem", &misnamed);
    let url = postgres.url_of(&format!("postgres?sslmode=require&sslrootcert={misnamed}"));
    let error = Database::connect(&url, limits()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}
