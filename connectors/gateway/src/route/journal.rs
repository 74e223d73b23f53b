//! The journal, page by page or as it grows.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use model::PoolId;
use model::record::Entry;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use crate::app::App;
use crate::failure::Failure;
use crate::params::{Params, execution, task};
use crate::stream::{Pieces, lines};
use crate::view::journal::{self as view, JournalLine, Wanted};
use crate::view::page::Page;

/// Entries that are read at once.
const CHUNK: usize = 128;
/// Most entries that one page looks at.
const MAX_LOOKS: usize = 4_096;
/// Bytes after which a page ends.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Reads under way at once: one from far takes long, and threads are for others too.
static READING: Semaphore = Semaphore::const_new(8);
/// Entries of so long go out together when the journal is followed.
const GATHER: Duration = Duration::from_millis(30);

/// `?from=POSITION` (or `cursor=`), `?follow`, `?limit=`, and `?execution= ?task= ?node= ?kind=`. A page may be empty
/// and have a next one: nothing in what it looked at was wanted.
pub async fn journal(State(app): State<App>, params: Params) -> Result<Response, Failure> {
    params.only(&["from", "cursor", "follow", "limit", "execution", "task", "node", "kind"])?;
    let wanted = wanted(&params)?;
    let position = app.look(&params, |look| Ok(look.at.position)).await?;
    let from = params.get("cursor")?.or(params.get("from")?);
    let mut reader = Reader { pool: params.pool()?, wanted, next: from.unwrap_or(1), read: VecDeque::new() };
    if params.is_on("follow") {
        reader.next = from.unwrap_or(position + 1);
        let grown = app.engine.follow(&reader.pool);
        let stopping = app.stopping.clone();
        // Before anything is answered: what cannot be read is told with its reason.
        let first = if reader.next <= position { reader.entry(&app).await? } else { None };
        let first = first.map(|lines| text(&lines)).filter(|text| !text.is_empty());
        return Ok(lines(Following { app, reader, grown, first }, stopping));
    }
    let limit = params.limit()?;
    let mut items = Vec::new();
    let (mut looks, mut bytes) = (0, 0);
    while items.len() < limit && looks < MAX_LOOKS && bytes < MAX_BYTES && reader.next <= position {
        let Some(lines) = reader.entry(&app).await? else { break };
        bytes += text(&lines).len();
        items.extend(lines);
        looks += 1;
    }
    let next = (reader.next <= position).then(|| reader.next.to_string());
    Ok(Json(Page { items, next, position }).into_response())
}

fn wanted(params: &Params) -> Result<Wanted, Failure> {
    Ok(Wanted {
        execution: params.text("execution").map(execution).transpose()?,
        task: params.text("task").map(task).transpose()?,
        node: params.get("node")?,
        kind: params.text("kind").map(str::to_owned),
    })
}

/// Reads entry after entry, a chunk ahead.
struct Reader {
    pool: PoolId,
    wanted: Wanted,
    next: u64,
    read: VecDeque<(u64, Entry)>,
}

impl Reader {
    /// The wanted lines of the next entry; none if there is no further entry yet.
    async fn entry(&mut self, app: &App) -> Result<Option<Vec<JournalLine>>, Failure> {
        if self.read.is_empty() {
            let (engine, pool, from) = (app.engine.clone(), self.pool.clone(), self.next);
            let _turn = READING.acquire().await.expect("nobody closes it");
            let read = tokio::task::spawn_blocking(move || engine.journal(&pool, from, CHUNK)).await;
            self.read = read.map_err(|error| Failure::ours(format!("the journal cannot be read: {error}")))??.into();
        }
        let Some((position, entry)) = self.read.pop_front() else { return Ok(None) };
        self.next = position + 1;
        app.look_at(&self.pool, |look| Ok(Some(view::lines(look.id, look.pool, position, &entry, &self.wanted))))
    }
}

struct Following {
    app: App,
    reader: Reader,
    grown: watch::Receiver<u64>,
    first: Option<Bytes>,
}

impl Pieces for Following {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            self.grown.borrow_and_update();
            match self.reader.entry(&self.app).await {
                Ok(Some(lines)) if lines.is_empty() => {}
                Ok(Some(lines)) => return Some(text(&lines)),
                Ok(None) => {
                    self.grown.changed().await.ok()?;
                    sleep(GATHER).await;
                }
                // Who asks again from where this ends is told why.
                Err(failure) => {
                    tracing::warn!("a stream of the journal ends: {}", failure.problem.detail);
                    return None;
                }
            }
        }
    }
}

fn text(lines: &[JournalLine]) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).expect("a line of the journal is JSON, and memory takes it");
        text.push(b'\n');
    }
    text.into()
}
