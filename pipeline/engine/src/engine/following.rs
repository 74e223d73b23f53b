//! Following the journal beside the engine: for who folds it for themselves, as the writer of the tables does.

use std::time::Duration;

use protocol::Replica;
use protocol::log::{Page, ReadError, Record, Topic};

use super::Engine;
use crate::snapshots;

/// Bytes of one read of the past.
const PAGE: usize = 1 << 20;

impl Engine {
    /// A fold of a partition's journal from which to read on: the newest snapshot's that is not beyond this entry, or an
    /// empty one. Blocks while it reads.
    pub fn fold_up_to(&self, partition: u32, seq: u64) -> Replica {
        snapshots::load_up_to(&self.shared.options.snapshots, partition, seq)
    }

    /// Records of a partition's journal from a position on, as the log holds them. Blocks while it reads.
    pub fn past(&self, partition: u32, position: u64) -> Result<Page, ReadError> {
        let Some(part) = self.in_partition(partition) else { return Ok(Page::default()) };
        self.shared.log.past(part.stream(Topic::Journal), position, PAGE)
    }

    /// Opens the tap of a partition's journal, which has one listener: all records from the position that this returns on
    /// can be taken, until it closes.
    pub fn open_tap(&self, partition: u32) -> u64 {
        self.in_partition(partition).map_or(0, |part| part.tap.open())
    }

    /// Records that have come since; none if the tap is closed, since too many came.
    pub fn take_from_tap(&self, partition: u32) -> Option<Vec<Record>> {
        self.in_partition(partition)?.tap.take()
    }

    /// Waits until a tap of any partition has something, at most so long.
    pub fn wait_for_taps(&self, at_most: Duration) {
        self.shared.bell.wait(at_most);
    }
}
