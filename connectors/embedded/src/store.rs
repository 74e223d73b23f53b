//! The store of one stream: its file, opened at need, and opened anew whenever something went wrong with it.
//!
//! After an error nothing is written to the file until it has been closed, read from the disk and verified, and has
//! been found to hold everything that was acknowledged.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use protocol::log::{NewRecord, Record};

use crate::database::StreamFile;
use crate::options::Options;
use crate::storage::Storage;
use crate::trouble::Trouble;

/// The store of one stream. One thread writes, all read.
pub struct Store {
    storage: Arc<dyn Storage>,
    name: String,
    cache_bytes: usize,
    retry_after: Duration,
    file: RwLock<File>,
}

enum File {
    /// The stream never held anything.
    Absent,
    Open(StreamFile),
    /// Left alone for a while, because of this.
    Failed {
        trouble: Trouble,
        until: Instant,
    },
}

impl Store {
    /// Opens and verifies the file, if it exists. Returns with it the positions that it holds.
    pub fn open(storage: Arc<dyn Storage>, name: String, options: &Options) -> Result<(Self, Range<u64>), Trouble> {
        let (file, held) = match StreamFile::open(storage.as_ref(), &name, options.cache_bytes)? {
            Some((file, held)) => (File::Open(file), held),
            None => (File::Absent, 0..0),
        };
        let (cache_bytes, retry_after) = (options.cache_bytes, options.retry_after);
        Ok((Self { storage, name, cache_bytes, retry_after, file: RwLock::new(file) }, held))
    }

    /// Says whether there is room for another commit.
    pub fn room(&self) -> Result<(), Trouble> {
        self.storage.room().map_err(|error| Trouble::of_io(&self.name, &error))
    }

    /// Sees to it that the file is open, and returns what it holds: at the least all that was acknowledged, and
    /// perhaps what was in doubt. `held` is what it held by all that is known.
    pub fn ready(&self, held: &Range<u64>) -> Result<Range<u64>, Trouble> {
        let mut file = self.lock();
        match &*file {
            File::Open(_) => return Ok(held.clone()),
            File::Failed { trouble, until } if Instant::now() < *until => return Err(trouble.clone()),
            File::Failed { .. } | File::Absent => {}
        }
        match self.reopen(held, matches!(&*file, File::Absent)) {
            Ok((open, found)) => {
                *file = File::Open(open);
                Ok(found)
            }
            Err(trouble) => {
                // A file that could not be made is still absent: the next call tries again.
                if !matches!(&*file, File::Absent) {
                    *file = File::Failed { trouble: trouble.clone(), until: Instant::now() + self.retry_after };
                }
                Err(trouble)
            }
        }
    }

    /// Appends and trims in one synced commit. After an error call `ready`.
    pub fn commit<'a>(
        &self,
        held: &Range<u64>,
        records: impl Iterator<Item = &'a NewRecord>,
        trim_to: u64,
    ) -> Result<(), Trouble> {
        let result = match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(file) => file.write(held, records, trim_to),
            File::Failed { trouble, until: _ } => return Err(trouble.clone()),
            File::Absent => return Err(Trouble::Io(format!("{}: not open", self.name))),
        };
        if let Err(trouble) = &result {
            *self.lock() = File::Failed { trouble: trouble.clone(), until: Instant::now() };
        }
        result
    }

    /// Reads what stands in a range, from its start on.
    pub fn read(&self, positions: Range<u64>, bytes: usize) -> Result<Vec<Record>, Trouble> {
        match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(file) => file.read(positions, bytes),
            File::Failed { trouble, until: _ } => Err(trouble.clone()),
            File::Absent => Ok(Vec::new()),
        }
    }

    fn reopen(&self, held: &Range<u64>, absent: bool) -> Result<(StreamFile, Range<u64>), Trouble> {
        if absent {
            StreamFile::create(self.storage.as_ref(), &self.name)?;
        }
        let Some((file, found)) = StreamFile::open(self.storage.as_ref(), &self.name, self.cache_bytes)? else {
            return Err(Trouble::damaged(&self.name, "it is gone"));
        };
        if found.end < held.end {
            let what = format!("it ends at {}, but {} was acknowledged", found.end, held.end);
            return Err(Trouble::damaged(&self.name, &what));
        }
        Ok((file, found))
    }

    fn lock(&self) -> RwLockWriteGuard<'_, File> {
        self.file.write().unwrap_or_else(PoisonError::into_inner)
    }
}
