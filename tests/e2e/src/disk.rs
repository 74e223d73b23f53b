//! A small disk: a file system in memory that is soon full.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::skip;

/// A mounted file system; dropped, it is gone.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many KiB. Where that cannot be, says why, and the test is to be skipped.
    pub fn mount(folder: &Path, kib: u32) -> Option<Self> {
        fs::create_dir_all(folder).expect("a temporary folder can be written to");
        let options = format!("size={kib}k");
        match mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some(options.as_str())) {
            Ok(()) => Some(Self { folder: folder.to_owned() }),
            Err(error) => {
                skip(&format!("no small file system can be mounted here ({error}); it takes root"));
                None
            }
        }
    }

    /// Takes all room that is left, into a file; its path.
    pub fn fill(&self) -> PathBuf {
        let path = self.folder.join("filler");
        let (mut size, mut bytes) = (1 << 20, Vec::new());
        while size >= 1 {
            let tried = [bytes.as_slice(), &vec![1; size]].concat();
            match fs::write(&path, &tried) {
                Ok(()) => bytes = tried,
                Err(_) => size /= 2,
            }
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whatever still has a file open there is killed a moment later.
        let _ = umount2(&self.folder, MntFlags::MNT_DETACH);
    }
}
