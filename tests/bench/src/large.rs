//! `flow`: a flow of 100,000 tasks and as many dependencies comes in over HTTP, and is cancelled; another flow goes on
//! meanwhile. How long until it is accepted, what memory the engine holds, and what the other flow feels of it.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::child::Server;
use crate::http::Connection;
use crate::latency::{on_local, submit, yaml};
use crate::machine::percentile;
use crate::nodes::Nodes;
use crate::table::{Bound, Row};

const TASKS: usize = 100_000;
/// The other flow: 10 nodes with attempts of half a second.
const NODES: usize = 10;
const HELD: (Duration, Duration) = (Duration::from_millis(400), Duration::from_millis(600));
const OTHER_TASKS: usize = 20_000;
/// How long the other flow is watched alone.
const ALONE: Duration = Duration::from_secs(5);
/// How long it is watched after the large one has ended.
const AFTER: Duration = Duration::from_secs(2);
/// A cancelled flow that has not ended after this is a bug.
const CANCEL: Duration = Duration::from_secs(120);

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    on_local(measure())
}

async fn measure() -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(&["engine", "20000"], folder.path())?;
    submit(&server.socket, "other", &yaml(OTHER_TASKS), "medium").await?;
    let nodes = Nodes::join(&server.socket, NODES, HELD).await?;
    tokio::time::sleep(ALONE / 2).await;
    let began = Instant::now();
    tokio::time::sleep(ALONE).await;

    // From a thread of its own, as another client would: the nodes must not wait for it.
    let (yaml, socket) = (yaml(TASKS), server.socket.clone());
    let (sent, before) = (Instant::now(), server.processor_seconds()?);
    let submits = move || on_local(submit(&socket, "large", &yaml, "lowest")).map_err(|failure| failure.to_string());
    let execution = tokio::task::spawn_blocking(submits).await??;
    let accepted = Instant::now();
    let mut connection = Connection::open(&server.socket).await?;
    let path = format!("/v1/executions/{execution}");
    connection.post(&format!("{path}/cancel"), &[("idempotency-key", "cancel")], "").await?;
    while !ended(&mut connection, &path).await? {
        if accepted.elapsed() > CANCEL {
            return Err(format!("{execution} was cancelled, and did not end within {CANCEL:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let over = Instant::now();
    tokio::time::sleep(AFTER).await;
    let (peak, processor) = (server.peak_mib()?, server.processor_seconds()? - before);

    let row = |what: &str, value, unit| Row::new("flow", what, value, unit);
    let mut rows = vec![
        row("100,000 tasks, 100,000 dependencies: until accepted", (accepted - sent).as_secs_f64(), "s")
            .bound(Bound::AtMost(10.0)),
        row("from its cancel to its end", (over - accepted).as_secs_f64(), "s"),
        row("engine, processor time of both", processor, "s"),
        row("engine, most memory", peak, "MiB").bound(Bound::AtMost(1024.0)),
    ];
    for (when, from, to) in [
        ("alone", began, sent),
        ("while it comes", sent, accepted),
        ("from its cancel until 2 s after its end", accepted, over + AFTER),
    ] {
        let mut took = nodes.between(from, to);
        let note = format!(
            "p50 {:.2} ms, {:.0} tasks/s",
            percentile(&mut took, 50),
            took.len() as f64 / (to - from).as_secs_f64()
        );
        rows.push(
            row(&format!("the other flow, report to command p99, {when}"), percentile(&mut took, 99), "ms").note(note),
        );
    }
    drop(nodes);
    server.stop()?;
    Ok(rows)
}

async fn ended(connection: &mut Connection, path: &str) -> Result<bool, Failure> {
    let view: serde_json::Value = serde_json::from_slice(&connection.get(path).await?)?;
    Ok(view.get("ended").is_some_and(|ended| !ended.is_null()))
}
