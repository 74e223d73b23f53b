//! What a node says: reports of attempts, hello, goodbye and heartbeats. The page for authors is `connectors/WIRE.md`.
//!
//! (node, boot, seq) makes a report idempotent: it is sent until acknowledged. Unknown fields are ignored, unknown
//! kinds rejected with the reason.

mod bounds;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BootId, JournalId, LeaseId, Millis, NodeId, PoolId};

/// Largest report or heartbeat as JSON, in bytes.
pub const MAX_REPORT_BYTES: usize = 96 * 1024;
/// Longest tail of an attempt's output, in bytes.
pub const MAX_TAIL_BYTES: usize = 32 * 1024;
/// Longest checkpoint as JSON text, in bytes.
pub const MAX_CHECKPOINT_BYTES: usize = 64 * 1024;
/// Most cases in one report of results.
pub const MAX_CASES: usize = 100;
/// Longest words of a report, in bytes: a note, a reason, a zone, a label's key or value, a name or message of a case.
pub const MAX_WORDS_BYTES: usize = 1_024;
/// Most labels of a node.
pub const MAX_LABELS: usize = 64;
/// Most leases that a beat or hello may hold, and most slots of a node.
pub const MAX_SLOTS: usize = 1_000;

/// The largest number of a report: every JSON reader holds it exactly.
pub const MAX_SEQ: u64 = 1 << 53;

/// One report that is stored until acknowledged. Heartbeats are apart: they are soft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The pool that the node serves.
    pub pool: PoolId,
    /// The node.
    pub node: NodeId,
    /// The life of the node that stored it.
    pub boot: BootId,
    /// Counted from 1 in each boot, without a gap.
    pub seq: u64,
    /// The node's wall clock; informs only.
    #[serde(default)]
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: ReportKind,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReportKind {
    /// The node joins, at start and when told.
    Hello(Hello),
    /// An attempt was taken in, and is on the node's disk.
    Accepted {
        /// Its lease.
        lease: LeaseId,
    },
    /// A start was not taken in.
    Refused {
        /// Its lease.
        lease: LeaseId,
        /// Why.
        why: Refusal,
    },
    /// Its process runs.
    Started {
        /// Its lease.
        lease: LeaseId,
        /// The process.
        pid: u32,
    },
    /// How far it is.
    Progress {
        /// Its lease.
        lease: LeaseId,
        /// 0 to 1.
        fraction: f64,
        /// Words for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// What the next attempt gets.
    Checkpoint {
        /// Its lease.
        lease: LeaseId,
        /// An opaque text.
        text: String,
    },
    /// Cases read from result files, before `finished`.
    Results {
        /// Its lease.
        lease: LeaseId,
        /// At most [`MAX_CASES`]; several reports may follow each other.
        cases: Vec<Case>,
    },
    /// It has ended.
    Finished {
        /// Its lease.
        lease: LeaseId,
        /// How.
        #[serde(flatten)]
        end: End,
    },
    /// The node leaves; its last report.
    Goodbye {
        /// Words for people.
        #[serde(default)]
        why: String,
    },
}

/// A node joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// All its slots.
    pub slots: u32,
    /// Its memory in MiB; 0 is unknown.
    #[serde(default)]
    pub memory_mb: u64,
    /// What fails together with it.
    #[serde(default)]
    pub zone: String,
    /// What it is.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The boot before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<BootId>,
    /// The journal that it last met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalId>,
    /// What it still runs.
    #[serde(default)]
    pub holds: Vec<LeaseId>,
}

/// Why a start was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It came too long after the beat that it names.
    Expired,
    /// No slot is free.
    Full,
    /// The node takes nothing now: its disk is full, say.
    Closed,
}

/// How an attempt ended on its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The exit code, if it exited.
    #[serde(default)]
    pub exit: Option<i32>,
    /// The signal that ended it, by number.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Who or what ended it.
    pub cause: Cause,
    /// Processor time of all its processes.
    #[serde(default)]
    pub cpu_ms: Millis,
    /// The most memory that its processes held together, in MiB.
    #[serde(default)]
    pub max_rss_mb: u64,
    /// The last of its output, in characters that JSON may hold.
    #[serde(default)]
    pub tail: String,
    /// How many cases its result files held; absent when no result files were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
    /// What could not be had or done, for people: "no such program: npx", "out/junit/1.xml: not JUnit, line 3".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Counts over the result files of one attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// Files that a glob matched and that could be read.
    pub files: u32,
    /// All cases.
    pub total: u32,
    /// Failed ones, errors included.
    pub failed: u32,
    /// Skipped ones.
    pub skipped: u32,
    /// Ones that failed and then passed in the same file.
    #[serde(default)]
    pub flaky: u32,
}

/// Who or what ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It exited by itself.
    Exit,
    /// A signal that was not ours.
    Signal,
    /// Its time-out.
    Timeout,
    /// Its silence.
    Stall,
    /// Its memory.
    Memory,
    /// It never ran.
    Start,
    /// A cancel or stop.
    Cancel,
    /// The agent died or was restarted: its supervisor ended it.
    Agent,
    /// The engine was away for too long.
    Orphan,
    /// The engine was away for too long for work that holds a lock.
    Strict,
}

/// One case of a result file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its suite or class.
    #[serde(default)]
    pub suite: String,
    /// Its name.
    pub test: String,
    /// What came of it.
    pub result: CaseResult,
    /// How long it took.
    #[serde(default)]
    pub ms: Millis,
    /// The message of its failure, cut at 1 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseResult {
    /// It passed.
    Passed,
    /// It failed, or ended in an error.
    Failed,
    /// It was not run.
    Skipped,
    /// It failed and then passed in the same file.
    Flaky,
}

/// A beat: all that the node knows of itself, read at one moment. Its `kind` is written, and checked by
/// [`Heartbeat::read`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "heartbeat")]
pub struct Heartbeat {
    /// The pool that the node serves.
    pub pool: PoolId,
    /// The node.
    pub node: NodeId,
    /// Its present life.
    pub boot: BootId,
    /// Counted from 1 in each boot.
    pub beat: u64,
    /// The node's own clock, which also runs in suspend.
    pub up_ms: Millis,
    /// `seq` of the last report on the node's disk; 0 before the first.
    pub stored: u64,
    /// Each lease, of any journal, whose end is not among those reports.
    #[serde(default)]
    pub holds: Vec<LeaseId>,
    /// Load average by processor; informs only.
    #[serde(default)]
    pub load: f64,
    /// Free memory in MiB; absent: unknown.
    #[serde(default)]
    pub memory_free_mb: Option<u64>,
    /// Why it takes no starts now, if it takes none.
    #[serde(default)]
    pub closed: Option<String>,
}

impl ReportKind {
    /// The word of the kind, as on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Started { .. } => "started",
            Self::Progress { .. } => "progress",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Results { .. } => "results",
            Self::Finished { .. } => "finished",
            Self::Goodbye { .. } => "goodbye",
        }
    }

    /// The lease that it speaks of, if of one.
    pub fn lease(&self) -> Option<LeaseId> {
        match self {
            Self::Hello(_) | Self::Goodbye { .. } => None,
            Self::Accepted { lease }
            | Self::Refused { lease, .. }
            | Self::Started { lease, .. }
            | Self::Progress { lease, .. }
            | Self::Checkpoint { lease, .. }
            | Self::Results { lease, .. }
            | Self::Finished { lease, .. } => Some(*lease),
        }
    }
}
