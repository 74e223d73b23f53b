//! The supervisor with real processes: commands that do what tests in the wild do, and worse.
//!
//! This one program is all parts of the play: the tests (with no word before their options), the supervisor that
//! they start (`supervise FOLDER`), and the commands that it runs (`play PART ...`). It has a `main` of its own since
//! a supervisor is alone in its process.

#![expect(clippy::unwrap_used, reason = "a test program: what goes wrong shall fail the test, and at once")]

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

mod stage;

mod endings;
mod limits;
mod output;
mod reach;
mod results;
mod socket;

mod players;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["supervise", folder] => agent::supervisor::run(Path::new(folder)),
        ["play", part @ ..] => players::play(part),
        _ => {
            let suites = [endings::TESTS, reach::TESTS, limits::TESTS, output::TESTS, socket::TESTS, results::TESTS];
            let trial = |(name, test): (&str, fn())| {
                Trial::test(name, move || {
                    test();
                    Ok(())
                })
            };
            let trials = suites.into_iter().flatten().copied().map(trial).collect();
            libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
        }
    }
}

/// A list of tests, each under its own name.
macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        pub const TESTS: &[(&str, fn())] = &[$((stringify!($name), $name)),+];
    };
}
use tests;
