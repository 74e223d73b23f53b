//! The commands, one a file. Each takes its arguments, asks, and prints.

use std::fmt::Display;
use std::future::Future;

use serde_json::json;

use crate::api::Api;
use crate::args::{Cli, Command, Globals, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

pub mod agent;
pub mod up;

pub mod run;
pub mod validate;

pub mod logs;
pub mod status;
pub mod why;

pub mod parked;
pub mod retry;
pub mod verbs;

pub mod locks;
pub mod nodes;
pub mod policy;
pub mod recoveries;

pub mod journal;
pub mod sql;

pub mod demo;

pub mod checkpoint;
pub mod progress;

pub mod completions;
pub mod help;
pub mod man;
pub mod supervise;

/// Runs the command that was typed.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let globals = &cli.globals;
    // It knows more forms than the others.
    let is_sql = matches!(cli.command, Command::Sql(_));
    let output = if is_sql { Output::Text } else { globals.output()? };
    // These two print beside their work: where it cannot be written they end as well as without it.
    let is_beside = matches!(cli.command, Command::Up(_) | Command::Agent(_));
    let exit = match cli.command {
        Command::Up(command) => command.run(),
        Command::Agent(command) => command.run(globals),
        Command::Run(command) => ask(globals, |api| command.run(api, output)),
        Command::Validate(command) => command.run(output),
        Command::Status(command) => ask(globals, |api| command.run(api, output)),
        Command::Why(command) => ask(globals, |api| command.run(api, output)),
        Command::Logs(command) => ask(globals, |api| command.run(api, output)),
        Command::Pause(command) => ask(globals, |api| command.run(api, output)),
        Command::Resume(command) => ask(globals, |api| command.run(api, output)),
        Command::Cancel(command) => ask(globals, |api| command.run(api, output)),
        Command::Retry(command) => ask(globals, |api| command.run(api, output)),
        Command::Parked(command) => ask(globals, |api| command.run(api, output)),
        Command::Nodes(command) => ask(globals, |api| command.run(api, output)),
        Command::Locks(command) => ask(globals, |api| command.run(api, output)),
        Command::Recoveries(command) => ask(globals, |api| command.run(api, output)),
        Command::Policy(command) => ask(globals, |api| command.run(api, output)),
        Command::Journal(command) => ask(globals, |api| command.run(api, output)),
        Command::Sql(command) => command.run(globals),
        Command::Demo(command) => command.run(output),
        Command::Progress(command) => command.run(),
        Command::Checkpoint(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Help(command) => command.run(),
        Command::Supervise(command) => command.run(),
    }?;
    Ok(if is_beside { exit } else { screen::ended(exit) })
}

/// Runs what asks the engine.
fn ask<F>(globals: &Globals, command: impl FnOnce(Api) -> F) -> Result<Exit, Failure>
where
    F: Future<Output = Result<Exit, Failure>>,
{
    let api = Api::from_env(&globals.pool)?;
    alone()?.block_on(command(api))
}

/// A runtime of this one thread.
pub fn alone() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Machine, format!("this machine gives no event loop: {error}")))
}

/// Says what a command would do that was told not to: words for people, and for programs what it is about beside them.
fn would(output: Output, verb: &str, (kind, name): (&str, &dyn Display), words: &str) {
    match output {
        Output::Json => {
            screen::json(&json!({ "dry_run": true, "would": verb, kind: name.to_string(), "detail": words }));
        }
        Output::Text => screen::line(words),
    }
}

/// Prints an answer: as it came for programs, rendered for people.
fn show<T: serde::Serialize>(output: Output, answer: &T, text: impl FnOnce(&T) -> String) {
    match output {
        Output::Json => screen::json(answer),
        Output::Text => screen::show(&text(answer)),
    }
}
