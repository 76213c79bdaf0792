//! PostgreSQL inside our own process: opening it, lending sessions, closing it.
//!
//! `oliphaunt-wasix` runs one PostgreSQL backend, compiled to WebAssembly, on a thread of its own.
//! [`session`] lets many driver connections share it; [`wire`] knows as much of the protocol as that
//! needs; [`cache`] finds a place for the compiled code.

pub(crate) mod cache;
mod session;
mod wire;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use oliphaunt_wasix::{AsyncOliphaunt, DatabaseStorage, StorageErrorCode};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;

use crate::error::Error;
use crate::limits::{CLOSE_WAIT, DUPLEX_BYTES};

/// The running server and what its sessions share.
pub(crate) struct Embedded {
    backend: session::Backend,
    pub(crate) channels: Channels,
}

impl Embedded {
    pub(crate) async fn start(folder: &Path) -> Result<Self, Error> {
        let refuse = |why: &dyn std::fmt::Display| {
            Error::configuration(format!(
                "the database's folder {} cannot be used: {why}",
                folder.display()
            ))
        };
        cache::check()?;
        // Asked first, because PostgreSQL's own answer to a folder that cannot be written is a page.
        cache::probe(folder).map_err(|error| refuse(&error))?;
        let storage = DatabaseStorage::Directory(folder.join("postgresql"));
        let opening = AsyncOliphaunt::builder().storage(storage).open();
        let postgres = opening.await.map_err(|error| {
            match error.storage_error().map(|details| details.code()) {
                Some(StorageErrorCode::Busy) => Error::FolderBusy {
                    folder: folder.to_owned(),
                },
                _ => refuse(&error),
            }
        })?;
        Ok(Self {
            backend: session::Backend::new(postgres),
            channels: Channels::default(),
        })
    }

    /// A driver's connection over a pipe in memory.
    pub(crate) async fn open(&self) -> Result<tokio_postgres::Client, Error> {
        let (driver, server) = tokio::io::duplex(DUPLEX_BYTES);
        tokio::spawn(session::serve(server, self.backend.clone()));
        let mut config = tokio_postgres::Config::new();
        config
            .user("postgres")
            .dbname("postgres")
            .ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect_raw(driver, NoTls).await?;
        tokio::spawn(async move {
            // How it ends is told to whoever waits for an answer.
            let _ = connection.await;
        });
        Ok(client)
    }

    pub(crate) async fn close(&self) {
        // A transaction that is under way gets a moment; its commit is not acknowledged otherwise.
        let _quiet = timeout(CLOSE_WAIT, self.backend.turn.lock()).await;
        if let Err(error) = self.backend.close().await {
            tracing::warn!(%error, "the embedded database did not close cleanly");
        }
    }
}

/// Wake-ups by name. They collapse: a listener that was away hears once.
#[derive(Default)]
pub(crate) struct Channels {
    by_name: Mutex<HashMap<String, Arc<watch::Sender<u64>>>>,
}

impl Channels {
    pub(crate) fn subscribe(&self, channel: &str) -> watch::Receiver<u64> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        // Names without listeners go first, so that the map is never larger than what listens.
        by_name.retain(|_, sender| sender.receiver_count() > 0);
        by_name.entry(channel.to_owned()).or_default().subscribe()
    }

    pub(crate) fn notify(&self, channel: &str) {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = by_name.get(channel) {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}
