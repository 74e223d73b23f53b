//! The socket in the user's state folder: for this user's own commands and agents, without a token.
//!
//! A lock beside it says whether an engine lives there. Who holds it may remove a socket that a dead engine left; a
//! living engine's socket is never taken.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::start::StartError;

/// A socket of ours, while it is held.
#[derive(Debug)]
pub struct Socket {
    /// Where it is.
    pub path: PathBuf,
    /// Held as long as we live.
    _lock: File,
}

impl Socket {
    /// Makes the socket `PORT.sock` in a folder that only this user may enter.
    pub fn open(folder: &Path, port: u16) -> Result<(Self, UnixListener), StartError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| StartError::Socket { path, error }
        };
        private_folder(folder).map_err(failed(folder))?;
        let path = folder.join(format!("{port}.sock"));
        let lock = folder.join(format!("{port}.lock"));
        let held = lock_file(&lock).map_err(failed(&lock))?.ok_or_else(|| StartError::Lives { path: path.clone() })?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path)(error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed(&path))?;
        listener.set_nonblocking(true).map_err(failed(&path))?;
        Ok((Self { path, _lock: held }, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Still under the lock, so it is ours.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes a folder that only this user may enter.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Locks a file; none if another process holds it.
fn lock_file(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).write(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_dead_engines_socket_is_replaced_and_a_living_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("reprise");
        let (socket, listener) = Socket::open(&folder, 7717).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&socket.path)), (0o700, 0o600));
        assert!(matches!(Socket::open(&folder, 7717), Err(StartError::Lives { .. })));
        assert!(UnixStream::connect(&socket.path).is_ok(), "it still listens");
        // as if killed: the lock goes with the process, the socket stays
        let path = socket.path.clone();
        drop((socket, listener));
        drop(UnixListener::bind(&path).unwrap());
        assert!(UnixStream::connect(&path).is_err() && path.exists());
        let (_socket, _listener) = Socket::open(&folder, 7717).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
    }
}
