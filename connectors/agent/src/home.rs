//! An agent's folder, `agents/NAME/` in the user's state folder: its identity over restarts.
//!
//! | file | what |
//! |---|---|
//! | `lock` | locked for as long as the agent lives: a name belongs to one agent |
//! | `boot` | [`Boots`]: the last boot that was begun, and the one before it |
//! | `journal` | the journal last met |
//! | `reports-BOOT` | the report store of that boot, see [`crate::store`] |
//! | `aside/JOURNAL` | reports of another journal's leases, a line each |
//! | `attempts/LEASE/` | one attempt, see [`crate::attempt`] |

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{error, fmt};

use model::{BootId, JournalId, LeaseId, NodeId, PoolId};
use serde::{Deserialize, Serialize};

use crate::endpoint::private_folder;
use crate::machine;
use crate::room::is_full;

/// Most agents that take a name after the host's on one machine.
const MAX_AGENTS: u32 = 1_000;

/// A locked agent's folder.
#[derive(Debug)]
pub struct Home {
    /// The agent's name.
    pub node: NodeId,
    path: PathBuf,
    /// Held until the agent ends, however it ends.
    _lock: File,
}

/// The lives of a node, as the file `boot` has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boots {
    /// The last one that was begun.
    pub boot: BootId,
    /// The one before it.
    pub was: Option<BootId>,
    /// The pool that it served.
    pub pool: PoolId,
}

/// The name belongs to an agent that lives.
#[derive(Debug)]
pub struct NameInUse(NodeId);

impl fmt::Display for NameInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an agent named `{}` runs on this machine already; give this one another name with --name", self.0)
    }
}

impl error::Error for NameInUse {}

impl Home {
    /// Takes the folder of this name, or of the first free name after the host's.
    pub fn take(state: &Path, name: Option<&NodeId>) -> io::Result<Self> {
        private_folder(state).map_err(unwritable(state))?;
        if let Some(name) = name {
            return Self::lock(state, name)?.ok_or_else(|| io::Error::other(NameInUse(name.clone())));
        }
        let host = machine::host_name();
        for number in 1..=MAX_AGENTS {
            let name = if number == 1 { host.to_string() } else { format!("{host}-{number}") };
            let name = NodeId::new(&name).map_err(io::Error::other)?;
            if let Some(home) = Self::lock(state, &name)? {
                return Ok(home);
            }
        }
        Err(io::Error::other(NameInUse(host)))
    }

    fn lock(state: &Path, name: &NodeId) -> io::Result<Option<Self>> {
        let path = state.join("agents").join(name.as_str());
        let make = || {
            private_folder(&path)?;
            File::create(path.join("lock"))
        };
        let lock = make().map_err(unwritable(&path))?;
        match lock.try_lock() {
            Ok(()) => {
                for folder in ["attempts", "aside"].map(|name| path.join(name)) {
                    fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
                }
                Ok(Some(Self { node: name.clone(), path, _lock: lock }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unwritable(&path)(error)),
        }
    }

    /// The lives before this one, if there were any.
    pub fn boots(&self) -> io::Result<Option<Boots>> {
        read(&self.path.join("boot"))
    }

    /// Begins a life. What earlier ones had to say has been said: their stores go, and so does what was kept aside,
    /// since the leases that it speaks of ended with their boot.
    pub fn begin(&self, boots: &Boots) -> io::Result<()> {
        write(&self.path.join("boot"), &serde_json::to_vec(boots)?)?;
        let aside = self.path.join("aside");
        for path in entries(&self.path)?.into_iter().chain(entries(&aside)?) {
            let is_store = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"reports-"));
            if is_store && path != self.store(&boots.boot) || path.parent() == Some(&aside) {
                fs::remove_file(&path).map_err(unwritable(&path))?;
            }
        }
        Ok(())
    }

    /// The journal last met.
    pub fn journal(&self) -> io::Result<Option<JournalId>> {
        read(&self.path.join("journal"))
    }

