//! Bringing tables up to date: refinery, with a lock that it does not have by itself.

use std::fmt::Write as _;

use refinery::Runner;
use tokio::time::timeout;

use crate::connection::Origin;
use crate::error::{Error, sentence};
use crate::limits::{MIGRATION_LOCK_WAIT, MIGRATION_TIME};

pub(crate) async fn migrate(origin: &Origin, mut runner: Runner, table: &str) -> Result<(), Error> {
    // refinery writes the name into its statements as it is.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if table.is_empty() || table.len() > 63 || !table.chars().all(plain) {
        return Err(Error::configuration(format!(
            "{table:?} cannot name a table of migrations"
        )));
    }
    runner.set_migration_table_name(table);
    let mut client = origin.open().await?;
    if origin.server().is_some() {
        // Held by the session, so it ends with this connection whatever happens. On the embedded
        // database all sessions are one; there the caller's own lock is enough, as no second process
        // can be on the folder.
        let mut prepare = String::from("SET statement_timeout = 0;");
        let _ = write!(
            prepare,
            "SET lock_timeout = {}; SELECT pg_advisory_lock(hashtextextended('tidegate {table}', 0))",
            MIGRATION_LOCK_WAIT.as_millis()
        );
        client.batch_execute(&prepare).await?;
    }
    match timeout(MIGRATION_TIME, runner.run_async(&mut client)).await {
        Ok(Ok(report)) => {
            for migration in report.applied_migrations() {
                tracing::info!(table, %migration, "migrated");
            }
            Ok(())
        }
        Ok(Err(error)) => Err(Error::Migration {
            reason: sentence(&error),
        }),
        Err(_) => Err(Error::Migration {
            reason: format!("it took longer than {} s", MIGRATION_TIME.as_secs()),
        }),
    }
}
