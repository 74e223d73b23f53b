//! What is left when the demo is over: every process that came from it, killed and waited for.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// From one look to the next, and how many there are at most.
const LOOK: Duration = Duration::from_millis(20);
const MAX_LOOKS: usize = 250;

/// Kills all descendants of this process, until none is left. New ones may be born meanwhile, and orphans come home to
/// us only when their parent is gone: so it looks again.
pub fn end_descendants() {
    for _ in 0..MAX_LOOKS {
        let left = descendants(Pid::this().as_raw(), &parents());
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have gone meanwhile.
            _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        sleep(LOOK);
        while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {}
    }
}

/// Each process and its parent.
fn parents() -> BTreeMap<i32, i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// The parent in a line of `/proc/PID/stat`, whose second field may hold anything in its brackets.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// All below a process.
fn descendants(root: i32, parents: &BTreeMap<i32, i32>) -> Vec<i32> {
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(pid) = next.pop() {
        let children = parents.iter().filter(|(_, parent)| **parent == pid).map(|(child, _)| *child);
        let children: Vec<i32> = children.filter(|child| !found.contains(child)).collect();
        next.extend(&children);
        found.extend(children);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("42 (a) b (c)) S 7 42 42 0 -1"), Some(7));
        assert_eq!(parent("42 (sh"), None);
    }

    #[test]
    fn all_below_a_process_are_found_and_nobody_else() {
        let parents = BTreeMap::from([(1, 0), (10, 1), (11, 10), (12, 11), (20, 1), (13, 10)]);
        let mut found = descendants(10, &parents);
        found.sort_unstable();
        assert_eq!(found, [11, 12, 13]);
        assert!(descendants(20, &parents).is_empty());
    }
}
