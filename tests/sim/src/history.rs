//! What happened outside of the log, for the checker: when decisions were appended, which effects went out, when an
//! instance could not see. Only what the world itself saw; nothing of it is asked of the engine.

use std::collections::BTreeMap;

use model::request::Answer;
use model::{BootId, Key, LeaderId, LeaseId, NodeId};

/// A reader may be so late, in milliseconds of the world, without having been blind.
pub const LATE: u64 = 1_300;

/// All of it.
#[derive(Debug, Default)]
pub struct History {
    /// When each entry was appended, and by which instance: by leader and number.
    pub decided: BTreeMap<(LeaderId, u64), (u64, usize)>,
    /// Effects, in order.
    pub effects: Vec<Effect>,
    /// Spans in which an instance stood still or could not read an input.
    pub blind: Vec<Blind>,
    /// Entries as instances admitted them: number, time, events, by instance and life.
    pub admitted: Vec<Admitted>,
    /// Records put into `rejects`: topic and position that they name.
    pub rejects: Vec<(String, u64)>,
    /// When the faults were over.
    pub calm_at: u64,
    /// Violations that the world itself saw.
    pub violations: Vec<String>,
}

impl History {
    /// When an instance can have read what is visible since a time: it may have been blind then, and read it after.
    pub fn read_at(&self, engine: usize, visible: u64) -> u64 {
        let blind = self.blind.iter().filter(|b| b.engine == engine && b.from <= visible + LATE && visible <= b.to);
        blind.map(|b| b.to).max().unwrap_or(visible)
    }
}

/// An effect that went out.
#[derive(Debug, Clone)]
pub struct Effect {
    /// When.
    pub at: u64,
    /// Of which instance.
    pub engine: usize,
    /// What.
    pub what: What,
}

/// What went out.
#[derive(Debug, Clone)]
pub enum What {
    /// A start of a lease.
    Start(LeaseId),
    /// A cancel of a lease.
    Cancel(LeaseId),
    /// An answer to a beat.
    Renew {
        /// The node.
        node: NodeId,
        /// Its boot.
        boot: BootId,
        /// Leases to stop.
        stop: Vec<LeaseId>,
        /// It shall say hello.
        hello: bool,
    },
    /// An answer to a request.
    Answer(Key, Answer),
}

/// A span in which an instance could not see.
#[derive(Debug, Clone, Copy)]
pub struct Blind {
    /// The instance.
    pub engine: usize,
    /// From when.
    pub from: u64,
    /// Until when.
    pub to: u64,
    /// It stood still as a whole.
    pub pause: bool,
}

/// An entry that an instance admitted.
#[derive(Debug, Clone, Copy)]
pub struct Admitted {
    /// The instance.
    pub engine: usize,
    /// When.
    pub at: u64,
    /// The entry's number.
    pub seq: u64,
    /// The entry's time.
    pub now: u64,
    /// How many events it has.
    pub events: usize,
}
