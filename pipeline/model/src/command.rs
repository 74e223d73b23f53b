//! What a node gets: starts, cancels, and the answer to each of its beats.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BootId, JournalId, LeaseId, Millis, NodeId, PoolId};

/// A command and the node that it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The node's pool.
    pub pool: PoolId,
    /// The node.
    pub node: NodeId,
    /// What it shall do.
    pub order: Order,
}

/// What a node shall do; one JSON object a line on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Order {
    /// Run an attempt.
    Start(Box<Start>),
    /// End an attempt.
    Cancel {
        /// The id of the event that asked for it.
        id: String,
        /// The journal that speaks.
        journal: JournalId,
        /// The attempt's lease.
        lease: LeaseId,
        /// From SIGTERM to SIGKILL.
        grace_ms: Millis,
        /// Words for people.
        why: String,
    },
    /// The answer to a beat.
    Renew(Renew),
}

/// Run one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The id of the event that granted it.
    pub id: String,
    /// The journal that speaks.
    pub journal: JournalId,
    /// The life of the node that it is for; another one ignores it.
    pub boot: BootId,
    /// `EXECUTION/TASK@ATTEMPT`.
    pub attempt: String,
    /// Its fencing token.
    pub lease: LeaseId,
    /// The beat that it came after.
    pub after_beat: u64,
    /// It is void so long after the node sent that beat.
    pub expires_ms: Millis,
    /// It holds a lock: who hears no answer kills it early.
    #[serde(default)]
    pub strict: bool,
    /// Slots that it takes.
    #[serde(default = "one")]
    pub slots: u32,
    /// A program and its arguments.
    pub run: Vec<String>,
    /// Variables on top of the agent's own choice.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Longest attempt.
    pub timeout_ms: Millis,
    /// Longest silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<Millis>,
    /// From SIGTERM to SIGKILL.
    pub grace_ms: Millis,
    /// The memory that its processes together may hold, in MiB; 0 is no limit.
    #[serde(default)]
    pub memory_mb: u64,
    /// What the attempt before left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Globs of JUnit files to read when it has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<String>,
}

fn one() -> u32 {
    1
}

/// The answer to a beat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// The life of the node that beat.
    pub boot: BootId,
    /// The beat.
    pub beat: u64,
    /// The journal that answers: work of its leases is renewed, no other.
    pub journal: JournalId,
    /// Strict work lives so long after that beat was sent.
    pub for_ms: Millis,
    /// Other work lives so long after that beat was sent.
    pub orphan_ms: Millis,
    /// When the next beat is due.
    pub beat_ms: Millis,
    /// Leases to kill.
    #[serde(default)]
    pub stop: Vec<LeaseId>,
    /// The node shall say hello. Such an answer renews nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hello: bool,
    /// Why it is not taken in: its name belongs to another boot that lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
}
