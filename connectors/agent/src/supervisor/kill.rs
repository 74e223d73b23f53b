//! Signals to all descendants, and the end of all of them.
//!
//! Numbers of processes are used again, so each is looked at once more right before its signal: for another process to
//! take the number in between, the kernel would have to go through all numbers within microseconds. The main process
//! is not reaped before the end, so the number of its group stays taken, and one signal ends all of that group at
//! once, however fast it forks: the kernel lets no fork through that such a signal has overtaken.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::hunt::Hunt;
use super::tree::{self, Process};

/// Scans of one sweep, at most; then the caller's loop goes round once.
const MAX_ROUNDS: usize = 64;
/// How long processes without a supervisor may take to end, once they are killed: one that the kernel does not let go
/// of is left to it. And from one look to the next.
const MARKED: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(5);

/// What a sweep left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// None lives.
    Clean,
    /// Some live yet; sweep again.
    Alive,
    /// Some live, and are not ours to end: they run as someone else.
    Foreign(i32),
    /// Those that live are killed, and wait in the kernel: of a disk or a network file system that does not answer.
    Stuck(i32),
}

/// Puts us before all others on the processor, where that is allowed (to root): hundreds of processes that want to
/// live leave little of it. Nothing is started after that would inherit it.
pub fn hurry() {
    let _ = rustix::process::setpriority_process(None, -20);
    let _ = fs::write("/proc/self/autogroup", "-20"); // where each session has a share of its own
}

/// Asks every living descendant to end: SIGTERM.
pub fn ask_all() {
    Hunt::ask(own_pid());
}

/// Kills every living descendant, those that come meanwhile too, and reaps all but the main one, if one is told.
pub fn sweep(main: Option<Pid>) -> Swept {
    if let Some(main) = main {
        let _ = killpg(main, Signal::SIGKILL);
    }
    let mut stuck = None;
    for _ in 0..MAX_ROUNDS {
        let hunt = Hunt::stop(own_pid());
        reap(hunt.found.values(), main);
        let (mut killed, mut foreign) = (0, None);
        for process in hunt.living() {
            match signal_one(process, Signal::SIGKILL) {
                Err(Errno::EPERM) => foreign = Some(process.pid),
                Ok(()) | Err(_) => killed += 1,
            }
        }
        match foreign {
            None if killed == 0 => return Swept::Clean,
            Some(pid) if killed == 0 => return Swept::Foreign(pid),
            None | Some(_) => std::thread::yield_now(),
        }
        stuck = hunt.living().next().filter(|_| hunt.living().all(|p| p.stuck)).map(|p| p.pid);
    }
    stuck.map_or(Swept::Alive, Swept::Stuck)
}

/// Reaps the children of ours that have ended, the main one excepted.
pub fn reap<'a>(found: impl IntoIterator<Item = &'a Process>, main: Option<Pid>) {
    let us = own_pid();
    let main = main.map(Pid::as_raw);
    for process in found.into_iter().filter(|p| p.ended && p.parent == us && Some(p.pid) != main) {
        let _ = waitpid(Pid::from_raw(process.pid), Some(WaitPidFlag::WNOHANG));
    }
}

/// Kills every process whose environment holds this text, until none of them lives, those that they start meanwhile
/// too. Returns how many there were.
pub fn end_marked(mark: &str) -> usize {
    let carries = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|b| *b == 0).any(|variable| variable == mark.as_bytes())
    };
    let mut met = BTreeMap::new();
    let until = Instant::now() + MARKED;
    loop {
        // Stopped as each is found: who is only killed is replaced by others in a storm.
        let mut found = Vec::new();
        for process in tree::numbers().filter(carries).filter_map(tree::look).filter(|p| !p.ended) {
            let _ = signal_one(&process, Signal::SIGSTOP); // one that has ended since needs no signal
            found.push(process);
        }
        for process in &found {
            let _ = signal_one(process, Signal::SIGKILL);
            met.insert(process.pid, *process);
        }
        // A dying process loses its environment before its files.
        if (found.is_empty() && met.values().all(has_ended)) || until < Instant::now() {
            return met.len();
        }
        sleep(AGAIN);
    }
}

/// Whether any descendant lives.
pub fn any_alive() -> bool {
    tree::descendants(own_pid()).iter().any(|p| !p.ended)
}

/// Whether it has ended, and perhaps another has its number.
fn has_ended(process: &Process) -> bool {
    tree::look(process.pid).is_none_or(|now| now.born != process.born || now.ended)
}

fn signal_one(process: &Process, signal: Signal) -> Result<(), Errno> {
    match tree::look(process.pid) {
        Some(now) if now.born == process.born => kill(Pid::from_raw(process.pid), signal),
        Some(_) | None => Ok(()),
    }
}

/// Our own number.
pub fn own_pid() -> i32 {
    Pid::this().as_raw()
}
