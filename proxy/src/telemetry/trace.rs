//! Messages for operators, on standard error: readable on a terminal, JSON lines otherwise.
//!
//! `TIDEGATE_LOG` chooses what is shown in the syntax of `tracing-subscriber`'s `EnvFilter`:
//! `TIDEGATE_LOG=debug`, `TIDEGATE_LOG=warn,tidegate::edge=trace`. What Pingora says through `log`
//! comes along from warnings on; a client that hangs up is no warning of ours.

use std::io::IsTerminal;
use tracing_log::{LogTracer, log};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// The variable that chooses what is shown.
pub const VARIABLE: &str = "TIDEGATE_LOG";

/// What is shown unless the variable says otherwise. Pingora reports every broken client
/// connection as an error; they are counted in our metrics and logged by the access log.
const SHOWN: &str = "info,pingora=off,pingora_core=off,pingora_proxy=off,pingora_pool=off,\
                     pingora_load_balancing=warn,h2=off,hyper=warn,wasmtime=warn,cranelift=warn,\
                     wasmer_wasix=off,\
                     refinery_core=warn,tokio_postgres=warn";

/// Begins to show messages; `quiet` from warnings on, and none about the policy file. A second call
/// changes nothing, so that tests may call it too.
///
/// # Errors
/// One sentence when `filter` cannot be read.
pub fn begin(filter: Option<&str>, quiet: bool) -> Result<(), String> {
    // What a policy built into the program is warned of, its user cannot change.
    let default = if quiet {
        "warn,tidegate::policy=error"
    } else {
        "info"
    };
    let shown = SHOWN.replacen("info", default, 1);
    let filter = EnvFilter::try_new(filter.unwrap_or(&shown))
        .map_err(|error| format!("{VARIABLE} cannot be read: {error}"))?;
    let stderr = std::io::stderr;
    let layer = if stderr().is_terminal() {
        tracing_subscriber::fmt::layer()
            .with_writer(stderr)
            .with_target(false)
            .compact()
            .boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .with_writer(stderr)
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed()
    };
    let subscriber = Registry::default().with(layer.with_filter(filter));
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        // The only other logger there could be is one that a test set up.
        let _ = LogTracer::init_with_filter(log::LevelFilter::Warn);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_read_and_rubbish_is_refused() {
        assert!(begin(None, false).is_ok());
        assert!(begin(None, true).is_ok());
        assert!(begin(Some("debug,tidegate=trace"), false).is_ok());
        let error = begin(Some("=,=[["), false).unwrap_err();
        assert!(error.starts_with("TIDEGATE_LOG cannot be read"), "{error}");
    }
}
