//! `logs`: what an attempt printed, to its end or as it comes.

use clap::Args;
use gateway::view::{AttemptView, TaskDetail};
use tokio::time::{Duration, sleep, timeout};

mod text;

use crate::api::{Api, SILENCE, encoded};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::stream::why;
use crate::paint::Paint;
use crate::place::Place;
use crate::resolve;
use crate::screen;
use text::Printed;

/// How long after a break the engine is asked again.
const AGAIN: Duration = Duration::from_millis(500);

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
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        let detail = resolve::task(&api, &self.task).await?;
        let number = chosen(&detail, self.task.attempt)?.attempt;
        let execution = detail.item.execution.clone();
        let named = Place { execution: Some(execution.clone()), task: self.task.task.clone(), attempt: Some(number) };
        let attempt = encoded(&format!("{}@{number}", named.task));
        let path = format!("/v1/output/{}/{attempt}", encoded(&execution.to_string()));
        // Which one it is belongs to people, not to what is piped on; for programs each object says it.
        if output == Output::Text {
            screen::warn(&Paint::stderr().dim(&named.to_string()));
        }
        let mut printed = Printed::new(named.to_string(), output);
        if self.follow {
            follow(&api, &path, &named, &mut printed).await?;
        } else {
            printed.take(&api.get(&path, &[]).await?);
        }
        printed.end();
        Ok(Exit::Done)
    }
}

/// Prints what comes until the attempt has ended, whatever becomes of the engine meanwhile.
async fn follow(api: &Api, path: &str, named: &Place, printed: &mut Printed) -> Result<(), Failure> {
    let mut away = false;
    while !screen::is_broken() {
        let read = read_on(api, path, printed).await;
        let stands = match read {
            Ok(()) => resolve::task(api, named).await.map(|detail| ended(&detail, named)),
            Err(failure) => Err(failure),
        };
        match stands {
            Ok(true) => return Ok(()),
            Ok(false) => away = false,
            Err(failure) if failure.exit != Exit::NoEngine => return Err(failure),
            Err(failure) => {
                if !std::mem::replace(&mut away, true) {
                    screen::warn(&format!(
                        "{}; {named} goes on, and so does this as soon as it is back",
                        why(&failure)
                    ));
                }
            }
        }
        sleep(AGAIN).await;
    }
    Ok(())
}

/// Prints what comes until the engine says that it is all, or has been silent for long: nothing tells its silence
/// from that of a task, so it is asked again.
async fn read_on(api: &Api, path: &str, printed: &mut Printed) -> Result<(), Failure> {
    let offset = printed.offset.to_string();
    let mut output = api.lines(path, &[("offset", &offset), ("follow", "true")]).await?;
    while let Ok(piece) = timeout(SILENCE, output.piece()).await {
        let Some(piece) = piece? else { return Ok(()) };
        printed.take(&piece);
        if screen::is_broken() {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the attempt has ended; one that is not known any more has.
fn ended(task: &TaskDetail, named: &Place) -> bool {
    chosen(task, named.attempt).map_or(true, |attempt| attempt.ended.is_some())
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
