//! The descendants of a process, as `/proc` shows them.
//!
//! A scan is no snapshot: processes come and go while it reads. It finds each descendant that lived all through it,
//! provided that orphans become children of the root (a subreaper); who needs more scans again.

use std::collections::BTreeMap;
use std::fs;

/// One process, as `/proc/PID/stat` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its parent's number.
    pub parent: i32,
    /// When it began, in ticks since the machine's start: with the number, it names a process for ever.
    pub born: u64,
    /// It has ended, and waits for its parent to ask how.
    pub ended: bool,
    /// It waits in the kernel, and hears no signal until that lets go of it.
    pub stuck: bool,
    /// Memory that it holds, in pages, shared ones included.
    pub resident_pages: u64,
    /// Processor time of it and of the children that it has asked about, in ticks.
    pub cpu_ticks: u64,
}

/// All descendants of a process, itself not included, in no order.
pub fn descendants(root: i32) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in numbers().filter_map(look) {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        if let Some(more) = children.remove(&process.pid) {
            found.extend(more);
        }
        next += 1;
    }
    found
}

/// The numbers of all processes of the machine, or of none where `/proc` cannot be read.
pub fn numbers() -> impl Iterator<Item = i32> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok())
}

/// One process, if it is still there.
pub fn look(pid: i32) -> Option<Process> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads a line of `stat`: the name, in brackets, may hold anything, brackets too.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let rest = stat.get(stat.rfind(')')? + 1..)?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at - 3)?.parse::<u64>().ok(); // numbered as in proc(5), from 3 on
    let state = *fields.first()?;
    let threads = number(20)?;
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        born: number(22)?,
        // A process whose first thread has ended shows as a zombie while others of its threads run on.
        ended: matches!(state, "Z" | "X" | "x") && threads <= 1,
        stuck: state == "D",
        resident_pages: number(24)?,
        cpu_ticks: number(14)? + number(15)? + number(16)? + number(17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_reads_whatever_the_program_is_called() {
        let line = "42 (a) R 7 (b)) S 7 42 42 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 3 0 9000 1000000 250 1844 1 1 0";
        let process = parse(42, line).unwrap();
        let want =
            Process { pid: 42, parent: 7, born: 9000, ended: false, stuck: false, resident_pages: 250, cpu_ticks: 26 };
        assert_eq!(process, want);
    }

    #[test]
    fn a_zombie_with_threads_has_not_ended() {
        for (threads, ended) in [(1, true), (2, false)] {
            let line = format!("42 (x) Z 7 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 9000 0 0 0");
            assert_eq!(parse(42, &line).unwrap().ended, ended);
        }
        assert_eq!(parse(42, "42 (x"), None);
        assert!(parse(42, "42 (x) D 7 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9000 0 0 0").unwrap().stuck);
    }

    #[test]
    fn we_are_a_descendant_of_our_parent() {
        let us = i32::try_from(std::process::id()).unwrap();
        let parent = look(us).unwrap().parent;
        assert!(descendants(parent).iter().any(|p| p.pid == us));
    }
}
