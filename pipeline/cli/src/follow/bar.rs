//! What the bar says: counts of an execution, the nodes, the longest running tasks.

use gateway::view::{ExecutionView, NodeState, NodeView, TaskItem};
use model::Millis;

use crate::words::{thousands, whole};

/// Most running tasks that are named.
const LONGEST: usize = 2;
/// Most nodes that are named.
const NODES: usize = 16;

/// How many tasks are over, and of how many.
pub fn done(view: &ExecutionView) -> (u64, u64) {
    let counts = &view.tasks;
    let over = counts.passed + counts.failed + counts.cancelled + counts.parked + counts.skipped;
    (over.into(), counts.total.into())
}

/// `41/68  40 passed (1 flaky) 1 skipped  12 running 15 waiting  eta 3m 10s  recovering 1`.
pub fn counts(view: &ExecutionView) -> String {
    let (over, total) = done(view);
    let mut text = format!("{}/{}  {}", thousands(over), thousands(total), ended(view, " "));
    let now: Vec<String> = [(view.tasks.running, "running"), (view.tasks.waiting, "waiting")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{} {word}", thousands(n.into())))
        .collect();
    if !now.is_empty() {
        text.push_str(&format!("  {}", now.join(" ")));
    }
    if let Some(eta) = view.eta_ms.filter(|eta| *eta > Millis(0)) {
        text.push_str(&format!("  eta {}", whole(eta)));
    }
    if view.tasks.recovering > 0 {
        text.push_str(&format!("  recovering {}", view.tasks.recovering));
    }
    if view.paused {
        text.push_str("  paused");
    }
    text
}

/// `40 passed (1 flaky), 1 skipped`: how tasks ended, by kind.
pub fn ended(view: &ExecutionView, between: &str) -> String {
    let counts = &view.tasks;
    let of = |n: u32, word: &str| (n > 0).then(|| format!("{} {word}", thousands(n.into())));
    let kinds: Vec<String> = [of(counts.flaky, "flaky"), of(counts.resumed, "resumed")].into_iter().flatten().collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let passed = format!("{} passed{kinds}", thousands(counts.passed.into()));
    let others = [
        of(counts.failed, "failed").map(|failed| format!("{failed}{}", may_fail(counts.forgiven))),
        of(counts.cancelled, "cancelled"),
        of(counts.parked, "parked"),
        of(counts.skipped, "skipped"),
    ];
    std::iter::once(passed).chain(others.into_iter().flatten()).collect::<Vec<_>>().join(between)
}

fn may_fail(forgiven: u32) -> String {
    if forgiven == 0 { String::new() } else { format!(" ({} may fail)", thousands(forgiven.into())) }
}

/// `  n1 4/4  n2 lost  n3 3/4   longest: webkit 40% 1m 2s, chrome 12% 8s`.
pub fn nodes(nodes: &[NodeView], running: &[TaskItem]) -> String {
    let mut shown: Vec<String> =
        nodes.iter().filter(|node| node.state != NodeState::Gone).take(NODES).map(node).collect();
    if let Some(more) = nodes.len().checked_sub(NODES).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    let mut longest: Vec<&TaskItem> = running.iter().filter(|item| item.took_ms.is_some()).collect();
    longest.sort_by_key(|item| std::cmp::Reverse(item.took_ms));
    let longest: Vec<String> = longest.into_iter().take(LONGEST).map(task).collect();
    let longest = if longest.is_empty() { String::new() } else { format!("   longest: {}", longest.join(", ")) };
    format!("  {}{longest}", shown.join("  "))
}

fn node(node: &NodeView) -> String {
    match node.state {
        NodeState::Ready => format!("{} {}/{}", node.node, node.used, node.slots),
        NodeState::Suspect | NodeState::Lost | NodeState::Gone => format!("{} {}", node.node, node.state.word()),
    }
}

fn task(item: &TaskItem) -> String {
    let how_far = item.fraction.filter(|fraction| *fraction > 0.0);
    let how_far = how_far.map(|fraction| format!(" {:.0}%", fraction * 100.0)).unwrap_or_default();
    format!("{}{how_far} {}", item.task, whole(item.took_ms.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn the_bar_counts_what_is_over_what_runs_and_what_waits() {
        insta::assert_snapshot!(counts(&examples::execution()), @"41/68  40 passed (1 flaky) 1 skipped  12 running 15 waiting  eta 3m 10s  recovering 1");
    }

    #[test]
    fn the_line_below_names_nodes_and_the_longest_tasks() {
        let all = [examples::node("n1"), examples::lost_node()];
        insta::assert_snapshot!(nodes(&all, &[examples::running_task()]), @"  n1 3/4  n2 lost   longest: browser:webkit:2 40% 1m 2s");
    }
}
