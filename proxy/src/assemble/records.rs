//! Key records: which database they come from, and the tasks that follow it, write to it, and keep it
//! small.

use super::options::KeySource;
use super::secrets;
use crate::keys::{Directory, Health, KeySync, Pace, Upkeep, UsageWriter};
use crate::policy;
use anyhow::Context;
use control::keys::Keys as KeyService;
use database::{Database, PoolLimits};
use filters::clock::Clock;
use filters::env::Keys;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Between two attempts to bring the tables up to date while the database is away.
const MIGRATE_AGAIN: Duration = Duration::from_millis(500);

/// Key records, and what keeps them true.
pub(super) struct Records {
    /// What filters ask.
    pub(super) keys: Arc<dyn Keys>,
    /// How well they follow; `None`: nobody follows anything.
    pub(super) health: Option<Health>,
    service: Option<(KeySync, UsageWriter, KeyService)>,
    running: Vec<JoinHandle<()>>,
    /// Opened here, and closed here.
    database: Option<Database>,
    stop: CancellationToken,
}

// === impl Records ===

impl Records {
    /// Records from this source. Nothing is asked of a database yet.
    pub(super) fn of(
        source: &KeySource,
        settings: &policy::Keys,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let (service, database) = match source {
            KeySource::Fixed(keys) => return Ok(Self::fixed(Arc::clone(keys))),
            KeySource::Service(service) => (service.clone(), None),
            KeySource::Policy => match &settings.database {
                None => return Ok(Self::fixed(Arc::new(Directory::new(Arc::clone(clock))))),
                Some(reference) => {
                    let url = secrets::read(reference)?;
                    let master = secrets::read_all(&settings.master_keys)?;
                    let master = secrets::master_keys(&master)?;
                    let database = Database::lazy(&url, PoolLimits::default())
                        .context("the address of the key database cannot be used")?;
                    let service =
                        KeyService::new(database.clone(), Arc::new(master), Arc::clone(clock));
                    (service, Some(database))
                }
            },
        };
        let directory = Arc::new(Directory::new(Arc::clone(clock)));
        let pace = Pace {
            poll: settings.poll,
            ..Pace::default()
        };
        let sync = KeySync::new(
            service.clone(),
            Arc::clone(&directory),
            Arc::clone(clock),
            pace,
        );
        let usage = UsageWriter::new(service.clone(), Arc::clone(&directory));
        Ok(Self {
            keys: directory,
            health: Some(sync.health()),
            service: Some((sync, usage, service)),
            running: Vec::new(),
            database,
            stop: CancellationToken::new(),
        })
    }

    fn fixed(keys: Arc<dyn Keys>) -> Self {
        Self {
            keys,
            health: None,
            service: None,
            running: Vec::new(),
            database: None,
            stop: CancellationToken::new(),
        }
    }

    /// Begins to follow the database and to write to it.
    pub(super) fn start(&mut self) {
        let Some((sync, usage, service)) = self.service.take() else {
            return;
        };
        let upkeep = Upkeep::new(service.clone());
        self.running
            .push(tokio::spawn(upkeep.run(self.stop.clone())));
        let stop = self.stop.clone();
        self.running.push(tokio::spawn(async move {
            let migrated = tokio::select! {
                () = stop.cancelled() => return,
                migrated = migrate(&service) => migrated,
            };
            if let Err(error) = migrated {
                // Somebody else may have the right to do it, and have done it.
                tracing::warn!(%error, "the tables of the key database were not brought up to date");
            }
            sync.run(stop).await;
        }));
        self.running
            .push(tokio::spawn(usage.run(self.stop.clone())));
    }

    /// Waits for the first snapshot, for so long at most; whether it is in.
    pub(super) async fn wait(&self, patience: Duration) -> bool {
        match &self.health {
            None => true,
            Some(health) => tokio::time::timeout(patience, health.wait_ready())
                .await
                .is_ok(),
        }
    }

    /// Writes what was counted, and ends.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        for task in self.running {
            let _ = task.await;
        }
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

/// Brings the tables up to date, as soon as the database can be reached.
async fn migrate(service: &KeyService) -> Result<(), control::keys::Error> {
    loop {
        match service.migrate().await {
            Err(control::keys::Error::Database(database::Error::Unavailable { .. })) => {
                tokio::time::sleep(MIGRATE_AGAIN).await;
            }
            done => return done,
        }
    }
}
