//! The tables, one a file, and what all their rows have in common. Columns are only ever added, at the end.

pub mod attempts;
pub mod decisions;
pub mod events;
pub mod executions;
pub mod failures;
pub mod node_changes;
pub mod recoveries;
pub mod test_results;

use model::{ExecutionId, FlowId, JournalId, NodeId, PoolId, TaskId};

use crate::column::{Column, Field, Kind, columns};

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Each event of the journal.
    Events,
    /// Each execution.
    Executions,
    /// Each attempt that has ended.
    Attempts,
    /// Each failure, with its class.
    Failures,
    /// What followed from each failure, and why.
    Decisions,
    /// Each recovery.
    Recoveries,
    /// Each case of a result file.
    TestResults,
    /// Each change of a node.
    NodeChanges,
}

/// The names of the columns that say what a row was made of, and at which place in it.
pub const ORIGIN: [&str; 4] = ["journal", "journal_partition", "journal_position", "journal_row"];

columns! {
    /// The task, attempt and node that a row is about.
    pub struct Key {
        /// The pool.
        pub pool: PoolId,
        /// The execution: its flow and a number counted per pool.
        pub execution_id: ExecutionId,
        /// The flow.
        pub flow: FlowId,
        /// The task.
        pub task_id: TaskId,
        /// Counted from 1 for each task, over all its rounds.
        pub attempt: u32,
        /// The node that had it.
        pub node_id: NodeId,
        /// The node's zone then.
        pub zone: String,
    }
}

columns! {
    /// What a row was made of: these four together are in no other row of its table.
    pub struct Origin {
        /// The journal's id: another one after it was begun anew.
        pub journal: JournalId,
        /// The partition of the journal.
        pub journal_partition: u32,
        /// The number of the entry, as answers carry it as `position`.
        pub journal_position: u64,
        /// The row's number among those that this table has of the entry, from 0.
        pub journal_row: u32,
    }
}

impl Table {
    /// All tables, in the order in which they are listed.
    pub const ALL: [Table; 8] = [
        Self::Events,
        Self::Executions,
        Self::Attempts,
        Self::Failures,
        Self::Decisions,
        Self::Recoveries,
        Self::TestResults,
        Self::NodeChanges,
    ];

    /// The table's name: it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Executions => "executions",
            Self::Attempts => "attempts",
            Self::Failures => "failures",
            Self::Decisions => "decisions",
            Self::Recoveries => "recoveries",
            Self::TestResults => "test_results",
            Self::NodeChanges => "node_changes",
        }
    }

    /// The table of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// What it holds, for people.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Events => "Each event of the journal: what was reported, asked and decided.",
            Self::Executions => "Each execution as it stands.",
            Self::Attempts => {
                "Each attempt that has ended. A start that its node never took in is no attempt, and has no row."
            }
            Self::Failures => "Each failure of an attempt, with its class and how that is known.",
            Self::Decisions => {
                "What the policy decided about each failure, with the way through its rules. A failure of what was being \
                 cancelled has no row: it was not asked about."
            }
            Self::Recoveries => {
                "Each recovery as it stands: a node's death, and how long each phase took from the node's last sign of life."
            }
            Self::TestResults => "Each case of the result files of each attempt.",
            Self::NodeChanges => "Each change of a node: joined, suspected, lost, back, gone.",
        }
    }

    /// Its columns, those that say what a row was made of at the end.
    pub fn columns(self) -> Vec<Column> {
        let mut columns = Vec::new();
        let of = match self {
            Self::Events => events::Row::columns,
            Self::Executions => executions::Row::columns,
            Self::Attempts => attempts::Row::columns,
            Self::Failures => failures::Row::columns,
            Self::Decisions => decisions::Row::columns,
            Self::Recoveries => recoveries::Row::columns,
            Self::TestResults => test_results::Row::columns,
            Self::NodeChanges => node_changes::Row::columns,
        };
        of("", "", &mut columns);
        Origin::columns("", "", &mut columns);
        columns
    }

    /// The column by whose day rows lie together, and by which they are sorted.
    pub fn time(self) -> &'static str {
        let times = |column: &&Column| column.kind == Kind::Time && !column.nullable;
        self.columns().iter().find(times).map_or("ts", |column| column.name)
    }

    /// The column that says since when a row is known: a question about an earlier moment does not see it.
    pub fn known_at(self) -> &'static str {
        match self {
            Self::Attempts => "ended_at",
            Self::Executions | Self::Recoveries => "as_of",
            Self::Events | Self::Failures | Self::Decisions | Self::TestResults | Self::NodeChanges => "ts",
        }
    }

    /// The columns that name what a row stands for, where later rows about the same replace earlier ones.
    pub fn stands_for(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Executions => Some(&["journal", "pool", "execution_id"]),
            Self::Recoveries => Some(&["journal", "pool", "recovery_id"]),
            Self::Events
            | Self::Attempts
            | Self::Failures
            | Self::Decisions
            | Self::TestResults
            | Self::NodeChanges => None,
        }
    }
}
