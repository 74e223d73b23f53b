//! `completions`: what a shell needs to complete command lines.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// Prints completions.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise completions bash > ~/.local/share/bash-completion/completions/reprise")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self) -> Result<Exit, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "reprise", &mut text);
        screen::show(&String::from_utf8_lossy(&text));
        Ok(Exit::Done)
    }
}
