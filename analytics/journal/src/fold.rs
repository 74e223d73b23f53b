//! Folding: a thread that reads the journals of all partitions into their landings, from the tap while it can keep up, from
//! the log while it cannot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::log::{ReadError, Record};
use rows::Landing;

use crate::tables::Shared;
use crate::write::lock;

/// How long nothing may come before it looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a journal that cannot be read is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// How a partition's journal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the log, up to where the tap begins.
    Log { until: Option<u64> },
    /// From the tap.
    Tap,
    /// Not at all, for good.
    Stopped,
}

/// Reads until it is told to stop.
pub fn run(shared: Arc<Shared>) {
    let mut ways = vec![Way::Log { until: None }; shared.parts.len()];
    while !shared.stop.load(Ordering::Acquire) {
        let mut read = false;
        for (partition, way) in ways.iter_mut().enumerate() {
            if let Some(landing) = lock(&shared.parts[partition]).as_mut() {
                read |= step(&shared, partition, landing, way);
            }
        }
        if !read {
            shared.engine.wait_for_taps(PATIENCE);
        }
    }
}

/// Reads a page, if there is one and room for what it makes; says whether there may be more.
fn step(shared: &Shared, partition: usize, landing: &mut Landing, way: &mut Way) -> bool {
    if landing.is_full() {
        shared.full.notify_one();
        return false;
    }
    let number = u32::try_from(partition).unwrap_or(u32::MAX);
    match way {
        Way::Stopped => false,
        Way::Tap => match shared.engine.take_from_tap(number) {
            Some(records) => take(shared, landing, &records, way) && !records.is_empty(),
            None => {
                *way = Way::Log { until: None };
                true
            }
        },
        Way::Log { until } => {
            let until = *until.get_or_insert_with(|| shared.engine.open_tap(number));
            if landing.replica().position >= until {
                *way = Way::Tap;
                return true;
            }
            match shared.engine.past(number, landing.replica().position) {
                Ok(page) => {
                    take(shared, landing, &page.records, way);
                    // Beyond a gap that holds no records at all.
                    if page.records.is_empty() && page.next >= until {
                        *way = Way::Tap;
                    }
                    true
                }
                Err(ReadError::Cut { start, .. }) => cut(shared, number, landing, start),
                Err(ReadError::Failed(why)) => {
                    shared.trouble(format!("the journal cannot be read: {why}"));
                    std::thread::sleep(AGAIN);
                    false
                }
            }
        }
    }
}

/// Folds records; says whether that went well.
fn take(shared: &Shared, landing: &mut Landing, records: &[Record], way: &mut Way) -> bool {
    let position = landing.replica().position;
    for record in records.iter().filter(|record| position <= record.position) {
        if let Err(unreadable) = landing.read(record, None) {
            shared.trouble(unreadable.to_string());
            *way = Way::Stopped;
            return false;
        }
    }
    true
}

/// The journal no longer reaches back to where the tables are: what is gone is said, and the newest snapshot gone on from.
fn cut(shared: &Shared, partition: u32, landing: &mut Landing, start: u64) -> bool {
    let landed = rows::Table::ALL.map(|table| landing.landed(table));
    let replica = shared.engine.fold_up_to(partition, u64::MAX);
    if replica.position < start {
        shared.trouble(format!("the journal begins at {start}, and no snapshot reaches it: restore it from a copy"));
        std::thread::sleep(AGAIN);
        return false;
    }
    tracing::error!(
        partition,
        from = landing.replica().seq + 1,
        to = replica.seq,
        "these entries were deleted from the journal before they had landed: the tables do not have them"
    );
    *landing = Landing::new((partition, shared.engine.partitions()), replica, landed);
    true
}
