//! `logs`: what an attempt printed, to its end or as it comes.

use std::time::Duration;

use clap::Args;
use gateway::view::{AttemptView, TaskDetail};

use crate::api::{Api, encoded};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::paint::Paint;
use crate::place::Place;
use crate::resolve;
use crate::screen;

/// How often new output is asked for.
const EACH: Duration = Duration::from_millis(500);

/// How often nothing new may come after the attempt's end, until no more is waited for.
const LATE: u32 = 4;

/// Prints what a task printed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise logs browser\n  reprise logs nightly-web-118/browser@1 --follow")]
pub struct Logs {
    /// EXECUTION/TASK@N, or TASK: the last attempt in the newest execution that has it
    task: Place,
    /// Go on with what comes, until the attempt has ended
    #[arg(long, short)]
    follow: bool,
}

impl Logs {
    /// Asks and prints.
    pub async fn run(self, api: Api) -> Result<Exit, Failure> {
        let mut detail = resolve::task(&api, &self.task).await?;
        let number = chosen(&detail, self.task.attempt)?.attempt;
        let execution = detail.item.execution.clone();
        let named = Place { execution: Some(execution.clone()), task: self.task.task.clone(), attempt: Some(number) };
        // Which one it is belongs to people, not to what is piped on.
        eprintln!("{}", Paint::stderr().dim(&named.to_string()));
        let path =
            format!("/v1/output/{}/{}", encoded(&execution.to_string()), encoded(&format!("{}@{number}", named.task)));
        let mut offset = 0;
        let mut quiet = 0;
        loop {
            let new = api.get(&path, &[("offset", &offset.to_string())]).await?;
            offset += new.len();
            screen::bytes(&new);
            let over = chosen(&detail, Some(number)).map_or(true, |attempt| attempt.ended.is_some());
            quiet = if over && new.is_empty() { quiet + 1 } else { 0 };
            if !self.follow || quiet > LATE {
                return Ok(Exit::Done);
            }
            tokio::time::sleep(EACH).await;
            detail = resolve::task(&api, &named).await?;
        }
    }
}

/// The attempt that is meant; the last one without a number.
fn chosen(task: &TaskDetail, number: Option<u32>) -> Result<&AttemptView, Failure> {
    let named = format!("{}/{}", task.item.execution, task.item.task);
    match number {
        None => task.tries.last().ok_or_else(|| {
            Failure::new(Exit::NotNow, format!("{named} has not run yet: `reprise why {named}` says what it waits for"))
        }),
        Some(number) => task.tries.iter().find(|attempt| attempt.attempt == number).ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("{named} has no attempt @{number}: `reprise why {named}` lists them"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn the_last_attempt_is_meant_where_no_number_is() {
        let task = examples::resumed_task();
        assert_eq!(chosen(&task, None).unwrap().attempt, 2);
        assert_eq!(chosen(&task, Some(1)).unwrap().attempt, 1);
        assert_eq!(chosen(&task, Some(9)).unwrap_err().exit, Exit::NotFound);
        let unborn = TaskDetail { tries: Vec::new(), ..task };
        assert_eq!(chosen(&unborn, None).unwrap_err().exit, Exit::NotNow);
    }
}
