//! What attempts print: kept beside the journal, not in it, bounded and aged.
//!
//! A file per attempt, `POOL/EXECUTION/TASK@ATTEMPT/LEASE`, written in chunks at offsets: a chunk that comes twice
//! changes nothing. A chunk beyond the end leaves a hole, so that what a crash took costs no more than itself. All
//! functions here block.

mod age;
mod place;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

pub use place::Place;

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one attempt, in bytes.
    pub attempt_bytes: u64,
    /// Of all attempts, in bytes; beyond it the oldest leave, until a tenth of it is free.
    pub total_bytes: u64,
    /// Since the last write.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attempt_bytes: 64 << 20, total_bytes: 10 << 30, age: Duration::from_secs(7 * 86_400) }
    }
}

/// The store.
#[derive(Debug)]
pub struct Output {
    folder: PathBuf,
    limits: Limits,
    used: AtomicU64,
    /// One look at all files at a time.
    tidying: Mutex<()>,
}

/// Why a chunk was not kept.
#[derive(Debug)]
pub enum NotKept {
    /// It ends beyond what is kept of an attempt.
    TooLong(u64),
    /// The file cannot be written.
    Failed(io::Error),
}

impl Output {
    /// Opens the store, and drops what is too old.
    pub fn open(folder: PathBuf, limits: Limits) -> io::Result<Self> {
        private_folders(&folder)?;
        let output = Self { folder, limits, used: AtomicU64::new(0), tidying: Mutex::new(()) };
        output.tidy(SystemTime::now());
        Ok(output)
    }

    /// Writes a chunk at an offset.
    pub fn put(&self, place: &Place, offset: u64, chunk: &[u8]) -> Result<(), NotKept> {
        let end = offset.saturating_add(chunk.len() as u64);
        if end > self.limits.attempt_bytes {
            return Err(NotKept::TooLong(self.limits.attempt_bytes));
        }
        let grown = self.write(place, offset, chunk).map_err(NotKept::Failed)?;
        if self.used.fetch_add(grown, Ordering::Relaxed) + grown > self.limits.total_bytes {
            self.tidy(SystemTime::now());
        }
        Ok(())
    }

    fn write(&self, place: &Place, offset: u64, chunk: &[u8]) -> io::Result<u64> {
        let path = place.path(&self.folder);
        let mut open = File::options();
        open.create(true).write(true).truncate(false).mode(0o600);
        let file = match open.open(&path) {
            // The first chunk, or the folder was tidied away a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                private_folders(path.parent().expect("a file of the store stands in a folder of it"))?;
                open.open(&path)?
            }
            opened => opened?,
        };
        let before = file.metadata()?.len();
        file.write_all_at(chunk, offset)?;
        Ok((offset + chunk.len() as u64).saturating_sub(before))
    }

    /// The file of an attempt, if it is kept: that of its lease, or the newest where the lease is not known any more.
    pub fn find(&self, place: &Place) -> Option<PathBuf> {
        if place.lease.is_some() {
            return Some(place.path(&self.folder)).filter(|path| path.is_file());
        }
        let files = fs::read_dir(place.folder(&self.folder)).ok()?;
        let written = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
        files.filter_map(|file| file.ok().map(|f| f.path())).max_by_key(written)
    }

    /// Up to `most` bytes of a file from an offset; none at its end.
    pub fn read(path: &Path, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len().saturating_sub(offset).min(most as u64);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(most)];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], offset + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Drops what is too old, and of too much the oldest.
    pub fn tidy(&self, now: SystemTime) {
        let Ok(_one) = self.tidying.try_lock() else { return };
        let left = age::tidy(&self.folder, self.limits, now);
        // Where files cannot be dropped, the next look waits all the same until a tenth more has come.
        let over = self.limits.total_bytes < left;
        self.used.store(if over { self.limits.tidied_bytes() } else { left }, Ordering::Relaxed);
    }
}

