//! What a partition is set up with.

use operators::{Input, Planted};

/// What a partition is set up with.
#[derive(Debug, Clone)]
pub struct Config {
    /// For the operators.
    pub operators: operators::Config,
    /// Which partition it is, of how many.
    pub partition: (u32, u32),
    /// Whether other instances stand by: then a leader beats, and a follower watches for silence.
    pub standby: bool,
    /// Entries that may wait to be read back.
    pub outstanding: usize,
    /// An entry that is not read back for so long is doubt.
    pub readback_ms: u64,
    /// How often silence and limits are looked at.
    pub watch_ms: u64,
    /// Entries between two snapshots.
    pub snapshot_entries: u64,
    /// Go on although the wall clock is far from the last entry.
    pub accept_clock: bool,
    /// For tests: deciding about a request of this person panics, to prove that a bug of ours does not stop a pool.
    pub trip_on: Option<String>,
    /// For tests: a fault in this machine.
    pub fault: Option<Fault>,
}

/// Faults that tests plant in the protocol; none of them is ever set outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the rule that it breaks")]
pub enum Fault {
    EffectsBeforeAdmission,
    StartBeforeOwnAnnouncement,
    NoSequenceCheck,
    NoEpochCheck,
    NoPositionInEntry,
    TickBeforeWatermark,
    SnapshotWithoutKeys,
    SnapshotWithoutEpoch,
    AnswersBeforeAdmission,
    SoftKeptAfterPause,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            operators: operators::Config::default(),
            partition: (0, 1),
            standby: false,
            outstanding: 8,
            readback_ms: 10_000,
            watch_ms: 100,
            snapshot_entries: 20_000,
            accept_clock: false,
            trip_on: None,
            fault: None,
        }
    }
}

impl Config {
    /// Whether a fault is planted in the operators.
    pub fn planted(&self, fault: Planted) -> bool {
        self.operators.planted == Some(fault)
    }

    /// Whether a fault is planted in this machine.
    pub fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// For tests: panics if the input is the one that shall trip.
    pub fn trip(&self, input: &Input) {
        if let (Some(who), Input::Request(request)) = (&self.trip_on, input) {
            assert!(*who != request.who, "tripped on purpose");
        }
    }
}
