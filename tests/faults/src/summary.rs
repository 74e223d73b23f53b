//! What a run was: numbers for people, counted from the topics.

use std::collections::BTreeMap;
use std::fmt;

use model::event::{AttemptOutcome, Body};
use model::record::Header;
use protocol::log::Topic;
use sim::check::admission::Admitted;
use sim::check::facts::Facts;
use sim::check::model::{Model, Phase};
use sim::log::Tapes;

use crate::faults::{Done, Kind};

/// The numbers.
#[derive(Debug, Default)]
pub struct Figures {
    /// Executions, tasks and attempts.
    pub executions: [usize; 3],
    /// Tasks that passed, failed, were skipped, are parked.
    pub tasks: [usize; 4],
    /// Attempts lost with their nodes.
    pub lost: usize,
    /// Nodes that were given up.
    pub nodes_lost: usize,
    /// Changes of a leader, and the longest time without one, in milliseconds.
    pub takeovers: (usize, u64),
    /// Entries that were ignored since another leader was counted.
    pub deposed: u64,
    /// Records in all topics.
    pub records: usize,
    /// Reports that are in the topic more than once.
    pub doubled: usize,
    /// Snapshots that were compared with the journal.
    pub snapshots: usize,
    /// Faults that took effect, by kind; and those that did not.
    pub faults: (BTreeMap<Kind, usize>, usize),
}

impl Figures {
    /// Counts a partition.
    pub fn partition(&mut self, tapes: &Tapes, admitted: &Admitted, facts: &Facts) {
        self.doubled += facts.reports.len() - facts.by_key.len();
        self.deposed += admitted.deposed;
        self.records += Topic::ALL.iter().map(|(topic, _)| tapes.of(*topic).all().len()).sum::<usize>();
        let (mut leader, mut heard) = (None, None);
        for stored in tapes.of(Topic::Journal).all() {
            let Ok(header) = serde_json::from_slice::<Header>(&stored.record.header) else { continue };
            match header {
                Header::Announced { epoch, leader: by } if leader.as_ref().is_none_or(|(last, _)| *last < epoch) => {
                    if let Some(heard) = heard {
                        let (count, longest) = self.takeovers;
                        self.takeovers = (count + 1, longest.max(stored.visible.saturating_sub(heard)));
                    }
                    (leader, heard) = (Some((epoch, by)), Some(stored.visible));
                }
                Header::Entry { epoch, leader: by, .. } | Header::Beat { epoch, leader: by } => {
                    if leader == Some((epoch, by)) {
                        heard = Some(stored.visible);
                    }
                }
                Header::Announced { .. } | Header::Resigned { .. } => {}
            }
        }
        for event in admitted.entries.iter().flat_map(|at| &at.entry.events) {
            if let Body::AttemptEnded(ended) = &event.event {
                self.lost += usize::from(ended.outcome == AttemptOutcome::Lost);
            }
            self.nodes_lost += usize::from(matches!(event.event, Body::NodeLost { .. }));
        }
    }

    /// Counts a pool.
    pub fn pool(&mut self, model: &Model) {
        let tasks = || model.executions.values().flat_map(|execution| &execution.tasks);
        let with = |phase: Phase| tasks().filter(|task| task.phase == phase).count();
        let add = |sum: &mut usize, more: usize| *sum += more;
        add(&mut self.executions[0], model.executions.len());
        add(&mut self.executions[1], tasks().count());
        add(&mut self.executions[2], model.leases.len());
        let phases = [Phase::Passed, Phase::Failed, Phase::Skipped, Phase::Parked];
        self.tasks.iter_mut().zip(phases).for_each(|(sum, phase)| *sum += with(phase));
    }

    /// Counts the faults.
    pub fn faults(&mut self, faults: &[Done]) {
        for fault in faults {
            if fault.effective {
                *self.faults.0.entry(fault.kind).or_default() += 1;
            } else {
                self.faults.1 += 1;
            }
        }
    }

    /// Faults that took effect, and of how many kinds.
    pub fn effective(&self) -> (usize, usize) {
        (self.faults.0.values().sum(), self.faults.0.len())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [executions, tasks, attempts] = self.executions;
        let [passed, failed, skipped, parked] = self.tasks;
        let (count, kinds) = self.effective();
        let (takeovers, longest) = self.takeovers;
        writeln!(f, "{executions} executions, {tasks} tasks, {attempts} attempts, {} of them lost", self.lost)?;
        writeln!(f, "tasks: {passed} passed, {failed} failed, {skipped} skipped, {parked} parked")?;
        writeln!(f, "{count} faults of {kinds} kinds, {} more without effect:", self.faults.1)?;
        for (kind, count) in &self.faults.0 {
            writeln!(f, "{count:>5}  {}", kind.words())?;
        }
        writeln!(
            f,
            "{takeovers} takeovers, {longest} ms without a leader at most; {} late entries ignored",
            self.deposed
        )?;
        let Self { nodes_lost, doubled, records, snapshots, .. } = self;
        write!(
            f,
            "{nodes_lost} nodes given up, {doubled} reports doubled, {records} records and {snapshots} snapshots read"
        )
    }
}
