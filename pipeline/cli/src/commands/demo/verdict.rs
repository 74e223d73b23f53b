//! The verdict: what the journal says of each task, held against the ledger that the task keeps itself.
//!
//! A task writes its lease into its own ledger when it has done its work. So for each task there must be one ending in
//! the journal; and if it passed, the lease of the one attempt that passed must be in the ledger, once. More may be
//! signed only under leases that the journal knows as void: an attempt on a frozen node works on, and counts for
//! nothing. Whoever is promised less than that has lost something; whoever gets more has it twice.

use std::collections::{BTreeMap, BTreeSet};

use gateway::view::JournalLine;
use model::event::{AttemptOutcome, TaskResult};
use model::{Body, LeaseId, TaskId};

/// Leases by the task that signed with them, in the order of their signing.
pub type Ledger = BTreeMap<TaskId, Vec<String>>;

/// What came of the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many tasks there are.
    pub total: usize,
    /// How many have exactly one effective result.
    pub effective: usize,
    /// What is missing, for people, a task each.
    pub lost: Vec<String>,
    /// What is there twice, for people, a task each.
    pub doubled: Vec<String>,
    /// How many signatures are under void leases, and count for nothing.
    pub void: usize,
}

impl Verdict {
    /// Whether the promise held.
    pub fn is_good(&self) -> bool {
        self.effective == self.total && self.lost.is_empty() && self.doubled.is_empty()
    }
}

/// Judges all tasks.
pub fn judge(tasks: &[TaskId], journal: &[JournalLine], ledger: &Ledger) -> Verdict {
    let seen = seen(journal);
    let mut verdict = Verdict { total: tasks.len(), ..Verdict::default() };
    let nothing = Seen::default();
    for task in tasks {
        let signed = ledger.get(task).map(Vec::as_slice).unwrap_or_default();
        match seen.get(task).unwrap_or(&nothing).judge(signed) {
            Ok(void) => {
                verdict.effective += 1;
                verdict.void += void;
            }
            Err(Wrong::Lost(why)) => verdict.lost.push(format!("{task} {why}")),
            Err(Wrong::Doubled(why)) => verdict.doubled.push(format!("{task} {why}")),
        }
    }
    verdict
}

/// What the journal says of one task.
#[derive(Debug, Default)]
struct Seen {
    endings: Vec<Ending>,
    /// Each lease that it got, and how it ended.
    leases: BTreeMap<String, Option<AttemptOutcome>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Passed,
    Other,
}

enum Wrong {
    Lost(String),
    Doubled(String),
}

fn seen(journal: &[JournalLine]) -> BTreeMap<TaskId, Seen> {
    let mut tasks: BTreeMap<TaskId, Seen> = BTreeMap::new();
    for line in journal {
        let Some(task) = &line.task else { continue };
        let seen = tasks.entry(task.clone()).or_default();
        let mut lease = |lease: LeaseId, how| _ = seen.leases.insert(lease.to_string(), how);
        if let Body::AttemptDispatched(dispatch) = &line.event {
            lease(dispatch.lease, None);
        } else if let Body::AttemptTakenBack { lease: of, .. } = &line.event {
            lease(*of, Some(AttemptOutcome::Lost));
        } else if let Body::AttemptEnded(ended) = &line.event {
            lease(ended.lease, Some(ended.outcome));
        } else if let Body::TaskEnded { result, .. } = &line.event {
            seen.endings.push(if *result == TaskResult::Passed { Ending::Passed } else { Ending::Other });
        } else if let Body::TaskSkipped { .. } | Body::TaskParked { .. } = &line.event {
            seen.endings.push(Ending::Other);
        }
    }
    tasks
}

impl Seen {
    /// How many void signatures there are, if all else is as promised.
    fn judge(&self, signed: &[String]) -> Result<usize, Wrong> {
        let once: BTreeSet<&String> = signed.iter().collect();
        if once.len() < signed.len() {
            return Err(Wrong::Doubled("signed twice under one lease".to_owned()));
        }
        match self.endings.as_slice() {
            [] => return Err(Wrong::Lost("has no ending in the journal".to_owned())),
            [Ending::Passed] => self.passed(&once)?,
            [Ending::Other] => {}
            [_, _, ..] => return Err(Wrong::Doubled(format!("ended {} times", self.endings.len()))),
        }
        let how = |lease: &String| self.leases.get(lease).copied().flatten();
        let void: Vec<&String> = once.into_iter().filter(|lease| how(lease) != Some(AttemptOutcome::Passed)).collect();
        match void.iter().find(|lease| how(lease).is_none()) {
            Some(lease) => Err(Wrong::Doubled(format!("signed under {lease}, which the journal never gave up"))),
            None => Ok(void.len()),
        }
    }

    /// It passed: one attempt did, and signed.
    fn passed(&self, signed: &BTreeSet<&String>) -> Result<(), Wrong> {
        let passed = self.leases.iter().filter(|(_, how)| **how == Some(AttemptOutcome::Passed));
        match passed.map(|(lease, _)| lease).collect::<Vec<_>>().as_slice() {
            [] => Err(Wrong::Lost("passed, and no attempt of it did".to_owned())),
            [lease] if !signed.contains(lease) => Err(Wrong::Lost(format!("passed under {lease}, which never signed"))),
            [_] => Ok(()),
            [_, _, ..] => Err(Wrong::Doubled("passed by two attempts".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
