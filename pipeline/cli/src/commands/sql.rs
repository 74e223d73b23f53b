//! `sql`: questions over the journal's tables, in this process; the engine only says where the files are, and hands out the
//! rows that have not landed in them.

use std::io::{IsTerminal, Read};
use std::ops::ControlFlow;
use std::time::Duration;

use ::sql::mistake::Whose;
use ::sql::split::{Piece, split};
use ::sql::{Bounds, Mistake, Options, Session, Sources};
use clap::Args;
use flow::{Diagnostic, Severity};
use model::Timestamp;
use tokio::runtime::Handle;

mod command;
mod memory;
mod moment;
pub mod print;
mod prompt;
pub mod sources;

use command::Command;
use print::Unprinted;

use crate::api::Api;
use crate::args::{Form, Globals};
use crate::exit::Exit;
use crate::failure::Failure;

/// Most bytes of statements that are read from standard input.
const MAX_STATEMENTS: u64 = 1 << 20;

/// Asks the journal's tables; without QUERY at a prompt.
///
/// Decisions can be asked for within a second. `\d` lists tables and views, `\d attempts` the columns of one, on a line of
/// its own at the prompt or through a pipe, and as QUERY. Statements only read.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  reprise sql \"SELECT execution_id, state, took_ms FROM executions ORDER BY started_at \
                        DESC LIMIT 7\"\n  reprise sql \"SELECT * FROM why('nightly-web-118/build')\"\n  reprise sql \
                        --output csv \"SELECT * FROM failures WHERE ts > ago('7d')\" > failures.csv\n  reprise sql \
                        --as-of 2026-03-14T02:20:00Z \"SELECT * FROM executions\"\n  reprise sql\n\nTimes without a zone are UTC; those \
                        of another one, as in ts AT TIME ZONE 'America/New_York', are shown with their distance from \
                        UTC. to_char takes the patterns of strftime: '%Y-%m-%d %H:%M'."
)]
pub struct Sql {
    /// A statement; `-` reads statements from standard input
    query: Option<String>,
    /// As of an earlier moment: only what was known by then, and now() is then
    #[arg(long, value_name = "TIME", value_parser = moment::earlier)]
    as_of: Option<Timestamp>,
    /// Ask tables at this folder or address, without an engine: only what has landed
    #[arg(long, value_name = "ADDRESS")]
    tables: Option<String>,
    /// The longest that a statement may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = flow::time::parse_duration)]
    timeout: model::Millis,
    /// Memory for sorting, grouping and joining, beyond which these go on on the disk where they can. A process that holds
    /// 512MiB more than this, for whatever it is, ends with what it was asked
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = memory)]
    memory: usize,
}

impl Sql {
    /// Asks and prints.
    pub fn run(self, globals: &Globals) -> Result<Exit, Failure> {
        memory::watch(self.memory, self.is_prompt());
        let no = |error| Failure::new(Exit::Machine, format!("no event loop: {error}"));
        let mut workers = tokio::runtime::Builder::new_multi_thread();
        let workers = workers.enable_all().thread_stack_size(::sql::statement::STACK_BYTES).build().map_err(no)?;
        let waits = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no)?;
        let ended = waits.block_on(self.answered(globals, workers.handle().clone()));
        // A statement that was given up may still be at work.
        workers.shutdown_background();
        ended
    }

    /// Whether a person types statements one after another.
    fn is_prompt(&self) -> bool {
        self.query.is_none() && std::io::stdin().is_terminal()
    }

    async fn answered(self, globals: &Globals, workers: Handle) -> Result<Exit, Failure> {
        let form = globals.output;
        if form == Form::Parquet && std::io::stdout().is_terminal() {
            let hint = "it is for programs: write it into a file, as in `> rows.parquet`";
            return Err(Failure::new(Exit::Usage, format!("parquet is not shown on a terminal; {hint}")));
        }
        let whole = self.query.as_deref().filter(|query| *query != "-").map(Piece::whole);
        // What there is to ask is known without an engine.
        if let Some(line) = whole.as_ref().filter(|piece| piece.is_command) {
            return done(line, Of { text: &line.text, line: 1, column: 1 }, form).map(|_| Exit::Done);
        }
        let time = Duration::from_millis(self.timeout.0);
        let late = |_| {
            let hint = "give it longer with --timeout, or ask the tables without it with --tables";
            let seconds = time.as_secs_f64();
            Failure::new(
                Exit::NoEngine,
                format!("the engine did not say within {seconds} s where the tables are; {hint}"),
            )
        };
        let sources = tokio::time::timeout(time, self.sources(globals)).await.map_err(late)??;
        let bounds = Bounds { memory_bytes: self.memory, time, ..Bounds::default() };
        let session = Session::new(Options { sources, bounds, pool: globals.pool.clone(), as_of: self.as_of, workers })
            .map_err(|mistake| failure(&mistake, None))?;
        let asks = Asks { session, form };
        match &whole {
            Some(statement) => asks.one(&statement.text, statement).await,
            None if self.is_prompt() => return prompt::prompt(asks).await,
            None => asks.all(&from_stdin()?).await,
        }
        .map(|_goes_on| Exit::Done)
    }

    /// Where the tables are: as the engine says, or as was typed.
    async fn sources(&self, globals: &Globals) -> Result<Sources, Failure> {
        if let Some(address) = &self.tables {
            return sources::of_tables(address).await;
        }
        sources::of_engine(Api::from_env(&globals.pool)?).await
    }
}

