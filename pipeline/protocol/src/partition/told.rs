//! What a partition is told, and what it wants done.

use std::sync::Arc;

use model::record::{Consumed, Entry};
use model::request::Answer;
use model::{Command, Key, NodeId, PoolId, Renew};

use crate::log::{NewRecord, Record, Topic};

/// What a partition is told.
#[derive(Debug)]
pub enum In {
    /// Records of the journal, in order; `end`: where the journal ended when it was read.
    Journal {
        /// The records.
        records: Vec<Record>,
        /// Where to read on: beyond the records, or beyond a gap.
        next: u64,
        /// The journal's end.
        end: u64,
    },
    /// Records of an input topic, in order. To be told at least every half second even when there are none: an input
    /// that is not looked at makes us deaf, and nobody silent.
    Input {
        /// The topic.
        topic: Topic,
        /// The records.
        records: Vec<Record>,
        /// Where to read on: beyond the records, or beyond a gap.
        next: u64,
        /// The topic's end.
        end: u64,
    },
    /// Records of an input topic were deleted before they were read.
    InputCut {
        /// The topic.
        topic: Topic,
        /// Where they were to be read.
        position: u64,
        /// What the topic holds begins here.
        start: u64,
        /// The topic's end.
        end: u64,
    },
    /// An append to the journal failed.
    AppendFailed {
        /// Why.
        why: String,
        /// The header of the record: what an earlier leadership of ours appended is no news to this one.
        header: Vec<u8>,
    },
    /// It should lead: announce, once the journal is read to its end.
    Lead,
    /// It shall stop leading, as planned.
    Resign,
    /// Nothing but the time.
    Tick,
    /// The rejects of this entry are durable.
    RejectsOut {
        /// The number of the entry.
        seq: u64,
    },
    /// A snapshot was written.
    Snapshot {
        /// The number of its last entry.
        seq: u64,
    },
}

/// What a partition wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// Append to the journal.
    Append(NewRecord),
    /// Read `requests` and `reports` from these positions on, `heartbeats` from its end.
    ReadInputs(Consumed),
    /// Read no inputs.
    StopInputs,
    /// Send a command.
    Command(Command),
    /// Answer a beat.
    Renew {
        /// The pool.
        pool: PoolId,
        /// The node.
        node: NodeId,
        /// The answer.
        renew: Renew,
    },
    /// An entry was admitted, by whoever wrote it.
    Admitted {
        /// Its number.
        seq: u64,
        /// The entry.
        entry: Arc<Entry>,
        /// How long it waited for its read-back, if it is our own.
        waited_ms: Option<u64>,
    },
    /// A request was answered, by whoever decided about it.
    Answered {
        /// The pool.
        pool: PoolId,
        /// The request's key.
        key: Key,
        /// A hash of what was asked, as `operators::intake::content` makes it: another request may have had the key.
        content: u64,
        /// The answer.
        answer: Answer,
        /// The number of the entry.
        seq: u64,
    },
    /// The records of one entry for `rejects`, to be appended together; when they are durable, that is to be told.
    Reject {
        /// The records.
        records: Vec<NewRecord>,
        /// The number of the entry that rejected them.
        seq: u64,
    },
    /// It is time for a snapshot of the replica.
    SnapshotDue,
    /// It leads from here on, or not.
    Leading(bool),
    /// For the administrator.
    Alarm(String),
    /// It cannot go on: stop, and say why.
    Stop(String),
}
