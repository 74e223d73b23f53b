//! Where the files of a log lie: a folder of the machine, or whatever a test makes of it (a disk that loses power,
//! tears writes, fills up or fails).

use std::io;
use std::sync::{Arc, OnceLock};

use redb::StorageBackend;

/// A set of named files. One log uses it at a time.
pub trait Storage: Send + Sync {
    /// Opens a published file, if it exists. Whatever was written to it before must be synced by this, and reads must
    /// then return what the disk holds: after a failed sync the system's cache may show what the disk never took.
    fn open(&self, file: &str) -> io::Result<Option<Box<dyn StorageBackend>>>;

    /// Makes an empty file that nobody finds by its name before it is published.
    fn create(&self, file: &str) -> io::Result<Box<dyn StorageBackend>>;

    /// Gives the file just made, which has been synced, its name. Survives power loss.
    fn publish(&self, file: &str) -> io::Result<()>;

    /// Notes beside a file up to where it was acknowledged. A courtesy: it may fail, or be lost with the power.
    fn note(&self, file: &str, end: u64);

    /// The last such note that there is; 0 if none.
    fn noted(&self, file: &str) -> u64;

    /// The file as people know it.
    fn place(&self, file: &str) -> String;

    /// Says whether there is room for another commit; fails with `StorageFull` or the like if not.
    fn room(&self) -> io::Result<()>;
}

/// A backend that remembers its first error: the store reports later ones only as "a previous error".
#[derive(Debug)]
pub struct Watched {
    inner: Box<dyn StorageBackend>,
    first: FirstError,
}

/// The first error of a backend.
#[derive(Debug, Clone, Default)]
pub struct FirstError(Arc<OnceLock<(io::ErrorKind, String)>>);

impl Watched {
    /// Watches a backend.
    pub fn new(inner: Box<dyn StorageBackend>) -> (Self, FirstError) {
        let first = FirstError::default();
        (Self { inner, first: first.clone() }, first)
    }

    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.first.0.get_or_init(|| (error.kind(), error.to_string()));
        }
        result
    }
}

impl FirstError {
    /// The error, if there was one.
    pub fn get(&self) -> Option<io::Error> {
        self.0.get().map(|(kind, text)| io::Error::new(*kind, text.clone()))
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.watch(self.inner.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.watch(self.inner.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.watch(self.inner.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.watch(self.inner.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.watch(self.inner.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}
