//! State: what the journal says, no more. It changes by [`crate::fold()`] only.
//!
//! A partition holds pools; a pool holds all that its decisions rest on. Parts marked "index" are made of the rest
//! and rebuilt when a snapshot is loaded.

pub mod attempt;
pub mod ended;
pub mod execution;
pub mod lock;
pub mod node;
pub mod pool;
pub mod queue;
pub mod recovery;
pub mod shift;
pub mod task;
pub mod upload;

use std::collections::{BTreeMap, VecDeque};

use model::PoolId;
use serde::{Deserialize, Serialize};

pub use attempt::{Attempt, Tried};
pub use execution::{Counts, Execution, Standing};
pub use lock::Lock;
pub use node::{Node, Presence};
pub use pool::Pool;
pub use queue::{Head, Queues};
pub use recovery::Recovery;
pub use task::{Phase, Story, TaskState};
pub use upload::{KeptAnswer, Upload};

/// All pools of a partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Each pool by its name.
    pub pools: BTreeMap<PoolId, Pool>,
    /// Rejects that are not known to be out yet, oldest first: of a pool's inputs, or of what named no pool of ours.
    pub unsent: VecDeque<Unsent>,
}

/// A reject that is to go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// The number of the entry that rejected it.
    pub seq: u64,
    /// The pool that its key named.
    pub pool: PoolId,
    /// The topic it stood in.
    pub topic: String,
    /// Its position there.
    pub position: u64,
    /// A hash of its bytes.
    pub hash: u64,
    /// Why.
    pub reason: String,
}

/// Rejects that wait to go out; beyond them the oldest is left to the journal, which has them all.
pub const MAX_UNSENT: usize = 10_000;

impl State {
    /// Makes all indices anew, after a snapshot was loaded.
    pub fn rebuild(&mut self) {
        self.pools.values_mut().for_each(Pool::rebuild);
    }
}
