//! What a task waits for at this moment, and why one was skipped.

use model::event::SkipReason;
use model::task::Needs;
use model::{LockId, TaskId, Want};
use operators::state::task::Met;
use operators::state::{Execution, Node, Phase, Pool, TaskState};
use serde::{Deserialize, Serialize};

use super::at::At;
use super::lock::{Holder, holders};
use super::word::TaskWord;
use crate::Moment;

/// Most dependencies that are told of one task.
pub const MAX_WAITS: usize = 100;

/// One thing that a task waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum WaitView {
    /// Another task.
    Task {
        /// Which.
        task: TaskId,
        /// How it must end.
        want: Want,
        /// Where it stands.
        state: TaskWord,
    },
    /// More tasks than are told.
    MoreTasks {
        /// How many.
        count: u32,
    },
    /// A lock without enough free permits.
    Lock {
        /// Which.
        lock: LockId,
        /// How many permits it needs.
        permits: u32,
        /// How many are free.
        free: u32,
        /// How many there are.
        size: u32,
        /// Who holds the others.
        holders: Vec<Holder>,
    },
    /// Locks, which a new journal does not grant yet: work of an older one may still hold what they stand for.
    NewJournal {
        /// When it grants them.
        until: Moment,
    },
    /// No present node could ever run it.
    NoNode {
        /// What is missing, for people.
        why: String,
    },
    /// Nodes that could run it are taken.
    Room {
        /// How many nodes could run it.
        nodes: u32,
        /// How many of them have room for it.
        with_room: u32,
    },
    /// Nothing of its execution is dispatched while that is paused.
    Resume,
    /// Its next attempt's time.
    Time {
        /// When that is.
        until: Moment,
    },
    /// A person.
    Person {
        /// Since when.
        since: Moment,
        /// The rule that parked it.
        rule: String,
        /// Words for people.
        why: String,
    },
}

/// What a task waits for now; empty when it runs or has ended.
pub fn waits(pool: &Pool, execution: &Execution, task: &TaskState, at: At) -> Vec<WaitView> {
    if execution.paused && !task.phase.is_over() && task.attempt().is_none() {
        return vec![WaitView::Resume];
    }
    match &task.phase {
        Phase::Waiting => dependencies(execution, task),
        Phase::Ready { .. } => room(pool, task.needs(), at),
        Phase::BackingOff { until } => vec![WaitView::Time { until: Moment(*until) }],
        Phase::Parked { since } => {
            let (rule, why) = task.story.as_ref().and_then(|s| s.parked.clone()).unwrap_or_default();
            vec![WaitView::Person { since: Moment(*since), rule, why }]
        }
        Phase::Running(_) | Phase::Passed | Phase::Failed | Phase::Cancelled | Phase::Skipped { .. } => Vec::new(),
    }
}

fn dependencies(execution: &Execution, task: &TaskState) -> Vec<WaitView> {
    let open = task.deps.iter().filter_map(|(on, want)| {
        let on = execution.tasks.get(*on as usize)?;
        match on.phase.meets(*want) {
            Met::NotYet | Met::Blocked | Met::Never => Some((on, *want)),
            Met::Yes => None,
        }
    });
    let mut waits: Vec<WaitView> = Vec::new();
    let mut more = 0_u32;
    for (on, want) in open {
        if waits.len() < MAX_WAITS {
            waits.push(WaitView::Task { task: on.spec.id.clone(), want, state: TaskWord::from(&on.phase) });
        } else {
            more += 1;
        }
    }
    if more > 0 {
        waits.push(WaitView::MoreTasks { count: more });
    }
    waits
}

fn room(pool: &Pool, needs: &Needs, at: At) -> Vec<WaitView> {
    let mut waits = Vec::new();
    waits.extend(at.locks_from.filter(|_| !needs.locks.is_empty()).map(|until| WaitView::NewJournal { until }));
    for (id, permits) in &needs.locks {
        let Some(lock) = pool.locks.get(id).filter(|lock| lock.free() < *permits) else { continue };
        let (permits, free, size) = (*permits, lock.free(), lock.size);
        waits.push(WaitView::Lock { lock: id.clone(), permits, free, size, holders: holders(pool, lock) });
    }
    let present = || pool.nodes.values().filter(|n| n.presence.is_present());
    let fitting: Vec<&Node> = present().filter(|n| lacks(n, needs).is_none()).collect();
    if fitting.is_empty() {
        waits.push(WaitView::NoNode { why: no_node(present(), needs) });
    } else if waits.is_empty() || !fitting.iter().any(|n| has_room(n, needs)) {
        let with_room = fitting.iter().filter(|n| has_room(n, needs)).count();
        waits.push(WaitView::Room { nodes: fitting.len() as u32, with_room: with_room as u32 });
    }
    waits
}

