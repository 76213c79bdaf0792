//! What the pool holds, and where it comes from.

use bb8::ManageConnection;
use tokio::sync::watch;

use crate::error::Error;
use crate::server::Server;
use crate::statements::Statements;

/// One connection of the pool with what it has prepared.
pub(crate) struct Connection {
    pub(crate) client: tokio_postgres::Client,
    pub(crate) statements: Statements,
    /// An answer never came: nobody knows what the connection is doing.
    pub(crate) broken: bool,
}

impl Connection {
    pub(crate) fn is_lost(&self) -> bool {
        self.broken || self.client.is_closed()
    }
}

/// Where connections come from.
pub(crate) enum Origin {
    Server(Box<Server>),
    #[cfg(feature = "embedded")]
    Embedded(crate::embedded::Embedded),
}

impl Origin {
    /// The server, when there is one.
    pub(crate) fn server(&self) -> Option<&Server> {
        match self {
            Self::Server(server) => Some(server),
            #[cfg(feature = "embedded")]
            Self::Embedded(_) => None,
        }
    }

    /// A connection outside of the pool, for work that must not share one.
    pub(crate) async fn open(&self) -> Result<tokio_postgres::Client, Error> {
        match self {
            Self::Server(server) => server.open().await,
            #[cfg(feature = "embedded")]
            Self::Embedded(embedded) => embedded.open().await,
        }
    }
}

/// Opens connections for bb8.
pub(crate) struct Opener {
    pub(crate) origin: std::sync::Arc<Origin>,
    /// The last failure to connect. bb8 keeps such errors to itself until its own timeout is over;
    /// those who wait want to know at once.
    pub(crate) failures: watch::Sender<Option<Error>>,
}

impl ManageConnection for Opener {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        match self.origin.open().await {
            Ok(client) => Ok(Connection {
                client,
                statements: Statements::default(),
                broken: false,
            }),
            Err(error) => {
                self.failures.send_replace(Some(error.clone()));
                Err(error)
            }
        }
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        Ok(connection.client.simple_query("").await.map(drop)?)
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_lost()
    }
}
