//! `tidegate demo`: everything in one process, for trying out.

use crate::demo::{self, DemoOptions};
use crate::telemetry::trace;
use anyhow::Context;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tidegate demo
  tidegate demo --listen 127.0.0.1:9000 --data /tmp/demo --fresh

  A real PostgreSQL in place of the embedded one:
    DATABASE_URL=postgres://postgres@127.0.0.1/demo tidegate demo

  For scripts: one line {\"address\":…,\"keys\":[{\"name\",\"tier\",\"env\",\"key\",\"secret\"},…]}
    tidegate demo --json > demo.json &

Data is kept in the folder between runs, the partner's keys included. --fresh removes what the
demo keeps in its folder; in the database of DATABASE_URL it changes nothing.";

/// Runs edge, service and PostgreSQL in one process, with a sandbox partner's keys
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DemoArgs {
    /// Where clients connect; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Folder that keeps the data between runs
    #[arg(long, default_value = "tidegate-demo", value_name = "DIR")]
    data: PathBuf,
    /// Start over
    #[arg(long)]
    fresh: bool,
    /// Print one line of JSON instead of a page
    #[arg(long)]
    json: bool,
    /// Show access log lines on standard error
    #[arg(long)]
    log: bool,
    /// PostgreSQL 15 or newer in place of the embedded one, or @FILE that holds its URL
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL|@FILE"
    )]
    database: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the demo cannot be started.
pub(super) fn run(arguments: &DemoArgs) -> anyhow::Result<ExitCode> {
    let options = DemoOptions {
        listen: arguments.listen,
        folder: arguments.data.clone(),
        fresh: arguments.fresh,
        database: arguments.database.clone().filter(|url| !url.is_empty()),
        json: arguments.json,
        log: arguments.log,
    };
    let prepared = demo::prepare(&options)?;
    trace::begin(std::env::var(trace::VARIABLE).ok().as_deref(), true)
        .map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("house")
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let done = runtime.block_on(demo::run(prepared, options));
    // Whatever still blocks a thread is nobody's request.
    runtime.shutdown_background();
    done.map(|()| ExitCode::SUCCESS)
}
