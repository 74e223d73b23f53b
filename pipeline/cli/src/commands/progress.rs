//! `progress`: a task says how far it is. It is shown live, and keeps `stall` away.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;

/// Says how far this attempt is.
#[derive(Debug, Args)]
#[command(after_help = "Example, inside a task:\n  reprise progress 0.4 \"118 of 240\"")]
pub struct Progress {
    /// From 0 to 1
    #[arg(value_parser = fraction)]
    fraction: f64,
    /// Words for people
    note: Option<String>,
}

impl Progress {
    /// Tells the supervisor of this attempt.
    pub fn run(self) -> Result<Exit, Failure> {
        agent::supervisor::client::progress(&socket()?, self.fraction, self.note.as_deref()).map_err(not_taken)?;
        Ok(Exit::Done)
    }
}

/// Where the supervisor of this attempt listens.
pub fn socket() -> Result<PathBuf, Failure> {
    let outside = || Failure::new(Exit::Usage, "REPRISE_SOCKET is not set: this command works inside a task only");
    std::env::var_os("REPRISE_SOCKET").map(PathBuf::from).ok_or_else(outside)
}

/// The supervisor did not take it.
pub fn not_taken(why: String) -> Failure {
    Failure::new(Exit::NotNow, why)
}

fn fraction(text: &str) -> Result<f64, String> {
    let fraction = text.parse::<f64>().ok().filter(|fraction| (0.0..=1.0).contains(fraction));
    fraction.ok_or_else(|| "a number from 0 to 1, as in 0.4".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_from_0_to_1() {
        for (text, good) in [("0", true), ("0.4", true), ("1", true), ("40", false), ("-0.1", false), ("NaN", false)] {
            assert_eq!(fraction(text).is_ok(), good, "{text}");
        }
    }
}
