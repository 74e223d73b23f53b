//! Drops output that is too old or too much.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Limits;

/// Pool, execution, attempt: files stand below so many folders.
const DEPTH: usize = 3;

struct Kept {
    written: SystemTime,
    bytes: u64,
    path: PathBuf,
}

/// Drops files that are too old, and the oldest of too much until a tenth of the room is free; returns how many bytes are
/// left. What cannot be dropped is left for the next time.
pub fn tidy(store: &Path, limits: Limits, now: SystemTime) -> u64 {
    let mut kept = Vec::new();
    collect(store, DEPTH, &mut kept);
    kept.sort_by_key(|file| file.written);
    let mut left: u64 = kept.iter().map(|file| file.bytes).sum();
    let most = if left > limits.total_bytes { limits.tidied_bytes() } else { limits.total_bytes };
    for file in &kept {
        let is_old = now.duration_since(file.written).is_ok_and(|age| age > limits.age);
        if !is_old && left <= most {
            break;
        }
        match fs::remove_file(&file.path) {
            Ok(()) => left -= file.bytes,
            Err(error) => tracing::warn!("{} cannot be dropped: {error}", file.path.display()),
        }
        // The folders above leave with their last file: removing one that is not empty fails.
        for folder in file.path.ancestors().skip(1).take(DEPTH) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
    left
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<Kept>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if depth > 0 {
            collect(&entry.path(), depth - 1, into);
        } else if let Ok(about) = entry.metadata() {
            let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            into.push(Kept { written, bytes: about.len(), path: entry.path() });
        }
    }
}
