//! The lock of an attempt's folder: held by its supervisor as long as that runs, whatever else died.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

/// Locked by the supervisor for its whole life. The kernel frees it, so it never lies.
const FILE: &str = "supervisor.lock";
const TRIES: u32 = 20;
const AGAIN: Duration = Duration::from_millis(10);

/// Whether a supervisor of this folder still runs. An agent that comes back waits until none does.
pub fn is_running(folder: &Path) -> bool {
    match File::open(folder.join(FILE)) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// Takes the folder, or says who has it.
pub(super) fn take(folder: &Path) -> Result<File, String> {
    let file = File::create(folder.join(FILE)).map_err(|e| format!("failed to create {FILE}: {e}"))?;
    // Who asks whether we run holds the lock for a moment.
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(AGAIN),
            Err(TryLockError::Error(e)) => return Err(format!("failed to lock {FILE}: {e}")),
        }
    }
    Err("another supervisor has this attempt".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_supervisor_and_its_end_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_running(folder.path()), "nobody was here");
        let held = take(folder.path()).unwrap();
        assert!(is_running(folder.path()));
        assert!(take(folder.path()).unwrap_err().contains("another supervisor"));
        drop(held);
        assert!(!is_running(folder.path()));
    }
}
