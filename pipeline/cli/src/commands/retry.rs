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
        if self.change.dry_run {
            let target: ExecutionView = api.read(&execution_path(&self.execution), &[]).await?;
            if let Some(task) = &self.scope.from {
                api.get(&task_path(&self.execution, task), &[]).await?;
            }
            let words = would(&target, self.scope.from.as_ref());
            super::would(output, "retry", ("execution", &self.execution), &words);
            return Ok(Exit::Done);
        }
        let key = key_for(&self.change, None)?;
        let body = Body { reason: self.change.reason, from: self.scope.from, drop_checkpoints: self.drop_checkpoints };
        let done = post(&api, &format!("{}/retry", execution_path(&self.execution)), &body, &key).await?;
        super::show(output, &done, |done| did(&self.execution, done));
        Ok(Exit::Done)
    }
}

fn did(execution: &ExecutionId, done: &Done) -> String {
    let stands = done.execution.as_ref().map(|now| {
        let open = now.tasks.waiting + now.tasks.running;
        format!(": round {}, {} to do", now.round, counted(open.into(), "task"))
    });
    format!("{execution} goes on{}; follow it: reprise status {execution} --follow\n", stands.unwrap_or_default())
}

fn would(target: &ExecutionView, from: Option<&TaskId>) -> String {
    let ExecutionView { execution, tasks, round, .. } = target;
    let what = match from {
        Some(task) => format!("{task} and all after it would run again"),
        None => {
            let failed = tasks.failed + tasks.cancelled;
            format!(
                "{} that failed or were cancelled would run again, with what they kept from running",
                counted(failed.into(), "task")
            )
        }
    };
    let round = if target.ended.is_some() { round + 1 } else { *round };
    format!("would open round {round} of {execution}: {what}; nothing was asked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn a_dry_run_names_the_round_and_what_would_run_again() {
        let target = examples::ended_execution();
        insta::assert_snapshot!(would(&target, None), @"would open round 2 of nightly-web-118: 1 task that failed or were cancelled would run again, with what they kept from running; nothing was asked");
        let task = TaskId::new("seed_db").unwrap();
        insta::assert_snapshot!(would(&target, Some(&task)), @"would open round 2 of nightly-web-118: seed_db and all after it would run again; nothing was asked");
    }
}
