//! A short execution as the journal tells it: one task passes, one is lost and goes on, one fails, one is skipped.

use gateway::view::JournalLine;
use serde_json::{Value, json};

use super::at;

/// Its events.
pub fn journal() -> Vec<JournalLine> {
    let person = json!({ "person": { "who": "ada", "key": "k1", "reason": "nightly" } });
    let engine = || json!("engine");
    let begun = json!({ "kind": "execution_started", "execution": 118, "key": "k1", "policies": [] });
    let result = |task, result| json!({ "kind": "task_ended", "at": x(task), "result": result });
    let skipped = json!({ "kind": "task_skipped", "at": x(2), "because": 1, "how": "after" });
    let over = json!({ "kind": "execution_ended", "execution": 118, "round": 1, "state": "failed" });
    let output = "started\nexpected 200, got 502\n";
    vec![
        line((9, 0, 0), None, person, begun),
        line((9, 1, 0), Some("build"), engine(), dispatched(0, 1, "n1", false)),
        line((9, 2, 0), Some("chrome"), engine(), dispatched(1, 1, "n2", false)),
        line((11, 0, 41), Some("build"), by("n1"), ended(0, "n1", "passed", exit(0, ""))),
        line((11, 1, 41), Some("build"), engine(), result(0, "passed")),
        line((12, 0, 98), Some("chrome"), engine(), ended(1, "n2", "lost", Value::Null)),
        line((12, 1, 98), Some("chrome"), engine(), class(1, "node_lost", "n2 silent for 30.0s")),
        line((12, 2, 98), Some("chrome"), engine(), decided(1, "lost_node", "retry", [1, 5])),
        line((12, 3, 98), Some("chrome"), engine(), dispatched(1, 2, "n5", true)),
        line((14, 0, 120), Some("chrome"), by("n5"), ended(1, "n5", "failed", exit(1, output))),
        line((14, 1, 120), Some("chrome"), engine(), class(1, "test_failure", "exit 1")),
        line((14, 2, 120), Some("chrome"), engine(), decided(1, "verdict", "fail", [1, 1])),
        line((14, 3, 120), Some("chrome"), engine(), result(1, "failed")),
        line((14, 4, 120), Some("gate"), engine(), skipped),
        line((15, 0, 121), None, engine(), over),
    ]
}

fn x(task: u32) -> Value {
    json!({ "x": 118, "t": task })
}

fn dispatched(task: u32, attempt: u32, node: &str, resumes: bool) -> Value {
    json!({
        "kind": "attempt_dispatched", "at": x(task), "attempt": attempt, "lease": "j5.0.4.9.1", "node": node,
        "boot": "b1", "after_beat": 1, "after_up_ms": 5, "expires_ms": 20000, "needs": {}, "resumes": resumes, "waited_ms": 1500,
        "why": format!("{node} had 2 of 2 slots free")
    })
}

fn ended(task: u32, node: &str, outcome: &str, end: Value) -> Value {
    json!({ "kind": "attempt_ended", "at": x(task), "attempt": 1, "lease": "j5.0.4.9.1", "node": node,
            "outcome": outcome, "end": end })
}

fn exit(exit: i32, tail: &str) -> Value {
    json!({ "exit": exit, "signal": null, "cause": "exit", "tail": tail })
}

fn class(task: u32, class: &str, evidence: &str) -> Value {
    json!({ "kind": "failure_classified", "at": x(task), "attempt": 1, "class": class, "certain": true,
            "signature": "s", "evidence": evidence })
}

fn decided(task: u32, rule: &str, action: &str, uses: [u32; 2]) -> Value {
    json!({ "kind": "retry_decided", "at": x(task), "attempt": 1, "policy": "default@3", "rule": rule,
            "path": [], "action": action, "uses": uses, "delay_ms": 0, "place": "any", "needs": null,
            "drop_checkpoint": false, "why": "" })
}

fn by(node: &str) -> Value {
    json!({ "node": { "node": node, "boot": "b1", "seq": 7 } })
}

/// A line at a place (entry, event) and a second.
fn line((position, index, second): (u64, u32, u64), task: Option<&str>, by: Value, event: Value) -> JournalLine {
    let of_attempt = event.get("attempt").cloned();
    let line = json!({
        "position": position, "index": index, "at": at(second), "pool": "default", "kind": event["kind"], "by": by,
        "execution": "nightly-web-118", "task": task, "attempt": of_attempt, "node": event.get("node"), "event": event
    });
    serde_json::from_value(line).unwrap()
}
