//! The program `upstream-stub`: the service on its own, for a platform's tests and for `cargo stub`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use database::{Database, PoolLimits};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use upstream_stub::Options;

const EXAMPLES: &str = "\
Examples:
  Try it out, data in a folder:
    upstream-stub --data ./data --seed
  On a PostgreSQL server, as behind a real edge:
    DATABASE_URL=postgres://shop@127.0.0.1/shop upstream-stub --listen 127.0.0.1:9000
  Misbehave on request, for tests of an edge:
    upstream-stub --data ./data --faults
    curl http://127.0.0.1:9000/faults/status?code=503

It trusts the X-Consumer-* headers and verifies nothing: let only the edge reach it.
STUB_LOG chooses the messages on standard error: error, warn, info, debug.";

/// Orders and products on PostgreSQL: the service behind the edge
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// PostgreSQL 15 or newer
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Folder of a database inside this process, for trying out
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the sample products, customers and orders that are missing
    #[arg(long)]
    seed: bool,
    /// Serve /faults/…, which fails on purpose
    #[arg(long)]
    faults: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    #[cfg(feature = "embedded")]
    if let (Some(folder), None) = (&arguments.data, &arguments.database_url) {
        // Before any thread: it may have to start this program anew.
        database::embedded_cache(folder)?;
    }
    let filter = EnvFilter::try_from_env("STUB_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let outcome = runtime.block_on(serve(arguments));
    runtime.shutdown_background();
    outcome
}

async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    // The port first: a busy one should not cost a migration.
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let database = open(arguments).await?;
    upstream_stub::prepare(&database).await?;
    if arguments.seed {
        upstream_stub::seed(&database).await?;
    }
    let options = Options {
        faults: arguments.faults,
    };
    let router = upstream_stub::router(database.clone(), &options);
    let mut out = std::io::stdout();
    // Whoever closed our standard output does not want to know.
    let _ = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    let served = upstream_stub::serve(listener, router, stop).await;
    database.close().await;
    served.context("connections cannot be accepted")
}

async fn open(arguments: &Arguments) -> anyhow::Result<Database> {
    match (&arguments.database_url, &arguments.data) {
        (Some(_), Some(_)) => {
            bail!("both DATABASE_URL and --data say where the data is: leave one out")
        }
        (None, None) => bail!("no database: set DATABASE_URL, or give a folder with --data"),
        (Some(url), None) => Ok(Database::connect(url, PoolLimits::default()).await?),
        #[cfg(feature = "embedded")]
        (None, Some(folder)) => Ok(Database::embedded(folder).await?),
        #[cfg(not(feature = "embedded"))]
        (None, Some(_)) => bail!("this program was built without a database of its own"),
    }
}

fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let mut terminate =
        signal(SignalKind::terminate()).context("signals cannot be listened for")?;
    let mut interrupt =
        signal(SignalKind::interrupt()).context("signals cannot be listened for")?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}
