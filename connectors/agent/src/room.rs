//! Room on the disk under an agent's state: the last of it belongs to outcomes and reports, not to output and starts.
//!
//! Below the reserve supervisors keep no more output, and the node is closed: what it took would only be taken back.
//! It opens at twice the reserve, so that one small file does not close and open it in turns.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use nix::sys::statvfs::statvfs;
use tokio::time::sleep;

use crate::ledger::Ledger;
use crate::rules::Closed;

/// What is kept free, at most: outcomes and reports of many attempts.
const RESERVE_BYTES: u64 = 8 * 1024 * 1024;
/// A small disk keeps free one part of so many.
const PARTS: u64 = 16;
/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How much a file system has left for this user, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    free: u64,
    reserve: u64,
}

impl Room {
    /// Of the file system that holds this path.
    pub fn under(path: &Path) -> io::Result<Self> {
        let disk = statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
        Ok(Self::of(bytes(disk.blocks_available()), bytes(disk.blocks())))
    }

    /// One that does not say how large it is has no reserve.
    fn of(free: u64, total: u64) -> Self {
        Self { free, reserve: RESERVE_BYTES.min(total / PARTS) }
    }

    /// Whether so many bytes more leave the reserve alone.
    pub fn has(self, bytes: u64) -> bool {
        self.reserve.saturating_add(bytes) <= self.free
    }

    /// Whether a node is to be closed that is closed already, or is open.
    fn closes(self, is_closed: bool) -> bool {
        !self.has(if is_closed { self.reserve } else { 0 })
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB are free, of which {} are kept for reports", self.free / 1024, self.reserve / 1024)
    }
}

/// Whether an error says that there is no room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Closes the node while its disk is full, for ever. A disk that cannot be asked shows when it is written to.
pub async fn watch(ledger: Arc<Ledger>, folder: PathBuf) {
    let mut is_closed = false;
    loop {
        let path = folder.clone();
        // Aside: a disk that hangs must hold up neither beats nor reports.
        let room = tokio::task::spawn_blocking(move || Room::under(&path)).await;
        if let Ok(Ok(room)) = room
            && room.closes(is_closed) != is_closed
        {
            is_closed = !is_closed;
            if is_closed {
                let words = format!("its disk is full: under {} {room}; free some space", folder.display());
                tracing::error!("no starts are taken until there is room: {words}");
                ledger.with_rules(|rules| rules.close(Closed::Room, words));
            } else {
                tracing::info!("the disk has room again, starts are taken");
                ledger.with_rules(|rules| rules.reopen(Closed::Room));
            }
            ledger.nudge.notify_one();
        }
        sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_closes_below_the_reserve_and_opens_at_twice_as_much() {
        const MIB: u64 = 1024 * 1024;
        for (free, total, open_closes, closed_stays) in [
            (16 * MIB, 1024 * MIB, false, false),
            (16 * MIB - 1, 1024 * MIB, false, true),
            (8 * MIB, 1024 * MIB, false, true),
            (8 * MIB - 1, 1024 * MIB, true, true),
            (MIB, 16 * MIB, false, true), // a small disk: one part of sixteen
            (MIB - 1, 16 * MIB, true, true),
            (0, 0, false, false), // one that does not say how large it is
        ] {
            let room = Room::of(free, total);
            assert_eq!((room.closes(false), room.closes(true)), (open_closes, closed_stays), "{free} of {total}");
        }
    }
}
