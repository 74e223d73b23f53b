//! `retry`: the next round of an execution, for what failed or for a task and all after it.

use clap::Args;
use gateway::view::{Done, ExecutionView, Retry as Body};
use model::{ExecutionId, TaskId};

use super::verbs::{key_for, post};
use crate::api::Api;
use crate::args::{Change, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place;
use crate::resolve::{execution_path, task_path};
use crate::words::counted;

/// Opens the next round of an execution: passed tasks keep their results, attempt numbers go on.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  reprise retry nightly-web-118 --failed\n  reprise retry nightly-web-118 --from seed_db"
)]
pub struct Retry {
    /// The execution
    #[arg(value_parser = place::execution, value_name = "EXECUTION")]
    execution: ExecutionId,
    #[command(flatten)]
    scope: Scope,
    /// Start afresh instead of from checkpoints
    #[arg(long)]
    drop_checkpoints: bool,
    #[command(flatten)]
    change: Change,
}

/// What is tried again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Scope {
    /// What failed or was cancelled, and all that was skipped because of it
    #[arg(long)]
    failed: bool,
    /// This task and all after it
    #[arg(long, value_name = "TASK")]
    from: Option<TaskId>,
}

impl Retry {
    /// Asks for it.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        // Read before it is asked: the counts of after it are those from before its tasks are reset.
        let target: ExecutionView = api.read(&execution_path(&self.execution), &[]).await?;
        if self.change.dry_run {
            if let Some(task) = &self.scope.from {
                api.get(&task_path(&self.execution, task), &[]).await?;
            }
            let words = would(&target, self.scope.from.as_ref());
            super::would(output, "retry", ("execution", &self.execution), &words);
            return Ok(Exit::Done);
        }
        let key = key_for(&self.change, None)?;
        let what = again(&target, self.scope.from.as_ref());
        let body = Body { reason: self.change.reason, from: self.scope.from, drop_checkpoints: self.drop_checkpoints };
        let done = post(&api, &format!("{}/retry", execution_path(&self.execution)), &body, &key).await?;
        super::show(output, &done, |done| did(&target, &what, done));
        Ok(Exit::Done)
    }
}

fn did(target: &ExecutionView, what: &str, done: &Done) -> String {
    let execution = &target.execution;
    // A request that is sent again under its key finds the round open: what it counted then is not known here.
    let stands = done.execution.as_ref().map(|now| match now.round > target.round {
        true => format!(": round {}, {what} again", now.round),
        false => format!(": round {}", now.round),
    });
    format!("{execution} goes on{}; follow it: reprise status {execution} --follow\n", stands.unwrap_or_default())
}

/// What is tried again.
fn again(target: &ExecutionView, from: Option<&TaskId>) -> String {
    match from {
        Some(task) => format!("{task} and all after it"),
        None => {
            let failed = target.tasks.failed + target.tasks.cancelled;
            format!(
                "{} that failed or were cancelled, with what they kept from running,",
                counted(failed.into(), "task")
            )
        }
    }
}

fn would(target: &ExecutionView, from: Option<&TaskId>) -> String {
    let ExecutionView { execution, round, .. } = target;
    let what = again(target, from);
    let round = if target.ended.is_some() { round + 1 } else { *round };
    format!("would open round {round} of {execution}: {what} would run again; nothing was asked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn a_dry_run_names_the_round_and_what_would_run_again() {
        let target = examples::ended_execution();
        insta::assert_snapshot!(would(&target, None), @"would open round 2 of nightly-web-118: 1 task that failed or were cancelled, with what they kept from running, would run again; nothing was asked");
        let now = ExecutionView { round: 2, ended: None, tasks: Default::default(), ..target.clone() };
        let done = Done { execution: Some(now), position: 9 };
        insta::assert_snapshot!(did(&target, &again(&target, None), &done), @"nightly-web-118 goes on: round 2, 1 task that failed or were cancelled, with what they kept from running, again; follow it: reprise status nightly-web-118 --follow");
        let task = TaskId::new("seed_db").unwrap();
        insta::assert_snapshot!(would(&target, Some(&task)), @"would open round 2 of nightly-web-118: seed_db and all after it would run again; nothing was asked");
    }
}
