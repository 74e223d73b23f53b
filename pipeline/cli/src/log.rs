//! The program's own log, on standard error: what engine and agent have to say while they run.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::settings::LogFormat;

/// Libraries whose every step is an `info` of theirs; what fails in them is said by who called them.
const QUIET: [&str; 4] = ["delta_kernel", "deltalake_core", "buoyant_kernel", "object_store"];

/// Begins it. `REPRISE_LOG` says how much: `info` without.
pub fn begin(format: LogFormat) {
    let filter = EnvFilter::builder().with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into());
    let filter = filter.with_env_var("REPRISE_LOG").from_env_lossy();
    let filter = QUIET.iter().fold(filter, |filter, part| match format!("{part}=off").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let ansi = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A log that cannot be written is let go: saying so to the same place would be a panic.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(ansi).with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
