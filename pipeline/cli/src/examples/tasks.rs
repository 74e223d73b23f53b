//! Tasks of an execution: one that moved, one that waits for a person, one that runs, one that was skipped.

use gateway::view::{AttemptView, CounterView, ParkedView, RuleUses, TaskDetail, TaskItem, TaskWord, WaitView};
use model::Millis;
use model::event::AttemptOutcome;
use model::policy::FailureClass;
use model::task::Needs;

use super::at;

/// One that runs.
pub fn running_task() -> TaskItem {
    TaskItem {
        execution: "nightly-web-118".parse().unwrap(),
        task: "browser:webkit:2".parse().unwrap(),
        state: TaskWord::Running,
        priority: model::Priority::Medium,
        attempts: 1,
        node: "n1".parse().ok(),
        dispatched: Some(at(7)),
        took_ms: Some(Millis(62_000)),
        fraction: Some(0.4),
        note: None,
        until: None,
        class: None,
        flaky: false,
        resumed: false,
        ignored: false,
        allow_failure: false,
        recovering: false,
        why: String::new(),
    }
}

/// One that did not run.
pub fn skipped_task() -> TaskItem {
    TaskItem {
        task: "release_gate".parse().unwrap(),
        state: TaskWord::Skipped,
        attempts: 0,
        node: None,
        fraction: None,
        why: "after visual.passed: visual is parked".to_owned(),
        ..running_task()
    }
}

/// One that lost its node and went on from a checkpoint.
pub fn resumed_task() -> TaskDetail {
    let lost = AttemptView {
        waited_ms: Millis(94_000),
        placed: "lock browserstack was full; n2 had 1 of 4 slots free".to_owned(),
        ended: Some(at(98)),
        outcome: Some(AttemptOutcome::Lost),
        took_ms: Millis(91_000),
        class: Some(FailureClass::NodeLost),
        certain: Some(true),
        evidence: "n2 silent for 30.0s".to_owned(),
        rule: Some("lost_node".to_owned()),
        decided: Some("retry at once, 1 of 5 (poison no: nodes_lost 1; lost_node yes)".to_owned()),
        stale: 1,
        ..attempt(1, "n2", 7)
    };
    let passed = AttemptView {
        resumes: true,
        ended: Some(at(222)),
        outcome: Some(AttemptOutcome::Passed),
        exit: Some(0),
        position: 88_190,
        ..attempt(2, "n5", 98)
    };
    let item = TaskItem {
        task: "browser:chrome:7".parse().unwrap(),
        state: TaskWord::Passed,
        attempts: 2,
        node: "n5".parse().ok(),
        took_ms: Some(Millis(124_000)),
        fraction: None,
        resumed: true,
        ..running_task()
    };
    TaskDetail {
        tries: vec![lost, passed],
        counters: CounterView { infra: 1, ..CounterView::default() },
        uses: vec![RuleUses { rule: "lost_node".to_owned(), uses: 1 }],
        lost_nodes: vec!["n2".parse().unwrap()],
        ..detail(item)
    }
}

/// One that waits for a person.
pub fn parked_task() -> TaskDetail {
    let why = "tries used up, no verdict on the test".to_owned();
    let last = AttemptView {
        ended: Some(at(335)),
        outcome: Some(AttemptOutcome::Failed),
        took_ms: Millis(37_000),
        class: Some(FailureClass::OutOfMemory),
        certain: Some(true),
        evidence: "8192 of 8192 MiB".to_owned(),
        rule: Some("spent".to_owned()),
        decided: Some(format!("park: {why}")),
        ..attempt(3, "n1", 298)
    };
    let item = TaskItem {
        task: "visual".parse().unwrap(),
        state: TaskWord::Parked,
        attempts: 3,
        took_ms: Some(Millis(37_000)),
        class: Some(FailureClass::OutOfMemory),
        why: why.clone(),
        fraction: None,
        ..running_task()
    };
    let person = WaitView::Person { since: at(335), rule: "spent".to_owned(), why };
    TaskDetail { tries: vec![last], waits: vec![person], ..detail(item) }
}

/// The same in the list of what waits for people.
pub fn parked() -> ParkedView {
    ParkedView {
        execution: "nightly-web-118".parse().unwrap(),
        task: "visual".parse().unwrap(),
        since: at(335),
        class: Some(FailureClass::OutOfMemory),
        evidence: "8192 of 8192 MiB".to_owned(),
        node: "n1".parse().ok(),
        tries: 3,
        blocks: vec!["release_gate".parse().unwrap()],
        blocked: 1,
        rule: "spent".to_owned(),
        why: "tries used up, no verdict on the test".to_owned(),
    }
}

fn detail(item: TaskItem) -> TaskDetail {
    TaskDetail {
        pool: "default".parse().unwrap(),
        item,
        policy: "default@3".parse().ok(),
        needs: Needs::default(),
        run: vec!["true".to_owned()],
        timeout_ms: Millis(3_600_000),
        waits: Vec::new(),
        tries: Vec::new(),
        counters: CounterView::default(),
        uses: Vec::new(),
        lost_nodes: Vec::new(),
        checkpoint: None,
        checkpoint_at: None,
        position: 88_377,
    }
}

fn attempt(number: u32, node: &str, second: u64) -> AttemptView {
    AttemptView {
        name: format!("nightly-web-118/task@{number}"),
        attempt: number,
        node: node.parse().unwrap(),
        zone: "a".to_owned(),
        lease: "j5.0.4.88095.0".parse().unwrap(),
        dispatched: at(second),
        waited_ms: Millis(0),
        placed: format!("{node} had 2 of 4 slots free"),
        resumes: false,
        accepted: None,
        started: Some(at(second)),
        ended: None,
        outcome: None,
        took_ms: Millis(124_000),
        fraction: None,
        note: None,
        cancelling: None,
        exit: None,
        signal: None,
        max_rss_mb: 0,
        cpu_ms: Millis(0),
        class: None,
        certain: None,
        evidence: String::new(),
        rule: None,
        decided: None,
        stale: 0,
        position: 88_121,
    }
}
