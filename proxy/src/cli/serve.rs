//! `tidegate serve`: runs the edge by a policy file until it is told to stop.

use super::output;
use crate::assemble::signals::{Signals, Wish};
use crate::assemble::{Inheritance, StartError, System, SystemOptions};
use crate::reload::{PolicySource, Unloaded};
use crate::telemetry::trace;
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  export DATABASE_URL=postgres://tidegate@127.0.0.1/tidegate
  export TIDEGATE_MASTER_KEY=…            # made by: openssl rand -hex 32
  tidegate serve --config conf/tidegate.yaml

  Keep limits and replay memory over a restart:
    tidegate serve --config conf/tidegate.yaml --state /var/lib/tidegate/state

Signals:
  SIGTERM, SIGINT  stop accepting, answer what is in flight, end
  SIGHUP           load the policy file anew, open the log file anew
  SIGQUIT          start the program anew, hand the listeners over, then end

TIDEGATE_LOG chooses the messages on standard error: info, debug, warn,tidegate=debug, …";

/// Runs the edge
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArgs {
    /// Policy file
    #[arg(short, long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: PathBuf,
    /// File that keeps limits and replay memory from one process to the next
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Worker threads of the edge; one for each core when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// Runs the command.
///
/// # Errors
/// When the edge cannot be started or cannot go on.
pub(super) fn run(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    trace::begin(std::env::var(trace::VARIABLE).ok().as_deref(), false)
        .map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("house")
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let code = runtime.block_on(serve(arguments))?;
    // Whatever still blocks a thread is nobody's request.
    runtime.shutdown_background();
    Ok(code)
}

async fn serve(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen().context("signals cannot be listened for")?;
    let mut options = SystemOptions::new(PolicySource::File(arguments.config.clone()));
    options.state.clone_from(&arguments.state);
    options.inheritance = Inheritance::receive()?;
    if let Some(threads) = arguments.threads {
        options.threads = threads.into();
    }
    let started = tokio::select! {
        started = System::start(options) => started,
        () = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    let mut system = match started {
        Ok(system) => system,
        Err(StartError::Policy(Unloaded::Refused(report))) => {
            output::report(&report);
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    let heir = loop {
        let wish = tokio::select! {
            wish = signals.next() => wish,
            error = system.broken() => return Err(error),
        };
        match wish {
            Wish::Stop => break None,
            Wish::Reload => {
                // What it says is in the messages already.
                let _ = tokio::task::block_in_place(|| system.reload());
            }
            Wish::HandOver => match system.start_heir().await {
                Ok(heir) => break Some(heir),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "no new process takes over: this one serves on");
                }
            },
        }
    };
    tracing::info!("draining");
    tokio::select! {
        () = system.stop(heir) => {}
        () = signals.stop() => tracing::warn!("told twice to stop: ending at once"),
    }
    Ok(ExitCode::SUCCESS)
}
