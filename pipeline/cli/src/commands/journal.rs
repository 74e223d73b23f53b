//! `journal`: the record itself, an event a line.

use clap::Args;
use gateway::view::{JournalLine, Page, PoolView};
use model::{By, ExecutionId, NodeId, TaskId};
use serde::Deserialize;
use serde_json::Value;

mod said;

use crate::api::Api;
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::stream::{self, Heard};
use crate::place;
use crate::screen;
use crate::words::{one_line, time_of_day};

pub use said::said;

/// Prints events of the journal, oldest first; with --follow those from now on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise journal --execution nightly-web-118 --task browser\n  \
                        reprise journal --follow --kind node_lost")]
pub struct Journal {
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only events about this execution
    #[arg(long, value_name = "E", value_parser = place::execution)]
    execution: Option<ExecutionId>,
    /// Only events about this task
    #[arg(long, value_name = "T")]
    task: Option<TaskId>,
    /// Only events about this node, or by it
    #[arg(long, value_name = "N")]
    node: Option<NodeId>,
    /// Only events of this kind, as in `node_lost`
    #[arg(long, value_name = "K")]
    kind: Option<String>,
    /// From this position on
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
}

impl Journal {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        if self.follow {
            return self.followed(api, output).await;
        }
        let mut query = self.query();
        loop {
            let asked: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page: Page<Value> = api.read("/v1/journal", &asked).await?;
            for line in &page.items {
                print(output, line)?;
            }
            if screen::is_broken() {
                return Ok(Exit::Done);
            }
            let Some(next) = page.next else { return Ok(Exit::Done) };
            query.retain(|(name, _)| !["from", "cursor"].contains(name));
            query.push(("cursor", next));
        }
    }

    /// Follows it, whatever becomes of the engine meanwhile; only one that was never reached is a failure.
    async fn followed(&self, api: Api, output: Output) -> Result<Exit, Failure> {
        let from = match self.from {
            Some(from) => from,
            None => api.read::<PoolView>("/v1/pool", &[]).await?.position + 1,
        };
        let filter = self.query().into_iter().filter(|(name, _)| *name != "from").collect();
        let mut heard = stream::open(api, filter, from);
        let (mut was_open, mut away) = (false, false);
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Line(line) => print(output, &line)?,
                Heard::Open => {
                    if std::mem::take(&mut away) {
                        screen::warn("the engine is back");
                    }
                    was_open = true;
                }
                Heard::Gone(failure) if !was_open || failure.exit != Exit::NoEngine => return Err(failure),
                Heard::Gone(failure) => {
                    away = true;
                    screen::warn(&format!("{}; this goes on as soon as it is back", stream::why(&failure)));
                }
            }
            if screen::is_broken() {
                break;
            }
        }
        Ok(Exit::Done)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let filters = [
            ("execution", self.execution.as_ref().map(ToString::to_string)),
            ("task", self.task.as_ref().map(ToString::to_string)),
            ("node", self.node.as_ref().map(ToString::to_string)),
            ("kind", self.kind.clone()),
            ("from", self.from.map(|position| position.to_string())),
        ];
        filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn print(output: Output, line: &Value) -> Result<(), Failure> {
    match output {
        Output::Json => screen::json(line),
        Output::Text => screen::line(&text(&JournalLine::deserialize(line).map_err(unreadable)?)),
    }
    Ok(())
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::unreadable("the journal", &error)
}

/// `88121.0  02:14:07  attempt_dispatched  nightly-web-118/browser@1 n2  after 1m 34s: ...`.
fn text(line: &JournalLine) -> String {
    let JournalLine { position, index, at, kind, by, execution, task, attempt, node, event, pool: _, allow_failure: _ } =
        line;
    let mut about = execution.as_ref().map(ToString::to_string).unwrap_or_default();
    about.extend(task.iter().map(|task| format!("/{task}")));
    about.extend(attempt.iter().map(|attempt| format!("@{attempt}")));
    let node = node.as_ref().map(ToString::to_string).unwrap_or_default();
    let who = match by {
        By::Engine | By::Node { .. } => String::new(),
        By::Person { who, reason, key: _ } if reason.is_empty() => format!("by {who}"),
        By::Person { who, reason, key: _ } => format!("by {who}: {reason}"),
    };
    let words = [about, node, said(event), who].into_iter().filter(|word| !word.is_empty());
    let words = words.collect::<Vec<_>>().join("  ");
    let place = format!("{position}.{index}");
    one_line(format!("{place:<9} {}  {kind:<20} {words}", time_of_day(at.0)).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn an_event_is_a_line_that_says_what_about_whom_and_by_whom() {
        let lines: Vec<String> = examples::journal().iter().map(text).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        9.0       02:14:00  execution_started    nightly-web-118  key k1  by ada: nightly
        9.1       02:14:00  attempt_dispatched   nightly-web-118/build@1  n1  lease j5.0.4.9.1, ready for 1.5s: n1 had 2 of 2 slots free
        9.2       02:14:00  attempt_dispatched   nightly-web-118/chrome@1  n2  lease j5.0.4.9.1, ready for 1.5s: n2 had 2 of 2 slots free
        11.0      02:14:41  attempt_ended        nightly-web-118/build@1  n1  passed, exit 0, lease j5.0.4.9.1
        11.1      02:14:41  task_ended           nightly-web-118/build  passed
        12.0      02:15:38  attempt_ended        nightly-web-118/chrome@1  n2  lost, lease j5.0.4.9.1
        12.1      02:15:38  failure_classified   nightly-web-118/chrome@1  node_lost, certain: n2 silent for 30.0s
        12.2      02:15:38  retry_decided        nightly-web-118/chrome@1  retry at once, rule lost_node of default@3, 1 of 5
        12.3      02:15:38  attempt_dispatched   nightly-web-118/chrome@2  n5  lease j5.0.4.9.1, ready for 1.5s, with the checkpoint: n5 had 2 of 2 slots free
        14.0      02:16:00  attempt_ended        nightly-web-118/chrome@1  n5  failed, exit 1, lease j5.0.4.9.1
        14.1      02:16:00  failure_classified   nightly-web-118/chrome@1  test_failure, certain: exit 1
        14.2      02:16:00  retry_decided        nightly-web-118/chrome@1  fail, rule verdict of default@3, 1 of 1
        14.3      02:16:00  task_ended           nightly-web-118/chrome  failed
        14.4      02:16:00  task_skipped         nightly-web-118/gate
        15.0      02:16:01  execution_ended      nightly-web-118  round 1 failed
        ");
    }
}
