//! What answers say: serde types, and pure functions that make them of a pool.
//!
//! Scripts read them, so they only grow. Times are RFC 3339 UTC, durations end in `_ms`, a list is a page with its
//! cursor, and each answer carries the journal position that it is true for.

pub mod at;

pub mod execution;
pub mod task;
pub mod word;

pub mod detail;

pub mod attempt;
pub mod waits;

pub mod parked;

pub mod lock;
pub mod node;
pub mod policy;
pub mod pool;
pub mod recovery;

pub mod journal;

pub mod page;
pub mod problem;
pub mod submitted;
pub mod tables;

#[cfg(test)]
mod example;

pub use at::At;
pub use attempt::AttemptView;
pub use detail::{CounterView, RuleUses, TaskDetail};
pub use execution::{ExecutionView, TaskCounts};
pub use journal::JournalLine;
pub use lock::{Holder, LockView};
pub use node::{NodeState, NodeView};
pub use page::Page;
pub use parked::ParkedView;
pub use policy::PolicyView;
pub use pool::PoolView;
pub use problem::Problem;
pub use recovery::{Phases, RecoveryView};
pub use submitted::{Done, Replay, Retry, Submitted, Verb};
pub use tables::{BEHIND, TablesView};
pub use task::TaskItem;
pub use waits::WaitView;
pub use word::TaskWord;
