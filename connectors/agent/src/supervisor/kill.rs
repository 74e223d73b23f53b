//! Signals to all descendants, and the end of all of them.
//!
//! Numbers of processes are used again, so each is looked at once more right before its signal: for another process to
//! take the number in between, the kernel would have to go through all numbers within microseconds. The main process
//! is not reaped before the end, so the number of its group stays taken, and one signal ends all of that group at
//! once, however fast it forks: the kernel lets no fork through that such a signal has overtaken.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::tree::{self, Process};

/// Scans of one sweep, at most; then the caller's loop goes round once.
const MAX_ROUNDS: usize = 64;

/// What a sweep left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// None lives.
    Clean,
    /// Some live yet; sweep again.
    Alive,
    /// Some live, and are not ours to end: they run as someone else.
    Foreign(i32),
}

/// Sends a signal to every living descendant. Returns how many there were.
pub fn signal_all(signal: Signal) -> usize {
    let alive = living();
    for process in &alive {
        // One that has just ended needs no signal, and of one that is not ours the sweep will say so.
        let _ = signal_one(process, signal);
    }
    alive.len()
}

/// Kills every living descendant, those that come meanwhile too, and reaps all but the main one, if one is told.
pub fn sweep(main: Option<Pid>) -> Swept {
    if let Some(main) = main {
        let _ = killpg(main, Signal::SIGKILL);
    }
    for _ in 0..MAX_ROUNDS {
        let found = tree::descendants(own_pid());
        reap(&found, main);
        let alive: Vec<_> = found.into_iter().filter(|p| !p.ended).collect();
        let mut foreign = None;
        let mut killed = 0;
        for process in &alive {
            match signal_one(process, Signal::SIGKILL) {
                Err(Errno::EPERM) => foreign = Some(process.pid),
                Ok(()) | Err(_) => killed += 1,
            }
        }
        match foreign {
            Some(pid) if killed == 0 => return Swept::Foreign(pid),
            Some(_) | None if alive.is_empty() => return Swept::Clean,
            Some(_) | None => std::thread::yield_now(),
        }
    }
    Swept::Alive
}

/// Reaps the children of ours that have ended, the main one excepted.
pub fn reap(found: &[Process], main: Option<Pid>) {
    let us = own_pid();
    let main = main.map(Pid::as_raw);
    for process in found.iter().filter(|p| p.ended && p.parent == us && Some(p.pid) != main) {
        let _ = waitpid(Pid::from_raw(process.pid), Some(WaitPidFlag::WNOHANG));
    }
}

/// Kills every process whose environment holds this text, until none is left. Returns how many there were.
pub fn end_marked(mark: &str) -> usize {
    let carries = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|b| *b == 0).any(|variable| variable == mark.as_bytes())
    };
    let mut ended = 0;
    for _ in 0..MAX_ROUNDS {
        let marked: Vec<_> = tree::numbers().filter(carries).filter_map(tree::look).filter(|p| !p.ended).collect();
        let hit = marked.iter().filter(|p| signal_one(p, Signal::SIGKILL).is_ok()).count();
        if hit == 0 {
            break;
        }
        ended += hit;
    }
    ended
}

/// Whether any descendant lives.
pub fn any_alive() -> bool {
    !living().is_empty()
}

fn living() -> Vec<Process> {
    tree::descendants(own_pid()).into_iter().filter(|p| !p.ended).collect()
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
