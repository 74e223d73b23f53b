//! `status`: the pool at a glance, or one execution: as it is, as it goes on, or when it has ended.

use clap::Args;
use gateway::view::{ExecutionView, PoolView, TablesView, TaskItem};
use model::{ExecutionId, Millis};
use tokio::time::{Duration, Instant, sleep};

mod text;

use super::verbs;
use crate::api::{Api, fresh_key};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Impatience, Live, Patience, exit_of, follow, summed_up};
use crate::paint::Paint;
use crate::place;
use crate::resolve::{execution_path, executions};
use crate::screen;
use crate::words::whole;

/// For how long it is tried to cancel an execution that shall not go on without us, and how long after a failure again.
const CANCEL: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(500);
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
#[derive(Debug)]
pub struct Watch {
    /// The journal position from which on its events are told.
    pub from: u64,
    /// For how long.
    pub patience: Patience,
    /// An interruption cancels it.
    pub cancel_on_exit: bool,
    /// The interruption has come before there was anything to watch.
    pub interrupted: bool,
}

impl Status {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        let Some(execution) = &self.execution else { return all(&api, output).await };
        let path = execution_path(execution);
        if !self.follow && self.wait.is_none() {
            let view: ExecutionView = api.read(&path, &[]).await?;
            return one(&api, &view, output).await.map(|()| Exit::Done);
        }
        let mut patience = Patience::new(self.wait)?;
        let view: ExecutionView = match patience.with(api.read(&path, &[])).await {
            Ok(view) => view?,
            // Whether it goes on nobody has said.
            Err(Impatience::TimeOut) => return Err(unheard(self.wait.unwrap_or_default())),
            Err(impatience) => return Ok(left(execution, impatience)),
        };
        if view.ended.is_some() {
            // Its outcome is known, whatever becomes of the rest.
            if let Ok(Err(failure)) = patience.with(one(&api, &view, output)).await {
                screen::warn(&tasks_unknown(&failure));
            }
            return Ok(exit_of(&view));
        }
        let live = match (self.follow, output) {
            (true, Output::Text) => Live::new(),
            (true, Output::Json) => Live::objects(),
            (false, _) => Live::silent(),
        };
        let how = Watch { from: view.position, patience, cancel_on_exit: false, interrupted: false };
        watch(&api, execution, live, output, how).await
    }
}

async fn all(api: &Api, output: Output) -> Result<Exit, Failure> {
    let pool: PoolView = api.read("/v1/pool", &[]).await?;
    let newest = executions(api).await?;
    let tables: Option<TablesView> = match api.read("/v1/tables", &[]).await {
        Ok(view) => Some(view),
        // It writes none.
        Err(failure) if failure.exit == Exit::NotFound => None,
        Err(failure) => return Err(failure),
    };
    match output {
        Output::Json => {
            let position = pool.position;
            screen::json(&serde_json::json!({ "pool": pool, "items": newest, "tables": tables, "position": position }));
        }
        Output::Text => {
            screen::show(&text::pool(&pool));
            screen::show(&text::tables(tables.as_ref()));
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
    mut how: Watch,
) -> Result<Exit, Failure> {
    let mut ended = match how.interrupted {
        true => Err(Impatience::Interrupted),
        false => how.patience.with(follow(api, execution, how.from, &mut live)).await,
    };
    if let (Err(Impatience::Interrupted), true) = (&ended, how.cancel_on_exit) {
        ended = match how.patience.with(cancel(api, execution)).await {
            Ok(cancelled) => {
                cancelled?;
                live.note(&format!("{execution} is being cancelled; once more leaves it to end by itself"));
                how.patience.with(follow(api, execution, how.from, &mut live)).await
            }
            Err(impatience) => Err(impatience),
        };
    }
    live.finish();
    match ended {
        Ok(view) => {
            let view = view?;
            match output {
                Output::Json => screen::json(&view),
                Output::Text => screen::show(&summary(api, &view, &mut how.patience).await),
            }
            Ok(exit_of(&view))
        }
        Err(impatience) => Ok(left(execution, impatience)),
    }
}

/// Cancels it, with one key, until that is answered.
async fn cancel(api: &Api, execution: &ExecutionId) -> Result<(), Failure> {
    let (key, since) = (fresh_key()?, Instant::now());
    loop {
        let failure = match verbs::ask(api, execution, "cancel", false, ("interrupted", &key)).await {
            Ok(_) => return Ok(()),
            // It has ended meanwhile; how, is what following it tells.
            Err(failure) if failure.exit == Exit::NotNow => return Ok(()),
            Err(failure) => failure,
        };
        if failure.exit != Exit::NoEngine || since.elapsed() > CANCEL {
            let message = format!("{failure}\n{execution} goes on; `reprise cancel {execution}` ends it");
            return Err(Failure::new(failure.exit, message));
        }
        sleep(AGAIN).await;
    }
}

/// The summary; where the engine is gone that knows the tasks, or nobody waits for it, what is known already.
async fn summary(api: &Api, view: &ExecutionView, patience: &mut Patience) -> String {
    match patience.with(summed_up(api, view, Paint::stdout())).await {
        Ok(Ok(summary)) => return summary,
        Ok(Err(failure)) => screen::warn(&tasks_unknown(&failure)),
        Err(_) => {}
    }
    text::table(std::slice::from_ref(view))
}

fn tasks_unknown(failure: &Failure) -> String {
    format!("{} what became of single tasks is not known here: {failure}", Paint::stderr().yellow("warning:"))
}

fn unheard(wait: Millis) -> Failure {
    let wait = whole(wait);
    Failure::new(
        Exit::NoEngine,
        format!("the engine did not answer within {wait}: ask again, or look at its own words"),
    )
}

/// Says how to come back to an execution that goes on.
fn left(execution: &ExecutionId, impatience: Impatience) -> Exit {
    match impatience {
        Impatience::TimeOut => {
            screen::warn(&format!("{execution} has not ended yet; wait on: reprise status {execution} --wait 1h"));
            Exit::WaitedOut
        }
        Impatience::Interrupted => {
            screen::warn(&format!(
                "\ndetached: {execution} goes on; back to it: reprise status {execution} --follow, end it: reprise \
                 cancel {execution}"
            ));
            Exit::Detached
        }
    }
}
