//! What only the embedded database does: it dies with its process, and its folder is its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// Set for the process that is going to be killed: the folder it writes to.
const WRITER: &str = "DATABASE_TEST_WRITER_FOLDER";

/// The name of the test below, for the process that it starts.
const NAME: &str = "tests::embedded::acknowledged_commits_survive_kill_9";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_commits_survive_kill_9() {
    if let Some(folder) = std::env::var_os(WRITER) {
        return write_until_killed(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(WRITER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let mut hear = |lines: &mut dyn Iterator<Item = std::io::Result<String>>| {
        for line in lines {
            let line = line.unwrap();
            if let Some(number) = line.strip_prefix("committed ") {
                acknowledged.push(number.parse::<i32>().unwrap());
                return true;
            }
        }
        false
    };
    for _ in 0..200 {
        assert!(hear(&mut lines), "the writer ended early");
    }
    let refused = Database::embedded(folder.path()).await;
    match &refused {
        Err(error @ Error::FolderBusy { .. }) => {
            assert!(
                error.to_string().contains("in use by another process"),
                "{error}"
            );
        }
        other => panic!("a second process was let in: {other:?}"),
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    while hear(&mut lines) {}

    let database = Database::embedded(folder.path()).await.unwrap();
    let mut client = database.client().await.unwrap();
    let rows = client
        .query("SELECT id FROM written ORDER BY id", &[])
        .await
        .unwrap();
    let found: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| found.binary_search(id).is_err())
        .collect();
    assert!(
        lost.is_empty(),
        "of {} acknowledged are lost: {lost:?}",
        acknowledged.len()
    );

    // And the same without a crash: closed, then opened again within the same process.
    client
        .execute("INSERT INTO written VALUES (-1)", &[])
        .await
        .unwrap();
    drop(client);
    database.close().await;
    let again = Database::embedded(folder.path()).await.unwrap();
    let mut client = again.client().await.unwrap();
    assert!(
        client
            .query_opt("SELECT 1 FROM written WHERE id = -1", &[])
            .await
            .unwrap()
            .is_some()
    );
}

async fn write_until_killed(folder: &Path) {
    let database = Database::embedded(folder).await.unwrap();
    let mut client = database.client().await.unwrap();
    client
        .execute("CREATE TABLE written (id int PRIMARY KEY)", &[])
        .await
        .unwrap();
    let mut out = std::io::stdout();
    for number in 0.. {
        client
            .execute("INSERT INTO written VALUES ($1)", &[&number])
            .await
            .unwrap();
        writeln!(out, "committed {number}").unwrap();
        out.flush().unwrap();
    }
}

/// A session that goes away in the middle of a transaction, or never comes back to it, stops nobody.
#[tokio::test]
async fn a_transaction_left_behind_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(folder.path()).await.unwrap();
    let mut client = database.client().await.unwrap();
    client
        .execute("CREATE TABLE t (id int)", &[])
        .await
        .unwrap();
    drop(client);

    // A runtime that ends takes its sessions with it, wherever they are.
    let doomed = database.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = crate::connection::Origin::open(doomed.origin())
                .await
                .unwrap();
            client
                .batch_execute("BEGIN; INSERT INTO t VALUES (1)")
                .await
                .unwrap();
            client
        })
    })
    .join()
    .unwrap();

    let mut client = database.client().await.unwrap();
    let count: i64 = client
        .query_one("SELECT count(*) FROM t", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(count, 0);
    drop(client);
    serves_in_order(database).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let error = Database::embedded(&file).await.unwrap_err().to_string();
    assert!(
        error.contains(&*file.to_string_lossy()) && !error.contains('\n'),
        "{error}"
    );
}

/// Set for the process whose user has no cache folder.
const CACHELESS: &str = "DATABASE_TEST_CACHELESS_FOLDER";

const CACHELESS_NAME: &str =
    "tests::embedded::a_user_without_a_cache_folder_gets_one_beside_the_data";

#[tokio::test]
async fn a_user_without_a_cache_folder_gets_one_beside_the_data() {
    if let Some(folder) = std::env::var_os(CACHELESS) {
        let folder = Path::new(&folder);
        if std::env::var_os("XDG_CACHE_HOME").is_none() {
            let error = Database::embedded(folder).await.unwrap_err().to_string();
            assert!(error.contains("set XDG_CACHE_HOME"), "{error}");
        }
        crate::embedded_cache(folder).unwrap();
        Database::embedded(folder).await.unwrap().close().await;
        writeln!(std::io::stdout(), "opened").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CACHELESS_NAME, "--nocapture"])
        .env(CACHELESS, folder.path())
        // Nobody can write there, not even root.
        .env("HOME", "/proc/nobody")
        .env_remove("XDG_CACHE_HOME")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&child.stderr).into_owned();
    assert!(
        child.status.success() && said.contains("opened"),
        "{said}{complaint}"
    );
    assert!(folder.path().join("cache/oliphaunt-wasix").is_dir());
}
