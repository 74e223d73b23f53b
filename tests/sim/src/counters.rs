//! Rare branches, counted: a run in which no seed reached one of them has proven nothing about it, and fails.

use std::collections::BTreeMap;

/// Branches that a run over many seeds must reach.
pub const MUST: [&str; 38] = [
    "engine crashed at an append",
    "engine paused and woke",
    "engine stopped by its wall clock",
    "wall clock jumped",
    "clock accepted",
    "clocks apart",
    "takeover",
    "takeover with entries outstanding",
    "two announced at once",
    "deposed leader's late append ignored",
    "announcement ignored",
    "resigned",
    "doubt by lost append",
    "doubt by failed append",
    "append doubled",
    "disk full",
    "reads stalled",
    "snapshot loaded",
    "snapshot rejected",
    "journal trimmed",
    "poison rejected",
    "bug of ours rejected",
    "stale report",
    "report doubled",
    "taken back unseen",
    "taken back by refusal",
    "taken back with its node",
    "refused expired",
    "refused closed",
    "name taken",
    "strict kill",
    "orphan kill",
    "emergency entered",
    "node lost",
    "retry backed off",
    "parked",
    "replay joined a running round",
    "sweep went on in another entry",
];

/// How often each rare branch was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<&'static str, u64>);

impl Counters {
    /// Counts one.
    pub fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds those of another run.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// How often something happened.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(what, count)| (*what, *count))
    }

    /// Branches that were never reached.
    pub fn missing(&self) -> Vec<&'static str> {
        MUST.into_iter().filter(|what| self.of(what) == 0).collect()
    }
}
