//! Records of the journal: entries, and the announcements that say whose entries count.
//!
//! A record has a small header, so that a leader knows its own entries again without parsing them.

use serde::{Deserialize, Serialize};

use crate::{Event, JournalId, LeaderId, NodeId, PoolId, Timestamp};

/// The journal's format: raised by any new kind or field. An older version stops at a newer format.
pub const FORMAT: u32 = 1;
/// Largest entry as JSON, in bytes.
pub const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// The topics of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What people ask.
    Requests,
    /// What happens to attempts.
    Reports,
    /// Beats: soft, kept minutes.
    Heartbeats,
    /// Every decision.
    Journal,
    /// What nodes shall do.
    Commands,
    /// What could not be read, and why.
    Rejects,
}

impl Topic {
    /// Each topic with its word.
    pub const ALL: [(Topic, &'static str); 6] = [
        (Topic::Requests, "requests"),
        (Topic::Reports, "reports"),
        (Topic::Heartbeats, "heartbeats"),
        (Topic::Journal, "journal"),
        (Topic::Commands, "commands"),
        (Topic::Rejects, "rejects"),
    ];

    /// The topic's word.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The key of records of `commands`: `POOL/NODE`. A slash is in no name.
pub fn command_key(pool: &PoolId, node: &NodeId) -> Vec<u8> {
    format!("{pool}/{node}").into_bytes()
}

/// The pool and node that a key of `commands` names; none if it is no such key.
pub fn command_key_of(key: &[u8]) -> Option<(PoolId, NodeId)> {
    let (pool, node) = std::str::from_utf8(key).ok()?.split_once('/')?;
    Some((PoolId::new(pool).ok()?, NodeId::new(node).ok()?))
}

/// What the header of a journal record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Header {
    /// Somebody wants to lead.
    Announced {
        /// Greater than every epoch that it read.
        epoch: u64,
        /// Drawn afresh for this announcement.
        leader: LeaderId,
    },
    /// The leader leaves as planned.
    Resigned {
        /// Its epoch.
        epoch: u64,
        /// The leader.
        leader: LeaderId,
    },
    /// The leader has nothing to say.
    Beat {
        /// Its epoch.
        epoch: u64,
        /// The leader.
        leader: LeaderId,
    },
    /// The events of one batch.
    Entry {
        /// The leader's epoch.
        epoch: u64,
        /// The leader.
        leader: LeaderId,
        /// Counts admitted entries, across epochs, from 1.
        seq: u64,
    },
}

/// The body of an announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The engine's clock.
    pub now: Timestamp,
    /// The journal's format as the leader writes it.
    pub format: u32,
    /// How many partitions there are, chosen once.
    pub partitions: u32,
    /// The journal's id, drawn by the first announcement; a later one repeats it.
    pub journal: JournalId,
    /// By how much the clock was moved on purpose, in milliseconds (`--accept-clock`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock_shift_ms: i64,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// The body of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The leader's clock; it never falls.
    pub now: Timestamp,
    /// Up to which position (exclusive) each input topic is consumed by this entry.
    pub consumed: Consumed,
    /// The events, in the order in which they were decided.
    pub events: Vec<Event>,
}

/// Positions, each that of the next record to be consumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// Of `requests`.
    pub requests: u64,
    /// Of `reports`.
    pub reports: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_commands_names_the_node_that_it_was_made_of() {
        let (pool, node) = (PoolId::new("web:eu@2").unwrap(), NodeId::new("n-1.a_b+c").unwrap());
        let key = command_key(&pool, &node);
        assert_eq!(key, b"web:eu@2/n-1.a_b+c");
        assert_eq!(command_key_of(&key), Some((pool, node)));
        for bad in ["", "p", "/", "p/", "/n", "p/n/x", "p//n", "p n/x", "../n"] {
            assert_eq!(command_key_of(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(command_key_of(b"p/\xff"), None);
    }
}
