//! The verbs that people use on executions they know of, fitting or not.

use model::request::{Ask, RetryScope};
use operators::State;
use operators::state::{Execution, Phase};

use super::People;
use crate::node::agent::pool;
use crate::random::Random;

/// Something to ask about an execution, or nothing. People look at what a replica shows, as they would.
pub fn draw(people: &People, state: &State, random: &mut Random) -> Option<Ask> {
    let recent = people.known.len().saturating_sub(12);
    let (id, tasks) = random.pick(&people.known[recent..])?;
    let execution = id.clone();
    let shown = state.pools.get(&pool()).and_then(|p| p.execution_named(id));
    let task = shown.and_then(|e| parked(e, random)).or_else(|| random.pick(tasks).cloned())?;
    let ended = shown.is_some_and(|e| e.ended.is_some());
    Some(match random.below(12) {
        0 | 1 => Ask::Pause { execution },
        2 | 3 => Ask::Resume { execution },
        4 => Ask::Cancel { execution, kill: random.chance(300) },
        5 if !ended => Ask::Cancel { execution, kill: random.chance(300) },
        5 | 6 => Ask::Retry { execution, scope: RetryScope::Failed, drop_checkpoints: random.chance(300) },
        7 => Ask::Retry { execution, scope: RetryScope::From(task), drop_checkpoints: random.chance(300) },
        8 => Ask::Drop { execution, task },
        _ => {
            let memory_mb = random.chance(200).then(|| random.between(10, 300));
            Ask::Replay { execution, task, memory_mb, slots: random.chance(100).then_some(1) }
        }
    })
}

/// What goes on when the faults are over: whatever is paused is resumed.
pub fn settle(state: &State) -> Vec<Ask> {
    let executions = state.pools.get(&pool()).into_iter().flat_map(|p| p.executions.values());
    let paused = executions.filter(|e| e.paused && e.ended.is_none());
    paused.map(|e| Ask::Resume { execution: e.id.clone() }).collect()
}

fn parked(execution: &Execution, random: &mut Random) -> Option<model::TaskId> {
    let parked: Vec<_> =
        execution.tasks.iter().filter(|t| matches!(t.phase, Phase::Parked { .. })).map(|t| t.spec.id.clone()).collect();
    random.pick(&parked).cloned()
}
