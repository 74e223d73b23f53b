//! `status`: the pool at a glance, or one execution: as it is, as it goes on, or when it has ended.

use clap::Args;
use gateway::view::{ExecutionView, PoolView, TaskItem};
use model::{ExecutionId, Millis};
use tokio::time::{Duration, Instant};

mod text;

use super::verbs;
use crate::api::{Api, fresh_key};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Live, Stopped, exit_of, follow, summed_up};
use crate::paint::Paint;
use crate::place;
use crate::resolve::{execution_path, executions};
use crate::screen;

/// Most executions that are listed.
const LISTED: usize = 20;
/// States of tasks that are listed one by one.
const TOLD: &str = "running,failed,parked,backing_off,cancelled";
/// Most tasks that are listed.
const MOST: &str = "50";

/// Shows the pool and its newest executions, or one execution.
///
/// With --follow or --wait the exit code is the outcome: 0 when each task passed, 10 when one failed, 11 when some are
/// parked, 12 when it was cancelled, 8 when the time of --wait ran out.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise status\n  reprise status nightly-web-118 --follow\n  \
                        reprise status nightly-web-118 --wait 30m")]
pub struct Status {
    /// The execution
    #[arg(value_parser = place::execution, value_name = "EXECUTION")]
    execution: Option<ExecutionId>,
    /// Show what happens until its round has ended
    #[arg(long, short, requires = "execution")]
    follow: bool,
    /// Wait so long for its round to end
    #[arg(long, value_name = "TIME", value_parser = flow::time::parse_duration, requires = "execution")]
    wait: Option<Millis>,
}

/// How an execution is watched.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// The journal position from which on its events are told.
    pub from: u64,
    /// For how long at most.
    pub wait: Option<Millis>,
    /// An interruption cancels it.
    pub cancel_on_exit: bool,
}

impl Status {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        let Some(execution) = &self.execution else { return all(&api, output).await };
        let view: ExecutionView = api.read(&execution_path(execution), &[]).await?;
        if (self.follow || self.wait.is_some()) && view.ended.is_none() {
            let live = if self.follow && output == Output::Text { Live::new() } else { Live::silent() };
            let how = Watch { from: view.position, wait: self.wait, cancel_on_exit: false };
            return watch(&api, execution, live, output, how).await;
        }
        one(&api, &view, output).await?;
        Ok(if self.follow || self.wait.is_some() { exit_of(&view) } else { Exit::Done })
    }
}

async fn all(api: &Api, output: Output) -> Result<Exit, Failure> {
    let pool: PoolView = api.read("/v1/pool", &[]).await?;
    let newest = executions(api).await?;
    match output {
        Output::Json => screen::json(&serde_json::json!({ "pool": pool, "items": newest, "position": pool.position })),
        Output::Text => {
            screen::show(&text::pool(&pool));
            screen::show(&text::table(&newest[..newest.len().min(LISTED)]));
            if newest.len() > LISTED {
                screen::line(&format!("and {} more", newest.len() - LISTED));
            }
        }
    }
    Ok(Exit::Done)
}

async fn one(api: &Api, view: &ExecutionView, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        screen::json(view);
        return Ok(());
    }
    let path = format!("{}/tasks", execution_path(&view.execution));
    let page: gateway::view::Page<TaskItem> = api.read(&path, &[("state", TOLD), ("limit", MOST)]).await?;
    screen::show(&text::table(std::slice::from_ref(view)));
    screen::show(&text::tasks(&page.items, page.next.is_some()));
    Ok(())
}

/// Watches an execution to the end of its round, sums it up; the exit code is its outcome.
pub async fn watch(
    api: &Api,
    execution: &ExecutionId,
    mut live: Live,
    output: Output,
    how: Watch,
) -> Result<Exit, Failure> {
    let deadline = how.wait.map(|wait| Instant::now() + Duration::from_millis(wait.0));
    let mut stopped = follow(api, execution, how.from, &mut live, deadline).await;
    if let (Ok(Stopped::Interrupted), true) = (&stopped, how.cancel_on_exit) {
        verbs::ask(api, execution, "cancel", false, ("interrupted", &fresh_key()?)).await?;
        live.note(&format!("{execution} is being cancelled; once more leaves it to end by itself"));
        stopped = follow(api, execution, how.from, &mut live, deadline).await;
    }
    live.finish();
    match stopped? {
        Stopped::Ended(view) => {
            match output {
                Output::Json => screen::json(&view),
                Output::Text => screen::show(&summed_up(api, &view, Paint::stdout()).await?),
            }
            Ok(exit_of(&view))
        }
        Stopped::TimeOut => {
            eprintln!("{execution} has not ended yet; wait on: reprise status {execution} --wait 1h");
            Ok(Exit::WaitedOut)
        }
        Stopped::Interrupted => {
            eprintln!(
                "\ndetached: {execution} goes on; back to it: reprise status {execution} --follow, end it: reprise cancel {execution}"
            );
            Ok(Exit::Detached)
        }
    }
}
