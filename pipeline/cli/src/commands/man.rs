//! `man`: the man page, made from the definitions of the arguments.

use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// Prints the man page of the whole program, or of one command.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise man | man -l -\n  reprise man run | man -l -")]
pub struct Man {
    /// A command
    command: Option<String>,
}

impl Man {
    /// Prints it.
    pub fn run(self) -> Result<Exit, Failure> {
        let mut command = Cli::command();
        command.build();
        let page = match &self.command {
            None => command,
            Some(name) => {
                let known = command.find_subcommand(name).cloned();
                known
                    .ok_or_else(|| Failure::new(Exit::NotFound, format!("no command `{name}`: see `reprise --help`")))?
            }
        };
        let mut text = Vec::new();
        let unwritten = |error| Failure::new(Exit::Bug, format!("the man page cannot be made: {error}"));
        clap_mangen::Man::new(page).render(&mut text).map_err(unwritten)?;
        screen::show(&String::from_utf8_lossy(&text));
        Ok(Exit::Done)
    }
}
