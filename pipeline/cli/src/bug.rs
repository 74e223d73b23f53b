//! A panic is our own bug, and is said so: one line, where it happened, and what to do. Backtraces are for us.

use std::panic::{self, AssertUnwindSafe};

use crate::exit::Exit;
use crate::screen;

/// From here on a panic is announced as what it is.
pub fn announce_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    // What cannot be written is let go: a panic in here would end the whole process at once.
    panic::set_hook(Box::new(|info| screen::warn(&announcement(&info.to_string()))));
}

/// Runs a command; a panic in it ends with the code of a bug.
pub fn caught(command: impl FnOnce() -> Exit) -> Exit {
    panic::catch_unwind(AssertUnwindSafe(command)).unwrap_or(Exit::Bug)
}

fn announcement(panic: &str) -> String {
    let panic = panic.replace('\n', " ");
    format!(
        "reprise {}: this is a bug: {panic}\nPlease report it with the command that you typed; RUST_BACKTRACE=1 shows more.",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_the_code_of_a_bug_and_is_said_in_one_line() {
        assert_eq!(caught(|| panic!("the sky fell")), Exit::Bug);
        let text = announcement("panicked at src/a.rs:1:\nthe sky fell");
        assert!(text.contains("this is a bug: panicked at src/a.rs:1: the sky fell\nPlease report"), "{text}");
    }
}
