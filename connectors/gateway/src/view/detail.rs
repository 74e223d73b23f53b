//! All that `why` tells of a task.

use model::task::Needs;
use model::{Millis, NodeId, PolicyId, PoolId};
use operators::state::{Execution, Pool};
use serde::{Deserialize, Serialize};

use super::at::At;
use super::attempt::{AttemptView, attempts};
use super::task::{TaskItem, item};
use super::waits::{WaitView, waits};
use crate::Moment;

/// All that is known of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetail {
    /// Its pool.
    pub pool: PoolId,
    /// The task, as in a list.
    pub item: TaskItem,
    /// The version of its policy.
    pub policy: Option<PolicyId>,
    /// What its next attempt needs.
    pub needs: Needs,
    /// The command as it is started.
    pub run: Vec<String>,
    /// Longest attempt.
    pub timeout_ms: Millis,
    /// What it waits for now.
    pub waits: Vec<WaitView>,
    /// Its attempts, oldest first; of very many the middle ones are left out.
    pub tries: Vec<AttemptView>,
    /// Failures in this round, by whose they are.
    pub counters: CounterView,
    /// Uses of each rule in this round.
    pub uses: Vec<RuleUses>,
    /// Different nodes that were lost under it in this round.
    pub lost_nodes: Vec<NodeId>,
    /// What the next attempt gets.
    pub checkpoint: Option<String>,
    /// When that came.
    pub checkpoint_at: Option<Moment>,
    /// The journal position that this is true for.
    pub position: u64,
}

/// Failures of a task, by whose they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterView {
    /// Of machines.
    pub infra: u32,
    /// Of the test.
    pub test: u32,
    /// Of memory.
    pub memory: u32,
}

/// How often a rule was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleUses {
    /// The rule.
    pub rule: String,
    /// Its uses.
    pub uses: u32,
}

/// All that is known of one task.
pub fn detail(id: &PoolId, pool: &Pool, execution: &Execution, index: u32, at: At) -> Option<TaskDetail> {
    let task = execution.tasks.get(index as usize)?;
    let story = task.story.as_deref();
    let [infra, test, memory] = story.map_or([0; 3], |s| s.counters);
    let uses = story.map(|s| s.uses.as_slice()).unwrap_or_default();
    Some(TaskDetail {
        pool: id.clone(),
        item: item(execution, index, at.now)?,
        policy: execution.policies.get(&task.spec.retry).cloned(),
        needs: task.needs().clone(),
        run: task.spec.run.clone(),
        timeout_ms: task.spec.timeout_ms,
        waits: waits(pool, execution, task, at),
        tries: attempts(execution, task, at.now),
        counters: CounterView { infra, test, memory },
        uses: uses.iter().map(|(rule, uses)| RuleUses { rule: rule.clone(), uses: *uses }).collect(),
        lost_nodes: story.map(|s| s.lost_nodes.clone()).unwrap_or_default(),
        checkpoint: story.and_then(|s| s.checkpoint.as_deref().map(str::to_owned)),
        checkpoint_at: story.and_then(|s| s.checkpoint_at).map(Moment),
        position: at.position,
    })
}

#[cfg(test)]
mod tests {
    use model::Priority;

    use super::*;
    use crate::view::example::{World, pool, task};
    use crate::view::execution::execution;

    #[test]
    fn what_an_answer_says_is_read_back_as_it_was() {
        let mut world = World::new(vec![task("a", &["db"], Priority::High), task("b", &[], Priority::Low)], &[]);
        world.joins("n1", 1);
        world.ready(0);
        world.runs(0, "n1");
        let (pool, id) = (world.pool(), pool());
        let of = pool.execution(1).unwrap();
        let at = At { now: world.now(), position: world.seq, locks_from: None };
        let told = detail(&id, pool, of, 0, at).unwrap();
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<TaskDetail>(&json).unwrap(), told);
        for part in [r#""state":"running""#, r#""priority":"high""#, r#""dispatched":"1970-01-01T00:00:06.000Z""#] {
            assert!(json.contains(part), "{part}: {json}");
        }
        let view = execution((&id, pool), of, at, &mut 10);
        assert_eq!((view.tasks.total, view.tasks.running, view.tasks.waiting), (2, 1, 1));
        assert_eq!(view.eta_ms, Some(Millis(119_000)), "both on one slot, a second of it done");
        assert_eq!(execution((&id, pool), of, at, &mut 1).eta_ms, None, "it would cost too much");
        let json = serde_json::to_string(&view).unwrap();
        assert_eq!(serde_json::from_str::<crate::view::ExecutionView>(&json).unwrap(), view);
        assert!(json.contains(r#""execution":"web-1","pool":"default","flow":"web","state":"running""#), "{json}");
    }
}
