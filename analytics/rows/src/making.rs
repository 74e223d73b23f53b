//! Making: what one event adds to the tables, seen from the states before and after it.
//!
//! What an event takes away (an attempt's node, an execution's name) is read before it, how things stand is read after.

use model::event::{Classified, Ended};
use model::{Body, Event, JournalId};
use operators::state::{Pool, State};
use protocol::Replica;
use protocol::replica::Step;

use crate::column::{Field, Value};
use crate::tables::{
    Origin, Table, attempts, decisions, events, executions, failures, node_changes, recoveries, test_results,
};

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The number of the entry that it was made of.
    pub position: u64,
    /// A value for each column of its table.
    pub values: Vec<Value>,
}

impl Row {
    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.values.iter().map(Value::bytes).sum::<usize>()
    }
}

/// Makes rows of a partition's journal.
#[derive(Debug, Clone)]
pub struct Maker {
    partition: u32,
    /// The entry at hand, and how many rows each table has of it.
    position: u64,
    made: [u32; Table::ALL.len()],
}

impl Maker {
    /// For a partition.
    pub fn new(partition: u32) -> Self {
        Self { partition, position: 0, made: [0; Table::ALL.len()] }
    }

    /// Whose journal it is.
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// Adds what a step of an entry makes.
    pub fn make(&mut self, journal: JournalId, step: Step<'_>, into: &mut Vec<(Table, Row)>) {
        if self.position != step.when.seq {
            (self.position, self.made) = (step.when.seq, [0; Table::ALL.len()]);
        }
        let mut rows = Adding { maker: self, journal, into };
        if step.folded { after(step, &mut rows) } else { before(step, &mut rows) }
    }

    /// How each open execution stands, as rows of `executions` of the entry that is to come after those that were folded.
    pub fn stand(partition: u32, journal: JournalId, folded: &Replica) -> Vec<Row> {
        let (mut maker, mut into) = (Self { position: folded.seq + 1, ..Self::new(partition) }, Vec::new());
        let mut rows = Adding { maker: &mut maker, journal, into: &mut into };
        for (id, pool) in &folded.state.pools {
            for execution in pool.executions.values().filter(|execution| execution.ended.is_none()) {
                rows.add(Table::Executions, executions::row(id, execution, folded.now));
            }
        }
        into.into_iter().map(|(_, row)| row).collect()
    }
}

struct Adding<'a> {
    maker: &'a mut Maker,
    journal: JournalId,
    into: &'a mut Vec<(Table, Row)>,
}

impl Adding<'_> {
    fn add<R: Field>(&mut self, table: Table, row: R) {
        let count = &mut self.maker.made[table as usize];
        let origin = Origin {
            journal: self.journal,
            journal_partition: self.maker.partition,
            journal_position: self.maker.position,
            journal_row: *count,
        };
        *count += 1;
        let mut values = Vec::with_capacity(R::WIDTH + Origin::WIDTH);
        row.values(&mut values);
        origin.values(&mut values);
        self.into.push((table, Row { position: self.maker.position, values }));
    }
}

fn before(step: Step<'_>, rows: &mut Adding<'_>) {
    let (event, now) = (&step.events[step.index], step.when.now);
    let nothing = Pool::default();
    let pool = step.state.pools.get(&event.pool).unwrap_or(&nothing);
    if !is_named_after(event) {
        rows.add(Table::Events, events::row(pool, event, now, step.when.seq));
    }
    if let Body::AttemptEnded(ended) = &event.event
        && let Some(row) = attempts::row(pool, &event.pool, ended, classified(ended, &step), now)
    {
        rows.add(Table::Attempts, row);
    }
    if let Body::FailureClassified(classified) = &event.event
        && let Some(row) = failures::row(pool, &event.pool, classified, now)
    {
        rows.add(Table::Failures, row);
    }
    if let Body::RetryDecided(decided) = &event.event
        && let Some(row) = decisions::row(pool, &event.pool, decided, now)
    {
        rows.add(Table::Decisions, row);
    }
    if let Body::TestResults { at, attempt, cases } = &event.event {
        for row in test_results::rows(pool, &event.pool, (*at, *attempt), cases, now) {
            rows.add(Table::TestResults, row);
        }
    }
    for row in node_changes::rows(pool, event, now) {
        rows.add(Table::NodeChanges, row);
    }
}

/// What the entry says of the failure of an attempt that it ends.
fn classified<'a>(ended: &Ended, step: &Step<'a>) -> Option<&'a Classified> {
    step.events[step.index..].iter().find_map(|event| {
        let Body::FailureClassified(of) = &event.event else { return None };
        (of.at == ended.at && of.attempt == ended.attempt).then_some(of.as_ref())
    })
}

fn after(step: Step<'_>, rows: &mut Adding<'_>) {
    let (event, now) = (&step.events[step.index], step.when.now);
    let Some(pool) = step.state.pools.get(&event.pool) else { return };
    if is_named_after(event) {
        rows.add(Table::Events, events::row(pool, event, now, step.when.seq));
    }
    if let Some(execution) = changed_execution(step.state, event, now).and_then(|number| pool.execution(number)) {
        rows.add(Table::Executions, executions::row(&event.pool, execution, now));
    }
    if let Some(number) = changed_recovery(event)
        && let Some(recovery) = pool.recoveries.get(&number)
    {
        rows.add(Table::Recoveries, recoveries::row(&event.pool, number, recovery, now));
    }
}

/// Whether the event itself brings what its row names.
fn is_named_after(event: &Event) -> bool {
    matches!(event.event, Body::ExecutionStarted { .. })
}

/// The execution that stands otherwise after the event.
fn changed_execution(state: &State, event: &Event, now: model::Timestamp) -> Option<u32> {
    if let Body::ExecutionStarted { execution, .. }
    | Body::ExecutionPaused { execution }
    | Body::ExecutionResumed { execution }
    | Body::ExecutionCancelRequested { execution, .. }
    | Body::ExecutionStopped { execution, .. }
    | Body::ExecutionEnded { execution, .. }
    | Body::ExecutionReopened { execution, .. } = &event.event
    {
        return Some(*execution);
    }
    // What a person decides about a parked task changes an execution that has ended, and opens no round.
    if let Body::TaskEnded { at, .. } = &event.event {
        let execution = state.pools.get(&event.pool)?.execution(at.execution)?;
        return execution.ended.is_some().then_some(at.execution);
    }
    // Its first attempt: it runs from here on.
    let Body::AttemptDispatched(dispatch) = &event.event else { return None };
    let execution = state.pools.get(&event.pool)?.execution(dispatch.at.execution)?;
    let begins = execution.started == Some(now) && execution.counts.running == 1 && dispatch.attempt == 1;
    begins.then_some(dispatch.at.execution)
}

/// The recovery that stands otherwise after the event.
fn changed_recovery(event: &Event) -> Option<u32> {
    if let Body::NodeLost { recovery, .. } | Body::RecoveryPhase { recovery, .. } = &event.event {
        return Some(*recovery);
    }
    if let Body::NodeLeft { recovery, .. } = &event.event {
        return *recovery;
    }
    if let Body::NodeJoined(joined) = &event.event {
        return joined.recovery;
    }
    if let Body::AttemptEnded(ended) = &event.event {
        return ended.recovery;
    }
    None
}
