//! The program's own log, on standard error: what engine and agent have to say while they run.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::settings::LogFormat;

/// Libraries whose every step is an `info` of theirs; what fails in them is said by who called them.
const QUIET: [&str; 4] = ["delta_kernel", "deltalake_core", "buoyant_kernel", "object_store"];

/// Begins it. `REPRISE_LOG` says how much: `info` without.
pub fn begin(format: LogFormat) {
    let filter = filter(&std::env::var("REPRISE_LOG").unwrap_or_default());
    let ansi = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A log that cannot be written is let go: saying so to the same place would be a panic.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(ansi).with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// What is logged, by what was asked for: a quiet library speaks where it is asked by its name.
fn filter(asked: &str) -> EnvFilter {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(asked);
    let is_asked = |part: &str| asked.split(',').any(|one| one.split(['=', '[']).next().map(str::trim) == Some(part));
    QUIET.into_iter().filter(|part| !is_asked(part)).fold(filter, |filter, part| match format!("{part}=off").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    })
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn a_quiet_library_speaks_where_it_is_asked_by_its_name() {
        let parts = |asked: &str| {
            let mut parts: Vec<String> = filter(asked).to_string().split(',').map(str::to_owned).collect();
            parts.sort();
            parts.join(" ")
        };
        let off = "buoyant_kernel=off delta_kernel=off deltalake_core=off";
        assert_eq!(parts(""), format!("{off} info object_store=off"));
        assert_eq!(parts("info,object_store=debug"), format!("{off} info object_store=debug"));
        let deeper = "info,object_store::aws=debug";
        assert_eq!(parts(deeper), format!("{off} info object_store::aws=debug object_store=off"));
    }
}
