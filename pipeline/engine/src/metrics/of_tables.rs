//! How the journal's tables do, as numbers: what has landed, and what waits.

use prometheus::{IntCounter, IntGauge, Registry};

use super::{Metric, put};

/// What the writer of the tables tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TablesFigures {
    /// Rows that have landed since the start.
    pub rows: u64,
    /// Bytes of rows that wait, in memory.
    pub waiting_bytes: u64,
    /// Nothing can land just now.
    pub failing: bool,
}

/// The tables' part of the catalogue.
#[derive(Debug)]
pub struct OfTables {
    rows: IntCounter,
    waiting: IntGauge,
    failing: IntGauge,
}

impl OfTables {
    /// All at zero.
    pub fn new(registry: &Registry) -> Self {
        let gauge = |m: Metric| put(registry, IntGauge::with_opts(m.opts()));
        Self {
            rows: put(registry, IntCounter::with_opts(Metric::TablesRows.opts())),
            waiting: gauge(Metric::TablesWaitingBytes),
            failing: gauge(Metric::TablesFailing),
        }
    }

    /// Takes in what the writer tells.
    pub fn observe(&self, figures: TablesFigures) {
        self.rows.inc_by(figures.rows.saturating_sub(self.rows.get()));
        self.waiting.set(i64::try_from(figures.waiting_bytes).unwrap_or(i64::MAX));
        self.failing.set(i64::from(figures.failing));
    }
}