/// What a node lacks for some needs even if nothing else ran there.
pub fn lacks(node: &Node, needs: &Needs) -> Option<String> {
    let label = needs.labels.iter().find(|(key, value)| node.labels.get(*key) != Some(value));
    if let Some((key, value)) = label {
        Some(format!("label {key}={value}"))
    } else if needs.slots > node.slots {
        Some(format!("{} slots", needs.slots))
    } else if needs.memory_mb > node.memory_mb && node.memory_mb > 0 {
        Some(format!("{} MiB of memory", needs.memory_mb))
    } else {
        None
    }
}

/// Words for needs that no present node meets.
pub fn no_node<'a>(present: impl Iterator<Item = &'a Node>, needs: &Needs) -> String {
    let mut lacking: Vec<String> = present.filter_map(|node| lacks(node, needs)).collect();
    lacking.sort_unstable();
    lacking.dedup();
    match lacking.first() {
        Some(lack) => format!("no present node has {lack}"),
        None => "no node is present".to_owned(),
    }
}

fn has_room(node: &Node, needs: &Needs) -> bool {
    let memory = node.memory_mb == 0 || node.memory_mb.saturating_sub(node.used_memory()) >= needs.memory_mb;
    node.slots.saturating_sub(node.used_slots()) >= needs.slots && memory
}

/// Why a task was skipped, for people.
pub fn skipped_because(execution: &Execution, task: &TaskState, because: u32, how: SkipReason) -> String {
    let Some(on) = execution.tasks.get(because as usize) else { return String::new() };
    let (name, stands) = (&on.spec.id, on.phase.word());
    let want = task.deps.iter().find(|(index, _)| *index == because).map_or("", |(_, want)| match want {
        Want::Passed => "passed",
        Want::Failed => "failed",
        Want::Finished => "finished",
    });
    match how {
        SkipReason::After => format!("after {name}.{want}: {name} {stands}"),
        SkipReason::Blocked => format!("after {name}.{want}: {name} is parked"),
        SkipReason::Stopped => "a rule stopped the execution".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Body, Priority};

    use super::*;
    use crate::view::example::{World, at, task};

    #[test]
    fn a_task_tells_what_it_waits_for_at_each_moment() {
        let mut needy = task("needy", &[], Priority::Medium);
        needy.needs.labels.insert("os".to_owned(), "plan9".to_owned());
        let tasks = vec![
            task("a", &["db"], Priority::Medium),
            task("b", &["db"], Priority::Medium),
            needy,
            task("c", &[], Priority::Medium),
        ];
        let mut world = World::new(tasks, &[(3, 0, Want::Passed), (3, 1, Want::Finished)]);
        let told = |world: &World, task: u32| {
            let pool = world.pool();
            let task = pool.task(at(task)).unwrap();
            waits(pool, pool.execution(1).unwrap(), task, At::default())
        };
        let on = |name: &str, want, state| WaitView::Task { task: name.parse().unwrap(), want, state };
        let (waiting, ready) = (TaskWord::Waiting, TaskWord::Ready);
        assert_eq!(told(&world, 3), [on("a", Want::Passed, waiting), on("b", Want::Finished, waiting)]);
        world.ready(0);
        assert_eq!(told(&world, 3), [on("a", Want::Passed, ready), on("b", Want::Finished, waiting)]);
        assert_eq!(told(&world, 0), [WaitView::NoNode { why: "no node is present".to_owned() }]);
        world.joins("n1", 1);
        assert_eq!(told(&world, 0), [WaitView::Room { nodes: 1, with_room: 1 }]);
        let lease = world.runs(0, "n1");
        world.ready(1);
        world.ready(2);
        let node = Some("n1".parse().unwrap());
        let holders = vec![Holder { attempt: "web-1/a@1".to_owned(), lease, node, permits: 1 }];
        let full = WaitView::Lock { lock: "db".parse().unwrap(), permits: 1, free: 0, size: 1, holders };
        assert_eq!(told(&world, 0), []);
        assert_eq!(told(&world, 1), [full, WaitView::Room { nodes: 1, with_room: 0 }]);
        assert_eq!(told(&world, 2), [WaitView::NoNode { why: "no present node has label os=plan9".to_owned() }]);
        let new = |until| At { locks_from: Some(until), ..At::default() };
        let (pool, until) = (world.pool(), Moment(world.now()));
        let of = |task| waits(pool, pool.execution(1).unwrap(), pool.task(at(task)).unwrap(), new(until));
        assert_eq!(of(1)[0], WaitView::NewJournal { until });
        assert_eq!(of(2), told(&world, 2), "it needs no lock");
        world.happens(Body::ExecutionPaused { execution: 1 });
        assert_eq!(told(&world, 2), [WaitView::Resume], "that is all that it waits for");
        assert_eq!(told(&world, 0), [], "what runs goes on");
    }
}
