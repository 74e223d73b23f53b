//! What attempts print: nodes send it by lease, people read it by name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use model::LeaseId;
use tokio::time::Instant;

use super::executions::find;
use crate::app::{App, read_up, whole};
use crate::failure::Failure;
use crate::output::{NotKept, Output, Place};
use crate::params::{Names, Params, task};
use crate::stream::{Pieces, a_moment, text};

/// Most bytes of one chunk that a node sends.
const MAX_CHUNK: usize = 512 * 1024;
/// Bytes that are read at once.
const READ: usize = 64 * 1024;
/// How long after an attempt's end its last output may come.
const LATE: Duration = Duration::from_secs(2);

/// A chunk of a lease's output: `?offset=`.
pub async fn keep(
    State(app): State<App>,
    Names(lease): Names<String>,
    params: Params,
    body: Body,
) -> Result<StatusCode, Failure> {
    params.only(&["offset"])?;
    let lease: LeaseId = lease.parse().map_err(|error: model::lease::NotALease| Failure::bad(error.to_string()))?;
    let offset = params.get("offset")?.ok_or_else(|| Failure::bad("`offset` is missing: where does it belong?"))?;
    let unknown = || Failure::not_found(format!("lease {lease} is none of this journal, or its execution is gone"));
    read_up(app.engine.health_in(lease.partition).ok_or_else(unknown)?)?;
    let chunk = whole(body, "a chunk of output", MAX_CHUNK).await?;
    let place = app.leases.place_of(&app.engine, lease).await?.ok_or_else(unknown)?;
    let output = Arc::clone(&app.output);
    let kept = tokio::task::spawn_blocking(move || output.put(&place, offset, &chunk).map_err(failure));
    kept.await.map_err(|error| Failure::ours(format!("output could not be kept: {error}")))??;
    Ok(StatusCode::NO_CONTENT)
}

fn failure(of: NotKept) -> Failure {
    match of {
        NotKept::TooLong(most) => {
            Failure::too_large("the output of an attempt", usize::try_from(most).unwrap_or(usize::MAX))
        }
        NotKept::Failed(error)
            if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) =>
        {
            Failure::full(format!("output cannot be kept: {error}"))
        }
        NotKept::Failed(error) => Failure::ours(format!("output cannot be kept: {error}")),
    }
}

/// The output of `TASK@ATTEMPT`, or of a task's last attempt: `?offset=`, `?follow` until it has ended.
pub async fn show(
    State(app): State<App>,
    Names((execution, attempt)): Names<(String, String)>,
    params: Params,
) -> Result<Response, Failure> {
    params.only(&["offset", "follow"])?;
    let offset = params.get("offset")?.unwrap_or(0);
    let (name, number) = match attempt.rsplit_once('@') {
        None => (task(&attempt)?, None),
        Some((name, number)) => {
            let read = number.parse::<u32>().map_err(|_| Failure::bad(format!("`{number:.64}` is no attempt")))?;
            (task(name)?, Some(read))
        }
    };
    let place = app.look(&params, |look| {
        let of = find(&look, &execution)?;
        let index = of.names.get(&name).ok_or_else(|| Failure::not_found(format!("{} has no task `{name}`", of.id)))?;
        let task = &of.tasks[*index as usize];
        let attempt = number.unwrap_or(task.attempts);
        if attempt == 0 || task.attempts < attempt {
            return Err(Failure::not_found(format!("{}/{name} has had {} attempts", of.id, task.attempts)));
        }
        let tried = task.story.iter().flat_map(|story| &story.tried).find(|tried| tried.attempt == attempt);
        let (pool, execution, task) = (look.id.clone(), of.id.clone(), name.clone());
        Ok(Place { pool, execution, task, attempt, lease: tried.map(|tried| tried.lease) })
    });
    let place = place.await?;
    let follow = params.is_on("follow");
    let stopping = app.stopping.clone();
    let reading = Reading { app, place, offset, follow, path: None, ended: None };
    Ok(text(reading, stopping))
}

struct Reading {
    app: App,
    place: Place,
    offset: u64,
    follow: bool,
    path: Option<PathBuf>,
    ended: Option<Instant>,
}

impl Pieces for Reading {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let piece = self.piece().await;
            if !piece.is_empty() {
                self.offset += piece.len() as u64;
                self.ended = None;
                return Some(piece.into());
            }
            if !self.follow || self.is_over() {
                return None;
            }
            a_moment().await;
        }
    }
}

impl Reading {
    async fn piece(&mut self) -> Vec<u8> {
        let (output, place, offset) = (Arc::clone(&self.app.output), self.place.clone(), self.offset);
        let known = self.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            let path = known.or_else(|| output.find(&place))?;
            let bytes = Output::read(&path, offset, READ).ok()?;
            Some((path, bytes))
        });
        let Some((path, bytes)) = read.await.ok().flatten() else { return Vec::new() };
        self.path = Some(path);
        bytes
    }

    /// Whether the attempt has ended, and its last output had time to come.
    fn is_over(&mut self) -> bool {
        let Place { pool, execution, task, attempt, lease: _ } = &self.place;
        let runs = self.app.engine.read(pool, |replica| {
            let of = replica.state.pools.get(pool)?.execution_named(execution)?;
            let task = of.tasks.get(*of.names.get(task)? as usize)?;
            Some(task.attempts == *attempt && task.attempt().is_some())
        });
        if runs == Some(true) {
            self.ended = None;
            return false;
        }
        let ended = *self.ended.get_or_insert_with(Instant::now);
        LATE <= ended.elapsed()
    }
}
