//! A PostgreSQL server reached by an address: opens connections, with every limit set at once.

use std::time::Duration;

use bb8::ManageConnection;
use bb8_postgres::PostgresConnectionManager;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::Address;
use crate::error::{Error, sentence};
use crate::limits::{PoolLimits, TRANSACTION_IDLE};
use crate::tls;

/// Major version of PostgreSQL that our SQL is written for, times 10,000.
const VERSION_MIN: i32 = 150_000;

/// A server's address and how to talk to it. Holds a password, so it has no `Debug`.
pub(crate) struct Server {
    name: String,
    pub(crate) config: tokio_postgres::Config,
    pub(crate) tls: MakeRustlsConnect,
    open: PostgresConnectionManager<MakeRustlsConnect>,
    connect_timeout: Duration,
}

impl Server {
    pub(crate) fn new(url: &str, limits: &PoolLimits) -> Result<Self, Error> {
        let address = Address::parse(url)?;
        let tls = tls::connector(&address)?;
        let name = address.name();
        let mut config = address.config;
        config.connect_timeout(limits.connect_timeout);
        // A server that vanished without a word is noticed within a minute.
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        if config
            .get_hosts()
            .iter()
            .any(|host| matches!(host, Host::Tcp(_)))
        {
            config.tcp_user_timeout(limits.statement_timeout * 2);
        }
        if config.get_application_name().is_none() {
            config.application_name("tidegate");
        }
        // What the address itself asks for comes last and wins.
        let theirs = config.get_options().unwrap_or_default().to_owned();
        config.options(format!(
            "-c statement_timeout={} -c idle_in_transaction_session_timeout={} {theirs}",
            limits.statement_timeout.as_millis(),
            TRANSACTION_IDLE.as_millis(),
        ));
        let open = PostgresConnectionManager::new(config.clone(), tls.clone());
        Ok(Self {
            name,
            config,
            tls,
            open,
            connect_timeout: limits.connect_timeout,
        })
    }

    /// A new connection, driven by a task of its own.
    pub(crate) async fn open(&self) -> Result<tokio_postgres::Client, Error> {
        match timeout(self.connect_timeout, self.open.connect()).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(self.unreachable(&error)),
            Err(_) => Err(self.too_slow()),
        }
    }

    /// Refuses a server that is older than our SQL.
    pub(crate) async fn check_version(&self, client: &tokio_postgres::Client) -> Result<(), Error> {
        let row = client
            .query_one("SELECT current_setting('server_version_num')::int4", &[])
            .await?;
        let version: i32 = row.try_get(0)?;
        match version >= VERSION_MIN {
            true => Ok(()),
            false => Err(Error::configuration(format!(
                "PostgreSQL at {} is version {}: 15 or newer is needed",
                self.name,
                version / 10_000
            ))),
        }
    }

    pub(crate) fn unreachable(&self, error: &tokio_postgres::Error) -> Error {
        // "error connecting to server" says less than its cause.
        let why = match (error.as_db_error(), std::error::Error::source(error)) {
            (Some(refusal), _) => refusal.message().to_owned(),
            (None, Some(cause)) => sentence(cause),
            (None, None) => sentence(error),
        };
        Error::unavailable(format!(
            "PostgreSQL at {} cannot be reached: {why}",
            self.name
        ))
    }

    pub(crate) fn too_slow(&self) -> Error {
        Error::unavailable(format!(
            "PostgreSQL at {} did not answer within {} ms",
            self.name,
            self.connect_timeout.as_millis()
        ))
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }
}
