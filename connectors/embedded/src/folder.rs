//! The storage of production: a data folder that one process has at a time.
//!
//! A lock on the file `lock` says so, which the system drops with the process, however it ends; the file holds the
//! number of that process for people. All of it is for this user alone: commands and their environment stand in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use redb::StorageBackend;

use crate::ends::Ends;
use crate::reserve::Reserve;
use crate::storage::Storage;
use crate::trouble::OpenError;

/// A data folder, locked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    reserve: Arc<Reserve>,
    ends: Ends,
    /// Held as long as this lives.
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, and locks it.
    pub fn open(path: &Path, reserve_bytes: u64) -> Result<Self, OpenError> {
        if path.exists() && !path.is_dir() {
            return Err(OpenError::NotAFolder(path.to_owned()));
        }
        let failed = |error: io::Error| OpenError::of_path(path, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = lock(path)?;
        let reserve = Reserve::open(&path.join("reserve"), reserve_bytes).map_err(failed)?;
        Ok(Self { path: path.to_owned(), reserve: Arc::new(reserve), ends: Ends::new(path), _lock: lock })
    }

    fn backend(&self, file: File) -> Box<dyn StorageBackend> {
        Box::new(Disk { file, reserve: self.reserve.clone() })
    }

    fn draft(&self, file: &str) -> PathBuf {
        self.path.join(format!("{file}.new"))
    }
}

impl Storage for Folder {
    fn open(&self, file: &str) -> io::Result<Option<Box<dyn StorageBackend>>> {
        let file = match OpenOptions::new().read(true).write(true).open(self.path.join(file)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        file.sync_all()?;
        // Clean pages go, also those that a failed sync has marked clean by mistake.
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        Ok(Some(self.backend(file)))
    }

    fn create(&self, file: &str) -> io::Result<Box<dyn StorageBackend>> {
        let mut open = OpenOptions::new();
        let new = open.read(true).write(true).create(true).truncate(true).mode(0o600).open(self.draft(file))?;
        Ok(self.backend(new))
    }

    fn publish(&self, file: &str) -> io::Result<()> {
        File::open(self.draft(file))?.sync_all()?;
        fs::rename(self.draft(file), self.path.join(file))?;
        File::open(&self.path)?.sync_all()
    }

    fn note(&self, file: &str, end: u64) {
        // Without its note a file is as safe as its store.
        let _ = self.ends.note(file, end);
    }

    fn noted(&self, file: &str) -> u64 {
        self.ends.noted(file)
    }

    fn place(&self, file: &str) -> String {
        self.path.join(file).display().to_string()
    }

    fn room(&self) -> io::Result<()> {
        self.reserve.refill()
    }
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |error: io::Error| OpenError::of_path(&folder.join("lock"), &error);
    let path = folder.join("lock");
    let mut open = OpenOptions::new();
    let mut file = open.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            return Err(OpenError::Locked { folder: folder.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    // The number is a courtesy: a full disk must not keep a log from opening.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// One file. A write that meets a full disk spends the reserve and is tried once more.
#[derive(Debug)]
struct Disk {
    file: File,
    reserve: Arc<Reserve>,
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match self.file.write_all_at(data, offset) {
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                self.reserve.spend()?;
                self.file.write_all_at(data, offset)
            }
            other => other,
        }
    }
}
