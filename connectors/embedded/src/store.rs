//! The store of one stream: its file, opened at need, and opened anew whenever something went wrong with it.
//!
//! After an error nothing is written to the file until it has been closed, read from the disk and verified, and has
//! been found to hold everything that was acknowledged.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
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
    /// Whatever happens, the file reaches up to here.
    acknowledged: AtomicU64,
    file: RwLock<File>,
}

enum File {
    /// The stream never held anything.
    Absent,
    /// Open, and what it holds.
    Open(StreamFile, Mutex<Range<u64>>),
    /// Left alone for a while, because of this.
    Failed { trouble: Trouble, until: Instant },
}

impl Store {
    /// Opens and verifies the file, if it exists. Returns with it the positions that it holds.
    pub fn open(storage: Arc<dyn Storage>, name: String, options: &Options) -> Result<(Self, Range<u64>), Trouble> {
        let acknowledged = AtomicU64::new(storage.noted(&name));
        let Options { cache_bytes, retry_after, .. } = *options;
        let mut store = Self { storage, name, cache_bytes, retry_after, acknowledged, file: RwLock::new(File::Absent) };
        let Some((file, held)) = store.opened()? else {
            return Ok((store, 0..0));
        };
        store.file = RwLock::new(File::Open(file, Mutex::new(held.clone())));
        Ok((store, held))
    }

    /// Says whether there is room for another commit.
    pub fn room(&self) -> Result<(), Trouble> {
        self.storage.room().map_err(|error| Trouble::of_io(&self.place(), &error))
    }

    /// Sees to it that the file is open, and returns what it holds: at the least all that was acknowledged, and
    /// perhaps what was in doubt.
    pub fn ready(&self) -> Result<Range<u64>, Trouble> {
        let mut file = self.lock();
        match &*file {
            File::Open(_, held) => return Ok(of(held)),
            File::Failed { trouble, until } if Instant::now() < *until => return Err(trouble.clone()),
            File::Failed { .. } => {}
            // One that cannot be made stays absent: the next call tries again.
            File::Absent => StreamFile::create(self.storage.as_ref(), &self.name)?,
        }
        let opened = self.opened().and_then(|open| open.ok_or_else(|| Trouble::damaged(&self.place(), "it is gone")));
        match opened {
            Ok((open, held)) => {
                *file = File::Open(open, Mutex::new(held.clone()));
                Ok(held)
            }
            Err(trouble) => {
                *file = File::Failed { trouble: trouble.clone(), until: Instant::now() + self.retry_after };
                Err(trouble)
            }
        }
    }

    /// Appends at the end and trims in one synced commit. After an error call `ready`.
    pub fn commit<'a>(&self, records: impl Iterator<Item = &'a NewRecord>, trim_to: u64) -> Result<(), Trouble> {
        let result = match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(file, held) => file.write(&of(held), records, trim_to).map(|now| {
                self.acknowledged.store(now.end, Ordering::Release);
                self.storage.note(&self.name, now.end);
                *held.lock().unwrap_or_else(PoisonError::into_inner) = now;
            }),
            File::Failed { trouble, until: _ } => return Err(trouble.clone()),
            File::Absent => return Err(Trouble::Io(format!("{}: not open", self.place()))),
        };
        result.inspect_err(|trouble| self.fail(trouble))
    }

    /// Reads what stands in a range, from its start on.
    pub fn read(&self, positions: Range<u64>, bytes: usize) -> Result<Vec<Record>, Trouble> {
        // Who only reads must get over an error too.
        if matches!(&*self.file.read().unwrap_or_else(PoisonError::into_inner), File::Failed { .. }) {
            self.ready()?;
        }
        let result = match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(file, _) => file.read(positions, bytes),
            File::Failed { trouble, until: _ } => return Err(trouble.clone()),
            File::Absent => return Ok(Vec::new()),
        };
        result.inspect_err(|trouble| match trouble {
            Trouble::Full(_) | Trouble::NotPermitted(_) | Trouble::Io(_) => self.fail(trouble),
            // Opened anew it would be no better, and what is sound can still be read.
            Trouble::Damaged(_) => {}
        })
    }

    /// What the file holds in this moment, which for a trim is a moment before readers are told.
    pub fn held(&self) -> Result<Range<u64>, Trouble> {
        match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(file, _) => file.held(),
            File::Failed { trouble, until: _ } => Err(trouble.clone()),
            File::Absent => Ok(0..0),
        }
    }

    /// The file as it is on the disk, if it holds all that was acknowledged.
    fn opened(&self) -> Result<Option<(StreamFile, Range<u64>)>, Trouble> {
        let file = StreamFile::open(self.storage.as_ref(), &self.name, self.cache_bytes)?;
        let end = file.as_ref().map_or(0, |(_, held)| held.end);
        let acknowledged = self.acknowledged.load(Ordering::Acquire);
        if end < acknowledged {
            let what = format!("it ends at position {end}, but positions up to {acknowledged} were acknowledged");
            return Err(Trouble::damaged(&self.place(), &what));
        }
        failpoint::hit("log.opened");
        self.acknowledged.store(end, Ordering::Release);
        Ok(file)
    }

    /// Closes the file; the next call opens it anew.
    pub fn fail(&self, trouble: &Trouble) {
        let mut file = self.lock();
        match &*file {
            File::Open(..) => *file = File::Failed { trouble: trouble.clone(), until: Instant::now() },
            File::Failed { .. } | File::Absent => {}
        }
    }

    fn place(&self) -> String {
        self.storage.place(&self.name)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, File> {
        self.file.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(held: &Mutex<Range<u64>>) -> Range<u64> {
    held.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
