//! Following an execution: lines as things happen, a bar where there is a terminal, the end.
//!
//! The journal tells all, so a follower reads it from a position on ([`stream`]) and makes lines of it ([`tale`]); how
//! many tasks stand where is asked for each second. The engine may go away meanwhile and come back: the execution goes
//! on without it, and so do we, from the last position that was read.

use std::time::Duration;

use gateway::view::{ExecutionView, JournalLine, NodeView, TaskItem, TaskWord};
use model::ExecutionId;
use operators::state::Standing;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

mod patience;

pub mod stream;
mod tale;

pub mod bar;
mod live;

mod summary;

use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::resolve::execution_path;

pub use live::Live;
pub use patience::{Impatience, Patience};
use stream::Heard;
pub use summary::summed_up;
use tale::Tale;

/// How often counts are asked for.
const EACH: Duration = Duration::from_secs(1);
/// How long the lines of an ended execution may take to come.
const LATE_LINES: Duration = Duration::from_secs(2);
/// Most running tasks that are looked at for the longest ones.
const LOOKED_AT: &str = "200";

/// Follows an execution from a journal position on, to the end of its round: how it stands then.
pub async fn follow(
    api: &Api,
    execution: &ExecutionId,
    from: u64,
    live: &mut Live,
) -> Result<Box<ExecutionView>, Failure> {
    let mut tale = Tale::new();
    match running(api, execution).await {
        Ok(running) => tale.know(&running),
        Err(failure) if failure.exit == Exit::NoEngine => {}
        Err(failure) => return Err(failure),
    }
    let filter = [("execution", execution.to_string())];
    let mut heard = stream::open(Api::at(api.endpoint().clone(), &api.pool), filter.into(), from);
    let mut tick = interval(EACH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut away = false;
    let mut ended: Option<(Box<ExecutionView>, Instant)> = None;
    loop {
        tokio::select! {
            next = heard.recv() => match next {
                Some(Heard::Line(line)) => {
                    // What a newer engine journals and we cannot read is no reason to miss the outcome.
                    let Ok(line) = JournalLine::deserialize(&line) else { continue };
                    let is_end = tale.is_end(&line);
                    live.lines(tale.take(&line));
                    if let (true, Some((view, _))) = (is_end, &ended) {
                        return Ok(view.clone());
                    }
                }
                Some(Heard::Gone(failure)) => {
                    away = true;
                    live.note(&format!("{}; {execution} goes on, and so does this as soon as the engine is back", stream::why(&failure)));
                }
                Some(Heard::Open) => {
                    if std::mem::take(&mut away) {
                        live.note("the engine is back");
                    }
                }
                None => return Err(Failure::new(Exit::Bug, "the journal is not read any more")),
            },
            _ = tick.tick() => {
                live.lines(tale.pause());
                match look(api, execution, live).await {
                    Ok(view) if view.ended.is_some() => {
                        let since = ended.as_ref().map_or_else(Instant::now, |(_, since)| *since);
                        if tale.has_ended() || since.elapsed() > LATE_LINES {
                            return Ok(Box::new(view));
                        }
                        ended = Some((Box::new(view), since));
                    }
                    Ok(_) => ended = None,
                    Err(failure) if failure.exit == Exit::NoEngine => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
}

/// What the end of an execution is for scripts.
pub fn exit_of(view: &ExecutionView) -> Exit {
    match view.state {
        Standing::Completed => Exit::Done,
        Standing::Cancelled => Exit::Cancelled,
        Standing::Failed if view.tasks.failed <= view.tasks.forgiven && view.stopped.is_none() => Exit::Parked,
        Standing::Failed => Exit::Failed,
        Standing::Pending | Standing::Running | Standing::Recovering | Standing::Paused => Exit::Done,
    }
}

/// Asks how it stands, and shows it.
pub async fn look(api: &Api, execution: &ExecutionId, live: &mut Live) -> Result<ExecutionView, Failure> {
    let view: ExecutionView = api.read(&execution_path(execution), &[]).await?;
    if live.wants_nodes() && view.ended.is_none() {
        let nodes: Vec<NodeView> = api.list("/v1/nodes", &[]).await?.read()?;
        let running = running(api, execution).await?;
        live.progress(&view, Some(bar::nodes(&nodes, &running)));
    } else {
        live.progress(&view, None);
    }
    Ok(view)
}

/// Some of the tasks that run.
async fn running(api: &Api, execution: &ExecutionId) -> Result<Vec<TaskItem>, Failure> {
    let path = format!("{}/tasks", execution_path(execution));
    let query = [("state", TaskWord::Running.word()), ("limit", LOOKED_AT)];
    let page: gateway::view::Page<TaskItem> = api.read(&path, &query).await?;
    Ok(page.items)
}

#[cfg(test)]
mod tests {
    use gateway::view::TaskCounts;

    use super::*;
    use crate::examples;

    #[test]
    fn the_end_of_an_execution_is_a_code_for_scripts() {
        let ended = |state, failed, forgiven, parked| {
            let tasks = TaskCounts { failed, forgiven, parked, ..TaskCounts::default() };
            exit_of(&ExecutionView { state, tasks, ..examples::ended_execution() })
        };
        assert_eq!(ended(Standing::Completed, 1, 1, 0), Exit::Done);
        assert_eq!(ended(Standing::Failed, 1, 0, 0), Exit::Failed);
        assert_eq!(ended(Standing::Failed, 1, 0, 2), Exit::Failed);
        assert_eq!(ended(Standing::Failed, 1, 1, 2), Exit::Parked);
        assert_eq!(ended(Standing::Cancelled, 1, 0, 0), Exit::Cancelled);
    }
}
