//! How far each file was acknowledged, noted beside it.
//!
//! A store that was not closed cleanly may go back by one commit when its last pages are damaged: it cannot tell them
//! from pages that were never acknowledged. The note can, and it also knows of a file that has been deleted. It is
//! written after each commit, before anyone is told, without a sync: after a SIGKILL it is exact, after a power loss
//! it may be old, and it is never ahead of what was synced.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The notes of a folder.
#[derive(Debug)]
pub struct Ends {
    folder: PathBuf,
    open: Mutex<BTreeMap<String, File>>,
}

impl Ends {
    /// Of a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: Mutex::default() }
    }

    /// Notes an end.
    pub fn note(&self, file: &str, end: u64) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains_key(file) {
            let path = self.path(file);
            let note = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
            open.insert(file.to_owned(), note);
        }
        let end = end.to_le_bytes();
        let bytes = [end.as_slice(), &crc32fast::hash(&end).to_le_bytes()].concat();
        open.get(file).map_or(Ok(()), |note| note.write_all_at(&bytes, 0))
    }

    /// The end that was noted last; 0 without a readable note, which says nothing.
    pub fn noted(&self, file: &str) -> u64 {
        let bytes = std::fs::read(self.path(file)).unwrap_or_default();
        let Some((end, sum)) = bytes.split_first_chunk::<8>() else { return 0 };
        if sum == crc32fast::hash(end).to_le_bytes() { u64::from_le_bytes(*end) } else { 0 }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(format!("{file}.end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_a_torn_one_says_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let ends = Ends::new(folder.path());
        assert_eq!(ends.noted("x"), 0);
        for end in [1, 300, u64::MAX] {
            ends.note("x", end).unwrap();
            assert_eq!(Ends::new(folder.path()).noted("x"), end);
        }
        let path = ends.path("x");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(ends.noted("x"), 0);
    }
}
