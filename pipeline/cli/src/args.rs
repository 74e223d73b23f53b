//! What may be typed. Help, completions and man pages are made from these definitions.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use model::{Key, PoolId};

use crate::commands::{
    agent, checkpoint, completions, demo, help, journal, locks, logs, man, nodes, parked, policy, progress, recoveries,
    retry, run, sql, status, supervise, up, validate, verbs, why,
};
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs flows of tests on many machines, and recovers what breaks.
#[derive(Debug, Parser)]
#[command(
    name = "reprise",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "First steps:\n  reprise demo                        a minute of faults, and how they are recovered\n  \
                  reprise up & reprise agent &        an engine and a node on this machine\n  \
                  reprise run flow.yaml               submit, follow, sum up\n\nMore: reprise help flow, reprise help \
                  policy, reprise help exit-codes, reprise help environment, reprise help http"
)]
pub struct Cli {
    /// For all commands.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What each command takes.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// The pool: nodes that share work
    #[arg(long, global = true, env = "REPRISE_POOL", default_value = "default", value_name = "P")]
    pub pool: PoolId,
    /// Text for people, or JSON as the HTTP API answers; for `sql` also CSV and Parquet
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORM")]
    pub output: Form,
}

/// The forms that any command knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For spreadsheets; of `sql` only.
    Csv,
    /// For other engines; of `sql` only.
    Parquet,
}

impl Globals {
    /// The form for a command that knows two.
    pub fn output(&self) -> Result<Output, Failure> {
        let no = |form: &str| {
            Err(Failure::new(
                Exit::Usage,
                format!("--output {form} is for `reprise sql`; this command has text and json"),
            ))
        };
        match self.output {
            Form::Text => Ok(Output::Text),
            Form::Json => Ok(Output::Json),
            Form::Csv => no("csv"),
            Form::Parquet => no("parquet"),
        }
    }
}

/// For whom the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: what the HTTP API answers.
    Json,
}

/// What a command takes that changes things.
#[derive(Debug, Clone, Args)]
pub struct Change {
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// Say what would be asked and what it would touch, and ask nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Idempotency key: the same key with the same content is done once
    #[arg(long, value_name = "K")]
    pub key: Option<Key>,
}

/// The commands, in the order of their first use.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start engine and gateway
    Up(up::Up),
    /// Start an execution node
    Agent(agent::Agent),
    /// Submit a flow, follow it, sum up
    Run(run::Run),
    /// Check a flow or policy; no engine needed
    Validate(validate::Validate),
    /// What is: the pool, or one execution
    Status(status::Status),
    /// Why a task ended as it did
    Why(why::Why),
    /// What a task printed
    Logs(logs::Logs),
    /// No new dispatches; what runs goes on
    Pause(verbs::Pause),
    /// Go on after a pause
    Resume(verbs::Resume),
    /// End an execution
    Cancel(verbs::Cancel),
    /// Try again what failed, or a task and all after it
    Retry(retry::Retry),
    /// What waits for a person: list, look, try again, give up
    Parked(parked::Parked),
    /// The fleet
    Nodes(nodes::Nodes),
    /// Who holds which lock
    Locks(locks::Locks),
    /// Reports of lost nodes and what became of their work
    Recoveries(recoveries::Recoveries),
    /// Retry policies
    Policy(policy::Policy),
    /// The record itself: every event and decision
    Journal(journal::Journal),
    /// Questions over all of it, in SQL
    Sql(sql::Sql),
    /// A minute of faults, and how they are recovered
    Demo(demo::Demo),
    /// Inside a task: say how far it is
    Progress(progress::Progress),
    /// Inside a task: what the next attempt gets
    Checkpoint(checkpoint::Checkpoint),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print the man page
    Man(man::Man),
    /// More about: flow, policy, exit-codes, environment, http, or a command
    Help(help::Help),
    /// What the agent starts for each attempt
    #[command(hide = true)]
    Supervise(supervise::Supervise),
}

/// Reads the command line of this process. A word that is no command is answered with the one that is nearest.
pub fn parse() -> Result<Cli, clap::Error> {
    read(std::env::args_os())
}

fn read(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line).map_err(|mut error| {
        if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
            && error.get(ContextKind::SuggestedSubcommand).is_none()
            && let Some(near) = nearest(word)
        {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near]));
        }
        error
    })
}

/// The command that was meant, if one is two slips away at most.
fn nearest(word: &str) -> Option<String> {
    let program = Cli::command();
    let known = program.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
    let near = known.map(|name| (strsim::osa_distance(word, name), name)).min();
    near.filter(|(slips, _)| *slips <= 2).map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_slip_of_the_finger_is_answered_with_what_was_meant() {
        for (typed, meant) in [("rnu", "run"), ("stauts", "status"), ("cancle", "cancel")] {
            let error = read(["reprise", typed]).unwrap_err().to_string();
            assert!(error.contains(&format!("'{meant}'")), "{error}");
        }
        assert!(!read(["reprise", "frobnicate"]).unwrap_err().to_string().contains("similar"));
    }

    #[test]
    fn each_command_shows_an_example() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let help = command.clone().render_help().to_string();
            assert!(help.contains(&format!("\n  reprise {name}")), "{name} has no example:\n{help}");
        }
    }
}
