//! The conformance suite of the log: what every implementation of [`protocol::log::Log`] must do, in cases that an
//! embedded, a simulated and a Kafka log pass alike.
//!
//! Nothing is assumed that a log on a network cannot give: positions may have gaps, a page may be empty before data
//! comes, an acknowledgement may be late, a trim takes its time. A case waits for what it wants, and fails when it has
//! not come within the subject's patience.
//!
//! [`run`] plays all and panics with the names of those that failed; [`CASES`] is the table for who plays them singly.
//! Several are played at a time, each on a subject of its own: on a network most of a case is waiting.

mod cases;
mod drive;
mod subject;

pub use cases::{CASES, Case};
pub use subject::Subject;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Cases that are played at a time.
const AT_A_TIME: usize = 4;

/// Plays every case, each on a fresh log, and panics with the names of those that failed.
pub fn run<S: Subject>(make: impl Fn() -> S + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let play = || {
        let mut subject = make();
        while let Some(case) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
            if catch_unwind(AssertUnwindSafe(|| (case.play)(&mut subject))).is_err() {
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(case.name.replace('_', " "));
            }
        }
    };
    thread::scope(|scope| (0..AT_A_TIME).for_each(|_| drop(scope.spawn(play))));
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "{} of {} cases failed:\n  {}", failed.len(), CASES.len(), failed.join("\n  "));
}
