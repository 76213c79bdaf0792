//! The service behind the edge: orders and products on PostgreSQL, in the contract's shape
//! (sections 6 and 7).
//!
//! It stands for the customer's business API. It trusts the `X-Consumer-*` headers, verifies
//! nothing, and imports nothing of the edge: never let anybody but the edge reach it. A change is
//! acknowledged only after it was committed. With [`Options::faults`] it also misbehaves when asked
//! to, for tests of what stands before it.
//!
//! ```no_run
//! # async fn run(database: database::Database) -> Result<(), Box<dyn std::error::Error>> {
//! upstream_stub::prepare(&database).await?;
//! upstream_stub::seed(&database).await?;
//! let router = upstream_stub::router(database, &upstream_stub::Options { faults: false });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let stop = tokio_util::sync::CancellationToken::new();
//! upstream_stub::serve(listener, router, stop).await?;
//! # Ok(())
//! # }
//! ```

mod app;
mod body;
mod check;
mod envelope;
mod faults;
mod id;
pub mod limits;
mod money;
mod orders;
mod page;
mod parameters;
mod products;
mod seed;
mod serve;
mod sort;

use database::Database;

pub use app::router;
pub use seed::seed;
pub use serve::serve;

/// Where the history of this crate's migrations is kept.
const HISTORY: &str = "upstream_stub_migrations";

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// What the service does beside its work.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Serve `/faults/…`, which fails on purpose; without it they are 404.
    pub faults: bool,
}

/// Why the tables cannot be made or filled. The text tells the cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tables could not be brought up to date.
    #[error("the tables of orders and products cannot be made: {0}")]
    Prepare(database::Error),
    /// The first rows could not be written.
    #[error("the sample orders and products cannot be written: {0}")]
    Seed(database::Error),
}

/// Makes the tables, or brings them up to date. May be called at every start.
///
/// # Errors
/// [`Error::Prepare`] when the database is away or refuses.
pub async fn prepare(database: &Database) -> Result<(), Error> {
    database
        .migrate(embedded::migrations::runner(), HISTORY)
        .await
        .map_err(Error::Prepare)
}
