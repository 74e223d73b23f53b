//! `supervise`: what an agent starts for each attempt. Nobody types it.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;

/// Supervises one attempt.
#[derive(Debug, Args)]
pub struct Supervise {
    /// The attempt's folder
    folder: PathBuf,
}

impl Supervise {
    /// Supervises the attempt to its end.
    pub fn run(self) -> Result<Exit, Failure> {
        // The supervisor has said on its standard error what went wrong.
        let went_well = agent::supervisor::run(&self.folder) == std::process::ExitCode::SUCCESS;
        Ok(if went_well { Exit::Done } else { Exit::Machine })
    }
}
