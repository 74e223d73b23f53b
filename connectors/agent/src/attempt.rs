//! What an agent and the supervisor process of one attempt say to each other.
//!
//! Each attempt has a folder of its own, `attempts/LEASE/` in the agent's state folder:
//!
//! | file | who writes it | what |
//! |---|---|---|
//! | `spec.json` | agent, synced before the supervisor starts | [`Spec`] |
//! | `output` | supervisor | all that the attempt printed, bytes as they came, bounded: first and last half are kept; or [`GIVEN_UP`] |
//! | `checkpoint` | supervisor | `REPRISE_CHECKPOINT`: what the attempt before left, else empty |
//! | `outcome.json` | supervisor, written aside, synced, renamed | [`Outcome`]: exists once the attempt has ended |
//!
//! The supervisor is the same binary (`reprise supervise FOLDER`). Its standard input comes from the agent: a line of
//! JSON is an [`Instruction`]; its end means that the agent is gone, and the attempt is killed (cause `agent`). On its
//! standard output it writes [`Notice`]s, a line of JSON each.

use model::report::{Case, End};
use model::{Millis, Start};
use serde::{Deserialize, Serialize};

/// All that `output` says once its room was needed for the outcome.
pub const GIVEN_UP: &str = "\n[... what was kept of this output is given up: the disk was full ...]\n";
/// Most cases that an outcome holds.
pub const MAX_CASES: usize = 10_000;

/// What a supervisor runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The start, as the engine sent it.
    pub start: Start,
    /// The folder that a relative `dir` starts from: the agent's `--dir`. Result globs start where the command runs.
    pub dir: String,
    /// Most bytes that `output` may hold.
    pub output_bytes: u64,
    /// How many files the command may have open, if not as many as its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// When the attempt ends if nothing more is heard: the node's clock (`CLOCK_BOOTTIME`), in milliseconds.
    pub lives_until_ms: Millis,
}

/// What an agent tells a supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "instruction", rename_all = "snake_case")]
pub enum Instruction {
    /// The engine was heard: the attempt lives until then, by the node's clock. Beyond it, it is killed without grace
    /// (strict work) or with it (other work), cause `strict` or `orphan`.
    Renew {
        /// The node's clock, in milliseconds.
        lives_until_ms: Millis,
    },
    /// End it: SIGTERM, grace, SIGKILL; cause `cancel`. A second one may shorten the grace.
    Cancel {
        /// From SIGTERM to SIGKILL; 0: at once.
        grace_ms: Millis,
    },
}

/// What a supervisor tells its agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// The attempt's process runs.
    Started {
        /// The process.
        pid: u32,
    },
    /// `reprise progress`.
    Progress {
        /// 0 to 1.
        fraction: f64,
        /// Words for people.
        note: Option<String>,
    },
    /// `reprise checkpoint`.
    Checkpoint {
        /// An opaque text.
        text: String,
    },
    /// It has ended; `outcome.json` is on disk.
    Ended,
}

/// How an attempt ended, as its supervisor leaves it on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What `finished` will say.
    pub end: End,
    /// What result files said; at most [`MAX_CASES`], failed ones first to be kept.
    pub cases: Vec<Case>,
    /// The last checkpoint that the attempt gave. Its notice is lost if the agent died before it read it, and the
    /// attempt was told that it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}
