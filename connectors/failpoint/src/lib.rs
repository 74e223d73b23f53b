//! Fail points: named moments at which a process can be made to die, as by a power cut that only it feels.
//!
//! A promise about crashes is worth what the worst moment makes of it, and that moment lasts microseconds: between a
//! sync and a rename, between a commit and its acknowledgement. So the moments have names ([`NAMES`]), and a test
//! starts the real binary with `REPRISE_FAIL_AT=NAME`, or `NAME:N` for the N-th time: there it sends itself SIGKILL,
//! and nothing of it runs on. With `REPRISE_FAIL_LOG=FILE` it first leaves its name in that file, so that the test
//! knows; a file that exists already means that it has happened, and a process that comes later lives.
//!
//! Without the variable a fail point costs one atomic load.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

mod names;

pub use names::NAMES;

/// What the environment asks for.
#[derive(Debug)]
struct Plan {
    name: String,
    /// How often it is still passed before it counts.
    left: AtomicU64,
    log: Option<PathBuf>,
}

static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

/// Ends this process here and now, if the environment names this moment.
pub fn hit(name: &str) {
    debug_assert!(NAMES.iter().any(|(known, _)| *known == name), "{name} is not in the list of fail points");
    if let Some(plan) = PLAN.get_or_init(asked) {
        plan.hit(name);
    }
}

fn asked() -> Option<Plan> {
    let text = std::env::var("REPRISE_FAIL_AT").ok()?;
    let (name, at) = parse(&text);
    let log = std::env::var_os("REPRISE_FAIL_LOG").map(PathBuf::from);
    Some(Plan { name: name.to_owned(), left: AtomicU64::new(at), log })
}

/// `NAME` or `NAME:N`.
fn parse(text: &str) -> (&str, u64) {
    let numbered = text.split_once(':').and_then(|(name, at)| Some((name, at.parse().ok()?)));
    numbered.unwrap_or((text, 1))
}

impl Plan {
    fn hit(&self, name: &str) {
        if name == self.name && self.is_due() && self.is_first() {
            // It cannot fail: a process may signal itself. If it did, the test would see that nobody died.
            let _ = kill(getpid(), Signal::SIGKILL);
        }
    }

    /// Counts down; true this once.
    fn is_due(&self) -> bool {
        let count = |left: u64| left.checked_sub(1);
        self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, count) == Ok(1)
    }

    /// Leaves the name in the log, unless somebody has done so before.
    fn is_first(&self) -> bool {
        let Some(log) = &self.log else { return true };
        match OpenOptions::new().write(true).create_new(true).open(log) {
            Ok(mut file) => file.write_all(self.name.as_bytes()).is_ok(),
            Err(error) => error.kind() != ErrorKind::AlreadyExists,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_once_at_the_time_that_was_asked_for() {
        for (text, name, at) in [("a.b", "a.b", 1), ("a.b:3", "a.b", 3), ("a.b:x", "a.b:x", 1)] {
            assert_eq!(parse(text), (name, at));
        }
        let plan = Plan { name: "a".into(), left: AtomicU64::new(3), log: None };
        let due: Vec<bool> = (0..6).map(|_| plan.is_due()).collect();
        assert_eq!(due, [false, false, true, false, false, false]);
    }

    #[test]
    fn of_several_processes_one_dies() {
        let folder = tempfile::tempdir().unwrap();
        let log = Some(folder.path().join("hit"));
        let plan = || Plan { name: "a.b".into(), left: AtomicU64::new(1), log: log.clone() };
        assert!(plan().is_first() && !plan().is_first());
        assert_eq!(std::fs::read_to_string(folder.path().join("hit")).unwrap(), "a.b");
    }

    #[test]
    fn names_are_in_order_and_each_stands_once() {
        assert!(NAMES.iter().all(|(name, words)| name.contains('.') && !words.is_empty()));
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, so that a look finds them");
    }
}
