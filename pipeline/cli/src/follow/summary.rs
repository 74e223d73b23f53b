//! The end of an execution, summed up: what failed and why, what was flaky, what moved, what was skipped, what next.

use gateway::view::{AttemptView, ExecutionView, TaskDetail, TaskItem, TaskWord};
use model::NodeId;
use model::event::AttemptOutcome;
use model::policy::FailureClass;

use super::bar;
use crate::api::Api;
use crate::failure::Failure;
use crate::paint::Paint;
use crate::resolve::{execution_path, task_path};
use crate::words::{counted, one_line, some_of, thousands};

/// Most tasks of one kind that are told one by one.
const TOLD: usize = 20;

/// Asks for what the summary needs, and writes it.
pub async fn summed_up(api: &Api, view: &ExecutionView, paint: Paint) -> Result<String, Failure> {
    let path = format!("{}/tasks", execution_path(&view.execution));
    let items: Vec<TaskItem> = api.list(&path, &[]).await?.read()?;
    let mut told = Vec::new();
    for kind in KINDS {
        for item in items.iter().filter(|item| kind.takes(item)).take(TOLD) {
            let task: TaskDetail = api.read(&task_path(&item.execution, &item.task), &[]).await?;
            told.push((kind, task));
        }
    }
    Ok(text(view, &items, &told, paint))
}

/// What is told task by task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failed,
    Parked,
    Flaky,
    Resumed,
}

const KINDS: [Kind; 4] = [Kind::Failed, Kind::Parked, Kind::Flaky, Kind::Resumed];

impl Kind {
    fn takes(self, item: &TaskItem) -> bool {
        match self {
            Self::Failed => item.state == TaskWord::Failed,
            Self::Parked => item.state == TaskWord::Parked,
            Self::Flaky => item.state == TaskWord::Passed && item.flaky,
            Self::Resumed => item.state == TaskWord::Passed && item.resumed && !item.flaky,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "FAIL",
            Self::Parked => "PARK",
            Self::Flaky => "FLAKY",
            Self::Resumed => "RESUMED",
        }
    }
}

fn text(view: &ExecutionView, items: &[TaskItem], told: &[(Kind, TaskDetail)], paint: Paint) -> String {
    let total = counted(view.tasks.total.into(), "task");
    let state = paint.verdict(view.state.word());
    let ended = bar::ended(view, ", ");
    let mut text = format!("  Summary [{}] {} {state}: {total}: {ended}\n", view.took_ms, view.execution);
    for kind in KINDS {
        for (_, task) in told.iter().filter(|(of, _)| *of == kind) {
            text.push_str(&line(kind, task, paint));
        }
        let all = items.iter().filter(|item| kind.takes(item)).count();
        if all > TOLD {
            let more = thousands((all - TOLD) as u64);
            text.push_str(&format!("{:>9} and {more} more\n", ""));
        }
    }
    text.push_str(&skipped(items, paint));
    text.push_str(&format!("  next: {}\n", next(view, told).join(" | ")));
    text
}

/// `     FAIL 2/2 [  31.0s] browser:webkit:5    test_failure on n1 and n6: expected 200, got 502`.
fn line(kind: Kind, task: &TaskDetail, paint: Paint) -> String {
    let item = &task.item;
    let words = match kind {
        Kind::Failed if item.allow_failure => format!("{}; may fail", failed(task)),
        Kind::Failed => failed(task),
        Kind::Parked => format!("{}; {}; waits for a person", failed(task), item.why),
        Kind::Flaky => format!("{}, passed on {}", failures(task).join(", "), node(&item.node)),
        Kind::Resumed => resumed(task),
    };
    let took = item.took_ms.unwrap_or_default();
    let verdict = paint.verdict(&format!("{:>9}", kind.word()));
    let words = one_line(&words);
    format!("{verdict} {0}/{0} [{took:>7}] {1:<18}  {words}\n", item.attempts, item.task.as_str())
}

