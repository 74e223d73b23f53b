//! An engine instance as the shell runs it: one partition, its place in each stream, its machine's clocks.
//!
//! The shell decides nothing, so there is little here: what was read is told, what comes out is done.

use model::record::Consumed;
use protocol::Partition;
use protocol::clock::Instants;
use protocol::log::Topic;

/// The wall clock at the world's beginning.
pub const WALL: u64 = 1_800_000_000_000;

/// The streams that a leader reads, in the order in which it is told of them.
pub const INPUTS: [Topic; 3] = [Topic::Requests, Topic::Reports, Topic::Heartbeats];

/// One instance.
#[derive(Debug)]
pub struct Engine {
    /// Its machine; none while the process is down.
    pub partition: Option<Partition>,
    /// Counts its lives.
    pub life: u32,
    /// How far its machine's steady clock is ahead of the world's.
    pub boot: u64,
    /// How far its wall clock is off.
    pub wall: i64,
    /// Where it reads the inputs, while it does.
    pub reading: Option<[u64; 3]>,
    /// Until when it cannot read: the journal, then each input.
    pub stalled: [u64; 4],
    /// It stands still.
    pub paused: bool,
    /// When it looks next.
    pub next_poll: u64,
    /// When its last append is placed: the next one is placed after it.
    pub last_place: u64,
    /// It dies at its next append.
    pub armed: bool,
    /// Its administrator accepts the wall clock as it is.
    pub accept_clock: bool,
    /// Each append of it takes so much longer.
    pub slow_ms: u64,
}

impl Engine {
    /// An instance that is down.
    pub fn new(index: u64, wall: i64) -> Self {
        Self {
            partition: None,
            life: 0,
            boot: 1_000_000 * (index + 1),
            wall,
            reading: None,
            stalled: [0; 4],
            paused: false,
            next_poll: 0,
            last_place: 0,
            armed: false,
            accept_clock: false,
            slow_ms: 0,
        }
    }

    /// What its machine's clocks say.
    pub fn instants(&self, now: u64) -> Instants {
        Instants { wall_ms: (WALL + now).saturating_add_signed(self.wall), boot_ms: self.boot + now }
    }

    /// Begins to read the inputs.
    pub fn read_inputs(&mut self, from: Consumed, beats: u64) {
        self.reading = Some([from.requests, from.reports, beats]);
    }

    /// Whether it does anything.
    pub fn is_up(&self) -> bool {
        self.partition.is_some()
    }
}
