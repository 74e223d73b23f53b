//! Flows as people write them: chains, fans and thickets, with all kinds of edges, needs, locks and priorities.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::request::{Ask, Submit};
use model::task::{Edge, FlowHead, FlowPart, Needs};
use model::{FlowId, LockId, Millis, Priority, Task, TaskId, Want};

use crate::knobs::Knobs;
use crate::random::Random;

/// Sizes of the pool's locks: the same in each flow, so that the checker need not follow changes.
pub const LOCKS: [(&str, u32); 3] = [("mutex", 1), ("pair", 2), ("crowd", 4)];

/// Draws a flow, in one or several parts.
pub fn draw(knobs: &Knobs, large: bool, random: &mut Random) -> Vec<Ask> {
    let count = if large { random.between(200, 500) } else { random.skewed(1, knobs.tasks) };
    let tasks: Vec<Arc<Task>> = (0..count).map(|index| Arc::new(task(index, knobs, random))).collect();
    let edges = edges(u32::try_from(count).unwrap_or(1), random);
    let used = |name: &str| tasks.iter().any(|t| t.needs.locks.keys().any(|lock| lock.as_str() == name));
    let locks = LOCKS.iter().filter(|(name, _)| used(name)).map(|(name, size)| (lock(name), *size)).collect();
    let flow = FlowId::new(&format!("f{}", random.below(5))).expect("a plain name");
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let head = FlowHead { flow, tasks: small(tasks.len()), edges: small(edges.len()), locks };
    let priority = random.chance(150).then(|| level(random));
    let content = format!("{:x}", random.next());
    let parts = parts(head, tasks, edges, random);
    let submit = |(part, (flow, parts))| {
        Ask::Submit(Submit { content: content.clone(), part: small(part), parts, priority, flow })
    };
    parts.into_iter().enumerate().map(submit).collect()
}

/// Cuts a flow into parts: tasks first, then edges.
fn parts(head: FlowHead, tasks: Vec<Arc<Task>>, edges: Vec<Edge>, random: &mut Random) -> Vec<(FlowPart, u32)> {
    let whole = tasks.len() < 100 && random.chance(800);
    let step = if whole { tasks.len().max(1) } else { 1 + tasks.len() / 3 };
    let mut parts: Vec<FlowPart> =
        tasks.chunks(step).map(|tasks| FlowPart { head: None, tasks: tasks.to_vec(), edges: Vec::new() }).collect();
    if let Some(first) = parts.first_mut() {
        first.head = Some(head);
    }
    match parts.last_mut() {
        Some(last) if whole => last.edges = edges,
        Some(_) | None => {
            for edges in edges.chunks(200) {
                parts.push(FlowPart { head: None, tasks: Vec::new(), edges: edges.to_vec() });
            }
        }
    }
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    parts.into_iter().map(|part| (part, count)).collect()
}

fn edges(count: u32, random: &mut Random) -> Vec<Edge> {
    let mut edges = BTreeSet::new();
    let shape = random.below(4);
    for task in 1..count {
        let ons: Vec<u32> = match shape {
            // A fan: all wait for the first, the last for all.
            0 if task + 1 < count => vec![0],
            0 => (1..task).collect(),
            // A chain.
            1 => vec![task - 1],
            // A thicket.
            2 => (0..random.below(4)).map(|_| u32::try_from(random.below(u64::from(task))).unwrap_or(0)).collect(),
            _ => Vec::new(),
        };
        edges.extend(ons.into_iter().map(|on| (task, on)));
    }
    let want = |random: &mut Random| match random.below(10) {
        0 => Want::Failed,
        1 | 2 => Want::Finished,
        _ => Want::Passed,
    };
    edges.into_iter().map(|(task, on)| Edge { task, on, want: want(random) }).collect()
}

fn task(index: u64, knobs: &Knobs, random: &mut Random) -> Task {
    let estimate = random.between(20, 2_000);
    let memory_mb = if random.chance(150) { random.between(50, 600) } else { 0 };
    Task {
        id: TaskId::new(&format!("t{index}")).expect("a plain name"),
        run: vec!["true".to_owned()],
        env: BTreeMap::new(),
        dir: None,
        needs: Needs { memory_mb, ..needs(knobs, random) },
        priority: level(random),
        timeout_ms: Millis(random.between(300, 4_000)),
        stall_ms: random.chance(200).then(|| Millis(random.between(200, 1_000))),
        grace_ms: Millis(random.below(600)),
        estimate_ms: Millis(estimate),
        path_ms: Millis(estimate + random.below(5_000)),
        retry: if random.chance(150) { "none" } else { "default" }.to_owned(),
        allow_failure: random.chance(150),
        results: if random.chance(150) { vec!["*.xml".to_owned()] } else { Vec::new() },
    }
}

fn needs(knobs: &Knobs, random: &mut Random) -> Needs {
    let mut needs = Needs { slots: if random.chance(120) { 2 } else { 1 }, ..Needs::default() };
    if random.chance(knobs.locks) {
        for _ in 0..random.between(1, 2) {
            let (name, size) = LOCKS[usize::try_from(random.below(3)).unwrap_or(0)];
            let permits = u32::try_from(random.between(1, u64::from(size.min(2)))).unwrap_or(1);
            needs.locks.insert(lock(name), permits);
        }
    }
    if random.chance(80) {
        needs.labels.insert("os".to_owned(), "linux".to_owned());
    }
    if random.chance(5) {
        needs.labels.insert("os".to_owned(), "plan9".to_owned());
    }
    needs
}

fn level(random: &mut Random) -> Priority {
    Priority::ALL[usize::try_from(random.below(7)).unwrap_or(3)].0
}

fn lock(name: &str) -> LockId {
    LockId::new(name).expect("a plain name")
}
