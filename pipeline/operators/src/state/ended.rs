//! Ended executions: which of them leaves the state next, and when (index).
//!
//! Those in which nothing waits for a person leave after a day, or when there are too many of them; those with parked
//! tasks stay for as long as the settings say, and are counted by their parked tasks: ordinary work must never push
//! out what somebody still has to look at.

use std::collections::BTreeSet;

use model::Timestamp;

use super::Execution;

/// Ended executions of a pool without a parked task beyond which the one that ended first leaves.
const MAX_ENDED: usize = 1_000;
/// Parked tasks in ended executions of a pool beyond which the execution that ended first leaves.
const MAX_PARKED: u64 = 10_000;

/// The index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    plain: BTreeSet<(Timestamp, u32)>,
    parked: BTreeSet<(Timestamp, u32)>,
    parked_tasks: u64,
}

impl Ended {
    /// Counts an execution, or takes it out again, as it stands; one whose round is open is not in here.
    pub fn tally(&mut self, execution: &Execution, add: bool) {
        let Some((_, at)) = execution.ended else { return };
        let (entry, parked) = ((at, execution.id.number), u64::from(execution.counts.parked));
        let set = if parked > 0 { &mut self.parked } else { &mut self.plain };
        if add && set.insert(entry) {
            self.parked_tasks += parked;
        } else if !add && set.remove(&entry) {
            self.parked_tasks -= parked;
        }
    }

    /// How many executions have ended.
    pub fn len(&self) -> usize {
        self.plain.len() + self.parked.len()
    }

    /// Whether none has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The execution that leaves since there are too many, with the reason.
    pub fn too_many(&self) -> Option<(u32, String)> {
        if self.plain.len() > MAX_ENDED {
            let why = format!("the pool keeps at most {MAX_ENDED} ended executions");
            return self.plain.first().map(|(_, number)| (*number, why));
        }
        // One that is over the bound all by itself stays: nothing would be won.
        if self.parked_tasks > MAX_PARKED && self.parked.len() > 1 {
            let why = format!("the pool keeps at most {MAX_PARKED} parked tasks of ended executions");
            return self.parked.first().map(|(_, number)| (*number, why));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::execution::example;

    #[test]
    fn one_execution_that_is_over_the_bound_alone_stays_and_of_two_the_first_leaves() {
        let mut ended = Ended::default();
        ended.tally(&example(1, Timestamp(5), 20_000), true);
        assert_eq!(ended.too_many(), None);
        ended.tally(&example(2, Timestamp(6), 1), true);
        assert_eq!(ended.too_many().map(|(number, _)| number), Some(1));
        ended.tally(&example(1, Timestamp(5), 20_000), false);
        assert_eq!((ended.too_many(), ended.len()), (None, 1));
    }
}
