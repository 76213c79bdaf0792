//! The command line: one file for each subcommand.
//!
//! Output goes to standard output, everything said beside it to standard error. A mistake is one
//! clear sentence and exit code 1; a command line that cannot be read is exit code 2.

mod bench;
mod check;
mod completions;
#[cfg(feature = "demo")]
mod demo;
mod input;
mod keys;
pub mod limits;
pub mod output;
mod request;
mod serve;
mod sign;
mod signer;
mod target;

use crate::allocations::Counted;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

const ABOUT: &str = "A tide gate lets the flow through and holds the surge back.";

const EXAMPLES: &str = "\
Examples:
  tidegate demo                                 try everything in one process
  tidegate check conf/tidegate.yaml             find what is wrong with a policy file
  tidegate serve --config conf/tidegate.yaml    run the edge
  tidegate keys create --consumer acme --name shop --tier pro
                                                issue a key
  tidegate request GET http://127.0.0.1:8080/api/v1/orders
                                                send a signed request

`tidegate COMMAND --help` tells more of each, with examples.";

/// The command line of `tidegate`.
#[derive(Parser)]
#[command(
    name = "tidegate",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Bench(bench::BenchArgs),
    Keys(keys::KeysArgs),
    Sign(sign::SignArgs),
    Request(request::RequestArgs),
    Completions(completions::CompletionsArgs),
}

/// Reads the command line and does what it says. The allocator is asked to count by `bench` alone.
pub fn main(arguments: impl IntoIterator<Item = OsString>, allocations: &Counted) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    // Before anybody makes a TLS configuration: Pingora would choose another provider. A second
    // call finds the first one's.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(cli.command, allocations) {
        Ok(code) => code,
        Err(error) => {
            output::tell(&format!("tidegate: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, allocations: &Counted) -> anyhow::Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments, allocations),
        Command::Keys(arguments) => wait(keys::run(&arguments)).map(done),
        Command::Sign(arguments) => sign::run(&arguments).map(done),
        Command::Request(arguments) => wait(request::run(&arguments)),
        Command::Completions(arguments) => completions::run(&arguments).map(done),
    }
}

/// Runs a command that waits for something, on this thread alone.
fn wait<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together_and_every_command_has_examples() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        command.build();
        let mut seen = 0;
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let mut leaves: Vec<&clap::Command> = sub
                .get_subcommands()
                .filter(|leaf| leaf.get_name() != "help")
                .collect();
            leaves.push(sub);
            for leaf in leaves {
                let help = leaf.clone().render_long_help().to_string();
                assert!(
                    help.contains("Example"),
                    "{} has no examples",
                    leaf.get_name()
                );
                assert!(leaf.get_about().is_some(), "{}", leaf.get_name());
                seen += 1;
            }
        }
        assert!(seen >= 7);
    }

    #[test]
    fn a_line_is_read_or_refused() {
        for (line, good) in [
            ("tidegate serve --config a.yaml", true),
            ("tidegate serve --config a.yaml --state s", true),
            ("tidegate serve", false),
            ("tidegate check a.yaml b.yaml", true),
            ("tidegate check", false),
            ("tidegate bench --policy a.yaml", true),
            ("tidegate bench a.yaml", false),
            ("tidegate sign GET /a", true),
            ("tidegate sign GET", false),
            ("tidegate sign GET /a --nonce 12345678 --no-nonce", false),
            ("tidegate request GET http://a/ -H a:b -H c:d -d @f", true),
            ("tidegate request GET http://a/ --repeat 0", false),
            ("tidegate request GET http://a/ --repeat 10000", true),
            ("tidegate request GET http://a/ --repeat 10001", false),
            ("tidegate completions bash", true),
            ("tidegate completions tcsh", false),
            ("tidegate nothing", false),
            ("tidegate", false),
        ] {
            let words = line.split(' ');
            assert_eq!(Cli::try_parse_from(words).is_ok(), good, "{line}");
        }
    }
}
