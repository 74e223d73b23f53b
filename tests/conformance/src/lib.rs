//! The conformance suite of the log: what every implementation of [`protocol::log::Log`] must do, in cases that an
//! embedded, a simulated and a Kafka log pass alike.
//!
//! Nothing is assumed that a log on a network cannot give: positions may have gaps, a page may be empty before data
//! comes, an acknowledgement may be late, a trim takes its time. A case waits for what it wants, and fails when it has
//! not come within the subject's patience.
//!
//! [`run`] plays all and panics with the names of those that failed; [`CASES`] is the table for who plays them singly.

mod cases;
mod drive;
mod subject;

pub use cases::{CASES, Case};
pub use subject::Subject;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Plays every case, each on a fresh log, and panics with the names of those that failed.
pub fn run(subject: &mut dyn Subject) {
    let mut failed = Vec::new();
    for case in &CASES {
        if catch_unwind(AssertUnwindSafe(|| (case.play)(subject))).is_err() {
            failed.push(case.name.replace('_', " "));
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed:\n  {}", failed.len(), CASES.len(), failed.join("\n  "));
}
