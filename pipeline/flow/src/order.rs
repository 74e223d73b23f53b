//! The order of the tasks: whatever a task waits for comes before it, else as in the file. Cycles are written out.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use model::Millis;
use model::task::Edge;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::after::Wait;
use crate::mistakes::Mistakes;
use crate::task::Draft;
use crate::words::thousands;

/// Most names of a cycle that are written out.
const MAX_WRITTEN: usize = 12;

/// Tasks as vertices, by their place in the file; an edge leads from what is waited for to who waits.
pub(crate) struct Order {
    graph: DiGraph<(), (), u32>,
}

impl Order {
    /// The graph of so many tasks.
    pub fn new(tasks: usize, waits: &[Wait]) -> Self {
        let mut graph = DiGraph::with_capacity(tasks, waits.len());
        for _ in 0..tasks {
            graph.add_node(());
        }
        for wait in waits {
            graph.add_edge(NodeIndex::new(wait.on as usize), NodeIndex::new(wait.task as usize), ());
        }
        Self { graph }
    }

    /// All tasks in order, by their place in the file; fewer if there are cycles.
    pub fn sorted(&self) -> Vec<u32> {
        let mut unmet = vec![0_u32; self.graph.node_count()];
        for edge in self.graph.raw_edges() {
            unmet[edge.target().index()] += 1;
        }
        let free = unmet.iter().zip(0..).filter(|(unmet, _)| **unmet == 0);
        let mut ready: BinaryHeap<Reverse<u32>> = free.map(|(_, task)| Reverse(task)).collect();
        let mut sorted = Vec::with_capacity(unmet.len());
        while let Some(Reverse(task)) = ready.pop() {
            sorted.push(task);
            for next in self.graph.neighbors(NodeIndex::new(task as usize)) {
                unmet[next.index()] -= 1;
                if unmet[next.index()] == 0 {
                    ready.push(Reverse(next.index() as u32));
                }
            }
        }
        sorted
    }

    /// Notes a shortest cycle of each knot of tasks, from its first task of the file on.
    pub fn note_cycles(&self, drafts: &[Draft<'_>], waits: &[Wait], mistakes: &mut Mistakes<'_>) {
        let knots = kosaraju_scc(&self.graph).into_iter().filter(|knot| knot.len() > 1);
        let mut knots: Vec<Vec<usize>> = knots.map(|knot| knot.iter().map(|task| task.index()).collect()).collect();
        knots.iter_mut().for_each(|knot| knot.sort_unstable());
        knots.sort_unstable();
        let mut knot_of = vec![u32::MAX; drafts.len()];
        for (knot, number) in knots.iter().zip(0..) {
            knot.iter().for_each(|task| knot_of[*task] = number);
        }
        for knot in knots {
            if mistakes.is_full() {
                return;
            }
            let cycle = shortest_cycle(knot[0], &knot_of, waits);
            note_cycle(&cycle, drafts, waits, mistakes);
        }
    }
}

/// The waits of a task; `waits` is in the order of the tasks.
fn waits_of(task: usize, waits: &[Wait]) -> &[Wait] {
    let begin = waits.partition_point(|wait| (wait.task as usize) < task);
    let len = waits[begin..].partition_point(|wait| wait.task as usize == task);
    &waits[begin..begin + len]
}

/// The tasks of a shortest cycle through `first`: each waits for the next, the last one for the first.
fn shortest_cycle(first: usize, knot_of: &[u32], waits: &[Wait]) -> Vec<usize> {
    let mut from = std::collections::BTreeMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(task) = queue.pop_front() {
        for wait in waits_of(task, waits) {
            let on = wait.on as usize;
            if on == first {
                let mut cycle = vec![task];
                let mut back = task;
                while back != first {
                    back = from[&back];
                    cycle.push(back);
                }
                cycle.reverse();
                return cycle;
            }
            if knot_of[on] == knot_of[first] && !from.contains_key(&on) {
                from.insert(on, task);
                queue.push_back(on);
            }
        }
    }
    unreachable!("each task of a knot is on a cycle")
}

fn note_cycle(cycle: &[usize], drafts: &[Draft<'_>], waits: &[Wait], mistakes: &mut Mistakes<'_>) {
    let place = |at: usize| {
        let (task, on) = (cycle[at], cycle[(at + 1) % cycle.len()]);
        waits_of(task, waits).iter().find(|wait| wait.on as usize == on).expect("the cycle is made of waits").place
    };
    let name = |at: usize| drafts[cycle[at % cycle.len()]].name;
    let shown = cycle.len().min(MAX_WRITTEN);
    let mut written: Vec<String> = (0..shown).map(|at| name(at).to_owned()).collect();
    if shown < cycle.len() {
        written.push(format!("… {} more …", thousands((cycle.len() - shown) as u64)));
    }
    written.push(name(0).to_owned());
    let others: Vec<String> = (1..shown)
        .map(|at| match at {
            1 => format!("{} waits for {} (line {})", name(1), name(2), mistakes.line(place(1))),
            _ => format!("{} for {} (line {})", name(at), name(at + 1), mistakes.line(place(at))),
        })
        .collect();
    let message = format!("tasks wait for each other: {}", written.join(" -> "));
    mistakes.error(place(0), message, format!("{}; take one away", others.join(", ")));
}

/// The longest way from the start of each task to the end of the flow. Tasks are in order, and so are edges.
pub(crate) fn paths(estimates: &[Millis], edges: &[Edge]) -> Vec<Millis> {
    let mut paths = estimates.to_vec();
    // From the last task back: a task's own path is whole before it is added to what the task waits for.
    for edge in edges.iter().rev() {
        let through = estimates[edge.on as usize] + paths[edge.task as usize];
        paths[edge.on as usize] = paths[edge.on as usize].max(through);
    }
    paths
}
