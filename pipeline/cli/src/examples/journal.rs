//! A short execution as the journal tells it: one task passes, one is lost and goes on, one fails, one is skipped.

use gateway::view::JournalLine;
use serde_json::{Value, json};

use super::at;

/// Its events.
pub fn journal() -> Vec<JournalLine> {
    let person = json!({ "person": { "who": "ada", "key": "k1", "reason": "nightly" } });
    let x = |task: u32| json!({ "x": 118, "t": task });
    let dispatched = |task: u32, attempt: u32, node: &str, resumes: bool| {
        json!({
            "kind": "attempt_dispatched", "at": x(task), "attempt": attempt, "lease": "j5.0.4.9.1", "node": node,
            "boot": "b1", "after_beat": 1, "after_up_ms": 5, "needs": {}, "resumes": resumes, "waited_ms": 1500,
            "why": format!("{node} had 2 of 2 slots free")
        })
    };
    let ended = |task: u32, node: &str, outcome: &str, end: Value| {
        json!({ "kind": "attempt_ended", "at": x(task), "attempt": 1, "lease": "j5.0.4.9.1", "node": node,
                "outcome": outcome, "end": end })
    };
    let class = |task: u32, class: &str, evidence: &str| {
        json!({ "kind": "failure_classified", "at": x(task), "attempt": 1, "class": class, "certain": true,
                "signature": "s", "evidence": evidence })
    };
    let decided = |task: u32, rule: &str, action: &str, uses: [u32; 2]| {
        json!({ "kind": "retry_decided", "at": x(task), "attempt": 1, "policy": "default@3", "rule": rule,
                "path": [], "action": action, "uses": uses, "delay_ms": 0, "place": "any", "needs": null,
                "drop_checkpoint": false, "why": "" })
    };
    let exit = |exit: i32, tail: &str| json!({ "exit": exit, "signal": null, "cause": "exit", "tail": tail });
    vec![
        line(
            9,
            0,
            0,
            None,
            person,
            json!({ "kind": "execution_started", "execution": 118, "key": "k1", "policies": [] }),
        ),
        line(9, 1, 0, Some("build"), json!("engine"), dispatched(0, 1, "n1", false)),
        line(9, 2, 0, Some("chrome"), json!("engine"), dispatched(1, 1, "n2", false)),
        line(11, 0, 41, Some("build"), by("n1"), ended(0, "n1", "passed", exit(0, ""))),
        line(
            11,
            1,
            41,
            Some("build"),
            json!("engine"),
            json!({ "kind": "task_ended", "at": x(0), "result": "passed" }),
        ),
        line(12, 0, 98, Some("chrome"), json!("engine"), ended(1, "n2", "lost", Value::Null)),
        line(12, 1, 98, Some("chrome"), json!("engine"), class(1, "node_lost", "n2 silent for 30.0s")),
        line(12, 2, 98, Some("chrome"), json!("engine"), decided(1, "lost_node", "retry", [1, 5])),
        line(12, 3, 98, Some("chrome"), json!("engine"), dispatched(1, 2, "n5", true)),
        line(
            14,
            0,
            120,
            Some("chrome"),
            by("n5"),
            ended(1, "n5", "failed", exit(1, "started\nexpected 200, got 502\n")),
        ),
        line(14, 1, 120, Some("chrome"), json!("engine"), class(1, "test_failure", "exit 1")),
        line(14, 2, 120, Some("chrome"), json!("engine"), decided(1, "verdict", "fail", [1, 1])),
        line(
            14,
            3,
            120,
            Some("chrome"),
            json!("engine"),
            json!({ "kind": "task_ended", "at": x(1), "result": "failed" }),
        ),
        line(
            14,
            4,
            120,
            Some("gate"),
            json!("engine"),
            json!({ "kind": "task_skipped", "at": x(2), "because": 1, "how": "after" }),
        ),
        line(
            15,
            0,
            121,
            None,
            json!("engine"),
            json!({ "kind": "execution_ended", "execution": 118, "round": 1, "state": "failed" }),
        ),
    ]
}

fn by(node: &str) -> Value {
    json!({ "node": { "node": node, "boot": "b1", "seq": 7 } })
}

fn line(position: u64, index: u32, second: u64, task: Option<&str>, by: Value, event: Value) -> JournalLine {
    let of_attempt = event.get("attempt").cloned();
    let line = json!({
        "position": position, "index": index, "at": at(second), "pool": "default", "kind": event["kind"], "by": by,
        "execution": "nightly-web-118", "task": task, "attempt": of_attempt, "node": event.get("node"), "event": event
    });
    serde_json::from_value(line).unwrap()
}
