//! Every bound of this crate, with its reason.

use std::time::Duration;

/// How many connections a pool holds and how long anybody waits for one, or for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolLimits {
    /// Connections at most. More than twice the server's cores makes PostgreSQL slower, not faster.
    pub connections: u32,
    /// How long [`crate::Database::client`] waits for a free connection.
    pub wait: Duration,
    /// How long the server works on one statement before it gives up.
    pub statement_timeout: Duration,
    /// How long a new connection may take, handshakes included.
    pub connect_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u32);
        Self {
            connections: (2 * cores).clamp(4, CONNECTIONS_MAX),
            wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
        }
    }
}

/// Connections of one pool, whatever the machine.
pub const CONNECTIONS_MAX: u32 = 64;

/// Logical connections to the embedded database: it has one backend, so more only wait in line.
pub const EMBEDDED_CONNECTIONS: u32 = 8;

/// What an answer may take on top of the statement timeout before the connection is given up: the
/// server's own limit does not help when the server itself hangs.
pub const ANSWER_GRACE: Duration = Duration::from_secs(2);

/// How long a transaction may sit between two statements before the database ends it.
pub const TRANSACTION_IDLE: Duration = Duration::from_secs(10);

/// How long one statement on the embedded database waits for the transaction before it.
pub const TURN_WAIT: Duration = Duration::from_secs(5);

/// How long a migration waits for another process that migrates the same tables.
pub const MIGRATION_LOCK_WAIT: Duration = Duration::from_secs(60);

/// How long all migrations of one crate may take.
pub const MIGRATION_TIME: Duration = Duration::from_secs(600);

/// How long closing the embedded database waits for a running transaction.
pub const CLOSE_WAIT: Duration = Duration::from_millis(400);

/// Statements built at run time that a connection keeps prepared; the oldest goes first.
pub const DYNAMIC_STATEMENTS_MAX: usize = 64;

/// Notifications that wait to be read; beyond it they collapse into one that says "look anew".
pub const NOTIFICATIONS_MAX: usize = 1024;

/// Bytes of one message from a driver to the embedded database.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Bytes under way between a driver and the embedded database, each way.
pub const DUPLEX_BYTES: usize = 64 << 10;

/// Characters of a database's message that an error carries.
pub const MESSAGE_CHARS_MAX: usize = 300;

const _: () = assert!(EMBEDDED_CONNECTIONS <= CONNECTIONS_MAX);
const _: () = assert!(CLOSE_WAIT.as_millis() < 1000);
const _: () = assert!(DUPLEX_BYTES < MESSAGE_BYTES_MAX);
