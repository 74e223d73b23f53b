//! The reserve: a file of real blocks that is given up when a commit meets a full disk.
//!
//! The store cannot go on after a failed write; it must be closed, verified from end to end and opened again, and on
//! a full disk even that may fail, which would take the reads with it. So the commit that finds no room gets the
//! reserve's blocks and succeeds; from then on appends are refused, reads and trims go on, until there is room to
//! fill the reserve again. Who else fills the disk in that very moment only brings back the long way.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::fcntl::posix_fallocate;

/// The reserve of a folder.
#[derive(Debug)]
pub struct Reserve {
    file: File,
    bytes: u64,
    whole: Mutex<bool>,
}

impl Reserve {
    /// Opens it and fills it if there is room.
    pub fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut open = OpenOptions::new();
        let file = open.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let reserve = Self { file, bytes, whole: Mutex::new(false) };
        // Without room the log opens for reading, and the next append is told.
        let _ = reserve.refill();
        Ok(reserve)
    }

    /// Gives its blocks to whoever writes next.
    pub fn spend(&self) -> io::Result<()> {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        *whole = false;
        self.file.set_len(0)
    }

    /// Makes it whole again, or fails as the disk does.
    pub fn refill(&self) -> io::Result<()> {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if *whole || self.bytes == 0 {
            return Ok(());
        }
        let length = i64::try_from(self.bytes).map_err(io::Error::other)?;
        if let Err(error) = posix_fallocate(&self.file, 0, length) {
            // What it got before it failed belongs to others.
            self.file.set_len(0)?;
            return Err(error.into());
        }
        *whole = true;
        Ok(())
    }
}
