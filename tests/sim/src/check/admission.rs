//! Admission, written a second time from the design: which records of the journal count.
//!
//! An announcement counts only if its epoch is above every one counted before; an entry only if epoch and leader are
//! those last counted and its number is the next.

use std::sync::Arc;

use model::record::{Announcement, Consumed, Entry, Header};
use model::{JournalId, LeaderId};

use crate::log::Tape;

/// What counts.
#[derive(Debug, Default)]
pub struct Admitted {
    /// Entries, in order.
    pub entries: Vec<At>,
    /// The journal's id.
    pub journal: Option<JournalId>,
    /// When the first announcement was made.
    pub first: u64,
    /// What does not fit.
    pub violations: Vec<String>,
    /// Entries that were ignored since another leader was counted.
    pub deposed: u64,
}

/// An admitted entry and its place.
#[derive(Debug)]
pub struct At {
    /// Since when it is visible.
    pub visible: u64,
    /// Since when its leader's announcement is visible.
    pub led_since: u64,
    /// Its leader's epoch.
    pub epoch: u64,
    /// Its leader.
    pub leader: LeaderId,
    /// Its number.
    pub seq: u64,
    /// When the journal was first announced, in the time of this entry.
    pub first: u64,
    /// How far the clock was moved on purpose just before it.
    pub shift: i64,
    /// Its position.
    pub position: u64,
    /// The entry.
    pub entry: Arc<Entry>,
}

/// Reads a journal from its first byte.
pub fn admit(tape: &Tape) -> Admitted {
    let mut admitted = Admitted::default();
    let mut counted: Option<(u64, LeaderId, u64)> = None;
    let (mut seq, mut now, mut consumed, mut shift) = (0, 0, Consumed::default(), 0);
    for stored in tape.all() {
        let Ok(header) = serde_json::from_slice::<Header>(&stored.record.header) else { continue };
        match header {
            Header::Announced { epoch, leader } => {
                if counted.as_ref().is_some_and(|(last, _, _)| *last >= epoch) {
                    continue;
                }
                counted = Some((epoch, leader, stored.visible));
                if let Ok(said) = serde_json::from_slice::<Announcement>(&stored.record.value) {
                    shift += said.clock_shift_ms;
                    if said.clock_shift_ms != 0 {
                        now = 0;
                    }
                    if admitted.journal.is_none() {
                        admitted.first = said.now.0;
                    }
                    admitted.first = admitted.first.saturating_add_signed(said.clock_shift_ms);
                    admitted.journal.get_or_insert(said.journal);
                }
            }
            Header::Entry { epoch, leader, seq: number } => {
                let Some((_, _, led_since)) = counted.as_ref().filter(|(e, l, _)| *e == epoch && *l == leader) else {
                    admitted.deposed += 1;
                    continue;
                };
                if number != seq + 1 {
                    continue;
                }
                let Ok(entry) = serde_json::from_slice::<Entry>(&stored.record.value) else {
                    admitted.violations.push(format!("I3: entry {number} is no JSON"));
                    continue;
                };
                seq = number;
                if entry.now.0 < now {
                    admitted.violations.push(format!("time falls from {now} to {} in entry {seq}", entry.now.0));
                }
                if entry.consumed.requests < consumed.requests || entry.consumed.reports < consumed.reports {
                    admitted.violations.push(format!("I9: entry {seq} consumes again: {:?}", entry.consumed));
                }
                (now, consumed) = (entry.now.0, entry.consumed);
                let (visible, led_since) = (stored.visible, *led_since);
                let shift = std::mem::take(&mut shift);
                let (first, position) = (admitted.first, stored.record.position);
                admitted.entries.push(At {
                    position,
                    first,
                    visible,
                    led_since,
                    epoch,
                    leader,
                    seq,
                    shift,
                    entry: Arc::new(entry),
                });
            }
            Header::Beat { .. } | Header::Resigned { .. } => {}
        }
    }
    admitted
}
