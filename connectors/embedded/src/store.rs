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
        let mut store = Self {
            storage,
            name,
            cache_bytes: options.cache_bytes,
            retry_after: options.retry_after,
            file: RwLock::new(File::Absent),
        };
        let Some((file, held)) = store.opened(store.storage.noted(&store.name))? else {
            return Ok((store, 0..0));
        };
        store.file = RwLock::new(File::Open(file));
        Ok((store, held))
    }

    /// Says whether there is room for another commit.
    pub fn room(&self) -> Result<(), Trouble> {
        self.storage.room().map_err(|error| Trouble::of_io(&self.place(), &error))
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
            File::Absent => return Err(Trouble::Io(format!("{}: not open", self.place()))),
        };
        if let Err(trouble) = &result {
            *self.lock() = File::Failed { trouble: trouble.clone(), until: Instant::now() };
        }
        result
    }

    /// Notes what is durable, before anyone is told.
    pub fn note(&self, end: u64) {
        self.storage.note(&self.name, end);
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
        self.opened(held.end)?.ok_or_else(|| Trouble::damaged(&self.place(), "it is gone"))
    }

    /// The file as it is on the disk, if it holds all that was acknowledged.
    fn opened(&self, acknowledged: u64) -> Result<Option<(StreamFile, Range<u64>)>, Trouble> {
        let file = StreamFile::open(self.storage.as_ref(), &self.name, self.cache_bytes)?;
        let end = file.as_ref().map_or(0, |(_, held)| held.end);
        if end < acknowledged {
            let what = format!("it ends at position {end}, but positions up to {acknowledged} were acknowledged");
            return Err(Trouble::damaged(&self.place(), &what));
        }
        Ok(file)
    }

    fn place(&self) -> String {
        self.storage.place(&self.name)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, File> {
        self.file.write().unwrap_or_else(PoisonError::into_inner)
    }
}
