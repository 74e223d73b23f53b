//! What people do to an execution: each is journaled with who and why, and the same key is the same request.

use gateway::view::{Done, ExecutionView, JournalLine, Page, Submitted, TaskWord, WaitView};
use model::By;
use operators::state::Standing;

use crate::client::ask;
use crate::node::Node;
use crate::stage::stage;

#[tokio::test]
async fn pause_resume_cancel_and_retry_are_answered_when_they_are_decided() {
    let stage = stage().await;
    stage.submit("tasks: { build: { run: make } }").await;
    let done: Done = stage.post("/v1/executions/web-1/pause", r#"{"reason":"kernel update"}"#).await.read();
    let paused = done.execution.unwrap();
    assert_eq!((paused.state, paused.paused, done.position <= paused.position), (Standing::Paused, true, true));
    let task = stage.task("build", |task| task.item.state == TaskWord::Ready).await;
    assert_eq!(task.waits[0], WaitView::Resume);
    let page: Page<JournalLine> = stage.read("/v1/journal?kind=execution_paused").await;
    let By::Person { reason, who, .. } = &page.items[0].by else { panic!("{page:?}") };
    assert_eq!(reason, "kernel update");
    assert!(!who.is_empty() && who != "token", "the name of the socket's peer");

    let resumed: Done = stage.post("/v1/executions/web-1/resume", "").await.read();
    assert!(!resumed.execution.unwrap().paused);
    let refused = stage.post("/v1/executions/web-1/retry", "{}").await.problem();
    assert_eq!((refused.status, refused.kind.as_str()), (409, "not-now"));
    let cancelled: Done = stage.post("/v1/executions/web-1/cancel", r#"{"kill":true}"#).await.read();
    assert!(cancelled.execution.unwrap().cancelled.is_some());
    assert_eq!(stage.ended("web-1").await.state, Standing::Cancelled);

    let mut node = Node::join(stage.way(), "n1", 1).await;
    let retried: Done = stage.post("/v1/executions/web-1/retry", r#"{"from":"build"}"#).await.read();
    assert_eq!(retried.execution.unwrap().round, 2);
    node.ends(1, r#""exit":0,"cause":"exit""#).await;
    assert_eq!(stage.ended("web-1").await.state, Standing::Completed);
    stage.stop().await;
}

#[tokio::test]
async fn the_same_key_is_the_same_request_and_another_content_is_refused() {
    let stage = stage().await;
    let headers = [("content-type", "application/yaml"), ("idempotency-key", "nightly-2026-03-14")];
    let submit = async |flow: &'static str| ask(&stage.way(), "POST", "/v1/executions", &headers, flow).await;
    let first: Submitted = submit("tasks: { a: { run: x } }").await.read();
    let again: Submitted = submit("tasks: { a: { run: x } }").await.read();
    assert_eq!(first.execution.execution, again.execution.execution);
    let other = submit("tasks: { b: { run: x } }").await.problem();
    assert_eq!((other.status, other.kind.as_str()), (422, "key-reused"));
    let page: Page<ExecutionView> = stage.read("/v1/executions").await;
    assert_eq!(page.items.len(), 1);
    stage.stop().await;
}

#[tokio::test]
async fn a_large_flow_comes_in_parts_and_warnings_say_what_to_look_at() {
    let stage = stage().await;
    let env = "v".repeat(20_000);
    let task = |n: u32| format!("  t{n}: {{ run: x, env: {{ V: {env} }}, needs: {{ labels: {{ os: plan9 }} }} }}\n");
    let flow = format!("locks: {{ db: 1 }}\ntasks:\n{}", (0..30).map(task).collect::<String>());
    let yaml = [("content-type", "application/yaml")];
    let answer = ask(&stage.way(), "POST", "/v1/executions?priority=high", &yaml, flow).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["location"]), (201, &"/v1/executions/flow-1".parse().unwrap()));
    let submitted: Submitted = answer.read();
    assert_eq!((submitted.execution.tasks.total, submitted.execution.priority), (30, Some(model::Priority::High)));
    assert_eq!(submitted.warnings, ["t0 waits for a node: no node is present"]);
    let parts: Page<JournalLine> = stage.read("/v1/journal?kind=flow_part").await;
    assert!(parts.items.len() > 3, "{}", parts.items.len());
    let other = "{ locks: { db: 2 }, tasks: { a: { run: x, needs: { locks: [db] } } } }";
    let submitted: Submitted = ask(&stage.way(), "POST", "/v1/executions", &yaml, other).await.read();
    assert_eq!(submitted.warnings[0], "lock db had 1 permits in this pool, and has 2 from now on");
    stage.stop().await;
}

#[tokio::test]
async fn a_newer_stream_of_a_node_ends_the_older() {
    let stage = stage().await;
    let mut old = Node::join(stage.way(), "n1", 1).await;
    let _new = Node::join(stage.way(), "n1", 1).await;
    old.stream_ends().await;
    stage.stop().await;
}
