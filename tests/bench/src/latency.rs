//! `gateway`: from the report that an attempt has ended to the start that takes its slot, through HTTP, two durable
//! appends and a command line; 50 nodes, 500 attempts at once, 2,000 reports a second. Beside it, in the same run and
//! under the same load, the bare loop: what HTTP, disk and threads cost whoever decides.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::child::Server;
use crate::http::Connection;
use crate::machine::percentile;
use crate::nodes::Nodes;
use crate::table::{Bound, Row};

/// Nodes of the fleet.
const NODES: usize = 50;
/// How long an attempt is held: 500 at once, three reports each, make 2,000 reports a second.
const HELD: (Duration, Duration) = (Duration::from_millis(490), Duration::from_millis(1_000));
const WARM_UP: Duration = Duration::from_secs(5);
const COUNTED: Duration = Duration::from_secs(20);
/// Tasks of the flow: more than are run.
const TASKS: usize = 24_000;

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let bare = on_local(measure(&["bare"], &folder.path().join("bare"), false))?;
    let whole = on_local(measure(&["engine", "20000"], &folder.path().join("engine"), true))?;
    let row = |what: &str, value| Row::new("gateway", what, value, "ms");
    let rate = |m: &Measured| format!("{:.0} reports/s, {} samples", m.rate, m.samples);
    Ok(vec![
        row("report to line p50, bare loop", bare.p50).note(rate(&bare)),
        row("report to line p99, bare loop", bare.p99),
        row("report to command p50, engine", whole.p50).note(rate(&whole)),
        row("report to command p99, engine", whole.p99).bound(Bound::AtMost(10.0)),
        Row::new("gateway", "p99, engine to bare loop", whole.p99 / bare.p99, "x").bound(Bound::AtMost(2.0)),
        Row::new("gateway", "processor time of a report, bare loop", bare.processor_us, "µs"),
        Row::new("gateway", "processor time of a report, engine", whole.processor_us, "µs")
            .note(format!("{:.1}x the bare loop", whole.processor_us / bare.processor_us)),
        Row::new("gateway", "engine, most memory", whole.peak_mib, "MiB"),
    ])
}

/// Runs something on this thread with a runtime of its own, as a client with one core would.
pub fn on_local<T>(what: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, what)
}

struct Measured {
    p50: f64,
    p99: f64,
    rate: f64,
    samples: usize,
    peak_mib: f64,
    processor_us: f64,
}

async fn measure(what: &[&str], folder: &Path, submits: bool) -> Result<Measured, Failure> {
    std::fs::create_dir_all(folder)?;
    let server = Server::start(what, folder)?;
    if submits {
        submit(&server.socket, "steady", &yaml(TASKS), "medium").await?;
    }
    let nodes = Nodes::join(&server.socket, NODES, HELD).await?;
    tokio::time::sleep(WARM_UP).await;
    let (from, before) = (Instant::now(), server.processor_seconds()?);
    tokio::time::sleep(COUNTED).await;
    let processor = server.processor_seconds()? - before;
    let mut took = nodes.between(from, from + COUNTED);
    if took.is_empty() {
        return Err("no slot was taken again: nothing was measured".into());
    }
    let (samples, rate) = (took.len(), took.len() as f64 * 3.0 / COUNTED.as_secs_f64());
    let peak_mib = server.peak_mib()?;
    drop(nodes);
    server.stop()?;
    let processor_us = processor * 1e6 / (rate * COUNTED.as_secs_f64());
    let (p50, p99) = (percentile(&mut took, 50), percentile(&mut took, 99));
    Ok(Measured { p50, p99, rate, samples, peak_mib, processor_us })
}

/// Submits a flow to the pool `default`, and returns its execution's name.
pub async fn submit(socket: &Path, name: &str, yaml: &str, priority: &str) -> Result<String, Failure> {
    submit_to(socket, "default", name, yaml, priority).await
}

/// The same to any pool.
pub async fn submit_to(socket: &Path, pool: &str, name: &str, yaml: &str, priority: &str) -> Result<String, Failure> {
    let mut connection = Connection::open(socket).await?;
    let path = format!("/v1/executions?pool={pool}&name={name}.yaml&priority={priority}");
    let headers = [("content-type", "application/yaml"), ("idempotency-key", name)];
    let answer = connection.post(&path, &headers, yaml.to_owned()).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let execution = answer.pointer("/execution/execution").or(answer.get("execution"));
    Ok(execution.and_then(|e| e.as_str()).ok_or("no execution in the answer")?.to_owned())
}

/// A flow of so many tasks: the second half waits for two of the first each.
pub fn yaml(tasks: usize) -> String {
    let half = tasks / 2;
    let mut text = String::from("tasks:\n");
    for task in 0..tasks {
        let after = match task.checked_sub(half) {
            None => String::new(),
            Some(on) => format!(", after: [t{on:06}, t{:06}]", (on + 1) % half),
        };
        text.push_str(&format!("  t{task:06}: {{ run: make test{after} }}\n"));
    }
    text
}
