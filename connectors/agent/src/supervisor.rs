//! The supervisor of one attempt: a small process that outlives nothing and forgets nothing.
//!
//! Why a process of its own: tests fork, call `setsid`, ignore SIGTERM and outlive whoever started them. A process
//! that is the *subreaper* of the attempt alone becomes the parent of whatever loses its parent there, so it finds
//! every descendant in `/proc`, and what it finds it can end. And when the agent dies, its end of our standard input
//! closes, and the attempt is ended all the same.
//!
//! In the order of an attempt's life:
//!
//! 1. [`lock`]: one supervisor a folder; who asks may know whether it still runs.
//! 2. [`launch`] starts the command, with [`door`] as its `REPRISE_SOCKET`.
//! 3. [`watch`] is the one loop: it takes output into [`capture`], instructions from [`orders`], samples [`usage`],
//!    asks [`limits`] what is due, hands [`notices`] to the agent, and [`kill`]s by what [`tree`] shows.
//! 4. [`results`] reads the result files of a command that ended by itself.
//! 5. [`outcome`] leaves on disk how it ended, and only then is `ended` said.
//!
//! Nothing here waits for the agent, the command or a client: one thread, one `poll`.

use std::io::{self, Write};
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use model::report::{Cause, End};
use model::{LeaseId, Millis};
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::setsid;

use crate::attempt::{Notice, Outcome, Spec};
use crate::machine;

pub mod lock;

mod launch;

mod watch;

mod signals;

mod orders;

mod notices;

mod door;

pub mod client;

mod capture;

mod tail;

mod limits;

mod usage;

mod kill;

mod hunt;

mod tree;

mod notes;

mod results;

mod outcome;

pub use lock::is_running;

/// Supervises the attempt of a folder from its start to its outcome on disk. What `reprise supervise FOLDER` calls,
/// in a process that does nothing else.
///
/// It fails only when no outcome could be left: the folder is gone, or another supervisor has it, or by a bug of
/// ours; then, too, no process of the attempt lives on.
pub fn run(folder: &Path) -> ExitCode {
    let _ = rustix::thread::set_name(c"reprise"); // started as /proc/self/exe, we would be called `exe` in lists
    let trouble = match catch_unwind(|| supervise(folder)) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(trouble)) => trouble,
        Err(_) => "our own bug; all of the attempt is ended".to_owned(), // the panic has said where
    };
    while kill::sweep(None) == kill::Swept::Alive {
        std::thread::sleep(Duration::from_millis(10));
    }
    say(folder, &trouble);
    ExitCode::FAILURE
}

/// Says something on standard error, which is the agent's. Nobody may read there any more, or its disk may be full:
/// that must not end us, so it is no `eprintln!`.
fn say(folder: &Path, trouble: &str) {
    let _ = writeln!(io::stderr(), "supervisor of {}: {trouble}", folder.display());
}

fn supervise(folder: &Path) -> Result<(), String> {
    // First of all: a terminal's Ctrl-C is for the agent, which knows about grace; and a test that could ask a terminal
    // for a password would wait for one. It fails for the leader of a group, which nobody makes us.
    setsid().map_err(|e| format!("failed to leave the agent's session: {e}"))?;
    let _lock = lock::take(folder)?;
    if folder.join(outcome::FILE).exists() {
        return Err("the attempt has ended already; it is not started twice".into());
    }
    set_child_subreaper(true).map_err(|e| format!("failed to become a subreaper: {e}"))?;

    let mut notices = notices::Notices::new();
    let left = attempt(folder, &mut notices);
    outcome::leave(folder, left)?;
    failpoint::hit("supervisor.outcome.left");
    notices.say(&Notice::Ended);
    notices.finish();
    Ok(())
}

/// The attempt from its spec to its outcome, whatever goes wrong on the way.
fn attempt(folder: &Path, notices: &mut notices::Notices) -> Outcome {
    let spec = match read_spec(folder) {
        Ok(spec) => spec,
        Err(why) => return never_ran(Cause::Start, why),
    };
    if let Some(soft) = spec.open_files {
        let _ = machine::lower_open_files(soft); // then the command may open more than it needs to
    }
    failpoint::hit("supervisor.command.before");
    match watch::Watch::begin(folder, &spec, notices) {
        Ok(watch) => {
            let began = watch.began();
            let ended = watch.until_ended();
            results::gather(&spec, began, ended)
        }
        Err((cause, why)) => never_ran(cause, why),
    }
}

fn read_spec(folder: &Path) -> Result<Spec, String> {
    let bytes = std::fs::read(folder.join("spec.json")).map_err(|e| format!("spec.json cannot be read: {e}"))?;
    serde_json::from_slice(&bytes).map_err(|e| format!("spec.json is damaged: {e}"))
}

fn never_ran(cause: Cause, note: String) -> Outcome {
    let end = End {
        exit: None,
        signal: None,
        cause,
        cpu_ms: Millis(0),
        max_rss_mb: 0,
        tail: String::new(),
        tests: None,
        note: notes::cut(&note),
    };
    Outcome { end, cases: Vec::new(), checkpoint: None }
}

/// Ends every process that an attempt left behind whose supervisor died with it unfinished: they carry the lease in
/// their environment. Returns how many it found. For an agent that finds a folder without outcome and without
/// supervisor; while a supervisor runs it must not be called.
pub fn end_leftovers(lease: LeaseId) -> usize {
    kill::end_marked(&format!("REPRISE_LEASE={lease}"))
}
