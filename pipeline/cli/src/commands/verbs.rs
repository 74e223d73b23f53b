//! `pause`, `resume`, `cancel`: one verb for an execution, or for all that are open.

use bytes::Bytes;
use clap::Args;
use gateway::view::{Done, ExecutionView, Verb};
use model::{ExecutionId, Key};

use crate::api::{Api, fresh_key};
use crate::args::{Change, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place;
use crate::resolve::{execution_path, executions};
use crate::screen;
use crate::words::counted;

/// Nothing more of an execution is dispatched or retried; what runs goes on under its limits.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise pause nightly-web-118 --reason \"database is being moved\"")]
pub struct Pause {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    change: Change,
}

/// Dispatches and retries go on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise resume nightly-web-118")]
pub struct Resume {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    change: Change,
}

/// What waits ends at once; what runs gets SIGTERM, its grace, then SIGKILL.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  reprise cancel nightly-web-118 --reason \"wrong branch\"\n  reprise cancel --all --kill"
)]
pub struct Cancel {
    #[command(flatten)]
    which: Which,
    /// No grace: SIGKILL
    #[arg(long)]
    kill: bool,
    #[command(flatten)]
    change: Change,
}

/// Which executions.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The execution
    #[arg(value_parser = place::execution, value_name = "EXECUTION")]
    execution: Option<ExecutionId>,
    /// All of the pool that have not ended
    #[arg(long)]
    all: bool,
}

impl Pause {
    /// Pauses.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        each(&api, output, self.which, &self.change, ("pause", false)).await
    }
}

impl Resume {
    /// Resumes.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        each(&api, output, self.which, &self.change, ("resume", false)).await
    }
}

impl Cancel {
    /// Cancels.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        each(&api, output, self.which, &self.change, ("cancel", self.kill)).await
    }
}

async fn each(
    api: &Api,
    output: Output,
    which: Which,
    change: &Change,
    (verb, kill): (&str, bool),
) -> Result<Exit, Failure> {
    let targets: Vec<ExecutionView> = match &which.execution {
        Some(execution) => vec![api.read(&execution_path(execution), &[]).await?],
        None => executions(api).await?.into_iter().filter(|execution| execution.ended.is_none()).collect(),
    };
    if targets.is_empty() && output == Output::Text {
        screen::line(&format!("pool {}: no execution is open", api.pool));
    }
    let mut worst: Option<Failure> = None;
    for target in targets {
        let execution = &target.execution;
        if change.dry_run {
            super::would(output, verb, ("execution", execution), &would(verb, kill, &target));
            continue;
        }
        let key = key_for(change, which.all.then_some(execution))?;
        match ask(api, execution, verb, kill, (&change.reason, &key)).await {
            Ok(done) => super::show(output, &done, |done| did(verb, execution, done)),
            Err(failure) if !which.all => return Err(failure),
            // Between the list and this it has ended, or was forgotten: there is nothing left to do to it.
            Err(Failure { exit: Exit::NotNow | Exit::NotFound, message }) => {
                screen::warn(&format!("{execution} is left as it is: {message}"));
            }
            // Nor would the others be answered.
            Err(failure) if failure.exit == Exit::NoEngine => return Err(failure),
            Err(failure) => {
                screen::warn(&format!("{execution}: {failure}"));
                worst = worst.into_iter().chain([failure]).max_by_key(|failure| failure.exit.code());
            }
        }
    }
    worst.map_or(Ok(Exit::Done), Err)
}

/// Asks for a verb of an execution.
pub async fn ask(
    api: &Api,
    execution: &ExecutionId,
    verb: &str,
    kill: bool,
    (reason, key): (&str, &Key),
) -> Result<Done, Failure> {
    let path = format!("{}/{verb}", execution_path(execution));
    post(api, &path, &Verb { reason: reason.to_owned(), kill }, key).await
}

/// Posts a body and reads what was done.
pub async fn post(api: &Api, path: &str, body: &impl serde::Serialize, key: &Key) -> Result<Done, Failure> {
    let body = Bytes::from(serde_json::to_vec(body).expect("a request is made of plain data"));
    let answer = api.post(path, &[], key.as_str(), ("application/json", body)).await?;
    serde_json::from_slice(&answer).map_err(|error| Failure::unreadable(path, &error))
}

/// The key that was given, or a fresh one; of several requests each gets its own.
pub fn key_for(change: &Change, one_of_many: Option<&ExecutionId>) -> Result<Key, Failure> {
    match (&change.key, one_of_many) {
        (None, _) => fresh_key(),
        (Some(key), None) => Ok(key.clone()),
        (Some(key), Some(execution)) => Key::new(&format!("{key}:{execution}"))
            .map_err(|error| Failure::new(Exit::Usage, format!("--key is too long for --all: {error}"))),
    }
}

fn did(verb: &str, execution: &ExecutionId, done: &Done) -> String {
    let word = match verb {
        "pause" => "paused",
        "resume" => "resumed",
        _ => "is being cancelled",
    };
    let stands = done.execution.as_ref().map(stands).unwrap_or_default();
    format!("{execution} {word}{stands}\n")
}

fn stands(execution: &ExecutionView) -> String {
    let counts = &execution.tasks;
    format!(": {} running, {} waiting", counts.running, counts.waiting)
}

fn would(verb: &str, kill: bool, target: &ExecutionView) -> String {
    let ExecutionView { execution, tasks, .. } = target;
    if target.ended.is_some() {
        return format!("{execution} has ended ({}): {verb} would be refused; nothing was asked", target.state.word());
    }
    let running = counted(tasks.running.into(), "running task");
    let waiting = counted(tasks.waiting.into(), "waiting task");
    let effect = match (verb, kill) {
        ("pause", _) => format!("{waiting} would not be dispatched, {running} would go on"),
        ("resume", _) => format!("{waiting} would be dispatched as slots are free"),
        (_, false) => format!("{running} would get SIGTERM and grace, {waiting} would end"),
        (_, true) => format!("{running} would be killed, {waiting} would end"),
    };
    format!("would {verb} {execution}: {effect}; nothing was asked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn a_dry_run_says_what_would_happen() {
        let running = examples::execution();
        assert_eq!(
            would("cancel", false, &running),
            "would cancel nightly-web-118: 12 running tasks would get SIGTERM and grace, 15 waiting tasks would \
             end; nothing was asked"
        );
        let ended = ExecutionView { ended: Some(running.submitted), state: examples::FAILED, ..running };
        assert!(would("pause", false, &ended).contains("has ended (failed): pause would be refused"));
    }

    #[test]
    fn one_key_for_many_executions_becomes_one_each() {
        let change = Change { reason: String::new(), dry_run: false, key: Some(Key::new("k").unwrap()) };
        let execution: ExecutionId = "web-1".parse().unwrap();
        assert_eq!(key_for(&change, Some(&execution)).unwrap().as_str(), "k:web-1");
        assert_eq!(key_for(&change, None).unwrap().as_str(), "k");
        let fresh = Change { key: None, ..change };
        assert_ne!(key_for(&fresh, None).unwrap(), key_for(&fresh, None).unwrap());
    }
}
