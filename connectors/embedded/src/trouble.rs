//! What can go wrong with a disk, sorted by what a person must do: make room, restore a damaged file, or look at the
//! machine. One sorting serves opening, appending and reading.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use protocol::log::{AppendError, ReadError};

/// Why a log did not open. Each is a matter of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Another process has it.
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process, if it left its number.
        pid: Option<u32>,
    },
    /// The disk is full, or a quota is used up.
    Full(String),
    /// A file is not what was written.
    Damaged(String),
    /// The path leads to something else than a folder.
    NotAFolder(PathBuf),
    /// This user may not read and write there.
    NotPermitted(String),
    /// The disk, or the system, failed.
    Io(String),
}

/// Trouble with one file. The text names the file, what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No room on the disk.
    Full(String),
    /// A file is not what was written.
    Damaged(String),
    /// This user may not.
    NotPermitted(String),
    /// All else.
    Io(String),
}

impl Trouble {
    /// Sorts an error of the system.
    pub fn of_io(file: &str, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let kind = error.kind();
        if matches!(kind, Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge) {
            Self::Full(format!("{error} while writing {file}: free some space there, the log then goes on by itself"))
        } else if matches!(kind, Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
            Self::NotPermitted(format!(
                "{error}: {file}: let this user read and write it, or choose another data folder"
            ))
        } else if matches!(kind, Kind::InvalidData | Kind::UnexpectedEof) {
            Self::damaged(file, &error.to_string())
        } else {
            Self::Io(format!("{error}: {file}: look at the disk and the system's log"))
        }
    }

    /// Sorts an error of the store.
    pub fn of_store(file: &str, error: &redb::Error) -> Self {
        if let redb::Error::Io(error) = error {
            Self::of_io(file, error)
        } else if matches!(
            error,
            redb::Error::Corrupted(_)
                | redb::Error::UpgradeRequired(_)
                | redb::Error::TableTypeMismatch { .. }
                | redb::Error::TableDoesNotExist(_)
                | redb::Error::TypeDefinitionChanged { .. }
        ) {
            Self::damaged(file, &error.to_string())
        } else {
            Self::Io(format!("{error}: {file}: look at the disk and the system's log"))
        }
    }

    /// A file is not what was written.
    pub fn damaged(file: &str, what: &str) -> Self {
        Self::Damaged(format!(
            "{file} is damaged ({what}): restore the data folder from a backup, or move it away to begin anew"
        ))
    }

    fn text(self) -> String {
        match self {
            Self::Full(text) | Self::Damaged(text) | Self::NotPermitted(text) | Self::Io(text) => text,
        }
    }
}

impl From<Trouble> for OpenError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Full(text) => Self::Full(text),
            Trouble::Damaged(text) => Self::Damaged(text),
            Trouble::NotPermitted(text) => Self::NotPermitted(text),
            Trouble::Io(text) => Self::Io(text),
        }
    }
}

/// For an append of which nothing was written.
impl From<Trouble> for AppendError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Full(advice) => Self::Full { advice },
            Trouble::Damaged(text) | Trouble::NotPermitted(text) | Trouble::Io(text) => Self::Failed(text),
        }
    }
}

/// For an append that may have been written.
pub fn in_doubt(trouble: Trouble) -> AppendError {
    AppendError::Failed(trouble.text())
}

impl From<Trouble> for ReadError {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble.text())
    }
}

impl OpenError {
    pub(crate) fn of_path(path: &Path, error: &io::Error) -> Self {
        Trouble::of_io(&path.display().to_string(), error).into()
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { folder, pid } => {
                write!(f, "the data folder {} is in use by ", folder.display())?;
                match pid {
                    Some(pid) => write!(f, "process {pid}")?,
                    None => write!(f, "another process")?,
                }
                write!(f, ": stop that engine first, or choose another data folder")
            }
            Self::NotAFolder(path) => {
                write!(f, "{} is not a folder: choose another data folder", path.display())
            }
            Self::Full(text) | Self::Damaged(text) | Self::NotPermitted(text) | Self::Io(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for OpenError {}
