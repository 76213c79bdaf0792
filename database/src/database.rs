//! The database as callers hold it: one cheap handle for PostgreSQL and for the embedded one.

#[cfg(feature = "embedded")]
use std::path::Path;
use std::sync::Arc;

use bb8::{Pool, RunError};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::timeout;

use crate::client::Client;
use crate::connection::{Opener, Origin};
use crate::error::Error;
use crate::limits::{ANSWER_GRACE, CONNECTIONS_MAX, PoolLimits};
use crate::listen::Notifications;
use crate::migrate;
use crate::server::Server;

/// A handle on a database. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    origin: Arc<Origin>,
    pool: Pool<Opener>,
    /// As many permits as the pool has connections. bb8 lets a task that comes later overtake those
    /// that wait, for seconds under load (djc/bb8#122); this line is first come, first served.
    line: Semaphore,
    failures: watch::Sender<Option<Error>>,
    migrating: Mutex<()>,
    limits: PoolLimits,
}

impl Database {
    /// Connects to PostgreSQL 15 or newer. `url` is libpq's address; `sslmode=require` (and
    /// `verify-full`) verifies the server's certificate against `sslrootcert` or the system's.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the address or the server cannot be used,
    /// [`Error::Unavailable`] when it does not answer. Neither repeats the password.
    pub async fn connect(url: &str, limits: PoolLimits) -> Result<Self, Error> {
        let database = Self::lazy(url, limits)?;
        if let Some(server) = database.inner.origin.server() {
            // Opened here rather than in the pool, for the clearest reason when it fails.
            let client = server.open().await?;
            server.check_version(&client).await?;
        }
        Ok(database)
    }

    /// As [`Database::connect`], but asks nothing yet: for a process that starts before its database.
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the address cannot be used.
    pub fn lazy(url: &str, limits: PoolLimits) -> Result<Self, Error> {
        let server = Server::new(url, &limits)?;
        Ok(Self::new(Origin::Server(Box::new(server)), limits))
    }

    /// Opens the database inside this process that keeps its data in `folder`, and makes it when
    /// there is none. Every commit that was acknowledged survives the end of the process, `kill -9`
    /// included. Call [`crate::embedded_cache`] first thing in `main`.
    ///
    /// # Errors
    /// [`Error::FolderBusy`] when another process has it open, [`Error::Configuration`] when the
    /// folder or the cache cannot be written, or what lies there is no database of ours.
    #[cfg(feature = "embedded")]
    pub async fn embedded(folder: &Path) -> Result<Self, Error> {
        let embedded = crate::embedded::Embedded::start(folder).await?;
        let limits = PoolLimits {
            connections: crate::limits::EMBEDDED_CONNECTIONS,
            ..PoolLimits::default()
        };
        Ok(Self::new(Origin::Embedded(embedded), limits))
    }

    fn new(origin: Origin, limits: PoolLimits) -> Self {
        let origin = Arc::new(origin);
        let (failures, _) = watch::channel(None);
        let connections = limits.connections.clamp(1, CONNECTIONS_MAX);
        let pool = Pool::builder()
            .max_size(connections)
            .test_on_check_out(false)
            .retry_connection(false)
            .connection_timeout(limits.connect_timeout + ANSWER_GRACE)
            .build_unchecked(Opener {
                origin: origin.clone(),
                failures: failures.clone(),
            });
        let inner = Inner {
            origin,
            pool,
            line: Semaphore::new(connections as usize),
            failures,
            migrating: Mutex::new(()),
            limits,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    #[cfg(all(test, feature = "embedded"))]
    pub(crate) fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    /// Waits in line for a connection. Connections that PostgreSQL's restart has cut are replaced.
    ///
    /// # Errors
    /// [`Error::Exhausted`] after [`PoolLimits::wait`], [`Error::Unavailable`] when the database
    /// cannot be reached or this handle was closed.
    pub async fn client(&self) -> Result<Client<'_>, Error> {
        let Inner {
            pool,
            line,
            limits,
            failures,
            ..
        } = &*self.inner;
        let permit = match timeout(limits.wait, line.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Error::unavailable("it was closed")),
            Err(_) => return Err(Error::Exhausted),
        };
        let mut failures = failures.subscribe();
        // Every connection may be a dead one; the one after those is new.
        for _ in 0..=limits.connections {
            let lent = tokio::select! {
                biased;
                lent = pool.get() => lent,
                _ = failures.changed() => {
                    let failure = failures.borrow_and_update().clone();
                    return Err(failure.unwrap_or_else(|| Error::unavailable("it was closed")));
                }
            };
            let connection = match lent {
                Ok(connection) => connection,
                Err(RunError::User(error)) => return Err(error),
                Err(RunError::TimedOut) => {
                    return Err(Error::unavailable("connecting took too long"));
                }
            };
            // A lost one goes back first, which makes room for its successor.
            if !connection.is_lost() {
                let answer_within = limits.statement_timeout + ANSWER_GRACE;
                return Ok(Client {
                    connection,
                    answer_within,
                    _permit: permit,
                });
            }
        }
        Err(Error::unavailable("every connection was lost"))
    }

    /// Whether this is the database inside our process.
    pub fn is_embedded(&self) -> bool {
        self.inner.origin.server().is_none()
    }

    /// Brings one crate's tables up to date. `table` is that crate's own history: migrations of
    /// several crates share a database without knowing of each other. Two processes may do this at
    /// once; the second waits and finds nothing to do.
    ///
    /// # Errors
    /// [`Error::Migration`] when a migration is refused, or one that was applied has changed since.
    pub async fn migrate(&self, runner: refinery::Runner, table: &str) -> Result<(), Error> {
        let _one_at_a_time = self.inner.migrating.lock().await;
        migrate::migrate(&self.inner.origin, runner, table).await
    }

    /// Listens on a channel, on a connection of its own. What is sent after this returns is heard.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn listen(&self, channel: &str) -> Result<Notifications, Error> {
        Notifications::listen(self.inner.origin.clone(), channel).await
    }

    /// Wakes those who listen on the embedded database; call it after the commit. On PostgreSQL it
    /// does nothing, because `pg_notify` inside the transaction does the same and more.
    pub fn notify_local(&self, channel: &str) {
        match &*self.inner.origin {
            Origin::Server(_) => {}
            #[cfg(feature = "embedded")]
            Origin::Embedded(embedded) => embedded.channels.notify(channel),
        }
        #[cfg(not(feature = "embedded"))]
        let _ = channel;
    }

    /// Lets nobody else in and, on the embedded database, ends the server cleanly. Within a second.
    pub async fn close(&self) {
        self.inner.line.close();
        match &*self.inner.origin {
            Origin::Server(_) => {}
            #[cfg(feature = "embedded")]
            Origin::Embedded(embedded) => embedded.close().await,
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("embedded", &self.is_embedded())
            .finish_non_exhaustive()
    }
}
