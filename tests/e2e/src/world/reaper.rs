//! What is left of a world when its test is over: supervisors and whatever they started lead groups and sessions of
//! their own, but each of them has the world's folder in its command line or environment.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

/// Kills every process that knows the folder, until none is left.
pub fn end_all_that_know(folder: &Path) {
    let needle = folder.as_os_str().as_bytes();
    let mut looks = 0;
    wait::for_it("all of the world has ended", || {
        let left = knowing(needle);
        for pid in &left {
            let _ = kill(*pid, Signal::SIGKILL); // it may have gone meanwhile
        }
        looks += 1;
        left.is_empty() || looks > 100
    });
}

/// The processes, other than this one, that have the text in their command line or environment.
pub fn knowing(needle: &[u8]) -> Vec<Pid> {
    let own = Pid::this();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    let knows = |pid: &Pid| {
        ["cmdline", "environ"].iter().any(|file| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            bytes.windows(needle.len()).any(|part| part == needle)
        })
    };
    pids.filter(|pid| *pid != own).filter(knows).collect()
}
