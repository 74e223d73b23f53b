//! The command line of Reprise: what people type and what they see.
//!
//! A line goes through three steps. `args` says what may be typed, from which help, completions and man pages come
//! too. Each command is one file of `commands`; it asks the engine over its HTTP API (`api`) and hands the answer to
//! a rendering function, which is pure: a view in, text out. How it went is an [`Exit`], whose table is all that
//! scripts need to know. What went wrong is a `Failure`: what happened, to what, and what to do next.

// Both panic where nobody reads: `screen` writes.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod exit;
mod failure;

mod args;

mod api;
mod place;
mod resolve;
mod settings;

mod commands;
mod follow;

mod log;
mod paint;
mod screen;
mod table;
mod words;

mod bug;

#[cfg(test)]
mod examples;

pub use exit::Exit;

/// Runs the command line of this process.
pub fn main() -> Exit {
    bug::announce_panics();
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and end well. A closed pipe is no reason to complain.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    bug::caught(|| match commands::run(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            screen::warn(&format!("{} {failure}", paint::Paint::stderr().red("error:")));
            failure.exit
        }
    })
}
