//! `tidegate check`: says everything that is wrong with policy files, and what is unwise in them.

use super::output;
use crate::reload::{PolicySource, Unloaded};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tidegate check conf/tidegate.yaml
  tidegate check conf/*.yaml && echo good

The exit code is 1 when a file cannot be used; warnings alone are no reason.";

/// Says everything that is wrong with policy files
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    /// Policy files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut good = true;
    for file in &arguments.files {
        match PolicySource::File(file.clone()).load() {
            Ok(loaded) => {
                if !loaded.warnings.is_empty() {
                    output::report(&loaded.warnings);
                }
                output::line(&format!("{}: good", file.display()))?;
            }
            Err(Unloaded::Refused(report)) => {
                good = false;
                output::report(&report);
            }
            Err(error) => {
                good = false;
                output::tell(&format!("tidegate: {error}"));
            }
        }
    }
    Ok(ExitCode::from(u8::from(!good)))
}