fn failed(task: &TaskDetail) -> String {
    let Some(last) = task.tries.iter().rev().find(|attempt| attempt.class.is_some()) else {
        return task.item.why.clone();
    };
    let mut nodes: Vec<String> = Vec::new();
    for attempt in task.tries.iter().filter(|attempt| attempt.class == last.class) {
        if !nodes.contains(&attempt.node.to_string()) {
            nodes.push(attempt.node.to_string());
        }
    }
    let class = last.class.map_or("failure", FailureClass::word);
    format!("{class} on {}: {}", nodes.join(" and "), last.evidence)
}

/// `test_failure on n4`, for each attempt that failed.
fn failures(task: &TaskDetail) -> Vec<String> {
    let failed = task.tries.iter().filter_map(|attempt| Some((attempt.class?, attempt)));
    failed.map(|(class, attempt)| format!("{} on {}", class.word(), attempt.node)).collect()
}

fn resumed(task: &TaskDetail) -> String {
    let was_lost = |attempt: &&AttemptView| attempt.outcome == Some(AttemptOutcome::Lost);
    let lost: Vec<String> = task.tries.iter().filter(was_lost).map(|attempt| attempt.node.to_string()).collect();
    let from = match task.tries.last() {
        Some(last) if last.resumes => "from its checkpoint",
        Some(_) | None => "afresh",
    };
    format!("{} lost; went on {from} at {}", some_of(&lost, 3), node(&task.item.node))
}

fn node(node: &Option<NodeId>) -> String {
    node.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn skipped(items: &[TaskItem], paint: Paint) -> String {
    let skipped: Vec<String> = items
        .iter()
        .filter(|item| item.state == TaskWord::Skipped)
        .map(|item| if item.why.is_empty() { item.task.to_string() } else { format!("{} ({})", item.task, item.why) })
        .collect();
    if skipped.is_empty() {
        return String::new();
    }
    format!("{} {}\n", paint.verdict(&format!("{:>9}", "SKIP")), one_line(&some_of(&skipped, 5)))
}

fn next(view: &ExecutionView, told: &[(Kind, TaskDetail)]) -> Vec<String> {
    let execution = &view.execution;
    let mut next = Vec::new();
    if let Some((_, task)) = told.first() {
        next.push(format!("reprise why {execution}/{}", task.item.task));
    }
    if let Some((_, task)) = told.iter().find(|(kind, _)| *kind == Kind::Failed) {
        next.push(format!("reprise logs {execution}/{}", task.item.task));
    }
    if view.tasks.parked > 0 {
        next.push("reprise parked".to_owned());
    }
    if view.tasks.failed + view.tasks.cancelled > 0 {
        next.push(format!("reprise retry {execution} --failed"));
    }
    if next.is_empty() {
        next.push(format!("reprise status {execution}"));
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn the_summary_tells_what_failed_what_waits_what_moved_and_what_to_do_next() {
        let told = [(Kind::Parked, examples::parked_task()), (Kind::Resumed, examples::resumed_task())];
        let mut items: Vec<TaskItem> = told.iter().map(|(_, task)| task.item.clone()).collect();
        items.push(examples::skipped_task());
        insta::assert_snapshot!(text(&examples::ended_execution(), &items, &told, Paint::PLAIN), @r"
        Summary [9m 41s] nightly-web-118 failed: 68 tasks: 63 passed (1 flaky, 1 resumed), 1 failed, 1 parked, 3 skipped
           PARK 3/3 [  37.0s] visual              out_of_memory on n1: 8192 of 8192 MiB; tries used up, no verdict on the test; waits for a person
        RESUMED 2/2 [  2m 4s] browser:chrome:7    n2 lost; went on from its checkpoint at n5
           SKIP release_gate (after visual.passed: visual is parked)
        next: reprise why nightly-web-118/visual | reprise parked | reprise retry nightly-web-118 --failed
        ");
    }
}