/// Asks, and prints answers in one form.
struct Asks {
    session: Session,
    form: Form,
}

impl Asks {
    /// Asks the statements of a text and does its commands one after another, up to the first that fails: whether there is
    /// to be another text.
    async fn all(&self, text: &str) -> Result<ControlFlow<()>, Failure> {
        for piece in split(text).pieces {
            if self.one(text, &piece).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Asks one statement, or does one command. Ctrl-C gives a statement up.
    async fn one(&self, text: &str, piece: &Piece) -> Result<ControlFlow<()>, Failure> {
        let of = Of { text, line: piece.line, column: piece.column };
        if piece.is_command {
            return done(piece, of, self.form);
        }
        let asked = async {
            let mut answer = self.session.run(&piece.text).await.map_err(Unprinted::Mistake)?;
            print::answer(&mut answer, self.form).await
        };
        tokio::select! {
            printed = asked => printed.map(ControlFlow::Continue).map_err(|error| error.told(of)),
            _ = tokio::signal::ctrl_c() => {
                Err(Failure::new(Exit::Detached, "the statement was given up".to_owned()))
            }
        }
    }
}

/// Does a command: whether there is to be more.
fn done(line: &Piece, of: Of<'_>, form: Form) -> Result<ControlFlow<()>, Failure> {
    let command = command::read(&line.text).map_err(|mistake| failure(&mistake, Some(of)))?;
    if form != Form::Text && command != Command::Leave {
        let hint = "SHOW TABLES and DESCRIBE NAME answer in any form";
        return Err(Failure::new(Exit::Usage, format!("`{}` answers as text alone; {hint}", line.text.trim())));
    }
    command.run()
}

/// What a mistake is about: a statement, and where in the text that was typed it begins.
#[derive(Clone, Copy)]
pub struct Of<'a> {
    text: &'a str,
    line: u32,
    column: u32,
}

/// A mistake as other mistakes in files are shown: with its line, and what it is about underlined.
fn failure(mistake: &Mistake, of: Option<Of<'_>>) -> Failure {
    let exit = match mistake.whose {
        Whose::Statement => Exit::Refused,
        Whose::Bounds => Exit::NotNow,
        Whose::Store => Exit::Machine,
        Whose::Engine => Exit::NoEngine,
        Whose::Us => Exit::Bug,
    };
    let Some((of, (line, column, width))) = of.zip(mistake.place) else {
        let hint = if mistake.hint.is_empty() { String::new() } else { format!("; {}", mistake.hint) };
        return Failure::new(exit, format!("{}{hint}", mistake.message));
    };
    let shown = Diagnostic {
        severity: Severity::Error,
        line: of.line + line - 1,
        column: if line == 1 { of.column + column - 1 } else { column },
        width,
        message: mistake.message.clone(),
        hint: mistake.hint.clone(),
    };
    let printed = flow::render(&[shown], "sql", of.text);
    let lines: Vec<&str> = printed.lines().filter(|line| !line.contains("nothing submitted")).collect();
    Failure::new(exit, format!("the statement has no answer\n{}", lines.join("\n")))
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_STATEMENTS + 1).read_to_string(&mut text);
    match read {
        Ok(bytes) if bytes as u64 > MAX_STATEMENTS => {
            let what =
                format!("standard input has more than {MAX_STATEMENTS} bytes, and none of its statements was asked");
            Err(Failure::new(Exit::Refused, format!("{what}: ask a part of them at a time")))
        }
        // Editors put a mark before the first letter.
        Ok(_) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
        Err(error) => Err(Failure::new(Exit::Refused, format!("standard input cannot be read: {error}"))),
    }
}

fn memory(text: &str) -> Result<usize, String> {
    let mib = flow::size::parse_size(text).map_err(|error| error.to_string())?;
    let mib = usize::try_from(mib).ok().filter(|mib| (16..1 << 30).contains(mib));
    mib.map(|mib| mib << 20).ok_or_else(|| "at least 16MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_bug_ends_with_its_own_code_and_asks_for_a_report() {
        let failure = failure(&Mistake::of_us("the columns differ"), None);
        assert_eq!(failure.exit, Exit::Bug);
        assert_eq!(failure.message, "our own bug: the columns differ; please report it, with the statement");
    }
}
