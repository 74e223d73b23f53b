//! One try of a task on one node, while it runs and as it is remembered.

use model::event::AttemptOutcome;
use model::policy::FailureClass;
use model::task::Needs;
use model::{BootId, LeaseId, Millis, NodeId, Timestamp};
use serde::{Deserialize, Serialize};

/// An attempt that is dispatched and whose end is not known yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its lease.
    pub lease: LeaseId,
    /// The node.
    pub node: NodeId,
    /// The node's boot.
    pub boot: BootId,
    /// The node's generation: if it is not the node's present one, the lease is void.
    pub generation: u32,
    /// The beat that the start names.
    pub after_beat: u64,
    /// The node's clock in that beat.
    pub after_up_ms: Millis,
    /// The start is void so long after that beat.
    #[serde(default = "model::event::usual_expiry")]
    pub expires_ms: Millis,
    /// What it takes there.
    pub needs: Needs,
    /// Whether it got a checkpoint.
    pub resumes: bool,
    /// When it was dispatched.
    pub dispatched: Timestamp,
    /// When its acceptance was read, and the number of that report.
    pub accepted: Option<(Timestamp, u64)>,
    /// When it was read that its process runs.
    pub started: Option<Timestamp>,
    /// How far it is, 0 to 1.
    pub fraction: f64,
    /// Words to that.
    pub note: Option<String>,
    /// When its node shall have ended it, if that was asked: since when, and with which grace.
    pub cancel: Option<(Timestamp, Millis)>,
    /// Whether it has shown progress: a start does not count, any later report does.
    pub progressed: bool,
}

/// What is remembered of an attempt, for `why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Counted from 1.
    pub attempt: u32,
    /// Its lease.
    pub lease: LeaseId,
    /// The node.
    pub node: NodeId,
    /// Its zone then.
    pub zone: String,
    /// When it was dispatched.
    pub dispatched: Timestamp,
    /// How long it was ready before.
    pub waited_ms: Millis,
    /// Why this node, or why it waited.
    pub placed: String,
    /// Whether it got a checkpoint.
    pub resumes: bool,
    /// When its process ran, if it did.
    pub started: Option<Timestamp>,
    /// When it ended, and how; none while it runs.
    pub ended: Option<(Timestamp, AttemptOutcome)>,
    /// The exit code.
    pub exit: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// The most memory it held, in MiB.
    pub max_rss_mb: u64,
    /// Processor time.
    pub cpu_ms: Millis,
    /// Its class, if it failed, and whether that is certain.
    pub class: Option<(FailureClass, bool)>,
    /// How the class is known.
    pub evidence: String,
    /// What was decided: the rule and words for people.
    pub decided: Option<(String, String)>,
    /// A late report of it was read after its lease was void.
    pub stale: u32,
    /// The journal position of its last event.
    pub position: u64,
}

/// An attempt for tests.
#[cfg(test)]
pub fn example() -> Attempt {
    Attempt {
        lease: "j5.0.4.8121.0".parse().expect("a lease"),
        node: NodeId::new("n1").expect("a name"),
        boot: BootId::new("b1").expect("a name"),
        generation: 0,
        after_beat: 1,
        after_up_ms: Millis(0),
        expires_ms: Millis(20_000),
        needs: Needs::default(),
        resumes: false,
        dispatched: Timestamp(0),
        accepted: None,
        started: None,
        fraction: 0.0,
        note: None,
        cancel: None,
        progressed: false,
    }
}