    /// Another journal has been met.
    pub fn meet(&self, journal: JournalId) -> io::Result<()> {
        write(&self.path.join("journal"), &serde_json::to_vec(&journal)?)
    }

    /// Where the report store of a boot is.
    pub fn store(&self, boot: &BootId) -> PathBuf {
        self.path.join(format!("reports-{boot}"))
    }

    /// Where reports of another journal's leases are kept.
    pub fn aside(&self, journal: JournalId) -> PathBuf {
        self.path.join("aside").join(journal.to_string())
    }

    /// The folder of one attempt.
    pub fn attempt(&self, lease: LeaseId) -> PathBuf {
        self.path.join("attempts").join(lease.to_string())
    }

    /// The attempts that have a folder.
    pub fn attempts(&self) -> io::Result<Vec<LeaseId>> {
        let lease = |path: PathBuf| path.file_name()?.to_str()?.parse::<LeaseId>().ok();
        let mut leases: Vec<_> = entries(&self.path.join("attempts"))?.into_iter().filter_map(lease).collect();
        leases.sort_unstable();
        Ok(leases)
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> io::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path)(error)),
    };
    let damaged = |error| {
        let path = path.display();
        io::Error::new(io::ErrorKind::InvalidData, format!("{path} is damaged ({error}); remove it to start afresh"))
    };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Writes a small file so that after a power loss it is the old one or the new one.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content).and_then(|_| sync_folder_of(path)).map_err(unwritable(path))
}

/// Puts a file with this content, synced, in the place of another; the folder is still to be synced. Returns the new
/// file, to be read and written.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<File> {
    let aside = path.with_added_extension("new");
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&aside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    Ok(file)
}

/// Makes what was created, renamed or removed in the folder of `path` durable.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// An error as people can do something about it: what could not be written, why, and what helps.
pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| {
        let advice = if is_full(&error) { "free some space" } else { "let this user write there" };
        let path = path.display();
        let words = format!("{path} cannot be written: {error}; {advice}, or set XDG_STATE_HOME to another folder");
        io::Error::new(error.kind(), words)
    }
}

/// The same of what could not be read.
pub fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| {
        let words = format!("{} cannot be read: {error}; mend that, or remove it to start afresh", path.display());
        io::Error::new(error.kind(), words)
    }
}

/// What is in a folder.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    read().map_err(unreadable(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_living_agent() {
        let state = tempfile::tempdir().unwrap();
        let name = NodeId::new("n1").unwrap();
        let first = Home::take(state.path(), Some(&name)).unwrap();
        let error = Home::take(state.path(), Some(&name)).unwrap_err();
        assert!(error.to_string().contains("`n1` runs on this machine already"), "{error}");
        drop(first);
        Home::take(state.path(), Some(&name)).unwrap();
    }

    #[test]
    fn agents_without_a_name_take_the_hosts_and_count() {
        let state = tempfile::tempdir().unwrap();
        let first = Home::take(state.path(), None).unwrap();
        let second = Home::take(state.path(), None).unwrap();
        assert_eq!(second.node.as_str(), format!("{}-2", first.node));
    }

    #[test]
    fn lives_and_journal_are_remembered_and_damage_is_said() {
        let state = tempfile::tempdir().unwrap();
        let home = Home::take(state.path(), Some(&NodeId::new("n1").unwrap())).unwrap();
        assert_eq!((home.boots().unwrap(), home.journal().unwrap()), (None, None));
        let pool = PoolId::new("p").unwrap();
        let boots = Boots { boot: BootId::new("b2").unwrap(), was: Some(BootId::new("b1").unwrap()), pool };
        home.begin(&boots).unwrap();
        home.meet(JournalId(5)).unwrap();
        assert_eq!((home.boots().unwrap(), home.journal().unwrap()), (Some(boots), Some(JournalId(5))));
        fs::write(home.path.join("boot"), "{").unwrap();
        assert!(home.boots().unwrap_err().to_string().contains("damaged"));
    }
}
