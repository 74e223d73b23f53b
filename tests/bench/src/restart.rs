//! `restart`: an engine with 1,000,000 tasks in state starts again: from its snapshot and the tail of its journal.

use crate::Failure;
use crate::child::Server;
use crate::latency::{on_local, submit, yaml};
use crate::table::{Bound, Row};

const FLOWS: usize = 10;
const TASKS: usize = 100_000;
/// Entries between two snapshots: several are written while the flows come in, so that a tail is left.
const ENTRIES: &str = "500";

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(&["engine", ENTRIES], folder.path())?;
    on_local(async {
        let yaml = yaml(TASKS);
        for flow in 0..FLOWS {
            submit(&server.socket, &format!("nightly{flow}"), &yaml, "medium").await?;
        }
        Ok(())
    })?;
    let built = server.peak_mib()?;
    server.stop()?;
    let again = Server::start(&["engine", ENTRIES], folder.path())?;
    let (from, to) = again.entries;
    let (took, peak, processor) = (again.took.as_secs_f64(), again.peak_mib()?, again.processor_seconds()?);
    again.stop()?;
    let row = |what: &str, value, unit| Row::new("restart", what, value, unit);
    Ok(vec![
        row("1,000,000 tasks in state: until it leads and listens", took, "s").bound(Bound::AtMost(10.0)),
        row("of that, processor time", processor, "s"),
        row("entries replayed", (to - from) as f64, "").note(format!("of {to}")),
        row("most memory, while the flows came in", built, "MiB"),
        row("most memory, started again", peak, "MiB"),
    ])
}
