//! Signals to every descendant, sent as it is found.
//!
//! Before any is killed all are stopped. Who only kills makes room: in a fork bomb at the user's limit of processes
//! each dead one is replaced at once by the others. A stopped one keeps its place, and makes no more.
//!
//! New processes get higher numbers, and `/proc` lists numbers in order: so one pass stops each as it comes to it, and
//! runs after those that are born meanwhile. Who is known is not looked at again, so that later passes are fast.

use std::collections::BTreeMap;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::tree::{self, Process};

/// Most passes; what escapes so many is met by the next sweep.
const MAX_PASSES: usize = 200;

/// Descendants, as they were found and signalled.
#[derive(Debug)]
pub struct Hunt {
    signals: &'static [Signal],
    /// Ours: signalled, or ended, or not ours to signal.
    pub found: BTreeMap<i32, Process>,
    /// Processes that have not shown to be ours.
    others: BTreeMap<i32, Process>,
}

impl Hunt {
    /// Stops the descendants of a process until a pass finds no new one.
    pub fn stop(root: i32) -> Self {
        let mut hunt = Self::new(&[Signal::SIGSTOP]);
        for _ in 0..MAX_PASSES {
            if hunt.pass(root) == 0 {
                break;
            }
        }
        hunt
    }

    /// Asks the descendants of a process, as they are now, to end. One that is stopped hears nothing, so it goes on.
    pub fn ask(root: i32) -> Self {
        let mut hunt = Self::new(&[Signal::SIGTERM, Signal::SIGCONT]);
        hunt.pass(root);
        hunt
    }

    fn new(signals: &'static [Signal]) -> Self {
        Self { signals, found: BTreeMap::new(), others: BTreeMap::new() }
    }

    /// Those that live.
    pub fn living(&self) -> impl Iterator<Item = &Process> {
        self.found.values().filter(|p| !p.ended)
    }

    fn pass(&mut self, root: i32) -> usize {
        let before = self.found.len();
        for pid in tree::numbers() {
            if self.found.contains_key(&pid) || self.others.contains_key(&pid) {
                continue;
            }
            let Some(process) = tree::look(pid) else { continue };
            if process.parent == root || self.found.contains_key(&process.parent) {
                self.meet(process);
            } else {
                self.others.insert(pid, process);
            }
        }
        // Where numbers have begun anew, children come before their parents.
        while let Some(process) = self.others.values().find(|p| self.found.contains_key(&p.parent)).copied() {
            self.others.remove(&process.pid);
            self.meet(process);
        }
        self.found.len() - before
    }

    fn meet(&mut self, process: Process) {
        if !process.ended {
            for signal in self.signals {
                // It was read a moment ago. One that has ended since needs no signal; of one that is not ours to
                // signal the sweep will tell.
                let _: Result<(), Errno> = kill(Pid::from_raw(process.pid), *signal);
            }
        }
        self.found.insert(process.pid, process);
    }
}