impl Limits {
    /// What is left of too much: so much less that not every further chunk costs a look at all files.
    fn tidied_bytes(&self) -> u64 {
        self.total_bytes - self.total_bytes / 10
    }
}

/// Makes a folder and those above it, for this user alone: output may hold what nobody else should see.
fn private_folders(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_may_come_twice_and_what_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { attempt_bytes: 10, ..Limits::default() };
        let output = Output::open(folder.path().join("output"), limits).unwrap();
        let place = Place::example("web-1", "build", 1);
        assert_eq!(output.find(&place), None);
        for (offset, chunk, want) in [
            (0, "abc", Some("abc")),
            (3, "def", Some("abcdef")),
            (0, "abc", Some("abcdef")),
            (8, "ij", Some("abcdef\0\0ij")),
            (6, "gh", Some("abcdefghij")),
            (9, "jk", None),
            (u64::MAX, "x", None),
        ] {
            let kept = output.put(&place, offset, chunk.as_bytes());
            assert_eq!(kept.is_ok(), want.is_some(), "{offset} {chunk}");
            if let Some(want) = want {
                let path = output.find(&place).unwrap();
                assert_eq!(String::from_utf8(Output::read(&path, 0, 100).unwrap()).unwrap(), want);
            }
        }
        let path = output.find(&place).unwrap();
        assert_eq!(Output::read(&path, 4, 3).unwrap(), b"efg");
        assert_eq!(Output::read(&path, 10, 3).unwrap(), b"");
    }

    #[test]
    fn the_output_of_one_lease_is_never_shown_as_that_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path().to_owned(), Limits::default()).unwrap();
        let place = Place::example("web-1", "build", 1);
        output.put(&place, 0, b"of the first lease").unwrap();
        let again = Place { lease: Some("j5.0.4.9000.0".parse().unwrap()), ..place.clone() };
        assert_eq!(output.find(&again), None, "taken back and given anew, it has printed nothing yet");
        let forgotten = Place { lease: None, ..place.clone() };
        assert_eq!(output.find(&forgotten), output.find(&place), "better than nothing, where no lease is known");
    }

    #[test]
    fn a_full_store_is_tidied_until_a_tenth_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path().to_owned(), Limits { total_bytes: 100, ..Limits::default() }).unwrap();
        let kept = || (1..=100).filter(|n| output.find(&Place::example("web-1", "build", *n)).is_some()).count();
        for attempt in 1..=10 {
            output.put(&Place::example("web-1", "build", attempt), 0, b"0123456789").unwrap();
        }
        assert_eq!(kept(), 10);
        output.put(&Place::example("web-1", "build", 11), 0, b"0").unwrap();
        assert_eq!(kept(), 9, "not only the one that makes room for this chunk");
    }

    #[test]
    fn the_oldest_leave_when_there_is_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { total_bytes: 25, ..Limits::default() };
        let output = Output::open(folder.path().to_owned(), limits).unwrap();
        let places: Vec<Place> = (1..=3).map(|attempt| Place::example("web-1", "build", attempt)).collect();
        for (place, age) in places.iter().zip([30, 20, 10]) {
            output.put(place, 0, b"0123456789").unwrap();
            if let Some(path) = output.find(place) {
                let written = SystemTime::now() - Duration::from_secs(age);
                File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
            }
        }
        output.tidy(SystemTime::now());
        let kept: Vec<bool> = places.iter().map(|place| output.find(place).is_some()).collect();
        assert_eq!(kept, [false, true, true]);
        output.tidy(SystemTime::now() + Duration::from_secs(7 * 86_400 - 15));
        let kept: Vec<bool> = places.iter().map(|place| output.find(place).is_some()).collect();
        assert_eq!(kept, [false, false, true], "by age");
        output.tidy(SystemTime::now() + Duration::from_secs(8 * 86_400));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "empty folders leave too");
    }
}
