//! `run`: submits a flow, follows it, sums it up; the exit code is its outcome.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use flow::{Checked, Format};
use gateway::view::{ExecutionView, PoolView, Submitted};
use model::{Key, Priority};

use super::{status, validate, verbs};
use crate::api::Api;
use crate::args::{Change, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Live, Patience};
use crate::paint::Paint;
use crate::screen;
use crate::words::counted;

/// Submits a flow and follows it to its end.
///
/// The exit code is 0 when each task passed, 10 when one failed, 11 when some are parked, 12 when it was cancelled.
/// Ctrl-C detaches: the execution goes on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise run nightly.yaml\n  reprise run nightly.yaml --priority high --detach")]
pub struct Run {
    /// The flow, YAML or JSON; `-` is standard input
    #[arg(value_name = "FLOW")]
    flow: PathBuf,
    /// The level of all its tasks: lowest, very-low, low, medium, high, very-high, highest
    #[arg(long, value_name = "L", value_parser = level)]
    priority: Option<Priority>,
    /// Do not follow it
    #[arg(long, conflicts_with = "cancel_on_exit")]
    detach: bool,
    /// Ctrl-C and SIGTERM cancel it, as CI wants
    #[arg(long)]
    cancel_on_exit: bool,
    #[command(flatten)]
    change: Change,
}

impl Run {
    /// Submits and follows.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        let (name, text) = validate::read(&self.flow)?;
        let checked = match flow::parse(&name, &text, validate::format_of(&name)) {
            Ok(checked) => checked,
            Err(mistakes) => {
                screen::warn(validate::print(&mistakes, &name, &text).trim_end());
                return Ok(Exit::Refused);
            }
        };
        if !checked.warnings.is_empty() {
            screen::warn(validate::print(&checked.warnings, &name, &text).trim_end());
        }
        if self.change.dry_run {
            return would(&api, output, &name, &checked).await;
        }
        // Before anything is submitted, so that no signal finds us half way.
        let mut patience = Patience::new(None)?;
        let key = verbs::key_for(&self.change, None)?;
        let mut submitting = std::pin::pin!(self.submit(&api, &name, text, &key));
        let mut interrupted = false;
        let (from, submitted) = loop {
            match patience.with(&mut submitting).await {
                Ok(submitted) => break submitted?,
                // What shall be cancelled must be known first.
                Err(_) if self.cancel_on_exit && !interrupted => interrupted = true,
                Err(_) => return Ok(in_doubt(&name, &key)),
            }
        };
        for warning in &submitted.warnings {
            screen::warn(&format!("{} {warning}", Paint::stderr().yellow("warning:")));
        }
        match output {
            Output::Json => screen::json(&submitted),
            Output::Text => screen::line(&greeting(&submitted.execution)),
        }
        if self.detach {
            return Ok(Exit::Done);
        }
        let live = if output == Output::Json { Live::silent() } else { Live::new() };
        let watch = status::Watch { from, patience, cancel_on_exit: self.cancel_on_exit, interrupted };
        status::watch(&api, &submitted.execution.execution, live, output, watch).await
    }

    /// Submits it; the journal position before that, and the answer.
    async fn submit(&self, api: &Api, name: &str, text: Vec<u8>, key: &Key) -> Result<(u64, Submitted), Failure> {
        // Its events come after this; asked for first, none is missed.
        let pool: PoolView = api.read("/v1/pool", &[]).await?;
        let content_type = match validate::format_of(name) {
            Format::Yaml => "application/yaml",
            Format::Json => "application/json",
        };
        let mut query = vec![("name", name)];
        query.extend(self.priority.map(|priority| ("priority", priority.word())));
        if !self.change.reason.is_empty() {
            query.push(("reason", &self.change.reason));
        }
        let answer = api.post("/v1/executions", &query, key.as_str(), (content_type, Bytes::from(text))).await?;
        let submitted = serde_json::from_slice(&answer);
        Ok((pool.position, submitted.map_err(|error| Failure::unreadable("the submission", &error))?))
    }
}

async fn would(api: &Api, output: Output, name: &str, checked: &Checked) -> Result<Exit, Failure> {
    let pool: PoolView = api.read("/v1/pool", &[]).await?;
    let tasks = counted(checked.tasks.len() as u64, "task");
    let free = pool.slots.saturating_sub(pool.used);
    let words = format!(
        "would submit {name} as {}: {tasks} to pool {}, {free} of {} slots free; nothing was asked",
        checked.head.flow, api.pool, pool.slots
    );
    super::would(output, "submit", ("flow", &checked.head.flow), &words);
    Ok(Exit::Done)
}

/// Interrupted before the answer came.
fn in_doubt(name: &str, key: &Key) -> Exit {
    screen::warn(&format!(
        "\ninterrupted before the engine had answered: {name} may have been taken in, and `reprise status` shows it \
         then; run again with `--key {key}` it is taken in once"
    ));
    Exit::Detached
}

/// `nightly-web-118: 68 tasks, pool default, policy default@3 (from elsewhere: ...)`.
fn greeting(view: &ExecutionView) -> String {
    let ExecutionView { execution, pool, .. } = view;
    let policy = view.policy.as_ref().map(|policy| format!(", policy {policy}")).unwrap_or_default();
    let tasks = counted(view.tasks.total.into(), "task");
    format!("{execution}: {tasks}, pool {pool}{policy} (from elsewhere: reprise status {execution} --follow)")
}

fn level(text: &str) -> Result<Priority, String> {
    let all = || format!("the levels are {}", Priority::ALL.map(|(_, word)| word).join(", "));
    Priority::from_word(text).ok_or_else(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn the_first_line_says_how_to_come_back() {
        insta::assert_snapshot!(greeting(&examples::execution()), @"nightly-web-118: 68 tasks, pool default, policy default@3 (from elsewhere: reprise status nightly-web-118 --follow)");
    }

    #[test]
    fn levels_are_words() {
        assert_eq!(level("very-high"), Ok(Priority::VeryHigh));
        assert!(level("urgent").unwrap_err().contains("very-high"));
    }
}
