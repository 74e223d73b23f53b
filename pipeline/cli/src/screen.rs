//! What is printed. A reader that has seen enough (`reprise journal | head`) is no bug of ours.

use std::io::{Write, stdout};
use std::process;

/// Prints a text to standard output as it is. If nobody reads any more, the program ends.
pub fn show(text: &str) {
    bytes(text.as_bytes());
}

/// Prints a line.
pub fn line(text: &str) {
    show(&format!("{text}\n"));
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl serde::Serialize) {
    line(&serde_json::to_string(value).expect("what is printed as JSON is made of plain data"));
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) {
    let mut out = stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        process::exit(0);
    }
}
